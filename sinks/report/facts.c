/* SPDX-License-Identifier: BSD-2-Clause */
/* What the page's head, notes and foot tell: of runs, of missing figures, of losses. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"
#include "sinks/model/losses.h"
#include "sinks/report/columns.h"

/* A run as the head of the page shows it. Times count from the begin of the report's first run. */
struct run_facts {
	struct intern_string *id, *name, *host, *kernel, *machine, *collector, *command, *tags, *root_signal_name;
	uint64_t began, until, real, wall, cores, root_ended, rss_peak, untraced; /* cores: in millionths */
	uint8_t root_outcome, root_benign;
	struct totals_run totals;
};

#define RUN(member) COLUMN(struct run_facts, member)
#define RUN_ROOT(member, name) COLUMN_AS(struct run_facts, totals.root.member, name)
#define RUN_TOTAL(member) COLUMN_AS(struct run_facts, totals.member, #member)
/* clang-format off */
static const struct column run_columns[] = {
	RUN(id), RUN(name), RUN(host), RUN(kernel), RUN(machine), RUN(collector), RUN(command), RUN(tags),
	RUN(began), RUN(until), RUN(real), RUN(wall), RUN(cores), RUN(rss_peak), RUN(untraced),
	RUN(root_ended), RUN_ROOT(exit_code, "root_code"), RUN_ROOT(signal, "root_signal"), RUN(root_signal_name),
	RUN(root_outcome), RUN(root_benign), RUN_TOTAL(ended), RUN_TOTAL(older),
	RUN_TOTAL(rows), RUN_TOTAL(processes), RUN_TOTAL(programs), RUN_TOTAL(failed), RUN_TOTAL(hidden),
	RUN_TOTAL(propagated), RUN_TOTAL(running), RUN_TOTAL(unknown),
	RUN_TOTAL(cpu.value), RUN_TOTAL(cpu.known), RUN_TOTAL(cpu.missing),
	{ 0 },
};
/* clang-format on */

/* Why figures are missing: how many rows lack it for this reason. */
struct missing {
	struct intern_string *text; /* half a sentence */
	uint64_t rows;
	uint8_t figure, reason;
};

/* clang-format off */
static const struct column missing_columns[] = {
	COLUMN(struct missing, figure), COLUMN(struct missing, reason), COLUMN(struct missing, text),
	COLUMN(struct missing, rows), { 0 },
};
/* clang-format on */

struct loss_line {
	struct intern_string *text;
	uint32_t run;
};

/* clang-format off */
static const struct column loss_columns[] = {
	COLUMN(struct loss_line, text), COLUMN(struct loss_line, run), { 0 },
};
/* clang-format on */

/* What there is once in a report. */
struct once {
	struct intern_string *title;
	uint64_t rows_dropped, rows_below, failed_dropped, tasks_dropped;
};

/* clang-format off */
static const struct column once_columns[] = {
	COLUMN(struct once, title), COLUMN(struct once, rows_dropped), COLUMN(struct once, rows_below),
	COLUMN(struct once, failed_dropped), COLUMN(struct once, tasks_dropped), { 0 },
};
/* clang-format on */

struct facts {
	struct report *report;
	struct once once;
	struct run_facts *runs;
	struct missing *missing;
	struct loss_line *losses;
	size_t runs_count, missing_count, losses_count;
	int err;
};

static struct intern_string *text_of(struct facts *facts, const char *bytes, size_t length)
{
	struct intern_string *text = intern__get(&facts->report->strings, bytes, length);

	if (!text)
		facts->err = -ENOMEM;
	return text;
}

static struct intern_string *string_of(struct facts *facts, const char *string)
{
	return string ? text_of(facts, string, strlen(string)) : NULL;
}

/* Strings one after the other, each ended by a NUL, as a row's arguments. */
static struct intern_string *list_of(struct facts *facts, const char *const *list)
{
	struct text text = {0};
	struct intern_string *joined = NULL;

	for (; list && *list; list++)
		text__printf(&text, "%s%c", *list, '\0');
	if (text.error)
		facts->err = text.error;
	else if (text.size)
		joined = text_of(facts, text.data, text.size);
	text__free(&text);
	return joined;
}

