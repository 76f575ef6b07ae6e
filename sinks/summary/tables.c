/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables of time and memory: by command, longest, largest, still running. */
#include "sinks/summary/page.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_SINCE (PAGE_CELL + 1)
#define MEMBERS (PAGE_COUNT + 3) /* columns of "programs" */

/* Of the run's CPU time, in percent. */
static double share_of(const struct page *page, uint64_t cpu_ns)
{
	uint64_t all = page->tally->run.cpu.value;

	return all ? 100.0 * (double)cpu_ns / (double)all : 0;
}

static void cpu(struct page *page, const struct totals_sum *sum)
{
	double share = share_of(page, sum->value);
	char number[FORMAT_SIZE] = "-";

	page__sum(page, TOTALS_CPU, sum);
	if (sum->known && sum->value && share < 0.5)
		strcpy(number, "<1 %");
	else if (sum->known)
		snprintf(number, sizeof(number), "%.0f %%", share);
	page__cell(page, PAGE_COUNT, number, false);
}

static void command(struct page *page, const struct totals_group *c)
{
	char number[FORMAT_SIZE];
	struct text name = {0};

	cpu(page, &c->cpu);
	page__sum(page, TOTALS_WALL, &c->wall);
	page__peak(page, &c->peak);
	page__cell(page, MEMBERS, format__count(number, c->count), false);
	if (page->tally->run.failed) {
		text__style(page->text, c->failed ? TEXT_RED : TEXT_DIM);
		page__cell(page, PAGE_COUNT + 1, format__count(number, c->failed), false);
		text__style(page->text, TEXT_PLAIN);
	}
	text__printf(page->text, "  ");
	text__safe(&name, c->name, strlen(c->name));
	text__printf(&name, "%s", c->forked ? " (forked)" : "");
	page__rest(page, 3 * PAGE_CELL + PAGE_COUNT + MEMBERS + (page->tally->run.failed ? PAGE_COUNT + 1 : 0) + 2,
		   name.data ? name.data : "");
	if (name.error)
		page->text->error = name.error;
	text__free(&name);
}

/* Groups of `members`, such as the tasks of a step. */
static void groups(struct page *page, const struct totals_groups *commands, const char *title, const char *what,
		   const char *members)
{
	size_t count = commands->hash.count, shown = count;
	struct hash_node **list = hash__sorted(&commands->hash, story__by_cpu);
	char line[64];

	if (shown > page->top)
		shown = page->top;
	if (!list)
		page->text->error = -ENOMEM;
	if (!list || !count)
		goto out;
	snprintf(line, sizeof(line), "%s by %s time", title, page->tally->run.cpu.known ? "CPU" : "wall");
	page__section(page, TEXT_BOLD, line);
	page__dim(page, "%*s%*s%*s%*s%*s%s  %s", PAGE_CELL, "CPU", PAGE_COUNT, "share", PAGE_CELL, "wall", PAGE_CELL,
		  "peak", MEMBERS, members, page->tally->run.failed ? "  failed" : "", what);
	for (size_t i = 0; i < shown; i++)
		command(page, totals_group__of(list[i]));
	if (count > shown)
		page__dim(page, "%*s  and %zu more %s%s", PAGE_CELL, "", count - shown, what,
			  count - shown == 1 ? "" : "s");
out:
	free(list);
}

/* What the engine, or a script between its commands, used itself: with it the shares are all of the run. */
static void in_no_step(struct page *page)
{
	const struct hash *steps = &page->tally->steps.hash;
	struct totals_sum rest = page->tally->run.cpu;

	for (struct hash_node *node = hash__any(steps, NULL); node; node = hash__any(steps, node)) {
		uint64_t cpu_ns = totals_group__of(node)->cpu.value;

		rest.value -= cpu_ns < rest.value ? cpu_ns : rest.value;
	}
	if (!rest.known || share_of(page, rest.value) < 0.5)
		return;
	text__style(page->text, TEXT_DIM);
	cpu(page, &rest);
	text__printf(page->text, "%*s%s  in no step\n", 2 * PAGE_CELL + MEMBERS, "",
		     page->tally->run.failed ? "        " : "");
	text__style(page->text, TEXT_PLAIN);
}

/* When a program began, after the run; one that had begun before it has a "-". */
static void began(struct page *page, uint64_t ts)
{
	char number[FORMAT_SIZE], offset[FORMAT_SIZE + 1] = "-";

	if (ts >= page->tally->run.run->first_ts)
		snprintf(offset, sizeof(offset), "+%s",
			 format__duration(number, story__offset(page->tally->run.run, ts)));
	page__cell(page, PAGE_SINCE, offset, false);
}

/* Single rows; the value they are sorted by stands first. `since`: with their begin. */
static void top_rows(struct page *page, const char *title, const struct tally_top *top,
		     const enum totals_figure order[TOTALS_FIGURES], bool since)
{
	static const char *const names[] = {[TOTALS_CPU] = "CPU", [TOTALS_WALL] = "wall", [TOTALS_PEAK] = "peak"};

	page__section(page, TEXT_BOLD, title);
	page__dim(page, "%*s%*s%*s%*s%*s  command", PAGE_CELL, names[order[0]], PAGE_CELL, names[order[1]], PAGE_CELL,
		  names[order[2]], since ? PAGE_SINCE : 0, since ? "since" : "", PAGE_CELL, "pid");
	for (size_t i = 0; i < top->count; i++) {
		const struct tally_row *row = &top->rows[i];
		const uint64_t values[] = {
			[TOTALS_CPU] = row->cpu_ns, [TOTALS_WALL] = row->wall_ns, [TOTALS_PEAK] = row->peak_bytes};

		for (int j = 0; j < TOTALS_FIGURES; j++)
			page__value(page, order[j], values[order[j]], order[j] == TOTALS_PEAK && row->bound);
		if (since)
			began(page, row->began_ns);
		text__printf(page->text, "%*u  ", PAGE_CELL, row->pid);
		page__rest(page, 4 * PAGE_CELL + (since ? PAGE_SINCE : 0) + 2, row->shown);
	}
}

/* Whether a step has more than one program. */
static bool is_composed(const struct totals_groups *steps)
{
	for (struct hash_node *node = hash__any(&steps->hash, NULL); node; node = hash__any(&steps->hash, node))
		if (totals_group__of(node)->programs > totals_group__of(node)->count)
			return true;
	return false;
}

void page__tables(struct page *page)
{
	static const enum totals_figure by_wall[] = {TOTALS_WALL, TOTALS_CPU, TOTALS_PEAK};
	static const enum totals_figure by_peak[] = {TOTALS_PEAK, TOTALS_WALL, TOTALS_CPU};
	const struct tally *tally = page->tally;
	bool goes = tally->run.run->life == STREAM_RUNNING;
	bool short_run = tally->run.rows <= page->top; /* the first table has them all */

	if (is_composed(&tally->steps)) {
		groups(page, &tally->steps, "Steps", "step", "tasks");
		in_no_step(page);
	}
	groups(page, &tally->commands, "Commands", "command", "programs");
	if (tally->longest.count && !short_run)
		top_rows(page, "Longest", &tally->longest, by_wall, false);
	if (tally->largest.count && !short_run)
		top_rows(page, "Largest", &tally->largest, by_peak, false);
	if (tally->open.count)
		top_rows(page, goes ? "Running now" : "Still running at the end", &tally->open, by_wall, goes);
}
