/* SPDX-License-Identifier: BSD-2-Clause */
/* What the page's scripts get: tables of columns, named "table.column". */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/model/losses.h"
#include "sinks/model/text.h"
#include "sinks/report/data.h"
#include "sinks/report/report.h"

#define SERIES_SHOWN 8
#define SERIES_LEVELS 4095 /* a value is a fraction of the greatest */

enum member_type { MEMBER_U8, MEMBER_U32, MEMBER_U64, MEMBER_TEXT };

struct column {
	const char *name; /* NULL ends the table */
	enum data_kind kind;
	enum member_type type;
	size_t offset;
};

#define MEMBER_TYPE(lvalue)                                                                                  \
	_Generic((lvalue), uint8_t: MEMBER_U8, uint32_t: MEMBER_U32, uint64_t: MEMBER_U64,                   \
		 struct intern_string *: MEMBER_TEXT)
#define COLUMN(s, member) { #member, DATA_NUMBERS, MEMBER_TYPE(((s *)0)->member), offsetof(s, member) }
#define COLUMN_AS(s, member, name) { name, DATA_NUMBERS, MEMBER_TYPE(((s *)0)->member), offsetof(s, member) }
#define COLUMN_DELTAS(s, member) { #member, DATA_DELTAS, MEMBER_TYPE(((s *)0)->member), offsetof(s, member) }

#define ROW(member) COLUMN(struct report_row, member)
static const struct column row_columns[] = {
	COLUMN_DELTAS(struct report_row, began),
	COLUMN_DELTAS(struct report_row, pid),
	ROW(wall), ROW(cpu), ROW(user), ROW(system), ROW(peak), ROW(sampled),
	ROW(read_chars), ROW(write_chars), ROW(read_bytes), ROW(write_bytes),
	ROW(exit_code), ROW(signal), ROW(signal_name), ROW(outcome), ROW(flags),
	ROW(name), ROW(args), ROW(args_why), ROW(exe), ROW(exe_why), ROW(cwd), ROW(cwd_why), ROW(env), ROW(uid),
	ROW(run), ROW(ppid), ROW(parent), ROW(image), ROW(step), ROW(task),
	ROW(tried), ROW(tried_error), ROW(by), ROW(by_pid),
	{ 0 },
};

#define TASK(member) COLUMN(struct report_task, member)
static const struct column task_columns[] = {
	COLUMN_DELTAS(struct report_task, began),
	TASK(wall), TASK(cpu), TASK(peak), TASK(together), TASK(rows), TASK(failed), TASK(hidden),
	TASK(exit_code), TASK(signal), TASK(outcome), TASK(step), TASK(id), TASK(run), TASK(number),
	TASK(parent), TASK(pid),
	{ 0 },
};

#define COMMAND(member) COLUMN(struct totals_command, member)
#define COMMAND_AS(member, name) COLUMN_AS(struct totals_command, member, name)
static const struct column command_columns[] = {
	COMMAND(name), COMMAND(forked), COMMAND(rows), COMMAND(failed), COMMAND(wall_max),
	COMMAND(read_bytes), COMMAND(write_bytes),
	COMMAND_AS(cpu.value, "cpu"), COMMAND_AS(cpu.known, "cpu_known"), COMMAND_AS(cpu.missing, "cpu_missing"),
	COMMAND_AS(wall.value, "wall"), COMMAND_AS(wall.known, "wall_known"),
	COMMAND_AS(wall.missing, "wall_missing"),
	COMMAND_AS(peak.value, "peak"), COMMAND_AS(peak.bound, "peak_bound"),
	{ 0 },
};

#define STEP(member) COLUMN(struct totals_step, member)
#define STEP_AS(member, name) COLUMN_AS(struct totals_step, member, name)
static const struct column step_columns[] = {
	STEP(name), STEP(rules), STEP(tasks), STEP(bad), STEP(rows), STEP(processes), STEP(failed), STEP(hidden),
	STEP(wall_max), STEP(peak), STEP(together), STEP(read_bytes), STEP(write_bytes),
	STEP_AS(cpu.value, "cpu"), STEP_AS(cpu.known, "cpu_known"), STEP_AS(cpu.missing, "cpu_missing"),
	STEP_AS(wall.value, "wall"), STEP_AS(wall.known, "wall_known"), STEP_AS(wall.missing, "wall_missing"),
	{ 0 },
};

