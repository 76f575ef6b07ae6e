/* SPDX-License-Identifier: BSD-2-Clause */
/* Series of metrics, and the bounds of their number. */
#include "sinks/prometheus/metrics.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_COLUMNS 200 /* of a label */
#define OTHER "other"

static uint64_t key_of(enum metric metric, const char *labels)
{
	return hash__bytes(metric, labels, strlen(labels));
}

struct series *metrics__find(const struct metrics *metrics, enum metric metric, const char *labels)
{
	struct hash_node *node = hash__first(&metrics->series, key_of(metric, labels));

	for (; node; node = hash__next(node)) {
		struct series *series = series__of(node);

		if (series->metric == metric && !strcmp(series->labels, labels))
			return series;
	}
	return NULL;
}

bool metrics__has(const struct metrics *metrics, enum metric metric, const char *labels)
{
	return metrics__find(metrics, metric, labels);
}

static struct series *add(struct metrics *metrics, enum metric metric, const char *labels)
{
	struct series *series = calloc(1, sizeof(*series) + strlen(labels) + 1);

	if (!series || hash__add(&metrics->series, &series->node, key_of(metric, labels))) {
		free(series);
		return NULL;
	}
	series->metric = metric;
	strcpy(series->labels, labels);
	metrics->steps += metric == METRIC_SEEN && labels__step(labels);
	metrics->pipelines += metric == METRIC_SEEN && !labels__step(labels);
	return series;
}

int metrics__put(struct metrics *metrics, enum metric metric, enum metric_op op, const char *labels, uint64_t value)
{
	struct series *series = metrics__find(metrics, metric, labels);

	if (!series)
		series = add(metrics, metric, labels);
	if (!series)
		return -ENOMEM;
	if (op == METRIC_ADD)
		series->value += value;
	else if (op == METRIC_SET || value > series->value)
		series->value = value;
	return 0;
}

void metrics__remove(struct metrics *metrics, enum metric metric, const char *labels)
{
	struct series *series = metrics__find(metrics, metric, labels);

	if (!series)
		return;
	hash__remove(&metrics->series, &series->node);
	free(series);
}

void metrics__label(struct text *labels, const char *name, const char *value)
{
	struct text safe = {0}, cut = {0};

	text__safe(&safe, value, strlen(value));
	text__cut(&cut, safe.data ? safe.data : "", VALUE_COLUMNS);
	text__printf(labels, "%s%s=\"", labels->size ? "," : "", name);
	for (const char *c = cut.data ? cut.data : ""; *c; c++)
		text__printf(labels, *c == '\\' || *c == '"' ? "\\%c" : "%c", *c);
	text__printf(labels, "\"");
	if (safe.error || cut.error)
		labels->error = -ENOMEM;
	text__free(&safe);
	text__free(&cut);
}

/* Appends the label; if its series is new and there is no room, the one of all others. */
static int take(struct metrics *metrics, struct text *labels, const char *name, const char *value, bool room,
		uint64_t now)
{
	size_t before = labels->size;

	metrics__label(labels, name, value);
	if (!labels->error && !room && !metrics__has(metrics, METRIC_SEEN, labels->data)) {
		labels->size = before;
		metrics__label(labels, name, OTHER);
	}
	return labels->error ? labels->error : metrics__put(metrics, METRIC_SEEN, METRIC_MAX, labels->data, now);
}

int metrics__pipeline(struct metrics *metrics, struct text *labels, const char *pipeline, uint64_t now)
{
	return take(metrics, labels, "pipeline", pipeline, metrics->pipelines < METRICS_PIPELINES, now);
}

int metrics__step(struct metrics *metrics, struct text *labels, const char *step, uint64_t now)
{
	return take(metrics, labels, "step", step, metrics->steps < METRICS_STEPS, now);
}

void metrics__free(struct metrics *metrics)
{
	hash__free_all(&metrics->series, offsetof(struct series, node));
	*metrics = (struct metrics){0};
}
