/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes that a quota of CPU time stopped: of their cgroup, or of one above it. */
#include <errno.h>
#include <string.h>

#include "core/format.h"
#include "sinks/detector/detector.h"

#define PERIODS_MIN 10 /* fewer say nothing */

/* Where it is stopped in more than half of the periods there is no need to wait for the common limit, nor for more once it
 * has ended. */
#define OFTEN 50 /* percent */
#define SOON_NS 5000000000ULL
#define SHORT_NS 500000000ULL
#define SHORT_PERIODS_MIN 5
#define SLACK 3 /* periods: the kernel counts one or two more when it begins to count (12 in the first second) */

static const enum track_figure counters[QUOTA_COUNTERS] = {
	[QUOTA_PERIODS] = TRACK_PERIODS,
	[QUOTA_THROTTLED] = TRACK_THROTTLED,
	[QUOTA_THROTTLED_NS] = TRACK_THROTTLED_NS,
	[QUOTA_CPU] = TRACK_CPU,
};

/* Whether all that the cgroup has counted so far was in the process's life: then its first sample says it all. */
static bool counts_its_life(const struct track *track, uint64_t ts)
{
	uint64_t counted = track->figure[TRACK_PERIODS], period = track->figure[TRACK_PERIOD];

	return counted < UINT32_MAX && period < UINT32_MAX && ts > track->first_ts &&
	       counted * period <= ts - track->first_ts + SLACK * period;
}

/* Begins again when the process gets another quota. */
static void note(struct verdict_quota *quota, const struct track *track)
{
	uint64_t ts = track->sampled_ns[TRACK_CPU_SAMPLE];
	bool same = quota->since_ns && quota->cgroup == track->figure[TRACK_QUOTA_CGROUP] &&
		    quota->quota_ns == track->figure[TRACK_QUOTA] && quota->period_ns == track->figure[TRACK_PERIOD];

	if (!same)
		*quota = (struct verdict_quota){
			.cgroup = track->figure[TRACK_QUOTA_CGROUP],
			.quota_ns = track->figure[TRACK_QUOTA],
			.period_ns = track->figure[TRACK_PERIOD],
			.since_ns = ts,
		};
	quota->until_ns = ts;
	for (int i = 0; i < QUOTA_COUNTERS; i++) {
		quota->last[i] = track->figure[counters[i]];
		if (!same)
			quota->first[i] = quota->last[i];
	}
	if (!same && counts_its_life(track, ts)) {
		quota->since_ns = track->first_ts;
		memset(quota->first, 0, sizeof(quota->first));
	}
}

static int sampled(struct verdicts *verdicts, struct track *track, enum track_event event)
{
	struct verdict_run *run = verdicts->runs[track->run->index];
	struct verdict_quota *quota;

	if (event != TRACK_CPU_SAMPLE || EVENT_IS_NULL(track->figure[TRACK_QUOTA]) ||
	    EVENT_IS_NULL(track->figure[TRACK_CPU]) || !track->figure[TRACK_PERIOD])
		return 0;
	quota = track__room(track, &detector_quota);
	if (!quota)
		return -ENOMEM;
	note(quota, track);
	/* the run's: the one that was met first */
	if (!run->quota.since_ns || run->quota.cgroup == track->figure[TRACK_QUOTA_CGROUP])
		note(&run->quota, track);
	return 0;
}

static uint64_t grown(const struct verdict_quota *quota, enum verdict_quota_counter of)
{
	return quota->last[of] > quota->first[of] ? quota->last[of] - quota->first[of] : 0;
}

static bool stops(const struct verdict_quota *quota, const struct verdict_limit *limit, bool ended)
{
	uint64_t periods = grown(quota, QUOTA_PERIODS), stopped = grown(quota, QUOTA_THROTTLED);
	uint64_t span = quota->until_ns - quota->since_ns;

	if (ended && periods >= SHORT_PERIODS_MIN && span >= SHORT_NS && stopped * 100 > periods * OFTEN)
		return true;
	return periods >= PERIODS_MIN && ((span >= limit->after && stopped * 100 > periods * limit->count) ||
					  (span >= SOON_NS && stopped * 100 > periods * OFTEN));
}

/* Whether half of what the quota gives was its own: one that only waits beside others that use it up is not stopped. */
static bool uses_it(const struct verdict_quota *quota)
{
	double given = (double)(quota->until_ns - quota->since_ns) * (double)quota->quota_ns / (double)quota->period_ns;

	return (double)grown(quota, QUOTA_CPU) * 2 >= given;
}