/* A run as the head of the page tells of it. Times count from the begin of the report's first run. */
struct run_facts {
	struct intern_string *id, *name, *host, *kernel, *machine, *collector, *command, *tags, *root_signal_name;
	uint64_t began, until, real, root_ended, root_code, root_signal, rss_peak, untraced;
	struct totals_run totals;
};

#define RUN(member) COLUMN(struct run_facts, member)
#define RUN_TOTAL(member) COLUMN_AS(struct run_facts, totals.member, #member)
static const struct column run_columns[] = {
	RUN(id), RUN(name), RUN(host), RUN(kernel), RUN(machine), RUN(collector), RUN(command), RUN(tags),
	RUN(began), RUN(until), RUN(real), RUN(rss_peak), RUN(untraced),
	RUN(root_ended), RUN(root_code), RUN(root_signal), RUN(root_signal_name),
	RUN_TOTAL(root_outcome), RUN_TOTAL(root_benign), RUN_TOTAL(ended), RUN_TOTAL(older),
	RUN_TOTAL(rows), RUN_TOTAL(processes), RUN_TOTAL(programs), RUN_TOTAL(failed), RUN_TOTAL(hidden),
	RUN_TOTAL(passed_on), RUN_TOTAL(running), RUN_TOTAL(unknown),
	RUN_TOTAL(cpu.value), RUN_TOTAL(cpu.known), RUN_TOTAL(cpu.missing),
	{ 0 },
};

/* Why figures are missing: how many rows lack it for this reason. */
struct missing {
	struct intern_string *text; /* half a sentence */
	uint64_t rows;
	uint8_t figure, why;
};

static const struct column missing_columns[] = {
	COLUMN(struct missing, figure), COLUMN(struct missing, why), COLUMN(struct missing, text),
	COLUMN(struct missing, rows), { 0 },
};

struct loss_line {
	struct intern_string *text;
	uint32_t run;
};

static const struct column loss_columns[] = {
	COLUMN(struct loss_line, text), COLUMN(struct loss_line, run), { 0 },
};

/* What there is once in a report. */
struct facts {
	struct intern_string *title;
	uint64_t rows_dropped, rows_below, failed_dropped, tasks_dropped;
};

static const struct column facts_columns[] = {
	COLUMN(struct facts, title), COLUMN(struct facts, rows_dropped), COLUMN(struct facts, rows_below),
	COLUMN(struct facts, failed_dropped), COLUMN(struct facts, tasks_dropped), { 0 },
};

/* Arrays that only the page needs; their strings are those of the report. */
struct extra {
	struct report *report;
	struct facts facts;
	struct run_facts *runs;
	struct missing *missing;
	struct loss_line *losses;
	size_t runs_count, missing_count, losses_count;
	int err;
};

/* ---- gathering ---- */

static struct intern_string *text_of(struct extra *extra, const char *bytes, size_t length)
{
	struct intern_string *text = intern__get(&extra->report->strings, bytes, length);

	if (!text)
		extra->err = -ENOMEM;
	return text;
}

static struct intern_string *string_of(struct extra *extra, const char *string)
{
	return string ? text_of(extra, string, strlen(string)) : NULL;
}

/* Strings one behind the other, each ended by a NUL, as a row's arguments. */
static struct intern_string *list_of(struct extra *extra, const char *const *list)
{
	struct text text = { 0 };
	struct intern_string *joined = NULL;

	for (; list && *list; list++)
		text__printf(&text, "%s%c", *list, '\0');
	if (text.error)
		extra->err = text.error;
	else if (text.size)
		joined = text_of(extra, text.data, text.size);
	text__free(&text);
	return joined;
}

