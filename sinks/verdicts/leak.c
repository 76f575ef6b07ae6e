/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that only grows: of the anonymous and shared memory and swap of a process, the minima of windows after its first fifth,
 * so that the begin and saw-teeth do not count. Not what grows with what is read: a program that loads its input. */
#include <errno.h>
#include <string.h>

#include "core/format.h"
#include "sinks/detector/detector.h"
#include "sinks/detector/trend.h"

#define PARTS 128	    /* of a life: when they are full, two become one */
#define PART_NS 25000000ULL /* at first */
#define WINDOWS 16
#define WIDE 8		     /* so many, where its memory has teeth, which may be longer than a window: */
#define TEETH 4		     /* at least */
#define END 16		     /* of its life, the last part: it may free what it had */
#define LIFE 4		     /* times `after`, at least */
#define LIVE 2		     /* times that, before it is likely while it lasts */
#define PERCENT_PER_MINUTE 1 /* of what it held at the begin, */
#define PERCENT_IN_ALL 50    /* or so much in all */
#define LOADS 20	     /* what it read, within this factor of what it grew by */
#define ENOUGH_Z 1.96

/* Of each part of its life the least that it held, and what it had read until its end. */
struct leak {
	uint64_t part_ns, bytes, first_ns;
	uint32_t filled; /* parts before this one are over */
	uint64_t least[PARTS], read[PARTS];
};

static uint64_t held(const struct track *track)
{
	static const enum track_figure of[] = {TRACK_ANON, TRACK_SHMEM, TRACK_SWAP};
	uint64_t sum = 0;

	for (size_t i = 0; i < sizeof(of) / sizeof(*of); i++)
		sum += EVENT_IS_NULL(track->figure[of[i]]) ? 0 : track->figure[of[i]];
	return sum;
}

static uint64_t was_read(const struct track *track)
{
	return EVENT_IS_NULL(track->figure[TRACK_READ_CHARS]) ? 0 : track->figure[TRACK_READ_CHARS];
}

static void halve(struct leak *leak)
{
	for (uint32_t i = 0; i < PARTS / 2; i++) {
		uint64_t a = leak->least[2 * (size_t)i], b = leak->least[2 * (size_t)i + 1];

		leak->least[i] = a < b ? a : b;
		leak->read[i] = leak->read[2 * (size_t)i + 1];
	}
	leak->part_ns *= 2;
	leak->filled /= 2;
}

/* It held `bytes` until `ts`, and holds what its last sample says from then on. */
static void advance(struct leak *leak, const struct track *track, uint64_t ts)
{
	uint64_t now = held(track), at;

	while (ts > leak->first_ns && (at = (ts - leak->first_ns) / leak->part_ns) >= PARTS)
		halve(leak);
	at = ts > leak->first_ns ? (ts - leak->first_ns) / leak->part_ns : 0;
	while (leak->filled < at) {
		leak->read[leak->filled] = was_read(track);
		leak->least[++leak->filled] = leak->bytes;
	}
	leak->read[leak->filled] = was_read(track);
	if (now < leak->least[leak->filled])
		leak->least[leak->filled] = now;
	leak->bytes = now;
}

static int sampled(struct verdicts *verdicts, struct track *track, enum track_event event)
{
	uint64_t floor = verdict_run__limit(verdicts, track->run, VERDICT_LEAK)->floor;
	struct leak *leak = track__has_room(track, &detector_leak);

	if (event != TRACK_MEM_SAMPLE || (!leak && held(track) < floor / 8))
		return 0;
	leak = track__room(track, &detector_leak);
	if (!leak)
		return -ENOMEM;
	if (!leak->part_ns) {
		leak->part_ns = PART_NS;
		leak->first_ns = track->image_ns ? track->image_ns : track->first_ts;
	}
	advance(leak, track, track->sampled_ns[event]);
	return 0;
}

/* Another program begins anew. */
static int executed(struct verdicts *verdicts, struct track *track)
{
	struct leak *leak = track__has_room(track, &detector_leak);

	(void)verdicts;
	if (leak)
		memset(leak, 0, sizeof(*leak));
	return 0;
}

/* ---- the judgement ---- */

enum { MARK_EXITED = 1, MARK_ENDED_BY_RUN };

struct growth {
	double least[WINDOWS];
	uint64_t from_ns, span_ns, grown, read, held;
	uint32_t windows, grew; /* of those */
};

/* Up to the most that it held in the end: what a program frees as it ends, as interpreters do, is no more a fall than what the
 * kernel frees then. */
static uint32_t parts_of(const struct leak *leak)
{
	uint32_t most = leak->filled;

	for (uint32_t i = leak->filled - leak->filled / END; i < leak->filled; i++)
		if (leak->least[i] > leak->least[most])
			most = i;
	return most + 1;
}

