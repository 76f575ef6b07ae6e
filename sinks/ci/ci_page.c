/* SPDX-License-Identifier: BSD-2-Clause */
/* The page of a run in Markdown. Lists are sorted by weight, so that what does not fit is the least. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/format.h"
#include "sinks/ci/ci.h"

#define CHAIN_MAX 12 /* processes that passed a failure on: the first ones and the last */
#define SAID_MAX 20  /* lines that the origin wrote last; of others a quarter */
#define RESERVE 512  /* bytes for the lines that say what was left out */
#define COLUMNS 500  /* of a command in a list */
#define NAME_COLUMNS 100
#define SHOWN_COLUMNS 200 /* of a command of the cause; the origin's stands below whole */

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

/* Moves safe text on as code. */
static void put_code(struct text *item, struct text *safe, size_t columns)
{
	markdown__code(item, safe->data ? safe->data : "", columns);
	if (safe->error)
		item->error = safe->error;
	text__free(safe);
}

/* ---- head ---- */

static void put_verdict(struct text *item, const struct totals_run *run, bool goes)
{
	char how[STORY_ENDING], number[FORMAT_SIZE];

	if (goes)
		text__printf(item, "running");
	else if (run->run->life == STREAM_CRASHED)
		text__printf(item, "not known, the collector was killed or could not write the end");
	else if (!run->ended)
		text__printf(item, "not known");
	else if (model_outcome__bad(run->root.outcome) || !run->hidden)
		text__printf(item, "%s", story__ending(how, &run->root));
	else
		text__printf(item, "%s, but %s failure%s hidden", story__ending(how, &run->root),
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
	put_code(&item, &safe, NAME_COLUMNS);
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

/* ---- the cause ---- */

static void put_lines(struct text *item, const struct story_line *lines, size_t count)
{
	if (count)
		text__printf(item, "\n<pre>");
	for (size_t i = 0; i < count; i++) {
		struct text safe = {0};

		text__safe(&safe, lines[i].at, lines[i].length);
		markdown__text(item, safe.data ? safe.data : "");
		text__printf(item, i + 1 < count ? "\n" : "</pre>\n");
		if (safe.error)
			item->error = safe.error;
		text__free(&safe);
	}
}

/* The last lines of a process, as they stood. */
static void put_said(struct text *item, const struct tally *tally, uint32_t pid, uint64_t start, size_t most)
{
	const struct model_said *said = story__heard(tally, pid, start);
	struct story_line lines[SAID_MAX];
	size_t n = story__message(said, lines, most);
	struct text shared = {0};

	if (n)
		story__shared(&shared, tally, said);
	if (shared.size) {
		text__printf(item, "\n");
		put_code(item, &shared, COLUMNS);
		text__printf(item, "\n");
	}
	put_lines(item, lines, n);
	text__free(&shared);
}

/* From the run's first process down to the origin. */
static void put_chain(struct text *item, const struct model_ending *ending)
{
	char how[STORY_ENDING];
	uint32_t count = 0, i = 0;

	for (const struct model_ending *e = ending; e; e = e->cause)
		count++;
	if (count > 1)
		text__printf(item, "\nPassed on by:\n\n");
	for (; ending && ending->cause; ending = ending->cause, i++) {
		struct text command = {0};

		if (count > CHAIN_MAX && i == CHAIN_MAX / 2)
			text__printf(item, "- and %u more\n", count - CHAIN_MAX);
		if (count > CHAIN_MAX && i >= CHAIN_MAX / 2 && i < count - CHAIN_MAX / 2)
			continue;
		story__command(&command, ending);
		text__printf(item, "- **%s** ", story__ending(how, &ending->row));
		put_code(item, &command, SHOWN_COLUMNS);
		text__printf(item, "\n");
	}
}

/* A line of the origin: what `say` appends, if anything. */
static void put_detail(struct text *item, const char *before, void (*say)(struct text *, const struct model_ending *),
		       const struct model_ending *cause, size_t columns)
{
	struct text safe = {0};

	say(&safe, cause);
	if (safe.size) {
		text__printf(item, "<br>%s", before);
		put_code(item, &safe, columns);
	}
	text__free(&safe);
}

static void put_line(struct text *item, const char *safe, const char *after)
{
	if (!safe)
		return;
	text__printf(item, "<br>");
	markdown__code(item, safe, COLUMNS);
	text__printf(item, "%s", after);
}

/* A line of the origin, by what is known of other processes. */
static void put_others(struct text *item, const char *before, const struct tally *tally,
		       const struct model_ending *cause,
		       void (*say)(struct text *, const struct tally *, const struct model_ending *))
{
	struct text safe = {0};

	say(&safe, tally, cause);
	if (safe.size) {
		text__printf(item, "<br>%s", before);
		put_code(item, &safe, COLUMNS);
	}
	text__free(&safe);
}

static void put_again(struct text *item, const struct model_ending *cause, size_t columns, bool cut)
{
	put_detail(item, "in ", story__folder, cause, columns);
	put_detail(item, "run again: ", story__again, cause, columns);
	if (cut)
		put_detail(item, "its command: ", story__in_full, cause, columns);
	put_detail(item, "its arguments in full: ", story__whole, cause, columns);
	put_detail(item, "with the environment's ", story__environment, cause, COLUMNS);
}

/* What hangs is ended by a signal, which is not why it failed. */
static void put_hang(struct text *item, const struct verdict *hang)
{
	struct text lead = {0};

	if (!hang)
		return;
	judged__lead(&lead, hang);
	markdown__text(item, lead.data ? lead.data : "");
	text__printf(item, "<br>");
	if (lead.error)
		item->error = lead.error;
	text__free(&lead);
}

static void put_cause(struct ci_page *page)
{
	const struct model_ending *cause = story__origin(&page->tally->run), *speaker;
	size_t columns = page->limits->size / 64;
	const struct model_run *run = page->tally->run.run;
	struct text item = {0}, safe = {0}, shown = {0};
	const struct tally_failure *first;
	bool cut;
	char how[STORY_ENDING];

	if (!cause)
		return;
	first = story__first_of(page->tally, cause);
	text__printf(&item, "\n#### Cause\n\n");
	put_hang(&item, judged__hang(page->verdicts, &cause->row));
	text__printf(&item, "**%s** ", story__ending(how, &cause->row));
	story__subject(&safe, cause);
	cut = story__shorten(&shown, safe.data ? safe.data : "", SHOWN_COLUMNS);
	put_code(&item, &shown, columns);
	text__free(&safe);
	put_detail(&item, "", story__how, cause, COLUMNS);
	put_others(&item, "meanwhile ", page->tally, cause, story__waited);
	put_others(&item, "before it ", page->tally, cause, story__answers);
	put_line(&item, first ? first->limit : NULL, "");
	text__printf(&item, "<br>");
	story__circumstances(&safe, run, cause);
	put_code(&item, &safe, COLUMNS);
	if (!cut)
		put_again(&item, cause, columns, false);
	text__printf(&item, "\n");
	speaker = story__speaker(page->tally, cause);
	put_said(&item, page->tally, speaker->row.pid, speaker->row.start, SAID_MAX);
	put_chain(&item, run->ending);
	if (cut) { /* what is long comes last */
		text__printf(&item, "\n");
		put_again(&item, cause, columns, true);
		text__printf(&item, "\n");
	}
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
		markdown__code(item, passers[i].shown, COLUMNS);
		text__printf(item, "\n");
		put_lines(item, passers[i].lines, passers[i].count);
	}
}

static void put_kind(struct text *item, const struct ci_page *page, const struct tally_failure *kind)
{
	struct story_line others[STORY_OTHERS];
	struct text safe = {0};
	char how[STORY_ENDING];

	text__printf(item, "\n**%s** ", story__ending(how, &kind->row));
	story__kind_subject(&safe, kind);
	put_code(item, &safe, COLUMNS);
	if (kind->hidden)
		text__printf(item, " **hidden**");
	text__printf(item, "<br>");
	story__kind(&safe, page->tally, kind);
	put_code(item, &safe, COLUMNS);
	put_line(item, kind->how, "");
	put_line(item, kind->limit, "");
	story__began(&safe, kind);
	if (safe.size)
		put_line(item, safe.data, "");
	text__free(&safe);
	put_line(item, kind->by, " ended 0");
	text__printf(item, "\n");
	put_said(item, page->tally, kind->row.pid, kind->row.start, SAID_MAX / 4);
	put_lines(item, others, story__others(page->tally, kind, others));
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
	put_code(item, &safe, NAME_COLUMNS);
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
	uint64_t all = run->running - (run->ended && run->root.outcome == MODEL_RUNNING);
	bool fits = true;
	size_t i;

	if (open->count)
		text__printf(page->out, "\n#### %s\n\n| age | pid | step | command |\n|---:|---:|:---|:---|\n",
			     goes ? "Running now" : "Still running at the end");
	for (i = 0; i < open->count && fits; i++) {
		const struct tally_row *row = &open->rows[i];
		struct text item = {0};
		char number[FORMAT_SIZE];

		text__printf(&item, "| %s | %u | ", format__duration(number, row->wall_ns),
			     row->ns_pid ? row->ns_pid : row->pid);
		if (row->step)
			markdown__code(&item, row->step, NAME_COLUMNS);
		text__printf(&item, " | ");
		markdown__code(&item, row->shown, COLUMNS);
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
	markdown__code(&losing->text, safe, COLUMNS);
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
