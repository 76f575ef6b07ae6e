/* SPDX-License-Identifier: BSD-2-Clause */
/* The curves: what looks at processes say of them, of their step and of the run. */
#include <errno.h>
#include <stdlib.h>

#include "sinks/perfetto/tracer.h"

/* How long the model may wait for the end of a process: what comes later is drawn there. */
#define LATE_NS 12000000000ULL

/* A process that was looked at while it lived. */
struct looked {
	struct hash_node node;
	const struct model_run *run;
	uint32_t pid;
	uint64_t start;
	struct gauges *gauges; /* of its step or run */
	uint64_t held;	       /* bytes, as they stand in there */
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

static struct looked *find_looked(const struct tracer *tracer, const struct model_row *row)
{
	struct hash_node *node = hash__first(&tracer->looked, tracer__process(row->run, row->pid, row->start));

	for (; node; node = hash__next(node)) {
		struct looked *looked = (struct looked *)((char *)node - offsetof(struct looked, node));

		if (looked->run == row->run && looked->pid == row->pid && looked->start == row->start)
			return looked;
	}
	return NULL;
}

static struct looked *new_looked(struct tracer *tracer, const struct model_row *row, struct gauges *gauges)
{
	uint64_t track = tracer__process(row->run, row->pid, row->start);
	struct looked *looked = calloc(1, sizeof(*looked));

	if (!looked)
		return NULL;
	looked->run = row->run;
	looked->pid = row->pid;
	looked->start = row->start;
	looked->gauges = gauges;
	if (hash__add(&tracer->looked, &looked->node, track)) {
		free(looked);
		return NULL;
	}
	tracer__counters(tracer, track);
	return looked;
}

/* A sample without a change is not reported. What changed came after the sample before it. */
static uint64_t since(const struct tracer *tracer, const struct model_sample *sample)
{
	uint64_t from = sample->from_ns, until = sample->until_ns;
	bool before_watch = sample->row->older && from <= sample->row->began_ns;

	if (until < from)
		return until;
	if (tracer->interval_ns && until - from > tracer->interval_ns * 3 / 2 && !before_watch)
		return until - tracer->interval_ns;
	return from;
}

static int cores(struct tracer *tracer, const struct trace_run *run, const struct model_sample *sample,
		 struct gauges *gauges, const struct looked *looked)
{
	uint64_t from = since(tracer, sample), until = sample->until_ns > from ? sample->until_ns : from + 1;
	uint64_t track =
		tracer__counter(tracer__process(sample->row->run, sample->row->pid, sample->row->start), GAUGE_CORES);
	double rate = (double)sample->cpu_ns / (double)(until - from);
	int64_t level = (int64_t)(rate * 1e9);
	int err = 0;

	if (looked && from > sample->from_ns)
		packets__cores(&tracer->packets, tracer__time(run, sample->from_ns), track, 0);
	if (looked)
		packets__cores(&tracer->packets, tracer__time(run, from), track, rate);
	if (level) {
		err = timeline__add(&tracer->timeline, gauges, GAUGE_CORES, tracer__time(run, from), level);
		err = err ? err
			  : timeline__add(&tracer->timeline, gauges, GAUGE_CORES, tracer__time(run, until), -level);
	}
	return err;
}

/* It holds this until another sample says otherwise; what the first one finds, from its start. */
static int bytes_held(struct tracer *tracer, const struct trace_run *run, const struct model_sample *sample,
		      struct looked *looked)
{
	const struct model_row *row = sample->row;
	int64_t more = (int64_t)(sample->rss_bytes - looked->held);
	uint64_t ts = tracer__time(run, looked->held ? sample->until_ns : sample->from_ns);

	if (!more)
		return 0;
	looked->held = sample->rss_bytes;
	packets__bytes(&tracer->packets, ts,
		       tracer__counter(tracer__process(row->run, row->pid, row->start), GAUGE_BYTES), looked->held);
	return timeline__add(&tracer->timeline, looked->gauges, GAUGE_BYTES, ts, more);
}

/* No sample while it lived: assume that it held its peak all the time. */
static int bytes_at_once(struct tracer *tracer, const struct trace_run *run, const struct model_sample *sample,
			 struct gauges *gauges)
{
	int err = timeline__add(&tracer->timeline, gauges, GAUGE_BYTES, tracer__time(run, sample->from_ns),
				(int64_t)sample->rss_bytes);

	return err ? err
		   : timeline__add(&tracer->timeline, gauges, GAUGE_BYTES, tracer__time(run, sample->until_ns),
				   -(int64_t)sample->rss_bytes);
}

/* What has happened long enough ago is complete. */
static void advance(struct tracer *tracer, const struct trace_run *run)
{
	uint64_t now = tracer__time(run, run->run->last_ts), late = LATE_NS + 2 * tracer->interval_ns;

	timeline__advance(&tracer->timeline, now > late ? now - late : 0);
}

int tracer__sample(void *arg, const struct model_sample *sample)
{
	struct tracer *tracer = arg;
	struct trace_run *run = tracer__run(tracer, sample->row->run);
	struct gauges *gauges = run ? gauges_of(tracer, run, sample->row) : NULL;
	struct looked *looked;

	if (!gauges)
		return -ENOMEM;
	advance(tracer, run);
	looked = find_looked(tracer, sample->row);
	if (!looked && EVENT_IS_NULL(sample->row->ended_ns)) {
		looked = new_looked(tracer, sample->row, gauges);
		if (!looked)
			return -ENOMEM;
	}
	if (sample->source == MODEL_CPU)
		return EVENT_IS_NULL(sample->cpu_ns) ? 0 : cores(tracer, run, sample, gauges, looked);
	if (EVENT_IS_NULL(sample->rss_bytes))
		return 0;
	return looked ? bytes_held(tracer, run, sample, looked) : bytes_at_once(tracer, run, sample, gauges);
}

/* ---- ends ---- */

static uint64_t end_of(const struct trace_run *run, uint64_t ended_ns)
{
	return tracer__time(run, EVENT_IS_NULL(ended_ns) ? run->run->last_ts : ended_ns);
}

int curves__ended(struct tracer *tracer, const struct trace_run *run, const struct model_row *row)
{
	struct looked *looked = find_looked(tracer, row);
	uint64_t track = tracer__process(row->run, row->pid, row->start), ts = end_of(run, row->ended_ns);
	int err = 0;

	advance(tracer, run);
	if (!looked)
		return 0;
	packets__cores(&tracer->packets, ts, tracer__counter(track, GAUGE_CORES), 0);
	packets__bytes(&tracer->packets, ts, tracer__counter(track, GAUGE_BYTES), 0);
	if (looked->held)
		err = timeline__add(&tracer->timeline, looked->gauges, GAUGE_BYTES, ts, -(int64_t)looked->held);
	hash__remove(&tracer->looked, &looked->node);
	free(looked);
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
	for (size_t i = 0; i < tracer->runs_count; i++) {
		struct trace_run *run = tracer->runs[i];

		gauges__close(&tracer->timeline, run->gauges, end_of(run, run->run->last_ts));
		run->gauges = NULL;
	}
}

void curves__free(struct tracer *tracer)
{
	hash__free_all(&tracer->looked, offsetof(struct looked, node));
	for (size_t i = 0; i < tracer->steps.size; i++)
		while (tracer->steps.slots[i])
			drop_step(tracer, step_of(tracer->steps.slots[i]), 0);
	curves__finish(tracer);
	timeline__free(&tracer->timeline);
	hash__free(&tracer->steps);
}
