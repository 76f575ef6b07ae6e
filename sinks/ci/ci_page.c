/* SPDX-License-Identifier: BSD-2-Clause */
/* The page of a run in Markdown. Lists are sorted by weight, so that what does not fit is the least. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/format.h"
#include "sinks/ci/ci.h"

#define RESERVE 512 /* bytes for the lines that say what was left out */
#define NAME_COLUMNS 100

struct ci_page {
	struct text *out;
	const struct tally *tally;
	const struct verdicts *verdicts;
	const struct ci_limits *limits;
	size_t end; /* of what may be in `out` before the next part */
};

/* Appends the item, unless it does not fit any more, and frees it. */
static bool put(struct ci_page *page, struct text *item)
{
	bool fits = page->out->size + item->size <= page->end;

	if (item->error)
		page->out->error = item->error;
	else if (fits && item->size)
		text__put(page->out, item->data, item->size);
	text__free(item);
	return fits;
}

static void put_left_out(struct ci_page *page, uint64_t count, const char *what)
{
	char number[FORMAT_SIZE];

	if (count)
		text__printf(page->out, "\nand %s more %s%s\n", format__count(number, count), what,
			     count == 1 ? "" : "s");
}

/* ---- head ---- */

static void put_verdict(struct text *item, const struct totals_run *run, bool goes)
{
	char how[STORY_ENDING], number[FORMAT_SIZE];

	if (goes)
		text__printf(item, "running");
	else if (run->run->life == STREAM_CRASHED)
		text__printf(item, "not known: %s", losses__crash(&run->losses));
	else if (!run->ended)
		text__printf(item, "not known");
	else if (model_outcome__bad(run->end.outcome) || !run->hidden)
		text__printf(item, "%s", story__ending(how, &run->end));
	else
		text__printf(item, "%s, but %s failure%s hidden", story__ending(how, &run->end),
			     format__count(number, run->hidden), run->hidden == 1 ? " is" : "s are");
}

/* A line of its own: few runs have it. */
static void put_fact(struct text *item, const char *label, const char *bound, const struct totals_run *run,
		     void (*say)(struct text *, char *, const struct totals_run *))
{
	char number[FORMAT_SIZE];
	struct text note = {0};

	say(&note, number, run);
	if (note.size)
		text__printf(item, "<br>%s **%s%s** %s\n", label, bound, number, note.data);
	if (note.error)
		item->error = note.error;
	text__free(&note);
}

static void put_head(struct ci_page *page, bool goes)
{
	const struct totals_run *run = &page->tally->run;
	const struct stream_info *info = run->run->info;
	const char *name = info->run.name && *info->run.name ? info->run.name : info->run.id;
	struct text safe = {0}, item = {0};
	char number[FORMAT_SIZE];

	text__printf(&item, "\n### ");
	text__safe(&safe, name, strlen(name));
	ci_item__code(&item, &safe, NAME_COLUMNS);
	text__printf(&item, ": ");
	put_verdict(&item, run, goes);
	text__printf(&item, "\n\nwall **%s**", format__duration(number, totals_run__wall(run)));
	if (run->cpu.known)
		text__printf(&item, ", CPU **%s%s**", run->cpu.missing ? "\xe2\x89\xa5" : "",
			     format__duration(number, run->cpu.value));
	if (!EVENT_IS_NULL(run->peak.bytes))
		text__printf(&item, ", largest process **%s%s**", run->peak.bound ? "\xe2\x89\xa5" : "",
			     format__bytes(number, run->peak.bytes));
	text__printf(&item, ", %s processes", format__count(number, run->processes));
	if (run->failed)
		text__printf(&item, ", %s failed", format__count(number, run->failed));
	if (run->retried)
		text__printf(&item, ", %s retried with success", format__count(number, run->retried));
	if (run->ignored)
		text__printf(&item, ", %s ignored", format__count(number, run->ignored));
	text__printf(&item, "\n");
	put_fact(&item, "pids limit", "", run, story__pids_limit);
	put_fact(&item, "huge pages", "\xe2\x89\xa5", run, story__huge_pages);
	put(page, &item);
}

static void put_cause(struct ci_page *page)
{
	struct text item = {0};

	ci_cause__put(&item, page->tally, page->verdicts, page->limits->size / 64);
	put(page, &item);
}

/* ---- lists ---- */

