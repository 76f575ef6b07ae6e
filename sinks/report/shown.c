/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows and tasks shown one by one: those that failed and the longest. */
#include "sinks/report/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ARGS_MAX 65536 /* bytes of one argv that are kept */
#define ARGS_SHORT 512 /* the limit once all strings use this much: */
#define STRINGS_MAX (64U << 20)

uint64_t report__when(struct report *report, const struct model_run *run, uint64_t ts)
{
	if (!report->first)
		report->first = run;
	if (EVENT_IS_NULL(ts))
		return ts;
	return ts - run->first_ts + (uint64_t)run->real_ns - (uint64_t)report->first->real_ns;
}

/* ---- strings ---- */

/* NULL for a text that is not known, or with *err set. */
static struct intern_string *keep_bytes(struct report *report, const char *data, size_t length, int *err)
{
	struct intern_string *string;

	if (!data)
		return NULL;
	string = intern__get(&report->strings, data, length);
	if (!string)
		*err = -ENOMEM;
	return string;
}

static struct intern_string *keep_string(struct report *report, const char *string, int *err)
{
	return keep_bytes(report, string, string ? strlen(string) : 0, err);
}

static struct intern_string *keep_args(struct report *report, const struct model_command *command, uint32_t *flags,
				       int *err)
{
	size_t most = report->strings.bytes < STRINGS_MAX ? ARGS_MAX : ARGS_SHORT;
	size_t length = command ? command->args.length : 0;

	if (!command)
		return NULL;
	if (!command->args.data) /* fall back to the path, if known */
		return keep_bytes(report, command->exe.data, command->exe.length, err);
	if (length > most) {
		length = most;
		*flags |= REPORT_CUT;
	}
	return keep_bytes(report, command->args.data, length, err);
}

static struct intern_string *keep_oom(struct report *report, const struct model_oom *oom, int *err)
{
	struct intern_string *string = NULL;
	struct text text = {0};

	if (!oom)
		return NULL;
	model_oom__limit(oom, &text);
	text__printf(&text, "; largest others by their last samples: ");
	model_oom__others(oom, &text);
	if (text.error)
		*err = text.error;
	else
		string = keep_string(report, text.data, err);
	text__free(&text);
	return string;
}

static struct intern_string *keep_how(struct report *report, const struct model_row *row, int *err)
{
	struct intern_string *string = NULL;
	struct text text = {0};

	model_row__how(row, &text);
	if (text.error)
		*err = text.error;
	else
		string = keep_string(report, text.data, err);
	text__free(&text);
	return string;
}

static void row__drop(void *arg, void *item)
{
	struct report *report = arg;
	struct report_row *row = item;
	struct intern_string *strings[] = {row->name,	 row->args,   row->exe,	  row->cwd,	    row->env,
					   row->step,	 row->by,     row->tried, row->tried_error, row->signal_name,
					   row->oom,	 row->how,    row->said,  row->wanted,	    row->again,
					   row->said_in, row->before, row->notes};

	for (size_t i = 0; i < sizeof(strings) / sizeof(*strings); i++)
		intern__put(&report->strings, strings[i]);
	report->dropped_failed += model_outcome__bad(row->outcome);
}

static void task__drop(void *arg, void *item)
{
	struct report *report = arg;
	struct report_task *task = item;

	intern__put(&report->strings, task->step);
	intern__put(&report->strings, task->id);
	intern__put(&report->strings, task->within);
}

void rows__init(struct report *report)
{
	report->rows = (struct keep){.item_size = sizeof(struct report_row),
				     .limit = report->conf->processes,
				     .drop = row__drop,
				     .arg = report};
	report->tasks = (struct keep){.item_size = sizeof(struct report_task),
				      .limit = report->conf->processes,
				      .drop = task__drop,
				      .arg = report};
}

/* ---- rows ---- */

