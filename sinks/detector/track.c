/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes from their first record to their last row: their family and their last samples. */
#include <errno.h>
#include <stdlib.h>

#include "sinks/detector/detector.h"

static uint64_t key_of(const struct model_run *run, uint32_t pid, uint64_t start)
{
	return hash__number(hash__number(run->index, pid), start);
}

static struct track *track__of(struct hash_node *node)
{
	return (struct track *)((char *)node - offsetof(struct track, node));
}

struct track *track__find(const struct verdicts *verdicts, const struct model_run *run, uint32_t pid, uint64_t start)
{
	struct hash_node *node = hash__first(&verdicts->tracks, key_of(run, pid, start));

	for (; node; node = hash__next(node)) {
		struct track *track = track__of(node);

		if (track->pid == pid && track->start == start && track->run == run)
			return track;
	}
	return NULL;
}

static void unref(struct track *track)
{
	while (track && !--track->refs) {
		struct track *parent = track->parent;

		free(track);
		track = parent;
	}
}

struct track *track__new(struct verdicts *verdicts, const struct model_run *run, const struct record *record,
			 struct track *parent)
{
	struct track *track = calloc(1, sizeof(*track) + DETECTORS * sizeof(*track->room));

	if (!track || !verdict_run__of(verdicts, run) ||
	    hash__add(&verdicts->tracks, &track->node, key_of(run, record->pid, record->start))) {
		free(track);
		return NULL;
	}
	track->refs = 1;
	track->pid = record->pid;
	track->start = record->start;
	track->run = run;
	track->first_ts = record->ts;
	track->exited_ns = track->released_ns = EVENT_NULL(MODEL_REASON_ABSENT);
	for (int i = 0; i < TRACK_FIGURES; i++)
		track->figure[i] = track->before[i] = EVENT_NULL(MODEL_REASON_ABSENT);
	if (parent && parent->start <= track->start) { /* else a forged stream could make a ring of parents */
		track->parent = parent;
		track->of_fork = !parent->image_ns;
		track->exe = parent->exe;
		track->shape = parent->shape;
		track->exact = parent->exact;
		parent->refs++;
		parent->children++;
		parent->living++;
	}
	return track;
}

/* Its own parent has ended before it: another waits for it. */
static void adopt(struct track *track, struct track *parent)
{
	if (track->parent)
		track->parent->living--;
	unref(track->parent);
	track->parent = parent;
	parent->refs++;
	parent->living++;
}

void track__ended(struct track *track, uint64_t ts, struct track *parent)
{
	if (!EVENT_IS_NULL(track->exited_ns))
		return;
	if (parent && parent != track->parent && parent->start < track->start)
		adopt(track, parent);
	track->exited_ns = ts;
	if (!track->parent)
		return;
	track->parent->living--;
	track->parent->owed++;
}

static bool is_same(const struct gone_active *a, const struct gone_active *b)
{
	return a->pid == b->pid && a->start == b->start && a->of == b->of && a->of_start == b->of_start;
}

/* Notes with its parent when one of its children last got on. */
static void keep_active(struct verdicts *verdicts, const struct track *track)
{
	struct gone_active *gone = verdicts->runs[track->run->index]->gone, found = {0};
	uint32_t i = 0;

	if (!track->parent)
		return;
	found = (struct gone_active){
		.pid = track->parent->pid, .start = track->parent->start, .active_ns = track->active_ns};
	if (track->children) {
		found.of = track->pid;
		found.of_start = track->start;
	}
	while (i < GONE_ACTIVE - 1 && !is_same(&gone[i], &found))
		i++;
	if (is_same(&gone[i], &found) && gone[i].active_ns > found.active_ns)
		found.active_ns = gone[i].active_ns;
	memmove(gone + 1, gone, i * sizeof(*gone));
	gone[0] = found;
}

void track__use(struct verdicts *verdicts, struct track *track, enum track_used what, uint64_t total)
{
	if (EVENT_IS_NULL(total) || total <= track->used[what])
		return;
	verdicts->runs[track->run->index]->used[what] += total - track->used[what];
	track->used[what] = total;
}

void track__add_to_family(struct track *track, const struct model_row *row)
{
	struct track *parent = track->parent && !track->parent->gone ? track->parent : NULL;

	if (!parent)
		return;
	parent->family_cpu_ns += track->family_cpu_ns + (EVENT_IS_NULL(row->cpu_ns) ? 0 : row->cpu_ns);
	parent->family_read +=
		track->family_read + (EVENT_IS_NULL(row->io[MODEL_IO_READ_CHARS]) ? 0 : row->io[MODEL_IO_READ_CHARS]);
}

void track__over(struct verdicts *verdicts, struct track *track)
{
	track__ended(track, track->run->last_ts, NULL);
	keep_active(verdicts, track);
	hash__remove(&verdicts->tracks, &track->node);
	track->over = true;
}

bool track__is_owed(const struct track *track)
{
	return !track->over || track->owed;
}

struct track *track__forget(struct track *track)
{
	struct track *parent = track->parent && !track->parent->gone ? track->parent : NULL;

