/* SPDX-License-Identifier: BSD-2-Clause */
/* Metrics in Prometheus's text format, written and read again. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/prometheus/metrics.h"

#define TITLE "# Written by the sink prometheus of collector, which keeps its counters here."
#define SECOND 1000000000ULL
#define DAY (86400 * SECOND)
#define LINE_MAX 8192

enum { COUNTS, SECONDS };

static const struct {
	const char *name, *type, *help; /* no type: in a comment */
	int unit;
	bool now; /* set at each writing: not read */
} metrics_table[METRICS] = {
	[METRIC_STEP_CPU] = {"collector_step_cpu_seconds_total", "counter",
			     "CPU time of the step's tasks in ended runs.", .unit = SECONDS},
	[METRIC_STEP_WALL] = {"collector_step_wall_seconds_total", "counter",
			      "Wall time of the step's tasks in ended runs, one after the other.", .unit = SECONDS},
	[METRIC_STEP_PROCESSES] = {"collector_step_processes_total", "counter",
				   "Processes of the step in ended runs, by how they ended.", .unit = COUNTS},
	[METRIC_STEP_PEAK] = {"collector_step_peak_memory_bytes", "gauge",
			      "Most memory that a task of the step held in the last ended run that had it.",
			      .unit = COUNTS},
	[METRIC_VERDICTS] = {"collector_verdicts_total", "counter", "Verdicts on ended runs.", .unit = COUNTS},
	[METRIC_RUN_LAST_END] = {"collector_run_last_end_timestamp_seconds", "gauge",
				 "When a run of the pipeline ended last.", .unit = SECONDS},
	[METRIC_RUN_LAST_SUCCESS] = {"collector_run_last_success_timestamp_seconds", "gauge",
				     "When a run of the pipeline ended last with exit status 0.", .unit = SECONDS},
	[METRIC_RUNS] = {"collector_runs", "gauge",
			 "Runs that are running, and that have ended, by how their record ended.", .unit = COUNTS},
	[METRIC_EVENTS_LOST] = {"collector_events_lost_total", "counter",
				"Events that are missing from the record of ended runs.", .unit = COUNTS},
	[METRIC_BUILD_INFO] = {"collector_build_info", "gauge", "The version that wrote this.", .unit = COUNTS,
			       .now = true},
	[METRIC_SINK_DELIVERED] = {"collector_sink_delivered_records_total", "counter", "Records that the sink took.",
				   .unit = COUNTS},
	[METRIC_SINK_REFUSED] = {"collector_sink_refused_records_total", "counter",
				 "Records that the endpoint of the sink did not take.", .unit = COUNTS},
	[METRIC_SINK_LAG] = {"collector_sink_lag_seconds", "gauge", "How old the sink's last record was when it came.",
			     .unit = SECONDS, .now = true},
	[METRIC_SEEN] = {"# seen", NULL, NULL, .unit = SECONDS},
	[METRIC_RUN] = {"# run", NULL, NULL, .unit = SECONDS},
};

/* ---- writing ---- */

static int by_name(const void *a, const void *b)
{
	const struct series *x = series__of(*(struct hash_node *const *)a),
			    *y = series__of(*(struct hash_node *const *)b);

	if (x->metric != y->metric)
		return x->metric < y->metric ? -1 : 1;
	if (x->metric == METRIC_RUN && x->value != y->value)
		return x->value > y->value ? -1 : 1; /* the last ones first */
	return strcmp(x->labels, y->labels);
}

static void put_series(struct text *out, const struct series *series)
{
	text__printf(out, "%s{%s} ", metrics_table[series->metric].name, series->labels);
	if (metrics_table[series->metric].unit == SECONDS)
		text__printf(out, "%llu.%09llu\n", series->value / SECOND, series->value % SECOND);
	else
		text__printf(out, "%" PRIu64 "\n", series->value);
}

void metrics__write(const struct metrics *metrics, struct text *out, bool store)
{
	struct hash_node **list = hash__sorted(&metrics->series, by_name);
	size_t i = 0, runs = 0;

	if (!list) {
		out->error = -ENOMEM;
		return;
	}
	if (store)
		text__printf(out, TITLE "\n");
	for (int metric = 0; metric < METRICS; metric++) {
		bool shown = metrics_table[metric].type || store;

		if (metrics_table[metric].type)
			text__printf(out, "# HELP %s %s\n# TYPE %s %s\n", metrics_table[metric].name,
				     metrics_table[metric].help, metrics_table[metric].name,
				     metrics_table[metric].type);
		for (; i < metrics->series.count && series__of(list[i])->metric == (enum metric)metric; i++)
			if (shown && (metric != METRIC_RUN || runs++ < METRICS_RUNS))
				put_series(out, series__of(list[i]));
	}
	free(list);
}

