/* SPDX-License-Identifier: BSD-2-Clause */
/* The data of the page's scripts: tables of columns, named "table.column". */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/report/columns.h"

#define SERIES_SHOWN 8
#define HISTORY_LEVELS 63  /* one byte each */
#define SERIES_LEVELS 4095 /* a value is a fraction of the greatest */

#define ROW(member) COLUMN(struct report_row, member)
/* clang-format off */
static const struct column row_columns[] = {
	COLUMN_DELTAS(struct report_row, began),
	COLUMN_DELTAS(struct report_row, pid),
	ROW(age), ROW(wall), ROW(cpu), ROW(cpu_span), ROW(user), ROW(system), ROW(peak), ROW(sampled), ROW(hugetlb),
	ROW(read_chars), ROW(write_chars), ROW(read_bytes), ROW(write_bytes),
	ROW(exit_code), ROW(signal), ROW(signal_name), ROW(outcome), ROW(flags),
	ROW(name), ROW(args), ROW(args_reason), ROW(exe), ROW(exe_reason), ROW(cwd), ROW(cwd_reason), ROW(env), ROW(uid),
	ROW(run), ROW(ns_pid), ROW(ppid), ROW(parent), ROW(cause), ROW(image), ROW(step), ROW(task),
	ROW(tried), ROW(tried_error), ROW(how), ROW(said), ROW(said_in), ROW(wanted), ROW(again), ROW(before), ROW(notes),
	ROW(oom), ROW(by), ROW(by_pid), ROW(history),
	{ 0 },
};
/* clang-format on */

#define TASK(member) COLUMN(struct report_task, member)
/* clang-format off */
static const struct column task_columns[] = {
	COLUMN_DELTAS(struct report_task, began),
	TASK(wall), TASK(cpu), TASK(peak), TASK(together), TASK(processes), TASK(failed), TASK(hidden),
	TASK(exit_code), TASK(signal), TASK(outcome), TASK(step), TASK(id), TASK(within), TASK(run), TASK(number),
	TASK(parent), TASK(pid),
	{ 0 },
};
/* clang-format on */

/* A sum is three columns. */
#define SUM(s, member, name)                                                         \
	COLUMN_AS(s, member.value, name), COLUMN_AS(s, member.known, name "_known"), \
		COLUMN_AS(s, member.missing, name "_missing")

#define GROUP(member) COLUMN(struct totals_group, member)
#define GROUP_AS(member, name) COLUMN_AS(struct totals_group, member, name)
#define GROUP_SUMS                                                                                    \
	SUM(struct totals_group, cpu, "cpu"), SUM(struct totals_group, wall, "wall"),                 \
		SUM(struct totals_group, read, "read"), SUM(struct totals_group, written, "written"), \
		GROUP_AS(user, "name"), GROUP(wall_max), GROUP_AS(peak.bytes, "peak"),                \
		GROUP_AS(peak.bound, "peak_bound")
/* clang-format off */
static const struct column command_columns[] = {
	GROUP_SUMS, GROUP(forked), GROUP_AS(count, "rows"), GROUP(failed), { 0 },
};
static const struct column step_columns[] = {
	GROUP_SUMS, GROUP_AS(count, "tasks"), GROUP_AS(failed, "bad"), GROUP_AS(programs, "rows"), GROUP(processes),
	GROUP_AS(programs_failed, "failed"), GROUP(hidden), GROUP(together), { 0 },
};
/* clang-format on */

static void write_member(struct data *data, const struct column *column, const void *item)
{
	const char *at = (const char *)item + column->offset;
	const struct intern_string *text;
	uint64_t value = 0;

	switch (column->type) {
	case MEMBER_U8:
		value = *(const uint8_t *)at;
		break;
	case MEMBER_U32:
		value = *(const uint32_t *)at;
		break;
	case MEMBER_U64:
		value = *(const uint64_t *)at;
		break;
	case MEMBER_TEXT:
		text = *(struct intern_string *const *)at;
		value = text ? text->number : 0;
		break;
	}
	if (column->kind == DATA_DELTAS)
		data__delta(data, value);
	else
		data__number(data, value);
}