static void gather_run(struct facts *facts, struct run_facts *told, const struct totals_run *totals)
{
	const struct model_run *run = totals->run;
	const struct stream_info *info = run->info;
	const char *signal = totals->root.signal_name;

	*told = (struct run_facts){
		.id = string_of(facts, info->run.id),
		.name = string_of(facts, info->run.name),
		.host = string_of(facts, info->host),
		.kernel = string_of(facts, info->kernel),
		.machine = string_of(facts, info->machine),
		.collector = string_of(facts, info->collector),
		.command = list_of(facts, info->run.command),
		.tags = list_of(facts, info->run.tags),
		.root_signal_name = string_of(facts, *signal ? signal : NULL),
		.root_outcome = (uint8_t)totals->root.outcome,
		.root_benign = totals->root.benign,
		.wall = totals_run__wall(totals),
		.cores = (uint64_t)(totals_run__cores(totals) * 1e6 + 0.5),
		.rss_peak = run->rss_peak_bytes,
		.untraced = run->untraced,
		.real = (uint64_t)run->real_ns,
		.began = EVENT_NULL(MODEL_REASON_ABSENT),
		.until = EVENT_NULL(MODEL_REASON_ABSENT),
		.root_ended = EVENT_NULL(MODEL_REASON_ABSENT),
		.totals = *totals,
	};
	if (!run->begun)
		return;
	told->began = report__when(facts->report, run, run->first_ts);
	told->until = report__when(facts->report, run, run->last_ts);
	if (totals->ended)
		told->root_ended = report__when(facts->report, run, totals->root.ended_ns);
}

static uint64_t missing_rows(const struct facts *facts, unsigned figure, uint8_t reason)
{
	uint64_t rows = 0;

	for (size_t i = 0; i < facts->runs_count; i++)
		rows += facts->runs[i].totals.missing[figure][reason];
	return rows;
}

static void gather_missing(struct facts *facts)
{
	facts->missing = calloc(TOTALS_FIGURES * 256, sizeof(*facts->missing));
	if (!facts->missing) {
		facts->err = -ENOMEM;
		return;
	}
	for (unsigned i = 0; i < TOTALS_FIGURES * 256; i++) {
		uint8_t figure = (uint8_t)(i / 256), reason = (uint8_t)i;
		uint64_t rows = missing_rows(facts, figure, reason);

		/* The first figure's have all the reasons that a row may name. */
		if (!rows && (figure || !strcmp(model_reason__name(reason), "unknown")))
			continue;
		facts->missing[facts->missing_count++] = (struct missing){
			.text = string_of(facts, model_reason__text(reason)),
			.rows = rows,
			.figure = figure,
			.reason = reason,
		};
	}
}

struct loss_taker {
	struct facts *facts;
	uint32_t run;
};

static int take_loss(void *arg, const char *safe)
{
	struct loss_taker *taker = arg;
	struct facts *facts = taker->facts;
	struct loss_line *losses = reallocarray(facts->losses, facts->losses_count + 1, sizeof(*losses));

	if (!losses)
		return -ENOMEM;
	facts->losses = losses;
	losses[facts->losses_count++] = (struct loss_line){string_of(facts, safe), taker->run};
	return 0;
}

/* Names of groups as strings of the page. */
static void name_groups(struct facts *facts, const struct totals_groups *groups)
{
	for (size_t i = 0; i < groups->hash.size; i++)
		for (struct hash_node *node = groups->hash.slots[i]; node; node = node->next)
			totals_group__of(node)->user = string_of(facts, totals_group__of(node)->name);
}

static int gather(struct facts *facts)
{
	struct report *report = facts->report;
	size_t runs = model__runs(report->on.model);
	int err = 0;

	facts->once = (struct once){
		.title = string_of(facts, report->conf->title),
		.rows_dropped = report->rows.dropped,
		.rows_below = report->rows.below,
		.failed_dropped = report->dropped_failed,
		.tasks_dropped = report->tasks.dropped,
	};
	facts->runs = calloc(runs + 1, sizeof(*facts->runs));
	if (!facts->runs)
		return -ENOMEM;
	for (size_t i = 0; i < runs && !err; i++) {
		struct loss_taker taker = {facts, (uint32_t)i};
		const struct totals_run *totals = *model__run(report->on.model, i)->user;

		gather_run(facts, &facts->runs[facts->runs_count++], totals);
		err = losses__tell(&totals->losses, totals->run, take_loss, &taker);
	}
	gather_missing(facts);
	name_groups(facts, &report->commands);
	name_groups(facts, &report->executions);
	return err ? err : facts->err;
}

struct facts *facts__new(struct report *report)
{
	struct facts *facts = calloc(1, sizeof(*facts));

	if (!facts)
		return NULL;
	facts->report = report;
	if (gather(facts)) {
		facts__free(facts);
		return NULL;
	}
	return facts;
}

void facts__write(const struct facts *facts, struct data *data)
{
	columns__array(data, "facts", once_columns, &facts->once, sizeof(facts->once), 1);
	columns__array(data, "runs", run_columns, facts->runs, sizeof(*facts->runs), facts->runs_count);
	columns__array(data, "missing", missing_columns, facts->missing, sizeof(*facts->missing), facts->missing_count);
	columns__array(data, "losses", loss_columns, facts->losses, sizeof(*facts->losses), facts->losses_count);
}

void facts__free(struct facts *facts)
{
	if (!facts)
		return;
	free(facts->runs);
	free(facts->missing);
	free(facts->losses);
	free(facts);
}
