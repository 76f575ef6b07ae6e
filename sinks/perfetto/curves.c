/* SPDX-License-Identifier: BSD-2-Clause */
/* The curves of processes, steps and runs, from samples of processes. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "sinks/perfetto/tracer.h"

/* How long curves wait for CPU time that a process used since its last sample: nearly all accounts are closed by then.
 * What comes later, of a zombie that its parent has not waited for, is in the slices' figures only. */
#define LATE_NS 12000000000ULL

/* More than any machine has: what a damaged record says. */
#define CORES_MAX 1e6
#define BYTES_MAX (1ULL << 48)

/* A process that was sampled while it lived. */
struct sampled {
	struct hash_node node;
	const struct model_run *run;
	uint32_t pid;
	uint64_t start;
	struct gauges *gauges; /* of its step or run */
	uint64_t held;	       /* bytes, as counted in `gauges` */
};

struct step {
	struct hash_node node;
	const struct model_run *run;
	uint32_t number;
	struct gauges *gauges;
};

/* ---- where things are added ---- */

static struct step *step_of(struct hash_node *node)
{
	return (struct step *)((char *)node - offsetof(struct step, node));
}

static uint64_t step_key(const struct model_run *run, uint32_t number)
{
	return hash__number(run->index + 1, number);
}

static struct step *find_step(const struct tracer *tracer, const struct model_task *task)
{
	struct hash_node *node = hash__first(&tracer->steps, step_key(task->run, task->number));

	for (; node; node = hash__next(node)) {
		struct step *step = step_of(node);

		if (step->run == task->run && step->number == task->number)
			return step;
	}
	return NULL;
}

static struct gauges *new_gauges(struct tracer *tracer, struct gauges *around, uint64_t track)
{
	uint64_t tracks[GAUGE_KINDS];

	for (int i = 0; i < GAUGE_KINDS; i++)
		tracks[i] = tracer__counter(track, (enum gauge_kind)i);
	tracer__counters(tracer, track);
	return gauges__new(around, tracks);
}

static struct gauges *step_gauges(struct tracer *tracer, struct gauges *around, const struct model_task *task)
{
	struct step *step = find_step(tracer, task);

	if (step)
		return step->gauges;
	step = calloc(1, sizeof(*step));
	if (!step)
		return NULL;
	step->run = task->run;
	step->number = task->number;
	step->gauges = new_gauges(tracer, around, tracer__task(task->run, task->number));
	if (!step->gauges || hash__add(&tracer->steps, &step->node, step_key(task->run, task->number))) {
		free(step->gauges);
		free(step);
		return NULL;
	}
	return step->gauges;
}

/* NULL: out of memory. */
static struct gauges *gauges_of(struct tracer *tracer, struct trace_run *run, const struct model_row *row)
{
	if (!run->gauges)
		run->gauges = new_gauges(tracer, NULL, tracer__lane(run, LANE_RUN));
	if (!run->gauges || !row->task)
		return run->gauges;
	return step_gauges(tracer, run->gauges, row->task);
}

/* ---- processes ---- */

static struct sampled *find_sampled(const struct tracer *tracer, const struct model_row *row)
{
	struct hash_node *node = hash__first(&tracer->sampled, tracer__process(row->run, row->pid, row->start));

	for (; node; node = hash__next(node)) {
		struct sampled *sampled = (struct sampled *)((char *)node - offsetof(struct sampled, node));

		if (sampled->run == row->run && sampled->pid == row->pid && sampled->start == row->start)
			return sampled;
	}
	return NULL;
}

static struct sampled *new_sampled(struct tracer *tracer, const struct model_row *row, struct gauges *gauges)
{
	uint64_t track = tracer__process(row->run, row->pid, row->start);
	struct sampled *sampled = calloc(1, sizeof(*sampled));

	if (!sampled)
		return NULL;
	sampled->run = row->run;
	sampled->pid = row->pid;
	sampled->start = row->start;
	sampled->gauges = gauges;
	if (hash__add(&tracer->sampled, &sampled->node, track)) {
		free(sampled);
		return NULL;
	}
	tracer__counters(tracer, track);
	return sampled;
}

/* A sample without a change is not reported: the change came after the sample before. */
static uint64_t since(const struct tracer *tracer, const struct model_sample *sample)
{
	uint64_t from = sample->from_ns, until = sample->until_ns;
	bool before_watch = sample->row->preexisting && from <= sample->row->began_ns;

	if (until < from)
		return until;
	if (tracer->interval_ns && until - from > tracer->interval_ns * 3 / 2 && !before_watch)
		return until - tracer->interval_ns;
	return from;
}

static int cores(struct tracer *tracer, const struct trace_run *run, const struct model_sample *sample,
		 struct gauges *gauges, const struct sampled *sampled)
{
	uint64_t from = since(tracer, sample), until = sample->until_ns > from ? sample->until_ns : from + 1;
	uint64_t track =
		tracer__counter(tracer__process(sample->row->run, sample->row->pid, sample->row->start), GAUGE_CORES);
	double rate = fmin((double)sample->cpu_ns / (double)(until - from), CORES_MAX);
	int64_t level = (int64_t)(rate * 1e9);
	int err = 0;

	if (sampled && from > sample->from_ns)
		packets__cores(&tracer->packets, tracer__time(run, sample->from_ns), track, 0);
	if (sampled)
		packets__cores(&tracer->packets, tracer__time(run, from), track, rate);
	if (level) {
		err = timeline__add(&tracer->timeline, gauges, GAUGE_CORES, tracer__time(run, from), level);
		err = err ? err
			  : timeline__add(&tracer->timeline, gauges, GAUGE_CORES, tracer__time(run, until), -level);
	}
	return err;
}

