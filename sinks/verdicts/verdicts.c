/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of detectors, and what passes records and the model's calls on to them. */
#include "sinks/verdicts/verdicts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/detector/detector.h"

#define ALL(each)                                                                                                  \
	each(graph) each(retry_loop) each(ticks) each(oom) each(disk_full) each(missing_tool) each(hidden_failure) \
		each(outlived) each(recursion) each(fork_storm) each(spin) each(leak) each(thrash) each(throttled) \
			each(quota) each(io_bound) each(straggler) each(zombie)
#define DETECTOR(name) &detector_##name,
#define ABOUT(name) &detector_##name.about,

static const struct detector *const detectors[] = {ALL(DETECTOR)};
const struct sink_verdict *const verdicts_about[] = {ALL(ABOUT) NULL};
#define COUNT (sizeof(detectors) / sizeof(*detectors))

/* Calls a function of each detector that has it; ends at the first that fails. */
#define EACH(err, function, ...)                              \
	for (size_t each = 0; each < COUNT && !(err); each++) \
		if (detectors[each]->function)                \
	(err) = detectors[each]->function(__VA_ARGS__)

bool verdict_kind__fails(enum verdict_kind kind)
{
	return kind == VERDICT_HIDDEN_FAILURE || kind == VERDICT_OOM || kind == VERDICT_MISSING_TOOL;
}

const char *verdict_certainty__name(enum verdict_certainty certainty)
{
	static const char *const names[] = {"suspected", "likely", "proven"};

	return names[certainty];
}

/* ---- the frame's own events ---- */

enum { PPID, PARENT_START, EXE, ARGS, CWD };

static struct track *parent_of(const struct seen *seen)
{
	uint64_t ppid = value__number(seen->field[PPID]), start = value__number(seen->field[PARENT_START]);

	if (EVENT_IS_NULL(ppid) || EVENT_IS_NULL(start))
		return NULL;
	return track__find(seen->verdicts, seen->run, (uint32_t)ppid, start);
}

static int born(const struct seen *seen, struct track **track)
{
	int err = 0;

	*track = seen->track;
	if (*track)
		return 0;
	*track = track__new(seen->verdicts, seen->run, seen->record, parent_of(seen));
	if (!*track)
		return -ENOMEM;
	EACH(err, forked, seen->verdicts, *track);
	return err;
}

static int take_fork(const struct seen *seen)
{
	struct track *track;

	return born(seen, &track);
}

static int take_exec(const struct seen *seen)
{
	struct track *track;
	int err = born(seen, &track);

	if (err)
		return err;
	track__executed(track, seen->record->ts, seen->field[EXE], seen->field[ARGS], seen->field[CWD], seen->end);
	EACH(err, executed, seen->verdicts, track);
	return err;
}

/* Of an end, after those of parent_of(). */
enum { END_SIGNAL = 2, END_SENDER, END_CODE };

static bool is_signalled(const struct seen *seen)
{
	uint64_t signal = value__number(seen->field[END_SIGNAL]), code = value__number(seen->field[END_CODE]);

	return (!EVENT_IS_NULL(signal) && signal) ||
	       (seen->field[END_SENDER]->type == VALUE_STRING && !EVENT_IS_NULL(code) && code);
}

static int take_exit(const struct seen *seen)
{
	struct track *track;
	int err = born(seen, &track);

	if (err || !EVENT_IS_NULL(track->exited_ns))
		return err;
	track->signalled = is_signalled(seen);
	track__ended(track, seen->record->ts, parent_of(seen));
	EACH(err, exited, seen->verdicts, track);
	return err;
}

static void use(const struct seen *seen, enum track_used what, int field)
{
	if (seen->track)
		track__use(seen->verdicts, seen->track, what, value__number(seen->field[field]));
}

static int take_sample(const struct seen *seen, enum track_event event)
{
	int err = 0;

	if (!seen->track || !EVENT_IS_NULL(seen->track->exited_ns))
		return 0;
	track__sample(seen->track, event, seen->record->ts, seen->field);
	EACH(err, sampled, seen->verdicts, seen->track, event);
	return err;
}

/* After the figures of a sample of the CPU. */
enum { STATE = TRACK_ANON };

static int take_cpu(const struct seen *seen)
{
	const struct value *state = seen->field[STATE];

	if (seen->track && state->type == VALUE_STRING && state->length)
		seen->track->state = state->string[0];
	use(seen, TRACK_USED_CPU, 0);
	return take_sample(seen, TRACK_CPU_SAMPLE);
}

static void note_mapped(struct track *track, const struct value *file)
{
	uint64_t bytes = value__number(file);

	if (track && !EVENT_IS_NULL(bytes) && bytes > track->mapped)
		track->mapped = bytes;
}

static int take_mem(const struct seen *seen)
{
	note_mapped(seen->track, seen->field[TRACK_FILE - TRACK_ANON]);
	return take_sample(seen, TRACK_MEM_SAMPLE);
}

static int take_mem_exit(const struct seen *seen)
{
	note_mapped(seen->track, seen->field[0]);
	return 0;
}

