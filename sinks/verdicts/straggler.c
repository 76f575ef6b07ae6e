/* SPDX-License-Identifier: BSD-2-Clause */
/* One of many processes alike that takes much longer than the others: below one parent, of one program, with arguments that
 * differ in numbers only. */
#include <errno.h>
#include <stdlib.h>

#include "core/format.h"
#include "sinks/detector/detector.h"

#define GROUPS 32	/* below one parent */
#define PEERS_MAX 1024	/* of a group that are compared */
#define TIMES 1.5	/* the median */
#define DEVIATIONS 3	/* median absolute deviations above it */
#define DONE_PERCENT 75 /* of the peers must have ended */

/* Peers that differ in a name may differ in more than that. */
#define KINDS 16	 /* below one parent */
#define FIRST_NAME 2	 /* the first arguments say what it does: a script, a subcommand */
#define NAMED_PERCENT 75 /* of all that their parent has started */
#define NAMED_TIMES 4

/* What the others explain. */
#define COORDINATES 0.8	 /* of its life, in which they ran: it waited for them */
#define COMPUTES 0.2	 /* of its life: what it did, not what it waited for, took it */
#define MORE_INPUT 2	 /* times the most of any other */
#define MORE_BYTES 65536 /* at least */

struct peer {
	double wall, read, mapped;
};

struct group {
	uint64_t shape;
	uint64_t first_start; /* of those that have ended */
	double wall, most;    /* their sum of times, and what that one has read that read most */
	uint32_t ended;
	struct peer *peers;
};

/* Processes of one program whose arguments differ in one place, or nothing but names in program text, or the hash value in
 * their folders. */
struct kind {
	uint64_t exe;
	uint32_t words[TRACK_WORDS], words_count, texts;
	uint32_t place; /* of the name; 0: all are the same yet */
	uint64_t folder, shape;
	bool in_texts;	 /* they differ, in names */
	bool in_folders; /* that differ */
	bool mixed;	 /* in more than a hash value, or one has started others: a script may be another one there */
	struct group group;
};

/* Of a parent. */
struct groups {
	struct group list[GROUPS];
	uint32_t count;
	struct kind *kinds; /* KINDS of them; NULL: none yet */
	uint32_t kinds_count;
	bool waited; /* for a straggler below it: it is none itself */
};

/* The nearest above it that has started more than this one: shells and the like between do not count, nor subshells. */
static struct track *origin(const struct track *track)
{
	struct track *above = track->parent;
	bool of_fork = track->of_fork;

	while (above && !above->gone && (above->children == 1 || of_fork) && above->parent) {
		of_fork = above->of_fork;
		above = above->parent;
	}
	return above && !above->gone ? above : NULL;
}

static struct group *group_of(struct groups *groups, uint64_t shape)
{
	for (uint32_t i = 0; i < groups->count; i++)
		if (groups->list[i].shape == shape)
			return &groups->list[i];
	if (groups->count == GROUPS)
		return NULL;
	groups->list[groups->count].shape = shape;
	return &groups->list[groups->count++];
}

/* Whether the process is one of this kind, which may learn by it where the name stands. */
static bool is_of_kind(struct kind *kind, const struct track *track)
{
	uint32_t place = 0, differ = 0;

	if (kind->exe != track->exe || kind->words_count != track->words_count)
		return false;
	for (uint32_t i = 0; i < track->words_count; i++)
		if (kind->words[i] != track->words[i]) {
			differ++;
			place = i;
		}
	if (kind->texts != track->texts || differ > 1)
		return false;
	if (differ && (place < FIRST_NAME || (kind->place && kind->place != place) || kind->texts >> place & 1))
		return false;
	if (differ)
		kind->place = place;
	kind->in_texts |= kind->texts && kind->shape != track->shape && kind->folder == track->folder;
	kind->in_folders |= kind->shape != track->shape;
	kind->mixed |= !track->folder || kind->folder != track->folder || track->children;
	return true;
}

