/* SPDX-License-Identifier: BSD-2-Clause */
/* The head of a run's block: command, result, cost. */
#include "sinks/summary/page.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LABEL 12 /* columns of a fact's name */

static void title(struct page *page)
{
	const struct stream_info *info = page->tally->run.run->info;
	const char *name = info->run.name && *info->run.name ? info->run.name : info->run.id;
	time_t began = (time_t)(page->tally->run.run->real_ns / 1000000000);
	struct text bold = {0}, dim = {0};
	char when[32];
	struct tm tm;
	size_t used;

	text__safe(&bold, name, strlen(name));
	if (name != info->run.id) {
		text__printf(&dim, "  ");
		text__safe(&dim, info->run.id, strlen(info->run.id));
	}
	text__printf(&dim, "  on ");
	text__safe(&dim, info->host, strlen(info->host));
	if (gmtime_r(&began, &tm) && strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &tm))
		text__printf(&dim, ", %s", when);
	if (bold.error || dim.error)
		page->text->error = -ENOMEM;
	else {
		text__style(page->text, TEXT_BOLD);
		used = text__cut(page->text, bold.data ? bold.data : "", page->columns);
		text__style(page->text, TEXT_PLAIN);
		text__style(page->text, TEXT_DIM);
		text__cut(page->text, dim.data, page->columns - used);
		text__style(page->text, TEXT_PLAIN);
		text__printf(page->text, "\n");
	}
	text__free(&bold);
	text__free(&dim);
}

static void run_command(struct page *page)
{
	const char *const *argv = page->tally->run.run->info->run.command;
	struct text args = {0}, line = {0};
	struct model_list list = {0};

	for (; argv && *argv; argv++)
		text__printf(&args, "%s%c", *argv, '\0');
	list.data = args.data;
	list.length = (uint32_t)args.size;
	if (args.size) {
		text__arguments(&line, &list, true, TEXT_COMMAND_MAX);
		text__printf(page->text, "$ ");
		page__rest(page, 2, line.data ? line.data : "");
	}
	if (args.error || line.error)
		page->text->error = -ENOMEM;
	text__free(&args);
	text__free(&line);
}

/* A line "  label    value  note"; the note is safe and may be cut. */
static void __attribute__((format(printf, 5, 6)))
fact(struct page *page, const char *label, const char *value, bool bound, const char *fmt, ...)
{
	char *string = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&string, fmt, ap) < 0)
		page->text->error = -ENOMEM;
	else {
		text__printf(page->text, "  ");
		text__style(page->text, TEXT_DIM);
		text__printf(page->text, "%-*s", LABEL, label);
		text__style(page->text, TEXT_PLAIN);
		page__cell(page, PAGE_CELL, value, bound);
		text__printf(page->text, *string ? "  " : "");
		page__rest(page, 2 + LABEL + PAGE_CELL + 2, string);
		free(string);
	}
	va_end(ap);
}

/* What all held at once; the samples may have missed the peak of one of them: `largest`, null if it is not known. */
static void together_fact(struct page *page, const char *label, uint64_t largest)
{
	const struct model_run *run = page->tally->run.run;
	uint64_t together = run->rss_peak_bytes, least = run->rss_lower_bytes, pss = run->pss_peak_bytes;
	char number[FORMAT_SIZE], lower[FORMAT_SIZE];

	if (EVENT_IS_NULL(together) || page->tally->run.processes < 2)
		return;
	format__bytes(number, together);
	if (!EVENT_IS_NULL(largest) && largest > together) {
		fact(page, label, format__bytes(lower, largest), true, "all at once: the largest alone; sampled: %s",
		     number);
		return;
	}
	figure__set_greater(&least, largest);
	format__bytes(lower, least);
	if (!strcmp(number, lower))
		fact(page, label, number, false, "all at once, sampled");
	else if (!EVENT_IS_NULL(pss) && pss >= together - together / 10)
		fact(page, label, format__bytes(lower, pss > least ? pss : least), false,
		     "all at once (Pss); at most %s", number);
	else
		fact(page, label, number, false, "at most at once, sampled; at least %s", lower);
}

