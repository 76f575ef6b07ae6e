/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the sink prometheus share: the host's metrics in the text format, which is also their store, and the
 * server for scrapes. */
#ifndef SINKS_PROMETHEUS_PROMETHEUS_H
#define SINKS_PROMETHEUS_PROMETHEUS_H

#include "core/base/base.h"
#include "core/sink.h"
#include "core/text.h"

/* ---- metrics.c, metrics_text.c ---- */

#define METRICS_STEPS 200     /* pairs of pipeline and step; the rest is the step "other" */
#define METRICS_PIPELINES 200 /* the rest is the pipeline "other" */
#define METRICS_RUNS 1000     /* that are known to be counted: the last ones */

/* In the order of the output. */
enum metric {
	METRIC_STEP_CPU,
	METRIC_STEP_WALL,
	METRIC_STEP_PROCESSES,
	METRIC_STEP_PEAK,
	METRIC_VERDICTS,
	METRIC_RUN_LAST_END,
	METRIC_RUN_LAST_SUCCESS,
	METRIC_RUNS,
	METRIC_EVENTS_LOST,
	METRIC_BUILD_INFO,
	METRIC_SINK_DELIVERED,
	METRIC_SINK_REFUSED,
	METRIC_SINK_LAG,
	/* Kept in comments. */
	METRIC_SEEN, /* when a pipeline, or a step of it, was counted last */
	METRIC_RUN,  /* when a run was counted */
	METRICS,
};

enum metric_op { METRIC_ADD, METRIC_SET, METRIC_MAX };

struct metrics {
	struct hash series;
	size_t steps, pipelines; /* of METRIC_SEEN */
};

/* `labels` as in the output: `pipeline="a",step="b"`. Values are integers: nanoseconds of a metric in seconds. 0 or -ENOMEM. */
int metrics__put(struct metrics *metrics, enum metric metric, enum metric_op op, const char *labels, uint64_t value);
void metrics__remove(struct metrics *metrics, enum metric metric, const char *labels); /* none of METRIC_SEEN */
bool metrics__has(const struct metrics *metrics, enum metric metric, const char *labels);

/* Appends a label with an untrusted value. */
void metrics__label(struct text *labels, const char *name, const char *value);

/* Appends the labels of a pipeline, then those of a step in it, that there is room for, and notes that they were seen now, in
 * nanoseconds since 1970. 0 or -ENOMEM. */
int metrics__pipeline(struct metrics *metrics, struct text *labels, const char *pipeline, uint64_t now);
int metrics__step(struct metrics *metrics, struct text *labels, const char *step, uint64_t now);

/* Reads what metrics__write() wrote. Steps not seen for a day, and pipelines for 30 days, are left out. 0, or with a sentence
 * in `err` -ENOMEM, -EINVAL: it is not of this sink, or -EBADMSG: it is damaged, and nothing is read. */
int metrics__read(struct metrics *metrics, const char *text, uint64_t now, struct error *err);

/* `store`: with what only metrics__read() uses. */
void metrics__write(const struct metrics *metrics, struct text *out, bool store);
void metrics__free(struct metrics *metrics); /* what it holds */

/* ---- own_cost.c: what this process costs, in the names that all of Prometheus's own programs have ---- */

void own_cost__write(struct text *out);

/* ---- server.c: answers scrapes on a thread of its own ---- */

struct server;

/* `address`: PORT, ADDRESS:PORT, [ADDRESS]:PORT; 127.0.0.1 without an address, any free port with 0. 0, or -errno with a
 * sentence. */
int server__start(struct server **server, const char *address, struct error *err);
unsigned server__port(const struct server *server);

/* What the next scrapes get; copied. 0 or -ENOMEM. */
int server__publish(struct server *server, const char *text, size_t size);
void server__stop(struct server *server); /* takes NULL */

#endif