/* What the failure became on its way up to the process that hides it. */
static void put_passers(struct text *item, const struct tally *tally, const struct tally_failure *kind)
{
	struct story_passer passers[STORY_PASSERS];
	size_t n = story__passers(tally, kind, passers);
	char how[STORY_ENDING];

	for (size_t i = 0; i < n; i++) {
		text__printf(item, "\nPassed on: **%s** ", story__ending(how, passers[i].row));
		markdown__code(item, passers[i].shown, CI_COLUMNS);
		text__printf(item, "\n");
		ci_item__lines(item, passers[i].lines, passers[i].count);
	}
}

/* What failed in the same way. */
static void put_alike(struct text *item, const struct tally *tally, const struct tally_failure *kind)
{
	struct story_alike others;
	char number[FORMAT_SIZE];

	story__alike(tally, kind, &others);
	for (size_t i = 0; i < others.count; i++) {
		text__printf(item, "<br>also ");
		markdown__code(item, others.shown[i], CI_COLUMNS);
	}
	if (others.left)
		text__printf(item, "<br>and %s more", format__count(number, others.left));
}

static void put_kind(struct text *item, const struct ci_page *page, const struct tally_failure *kind)
{
	struct tally_process beside = story__beside(page->tally, kind);
	struct story_line others[STORY_OTHERS];
	struct text safe = {0};
	char how[STORY_ENDING];

	text__printf(item, "\n**%s** ", story__ending(how, &kind->row));
	story__kind_subject(&safe, page->tally, kind);
	ci_item__code(item, &safe, CI_COLUMNS);
	if (kind->hidden)
		text__printf(item, " **hidden**");
	text__printf(item, "<br>");
	story__kind(&safe, page->tally, kind);
	ci_item__code(item, &safe, CI_COLUMNS);
	ci_item__line(item, kind->how, "");
	ci_item__line(item, kind->limit, "");
	story__began(&safe, kind);
	if (safe.size)
		ci_item__line(item, safe.data, "");
	text__free(&safe);
	ci_item__line(item, kind->by, " ended 0");
	put_alike(item, page->tally, kind);
	text__printf(item, "\n");
	ci_item__said(item, page->tally, beside, kind->row.comm, CI_SAID_MAX / 4);
	ci_item__lines(item, others, story__others(page->tally, kind, others));
	put_passers(item, page->tally, kind);
}

static void put_failures(struct ci_page *page)
{
	struct hash_node **list;
	size_t count, i;
	bool fits = true;

	list = story__failures(page->tally, &count);
	if (!list)
		page->out->error = -ENOMEM;
	if (count)
		text__printf(page->out, "\n#### %s\n",
			     story__origin(&page->tally->run) ? "Other failures" : "Failures");
	for (i = 0; list && i < count && i < page->limits->failures && fits; i++) {
		struct text item = {0};

		put_kind(&item, page, tally_failure__of(list[i]));
		fits = put(page, &item);
	}
	put_left_out(page, count - i + !fits, "kind");
	free(list);
}

static void put_wrong(struct text *item, const struct verdict *verdict)
{
	text__printf(item, "\n**%s** (%s) ", verdict_kind__name(verdict->kind),
		     verdict_certainty__name(verdict->certainty));
	markdown__text(item, verdict->evidence);
	text__printf(item, "<br>");
	markdown__text(item, verdict->next);
	text__printf(item, "\n");
}

/* What is wrong beside failures. */
static void put_verdicts(struct ci_page *page)
{
	uint64_t count = 0, left = 0;
	bool fits = true;

	for (size_t i = 0; i < verdicts__count(page->verdicts); i++) {
		const struct verdict *verdict = verdicts__get(page->verdicts, i);
		struct text item = {0};

		if (verdict->run != page->tally->run.run || verdict->muted || !judged__shows(verdict))
			continue;
		if (!count++)
			text__printf(page->out, "\n#### Verdicts\n");
		if (fits && count <= page->limits->failures) {
			put_wrong(&item, verdict);
			fits = put(page, &item);
			left += !fits;
		} else {
			left++;
		}
	}
	put_left_out(page, left, "verdict");
}

/* A duration, or of bytes; a sum that lacks some values is a lower bound. */
static void put_cell(struct text *item, char *(*format)(char *out, uint64_t), uint64_t value, bool known, bool bound)
{
	char number[FORMAT_SIZE];

	text__printf(item, " %s%s |", known && bound ? "\xe2\x89\xa5" : "", known ? format(number, value) : "-");
}

