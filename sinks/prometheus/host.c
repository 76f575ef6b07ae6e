/* SPDX-License-Identifier: BSD-2-Clause */
/* Sums of one run, which the host's metrics get as a whole when it has ended: one that is read twice counts once. */
#include "sinks/prometheus/host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/program/program.h"

#define STEPS_MAX 10000 /* of a run, before the host's own bound */
#define OTHER "other"

static struct run_step *run_step__of(struct hash_node *node)
{
	return (struct run_step *)((char *)node - offsetof(struct run_step, node));
}

static struct run_step *step_of(struct host_run *run, const char *name)
{
	uint64_t key = hash__bytes(0, name, strlen(name));
	struct hash_node *node = hash__first(&run->steps, key);
	struct run_step *step;

	for (; node; node = hash__next(node))
		if (!strcmp(run_step__of(node)->name, name))
			return run_step__of(node);
	if (run->steps.count >= STEPS_MAX && strcmp(name, OTHER) != 0)
		return step_of(run, OTHER);
	step = calloc(1, sizeof(*step) + strlen(name) + 1);
	if (!step || hash__add(&run->steps, &step->node, key)) {
		free(step);
		return NULL;
	}
	step->cpu_ns = step->wall_ns = step->peak_bytes = EVENT_NULL(MODEL_REASON_ABSENT);
	strcpy(step->name, name);
	return step;
}

int host_run__process(struct host_run *run, const struct model_process *process)
{
	const struct model_task *task = process->row.task;
	struct run_step *step = task ? step_of(run, task->step) : NULL;

	if (step)
		step->processes[process->row.outcome]++;
	return task && !step ? -ENOMEM : 0;
}

static void add(uint64_t *sum, uint64_t value)
{
	if (!EVENT_IS_NULL(value))
		*sum = EVENT_IS_NULL(*sum) ? value : *sum + value;
}

int host_run__task(struct host_run *run, const struct model_task *task)
{
	struct run_step *step = step_of(run, task->step);
	uint64_t memory = model_task__memory(task);

	if (!step)
		return -ENOMEM;
	add(&step->cpu_ns, task->cpu_ns);
	add(&step->wall_ns, task->wall_ns);
	if (!EVENT_IS_NULL(memory) && (EVENT_IS_NULL(step->peak_bytes) || memory > step->peak_bytes))
		step->peak_bytes = memory;
	return 0;
}

void host_run__ended(struct host_run *run, const struct stream_info *info, const struct stream_state *stream)
{
	run->lost += stream->lost;
	run->over = run->totals.run->life != STREAM_RUNNING;
	if (!*run->marker || strcmp(info->marker, run->marker) < 0)
		memcpy(run->marker, info->marker, sizeof(run->marker));
}

/* ---- counting ---- */

/* The step's labels, without those that it has beside pipeline and step. */
static int count_step(const struct run_step *step, struct metrics *metrics, const char *pipeline, uint64_t now)
{
	struct text labels = {0};
	const struct {
		enum metric metric;
		enum metric_op op;
		uint64_t value;
	} figures[] = {
		{METRIC_STEP_CPU, METRIC_ADD, step->cpu_ns},
		{METRIC_STEP_WALL, METRIC_ADD, step->wall_ns},
		{METRIC_STEP_PEAK, METRIC_MAX, step->peak_bytes},
	};
	size_t size;
	int rc;

	text__printf(&labels, "%s", pipeline);
	rc = metrics__step(metrics, &labels, step->name, now);
	for (size_t i = 0; i < sizeof(figures) / sizeof(*figures) && !rc; i++)
		if (!EVENT_IS_NULL(figures[i].value))
			rc = metrics__put(metrics, figures[i].metric, figures[i].op, labels.data, figures[i].value);
	size = labels.size;
	for (int i = 0; i < OUTCOMES && !rc; i++) {
		if (!step->processes[i])
			continue;
		labels.size = size;
		metrics__label(&labels, "outcome", model_outcome__name((enum model_outcome)i));
		rc = labels.error;
		rc = rc ? rc
			: metrics__put(metrics, METRIC_STEP_PROCESSES, METRIC_ADD, labels.data, step->processes[i]);
	}
	text__free(&labels);
	return rc;
}

