/* SPDX-License-Identifier: BSD-2-Clause */
/* Why the run failed: the process that began it, and those that passed it on up to the run's first process. */
#include "sinks/judging/judged.h"
#include "sinks/summary/page.h"

#include <stdio.h>
#include <string.h>

#define CHAIN_MAX 12 /* processes of the chain that are shown: the first ones and the last */

/* The longest "exit 255" or name of a signal. */
static int width_of(const struct model_ending *ending)
{
	char how[STORY_ENDING];
	int width = 0;

	for (; ending; ending = ending->cause) {
		int n = (int)strlen(story__ending(how, &ending->row));

		width = n > width ? n : width;
	}
	return width;
}

typedef void story_put(struct text *, const struct model_ending *);
typedef void page_show(struct page *, size_t, const char *, const char *);

/* A line of the origin: what `put` appends. */
static void show(struct page *page, size_t indent, const char *label, story_put *put, page_show *shown,
		 const struct model_ending *ending)
{
	struct text line = {0};

	put(&line, ending);
	if (line.size)
		shown(page, indent, label, line.data);
	if (line.error)
		page->text->error = line.error;
	text__free(&line);
}

static void detail(struct page *page, size_t indent, const char *label, story_put *put,
		   const struct model_ending *ending)
{
	show(page, indent, label, put, page__labelled, ending);
}

static void copied(struct page *page, size_t indent, const char *label, story_put *put,
		   const struct model_ending *ending)
{
	show(page, indent, label, put, page__copied, ending);
}

static void circumstances(struct page *page, const struct model_ending *ending, size_t indent)
{
	struct text line = {0};

	story__circumstances(&line, page->tally->run.run, ending);
	page__dim_wrapped(page, indent, indent + 2, line.data ? line.data : "");
	if (line.error)
		page->text->error = line.error;
	text__free(&line);
}

static void dim(struct page *page, size_t indent, const char *label, story_put *put, const struct model_ending *ending)
{
	show(page, indent, label, put, page__dim_labelled, ending);
}

/* What is known of other processes. */
static void others(struct page *page, const struct model_ending *ending, size_t indent)
{
	struct text line = {0};
	const char *label;

	for (size_t i = 0; (label = story__note(&line, page->tally, ending, i)); i++) {
		if (line.size)
			page__labelled(page, indent, label, line.data);
		if (line.error)
			page->text->error = line.error;
		text__free(&line);
	}
}

/* Where, and how to run it again. `cut`: its command is not shown whole yet. */
static void again(struct page *page, const struct model_ending *ending, int width, bool cut)
{
	size_t indent = 2 + (size_t)width + 2;

	copied(page, indent, "in ", story__folder, ending);
	copied(page, indent, "its log: ", story__log, ending);
	copied(page, indent, "run again: ", story__again, ending);
	if (cut)
		copied(page, indent, "its command: ", story__in_full, ending);
	copied(page, indent, "its arguments in full: ", story__whole, ending);
	detail(page, indent, "with the environment's ", story__environment, ending);
}

/* The last lines of the origin, or of the nearest that passed its failure on and has some. */
static void said(struct page *page, const struct model_ending *ending, size_t indent)
{
	const struct model_ending *speaker = story__speaker(page->tally, ending);
	struct text line = {0};

	if (speaker != ending && story__heard(page->tally, speaker->row.pid, speaker->row.start)) {
		story__command(&line, speaker);
		page__dim(page, "%*slast lines of %s:", (int)indent, "", line.data ? line.data : "");
	}
	page__said(page, (struct tally_process){.pid = speaker->row.pid, .start = speaker->row.start},
		   speaker->row.comm, indent, speaker == ending ? PAGE_SAID : PAGE_SAID_ABOVE);
	if (line.error)
		page->text->error = line.error;
	text__free(&line);
}

/* What a person reads first is on the first lines. Whether its command is not shown whole. */
static bool origin(struct page *page, const struct model_ending *ending, int width)
{
	size_t indent = 2 + (size_t)width + 2;
	enum story_unnamed unnamed = story__unnamed(page->tally, &ending->row, ending->command,
						    model_command__is_shell(ending->command, ending->row.comm));
	struct text line = {0};
	bool cut;

	page__how(page, &ending->row, width);
	story__subject(&line, ending);
	text__style(page->text, TEXT_BOLD);
	cut = page__two_lines(page, indent, indent + 2, line.data ? line.data : "");
	text__style(page->text, TEXT_PLAIN);
	if (line.error)
		page->text->error = line.error;
	text__free(&line);
	page->unnamed |= 1U << (unnamed ? unnamed : story__unheard(page->tally, ending));
	circumstances(page, ending, indent);
	detail(page, indent, "", story__how, ending);
	others(page, ending, indent);
	dim(page, indent, "", story__limit, ending);
	dim(page, indent, "largest others: ", story__holders, ending);
	said(page, ending, indent);
	return cut;
}

/* Its own error, which is not that of the cause. */
static void own_line(struct page *page, const struct model_ending *ending, size_t indent)
{
	struct story_line line;
	struct text safe = {0};

	if (!story__own_line(page->tally, ending, &line))
		return;
	text__safe(&safe, line.at, line.length);
	page__dim(page, "%*s| %s", (int)indent, "", safe.data ? safe.data : "");
	if (safe.error)
		page->text->error = safe.error;
	text__free(&safe);
}

/* From the top down, each a little further in. */
static void chain(struct page *page, const struct model_ending *ending, int width)
{
	uint32_t count = 0, i = 0, depth = 0;

	for (const struct model_ending *e = ending; e; e = e->cause)
		count++;
	if (count < 2)
		return;
	page__dim(page, "  passed on:");
	for (; ending; ending = ending->cause, i++) {
		struct text line = {0};

		if (count > CHAIN_MAX && i == CHAIN_MAX / 2)
			page__dim(page, "  %*s  and %u more", width, "", count - CHAIN_MAX);
		if (count > CHAIN_MAX && i >= CHAIN_MAX / 2 && i < count - CHAIN_MAX / 2)
			continue;
		page__how(page, &ending->row, width);
		story__command(&line, ending);
		text__printf(page->text, "%*s", (int)(2 * depth), "");
		page__rest(page, 2 + (size_t)width + 2 + 2 * (size_t)depth, line.data ? line.data : "");
		own_line(page, ending, 2 + (size_t)width + 2 + 2 * (size_t)depth);
		depth++;
		if (line.error)
			page->text->error = line.error;
		text__free(&line);
	}
}

static void before(struct page *page, const struct model_ending *began)
{
	struct text line = {0};

	judged__before_cause(&line, page->verdicts, began);
	if (line.size) {
		text__printf(page->text, "  ");
		page__wrapped(page, 2, 2, line.data);
	}
	if (line.error)
		page->text->error = line.error;
	text__free(&line);
}

void page__cause(struct page *page)
{
	const struct model_ending *began = story__origin(&page->tally->run);
	bool cut;
	int width;

	if (!began)
		return;
	width = width_of(page->tally->run.run->ending);
	page__section(page, TEXT_RED_BOLD, "Cause");
	before(page, began);
	cut = origin(page, began, width);
	if (!cut)
		again(page, began, width, false);
	chain(page, page->tally->run.run->ending, width);
	if (cut) /* what is long comes last */
		again(page, began, width, true);
	page__explain_unnamed(page);
}
