/* SPDX-License-Identifier: BSD-2-Clause */
/* The sink for right-sizing: what each step should ask for, from what its executions used. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/sink.h"
#include "sinks/advise/settings.h"
#include "sinks/steps/steps.h"

struct advise_conf {
	char *format, *join, *steps;
	uint64_t headroom;
};

static const struct opt advise_options[] = {
	OPT(struct advise_conf, format, OPT_STRING, "table", 0, 0,
	    "table, or settings as nextflow, snakemake or slurm takes them"),
	OPT(struct advise_conf, headroom, OPT_UINT, "20", 0, 1000, "percent of memory to ask for beyond the most used"),
	OPT(struct advise_conf, join, OPT_STRING, NULL, 0, 0,
	    "a trace file of Nextflow, for names and what was asked for"),
	OPT(struct advise_conf, steps, OPT_STRING, STEPS_DEFAULT, 0, 0, STEPS_HELP),
	{0},
};

struct advise {
	const struct sink_api *api;
	const struct settings_format *format;
	uint64_t headroom;
	struct nextflow *theirs;
	struct steps *steps;
	struct model *model;
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

static void advise__close(void *state)
{
	struct advise *advise = state;

	model__free(advise->model);
	needs__free(&advise->needs);
	steps__free(advise->steps);
	nextflow__free(advise->theirs);
	free(advise);
}

static int configure(struct advise *advise, const struct advise_conf *conf, struct error *err)
{
	static const struct model_calls calls = {.row = on_row, .task = on_task, .sample = on_sample};
	int rc = 0;

	for (advise->format = settings_formats; advise->format->name; advise->format++)
		if (!strcmp(advise->format->name, conf->format))
			break;
	if (!advise->format->name) {
		error__set(err, 0, "format: \"%.100s\" is not known: choose table, nextflow, snakemake or slurm",
			   conf->format);
		return -EINVAL;
	}
	if (conf->join)
		rc = nextflow__load(&advise->theirs, conf->join, err);
	if (!rc)
		rc = steps__load(conf->steps, &advise->steps, err);
	if (rc)
		return rc;
	advise->headroom = conf->headroom;
	advise->needs.theirs = advise->theirs;
	if (!strcmp(conf->steps, STEPS_DEFAULT))
		advise->needs.rules = advise->format->rules; /* who gives other rules means other steps */
	advise->model = model__new(&calls, advise, advise->steps);
	return advise->model ? 0 : -ENOMEM;
}

static int advise__open(const struct sink_api *api, const void *conf, void **state)
{
	struct advise *advise = calloc(1, sizeof(*advise));
	struct error err = {"not enough memory"};
	int rc = advise ? configure(advise, conf, &err) : -ENOMEM;

	if (rc) {
		api->log(LOG_ERROR, "advise: %s", err.text);
		if (advise)
			advise__close(advise);
		return rc;
	}
	advise->api = api;
	*state = advise;
	return 0;
}

static int advise__stream(void *state, const struct stream_info *info)
{
	struct advise *advise = state;

	if (info->interval_ns > advise->needs.interval_ns)
		advise->needs.interval_ns = info->interval_ns;
	return model__stream(advise->model, info);
}

static int advise__write(void *state, const struct record *record)
{
	struct advise *advise = state;

	return model__feed(advise->model, record);
}

static int advise__ended(void *state, const struct stream_info *info, const struct stream_state *stream)
{
	struct advise *advise = state;

	model__ended(advise->model, info, stream);
	return 0;
}

static void tell_none(const struct advise *advise)
{
	if (advise->theirs)
		advise->api->log(LOG_WARN, "advise: no task of the run is in the trace file: is it of another run?");
	else if (advise->needs.rules)
		advise->api->log(LOG_WARN, "advise: no step of the run is %s's: see --sink advise:format=table",
				 advise->needs.rules);
	else
		advise->api->log(LOG_WARN, "advise: the run has no steps: give rules by the option steps");
}

static void note_losses(struct advise *advise)
{
	for (size_t i = 0; i < model__runs(advise->model); i++)
		for (int j = 0; j < MODEL_SOURCES; j++)
			advise->needs.lossy |= model__run(advise->model, i)->lossy[j];
}

static int advise__flush(void *state, bool last)
{
	struct advise *advise = state;
	struct text text = {0};
	int err;

	if (!last)
		return 0;
	err = model__finish(advise->model);
	if (!err) {
		note_losses(advise);
		if (!advise->needs.steps_count)
			tell_none(advise);
		advise->format->put(&text, &advise->needs, advise->headroom);
		err = text.error ? text.error : write_all(advise->api->out, text.data, text.size);
	}
	text__free(&text);
	return err;
}

static const struct sink advise_sink = {
	.abi = SINK_ABI,
	.size = sizeof(struct sink),
	.name = "advise",
	.help = "what CPU and memory each step should ask for, from what its executions used",
	.options = advise_options,
	.conf_size = sizeof(struct advise_conf),
	.open = advise__open,
	.stream = advise__stream,
	.write = advise__write,
	.flush = advise__flush,
	.ended = advise__ended,
	.close = advise__close,
};

SINK_EXPORT const struct sink *const collector_sink;
const struct sink *const collector_sink = &advise_sink;
