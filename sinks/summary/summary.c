/* SPDX-License-Identifier: BSD-2-Clause */
/* The sink for people: what ran, what failed, where time and memory went, on one page a run. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/model/on_model.h"
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
	struct on_model on;
	struct summary_conf conf;
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

static struct losses *losses_of(void *state, const struct model_run *run)
{
	struct tally *tally = get_tally(state, run);

	return tally ? &tally->run.losses : NULL;
}

static int begin(void *state, const void *conf, struct error *err)
{
	(void)err;
	((struct summary *)state)->conf = *(const struct summary_conf *)conf;
	return 0;
}

static int print_pages(void *state)
{
	struct summary *summary = state;
	uint32_t columns = summary->on.api->columns;
	struct text text = {.colour = summary->on.api->colour};
	int err = 0;

	for (size_t i = 0; !err && i < model__runs(summary->on.model); i++) {
		struct page page = {
			.text = &text,
			.tally = get_tally(summary, model__run(summary->on.model, i)),
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
		err = write_all(summary->on.api->out, text.data, text.size);
	text__free(&text);
	return err;
}

static void end(void *state)
{
	struct summary *summary = state;

	for (size_t i = 0; summary->on.model && i < model__runs(summary->on.model); i++)
		tally__free(*model__run(summary->on.model, i)->user);
}

static const struct on_model_sink summary_on_model = {
	.size = sizeof(struct summary),
	.steps = offsetof(struct summary_conf, steps),
	.calls = {.row = on_row, .hidden = on_hidden, .task = on_task},
	.open = begin,
	.losses = losses_of,
	.finish = print_pages,
	.close = end,
};

static int summary__open(const struct sink_api *api, const void *conf, void **state)
{
	return on_model__open(&summary_on_model, "summary", api, conf, state);
}

SINK(summary, "one page for people: what ran, what failed, where time and memory went", .options = summary_options,
     .conf_size = sizeof(struct summary_conf), .page = true, .open = summary__open, ON_MODEL);
