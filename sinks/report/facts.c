/* SPDX-License-Identifier: BSD-2-Clause */
/* Data for the page's head, notes and foot: runs, missing figures, losses. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"
#include "sinks/model/losses.h"
#include "sinks/report/columns.h"

/* A run, for the head of the page. Times are relative to the begin of the report's first run. */
struct run_facts {
	struct intern_string *id, *name, *host, *kernel, *machine, *collector, *command, *tags, *root_signal_name;
	struct intern_string *first; /* first_ts in digits, as a double is not exact */
	uint64_t began, until, real, wall, cores, root_ended, rss_peak, rss_lower, untraced; /* cores: in millionths */
	uint8_t root_outcome, root_benign, life; /* life: enum stream_life */
	struct totals_run totals;
};

#define RUN(member) COLUMN(struct run_facts, member)
#define RUN_ROOT(member, name) COLUMN_AS(struct run_facts, totals.end.member, name)
#define RUN_TOTAL(member) COLUMN_AS(struct run_facts, totals.member, #member)
/* clang-format off */
static const struct column run_columns[] = {
	RUN(id), RUN(name), RUN(host), RUN(kernel), RUN(machine), RUN(collector), RUN(command), RUN(tags), RUN(first),
	RUN(began), RUN(until), RUN(real), RUN(wall), RUN(cores), RUN(rss_peak), RUN(rss_lower), RUN(untraced),
	RUN(root_ended), RUN_ROOT(exit_code, "root_code"), RUN_ROOT(signal, "root_signal"), RUN(root_signal_name),
	RUN(root_outcome), RUN(root_benign), RUN(life), RUN_TOTAL(ended), COLUMN_AS(struct run_facts, totals.preexisting, "older"),
	RUN_TOTAL(rows), RUN_TOTAL(processes), RUN_TOTAL(programs), RUN_TOTAL(failed), RUN_TOTAL(hidden),
	RUN_TOTAL(propagated), RUN_TOTAL(retried), RUN_TOTAL(ignored), RUN_TOTAL(muted), RUN_TOTAL(running), RUN_TOTAL(unknown),
	RUN_TOTAL(cpu.value), RUN_TOTAL(cpu.known), RUN_TOTAL(cpu.missing),
	{ 0 },
};
/* clang-format on */

/* A reason, and how many rows lack each figure for it. */
struct missing {
	struct intern_string *text; /* a phrase */
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

/* When records were lost. */
struct gap_shown {
	struct intern_string *text; /* a sentence */
	uint64_t from, until;
	uint32_t run;
};

/* clang-format off */
static const struct column gap_columns[] = {
	COLUMN(struct gap_shown, from), COLUMN(struct gap_shown, until), COLUMN(struct gap_shown, text),
	COLUMN(struct gap_shown, run), { 0 },
};
/* clang-format on */

/* Values of the whole report. */
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
	struct gap_shown *gaps;
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

static struct intern_string *number_of(struct facts *facts, uint64_t number)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" PRIu64, number);
	return string_of(facts, digits);
}

/* Concatenates strings, each ended by a NUL, like a row's arguments. */
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