static struct growth growth_in(const struct leak *leak, uint32_t windows)
{
	uint32_t parts = parts_of(leak), from = parts / 5;
	struct growth growth = {.from_ns = leak->first_ns + from * leak->part_ns,
				.span_ns = (parts - from) * leak->part_ns,
				.windows = windows};

	for (uint32_t w = 0; w < windows; w++) {
		uint32_t begin = from + (parts - from) * w / windows, end = from + (parts - from) * (w + 1) / windows;
		uint64_t least = leak->least[begin];

		for (uint32_t i = begin + 1; i < end; i++)
			least = leak->least[i] < least ? leak->least[i] : least;
		growth.least[w] = (double)least;
		growth.grew += w && growth.least[w] > growth.least[w - 1];
	}
	if (growth.least[windows - 1] > growth.least[0])
		growth.grown = (uint64_t)(growth.least[windows - 1] - growth.least[0]);
	growth.read = leak->read[parts - 1] - leak->read[from];
	growth.held = parts <= leak->filled ? leak->least[parts - 1] : leak->bytes;
	return growth;
}

/* How often it gave back more than `bytes`. */
static uint32_t teeth_of(const struct leak *leak, uint64_t bytes)
{
	uint64_t most = 0;
	uint32_t teeth = 0, parts = parts_of(leak);

	for (uint32_t i = parts / 5; i < parts; i++) {
		if (leak->least[i] + bytes < most) {
			teeth++;
			most = leak->least[i];
		}
		most = leak->least[i] > most ? leak->least[i] : most;
	}
	return teeth;
}

/* What grows by a few steps and gives nothing back is a program with phases: the wide windows are not for that. */
static struct growth growth_of(const struct leak *leak)
{
	struct growth growth = growth_in(leak, WIDE);

	return teeth_of(leak, growth.grown / WIDE) < TEETH ? growth_in(leak, WINDOWS) : growth;
}

static bool is_leak(const struct growth *growth, const struct verdict_limit *limit)
{
	double minutes = (double)growth->span_ns / 60e9;
	double percent = 100 * (double)growth->grown / (growth->least[0] + 1);

	if (growth->grown < limit->floor || growth->grew * 100 < (growth->windows - 1) * limit->share)
		return false;
	if (percent < PERCENT_IN_ALL && percent < PERCENT_PER_MINUTE * minutes)
		return false;
	if (growth->read > growth->grown / LOADS && growth->read < growth->grown * LOADS)
		return false;
	return trend__z(growth->least, growth->windows) > ENOUGH_Z;
}

/* Until it is at the limit of its cgroup; UINT64_MAX: none is known, or it has none to reach. */
static uint64_t time_left(const struct verdict_run *run, double per_second, uint64_t bytes)
{
	if (!run->memory_limit || run->memory_limit <= bytes || per_second <= 0)
		return UINT64_MAX;
	return (uint64_t)((double)(run->memory_limit - bytes) / per_second * 1e9);
}

/* To the end, and hardly slower than at first: a cache, or a compiler's tables, that get full do not. */
static bool is_steady(const struct growth *growth)
{
	const double *least = growth->least;
	uint32_t last = growth->windows - 1, half = growth->windows / 2;
	double early = least[half - 1] - least[0], late = least[last] - least[half];

	return least[last] > least[last - 1] && late >= early / 2;
}

/* While it lives, healthy programs look the same until they stop growing: it has to have grown for longer, or there is not
 * much time left to say so. */
static enum verdict_certainty certainty_of(const struct model_row *row, const struct growth *growth, uint64_t life_ns,
					   uint64_t left_ns, uint64_t enough_ns)
{
	bool ended_well = !EVENT_IS_NULL(row->exit_code) && !row->exit_code && row->outcome == MODEL_OK;
	bool lives = row->outcome == MODEL_RUNNING && row->run->life == STREAM_RUNNING;

	if (lives)
		return is_steady(growth) && (left_ns <= enough_ns || life_ns >= LIVE * enough_ns) ? VERDICT_LIKELY
												  : VERDICT_SUSPECTED;
	return ended_well ? VERDICT_SUSPECTED : VERDICT_LIKELY;
}

/* What grew and ended for a reason of its own is one that may have been meant to grow so: finish() asks. */
static int end_of(const struct model_row *row)
{
	if (row->outcome == MODEL_RUNNING || row->outcome == MODEL_UNKNOWN)
		return 0;
	if (!ended__by_signal(row))
		return EVENT_IS_NULL(row->exit_code) ? 0 : MARK_EXITED;
	return row->sender_is >= MODEL_RELATION_PARENT && row->sender_is <= MODEL_RELATION_RUN ? MARK_ENDED_BY_RUN : 0;
}