/* `item` returns the i-th item. */
static void write_table(struct data *data, const char *table, const struct column *columns, size_t count,
			const void *(*item)(const void *items, size_t i), const void *items)
{
	char name[64];

	for (const struct column *column = columns; column->name; column++) {
		snprintf(name, sizeof(name), "%s.%s", table, column->name);
		data__column(data, name, column->kind, count);
		for (size_t i = 0; i < count; i++)
			write_member(data, column, item(items, i));
	}
}

struct array {
	const char *items;
	size_t size;
};

static const void *array_item(const void *items, size_t i)
{
	const struct array *array = items;

	return array->items + i * array->size;
}

void columns__array(struct data *data, const char *table, const struct column *columns, const void *items, size_t size,
		    size_t count)
{
	struct array array = {items, size};

	write_table(data, table, columns, count, array_item, &array);
}

static const void *group_item(const void *items, size_t i)
{
	return totals_group__of(((struct hash_node *const *)items)[i]);
}

static int write_groups(struct data *data, const char *table, const struct column *columns,
			const struct totals_groups *groups)
{
	struct hash_node **nodes = hash__sorted(&groups->hash, NULL);

	if (!nodes)
		return -ENOMEM;
	write_table(data, table, columns, groups->hash.count, group_item, nodes);
	free(nodes);
	return 0;
}

/* ---- strings ---- */

struct numbering {
	struct intern_string **list;
	uint32_t count;
};

static void number(struct numbering *numbering, struct intern_string *text)
{
	if (!text || text->number)
		return;
	numbering->list[numbering->count++] = text;
	text->number = numbering->count;
}

/* In the order in which rows refer to them: similar strings are adjacent and compress well. */
static int write_strings(struct report *report, struct data *data)
{
	const struct hash *all = &report->strings.strings;
	struct numbering numbering = {.list = calloc(all->count + 1, sizeof(struct intern_string *))};
	struct hash_node **nodes = hash__sorted(all, NULL);

	if (!numbering.list || !nodes) {
		free(numbering.list);
		free(nodes);
		return -ENOMEM;
	}
	for (const struct column *column = row_columns; column->name; column++)
		for (size_t i = 0; column->type == MEMBER_TEXT && i < report->rows.count; i++)
			number(&numbering,
			       *(struct intern_string **)((char *)keep__item(&report->rows, i) + column->offset));
	for (size_t i = 0; i < all->count; i++)
		number(&numbering, intern_string__of(nodes[i]));
	free(nodes);
	data__column(data, "strings", DATA_STRINGS, numbering.count);
	for (uint32_t i = 0; i < numbering.count; i++)
		data__string(data, numbering.list[i]->data, numbering.list[i]->length);
	free(numbering.list);
	return 0;
}

/* ---- CPU and memory over time ---- */

/* How many slices were used. */
static size_t used_slices(const struct report *report, const struct series_set *set)
{
	uint64_t until = 0;

	for (size_t i = 0; i < model__runs(report->judged.on.model); i++) {
		const struct model_run *run = model__run(report->judged.on.model, i);
		uint64_t end = run->begun ? run->last_ts - run->first_ts + (uint64_t)run->real_ns -
						    (uint64_t)report->first->real_ns
					  : 0;

		until = end > until ? end : until;
	}
	until = set->slice_ns ? until / set->slice_ns + 1 : 0;
	return until < SERIES_SLICES ? (size_t)until : SERIES_SLICES;
}

/* Fractions of the overall greatest value, which is written first. */
static void write_slices(struct data *data, const char *group, const struct series_set *set, size_t slices,
			 enum series_what what)
{
	static const char *const names[] = {[SERIES_CPU] = "cpu", [SERIES_MEMORY] = "memory"};
	float greatest = 0;
	/* cores in millionths, bytes */
	double unit = (what == SERIES_CPU ? 1e6 : 1e9) / (double)(set->slice_ns ? set->slice_ns : 1);
	char name[64];

	for (size_t i = 0; i < set->count; i++)
		for (size_t j = 0; j < slices; j++)
			greatest = set->all[i]->slices[what][j] > greatest ? set->all[i]->slices[what][j] : greatest;
	snprintf(name, sizeof(name), "%s.%s", group, names[what]);
	data__column(data, name, DATA_NUMBERS, 1 + set->count * slices);
	data__number(data, (uint64_t)((double)greatest * unit));
	for (size_t i = 0; i < set->count; i++)
		for (size_t j = 0; j < slices; j++)
			data__number(data,
				     greatest > 0 ? (uint64_t)(set->all[i]->slices[what][j] / greatest * SERIES_LEVELS +
							       0.5F)
						  : 0);
}