/* Marks of verdicts on one quota. */
enum { MARK_OF_ALL = 1, MARK_OWN };

static int tell(struct verdicts *verdicts, const struct model_row *row, const struct verdict_quota *quota, uint8_t mark,
		const char *whose)
{
	char stopped[FORMAT_SIZE], span[FORMAT_SIZE];
	struct draft draft = draft__new(VERDICT_THROTTLED, VERDICT_PROVEN, row);

	draft.mark = mark;
	draft.since_ns = quota->since_ns;
	text__process(&draft.evidence, row);
	text__printf(&draft.evidence,
		     " %s a cgroup whose quota is %.2f CPUs: it was throttled in %llu of %llu periods, for %s in %s",
		     whose, (double)quota->quota_ns / (double)quota->period_ns,
		     (unsigned long long)grown(quota, QUOTA_THROTTLED), (unsigned long long)grown(quota, QUOTA_PERIODS),
		     format__duration(stopped, grown(quota, QUOTA_THROTTLED_NS)),
		     format__duration(span, quota->until_ns - quota->since_ns));
	text__printf(&draft.refute, "nr_throttled in cpu.stat of that cgroup, inode %llu, that does not grow",
		     (unsigned long long)quota->cgroup);
	text__printf(&draft.next, "a larger cpu.max (cpu.cfs_quota_us), the batch system's or container's request for "
				  "CPUs; or fewer threads");
	return draft__add(verdicts, &draft);
}

static int tell_own(struct verdicts *verdicts, struct verdict_run *run, const struct model_row *row,
		    const struct verdict_quota *own)
{
	bool same = own->cgroup == run->quota.cgroup;

	if (same && grown(own, QUOTA_THROTTLED) > run->quota_own_throttled)
		run->quota_own_throttled = grown(own, QUOTA_THROTTLED);
	return tell(verdicts, row, own, same ? MARK_OWN : 0, "ran in");
}

static int judge(struct verdicts *verdicts, struct track *track, const struct model_row *row)
{
	const struct verdict_limit *limit = verdict_run__limit(verdicts, row->run, VERDICT_THROTTLED);
	struct verdict_run *run = verdict_run__of(verdicts, row->run);
	const struct verdict_quota *own = track ? track__has_room(track, &detector_quota) : NULL;
	bool ended = !EVENT_IS_NULL(row->ended_ns);

	if (!run)
		return -ENOMEM;
	if (own && stops(own, limit, ended) && uses_it(own))
		return tell_own(verdicts, run, row, own);
	if (!row->root || !run->quota.since_ns || !stops(&run->quota, limit, false))
		return 0;
	/* of many that live for a short time each */
	return tell(verdicts, row, &run->quota, MARK_OF_ALL, "has descendants in");
}

static bool is_marked(const struct verdict *verdict, uint8_t mark)
{
	return verdict->kind == VERDICT_THROTTLED && verdict->mark == mark;
}

/* Either those that the quota has stopped, whose rows may come after that of the run's first process, or that one for all, if
 * none of them was stopped for half of the time. */
static int choose(struct verdicts *verdicts)
{
	for (size_t i = 0; i < verdicts->count; i++)
		if (is_marked(verdicts->list[i], MARK_OF_ALL))
			verdicts->runs[verdicts->list[i]->run->index]->quota_of_all = true;
	for (size_t i = 0; i < verdicts->count; i++) {
		struct verdict *verdict = verdicts->list[i];
		const struct verdict_run *run = verdicts->runs[verdict->run->index];
		bool all = run->quota_own_throttled * 2 < grown(&run->quota, QUOTA_THROTTLED);

		if (is_marked(verdict, MARK_OF_ALL))
			verdict->dropped = !all;
		else if (is_marked(verdict, MARK_OWN) && run->quota_of_all)
			verdict->dropped = all;
	}
	return 0;
}

const struct detector detector_quota = {
	.index = DETECT_QUOTA,
	.about =
		{
			.kinds = "throttled",
			.needs = "lifecycle.fork, cpu.sample.throttled_periods",
			.certainty = "proven",
			.text = "a quota of its cgroup stopped it in more than `count` percent of the periods",
		},
	.room = sizeof(struct verdict_quota),
	.sampled = sampled,
	.row = judge,
	.finish = choose,
};
