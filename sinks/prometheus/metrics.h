/* SPDX-License-Identifier: BSD-2-Clause */
/* A series: for the files that hold, read and write metrics. */
#ifndef SINKS_PROMETHEUS_METRICS_H
#define SINKS_PROMETHEUS_METRICS_H

#include <string.h>

#include "sinks/prometheus/prometheus.h"

struct series {
	struct hash_node node;
	enum metric metric;
	uint64_t value;
	char labels[]; /* as in the output, without braces */
};

static inline struct series *series__of(struct hash_node *node)
{
	return (struct series *)((char *)node - offsetof(struct series, node));
}

#define SERIES_STEP "\",step=\"" /* in a label's value, quotes have a backslash */

/* Where the value of the label `step` is preceded by this; NULL: the series is a pipeline's. */
static inline const char *labels__step(const char *labels)
{
	return strstr(labels, SERIES_STEP);
}

struct series *metrics__find(const struct metrics *metrics, enum metric metric, const char *labels); /* NULL: none */

#endif
