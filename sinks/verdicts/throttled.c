/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes that are ready to run, and wait for a CPU: they have more threads than CPUs, or may not use the CPUs that others of
 * the run may. */
#include "core/format.h"
#include "sinks/detector/detector.h"

/* Of a parent: that its children are restricted has been said. */
struct restricted {
	bool told;
};

static int sampled(struct verdicts *verdicts, struct track *track, enum track_event event)
{
	struct verdict_run *run = verdicts->runs[track->run->index];
	uint64_t cpus = track->figure[TRACK_CPUS];

	if (event == TRACK_CPU_SAMPLE && !EVENT_IS_NULL(cpus) && cpus > run->cpus)
		run->cpus = cpus;
	return 0;
}

struct shares {
	uint64_t waited, used, wall, threads, cpus;
};

/* With as many threads as CPUs, others of the machine are in its way. */
static bool has_too_many(const struct shares *s)
{
	double wanted = (double)(s->waited + s->used) / (double)s->wall;

	return !EVENT_IS_NULL(s->threads) && s->threads >= 2 && wanted >= 1.5 &&
	       (EVENT_IS_NULL(s->cpus) || wanted >= 1.25 * (double)s->cpus);
}

static int tell_threads(struct verdicts *verdicts, const struct model_row *row, const struct shares *s)
{
	struct draft draft = draft__new(VERDICT_THROTTLED, VERDICT_PROVEN, row);
	char delay[FORMAT_SIZE], cpu[FORMAT_SIZE];

	text__process(&draft.evidence, row);
	text__printf(&draft.evidence,
		     " was ready for %s in which it got no CPU, and ran for %s: it has %llu threads for %.1f CPUs",
		     format__duration(delay, s->waited), format__duration(cpu, s->used), (unsigned long long)s->threads,
		     (double)s->used / (double)s->wall);
	text__printf(&draft.refute, "others that used the machine at the same time");
	text__printf(&draft.next,
		     "start fewer threads, or give it more CPUs: taskset, cpu.max, the batch system's request");
	return draft__add(verdicts, &draft);
}

/* Once below a parent: the others have the same to say. */
static int tell_restricted(struct verdicts *verdicts, struct track *track, const struct model_row *row,
			   const struct shares *s, uint64_t of)
{
	struct restricted *below =
		track->parent && !track->parent->gone ? track__room(track->parent, &detector_throttled) : NULL;
	char delay[FORMAT_SIZE], cpu[FORMAT_SIZE];
	struct draft draft;

	if (below && below->told)
		return 0;
	if (below)
		below->told = true;
	draft = draft__new(VERDICT_THROTTLED, VERDICT_LIKELY, row);
	text__process(&draft.evidence, row);
	text__printf(
		&draft.evidence,
		" was ready for %s in which it got no CPU, and ran for %s: it may run on %llu of the run's %llu CPUs",
		format__duration(delay, s->waited), format__duration(cpu, s->used), (unsigned long long)s->cpus,
		(unsigned long long)of);
	text__printf(&draft.refute, "processes on other CPUs that waited as long");
	text__printf(&draft.next,
		     "taskset -cp %u: which CPUs it may use; then taskset, numactl, the binding "
		     "of MPI or of the batch system",
		     row->pid);
	return draft__add(verdicts, &draft);
}

static int judge(struct verdicts *verdicts, struct track *track, const struct model_row *row)
{
	const struct verdict_limit *limit = verdict_run__limit(verdicts, row->run, VERDICT_THROTTLED);
	const struct verdict_run *run = verdicts->runs[row->run->index];
	struct shares s;

	if (!track || EVENT_IS_NULL(row->cpu_ns) || EVENT_IS_NULL(row->wall_ns))
		return 0;
	s = (struct shares){track->figure[TRACK_RUN_DELAY], row->cpu_ns, row->wall_ns, track->figure[TRACK_THREADS],
			    track->figure[TRACK_CPUS]};
	if (EVENT_IS_NULL(s.waited) || s.wall < limit->after || s.waited < limit->after ||
	    s.waited * 100 < (s.waited + s.used) * limit->share)
		return 0;
	if (has_too_many(&s))
		return tell_threads(verdicts, row, &s);
	if (!EVENT_IS_NULL(s.cpus) && s.cpus < run->cpus)
		return tell_restricted(verdicts, track, row, &s, run->cpus);
	return 0;
}

const struct detector detector_throttled = {
	.index = DETECT_THROTTLED,
	.about =
		{
			.kinds = "throttled",
			.needs = "lifecycle.fork, cpu.exit, cpu.sample.run_delay_ns",
			.certainty = "proven; likely where it is restricted to fewer CPUs than others of the run",
			.text = "ready threads that wait for a CPU for `share` percent of the time or more",
		},
	.room = sizeof(struct restricted),
	.sampled = sampled,
	.row = judge,
};