static uint32_t flags_of(const struct model_row *row)
{
	return (row->forked ? REPORT_FORKED : 0) | (row->last ? REPORT_LAST : 0) |
	       (row->preexisting ? REPORT_PREEXISTING : 0) | (row->benign ? REPORT_BENIGN : 0) |
	       (row->propagated ? REPORT_PROPAGATED : 0) | (row->core_dumped ? REPORT_CORE : 0) |
	       (row->muted ? REPORT_MUTED : 0) |
	       (row->forked && model_command__is_shell(row->command, row->comm) ? REPORT_SUBSHELL : 0);
}

static int take_strings(struct report *report, struct report_row *kept, const struct model_row *row)
{
	const struct model_command *command = row->command;
	int err = 0;

	kept->name = keep_string(report, model_command__name(command, row->comm), &err);
	kept->step = keep_string(report, row->task ? row->task->step : NULL, &err);
	kept->signal_name = keep_string(report, *row->signal_name ? row->signal_name : NULL, &err);
	if (row->tried) {
		kept->tried = keep_args(report, row->tried, &kept->flags, &err);
		kept->tried_error = keep_string(report, row->tried_error, &err);
	}
	kept->oom = keep_oom(report, row->oom, &err);
	kept->how = keep_how(report, row, &err);
	if (!command)
		return err;
	kept->args = keep_args(report, command, &kept->flags, &err);
	kept->exe = keep_bytes(report, command->exe.data, command->exe.length, &err);
	kept->cwd = keep_bytes(report, command->cwd.data, command->cwd.length, &err);
	if (command->env.count)
		kept->env = keep_bytes(report, command->env.data, command->env.length, &err);
	kept->args_reason = command->args.reason;
	kept->exe_reason = command->exe.reason;
	kept->cwd_reason = command->cwd.reason;
	return err;
}

static struct report_row figures_of(struct report *report, const struct model_row *row)
{
	uint64_t none = EVENT_NULL(MODEL_REASON_ABSENT);

	return (struct report_row){
		.start = row->start,
		.parent_start = row->parent_start,
		.began = report__when(report, row->run, row->began_ns),
		.age = row->began_ns > row->start ? row->began_ns - row->start : 0,
		.wall = row->wall_ns,
		.cpu = row->cpu_ns,
		.cpu_span = row->cpu_span_ns,
		.user = row->user_ns,
		.system = row->system_ns,
		.peak = row->peak_rss_bytes,
		.sampled = row->sampled_rss_bytes,
		.hugetlb = row->hugetlb_bytes,
		.read_chars = row->io[MODEL_IO_READ_CHARS],
		.write_chars = row->io[MODEL_IO_WRITE_CHARS],
		.read_bytes = row->io[MODEL_IO_READ_BYTES],
		.write_bytes = row->io[MODEL_IO_WRITE_BYTES],
		.exit_code = row->exit_code,
		.signal = row->signal,
		.uid = row->command ? row->command->uid : none,
		.run = (uint32_t)row->run->index,
		.pid = row->pid,
		.ns_pid = row->ns_pid,
		.ppid = row->ppid,
		.cause_pid = row->cause_pid,
		.cause_start = row->cause_start,
		.image = row->image,
		.task = row->task ? row->task->number : 0,
		.flags = flags_of(row),
		.outcome = (uint8_t)row->outcome,
	};
}

int rows__row(struct report *report, const struct model_row *row)
{
	bool bad = model_outcome__bad(row->outcome);
	uint64_t weight = bad || row->root || EVENT_IS_NULL(row->ended_ns) ? KEEP_ALWAYS : row->wall_ns;
	struct report_row kept;
	int err;

	if (!keep__wants(&report->rows, weight)) {
		report->dropped_failed += bad;
		return 0;
	}
	kept = figures_of(report, row);
	kept.weight = weight;
	err = take_strings(report, &kept, row);
	if (!err)
		err = keep__add(&report->rows, &kept);
	if (err)
		row__drop(report, &kept);
	return err;
}

