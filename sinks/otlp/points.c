/* SPDX-License-Identifier: BSD-2-Clause */
/* Metrics: what a run adds when it is over, as deltas. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/otlp/otlp.h"

#define STEPS_MAX 200 /* of a run */

enum { METRIC_NAME = 1, METRIC_HELP = 2, METRIC_UNIT = 3, METRIC_GAUGE = 5, METRIC_SUM = 7, METRIC_HISTOGRAM = 9 };
enum { DATA_POINT = 1, DATA_TEMPORALITY = 2, DATA_MONOTONIC = 3, TEMPORALITY_DELTA = 1, TEMPORALITY_CUMULATIVE = 2 };
enum { POINT_START = 2, POINT_TIME = 3, POINT_DOUBLE = 4, POINT_INT = 6, POINT_ATTRIBUTE = 7 };
enum { HISTOGRAM_COUNT = 4, HISTOGRAM_SUM = 5, HISTOGRAM_BUCKETS = 6, HISTOGRAM_BOUNDS = 7, HISTOGRAM_ATTRIBUTE = 9 };

int otlp_run__step(struct otlp_run *run, const struct model_task *task)
{
	return step_sums__task(&run->steps, STEPS_MAX, task);
}

void otlp_run__free(struct otlp_run *run)
{
	step_sums__free(&run->steps);
	buffer__free(&run->head);
}

/* ---- a metric with one point ---- */

struct point {
	struct otlp *otlp;
	const struct model_run *run;
	struct buffer head;
	uint64_t began, ended; /* since 1970 */
};

enum shape { SHAPE_SUM, SHAPE_ACTIVE, SHAPE_GAUGE };

struct metric_about {
	const char *name, *help, *unit;
	enum shape shape;
	bool seconds; /* a double, of nanoseconds */
};

static void put_about(struct buffer *out, const struct metric_about *about)
{
	out->size = 0;
	proto__string(out, METRIC_NAME, about->name);
	proto__string(out, METRIC_HELP, about->help);
	proto__string(out, METRIC_UNIT, about->unit);
}

/* Attributes that are not NULL: names and values in turn, ended by NULL. */
static int send_number(const struct point *point, const struct metric_about *about, uint64_t value,
		       const char *const *labels)
{
	struct buffer *out = &point->otlp->item;
	size_t data, at;

	if (EVENT_IS_NULL(value))
		return 0;
	put_about(out, about);
	data = proto__open(out, about->shape == SHAPE_GAUGE ? METRIC_GAUGE : METRIC_SUM);
	at = proto__open(out, DATA_POINT);
	if (about->shape != SHAPE_GAUGE)
		proto__fixed64(out, POINT_START, point->began);
	proto__fixed64(out, POINT_TIME, point->ended);
	if (about->seconds)
		proto__double(out, POINT_DOUBLE, (double)value / 1e9);
	else
		proto__fixed64(out, POINT_INT, value);
	for (; *labels; labels += 2)
		attribute__string(out, POINT_ATTRIBUTE, labels[0], labels[1]);
	proto__close(out, at);
	if (about->shape != SHAPE_GAUGE)
		proto__uint(out, DATA_TEMPORALITY,
			    about->shape == SHAPE_ACTIVE ? TEMPORALITY_CUMULATIVE : TEMPORALITY_DELTA);
	if (about->shape == SHAPE_SUM)
		proto__uint(out, DATA_MONOTONIC, 1);
	proto__close(out, data);
	return outbox__add(point->otlp->outbox, OTLP_METRICS, &point->head, out);
}

/* ---- of a run ---- */

static int send_duration(const struct point *point, uint64_t wall_ns, const char *result)
{
	static const double bounds[] = {1, 5, 10, 30, 60, 300, 600, 1800, 3600, 10800, 21600, 43200, 86400};
	static const struct metric_about about = {"cicd.pipeline.run.duration", "Duration of a pipeline run", "s",
						  SHAPE_SUM, true};
	const size_t count = sizeof(bounds) / sizeof(*bounds);
	struct buffer *out = &point->otlp->item;
	const char *name = totals_run__name(point->run->info);
	size_t data, at, bucket = 0, packed;
	double seconds = (double)wall_ns / 1e9;

	while (bucket < count && seconds > bounds[bucket])
		bucket++;
	put_about(out, &about);
	data = proto__open(out, METRIC_HISTOGRAM);
	at = proto__open(out, DATA_POINT);
	proto__fixed64(out, POINT_START, point->began);
	proto__fixed64(out, POINT_TIME, point->ended);
	proto__fixed64(out, HISTOGRAM_COUNT, 1);
	proto__double(out, HISTOGRAM_SUM, seconds);
	packed = proto__open(out, HISTOGRAM_BUCKETS);
	for (size_t i = 0; i <= count; i++)
		buffer__append(out, &(uint64_t){htole64(i == bucket)}, sizeof(uint64_t));
	proto__close(out, packed);
	for (size_t i = 0; i < count; i++)
		proto__double(out, HISTOGRAM_BOUNDS, bounds[i]);
	attribute__string(out, HISTOGRAM_ATTRIBUTE, "cicd.pipeline.name", name);
	attribute__string(out, HISTOGRAM_ATTRIBUTE, "cicd.pipeline.run.state", "executing");
	attribute__string(out, HISTOGRAM_ATTRIBUTE, "cicd.pipeline.result", result);
	if (strcmp(result, "success") != 0)
		attribute__string(out, HISTOGRAM_ATTRIBUTE, "error.type", result);
	proto__close(out, at);
	proto__uint(out, DATA_TEMPORALITY, TEMPORALITY_DELTA);
	proto__close(out, data);
	return outbox__add(point->otlp->outbox, OTLP_METRICS, &point->head, out);
}

