/* SPDX-License-Identifier: BSD-2-Clause */
/* The sink for a browser: one self-contained HTML file with the whole run. */
#include "sinks/report/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/stream.h"
#include "sinks/judging/tallied.h"

static const struct opt report_options[] = {
	OPT(struct report_conf, steps, OPT_STRING, STEPS_DEFAULT, 0, 0, STEPS_HELP),
	OPT(struct report_conf, title, OPT_STRING, NULL, 0, 0, "title of the page, in place of the run's name"),
	OPT(struct report_conf, processes, OPT_UINT, "200000", 1, 5000000,
	    "programs shown one by one; of more, those that failed and the longest"),
	{0},
};

static int on_run(void *arg, const struct model_run *run)
{
	(void)arg;
	return tally__init(run->user, run, 1);
}

static struct history_key key_of(const struct model_row *row)
{
	return (struct history_key){row->run->index, row->pid, row->start};
}

static int on_row(void *arg, const struct model_row *row)
{
	struct report *report = arg;
	struct history_key key = key_of(row);
	uint64_t weight = row->wall_ns / 2 + (model_outcome__bad(row->outcome) ? UINT64_MAX / 2 : 0);
	int err = verdicts__row(report->judged.verdicts, row);

	err = err ? err : totals__row(row->run->user, &report->commands, row);
	err = err ? err : tally__circumstances(row->run->user, row);
	err = err ? err : rows__row(report, row);
	return err || !row->last ? err : histories__end(&report->histories, &key, weight);
}

static int on_hidden(void *arg, const struct model_row *row, uint32_t pid, const struct model_command *by)
{
	struct report *report = arg;
	int err = verdicts__hidden(report->judged.verdicts, row, pid, by);

	bool suspected = verdicts__suspects(report->judged.verdicts, row);

	err = err ? err : totals__hidden(row->run->user, &report->commands, &report->steps, row, suspected);
	return err || row->propagated ? err : rows__hidden(report, row, suspected, pid, by);
}

static int on_retried(void *arg, const struct model_row *row)
{
	struct report *report = arg;
	int err = verdicts__retried(report->judged.verdicts, row);

	err = err ? err : totals__retried(row->run->user, &report->commands, row);
	return err ? err : rows__retried(report, row);
}

static int on_ignored(void *arg, const struct model_row *row)
{
	struct report *report = arg;
	int err = verdicts__ignored(report->judged.verdicts, row);

	err = err ? err : totals__ignored(row->run->user, &report->commands, row);
	return err ? err : rows__ignored(report, row);
}

static int on_task(void *arg, const struct model_task *task)
{
	struct report *report = arg;
	int err = totals__task(&report->steps, task);

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
	struct history_key key = key_of(row);
	int err;

	if (!cpu)
		amount = histories__until(&report->histories, &key, sample->until_ns, amount);
	if (EVENT_IS_NULL(sample->from_ns) || EVENT_IS_NULL(sample->until_ns) || EVENT_IS_NULL(amount) || until < from)
		return 0;
	err = series__add(&report->by_command, name, cpu ? SERIES_CPU : SERIES_MEMORY, from, until, amount);
	if (!err)
		err = series__add(&report->by_step, step, cpu ? SERIES_CPU : SERIES_MEMORY, from, until, amount);
	if (!err)
		err = histories__add(&report->histories, &key, cpu ? HISTORY_CPU : HISTORY_MEMORY, sample->from_ns,
				     sample->until_ns, amount);
	return err;
}

static bool number_of(const struct record *record, const struct value *values, const char *name, uint64_t *number)
{
	int field = stream_event__field(record->event, name);

	if (field < 0 || values[field].type != VALUE_UINT)
		return false;
	*number = values[field].u;
	return true;
}

/* The model gives no samples of I/O. Of streams without `children_*`, a process's includes its children's. */
static int take_io(struct report *report, const struct history_key *key, const struct record *record,
		   const struct value *values)
{
	uint64_t read, written, exited, ts = record->ts;

	if (stream_event__field(record->event, "children_read_chars") < 0 ||
	    !number_of(record, values, "read_chars", &read) || !number_of(record, values, "write_chars", &written))
		return 0;
	if (number_of(record, values, "exited_ns", &exited) && exited < ts)
		ts = exited;
	return histories__io(&report->histories, key, ts, record->info->interval_ns, read + written);
}

static int take_memory(struct report *report, const struct history_key *key, const struct record *record,
		       const struct value *values)
{
	uint64_t bytes;

	if (!number_of(record, values, "rss_bytes", &bytes))
		return 0;
	return histories__held(&report->histories, key, record->ts, bytes);
}

static int on_record(void *state, const struct record *record)
{
	static const struct {
		const char *stream;
		int (*take)(struct report *report, const struct history_key *key, const struct record *record,
			    const struct value *values);
	} streams[] = {{"io", take_io}, {"mem", take_memory}};
	struct history_key key = {.pid = record->pid, .start = record->start};
	struct value values[SCHEMA_FIELDS_MAX];
	struct report *report = state;
	int err = judged__record(state, record);

	if (err)
		return err;
	gaps__seen(report, record);
	for (size_t i = 0; i < sizeof(streams) / sizeof(*streams); i++) {
		if (strcmp(record->event->stream, streams[i].stream) ||
		    record->event->fields_count > SCHEMA_FIELDS_MAX || record__values(record, values))
			continue;
		key.run = model__run_of(report->judged.on.model, record->info)->index;
		return streams[i].take(report, &key, record, values);
	}
	return 0;
}

static int on_lost(void *state, const struct record *record)
{
	return gaps__take(state, record);
}

static int begin(void *state, const void *conf, struct error *err)
{
	struct report *report = state;

	if (isatty(report->judged.on.api->out))
		return error__set(err, -EINVAL, "refusing to write a web page to a terminal: add -o run.html");
	report->conf = conf;
	report->by_command.strings = report->by_step.strings = &report->strings;
	rows__init(report);
	histories__init(&report->histories);
	return judged__open(&report->judged);
}

static int finish(void *state)
{
	struct report *report = state;
	int err = judged__finish(&report->judged);

	err = err ? err : rows__finish(report);
	return err ? err : page__write(report);
}

static void end(void *state)
{
	struct report *report = state;

	keep__free(&report->rows);
	keep__free(&report->tasks);
	free(report->hidden);
	free(report->gaps);
	histories__free(&report->histories);
	series__free(&report->by_command);
	series__free(&report->by_step);
	totals_groups__free(&report->commands);
	totals_groups__free(&report->steps);
	intern__free(&report->strings);
	tallied__close(&report->judged);
}

static const struct on_model_sink report_on_model = {
	.size = sizeof(struct report),
	.steps = offsetof(struct report_conf, steps),
	.calls = {.run = on_run,
		  .row = on_row,
		  .hidden = on_hidden,
		  .retried = on_retried,
		  .ignored = on_ignored,
		  .task = on_task,
		  .sample = on_sample,
		  .process = tally__process,
		  .run_room = sizeof(struct tally)},
	.open = begin,
	.stream = judged__stream,
	.record = on_record,
	.flush = judged__flush,
	.losses = offsetof(struct tally, run.losses),
	.lost = on_lost,
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
