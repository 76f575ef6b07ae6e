/* SPDX-License-Identifier: BSD-2-Clause */
/* The sink for people: what ran, what failed, where time and memory went, on one page a run. */
#include <errno.h>

#include "sinks/model/on_model.h"
#include "sinks/summary/page.h"
#include "sinks/judging/tallied.h"

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
	struct judged judged;
	struct summary_conf conf;
};

static int on_run(void *arg, const struct model_run *run)
{
	return tally__init(run->user, run, ((struct summary *)arg)->conf.top);
}

static int begin(void *state, const void *conf, struct error *err)
{
	struct summary *summary = state;

	(void)err;
	summary->conf = *(const struct summary_conf *)conf;
	return judged__open(&summary->judged);
}

static int print_pages(void *state)
{
	struct summary *summary = state;
	uint32_t columns = summary->judged.on.api->columns;
	struct text text = {.colour = summary->judged.on.api->colour};
	int err = judged__finish(&summary->judged);

	for (size_t i = 0; !err && i < model__runs(summary->judged.on.model); i++) {
		struct page page = {
			.text = &text,
			.tally = model__run(summary->judged.on.model, i)->user,
			.verdicts = summary->judged.verdicts,
			.columns = columns < COLUMNS_MIN ? COLUMNS_MIN : columns,
			.top = summary->conf.top,
			.failures = summary->conf.failures,
		};

		if (page.columns > COLUMNS_MAX)
			page.columns = COLUMNS_MAX;
		if (i)
			text__printf(&text, "\n\n");
		page__print(&page);
		err = text.error;
	}
	if (!err && text.size)
		err = write_all(summary->judged.on.api->out, text.data, text.size);
	text__free(&text);
	return err;
}

static const struct on_model_sink summary_on_model = {
	.size = sizeof(struct summary),
	.steps = offsetof(struct summary_conf, steps),
	.calls = {.run = on_run, TALLIED_CALLS},
	.open = begin,
	JUDGED,
	TALLIED,
	.finish = print_pages,
};

static int summary__open(const struct sink_api *api, const void *conf, void **state)
{
	return on_model__open(&summary_on_model, "summary", api, conf, state);
}

SINK(summary, "one page for people: what ran, what failed, where time and memory went", .options = summary_options,
     .conf_size = sizeof(struct summary_conf), .page = true, .open = summary__open, ON_MODEL);