static void write_series(struct report *report, struct data *data, const char *group, struct series_set *set)
{
	size_t count = series__greatest(set, SERIES_SHOWN), slices = used_slices(report, set);
	char name[64];

	snprintf(name, sizeof(name), "%s.name", group);
	data__column(data, name, DATA_NUMBERS, count);
	for (size_t i = 0; i < count; i++)
		data__number(data, series__name(set->all[i]) ? series__name(set->all[i])->number : 0);
	snprintf(name, sizeof(name), "%s.slice", group);
	data__column(data, name, DATA_NUMBERS, 1);
	data__number(data, set->slice_ns);
	write_slices(data, group, set, slices, SERIES_CPU);
	write_slices(data, group, set, slices, SERIES_MEMORY);
}

/* ---- single processes over time ---- */

struct history_head {
	uint64_t slice, count;
	uint64_t most[HISTORY_WHATS]; /* cores in millionths, bytes, bytes a second */
};

#define HISTORY(member) COLUMN(struct history_head, member)
#define HISTORY_MOST(what, name) COLUMN_AS(struct history_head, most[what], name)
/* clang-format off */
static const struct column history_columns[] = {
	HISTORY(slice), HISTORY(count), HISTORY_MOST(HISTORY_CPU, "cpu"), HISTORY_MOST(HISTORY_MEMORY, "memory"),
	HISTORY_MOST(HISTORY_IO, "io"), { 0 },
};
/* clang-format on */

static double greatest(const struct history *history, enum history_what what)
{
	double most = 0;

	for (size_t i = 0; i < history__used(history); i++) {
		double value = history__value(history, what, i);

		most = value > most ? value : most;
	}
	return most;
}

/* Fractions of each curve's greatest value: of CPU, then memory, then I/O. */
static void write_levels(struct data *data, const struct history *history)
{
	for (int what = 0; what < HISTORY_WHATS; what++) {
		double most = greatest(history, what), unit = most > 0 ? HISTORY_LEVELS / most : 0;

		for (size_t i = 0; i < history__used(history); i++)
			data__number(data, (uint64_t)(history__value(history, what, i) * unit + 0.5));
	}
}

static int write_histories(struct data *data, const struct keep *kept)
{
	struct history_head *heads = calloc(kept->count + 1, sizeof(*heads));
	uint64_t levels = 0;

	if (!heads)
		return -ENOMEM;
	for (size_t i = 0; i < kept->count; i++) {
		const struct history *history = keep__item(kept, i);

		heads[i] = (struct history_head){history->slice_ns, history__used(history), {0}};
		for (int what = 0; what < HISTORY_WHATS; what++)
			heads[i].most[what] = (uint64_t)(greatest(history, what) * (what == HISTORY_CPU ? 1e6 : 1));
		levels += HISTORY_WHATS * heads[i].count;
	}
	columns__array(data, "history", history_columns, heads, sizeof(*heads), kept->count);
	free(heads);
	data__column(data, "history.levels", DATA_NUMBERS, levels);
	for (size_t i = 0; i < kept->count; i++)
		write_levels(data, keep__item(kept, i));
	return 0;
}

int columns__write(struct report *report, struct data *data)
{
	struct facts *facts = facts__new(report); /* before the strings: it adds some, as verdicts do */
	struct verdicts_shown verdicts = {0};
	int err = facts ? verdicts_shown__gather(report, &verdicts) : -ENOMEM;

	err = err ? err : write_strings(report, data);

	if (!err) {
		facts__write(facts, data);
		verdicts_shown__write(&verdicts, data);
		columns__array(data, "rows", row_columns, report->rows.items, sizeof(struct report_row),
			       report->rows.count);
		columns__array(data, "tasks", task_columns, report->tasks.items, sizeof(struct report_task),
			       report->tasks.count);
		err = write_groups(data, "commands", command_columns, &report->commands);
		err = err ? err : write_groups(data, "steps", step_columns, &report->steps);
		write_series(report, data, "by_command", &report->by_command);
		write_series(report, data, "by_step", &report->by_step);
		err = err ? err : write_histories(data, &report->histories.kept);
	}
	facts__free(facts);
	free(verdicts.items);
	return err;
}