static void put_row(struct text *item, const struct totals_group *step)
{
	struct text safe = {0};
	char number[FORMAT_SIZE];

	text__printf(item, "|");
	put_cell(item, format__duration, step->cpu.value, step->cpu.known || !step->cpu.missing, step->cpu.missing);
	put_cell(item, format__duration, step->wall.value, step->wall.known || !step->wall.missing, step->wall.missing);
	put_cell(item, format__bytes, step->peak.bytes, !EVENT_IS_NULL(step->peak.bytes), step->peak.bound);
	text__printf(item, " %s |", format__count(number, step->count));
	text__printf(item, " %s | ", format__count(number, step->failed));
	text__safe(&safe, step->name, strlen(step->name));
	ci_item__code(item, &safe, NAME_COLUMNS);
	text__printf(item, " |\n");
}

static void put_steps(struct ci_page *page)
{
	bool by_step = page->tally->steps.hash.count;
	const struct hash *groups = by_step ? &page->tally->steps.hash : &page->tally->commands.hash;
	const char *what = by_step ? "step" : "command";
	struct hash_node **list = hash__sorted(groups, story__by_cpu);
	bool fits = true;
	size_t i;

	if (!list)
		page->out->error = -ENOMEM;
	if (list && groups->count)
		text__printf(page->out,
			     "\n#### %s\n\n| CPU | wall | peak | %s | failed | %s |\n|---:|---:|---:|---:|---:|:---|\n",
			     by_step ? "Steps" : "Commands", by_step ? "tasks" : "programs", what);
	for (i = 0; list && i < groups->count && i < page->limits->top && fits; i++) {
		struct text item = {0};

		put_row(&item, totals_group__of(list[i]));
		fits = put(page, &item);
	}
	if (list)
		put_left_out(page, groups->count - i + !fits, what);
	free(list);
}

/* What had not ended: a job that leaves processes running has a defect. */
static void put_open(struct ci_page *page, bool goes)
{
	const struct tally_top *open = &page->tally->open;
	const struct totals_run *run = &page->tally->run;
	uint64_t all = run->running - (run->ended && run->end.outcome == MODEL_RUNNING);
	bool fits = true;
	size_t i;

	if (open->count)
		text__printf(page->out, "\n#### %s\n\n| age | pid | step | command |\n|---:|---:|:---|:---|\n",
			     goes ? "Running now" : "Still running at the end");
	for (i = 0; i < open->count && fits; i++) {
		const struct tally_row *row = &open->rows[i];
		struct text item = {0};
		char number[FORMAT_SIZE];

		text__printf(&item, "| %s | %u | ", format__duration(number, row->wall_ns), row->pid);
		if (row->step)
			markdown__code(&item, row->step, NAME_COLUMNS);
		text__printf(&item, " | ");
		markdown__code(&item, row->shown, CI_COLUMNS);
		text__printf(&item, " |\n");
		fits = put(page, &item);
	}
	if (open->count)
		put_left_out(page, all - i + !fits, "program");
}

/* ---- what is missing ---- */

struct losing {
	struct text text;
	size_t most; /* bytes */
	bool cut;
};

static int lose(void *arg, const char *safe)
{
	struct losing *losing = arg;

	if (losing->text.size > losing->most) {
		losing->cut = true;
		return 0;
	}
	text__printf(&losing->text, losing->text.size ? "- " : "\n#### The record is not complete\n\n- ");
	markdown__code(&losing->text, safe, CI_COLUMNS);
	text__printf(&losing->text, "\n");
	return 0;
}

void ci_page__print(struct text *out, const struct tally *tally, const struct verdicts *verdicts,
		    const struct ci_limits *limits, bool goes)
{
	struct losing losing = {.most = limits->size / 8};
	struct ci_page page = {out, tally, verdicts, limits, 0};
	int err = losses__each(&tally->run.losses, tally->run.run, lose, &losing);
	size_t end;

	if (losing.cut)
		text__printf(&losing.text, "- and more\n");
	end = out->size + limits->size;
	page.end = end - losing.text.size - RESERVE;
	put_head(&page, goes);
	put_cause(&page);
	page.end -= (page.end - out->size) / 3; /* for the steps */
	put_failures(&page);
	put_verdicts(&page);
	put_open(&page, goes);
	page.end = end - losing.text.size - RESERVE;
	put_steps(&page);
	page.end = end;
	put(&page, &losing.text);
	if (err)
		out->error = err;
}
