/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes that wait for I/O for most of their life. */
#include <errno.h>

#include "core/format.h"
#include "sinks/detector/detector.h"

#define SAMPLES 8    /* at least */
#define ODD_SLEEPS 4 /* of so many samples that saw it wait for I/O, one may have seen another sleep */
#define SWITCHES 10  /* so many voluntary switches to one that is not: it waits by itself, not for a CPU */
#define SECTOR 512   /* bytes: what each wait brings at least */

/* How many samples saw it so. */
struct waiting {
	uint32_t samples, waits, sleeps;
};

static int sampled(struct verdicts *verdicts, struct track *track, enum track_event event)
{
	struct waiting *waiting;
	uint64_t iowait;

	(void)verdicts;
	if (event != TRACK_CPU_SAMPLE || !track->state)
		return 0;
	waiting = track__room(track, &detector_io_bound);
	if (!waiting)
		return -ENOMEM;
	iowait = track->figure[TRACK_IN_IOWAIT];
	waiting->samples++;
	if (track->state == 'D' || (!EVENT_IS_NULL(iowait) && iowait))
		waiting->waits++;
	else if (track->state != 'R')
		waiting->sleeps++;
	return 0;
}

static uint64_t moved(const struct model_row *row)
{
	uint64_t in = row->io[MODEL_IO_READ_BYTES], out = row->io[MODEL_IO_WRITE_BYTES];

	return (EVENT_IS_NULL(in) ? 0 : in) + (EVENT_IS_NULL(out) ? 0 : out);
}

/* The time in which it wanted a CPU that others had says nothing about its I/O. */
static uint64_t run_delay(const struct track *track, const struct model_row *row)
{
	uint64_t delay = track->figure[TRACK_RUN_DELAY];

	return EVENT_IS_NULL(delay) ? 0 : delay < row->wall_ns ? delay : row->wall_ns;
}

/* The time in which it neither ran nor was ready, as far as that is known, by what samples saw it do instead. */
static uint64_t waited(const struct waiting *waiting, const struct track *track, const struct model_row *row)
{
	uint64_t busy = row->cpu_ns + run_delay(track, row);
	uint64_t switches = track->figure[TRACK_VOLUNTARY], others = track->figure[TRACK_INVOLUNTARY];

	if (waiting->samples < SAMPLES || !waiting->waits || waiting->sleeps * ODD_SLEEPS > waiting->waits)
		return 0;
	if (EVENT_IS_NULL(switches) || EVENT_IS_NULL(others) || switches < others * SWITCHES ||
	    moved(row) < switches * SECTOR || busy >= row->wall_ns)
		return 0;
	return (row->wall_ns - busy) * waiting->waits / (waiting->waits + waiting->sleeps);
}

/* Where others had the CPUs for longer than it waited for I/O, a faster disk would not have helped it much. */
static int tell(struct verdicts *verdicts, const struct track *track, const struct model_row *row, uint64_t waited_ns,
		uint64_t percent)
{
	uint64_t delay = run_delay(track, row);
	bool starved = delay > waited_ns;
	struct draft draft = draft__new(VERDICT_IO_BOUND, starved ? VERDICT_SUSPECTED : VERDICT_LIKELY, row);
	char size[FORMAT_SIZE], span[FORMAT_SIZE];

	text__process(&draft.evidence, row);
	text__printf(&draft.evidence, " waited for I/O for about %u %% of its %s", (unsigned)percent,
		     format__duration(span, row->wall_ns - delay));
	if (delay > row->wall_ns / 20)
		text__printf(&draft.evidence, ", not counting %s in which others had the CPUs",
			     format__duration(span, delay));
	text__printf(&draft.evidence, "; it moved %s", format__bytes(size, moved(row)));
	if (EVENT_IS_NULL(track->figure[TRACK_RUN_DELAY]))
		text__printf(&draft.missing, "the time that it waited for a CPU: no record has it, it counts as I/O");
	text__printf(&draft.refute, "a wait in the kernel that is not for a disk, as for a lock");
	text__printf(&draft.next, starved ? "first fewer processes at once: it waited for longer for a CPU; then "
					    "larger reads and writes, fewer syncs, a faster disk"
					  : "larger reads and writes, fewer syncs, a faster disk");
	return draft__add(verdicts, &draft);
}

static int judge(struct verdicts *verdicts, struct track *track, const struct model_row *row)
{
	const struct verdict_limit *limit = verdict_run__limit(verdicts, row->run, VERDICT_IO_BOUND);
	struct waiting *waiting = track ? track__has_room(track, &detector_io_bound) : NULL;
	uint64_t wall_ns, waited_ns, percent;

	if (!waiting || EVENT_IS_NULL(row->wall_ns) || EVENT_IS_NULL(row->cpu_ns))
		return 0;
	wall_ns = row->wall_ns - run_delay(track, row);
	if (!wall_ns || row->wall_ns < limit->after)
		return 0;
	waited_ns = waited(waiting, track, row);
	percent = waited_ns * 100 / wall_ns;
	return percent < limit->share ? 0 : tell(verdicts, track, row, waited_ns, percent);
}

const struct detector detector_io_bound = {
	.index = DETECT_IO_BOUND,
	.about =
		{
			.kinds = "io_bound",
			.needs = "lifecycle.fork, cpu.sample, cpu.exit, io.exit",
			.certainty = "likely",
			.text = "a process that waits for I/O for `share` percent of its life",
		},
	.room = sizeof(struct waiting),
	.sampled = sampled,
	.row = judge,
};
