/* SPDX-License-Identifier: BSD-2-Clause */
/* The sink for people: what ran, what failed, where time and memory went, on one page a run. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/sink.h"
#include "sinks/model/model.h"
#include "sinks/steps/steps.h"
#include "sinks/summary/page.h"

#define COLUMNS_MIN 60
#define COLUMNS_MAX 200

struct summary_conf {
	uint64_t top, failures;
	char *steps;
};

static const struct opt summary_options[] = {
	OPT(struct summary_conf, top, OPT_UINT, "5", 1, 1000, "rows of each table"),
	OPT(struct summary_conf, failures, OPT_UINT, "10", 0, 1000, "kinds of failure that are listed"),
	OPT(struct summary_conf, steps, OPT_STRING, STEPS_DEFAULT, 0, 0, STEPS_HELP),
	{0},
};

struct summary {
	const struct sink_api *api;
	struct summary_conf conf;
	struct steps *steps;
	struct model *model;
};

static struct tally *get_tally(struct summary *summary, const struct model_run *run)
{
	if (!*run->user)
		*run->user = tally__new(run, summary->conf.top);
	return *run->user;
}

static int on_row(void *arg, const struct model_row *row)
{
	struct tally *tally = get_tally(arg, row->run);

	return tally ? tally__row(tally, row) : -ENOMEM;
}

static int on_hidden(void *arg, const struct model_row *row, uint32_t pid, const struct model_command *by)
{
	struct tally *tally = get_tally(arg, row->run);

	return tally ? tally__hidden(tally, row, pid, by) : -ENOMEM;
}

static int on_task(void *arg, const struct model_task *task)
{
	struct tally *tally = get_tally(arg, task->run);

	return tally ? totals__task(&tally->steps, task) : -ENOMEM;
}

static void summary__close(void *state)
{
	struct summary *summary = state;

	for (size_t i = 0; summary->model && i < model__runs(summary->model); i++)
		tally__free(*model__run(summary->model, i)->user);
	model__free(summary->model);
	steps__free(summary->steps);
	free(summary);
}

static int summary__open(const struct sink_api *api, const void *conf, void **state)
{
	static const struct model_calls calls = {.row = on_row, .hidden = on_hidden, .task = on_task};
	struct summary *summary = calloc(1, sizeof(*summary));
	struct error err;
	int rc;

	if (!summary)
		return -ENOMEM;
	summary->api = api;
	summary->conf = *(const struct summary_conf *)conf;
	rc = steps__load(summary->conf.steps, &summary->steps, &err);
	if (rc)
		api->log(LOG_ERROR, "%s", err.text);
	else
		summary->model = model__new(&calls, summary, summary->steps);
	if (!summary->model) {
		summary__close(summary);
		return rc ? rc : -ENOMEM;
	}
	*state = summary;
	return 0;
}

static int summary__stream(void *state, const struct stream_info *info)
{
	struct summary *summary = state;

	return model__stream(summary->model, info);
}

/* Keeps what a `lost` record tells. */
static int take_lost(struct summary *summary, const struct record *record)
{
	const struct model_run *run = model__run_of(summary->model, record->info);
	struct tally *tally = run ? get_tally(summary, run) : NULL;

	if (!tally)
		return run ? -ENOMEM : 0;
	losses__take(&tally->run.losses, record);
	return 0;
}

static int summary__write(void *state, const struct record *record)
{
	struct summary *summary = state;
	int err = model__feed(summary->model, record);

	return err || record->kind != RECORD_LOST ? err : take_lost(summary, record);
}

static int summary__ended(void *state, const struct stream_info *info, const struct stream_state *stream)
{
	struct summary *summary = state;
	const struct model_run *run = model__run_of(summary->model, info);
	struct tally *tally = run ? get_tally(summary, run) : NULL;

	model__ended(summary->model, info, stream);
	if (!tally)
		return run ? -ENOMEM : 0;
	losses__ended(&tally->run.losses, info, stream);
	return 0;
}

static int summary__flush(void *state, bool last)
{
	struct summary *summary = state;
	uint32_t columns = summary->api->columns;
	struct text text = {.colour = summary->api->colour};
	int err = last ? model__finish(summary->model) : 0;

	for (size_t i = 0; last && !err && i < model__runs(summary->model); i++) {
		struct page page = {
			.text = &text,
			.tally = get_tally(summary, model__run(summary->model, i)),
			.columns = columns < COLUMNS_MIN ? COLUMNS_MIN : columns,
			.top = summary->conf.top,
			.failures = summary->conf.failures,
		};

		if (page.columns > COLUMNS_MAX)
			page.columns = COLUMNS_MAX;
		if (!page.tally) {
			err = -ENOMEM;
			break;
		}
		if (i)
			text__printf(&text, "\n\n");
		page__print(&page);
		err = text.error;
	}
	if (!err && text.size)
		err = write_all(summary->api->out, text.data, text.size);
	text__free(&text);
	return err;
}

static const struct sink summary_sink = {
	.abi = SINK_ABI,
	.size = sizeof(struct sink),
	.name = "summary",
	.help = "one page for people: what ran, what failed, where time and memory went",
	.options = summary_options,
	.conf_size = sizeof(struct summary_conf),
	.open = summary__open,
	.stream = summary__stream,
	.write = summary__write,
	.flush = summary__flush,
	.ended = summary__ended,
	.close = summary__close,
};

SINK_EXPORT const struct sink *const collector_sink;
const struct sink *const collector_sink = &summary_sink;
