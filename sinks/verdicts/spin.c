/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes that use a CPU without a break and change nothing else: no bytes, no children, no memory, no sleep. */
#include <errno.h>

#include "core/format.h"
#include "sinks/detector/detector.h"

#define USED_PERCENT 3 /* of a CPU, where many others want it too */
#define OTHERS_PERCENT \
	10 /* of its own CPU time: what others use beside it, if they work and do not just look now and then */
#define OTHERS_RATE (256ULL << 10) /* bytes a second */
#define LATE_SAMPLES 4		   /* after so many intervals without one it does not go on */

struct spin {
	uint64_t since_ns, cpu_ns;   /* 0: it does not spin */
	uint64_t others[TRACK_USES]; /* what others had used by then */
	uint32_t children;
};

/* Whether it was running, or ready to, from one sample to the next: what does not sleep has no voluntary switch. How much of a
 * CPU it gets depends on others too. */
static bool is_busy(const struct track *track)
{
	return !EVENT_IS_NULL(track->before[TRACK_CPU]) && !EVENT_IS_NULL(track->figure[TRACK_VOLUNTARY]) &&
	       !track__grown(track, TRACK_VOLUNTARY) && track__grown(track, TRACK_CPU) && track->state == 'R';
}

static bool has_changed(const struct track *track, enum track_event event)
{
	if (event == TRACK_IO_SAMPLE)
		return track__grown(track, TRACK_READ_CHARS) || track__grown(track, TRACK_WRITE_CHARS);
	if (event == TRACK_MEM_SAMPLE && !EVENT_IS_NULL(track->before[TRACK_ANON]))
		return track->figure[TRACK_ANON] != track->before[TRACK_ANON] ||
		       track__grown(track, TRACK_MAJOR_FAULTS);
	return false;
}

static int sampled(struct verdicts *verdicts, struct track *track, enum track_event event)
{
	struct spin *spin = track__has_room(track, &detector_spin);

	if (event != TRACK_CPU_SAMPLE) {
		if (spin && has_changed(track, event))
			spin->since_ns = 0;
		return 0;
	}
	if (!is_busy(track)) {
		if (spin)
			spin->since_ns = 0;
		return 0;
	}
	spin = track__room(track, &detector_spin);
	if (!spin)
		return -ENOMEM;
	if (!spin->since_ns || spin->children != track->children) {
		spin->since_ns = track->before_ns[TRACK_CPU_SAMPLE];
		spin->cpu_ns = track->before[TRACK_CPU];
		spin->children = track->children;
		for (int i = 0; i < TRACK_USES; i++)
			spin->others[i] = ended__used_by_others(verdicts, track, i);
	}
	return 0;
}

/* Samples come late where a machine is loaded. */
static bool goes_on(const struct track *track, uint64_t end_ns, uint64_t after)
{
	uint64_t last_ns = track->sampled_ns[TRACK_CPU_SAMPLE], span = last_ns - track->before_ns[TRACK_CPU_SAMPLE];

	return end_ns <= last_ns + (LATE_SAMPLES * span > after ? LATE_SAMPLES * span : after);
}

static uint64_t used_by_others(const struct verdicts *verdicts, const struct track *track, enum track_used what)
{
	const struct spin *spin = track__has_room(track, &detector_spin);
	uint64_t used = ended__used_by_others(verdicts, track, what);

	return used > spin->others[what] ? used - spin->others[what] : 0;
}

/* It may wait for them: its own descendants, or those of an ancestor. */
static bool others_work(const struct verdicts *verdicts, const struct track *track, uint64_t end_ns)
{
	const struct spin *spin = track__has_room(track, &detector_spin);
	uint64_t seconds = (end_ns - spin->since_ns) / 1000000000 + 1;

	return used_by_others(verdicts, track, TRACK_USED_CPU) * 100 >=
		       (track->figure[TRACK_CPU] - spin->cpu_ns) * OTHERS_PERCENT ||
	       used_by_others(verdicts, track, TRACK_USED_READ) + used_by_others(verdicts, track, TRACK_USED_WRITTEN) >=
		       seconds * OTHERS_RATE;
}

static void put_evidence(struct text *text, const struct verdicts *verdicts, const struct track *track,
			 const struct model_row *row, uint64_t end_ns)
{
	const struct spin *spin = track__has_room(track, &detector_spin);
	char lasted[FORMAT_SIZE], used[FORMAT_SIZE];

	text__process(text, row);
	text__printf(text,
		     " used %s of CPU in its last %s without a sleep, and read, wrote, started and allocated nothing",
		     format__duration(used, track->figure[TRACK_CPU] - spin->cpu_ns),
		     format__duration(lasted, end_ns - spin->since_ns));
	if (others_work(verdicts, track, end_ns))
		text__printf(text, ", while other processes of its run used %s",
			     format__duration(used, used_by_others(verdicts, track, TRACK_USED_CPU)));
	else if (ended__outside(verdicts, row))
		text__printf(text, ", until it was ended from outside");
}

static int judge(struct verdicts *verdicts, struct track *track, const struct model_row *row)
{
	struct spin *spin = track ? track__has_room(track, &detector_spin) : NULL;
	uint64_t end_ns = EVENT_IS_NULL(row->ended_ns) ? row->run->last_ts : row->ended_ns;
	uint64_t after = verdict_run__limit(verdicts, row->run, VERDICT_SPIN)->after;
	bool outside = ended__outside(verdicts, row);
	struct draft draft;

	if (!spin || !spin->since_ns || end_ns < spin->since_ns + after)
		return 0;
	if (!goes_on(track, end_ns, after) || (!outside && row->outcome != MODEL_RUNNING))
		return 0;
	if ((track->figure[TRACK_CPU] - spin->cpu_ns) * 100 < (end_ns - spin->since_ns) * USED_PERCENT)
		return 0;
	outside = outside && !others_work(verdicts, track, end_ns);
	draft = draft__new(VERDICT_SPIN, outside ? VERDICT_LIKELY : VERDICT_SUSPECTED, row);
	draft.since_ns = spin->since_ns;
	put_evidence(&draft.evidence, verdicts, track, row, end_ns);
	text__printf(&draft.refute, "a computation that works in place, or one that waits actively (MPI, OpenMP)");
	text__printf(&draft.next, "see where it loops: perf top -p %u, gdb -p %u", row->pid, row->pid);
	return draft__add(verdicts, &draft);
}

const struct detector detector_spin = {
	.index = DETECT_SPIN,
	.about =
		{
			.kinds = "spin",
			.needs = "lifecycle.fork, cpu.sample, io.sample, mem.sample",
			.certainty = "suspected while it lasts; likely when it had to be ended from outside",
			.text = "a process that uses a CPU without a break, and changes nothing else",
		},
	.room = sizeof(struct spin),
	.sampled = sampled,
	.row = judge,
};