static int take_io(const struct seen *seen)
{
	use(seen, TRACK_USED_READ, 0);
	use(seen, TRACK_USED_WRITTEN, 1);
	return take_sample(seen, TRACK_IO_SAMPLE);
}

/* The kernel has closed the account: the parent has waited for the process. */
static int take_release(const struct seen *seen)
{
	const struct value *final = seen->field[0];
	struct track *track = seen->track;
	int err = 0;

	if (!track || !EVENT_IS_NULL(track->released_ns) || final->type != VALUE_BOOL || !final->boolean)
		return 0;
	track->released_ns = seen->record->ts;
	EACH(err, released, seen->verdicts, track);
	return err;
}

static int take_cpu_exit(const struct seen *seen)
{
	use(seen, TRACK_USED_CPU, 1);
	return take_release(seen);
}

static int take_io_exit(const struct seen *seen)
{
	use(seen, TRACK_USED_READ, 1);
	use(seen, TRACK_USED_WRITTEN, 2);
	return take_release(seen);
}

static const struct detector_role own_roles[] = {
	{"lifecycle", "fork", take_fork, {"ppid", "parent_start"}},
	{"lifecycle", "exec", take_exec, {"ppid", "parent_start", "exe", "args", "cwd"}},
	{"lifecycle", "alive", take_exec, {"ppid", "parent_start", "exe", "args", "cwd"}},
	{"lifecycle", "exit", take_exit, {"ppid", "parent_start", "signal", "sender", "exit_code"}},
	{"cpu",
	 "sample",
	 take_cpu,
	 {"cpu_ns", "voluntary_switches", "involuntary_switches", "run_delay_ns", "threads", "cpus_allowed",
	  "in_iowait", "quota_ns", "period_ns", "periods", "throttled_periods", "throttled_ns", "quota_cgroup_id",
	  "state"}},
	{"mem",
	 "sample",
	 take_mem,
	 {"anon_bytes", "file_bytes", "shmem_bytes", "swap_bytes", "stack_bytes", "minor_faults", "major_faults"}},
	{"mem", "exit", take_mem_exit, {"file_bytes"}},
	{"io", "sample", take_io, {"read_chars", "write_chars", "read_bytes", "write_bytes"}},
	{"cpu", "exit", take_cpu_exit, {"final", "cpu_ns"}},
	{"io", "exit", take_io_exit, {"final", "read_chars", "write_chars"}},
	{.stream = NULL},
};

/* ---- streams ---- */

/* One that reads an event, with the places of its fields. */
struct reader {
	const struct detector_role *role;
	int field[DETECTOR_FIELDS];
	struct reader *next;
};

static int add_reader(struct verdict_source *source, uint32_t kind, const struct detector_role *role)
{
	struct reader *reader = calloc(1, sizeof(*reader)), **end = &source->kinds[kind];

	if (!reader)
		return -ENOMEM;
	reader->role = role;
	for (int i = 0; i < DETECTOR_FIELDS; i++)
		reader->field[i] =
			role->fields[i] ? stream_event__field(&source->info->events[kind], role->fields[i]) : -1;
	while (*end)
		end = &(*end)->next;
	*end = reader;
	return 0;
}

static int add_readers(struct verdict_source *source, const struct detector_role *role)
{
	int err = 0;

	for (; role && role->stream; role++)
		for (uint32_t i = SCHEMA_KIND_BASE; i < source->info->events_count && !err; i++) {
			const struct stream_event *event = &source->info->events[i];

			if (event->name && event->stream && event->fields_count <= SCHEMA_FIELDS_MAX &&
			    !strcmp(event->stream, role->stream) && !strcmp(event->name, role->event))
				err = add_reader(source, i, role);
		}
	return err;
}

int verdicts__stream(struct verdicts *verdicts, const struct stream_info *info)
{
	struct verdict_source *sources = reallocarray(verdicts->sources, verdicts->sources_count + 1, sizeof(*sources));
	struct verdict_source *source;
	int err = 0;

	if (!sources)
		return -ENOMEM;
	verdicts->sources = sources;
	source = &sources[verdicts->sources_count];
	source->info = info;
	source->kinds = calloc(info->events_count + 1, sizeof(*source->kinds));
	if (!source->kinds)
		return -ENOMEM;
	verdicts->sources_count++;
	err = add_readers(source, own_roles);
	for (size_t i = 0; i < COUNT && !err; i++)
		err = add_readers(source, detectors[i]->roles);
	return err;
}

static const struct verdict_source *source_of(const struct verdicts *verdicts, const struct stream_info *info)
{
	/* The merge numbers streams in the order of their announcement. */
	if (info->index < verdicts->sources_count && verdicts->sources[info->index].info == info)
		return &verdicts->sources[info->index];
	for (size_t i = 0; i < verdicts->sources_count; i++)
		if (verdicts->sources[i].info == info)
			return &verdicts->sources[i];
	return NULL;
}

