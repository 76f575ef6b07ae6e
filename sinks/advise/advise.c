/* SPDX-License-Identifier: BSD-2-Clause */
/* The sink for right-sizing: what each step should request, from what its tasks used. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/advise/settings.h"
#include "sinks/model/on_model.h"

struct advise_conf {
	char *format, *join, *steps;
	uint64_t headroom;
};

static const struct opt advise_options[] = {
	OPT(struct advise_conf, format, OPT_STRING, "table", 0, 0,
	    "table, or settings for nextflow, snakemake or slurm"),
	OPT(struct advise_conf, headroom, OPT_UINT, "20", 0, 1000, "percent of memory to request beyond the most used"),
	OPT(struct advise_conf, join, OPT_STRING, NULL, 0, 0, "a trace file of Nextflow, for names and requests"),
	OPT(struct advise_conf, steps, OPT_STRING, STEPS_DEFAULT, 0, 0, STEPS_HELP),
	{0},
};

struct advise {
	struct on_model on;
	const struct settings_format *format;
	uint64_t headroom;
	struct nextflow *theirs;
	struct needs needs;
};

static int on_row(void *arg, const struct model_row *row)
{
	struct advise *advise = arg;

	return needs__row(&advise->needs, row);
}

static int on_sample(void *arg, const struct model_sample *sample)
{
	struct advise *advise = arg;

	return needs__sample(&advise->needs, sample);
}

static int on_task(void *arg, const struct model_task *task)
{
	struct advise *advise = arg;

	return needs__task(&advise->needs, task);
}

static int begin(void *state, const void *given, struct error *err)
{
	const struct advise_conf *conf = given;
	struct advise *advise = state;
	int rc = 0;

	for (advise->format = settings_formats; advise->format->name; advise->format++)
		if (!strcmp(advise->format->name, conf->format))
			break;
	if (!advise->format->name)
		return error__set(err, -EINVAL,
				  "format: unknown format \"%.100s\": choose table, nextflow, snakemake or slurm",
				  conf->format);
	if (conf->join)
		rc = nextflow__load(&advise->theirs, conf->join, sink_api__file(advise->on.api, "join"), err);
	advise->headroom = conf->headroom;
	advise->needs.theirs = advise->theirs;
	if (!strcmp(conf->steps, STEPS_DEFAULT))
		advise->needs.rules = advise->format->rules; /* other rules mean other steps */
	return rc;
}

static int take_stream(void *state, const struct stream_info *info)
{
	struct advise *advise = state;

	if (info->interval_ns > advise->needs.interval_ns)
		advise->needs.interval_ns = info->interval_ns;
	return 0;
}

static void tell_none(const struct advise *advise)
{
	if (advise->theirs)
		advise->on.api->log(LOG_WARN,
				    "advise: no task of the run is in the trace file: does it belong to another run?");
	else if (advise->needs.rules)
		advise->on.api->log(LOG_WARN, "advise: no step of the run is %s's: see --sink advise:format=table",
				    advise->needs.rules);
	else
		advise->on.api->log(LOG_WARN, "advise: the run has no steps: set rules with the option steps");
}

static void note_losses(struct advise *advise)
{
	for (size_t i = 0; i < model__runs(advise->on.model); i++) {
		advise->needs.goes |= model__run(advise->on.model, i)->life == STREAM_RUNNING;
		for (int j = 0; j < MODEL_SOURCES; j++)
			advise->needs.lossy |= model__run(advise->on.model, i)->lossy[j];
	}
}

static int finish(void *state)
{
	struct advise *advise = state;
	struct text text = {0};
	int err;

	note_losses(advise);
	if (!advise->needs.steps_count)
		tell_none(advise);
	advise->format->put(&text, &advise->needs, advise->headroom);
	err = text.error ? text.error : write_all(advise->on.api->out, text.data, text.size);
	text__free(&text);
	return err;
}

static void end(void *state)
{
	struct advise *advise = state;

	needs__free(&advise->needs);
	nextflow__free(advise->theirs);
}

static const struct on_model_sink advise_on_model = {
	.size = sizeof(struct advise),
	.steps = offsetof(struct advise_conf, steps),
	.calls = {.row = on_row, .task = on_task, .sample = on_sample, .task_room = sizeof(struct needs_task)},
	.open = begin,
	.stream = take_stream,
	.finish = finish,
	.close = end,
};

static int advise__open(const struct sink_api *api, const void *conf, void **state)
{
	return on_model__open(&advise_on_model, "advise", api, conf, state);
}

SINK(advise, "what CPU and memory each step should request, from what its tasks used", .options = advise_options,
     .conf_size = sizeof(struct advise_conf), .open = advise__open, ON_MODEL);
