/* SPDX-License-Identifier: BSD-2-Clause */
/* The sink for tools that read an engine's own table: a line for each task of a step, with our figures. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/steps/nextflow.h"
#include "sinks/model/on_model.h"
#include "sinks/trace/engine.h"
#include "sinks/trace/extra.h"

#define BUFFER 65536
#define OURS "collector_" /* before our columns, beside the engine's */

struct trace_conf {
	char *format, *join, *steps;
};

static const struct opt trace_options[] = {
	OPT(struct trace_conf, format, OPT_STRING, "nextflow", 0, 0, "the engine's columns: nextflow or snakemake"),
	OPT(struct trace_conf, join, OPT_STRING, NULL, 0, 0,
	    "a trace file of Nextflow: its lines, with our columns appended"),
	OPT(struct trace_conf, steps, OPT_STRING, STEPS_DEFAULT, 0, 0, STEPS_HELP),
	{0},
};

struct trace {
	struct on_model on;
	const struct format *format;
	struct nextflow *theirs; /* NULL: no option join */
	struct extra extra;
	struct text text;
};

static int put_out(struct trace *trace)
{
	int err = trace->text.error;

	if (!err)
		err = write_all(trace->on.api->out, trace->text.data, trace->text.size);
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

/* A task missing from their file: only the hash is known. */
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

	extra__task(&line);
	if (trace->theirs && task->id)
		theirs = nextflow__find(trace->theirs, task->id);
	if (theirs)
		theirs->used = true;
	if (trace->theirs && !theirs && !task->id)
		return 0; /* not a task of Nextflow's */
	if (trace->theirs)
		put_theirs(trace, theirs, task->id);
	return put_line(trace, &line);
}

static int on_row(void *arg, const struct model_row *row)
{
	struct trace *trace = arg;

	extra__row(&trace->extra, row);
	return 0;
}

static int on_sample(void *arg, const struct model_sample *sample)
{
	struct trace *trace = arg;

	extra__sample(&trace->extra, sample);
	return 0;
}

/* ---- the sink ---- */

static int begin(void *state, const void *given, struct error *err)
{
	const struct trace_conf *conf = given;
	struct trace *trace = state;
	int rc = 0;

	for (trace->format = formats; trace->format->name; trace->format++)
		if (!strcmp(trace->format->name, conf->format))
			break;
	if (!trace->format->name)
		return error__set(err, -EINVAL, "format: unknown format \"%.100s\": choose nextflow or snakemake",
				  conf->format);
	if (conf->join && trace->format != formats)
		return error__set(err, -EINVAL, "join: needs a trace file of Nextflow: remove format=%s", conf->format);
	if (conf->join)
		rc = nextflow__load(&trace->theirs, conf->join, sink_api__file(trace->on.api, "join"), err);
	if (!rc)
		header(trace);
	return rc;
}

static int take_stream(void *state, const struct stream_info *info)
{
	return extra__stream(&((struct trace *)state)->extra, info);
}

static int take_record(void *state, const struct record *record)
{
	return extra__record(&((struct trace *)state)->extra, record);
}

static int finish(void *state)
{
	struct trace *trace = state;
	int err = 0;

	for (size_t i = 0; !err && trace->theirs && i < trace->theirs->tasks_count; i++) {
		if (trace->theirs->tasks[i]->used)
			continue;
		put_theirs(trace, trace->theirs->tasks[i], NULL);
		err = put_line(trace, NULL);
	}
	return err ? err : put_out(trace);
}

static void end(void *state)
{
	struct trace *trace = state;

	extra__free(&trace->extra);
	nextflow__free(trace->theirs);
	text__free(&trace->text);
}

static const struct on_model_sink trace_on_model = {
	.size = sizeof(struct trace),
	.steps = offsetof(struct trace_conf, steps),
	.calls = {.row = on_row, .task = on_task, .sample = on_sample, .task_room = sizeof(struct extra_task)},
	.open = begin,
	.stream = take_stream,
	.record = take_record,
	.finish = finish,
	.close = end,
};

static int trace__open(const struct sink_api *api, const void *conf, void **state)
{
	return on_model__open(&trace_on_model, "trace", api, conf, state);
}

SINK(trace, "a line for each task of a step, in the columns of Nextflow or Snakemake", .options = trace_options,
     .conf_size = sizeof(struct trace_conf), .open = trace__open, ON_MODEL);