/* Those that used the most CPU time get room first. */
static int by_cpu(const void *a, const void *b)
{
	const struct run_step *x = run_step__of(*(struct hash_node *const *)a);
	const struct run_step *y = run_step__of(*(struct hash_node *const *)b);

	uint64_t cpu_x = EVENT_IS_NULL(x->cpu_ns) ? 0 : x->cpu_ns, cpu_y = EVENT_IS_NULL(y->cpu_ns) ? 0 : y->cpu_ns;

	if (cpu_x != cpu_y)
		return cpu_x > cpu_y ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* Peaks are those of the last run that has the step. */
static int forget_peak(struct metrics *metrics, const char *pipeline, const char *step)
{
	struct text labels = {0};
	int rc;

	text__printf(&labels, "%s", pipeline);
	metrics__label(&labels, "step", step);
	rc = labels.error;
	if (!rc)
		metrics__remove(metrics, METRIC_STEP_PEAK, labels.data);
	text__free(&labels);
	return rc;
}

static int count_steps(const struct host_run *run, struct metrics *metrics, const char *pipeline, uint64_t now)
{
	struct hash_node **list = hash__sorted(&run->steps, by_cpu);
	int rc = list ? forget_peak(metrics, pipeline, OTHER) : -ENOMEM;

	for (size_t i = 0; i < run->steps.count && !rc; i++)
		rc = forget_peak(metrics, pipeline, run_step__of(list[i])->name);
	for (size_t i = 0; i < run->steps.count && !rc; i++)
		rc = count_step(run_step__of(list[i]), metrics, pipeline, now);
	free(list);
	return rc;
}

static int count_run(const struct host_run *run, struct metrics *metrics, const char *pipeline)
{
	const struct model_run *model = run->totals.run;
	bool ok = run->totals.ended && run->totals.root.outcome == MODEL_OK && model->life == STREAM_ENDED;
	uint64_t ended = (uint64_t)model->real_ns + model->last_ts - model->first_ts;
	struct text state = {0};
	int rc;

	metrics__label(&state, "state", stream_life__name(model->life));
	rc = state.error;
	rc = rc ? rc : metrics__put(metrics, METRIC_RUNS, METRIC_ADD, state.data, !run->counted);
	rc = rc ? rc : metrics__put(metrics, METRIC_RUN_LAST_END, METRIC_MAX, pipeline, ended);
	if (!rc && ok)
		rc = metrics__put(metrics, METRIC_RUN_LAST_SUCCESS, METRIC_MAX, pipeline, ended);
	rc = rc ? rc : metrics__put(metrics, METRIC_EVENTS_LOST, METRIC_ADD, pipeline, run->lost);
	text__free(&state);
	return rc;
}

int host_run__count(const struct host_run *run, struct metrics *metrics, uint64_t now)
{
	const struct model_run *model = run->totals.run;
	struct text labels = {0}, key = {0};
	int rc;

	if (!model->begun || !run->over)
		return 0;
	metrics__label(&key, "marker", *run->marker ? run->marker : model->info->run.id);
	rc = key.error ? key.error : !run->counted && metrics__has(metrics, METRIC_RUN, key.data);
	if (!rc) {
		rc = metrics__pipeline(metrics, &labels, totals_run__name(model->info), now);
		rc = rc ? rc : count_steps(run, metrics, labels.data, now);
		rc = rc ? rc : count_run(run, metrics, labels.data);
		rc = rc ? rc : metrics__put(metrics, METRIC_RUN, METRIC_SET, key.data, now);
	}
	text__free(&labels);
	text__free(&key);
	return rc;
}

void host_run__counted(struct host_run *run)
{
	if (!run->over)
		return;
	host_run__free(run);
	run->steps = (struct hash){0};
	run->lost = 0;
	run->counted = true;
}

void host_run__free(struct host_run *run)
{
	hash__free_all(&run->steps, offsetof(struct run_step, node));
}