static uint64_t held_by(const struct model_sample *sample)
{
	return sample->rss_bytes < BYTES_MAX ? sample->rss_bytes : BYTES_MAX;
}

/* It holds this until the next sample; before the first one, as much as that. */
static int bytes_held(struct tracer *tracer, const struct trace_run *run, const struct model_sample *sample,
		      struct sampled *sampled)
{
	const struct model_row *row = sample->row;
	int64_t more = (int64_t)held_by(sample) - (int64_t)sampled->held;
	uint64_t ts = tracer__time(run, sampled->held ? sample->until_ns : sample->from_ns);

	if (!more)
		return 0;
	sampled->held = held_by(sample);
	packets__bytes(&tracer->packets, ts,
		       tracer__counter(tracer__process(row->run, row->pid, row->start), GAUGE_BYTES), sampled->held);
	return timeline__add(&tracer->timeline, sampled->gauges, GAUGE_BYTES, ts, more);
}

/* It has ended, though its row may come much later. */
static int give_back(struct tracer *tracer, struct sampled *sampled, uint64_t ts)
{
	int64_t held = (int64_t)sampled->held;

	sampled->held = 0;
	return held ? timeline__add(&tracer->timeline, sampled->gauges, GAUGE_BYTES, ts, -held) : 0;
}

/* No sample while it lived: assume its peak for all of its life. */
static int bytes_at_once(struct tracer *tracer, const struct trace_run *run, const struct model_sample *sample,
			 struct gauges *gauges)
{
	int err = timeline__add(&tracer->timeline, gauges, GAUGE_BYTES, tracer__time(run, sample->from_ns),
				(int64_t)held_by(sample));

	return err ? err
		   : timeline__add(&tracer->timeline, gauges, GAUGE_BYTES, tracer__time(run, sample->until_ns),
				   -(int64_t)held_by(sample));
}

/* Curves are complete up to a fixed delay. */
static void advance(struct tracer *tracer, const struct trace_run *run)
{
	uint64_t now = tracer__time(run, run->run->last_ts), late = LATE_NS + 2 * tracer->interval_ns;

	timeline__advance(&tracer->timeline, now > late ? now - late : 0);
}

int tracer__sample(void *arg, const struct model_sample *sample)
{
	struct tracer *tracer = arg;
	struct trace_run *run = tracer__run(tracer, sample->row->run);
	struct gauges *gauges = gauges_of(tracer, run, sample->row);
	struct sampled *sampled;
	int err;

	if (!gauges)
		return -ENOMEM;
	advance(tracer, run);
	sampled = find_sampled(tracer, sample->row);
	if (!sampled && EVENT_IS_NULL(sample->row->ended_ns)) {
		sampled = new_sampled(tracer, sample->row, gauges);
		if (!sampled)
			return -ENOMEM;
	}
	if (sample->source == MODEL_CPU)
		return EVENT_IS_NULL(sample->cpu_ns) ? 0 : cores(tracer, run, sample, gauges, sampled);
	if (EVENT_IS_NULL(sample->rss_bytes))
		return 0;
	if (!sampled)
		return bytes_at_once(tracer, run, sample, gauges);
	err = bytes_held(tracer, run, sample, sampled);
	if (!err && !EVENT_IS_NULL(sample->row->ended_ns))
		err = give_back(tracer, sampled, tracer__time(run, sample->until_ns));
	return err;
}

/* ---- ends ---- */

static uint64_t end_of(const struct trace_run *run, uint64_t ended_ns)
{
	return tracer__time(run, EVENT_IS_NULL(ended_ns) ? run->run->last_ts : ended_ns);
}

int curves__ended(struct tracer *tracer, const struct trace_run *run, const struct model_row *row)
{
	struct sampled *sampled = find_sampled(tracer, row);
	uint64_t track = tracer__process(row->run, row->pid, row->start), ts = end_of(run, row->ended_ns);
	int err;

	advance(tracer, run);
	if (!sampled)
		return 0;
	packets__cores(&tracer->packets, ts, tracer__counter(track, GAUGE_CORES), 0);
	packets__bytes(&tracer->packets, ts, tracer__counter(track, GAUGE_BYTES), 0);
	err = give_back(tracer, sampled, ts);
	hash__remove(&tracer->sampled, &sampled->node);
	free(sampled);
	return err;
}

static void drop_step(struct tracer *tracer, struct step *step, uint64_t end_ns)
{
	gauges__close(&tracer->timeline, step->gauges, end_ns);
	hash__remove(&tracer->steps, &step->node);
	free(step);
}

void curves__step(struct tracer *tracer, const struct trace_run *run, const struct model_task *task)
{
	struct step *step = find_step(tracer, task);

	if (step)
		drop_step(tracer, step, end_of(run, task->ended_ns));
}

void curves__finish(struct tracer *tracer)
{
	timeline__advance(&tracer->timeline, UINT64_MAX);
	for (size_t i = 0; tracer->on.model && i < model__runs(tracer->on.model); i++) {
		struct trace_run *run = model__run(tracer->on.model, i)->user;

		if (run->gauges)
			gauges__close(&tracer->timeline, run->gauges, end_of(run, run->run->last_ts));
		run->gauges = NULL;
	}
}

void curves__free(struct tracer *tracer)
{
	hash__free_all(&tracer->sampled, offsetof(struct sampled, node));
	for (size_t i = 0; i < tracer->steps.size; i++)
		while (tracer->steps.slots[i])
			drop_step(tracer, step_of(tracer->steps.slots[i]), 0);
	curves__finish(tracer);
	timeline__free(&tracer->timeline);
	hash__free(&tracer->steps);
}