static void memory_facts(struct page *page)
{
	const struct tally_top *largest = &page->tally->largest;
	const struct tally_row *row = largest->count ? &largest->rows[0] : NULL;
	char number[FORMAT_SIZE];

	if (row) {
		page->bound[TOTALS_PEAK] |= row->bound;
		fact(page, "peak memory", format__bytes(number, row->peak_bytes), row->bound, "largest process: %s",
		     row->shown);
	}
	together_fact(page, row ? "" : "peak memory", row ? row->peak_bytes : EVENT_NULL(MODEL_REASON_ABSENT));
}

#define SHARE 4 /* at least one in so many bytes of a cgroup's charge is a large share */

/* Whether its charge says something of the run: that is alone in it, has a large share, or is limited by it. */
static bool cgroup_matters(const struct model_run *run)
{
	bool large = !EVENT_IS_NULL(run->rss_peak_bytes) && run->rss_peak_bytes >= run->cgroup_bytes / SHARE;

	return !EVENT_IS_NULL(run->cgroup_bytes) &&
	       (large || !run->cgroup_others || !EVENT_IS_NULL(run->cgroup_limit_bytes));
}

/* Beside what the processes hold: page cache too, and the memory of others that are in it. */
static void cgroup_fact(struct page *page)
{
	const struct model_run *run = page->tally->run.run;
	char charge[FORMAT_SIZE], cache[FORMAT_SIZE], limit[FORMAT_SIZE];
	struct text note = {0};

	if (!cgroup_matters(run))
		return;
	text__printf(&note, "charged");
	if (!EVENT_IS_NULL(run->cgroup_limit_bytes))
		text__printf(&note, " of at most %s", format__bytes(limit, run->cgroup_limit_bytes));
	if (!EVENT_IS_NULL(run->cgroup_cache_bytes))
		text__printf(&note, " (%s page cache)", format__bytes(cache, run->cgroup_cache_bytes));
	if (EVENT_IS_NULL(run->cgroup_others))
		text__printf(&note, "; others may be in it");
	else if (run->cgroup_others)
		text__printf(&note, "; %" PRIu64 " other%s in it", run->cgroup_others,
			     run->cgroup_others == 1 ? "" : "s");
	text__printf(&note, ": ");
	text__safe(&note, run->cgroup, strlen(run->cgroup));
	if (note.error)
		page->text->error = note.error;
	else
		fact(page, "cgroup", format__bytes(charge, run->cgroup_bytes), false, "%s", note.data);
	text__free(&note);
}

static void story_fact(struct page *page, const char *label, bool bound,
		       void (*put)(struct text *, char *, const struct totals_run *))
{
	char number[FORMAT_SIZE];
	struct text note = {0};

	put(&note, number, &page->tally->run);
	if (note.size)
		fact(page, label, number, bound, "%s", note.data);
	if (note.error)
		page->text->error = note.error;
	text__free(&note);
}

static void process_fact(struct page *page)
{
	const struct tally *tally = page->tally;
	struct text note = {0};
	char number[FORMAT_SIZE];

	text__printf(&note, "%s program%s executed", format__count(number, tally->run.programs),
		     tally->run.programs == 1 ? "" : "s");
	if (tally->run.failed)
		text__printf(&note, ", %s failed", format__count(number, tally->run.failed));
	if (tally->run.retried)
		text__printf(&note, ", %s retried with success", format__count(number, tally->run.retried));
	if (tally->run.ignored)
		text__printf(&note, ", %s ignored", format__count(number, tally->run.ignored));
	if (tally->run.muted)
		text__printf(&note, ", %s muted", format__count(number, tally->run.muted));
	if (tally->run.running)
		text__printf(&note, ", %s still running", format__count(number, tally->run.running));
	if (tally->run.unknown)
		text__printf(&note, ", %s whose end was not seen", format__count(number, tally->run.unknown));
	fact(page, "processes", format__count(number, tally->run.processes), false, "%s", note.data ? note.data : "");
	if (note.error)
		page->text->error = note.error;
	text__free(&note);
}

/* In place of a verdict, as long as there is none. */
static void state(struct page *page)
{
	const struct totals_run *run = &page->tally->run;
	char number[FORMAT_SIZE], wall[FORMAT_SIZE];

	if (run->run->life == STREAM_RUNNING)
		fact(page, "state", "running", false, "for %s, %s process%s",
		     format__duration(wall, totals_run__wall(run)), format__count(number, run->running),
		     run->running == 1 ? "" : "es");
	else if (run->run->life == STREAM_CRASHED)
		fact(page, "state", "crashed", false, "%s", losses__crash(&run->losses));
}

