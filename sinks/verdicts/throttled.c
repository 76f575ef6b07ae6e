/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes that are ready to run, and wait for a CPU: more threads than CPUs. */
#include "core/format.h"
#include "sinks/verdicts/detector.h"

static int judge(struct verdicts *verdicts, struct track *track, const struct model_row *row)
{
	const struct verdict_limit *limit = verdict_run__limit(verdicts, row->run, VERDICT_THROTTLED);
	uint64_t waited = track ? track->figure[TRACK_RUN_DELAY] : EVENT_NULL(MODEL_REASON_ABSENT);
	uint64_t threads = track ? track->figure[TRACK_THREADS] : 0, used = row->cpu_ns;
	char delay[FORMAT_SIZE], cpu[FORMAT_SIZE];
	struct draft draft;

	if (EVENT_IS_NULL(waited) || EVENT_IS_NULL(used) || EVENT_IS_NULL(row->wall_ns) ||
	    row->wall_ns < limit->after || waited < limit->after || waited * 100 < (waited + used) * limit->share)
		return 0;
	/* one thread alone that waits: others of the machine are in its way, which is not its own */
	if (EVENT_IS_NULL(threads) || threads < 2 || (double)(waited + used) < 1.5 * (double)row->wall_ns)
		return 0;
	draft = draft__new(VERDICT_THROTTLED, VERDICT_PROVEN, row);
	text__process(&draft.evidence, row);
	text__printf(&draft.evidence,
		     " was ready for %s in which it got no CPU, and ran for %s: it has %llu threads for %.1f CPUs",
		     format__duration(delay, waited), format__duration(cpu, used), (unsigned long long)threads,
		     (double)used / (double)row->wall_ns);
	text__printf(&draft.refute, "others that used the machine at the same time");
	text__printf(&draft.next,
		     "start fewer threads, or give it more CPUs: taskset, cpu.max, the batch system's request");
	return draft__add(verdicts, &draft);
}

const struct detector detector_throttled = {
	.index = DETECT_THROTTLED,
	.about =
		{
			.kinds = "throttled",
			.needs = "lifecycle.fork, cpu.exit, cpu.sample.run_delay_ns",
			.certainty = "proven",
			.text = "ready threads that wait for a CPU for `share` percent of the time or more",
		},
	.row = judge,
};