static void put_limit(struct draft *draft, const struct verdict_run *run, uint64_t left_ns)
{
	char size[FORMAT_SIZE], left[FORMAT_SIZE];

	if (left_ns == UINT64_MAX) {
		text__printf(&draft->missing, "when it would reach a limit: no limit of a memory cgroup is known");
		return;
	}
	text__printf(&draft->evidence, "; at that rate it is at the limit of its cgroup, %s, in %s",
		     format__bytes(size, run->memory_limit), format__duration(left, left_ns));
}

static int judge(struct verdicts *verdicts, struct track *track, const struct model_row *row)
{
	const struct verdict_limit *limit = verdict_run__limit(verdicts, row->run, VERDICT_LEAK);
	uint64_t end_ns = EVENT_IS_NULL(row->ended_ns) ? row->run->last_ts : row->ended_ns;
	struct leak *leak = track ? track__has_room(track, &detector_leak) : NULL;
	const struct verdict_run *run = verdicts->runs[row->run->index];
	uint64_t enough_ns = LIFE * limit->after, left_ns;
	char grown[FORMAT_SIZE], span[FORMAT_SIZE], rate[FORMAT_SIZE], now[FORMAT_SIZE];
	struct growth growth;
	struct draft draft;
	double per_second;

	if (!leak || !leak->part_ns || end_ns < leak->first_ns + enough_ns)
		return 0;
	advance(leak, track, end_ns);
	if (leak->filled < 2 * WINDOWS)
		return 0;
	growth = growth_of(leak);
	if (!is_leak(&growth, limit))
		return 0;
	per_second = trend__slope(growth.least, growth.windows) * growth.windows / ((double)growth.span_ns / 1e9);
	left_ns = time_left(run, per_second, growth.held);
	draft = draft__new(VERDICT_LEAK, certainty_of(row, &growth, end_ns - leak->first_ns, left_ns, enough_ns), row);
	draft.since_ns = growth.from_ns;
	draft.mark = end_of(row);
	text__process(&draft.evidence, row);
	text__printf(&draft.evidence, " grew by %s in %s and did not give it back, %s/s, to %s",
		     format__bytes(grown, growth.grown), format__duration(span, growth.span_ns),
		     format__bytes(rate, (uint64_t)per_second), format__bytes(now, growth.held));
	put_limit(&draft, run, left_ns);
	text__printf(&draft.refute, "a bound that it would reach later, as that of a cache");
	text__printf(
		&draft.next,
		"look what allocates: a heap profiler; a run with twice the work, which then takes twice the memory");
	return draft__add(verdicts, &draft);
}

/* ---- how it ended ---- */

static const char *const words[] = {"memory",	  "bad_alloc",	     "OOM",    "heap space",
				    "heap limit", "cannot allocate", "malloc", "mmap"};

/* What it said last is of something else than memory. False: it said nothing, or that is not known. */
static bool ended_for_another_reason(const struct verdict *verdict)
{
	const struct model_said *said = model_run__said(verdict->run, verdict->pid, verdict->start);
	bool other = said && said->text && said->length;

	for (size_t i = 0; other && i < sizeof(words) / sizeof(*words); i++)
		other = !strcasestr(said->text, words[i]);
	return other;
}

/* What the run ended may have been given that time, if the run then ended well. */
static int finish(struct verdicts *verdicts)
{
	for (size_t i = 0; i < verdicts->count; i++) {
		struct verdict *verdict = verdicts->list[i];

		if (verdict->kind != VERDICT_LEAK)
			continue;
		if ((verdict->mark == MARK_EXITED && ended_for_another_reason(verdict)) ||
		    (verdict->mark == MARK_ENDED_BY_RUN && !verdicts->runs[verdict->run->index]->root_failed))
			verdict->certainty = VERDICT_SUSPECTED;
	}
	return 0;
}

/* ---- the limit ---- */

static int take_limit(const struct seen *seen)
{
	uint64_t limit = value__number(seen->field[0]);
	struct verdict_run *run = verdict_run__of(seen->verdicts, seen->run);

	if (run && !EVENT_IS_NULL(limit))
		run->memory_limit = limit;
	return run ? 0 : -ENOMEM;
}

static const struct detector_role roles[] = {
	{"mem", "together", take_limit, {"cgroup_limit_bytes"}},
	{.stream = NULL},
};

const struct detector detector_leak = {
	.index = DETECT_LEAK,
	.about =
		{
			.kinds = "leak",
			.needs = "lifecycle.fork, mem.sample, io.sample",
			.certainty =
				"likely; suspected if it ended for another reason, or its run meant it to, and at first while it lives",
			.text = "memory that only grows, by `floor` or more, in `share` percent of the time, not in proportion to what is read",
		},
	.room = sizeof(struct leak),
	.roles = roles,
	.sampled = sampled,
	.executed = executed,
	.row = judge,
	.finish = finish,
};