static void gather_run(struct extra *extra, struct run_facts *facts, const struct totals_run *totals)
{
	const struct model_run *run = totals->run;
	const struct stream_info *info = run->info;
	const char *signal = totals->root_signal_name;

	*facts = (struct run_facts){
		.id = string_of(extra, info->run.id),
		.name = string_of(extra, info->run.name),
		.host = string_of(extra, info->host),
		.kernel = string_of(extra, info->kernel),
		.machine = string_of(extra, info->machine),
		.collector = string_of(extra, info->collector),
		.command = list_of(extra, info->run.command),
		.tags = list_of(extra, info->run.tags),
		.root_signal_name = string_of(extra, *signal ? signal : NULL),
		.root_code = totals->root_code,
		.root_signal = totals->root_signal,
		.rss_peak = run->rss_peak_bytes,
		.untraced = run->untraced,
		.real = (uint64_t)run->real_ns,
		.began = EVENT_NULL(MODEL_WHY_ABSENT),
		.until = EVENT_NULL(MODEL_WHY_ABSENT),
		.root_ended = EVENT_NULL(MODEL_WHY_ABSENT),
		.totals = *totals,
	};
	if (!run->begun)
		return;
	facts->began = report__when(extra->report, run, run->first_ts);
	facts->until = report__when(extra->report, run, run->last_ts);
	if (totals->ended)
		facts->root_ended = report__when(extra->report, run, totals->root_ended);
}

static void gather_missing(struct extra *extra)
{
	const struct totals *totals = &extra->report->totals;

	extra->missing = calloc(TOTALS_FIGURES * 256, sizeof(*extra->missing));
	if (!extra->missing) {
		extra->err = -ENOMEM;
		return;
	}
	for (unsigned i = 0; i < TOTALS_FIGURES * 256; i++) {
		uint8_t figure = (uint8_t)(i / 256), why = (uint8_t)i;

		/* The first figure's have all the reasons that a row may name. */
		if (!totals->missing[figure][why] && (figure || !strcmp(model_why__name(why), "unknown")))
			continue;
		extra->missing[extra->missing_count++] = (struct missing){
			.text = string_of(extra, model_why__text(why)),
			.rows = totals->missing[figure][why],
			.figure = figure,
			.why = why,
		};
	}
}

struct loss_taker {
	struct extra *extra;
	uint32_t run;
};

static int take_loss(void *arg, const char *safe)
{
	struct loss_taker *taker = arg;
	struct extra *extra = taker->extra;
	struct loss_line *losses = reallocarray(extra->losses, extra->losses_count + 1, sizeof(*losses));

	if (!losses)
		return -ENOMEM;
	extra->losses = losses;
	losses[extra->losses_count++] = (struct loss_line){ string_of(extra, safe), taker->run };
	return 0;
}

static int extra__gather(struct extra *extra)
{
	struct report *report = extra->report;
	struct totals *totals = &report->totals;
	int err = 0;

	extra->facts = (struct facts){
		.title = string_of(extra, report->conf->title),
		.rows_dropped = report->rows.dropped,
		.rows_below = report->rows.below,
		.failed_dropped = report->dropped_failed,
		.tasks_dropped = report->tasks.dropped,
	};
	extra->runs = calloc(totals->runs_count + 1, sizeof(*extra->runs));
	if (!extra->runs)
		return -ENOMEM;
	for (size_t i = 0; i < totals->runs_count && !err; i++) {
		struct loss_taker taker = { extra, (uint32_t)i };

		gather_run(extra, &extra->runs[extra->runs_count++], &totals->runs[i]);
		err = losses__tell(&totals->runs[i].losses, totals->runs[i].run, take_loss, &taker);
	}
	gather_missing(extra);
	return err ? err : extra->err;
}

static void extra__free(struct extra *extra)
{
	free(extra->runs);
	free(extra->missing);
	free(extra->losses);
}

/* ---- tables ---- */

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

/* Items are found by `item`. */
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

static void write_array(struct data *data, const char *table, const struct column *columns, const void *items,
			size_t size, size_t count)
{
	struct array array = { items, size };

	write_table(data, table, columns, count, array_item, &array);
}