static int keep_fate(struct report *report, const struct model_row *row, uint32_t flag, uint32_t pid,
		     const struct model_command *by)
{
	struct report_hidden *hidden = report->hidden;
	uint32_t cut = 0;
	int err = 0;

	if (report->hidden_count == report->conf->processes)
		return 0;
	if (report->hidden_count == report->hidden_capacity) {
		size_t capacity = report->hidden_capacity ? report->hidden_capacity * 2 : 64;

		hidden = reallocarray(hidden, capacity, sizeof(*hidden));
		if (!hidden)
			return -ENOMEM;
		report->hidden = hidden;
		report->hidden_capacity = capacity;
	}
	hidden += report->hidden_count;
	*hidden = (struct report_hidden){
		.start = row->start,
		.by = by ? keep_args(report, by, &cut, &err) : NULL,
		.run = (uint32_t)row->run->index,
		.pid = row->pid,
		.image = row->image,
		.by_pid = pid,
		.flag = flag,
	};
	report->hidden_count += !err;
	return err;
}

int rows__hidden(struct report *report, const struct model_row *row, bool suspected, uint32_t pid,
		 const struct model_command *by)
{
	return keep_fate(report, row, suspected ? REPORT_SUSPECTED : REPORT_HIDDEN, pid, by);
}

int rows__retried(struct report *report, const struct model_row *row)
{
	return keep_fate(report, row, REPORT_RETRIED, 0, NULL);
}

int rows__ignored(struct report *report, const struct model_row *row)
{
	return keep_fate(report, row, REPORT_IGNORED, 0, NULL);
}

int rows__task(struct report *report, const struct model_task *task)
{
	bool bad = model_outcome__bad(task->outcome) || task->failed;
	uint64_t weight = bad || EVENT_IS_NULL(task->ended_ns) ? KEEP_ALWAYS : task->wall_ns;
	struct report_task kept = {
		.weight = weight,
		.began = report__when(report, task->run, task->began_ns),
		.wall = task->wall_ns,
		.cpu = task->cpu_ns,
		.peak = task->peak_rss_bytes,
		.together = model_task__memory(task),
		.processes = task->processes,
		.failed = task->failed,
		.hidden = task->hidden,
		.exit_code = task->exit_code,
		.signal = task->signal,
		.run = (uint32_t)task->run->index,
		.number = task->number,
		.parent = task->parent,
		.pid = task->pid,
		.outcome = (uint8_t)task->outcome,
	};
	int err = 0;

	if (!keep__wants(&report->tasks, weight))
		return 0;
	kept.step = keep_string(report, task->step, &err);
	kept.id = keep_string(report, task->id, &err);
	kept.within = keep_string(report, task->within, &err);
	if (!err)
		err = keep__add(&report->tasks, &kept);
	if (err)
		task__drop(report, &kept);
	return err;
}

/* ---- the end ---- */

static int compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int by_begin(const void *a, const void *b)
{
	const struct report_row *x = a, *y = b;
	int order = compare(x->began + (1ULL << 63), y->began + (1ULL << 63)); /* they may be below 0 */

	return order ? order : compare(x->image, y->image);
}

static int task_by_begin(const void *a, const void *b)
{
	const struct report_task *x = a, *y = b;

	return compare(x->began, y->began);
}

static int by_process(const void *a, const void *b)
{
	const struct report_row *x = *(struct report_row *const *)a, *y = *(struct report_row *const *)b;
	int order = compare(x->run, y->run);

	order = order ? order : compare(x->pid, y->pid);
	order = order ? order : compare(x->start, y->start);
	return order ? order : compare(x->image, y->image);
}

/* The process's last row up to this image; NULL: none. */
static struct report_row *find(struct report_row **sorted, size_t count, const struct report_row *key)
{
	size_t low = 0, high = count;
	struct report_row *row;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct report_row *const *at = &sorted[middle];