static int send_step(const struct point *point, const struct step_sum *step)
{
	const struct {
		struct metric_about about;
		uint64_t value;
	} all[] = {
		{{"collector.step.cpu.time", "CPU time of a step", "s", SHAPE_SUM, true}, step->cpu_ns},
		{{"collector.step.duration", "Wall time of a step's tasks", "s", SHAPE_SUM, true}, step->wall_ns},
		{{"collector.step.tasks", "Tasks of a step", "{task}", SHAPE_SUM, false}, step->tasks},
		{{"collector.step.processes", "Processes of a step", "{process}", SHAPE_SUM, false}, step->processes},
		{{"collector.step.errors", "Tasks of a step that failed", "{task}", SHAPE_SUM, false}, step->failed},
		{{"collector.step.memory.peak", "Peak memory of a step's largest task", "By", SHAPE_GAUGE, false},
		 step->peak_bytes},
	};
	const char *labels[] = {"cicd.pipeline.name", totals_run__name(point->run->info), "cicd.pipeline.task.name",
				step->name, NULL};
	int rc = 0;

	for (size_t i = 0; i < sizeof(all) / sizeof(*all) && !rc; i++)
		rc = send_number(point, &all[i].about, all[i].value, labels);
	return rc;
}

static int send_run(const struct point *point, const struct otlp_run *run)
{
	static const struct metric_about errors = {"cicd.pipeline.run.errors", "Errors in a pipeline run", "{error}",
						   SHAPE_SUM, false};
	const char *result = totals_run__result(&run->totals);
	const char *labels[] = {"cicd.pipeline.name", totals_run__name(point->run->info), "error.type",
				result ? result : "error", NULL};
	struct hash_node **steps = hash__sorted(&run->steps, NULL);
	int rc = steps ? 0 : -ENOMEM;

	if (!rc)
		rc = send_duration(point, totals_run__wall(&run->totals), labels[3]);
	if (!rc && strcmp(labels[3], "success") != 0)
		rc = send_number(point, &errors, 1, labels);
	for (size_t i = 0; i < run->steps.count && !rc; i++)
		rc = send_step(point, step_sum__of(steps[i]));
	free(steps);
	return rc;
}

int otlp__metrics(struct otlp *otlp, const struct model_run *run)
{
	const struct otlp_run *own = run->user;
	struct point point = {.otlp = otlp, .run = run};
	int rc;

	if (!otlp->sends[OTLP_METRICS] || !run->begun || run->life == STREAM_RUNNING)
		return 0;
	point.began = (uint64_t)run->real_ns;
	point.ended = (uint64_t)otlp__time(run, run->last_ts);
	otlp__resource(&point.head, otlp, run, otlp->run_id);
	rc = send_run(&point, own);
	buffer__free(&point.head);
	return rc;
}

/* Runs of the same name that go on. */
static uint64_t count_active(const struct otlp *otlp, const char *name)
{
	uint64_t count = 0;

	for (const struct otlp_set *set = otlp->sets; set; set = set->next)
		count += set->going && !strcmp(totals_run__name(set->info), name);
	return count;
}

int otlp__active(struct otlp *otlp, const struct model_run *run)
{
	static const struct metric_about about = {"cicd.pipeline.run.active", "Pipeline runs that go on", "{run}",
						  SHAPE_ACTIVE, false};
	const char *labels[] = {"cicd.pipeline.name", totals_run__name(run->info), "cicd.pipeline.run.state",
				"executing", NULL};
	struct point point = {.otlp = otlp, .run = run};
	int rc;

	if (!otlp->sends[OTLP_METRICS] || !otlp->api->follows)
		return 0;
	point.ended = clock__ns(CLOCK_REALTIME);
	point.began = point.ended - (clock__boot() - otlp->began_ns);
	otlp__resource(&point.head, otlp, run, otlp->run_id);
	rc = send_number(&point, &about, count_active(otlp, labels[1]), labels);
	buffer__free(&point.head);
	return rc;
}