int verdicts__record(struct verdicts *verdicts, const struct record *record)
{
	static const struct value absent = {.type = VALUE_NULL, .reason = MODEL_REASON_ABSENT};
	const struct verdict_source *source = source_of(verdicts, record->info);
	struct seen seen = {.verdicts = verdicts, .record = record, .end = record->bytes + record->size};
	struct value values[SCHEMA_FIELDS_MAX];
	const struct reader *reader;
	int err = 0;

	if (!source || record->kind < SCHEMA_KIND_BASE || record->kind >= source->info->events_count)
		return 0;
	reader = source->kinds[record->kind];
	seen.run = reader ? model__run_numbered(verdicts->model, record->info, record->run) : NULL;
	if (!seen.run || record__values(record, values))
		return 0;
	for (; reader && !err; reader = reader->next) {
		seen.track = track__find(verdicts, seen.run, record->pid, record->start);
		for (int i = 0; i < DETECTOR_FIELDS; i++)
			seen.field[i] = reader->field[i] < 0 ? &absent : &values[reader->field[i]];
		err = reader->role->take(&seen);
	}
	return err;
}

/* ---- the model's calls ---- */

void verdicts__of_model(struct verdicts *verdicts, const struct model *model)
{
	verdicts->model = model;
}

/* With those above it that were kept for its row alone. */
static void drop(struct verdicts *verdicts, struct track *track)
{
	track__over(verdicts, track);
	for (; track && !track__is_owed(track); track = track__forget(track))
		for (size_t i = 0; i < COUNT; i++)
			if (detectors[i]->drop && track->room[detectors[i]->index])
				detectors[i]->drop(track->room[detectors[i]->index]);
}

int verdicts__row(struct verdicts *verdicts, const struct model_row *row)
{
	struct verdict_run *run = verdict_run__of(verdicts, row->run);
	struct track *track;
	int err = run ? 0 : -ENOMEM;

	if (err || !row->last)
		return err;
	track = track__find(verdicts, row->run, row->pid, row->start);
	if (row->root) {
		run->outside = ended__outside(verdicts, row);
		run->root_failed = model_run__end(row).outcome != MODEL_OK;
	}
	EACH(err, row, verdicts, track, row);
	if (track) {
		track__add_to_family(track, row);
		drop(verdicts, track);
	}
	return err;
}

int verdicts__hidden(struct verdicts *verdicts, const struct model_row *row, uint32_t pid,
		     const struct model_command *by)
{
	int err = 0;

	EACH(err, hidden, verdicts, row, pid, by);
	return err;
}

bool verdicts__suspects(const struct verdicts *verdicts, const struct model_row *row)
{
	const struct verdict *last = verdicts->count ? verdicts->list[verdicts->count - 1] : NULL;

	return last && last->kind == VERDICT_HIDDEN_FAILURE && last->run == row->run && last->pid == row->pid &&
	       last->start == row->start && last->certainty == VERDICT_SUSPECTED;
}

int verdicts__retried(struct verdicts *verdicts, const struct model_row *row)
{
	int err = 0;

	EACH(err, retried, verdicts, row);
	return err;
}

int verdicts__ignored(struct verdicts *verdicts, const struct model_row *row)
{
	int err = 0;

	EACH(err, ignored, verdicts, row);
	return err;
}

int verdicts__settle(struct verdicts *verdicts)
{
	int err = 0;

	EACH(err, settle, verdicts);
	return err;
}

int verdicts__finish(struct verdicts *verdicts)
{
	int err = 0;

	EACH(err, finish, verdicts);
	if (!err)
		drafts__order(verdicts);
	return err;
}

size_t verdicts__count(const struct verdicts *verdicts)
{
	return verdicts->shown;
}

const struct verdict *verdicts__get(const struct verdicts *verdicts, size_t i)
{
	return verdicts->list[i];
}

/* ---- life ---- */

struct verdicts *verdicts__new(void)
{
	return calloc(1, sizeof(struct verdicts));
}

static void free_source(struct verdict_source *source)
{
	for (uint32_t i = 0; i < source->info->events_count; i++)
		while (source->kinds[i]) {
			struct reader *next = source->kinds[i]->next;

			free(source->kinds[i]);
			source->kinds[i] = next;
		}
	free(source->kinds);
}

void verdicts__free(struct verdicts *verdicts)
{
	size_t count;
	struct track **tracks = verdicts ? tracks__sorted(verdicts, &count) : NULL;

	if (!verdicts)
		return;
	for (size_t i = 0; tracks && i < count; i++)
		drop(verdicts, tracks[i]);
	free(tracks);
	hash__free(&verdicts->tracks);
	for (size_t i = 0; i < verdicts->sources_count; i++)
		free_source(&verdicts->sources[i]);
	free(verdicts->sources);
	drafts__free(verdicts);
	for (size_t i = 0; i < verdicts->runs_count; i++) {
		if (verdicts->runs[i])
			verdict_limits__free(&verdicts->runs[i]->limits);
		free(verdicts->runs[i]);
	}
	free(verdicts->runs);
	free(verdicts);
}