	for (int i = 0; i < DETECTORS; i++) {
		free(track->room[i]);
		track->room[i] = NULL;
	}
	track->gone = true;
	if (parent)
		parent->owed--;
	unref(track);
	return parent;
}

const struct model_row *track__row(const struct verdicts *verdicts, const struct track *track)
{
	return model__living(verdicts->model, track->run, track->pid, track->start);
}

void *track__room(struct track *track, const struct detector *detector)
{
	void **room = &track->room[detector->index];

	if (!*room)
		*room = calloc(1, detector->room);
	return *room;
}

void *track__has_room(const struct track *track, const struct detector *detector)
{
	return track->room[detector->index];
}

static int by_age(const void *a, const void *b)
{
	const struct track *x = track__of(*(struct hash_node *const *)a), *y = track__of(*(struct hash_node *const *)b);

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

struct track **tracks__sorted(const struct verdicts *verdicts, size_t *count)
{
	struct hash_node **nodes = hash__sorted(&verdicts->tracks, by_age);
	struct track **tracks = nodes ? calloc(verdicts->tracks.count + 1, sizeof(*tracks)) : NULL;

	*count = tracks ? verdicts->tracks.count : 0;
	for (size_t i = 0; i < *count; i++)
		tracks[i] = track__of(nodes[i]);
	free(nodes);
	return tracks;
}

uint64_t track__grown(const struct track *track, enum track_figure figure)
{
	uint64_t now = track->figure[figure], before = track->before[figure];

	return EVENT_IS_NULL(now) || EVENT_IS_NULL(before) || now < before ? 0 : now - before;
}

/* ---- what processes look like, without their names ---- */

static uint64_t hash_text(uint64_t seed, const char *data, size_t length)
{
	return hash__bytes(seed, data, length) | 1;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* With the points of decimals. */
static bool is_of_number(const char *item, uint32_t i, uint32_t length)
{
	return is_digit(item[i]) ||
	       (item[i] == '.' && i && i + 1 < length && is_digit(item[i - 1]) && is_digit(item[i + 1]));
}

static uint64_t hash_without_numbers(uint64_t seed, const char *item, uint32_t length)
{
	char kept[256];
	size_t n = 0;

	for (uint32_t i = 0; i < length && n < sizeof(kept); i++)
		if (!is_of_number(item, i, length))
			kept[n++] = item[i];
	return hash_text(seed, kept, n);
}

/* ---- program text: what `sh -c` and alike are given in one argument ---- */

static bool is_one_of(char c, const char *set)
{
	return c && strchr(set, c);
}

static bool is_text(const char *item, uint32_t length)
{
	for (uint32_t i = 0; i < length; i++)
		if (is_one_of(item[i], " \t\n;|&()"))
			return true;
	return false;
}

/* A file's name, which is data: no number, and not what is called. */
static bool is_file_name(const char *word, uint32_t length, char after)
{
	bool named = memchr(word, '/', length) || memchr(word, '.', length);

	for (uint32_t i = 0; i < length && named && after != '('; i++)
		if (!is_digit(word[i]) && word[i] != '.')
			return true;
	return false;
}

/* Of a file's name only its suffix. */
static uint64_t hash_name(uint64_t seed, const char *word, uint32_t length)
{
	const char *slash = memrchr(word, '/', length), *from = slash ? slash : word;
	const char *dot = memrchr(from, '.', length - (uint32_t)(from - word));

	return dot ? hash_without_numbers(seed, dot, length - (uint32_t)(dot - word)) : hash_text(seed, "/", 1);
}

#define NAMING_WORDS 2 /* the first ones of a command say what it does: a program, its script or subcommand */

/* Without numbers and names of files. */
static uint64_t hash_program(const char *item, uint32_t length)
{
	static const char apart[] = " \t\n;|&()<>\"'`=,:";
	uint64_t hash = 1;
	uint32_t word = 0; /* of its command */

	for (uint32_t i = 0, end; i < length; i = end) {
		for (end = i; end < length && !is_one_of(item[end], apart);)
			end++;
		if (end == i) {
			bool call = item[i] == '(' && i && !is_one_of(item[i - 1], apart);

			word = is_one_of(item[i], "\n;|&(") && !call ? 0 : word;
			hash = hash_text(hash, &item[end++], 1);
		} else if (word++ >= NAMING_WORDS && is_file_name(&item[i], end - i, end < length ? item[end] : '\0')) {
			hash = hash_name(hash, &item[i], end - i);
		} else {
			hash = hash_without_numbers(hash, &item[i], end - i);
		}
	}
	return hash;
}

/* ---- folders ---- */

static bool is_of_hash(const char *item, uint32_t length)
{
	for (uint32_t i = 0; i < length; i++)
		if (!is_digit(item[i]) && (item[i] < 'a' || item[i] > 'f'))
			return false;
	return length >= 2;
}

static bool has_digit(const char *item, uint32_t length)
{
	for (uint32_t i = 0; i < length; i++)
		if (is_digit(item[i]))
			return true;
	return false;
}

/* Without numbers, nor folders in a row that look like hash values, with a digit in one of them: "work/e5/aa41fc". */
static uint64_t hash_folder(const char *path, uint32_t length)
{
	char kept[256];
	size_t n = 0, row = 0;
	bool digit = false;

	for (uint32_t i = 0; i < length;) {
		const char *slash = memchr(path + i, '/', length - i), *item = path + i;
		uint32_t size = slash ? (uint32_t)(slash - item) : length - i;
		bool hash = is_of_hash(item, size);

		digit = hash && (digit || has_digit(item, size));
		for (uint32_t k = 0; k < size && n < sizeof(kept); k++)
			if (!is_of_number(item, k, size))
				kept[n++] = item[k];
		if (n < sizeof(kept))
			kept[n++] = '/';
		if (!hash)
			row = n;
		else if (digit)
			n = row;
		i += size + 1;
	}
	return hash_text(0, kept, n);
}

static void hash_arguments(struct track *track, const struct value *args, const uint8_t *end)
{
	const uint8_t *at = args->items;
	const char *item;
	uint32_t length;

	track->words_count = args->length <= TRACK_WORDS ? args->length : 0;
	track->texts = 0;
	for (uint32_t i = 0; i < args->length && value__item(&at, end, &item, &length); i++) {
		if (i < TRACK_WORDS) {
			bool text = is_text(item, length);

			track->texts |= (uint32_t)text << i;
			track->words[i] =
				(uint32_t)(text ? hash_program(item, length) : hash_without_numbers(0, item, length));
		}
		track->shape = hash_without_numbers(track->shape, item, length);
		track->exact = hash_text(track->exact, item, length);
	}
}

/* A time as sleep(1) takes it: "0.5", "5s", "2m"; ns. 0: it is none. */
static uint64_t time_of(const char *item, uint32_t length)
{
	static const struct {
		char suffix;
		double seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
	double seconds = 0, digit = 1;
	uint32_t i = 0;

	for (; i < length && i < 9 && is_digit(item[i]); i++)
		seconds = 10 * seconds + item[i] - '0';
	if (i < length && item[i] == '.')
		for (i++; i < length && is_digit(item[i]); i++)
			seconds += (item[i] - '0') * (digit /= 10);
	for (size_t k = 0; i + 1 == length && k < sizeof(units) / sizeof(*units); k++)
		if (item[i] == units[k].suffix)
			return (uint64_t)(seconds * units[k].seconds * 1e9);
	return i == length ? (uint64_t)(seconds * 1e9) : 0;
}

/* The only one beside the name. */
static uint64_t asked_time(const struct value *args, const uint8_t *end)
{
	const uint8_t *at = args->items;
	const char *item;
	uint32_t length;

	return args->length == 2 && value__item(&at, end, &item, &length) && value__item(&at, end, &item, &length)
		       ? time_of(item, length)
		       : 0;
}

/* Alike are the tasks of one kind, in folders that differ in numbers: another folder may have other work. */
void track__executed(struct track *track, uint64_t ts, const struct value *exe, const struct value *args,
		     const struct value *cwd, const uint8_t *end)
{
	track->image_ns = ts;
	track->exe = exe->type == VALUE_STRING ? hash_text(0, exe->string, exe->length) : 0;
	track->shape = track->exact = track->exe;
	if (args->type == VALUE_LIST) {
		hash_arguments(track, args, end);
		track->asked_ns = asked_time(args, end);
	}
	track->folder = 0;
	if (cwd->type == VALUE_STRING) {
		track->shape = hash_without_numbers(track->shape, cwd->string, cwd->length);
		track->folder = hash_folder(cwd->string, cwd->length);
	}
}

/* ---- samples ---- */

#define ACTIVE_NS 3000000ULL /* of CPU: more than it takes to look around */

void track__sample(struct track *track, enum track_event event, uint64_t ts, const struct value *const *fields)
{
	static const enum track_figure of[TRACK_EVENTS][2] = {
		[TRACK_CPU_SAMPLE] = {TRACK_CPU, TRACK_ANON},
		[TRACK_MEM_SAMPLE] = {TRACK_ANON, TRACK_READ_CHARS},
		[TRACK_IO_SAMPLE] = {TRACK_READ_CHARS, TRACK_FIGURES},
	};
	uint64_t was_ns = track->sampled_ns[event] ? track->sampled_ns[event] : track->first_ts;

	for (enum track_figure i = of[event][0]; i < of[event][1]; i++) {
		track->before[i] = track->figure[i];
		track->figure[i] = value__number(fields[i - of[event][0]]);
	}
	track->before_ns[event] = was_ns;
	track->sampled_ns[event] = ts;
	if (event == TRACK_CPU_SAMPLE && track__grown(track, TRACK_CPU) >= ACTIVE_NS)
		track->active_ns = ts;
	if (event == TRACK_IO_SAMPLE &&
	    (track__grown(track, TRACK_READ_CHARS) || track__grown(track, TRACK_WRITE_CHARS)))
		track->active_ns = ts;
}