static const void *command_item(const void *items, size_t i)
{
	return totals_command__of(((struct hash_node *const *)items)[i]);
}

static const void *step_item(const void *items, size_t i)
{
	return totals_step__of(((struct hash_node *const *)items)[i]);
}

/* The page sorts them itself. */
static int any_order(const void *a, const void *b)
{
	return (a > b) - (a < b);
}

static int write_hash(struct data *data, const char *table, const struct column *columns, const struct hash *hash,
		      const void *(*item)(const void *items, size_t i))
{
	struct hash_node **nodes = hash__sorted(hash, any_order);

	if (!nodes)
		return -ENOMEM;
	write_table(data, table, columns, hash->count, item, nodes);
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

/* In the order in which rows need them: what is alike stands together, and packs well. */
static int write_strings(struct report *report, struct data *data)
{
	const struct hash *all = &report->strings.strings;
	struct numbering numbering = { .list = calloc(all->count + 1, sizeof(struct intern_string *)) };

	if (!numbering.list)
		return -ENOMEM;
	for (const struct column *column = row_columns; column->name; column++)
		for (size_t i = 0; column->type == MEMBER_TEXT && i < report->rows.count; i++)
			number(&numbering, *(struct intern_string **)((char *)keep__item(&report->rows, i) +
								      column->offset));
	for (size_t i = 0; i < all->size; i++)
		for (struct hash_node *node = all->slots[i]; node; node = node->next)
			number(&numbering, intern_string__of(node));
	data__column(data, "strings", DATA_STRINGS, numbering.count);
	for (uint32_t i = 0; i < numbering.count; i++)
		data__string(data, numbering.list[i]->data, numbering.list[i]->length);
	free(numbering.list);
	return 0;
}

/* ---- CPU and memory over time ---- */

/* How many slices were used at all. */
static size_t used_slices(const struct report *report, const struct series_set *set)
{
	uint64_t until = 0;

	for (size_t i = 0; i < report->totals.runs_count; i++) {
		const struct model_run *run = report->totals.runs[i].run;
		uint64_t end = run->begun ? run->last_ts - run->first_ts +
						    (uint64_t)(run->real_ns - report->first->real_ns) : 0;

		until = end > until ? end : until;
	}
	until = set->slice_ns ? until / set->slice_ns + 1 : 0;
	return until < SERIES_SLICES ? (size_t)until : SERIES_SLICES;
}

/* Fractions of the greatest value that any has, which stands in front of them. */
static void write_slices(struct data *data, const char *group, const struct series_set *set, size_t slices,
			 enum series_what what)
{
	static const char *const names[] = { [SERIES_CPU] = "cpu", [SERIES_MEMORY] = "memory" };
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
			data__number(data, greatest > 0 ? (uint64_t)(set->all[i]->slices[what][j] / greatest *
								     SERIES_LEVELS + 0.5F) : 0);
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

int columns__write(struct report *report, struct data *data)
{
	struct extra extra = { .report = report };
	int err = extra__gather(&extra);

	err = err ? err : write_strings(report, data);
	if (!err) {
		write_array(data, "facts", facts_columns, &extra.facts, sizeof(extra.facts), 1);
		write_array(data, "runs", run_columns, extra.runs, sizeof(*extra.runs), extra.runs_count);
		write_array(data, "missing", missing_columns, extra.missing, sizeof(*extra.missing),
			    extra.missing_count);
		write_array(data, "losses", loss_columns, extra.losses, sizeof(*extra.losses),
			    extra.losses_count);
		write_array(data, "rows", row_columns, report->rows.items, sizeof(struct report_row),
			    report->rows.count);
		write_array(data, "tasks", task_columns, report->tasks.items, sizeof(struct report_task),
			    report->tasks.count);
		err = write_hash(data, "commands", command_columns, &report->totals.commands, command_item);
		err = err ? err : write_hash(data, "steps", step_columns, &report->totals.steps, step_item);
		write_series(report, data, "by_command", &report->by_command);
		write_series(report, data, "by_step", &report->by_step);
	}
	extra__free(&extra);
	return err;
}
