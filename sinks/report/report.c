/* SPDX-License-Identifier: BSD-2-Clause */
/* The sink for a browser: one HTML file that holds the whole run, and needs nothing else to be read. */
#include "sinks/report/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct opt report_options[] = {
	OPT(struct report_conf, steps, OPT_STRING, STEPS_DEFAULT, 0, 0, STEPS_HELP),
	OPT(struct report_conf, title, OPT_STRING, NULL, 0, 0, "of the page, in place of the run's name"),
	OPT(struct report_conf, processes, OPT_UINT, "200000", 1, 5000000,
	    "programs that are shown one by one; of more, those that failed and the longest"),
	{0},
};

/* NULL: out of memory. */
static struct totals_run *totals_of(const struct model_run *run)
{
	if (!*run->user) {
		*run->user = calloc(1, sizeof(struct totals_run));
		if (*run->user)
			totals_run__init(*run->user, run);
	}
	return *run->user;
}

static int on_row(void *arg, const struct model_row *row)
{
	struct report *report = arg;
	struct totals_run *totals = totals_of(row->run);
	int err = totals ? totals__row(totals, &report->commands, row) : -ENOMEM;

	return err ? err : rows__row(report, row);
}

static int on_hidden(void *arg, const struct model_row *row, uint32_t pid, const struct model_command *by)
{
	struct report *report = arg;
	struct totals_run *totals = totals_of(row->run);
	int err = totals ? totals__hidden(totals, &report->executions, row) : -ENOMEM;

	return err || row->propagated ? err : rows__hidden(report, row, pid, by);
}

static int on_task(void *arg, const struct model_task *task)
{
	struct report *report = arg;
	int err = totals__task(&report->executions, task);

	return err ? err : rows__task(report, task);
}

/* Time before the report begins is not shown. */
static uint64_t shown(struct report *report, const struct model_run *run, uint64_t ts)
{
	uint64_t when = report__when(report, run, ts);

	return (int64_t)when < 0 ? 0 : when;
}

static int on_sample(void *arg, const struct model_sample *sample)
{
	struct report *report = arg;
	const struct model_row *row = sample->row;
	uint64_t from = shown(report, row->run, sample->from_ns), until = shown(report, row->run, sample->until_ns);
	bool cpu = sample->source == MODEL_CPU;
	uint64_t amount = cpu ? sample->cpu_ns : sample->rss_bytes;
	const char *step = row->task ? row->task->step : "";
	const char *name = model_command__name(row->command, row->comm);
	int err;

	if (EVENT_IS_NULL(sample->from_ns) || EVENT_IS_NULL(sample->until_ns) || EVENT_IS_NULL(amount) || until < from)
		return 0;
	err = series__add(&report->by_command, name, cpu ? SERIES_CPU : SERIES_MEMORY, from, until, amount);
	if (!err)
		err = series__add(&report->by_step, step, cpu ? SERIES_CPU : SERIES_MEMORY, from, until, amount);
	return err;
}

static int begin(void *state, const void *conf, struct error *err)
{
	struct report *report = state;

	if (isatty(report->on.api->out))
		return error__set(err, -EINVAL, "it is a page for a browser, not for a terminal: add -o run.html");
	report->conf = conf;
	report->by_command.strings = report->by_step.strings = &report->strings;
	rows__init(report);
	return 0;
}

static struct losses *losses_of(void *state, const struct model_run *run)
{
	struct totals_run *totals = totals_of(run);

	(void)state;
	return totals ? &totals->losses : NULL;
}

static int finish(void *state)
{
	struct report *report = state;
	int err = 0;

	for (size_t i = 0; !err && i < model__runs(report->on.model); i++)
		err = totals_of(model__run(report->on.model, i)) ? 0 : -ENOMEM;
	err = err ? err : rows__finish(report);
	err = err ? err : page__write(report);
	if (err && err != -EPIPE)
		report->on.api->log(LOG_ERROR, "report: %s", strerror(-err));
	return err;
}

static void end(void *state)
{
	struct report *report = state;

	for (size_t i = 0; report->on.model && i < model__runs(report->on.model); i++)
		free(*model__run(report->on.model, i)->user);
	keep__free(&report->rows);
	keep__free(&report->tasks);
	free(report->hidden);
	series__free(&report->by_command);
	series__free(&report->by_step);
	totals_groups__free(&report->commands);
	totals_groups__free(&report->executions);
	intern__free(&report->strings);
}

static const struct on_model_sink report_on_model = {
	.size = sizeof(struct report),
	.steps = offsetof(struct report_conf, steps),
	.calls = {.row = on_row, .hidden = on_hidden, .task = on_task, .sample = on_sample},
	.open = begin,
	.losses = losses_of,
	.finish = finish,
	.close = end,
};

static int report__open(const struct sink_api *api, const void *conf, void **state)
{
	return on_model__open(&report_on_model, "report", api, conf, state);
}

SINK(report, "one HTML file to open in a browser: timeline, CPU and memory, failures, tables",
     .options = report_options, .conf_size = sizeof(struct report_conf), .suffix = "html", .open = report__open,
     ON_MODEL);