		if (by_process(at, &key) > 0)
			high = middle;
		else
			low = middle + 1;
	}
	row = low ? sorted[low - 1] : NULL;
	return row && row->run == key->run && row->pid == key->pid && row->start == key->start ? row : NULL;
}

/* The parent's program at the time of the fork. */
static void find_parent(struct report *report, struct report_row **sorted, struct report_row *row)
{
	struct report_row key = {.run = row->run, .pid = row->ppid, .start = row->parent_start, .image = UINT32_MAX},
			  *parent = NULL;

	if (row->image > 1) { /* the one that it was before */
		key.pid = row->pid;
		key.start = row->start;
		key.image = row->image - 1;
	}
	if (!EVENT_IS_NULL(key.start))
		parent = find(sorted, report->rows.count, &key);
	while (parent && row->image <= 1 && parent->image && (int64_t)(parent->began - row->began) > 0) {
		key.image = parent->image - 1;
		parent = find(sorted, report->rows.count, &key);
	}
	if (parent)
		row->parent = (uint32_t)(parent - (struct report_row *)report->rows.items) + 1;
}

static void find_cause(struct report *report, struct report_row **sorted, struct report_row *row)
{
	struct report_row key = {
		.run = row->run, .pid = row->cause_pid, .start = row->cause_start, .image = UINT32_MAX};
	const struct report_row *cause = row->cause_pid ? find(sorted, report->rows.count, &key) : NULL;

	if (cause)
		row->cause = (uint32_t)(cause - (struct report_row *)report->rows.items) + 1;
}

static void mark_histories(struct report *report, struct report_row **sorted)
{
	const struct keep *kept = &report->histories.kept;

	for (size_t i = 0; i < kept->count; i++) {
		const struct history_key *its = &((const struct history *)keep__item(kept, i))->key;
		struct report_row key = {
			.run = (uint32_t)its->run, .pid = (uint32_t)its->pid, .start = its->start, .image = UINT32_MAX};
		struct report_row *row = find(sorted, report->rows.count, &key);

		if (row)
			row->history = (uint32_t)i + 1;
	}
}

static void mark_hidden(struct report *report, struct report_row **sorted)
{
	for (size_t i = 0; i < report->hidden_count; i++) {
		struct report_hidden *hidden = &report->hidden[i];
		struct report_row key = {
			.run = hidden->run, .pid = hidden->pid, .start = hidden->start, .image = hidden->image};
		struct report_row *row = find(sorted, report->rows.count, &key);

		if (!row || row->image != hidden->image) {
			intern__put(&report->strings, hidden->by);
			continue;
		}
		row->flags |= hidden->flag;
		row->by_pid = hidden->by_pid;
		row->by = hidden->by;
	}
	report->hidden_count = 0;
}

int rows__finish(struct report *report)
{
	int err = keep__finish(&report->rows);
	size_t count = report->rows.count;
	struct report_row **sorted;

	err = err ? err : keep__finish(&report->tasks);
	err = err ? err : keep__finish(&report->histories.kept);
	err = err ? err : rows__complete(report);
	if (err)
		return err;
	sorted = calloc(count + 1, sizeof(struct report_row *));
	if (!sorted)
		return -ENOMEM;
	if (count)
		qsort(report->rows.items, count, sizeof(struct report_row), by_begin);
	if (report->tasks.count)
		qsort(report->tasks.items, report->tasks.count, sizeof(struct report_task), task_by_begin);
	for (size_t i = 0; i < count; i++)
		sorted[i] = keep__item(&report->rows, i);
	qsort(sorted, count, sizeof(struct report_row *), by_process);
	for (size_t i = 0; i < count; i++) {
		find_parent(report, sorted, sorted[i]);
		find_cause(report, sorted, sorted[i]);
	}
	mark_hidden(report, sorted);
	mark_histories(report, sorted);
	free(sorted);
	return 0;
}
