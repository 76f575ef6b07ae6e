/* SPDX-License-Identifier: BSD-2-Clause */
/* The sink for who reads an engine's own table: a line for each execution of a step, with our figures. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/sink.h"
#include "sinks/model/nextflow.h"
#include "sinks/steps/steps.h"
#include "sinks/trace/engine.h"
#include "sinks/trace/extra.h"

#define BUFFER 65536
#define OURS "collector_" /* before our columns, beside the engine's */

struct trace_conf {
	char *format, *join, *steps;
};

static const struct opt trace_options[] = {
	OPT(struct trace_conf, format, OPT_STRING, "nextflow", 0, 0, "whose columns: nextflow or snakemake"),
	OPT(struct trace_conf, join, OPT_STRING, NULL, 0, 0,
	    "a trace file of Nextflow: its lines, with ours beside them"),
	OPT(struct trace_conf, steps, OPT_STRING, STEPS_DEFAULT, 0, 0, STEPS_HELP),
	{0},
};

struct trace {
	const struct sink_api *api;
	const struct format *format;
	struct nextflow *theirs; /* NULL: not asked for */
	struct steps *steps;
	struct model *model;
	struct extra extra;
	struct text text;
};

static int put_out(struct trace *trace)
{
	int err = trace->text.error;

	if (!err)
		err = write_all(trace->api->out, trace->text.data, trace->text.size);
	trace->text.size = 0;
	return err;
}

/* ---- lines ---- */

static void header(struct trace *trace)
{
	for (size_t i = 0; trace->theirs && i < trace->theirs->columns_count; i++) {
		text__safe(&trace->text, trace->theirs->columns[i], strlen(trace->theirs->columns[i]));
		text__printf(&trace->text, "\t");
	}
	for (const struct column *column = trace->format->columns; column->name; column++)
		text__printf(&trace->text, "%s%s%s", column == trace->format->columns ? "" : "\t",
			     trace->theirs ? OURS : "", column->name);
	text__printf(&trace->text, "\n");
}

/* Of a task that they have not listed, nothing but the hash is known. */
static void put_theirs(struct trace *trace, const struct nextflow_task *task, const char *hash)
{
	for (size_t i = 0; i < trace->theirs->columns_count; i++) {
		const char *value = task ? task->values[i] : i == trace->theirs->hash ? hash : NULL;

		if (value)
			text__safe(&trace->text, value, strlen(value));
		text__printf(&trace->text, value ? "\t" : "-\t");
	}
}

/* `line` NULL: a task that did not run here, or whose processes were not seen. */
static int put_line(struct trace *trace, const struct line *line)
{
	for (const struct column *column = trace->format->columns; column->name; column++) {
		if (column != trace->format->columns)
			text__printf(&trace->text, "\t");
		if (line)
			column->put(&trace->text, line);
		else
			text__printf(&trace->text, "-");
	}
	text__printf(&trace->text, "\n");
	return trace->text.size >= BUFFER ? put_out(trace) : trace->text.error;
}

static int on_task(void *arg, const struct model_task *task)
{
	struct trace *trace = arg;
	struct line line = {.task = task};
	struct nextflow_task *theirs = NULL;

	extra__task(&trace->extra, &line);
	if (trace->theirs && task->id)
		theirs = nextflow__find(trace->theirs, task->id);
	if (theirs)
		theirs->used = true;
	if (trace->theirs && !theirs && !task->id)
		return 0; /* none of Nextflow's tasks */
	if (trace->theirs)
		put_theirs(trace, theirs, task->id);
	return put_line(trace, &line);
}

static int on_row(void *arg, const struct model_row *row)
{
	struct trace *trace = arg;

	return extra__row(&trace->extra, row);
}

static int on_sample(void *arg, const struct model_sample *sample)
{
	struct trace *trace = arg;

	return extra__sample(&trace->extra, sample);
}

/* ---- the sink ---- */

static void trace__close(void *state)
{
	struct trace *trace = state;

	model__free(trace->model);
	extra__free(&trace->extra);
	steps__free(trace->steps);
	nextflow__free(trace->theirs);
	text__free(&trace->text);
	free(trace);
}

static int configure(struct trace *trace, const struct trace_conf *conf, struct error *err)
{
	static const struct model_calls calls = {.row = on_row, .task = on_task, .sample = on_sample};
	int rc = 0;

	for (trace->format = formats; trace->format->name; trace->format++)
		if (!strcmp(trace->format->name, conf->format))
			break;
	if (!trace->format->name) {
		error__set(err, 0, "format: \"%.100s\" is not known: choose nextflow or snakemake", conf->format);
		return -EINVAL;
	}
	if (conf->join && trace->format != formats) {
		error__set(err, 0, "join: takes a trace file of Nextflow, so leave format=%s out", conf->format);
		return -EINVAL;
	}
	if (conf->join)
		rc = nextflow__load(&trace->theirs, conf->join, err);
	if (!rc)
		rc = steps__load(conf->steps, &trace->steps, err);
	if (rc)
		return rc;
	error__set(err, 0, "not enough memory");
	trace->model = model__new(&calls, trace, trace->steps);
	return trace->model ? 0 : -ENOMEM;
}

static int trace__open(const struct sink_api *api, const void *conf, void **state)
{
	struct trace *trace = calloc(1, sizeof(*trace));
	struct error err = {"not enough memory"};
	int rc = trace ? configure(trace, conf, &err) : -ENOMEM;

	if (rc) {
		api->log(LOG_ERROR, "trace: %s", err.text);
		if (trace)
			trace__close(trace);
		return rc;
	}
	trace->api = api;
	header(trace);
	*state = trace;
	return 0;
}

static int trace__stream(void *state, const struct stream_info *info)
{
	struct trace *trace = state;
	int err = extra__stream(&trace->extra, info);

	return err ? err : model__stream(trace->model, info);
}

static int trace__write(void *state, const struct record *record)
{
	struct trace *trace = state;
	int err = extra__record(&trace->extra, record);

	return err ? err : model__feed(trace->model, record);
}

static int trace__ended(void *state, const struct stream_info *info, const struct stream_state *stream)
{
	struct trace *trace = state;

	model__ended(trace->model, info, stream);
	return 0;
}

static int trace__flush(void *state, bool last)
{
	struct trace *trace = state;
	int err = last ? model__finish(trace->model) : 0;

	for (size_t i = 0; last && !err && trace->theirs && i < trace->theirs->tasks_count; i++) {
		if (trace->theirs->tasks[i]->used)
			continue;
		put_theirs(trace, trace->theirs->tasks[i], NULL);
		err = put_line(trace, NULL);
	}
	return err ? err : put_out(trace);
}

static const struct sink trace_sink = {
	.abi = SINK_ABI,
	.size = sizeof(struct sink),
	.name = "trace",
	.help = "a line for each execution of a step, in the columns of Nextflow or Snakemake",
	.options = trace_options,
	.conf_size = sizeof(struct trace_conf),
	.open = trace__open,
	.stream = trace__stream,
	.write = trace__write,
	.flush = trace__flush,
	.ended = trace__ended,
	.close = trace__close,
};

SINK_EXPORT const struct sink *const collector_sink;
const struct sink *const collector_sink = &trace_sink;
