/* SPDX-License-Identifier: BSD-2-Clause */
/* The sink for a browser: one HTML file that holds the whole run, and needs nothing else to be read. */
#include "sinks/report/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sinks/steps/steps.h"

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

static void report__close(void *state)
{
	struct report *report = state;

	for (size_t i = 0; report->model && i < model__runs(report->model); i++)
		free(*model__run(report->model, i)->user);
	model__free(report->model);
	steps__free(report->steps);
	keep__free(&report->rows);
	keep__free(&report->tasks);
	free(report->hidden);
	series__free(&report->by_command);
	series__free(&report->by_step);
	totals_groups__free(&report->commands);
	totals_groups__free(&report->executions);
	intern__free(&report->strings);
	free(report);
}

static int report__open(const struct sink_api *api, const void *conf, void **state)
{
	static const struct model_calls calls = {
		.row = on_row, .hidden = on_hidden, .task = on_task, .sample = on_sample};
	struct report *report;
	struct error why;
	int err;

	if (isatty(api->out)) {
		api->log(LOG_ERROR, "report: it is a page for a browser, not for a terminal: add -o run.html");
		return -EINVAL;
	}
	report = calloc(1, sizeof(*report));
	if (!report)
		return -ENOMEM;
	report->api = api;
	report->conf = conf;
	report->by_command.strings = report->by_step.strings = &report->strings;
	rows__init(report);
	err = steps__load(report->conf->steps, &report->steps, &why);
	if (err)
		api->log(LOG_ERROR, "report: %s", err == -ENOMEM ? strerror(ENOMEM) : why.text);
	if (!err) {
		report->model = model__new(&calls, report, report->steps);
		err = report->model ? 0 : -ENOMEM;
	}
	if (err)
		report__close(report);
	*state = report;
	return err;
}

static int report__stream(void *state, const struct stream_info *info)
{
	struct report *report = state;

	return model__stream(report->model, info);
}

static int report__write(void *state, const struct record *record)
{
	struct report *report = state;
	const struct model_run *run;
	struct totals_run *totals;
	int err = model__feed(report->model, record);

	if (err || record->kind != RECORD_LOST)
		return err;
	run = model__run_of(report->model, record->info);
	totals = run ? totals_of(run) : NULL;
	if (totals)
		losses__take(&totals->losses, record);
	return run && !totals ? -ENOMEM : 0;
}

static int report__ended(void *state, const struct stream_info *info, const struct stream_state *stream)
{
	struct report *report = state;
	const struct model_run *run = model__run_of(report->model, info);
	struct totals_run *totals = run ? totals_of(run) : NULL;

	model__ended(report->model, info, stream);
	if (totals)
		losses__ended(&totals->losses, info, stream);
	return run && !totals ? -ENOMEM : 0;
}

static int report__flush(void *state, bool last)
{
	struct report *report = state;
	int err;

	if (!last)
		return 0;
	err = model__finish(report->model);
	for (size_t i = 0; !err && i < model__runs(report->model); i++)
		err = totals_of(model__run(report->model, i)) ? 0 : -ENOMEM;
	err = err ? err : rows__finish(report);
	err = err ? err : page__write(report);
	if (err && err != -EPIPE)
		report->api->log(LOG_ERROR, "report: %s", strerror(-err));
	return err;
}

static const struct sink report_sink = {
	.abi = SINK_ABI,
	.size = sizeof(struct sink),
	.name = "report",
	.help = "one HTML file to open in a browser: timeline, CPU and memory, failures, tables",
	.options = report_options,
	.conf_size = sizeof(struct report_conf),
	.open = report__open,
	.stream = report__stream,
	.write = report__write,
	.flush = report__flush,
	.ended = report__ended,
	.close = report__close,
	.suffix = "html",
};

SINK_EXPORT const struct sink *const collector_sink;
const struct sink *const collector_sink = &report_sink;
