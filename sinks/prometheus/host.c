/* SPDX-License-Identifier: BSD-2-Clause */
/* Sums of one run, which the host's metrics get as a whole when it has ended: one that is read twice counts once. */
#include "sinks/prometheus/host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/program/program.h"

#define STEPS_MAX 10000 /* of a run, before the host's own bound */

int host_run__process(struct host_run *run, const struct model_process *process)
{
	return step_sums__process(&run->steps, STEPS_MAX, process);
}

int host_run__task(struct host_run *run, const struct model_task *task)
{
	return step_sums__task(&run->steps, STEPS_MAX, task);
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
static int count_step(const struct step_sum *step, struct metrics *metrics, const char *pipeline, uint64_t now)
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
	for (int i = 0; i < STEP_SUMS_OUTCOMES && !rc; i++) {
		if (!step->outcomes[i])
			continue;
		labels.size = size;
		metrics__label(&labels, "outcome", model_outcome__name((enum model_outcome)i));
		rc = labels.error;
		rc = rc ? rc : metrics__put(metrics, METRIC_STEP_PROCESSES, METRIC_ADD, labels.data, step->outcomes[i]);
	}
	text__free(&labels);
	return rc;
}

/* Those that used the most CPU time get room first. */
static int by_cpu(const void *a, const void *b)
{
	const struct step_sum *x = step_sum__of(*(struct hash_node *const *)a);
	const struct step_sum *y = step_sum__of(*(struct hash_node *const *)b);

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
	int rc = list ? forget_peak(metrics, pipeline, STEP_SUMS_OTHER) : -ENOMEM;

	for (size_t i = 0; i < run->steps.count && !rc; i++)
		rc = forget_peak(metrics, pipeline, step_sum__of(list[i])->name);
	for (size_t i = 0; i < run->steps.count && !rc; i++)
		rc = count_step(step_sum__of(list[i]), metrics, pipeline, now);
	free(list);
	return rc;
}

static int count_run(const struct host_run *run, struct metrics *metrics, const char *pipeline)
{
	const struct model_run *model = run->totals.run;
	bool ok = run->totals.ended && run->totals.end.outcome == MODEL_OK && model->life == STREAM_ENDED;
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
	step_sums__free(&run->steps);
}