/* NULL: none, or out of memory. */
static struct kind *kind_of(struct groups *groups, const struct track *track)
{
	struct kind *kind;

	if (!track->words_count || (track->words_count <= FIRST_NAME && track->children))
		return NULL;
	for (uint32_t i = 0; i < groups->kinds_count; i++)
		if (is_of_kind(&groups->kinds[i], track))
			return &groups->kinds[i];
	if (!groups->kinds)
		groups->kinds = calloc(KINDS, sizeof(*groups->kinds));
	if (!groups->kinds || groups->kinds_count == KINDS)
		return NULL;
	kind = &groups->kinds[groups->kinds_count++];
	kind->exe = track->exe;
	kind->words_count = track->words_count;
	kind->texts = track->texts;
	memcpy(kind->words, track->words, sizeof(kind->words));
	kind->folder = track->folder;
	kind->shape = track->shape;
	kind->mixed = !track->folder || track->children;
	return kind;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *values, uint32_t count)
{
	qsort(values, count, sizeof(*values), compare);
	return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

struct typical {
	double wall, deviation, slow, read, mapped; /* slow: nine of ten took no more */
};

static int find_typical(const struct group *group, struct typical *typical)
{
	uint32_t n = group->ended < PEERS_MAX ? group->ended : PEERS_MAX;
	double *values = calloc(n + 1, sizeof(*values));

	if (!values)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		values[i] = group->peers[i].wall;
	typical->wall = median(values, n);
	typical->slow = values[(9 * n + 9) / 10 - 1];
	for (uint32_t i = 0; i < n; i++)
		values[i] = group->peers[i].wall > typical->wall ? group->peers[i].wall - typical->wall
								 : typical->wall - group->peers[i].wall;
	typical->deviation = median(values, n);
	for (uint32_t i = 0; i < n; i++)
		values[i] = group->peers[i].read;
	typical->read = median(values, n);
	for (uint32_t i = 0; i < n; i++)
		values[i] = group->peers[i].mapped;
	typical->mapped = median(values, n);
	free(values);
	return 0;
}

/* With its descendants, as a compiler's driver has others read and compute. */
static double was_read(const struct track *track, const struct model_row *row)
{
	uint64_t own = row->io[MODEL_IO_READ_CHARS];

	return (double)track->family_read + (EVENT_IS_NULL(own) ? 0 : (double)own);
}

static double has_used_cpu(const struct track *track, const struct model_row *row)
{
	return (double)track->family_cpu_ns + (EVENT_IS_NULL(row->cpu_ns) ? 0 : (double)row->cpu_ns);
}

/* `same`: what all of them have of it, whatever their work. */
static bool is_in_proportion(double input, double typical_input, double same, double wall, double typical_wall)
{
	return typical_input > 65536 && (input - same) / (typical_input - same) > 0.66 * wall / typical_wall;
}

/* Half of what is typically mapped is taken for the program and its libraries. */
static bool is_by_input(const struct track *track, const struct model_row *row, double wall,
			const struct typical *typical)
{
	return is_in_proportion(was_read(track, row), typical->read, 0, wall, typical->wall) ||
	       is_in_proportion((double)track->mapped, typical->mapped, typical->mapped / 2, wall, typical->wall);
}

/* It read more than any other, and computed: few programs take no more time than in proportion. */
static bool has_more_to_compute(const struct track *track, const struct model_row *row, const struct group *group,
				double wall)
{
	double read = was_read(track, row);

	return has_used_cpu(track, row) >= COMPUTES * wall && read >= MORE_INPUT * group->most &&
	       read >= group->most + MORE_BYTES;
}

/* It began before the others and ended, by itself, after them; their times add up to its own. */
static bool coordinates(const struct track *track, const struct model_row *row, const struct group *group, double wall)
{
	return track->start < group->first_start && !EVENT_IS_NULL(row->ended_ns) && !model_row__is_killed(row) &&
	       group->wall >= COORDINATES * wall;
}

/* Why it may be in order; NULL: nothing says so. */
static const char *excuse_of(const struct track *track, const struct model_row *row, const struct group *group,
			     double wall, const struct typical *typical)
{
	if (is_by_input(track, row, wall, typical))
		return "it read or mapped more in the same proportion";
	if (has_more_to_compute(track, row, group, wall))
		return "it read more than any of them";
	if (coordinates(track, row, group, wall))
		return "it began before all of them and ended after them, as what waits for them does";
	return NULL;
}

static void put_cause(struct text *text, const struct track *track, const struct model_row *row, double wall)
{
	double cpu = has_used_cpu(track, row);
	char span[FORMAT_SIZE];

	if (EVENT_IS_NULL(row->cpu_ns))
		return;
	text__printf(text, "; of its time it used a CPU for %s", format__duration(span, (uint64_t)cpu));
	if (cpu < COMPUTES * wall)
		text__printf(text, ": it waited for the rest");
	else if (track->family_cpu_ns)
		text__printf(text, ", its children included");
}

static int tell(struct verdicts *verdicts, const struct track *track, const struct model_row *row,
		const struct group *group, double wall, const struct typical *typical)
{
	const char *excuse = excuse_of(track, row, group, wall, typical);
	struct draft draft = draft__new(VERDICT_STRAGGLER, excuse ? VERDICT_SUSPECTED : VERDICT_LIKELY, row);
	char own[FORMAT_SIZE], others[FORMAT_SIZE];

	text__process(&draft.evidence, row);
	text__printf(&draft.evidence, " took %s, the median of %u like it %s", format__duration(own, (uint64_t)wall),
		     group->ended, format__duration(others, (uint64_t)typical->wall));
	if (excuse)
		text__printf(&draft.evidence, "; %s", excuse);
	put_cause(&draft.evidence, track, row, wall);
	text__printf(&draft.missing, "run-queue delay and throttling: not compared");
	text__printf(&draft.refute, "more work for this one than for the others");
	text__printf(&draft.next, "compare its input with that of the others; start the longest first");
	return draft__add(verdicts, &draft);
}

static int add(struct group *group, const struct track *track, const struct model_row *row, double wall)
{
	double read = was_read(track, row);
	uint32_t n = group->ended++;

	if (!n || track->start < group->first_start)
		group->first_start = track->start;
	group->wall += wall;
	group->most = read > group->most ? read : group->most;
	if (n >= PEERS_MAX)
		return 0;
	if (!(n & (n - 1))) { /* grows at powers of two */
		struct peer *peers = reallocarray(group->peers, n ? (size_t)2 * n : 1, sizeof(*peers));

		if (!peers)
			return -ENOMEM;
		group->peers = peers;
	}
	group->peers[n] = (struct peer){wall, read, (double)track->mapped};
	return 0;
}

static bool has_waited(const struct track *track)
{
	const struct groups *groups = track__has_room(track, &detector_straggler);

	return groups && groups->waited;
}

/* What stands between it and their common parent has waited for it. */
static int mark_waiting(const struct track *track, const struct track *above)
{
	for (struct track *between = track->parent; between && between != above; between = between->parent) {
		struct groups *groups = between->gone ? NULL : track__room(between, &detector_straggler);

		if (!groups && !between->gone)
			return -ENOMEM;
		if (groups)
			groups->waited = true;
	}
	return 0;
}

/* `above` has started others that still run: with them, so many of this one's kind are not over. */
static int compare_with(struct verdicts *verdicts, const struct track *above, const struct group *group,
			const struct track *track, const struct model_row *row, double wall, double times)
{
	const struct verdict_limit *limit = verdict_run__limit(verdicts, row->run, VERDICT_STRAGGLER);
	struct typical typical = {0};
	int err;

	if (group->ended < limit->count || wall < (double)limit->after ||
	    group->ended * 100 < (group->ended + above->living) * DONE_PERCENT)
		return 0;
	err = find_typical(group, &typical);
	/* in a queue each takes little longer than the one before */
	if (err || wall <= times * typical.wall || wall <= times * typical.slow ||
	    wall <= typical.wall + DEVIATIONS * typical.deviation || wall - typical.wall < (double)limit->after)
		return err;
	err = mark_waiting(track, above);
	return err ? err : tell(verdicts, track, row, group, wall, &typical);
}

/* It waited as long as it was asked to, like sleep(1): longer than others that were asked for less. */
static bool is_timer(const struct track *track, const struct model_row *row, double wall)
{
	double asked = (double)track->asked_ns;

	return asked > 0 && wall >= asked && wall <= 1.05 * asked + 1e8 &&
	       (EVENT_IS_NULL(row->cpu_ns) || (double)row->cpu_ns < 0.2 * wall);
}

/* What a shell did before it executed its last command is not that command's time. */
static uint64_t began(const struct track *track)
{
	return track->image_ns ? track->image_ns : track->first_ts;
}

/* Its peers by names or folders, if they are most of what their parent has started; NULL: there are none. */
static struct group *named_of(struct groups *groups, const struct track *above, const struct track *track)
{
	struct kind *kind = kind_of(groups, track);
	bool most = kind && (kind->group.ended + above->living) * 100 >= above->children * NAMED_PERCENT;

	return most && (kind->place || kind->in_texts || (kind->in_folders && !kind->mixed)) ? &kind->group : NULL;
}

/* With peers by numbers if there are enough of them, else by names. */
static int compare_with_all(struct verdicts *verdicts, struct groups *groups, const struct track *above,
			    const struct track *track, const struct model_row *row, double wall)
{
	uint32_t least = verdict_run__limit(verdicts, row->run, VERDICT_STRAGGLER)->count;
	struct group *group = group_of(groups, track->shape), *named = named_of(groups, above, track);

	if (has_waited(track) || is_timer(track, row, wall))
		return 0;
	if (group && group->ended >= least)
		return compare_with(verdicts, above, group, track, row, wall, TIMES);
	return named ? compare_with(verdicts, above, named, track, row, wall, NAMED_TIMES) : 0;
}

static int judge(struct verdicts *verdicts, struct track *track, const struct model_row *row)
{
	bool meant = model_row__is_killed(row) && row->benign; /* it was to last for as long as others did */
	struct track *above = track && track->shape && !row->forked && !meant ? origin(track) : NULL;
	uint64_t end_ns = EVENT_IS_NULL(row->ended_ns) ? row->run->last_ts : row->ended_ns, began_ns;
	struct groups *groups;
	struct group *group;
	struct kind *kind;
	double wall;
	int err;

	began_ns = above ? began(track) : 0;
	if (!above || end_ns < began_ns)
		return 0;
	wall = (double)(end_ns - began_ns);
	groups = track__room(above, &detector_straggler);
	if (!groups)
		return -ENOMEM;
	err = compare_with_all(verdicts, groups, above, track, row, wall);
	if (err || EVENT_IS_NULL(row->ended_ns))
		return err;
	group = group_of(groups, track->shape);
	kind = kind_of(groups, track);
	err = group ? add(group, track, row, wall) : 0;
	return err || !kind ? err : add(&kind->group, track, row, wall);
}

static void drop(void *room)
{
	struct groups *groups = room;

	for (uint32_t i = 0; i < groups->count; i++)
		free(groups->list[i].peers);
	for (uint32_t i = 0; i < groups->kinds_count; i++)
		free(groups->kinds[i].group.peers);
	free(groups->kinds);
}

const struct detector detector_straggler = {
	.index = DETECT_STRAGGLER,
	.about =
		{
			.kinds = "straggler",
			.needs = "lifecycle.fork, lifecycle.exec, lifecycle.exit, cpu.exit, io.exit, mem.exit",
			.certainty = "likely; suspected if it is in proportion to what it read or mapped",
			.text = "one of `count` or more processes alike that takes much longer than the others",
		},
	.room = sizeof(struct groups),
	.row = judge,
	.drop = drop,
};
