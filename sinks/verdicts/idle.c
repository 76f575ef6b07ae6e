/* SPDX-License-Identifier: BSD-2-Clause */
/* A process of several threads that does nothing but wake up now and then, until it is ended from outside: as a virtual machine
 * whose program is deadlocked, while its service threads tick. No look is taken at what does not stand still, so the locks of
 * its threads are not known, and a server without work does the same: a suspicion. */
#include <errno.h>

#include "core/format.h"
#include "sinks/verdicts/detector.h"

#define TICK_PERCENT 2 /* of a CPU: more is work */

struct idle {
	uint64_t since_ns, cpu_ns, switches; /* 0: it works */
	uint32_t children;
};

static bool ticks(const struct track *track)
{
	uint64_t span = track->sampled_ns[TRACK_CPU_SAMPLE] - track->before_ns[TRACK_CPU_SAMPLE];
	uint64_t threads = track->figure[TRACK_THREADS];

	return !EVENT_IS_NULL(track->before[TRACK_CPU]) && !EVENT_IS_NULL(track->before[TRACK_VOLUNTARY]) &&
	       !EVENT_IS_NULL(threads) && threads > 1 && !track->living &&
	       track__grown(track, TRACK_CPU) * 100 < span * TICK_PERCENT;
}

static int sampled(struct verdicts *verdicts, struct track *track, enum track_event event)
{
	struct idle *idle = track__has_room(track, &detector_idle);

	(void)verdicts;
	if (event == TRACK_IO_SAMPLE && idle &&
	    (track__grown(track, TRACK_READ_CHARS) || track__grown(track, TRACK_WRITE_CHARS)))
		idle->since_ns = 0;
	if (event != TRACK_CPU_SAMPLE)
		return 0;
	if (!ticks(track)) {
		if (idle)
			idle->since_ns = 0;
		return 0;
	}
	idle = track__room(track, &detector_idle);
	if (!idle)
		return -ENOMEM;
	if (!idle->since_ns || idle->children != track->children)
		*idle = (struct idle){track->before_ns[TRACK_CPU_SAMPLE], track->before[TRACK_CPU],
				      track->before[TRACK_VOLUNTARY], track->children};
	return 0;
}

static int judge(struct verdicts *verdicts, struct track *track, const struct model_row *row)
{
	uint64_t end_ns = EVENT_IS_NULL(row->ended_ns) ? row->run->last_ts : row->ended_ns;
	uint64_t after = verdict_run__limit(verdicts, row->run, VERDICT_HANG)->after;
	struct idle *idle = track ? track__has_room(track, &detector_idle) : NULL;
	char lasted[FORMAT_SIZE], used[FORMAT_SIZE];
	struct draft draft;

	if (!idle || !idle->since_ns || end_ns < idle->since_ns + after ||
	    EVENT_IS_NULL(track->figure[TRACK_READ_CHARS]))
		return 0;
	/* what stands still is for the wait graph */
	if (end_ns - track->sampled_ns[TRACK_CPU_SAMPLE] > after || track->figure[TRACK_VOLUNTARY] == idle->switches ||
	    !ended__outside(verdicts, row) || ended__others_got_on(verdicts, track, false) > idle->since_ns)
		return 0;
	draft = draft__new(VERDICT_HANG, VERDICT_SUSPECTED, row);
	draft.since_ns = idle->since_ns;
	draft.ended_ns = row->ended_ns;
	text__process(&draft.evidence, row);
	text__printf(
		&draft.evidence,
		" did nothing in its last %s but short wakes of some of its %u threads, %s of CPU: it read, wrote and started "
		"nothing until it was ended from outside, as a deadlock of its other threads would",
		format__duration(lasted, end_ns - idle->since_ns), (unsigned)track->figure[TRACK_THREADS],
		format__duration(used, track->figure[TRACK_CPU] - idle->cpu_ns));
	text__printf(&draft.refute, "a server, or a program that looks now and then for work");
	text__printf(
		&draft.next,
		"the stacks of its threads while it lasts: jstack %u, or gdb -p %u -batch -ex 'thread apply all bt'",
		row->pid, row->pid);
	text__printf(&draft.missing, "what its threads wait for: no look is taken while some of them wake up");
	return draft__add(verdicts, &draft);
}

const struct detector detector_idle = {
	.index = DETECT_IDLE,
	.about =
		{
			.kinds = "hang",
			.needs = "lifecycle.fork, lifecycle.exit, cpu.sample, io.sample",
			.certainty = "suspected, once it had to be ended from outside",
			.text = "a process of several threads that does nothing but wake up now and then",
		},
	.room = sizeof(struct idle),
	.sampled = sampled,
	.row = judge,
};