static void verdict(struct page *page)
{
	const struct tally *tally = page->tally;
	char how[STORY_ENDING], hidden[FORMAT_SIZE];
	bool bad, ok;

	if (!tally->run.ended || (tally->run.run->life == STREAM_RUNNING && tally->run.end.outcome == MODEL_RUNNING))
		return;
	bad = model_outcome__bad(tally->run.end.outcome);
	ok = tally->run.end.outcome == MODEL_OK && !tally->run.end.benign;
	text__printf(page->text, "  ");
	text__style(page->text, TEXT_DIM);
	text__printf(page->text, "%-*s", LABEL, "verdict");
	text__style(page->text, bad ? TEXT_RED_BOLD : TEXT_BOLD);
	text__printf(page->text, "%*s", PAGE_CELL, story__ending(how, &tally->run.end));
	text__style(page->text, TEXT_PLAIN);
	if (ok && tally->run.hidden) {
		text__printf(page->text, "  ");
		text__style(page->text, TEXT_RED_BOLD);
		text__printf(page->text, "but %s failure%s hidden", format__count(hidden, tally->run.hidden),
			     tally->run.hidden == 1 ? " is" : "s are");
		text__style(page->text, TEXT_PLAIN);
	}
	text__printf(page->text, "\n");
}

static int has_lost(void *arg, const char *safe)
{
	(void)safe;
	*(bool *)arg = true;
	return 0;
}

/* Each loss is shown at the end of a page that may be long. */
static void record_fact(struct page *page)
{
	bool lost = false;
	int err = losses__each(&page->tally->run.losses, page->tally->run.run, has_lost, &lost);

	if (err)
		page->text->error = err;
	if (lost)
		fact(page, "record", "incomplete", false, "what it lacks is at the end");
}

#define LEFT_PERCENT 5

/* What goes on when the command has ended, if it is a good part of the run. */
static void wall_fact(struct page *page)
{
	const struct totals_run *run = &page->tally->run;
	const struct tally_top *last = &page->tally->last;
	uint64_t wall = totals_run__wall(run), after = 0;
	bool ended = run->ended && !EVENT_IS_NULL(run->root.ended_ns);
	char number[FORMAT_SIZE], part[FORMAT_SIZE];

	if (ended && last->count && last->rows[0].key > run->root.ended_ns)
		after = last->rows[0].key - run->root.ended_ns;
	format__duration(number, wall);
	if (after >= TALLY_LEFT_NS && after >= wall / 100 * LEFT_PERCENT)
		fact(page, "wall", number, false, "%s of it after the command's end: %s", format__duration(part, after),
		     last->rows[0].shown);
	else
		fact(page, "wall", number, false, "%s",
		     ended				? ""
		     : run->run->life == STREAM_RUNNING ? "so far"
							: "up to the last record");
}

void page__facts(struct page *page)
{
	const struct totals_run *run = &page->tally->run;
	double cores = totals_run__cores(run);
	char number[FORMAT_SIZE];

	if (!run->run->begun)
		return;
	text__printf(page->text, "\n");
	wall_fact(page);
	if (run->cpu.known && run->preexisting)
		fact(page, "CPU", format__duration(number, run->cpu.value), run->cpu.missing > 0,
		     "with what was used before it was watched");
	else if (run->cpu.known && cores > 0)
		fact(page, "CPU", format__duration(number, run->cpu.value), run->cpu.missing > 0,
		     "%.*f cores on average", cores < 1 ? 2 : 1, cores);
	page->bound[TOTALS_CPU] |= run->cpu.known && run->cpu.missing;
	memory_facts(page);
	cgroup_fact(page);
	story_fact(page, "pids limit", false, story__pids_limit);
	story_fact(page, "huge pages", true, story__huge_pages);
	process_fact(page);
}

void page__head(struct page *page)
{
	title(page);
	run_command(page);
	if (!page->tally->run.run->begun) {
		text__printf(page->text, "\n  no records\n");
		return;
	}
	text__printf(page->text, "\n");
	state(page);
	verdict(page);
	record_fact(page);
}