/* ---- reading ---- */

/* Splits `NAME{LABELS} VALUE` and finds the metric. */
static bool split(char *line, enum metric *metric, char **labels, char **value)
{
	char *brace = strchr(line, '{'), *end = strrchr(line, '}');

	if (!brace || !end || end < brace || end[1] != ' ')
		return false;
	*brace = *end = '\0';
	*labels = brace + 1;
	*value = end + 2;
	for (int i = 0; i < METRICS; i++)
		if (!strcmp(line, metrics_table[i].name)) {
			*metric = (enum metric)i;
			return true;
		}
	return false;
}

static bool parse(const char *text, enum metric metric, uint64_t *value)
{
	bool seconds = metrics_table[metric].unit == SECONDS;
	unsigned long long whole, part = 0;
	int n = 0;

	if (seconds && (sscanf(text, "%20llu.%9llu%n", &whole, &part, &n) != 2 || whole > UINT64_MAX / SECOND - 1))
		return false;
	if (!seconds && sscanf(text, "%20llu%n", &whole, &n) != 1)
		return false;
	*value = seconds ? whole * SECOND + part : whole;
	return !text[n];
}

static int read_line(struct metrics *metrics, char *line, struct error *err)
{
	enum metric metric;
	char *labels, *text;
	uint64_t value;

	if (!*line || !strncmp(line, "# HELP ", 7) || !strncmp(line, "# TYPE ", 7))
		return 0;
	if (!split(line, &metric, &labels, &text) || !parse(text, metric, &value))
		return error__set(err, -EBADMSG, "damaged: a line cannot be read");
	return metrics_table[metric].now ? 0 : metrics__put(metrics, metric, METRIC_SET, labels, value);
}

/* Whether what has these labels was not seen for too long. Steps go after a day, pipelines after 30. */
static bool is_old(const struct metrics *metrics, const struct series *series, uint64_t now)
{
	const char *step = labels__step(series->labels);
	uint64_t age = step ? DAY : 30 * DAY;
	const struct series *seen;
	char pair[LINE_MAX];
	size_t n = step ? (size_t)(step - series->labels) + strlen(SERIES_STEP) : 0;

	if (series->metric == METRIC_RUN || strncmp(series->labels, "pipeline=", 9) != 0)
		return false;
	for (; step && series->labels[n] && series->labels[n] != '"'; n++)
		n += series->labels[n] == '\\';
	snprintf(pair, sizeof(pair), "%.*s", step ? (int)n + 1 : LINE_MAX, series->labels);
	seen = metrics__find(metrics, METRIC_SEEN, pair);
	return !seen || (seen->value < now && now - seen->value > age);
}

/* Copies what is not too old. */
static int keep(struct metrics *to, const struct metrics *from, uint64_t now)
{
	struct hash_node **list = hash__sorted(&from->series, NULL);
	int rc = list ? 0 : -ENOMEM;

	for (size_t i = 0; list && i < from->series.count && !rc; i++) {
		const struct series *series = series__of(list[i]);

		if (!is_old(from, series, now))
			rc = metrics__put(to, series->metric, METRIC_SET, series->labels, series->value);
	}
	free(list);
	return rc;
}

int metrics__read(struct metrics *metrics, const char *text, uint64_t now, struct error *err)
{
	struct metrics all = {0};
	char line[LINE_MAX];
	int rc = 0;

	if (strncmp(text, TITLE "\n", strlen(TITLE) + 1) != 0)
		return error__set(err, -EINVAL, "not written by this sink");
	text += strlen(TITLE) + 1;
	for (size_t n; *text && !rc; text += n + (text[n] == '\n')) {
		n = strcspn(text, "\n");
		if (n >= sizeof(line)) {
			rc = error__set(err, -EBADMSG, "damaged: a line is too long");
			break;
		}
		memcpy(line, text, n);
		line[n] = '\0';
		rc = read_line(&all, line, err);
	}
	rc = rc ? rc : keep(metrics, &all, now);
	metrics__free(&all);
	return rc == -ENOMEM ? error__set(err, rc, "%s", strerror(ENOMEM)) : rc;
}