static void gather_run(struct facts *facts, struct run_facts *out, const struct totals_run *totals)
{
	const struct model_run *run = totals->run;
	const struct stream_info *info = run->info;
	const char *signal = totals->end.signal_name;

	*out = (struct run_facts){
		.id = string_of(facts, info->run.id),
		.name = string_of(facts, info->run.name),
		.host = string_of(facts, info->host),
		.kernel = string_of(facts, info->kernel),
		.machine = string_of(facts, info->machine),
		.collector = string_of(facts, info->collector),
		.command = list_of(facts, info->run.command),
		.tags = list_of(facts, info->run.tags),
		.root_signal_name = string_of(facts, *signal ? signal : NULL),
		.root_outcome = (uint8_t)totals->end.outcome,
		.root_benign = totals->end.benign,
		.life = (uint8_t)run->life,
		.wall = totals_run__wall(totals),
		.cores = (uint64_t)(totals_run__cores(totals) * 1e6 + 0.5),
		.rss_peak = run->rss_peak_bytes,
		.rss_lower = run->rss_lower_bytes,
		.untraced = run->untraced,
		.real = (uint64_t)run->real_ns,
		.began = EVENT_NULL(MODEL_REASON_ABSENT),
		.until = EVENT_NULL(MODEL_REASON_ABSENT),
		.root_ended = EVENT_NULL(MODEL_REASON_ABSENT),
		.totals = *totals,
	};
	if (!run->begun)
		return;
	out->first = number_of(facts, run->first_ts);
	out->began = report__when(facts->report, run, run->first_ts);
	out->until = report__when(facts->report, run, run->last_ts);
	if (totals->ended)
		out->root_ended = report__when(facts->report, run, totals->root.ended_ns);
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

		/* The first figure's list has every reason that a row may have. */
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

/* ---- when records were lost ---- */

#define GAPS_MAX 256

static bool same_loss(const struct gap *gap, const struct model_run *run, const struct loss *loss)
{
	return gap->run == run && !strcmp(gap->loss.lost.stream_lost, loss->lost.stream_lost) &&
	       !strcmp(gap->loss.lost.event_lost, loss->lost.event_lost) &&
	       !strcmp(gap->loss.lost.cause, loss->lost.cause);
}

/* Once there are many, more of the same makes the last one of its kind longer. */
static bool joins_gap(struct report *report, const struct model_run *run, const struct loss *loss)
{
	for (size_t i = report->gaps_count; i && report->gaps_count >= GAPS_MAX; i--) {
		struct gap *gap = &report->gaps[i - 1];

		if (!same_loss(gap, run, loss))
			continue;
		gap->until = gap->loss.lost.head.ts = loss->lost.head.ts;
		gap->loss.lost.count += loss->lost.count;
		gap->loss.uncounted |= loss->uncounted;
		return true;
	}
	return false;
}

int gaps__take(struct report *report, const struct record *record)
{
	const struct model_run *run = model__run_of(report->judged.on.model, record->info);
	struct losses one = {0};
	struct gap *gaps;

	losses__take(&one, record);
	if (!one.count || joins_gap(report, run, &one.all[0]) || report->gaps_count == 2 * GAPS_MAX)
		return 0;
	gaps = reallocarray(report->gaps, report->gaps_count + 1, sizeof(*gaps));
	if (!gaps)
		return -ENOMEM;
	report->gaps = gaps;
	gaps += report->gaps_count++;
	*gaps = (struct gap){.run = run, .loss = one.all[0], .until = record->ts};
	gaps->open = !strcmp(gaps->loss.lost.cause, "damage") || !strcmp(gaps->loss.lost.cause, "truncated");
	report->gaps_open += gaps->open;
	return 0;
}

void gaps__seen(struct report *report, const struct record *record)
{
	const struct model_run *run;

	if (!report->gaps_open)
		return;
	run = model__run_of(report->judged.on.model, record->info);
	for (size_t i = 0; i < report->gaps_count; i++) {
		struct gap *gap = &report->gaps[i];

		if (!gap->open || gap->run != run || strcmp(gap->loss.lost.stream_lost, record->event->stream))
			continue;
		gap->until = record->ts;
		gap->open = false;
		report->gaps_open--;
	}
}

static int keep_line(void *arg, const char *safe)
{
	struct text *text = arg;

	text->size = 0; /* of a run that crashed, the first line says that */
	text__printf(text, "%s", safe);
	return 0;
}

/* Time before the report begins is not shown. */
static uint64_t gap_time(struct report *report, const struct model_run *run, uint64_t ts)
{
	uint64_t when = run->begun && ts > run->first_ts ? ts : run->first_ts;

	when = report__when(report, run, when > run->last_ts ? run->last_ts : when);
	return (int64_t)when < 0 ? 0 : when;
}

static int gather_gap(struct facts *facts, struct gap_shown *shown, const struct gap *gap)
{
	struct losses one = {.all = {gap->loss}, .count = 1};
	uint64_t since = gap->loss.lost.since, until = gap->open ? gap->run->last_ts : gap->until;
	struct text text = {0};
	int err = losses__each(&one, gap->run, keep_line, &text);

	err = err ? err : text.error;
	if (!err && text.data)
		*shown = (struct gap_shown){
			.text = string_of(facts, text.data),
			.from = gap_time(facts->report, gap->run,
					 EVENT_IS_NULL(since) ? gap->loss.lost.head.ts : since),
			.until = gap_time(facts->report, gap->run, until),
			.run = (uint32_t)gap->run->index,
		};
	text__free(&text);
	return err;
}

static int gather_gaps(struct facts *facts)
{
	const struct report *report = facts->report;
	int err = 0;

	facts->gaps = calloc(report->gaps_count + 1, sizeof(*facts->gaps));
	if (!facts->gaps)
		return -ENOMEM;
	for (size_t i = 0; i < report->gaps_count && !err; i++)
		err = gather_gap(facts, &facts->gaps[i], &report->gaps[i]);
	return err;
}

/* Names of groups, as strings of the page. */
static void name_groups(struct facts *facts, const struct totals_groups *groups)
{
	for (struct hash_node *node = hash__any(&groups->hash, NULL); node; node = hash__any(&groups->hash, node))
		totals_group__of(node)->user = string_of(facts, totals_group__of(node)->name);
}

static int gather(struct facts *facts)
{
	struct report *report = facts->report;
	size_t runs = model__runs(report->judged.on.model);
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
		const struct totals_run *totals = model__run(report->judged.on.model, i)->user;

		gather_run(facts, &facts->runs[facts->runs_count++], totals);
		err = losses__each(&totals->losses, totals->run, take_loss, &taker);
	}
	err = err ? err : gather_gaps(facts);
	gather_missing(facts);
	name_groups(facts, &report->commands);
	name_groups(facts, &report->steps);
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
	columns__array(data, "gaps", gap_columns, facts->gaps, sizeof(*facts->gaps), facts->report->gaps_count);
}

void facts__free(struct facts *facts)
{
	if (!facts)
		return;
	free(facts->runs);
	free(facts->missing);
	free(facts->losses);
	free(facts->gaps);
	free(facts);
}
