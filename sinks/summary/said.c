/* SPDX-License-Identifier: BSD-2-Clause */
/* The last lines that a process wrote before it failed, and what to do where there are none. */
#include "sinks/summary/page.h"

#include <string.h>

void page__explain_unnamed(struct page *page)
{
	unsigned new = page->unnamed & ~page->explained;

	page->explained |= new;
	if (new & 1U << STORY_UNNAMED_MESSAGE) {
		page__dim(page, "  which command was not found: what the shell said is not recorded;");
		page__dim(page, "  probes: {output: {writes: true}} in -c FILE records it, see collector.yaml(5)");
	}
	if (new & 1U << STORY_UNNAMED_EXEC) {
		page__dim(page, "  what could not be executed, and why, is not recorded: see collector.yaml(5);");
		page__dim(page, "  probes: {lifecycle: {exec_failed: true}} in -c FILE records it");
	}
	if (new & 1U << STORY_UNNAMED_FORK) {
		page__dim(page, "  255 of a fork: often its program could not be executed; which, and why, has");
		page__dim(page, "  probes: {lifecycle: {exec_failed: true}} in -c FILE, see collector.yaml(5)");
	}
	if (new & 1U << STORY_UNHEARD) {
		page__dim(page, "  no last lines: what goes to a pipe or a terminal is recorded only by");
		page__dim(page, "  probes: {output: {writes: true}} in -c FILE, see collector.yaml(5)");
	}
	if (new & 1U << STORY_NOT_SAID)
		page__dim(page, "  no last lines: what it wrote did not go to its standard error");
	if (new & 1U << STORY_UNWRITTEN)
		page__dim(page, "  no last lines: it wrote nothing to its standard error");
	if (new & 1U << STORY_SILENCED)
		page__dim(page, "  no last lines: its standard error went to /dev/null");
}

/* Where it does not fit, without its middle: messages end with the reason, "cannot write PATH: No space left on device". */
static void put_ends(struct page *page, size_t used, const char *safe)
{
	size_t room = page->columns > used ? page->columns - used : 0, last = room / 2, n;
	struct text nothing = {0};
	size_t width = text__cut(&nothing, safe, SIZE_MAX);

	text__cut(page->text, safe, width > room ? room - last : room);
	for (; width > room && text__cut(&nothing, safe, last + 1) > last; safe += n)
		utf8__next(safe, strlen(safe), &n);
	text__printf(page->text, "%s\n", width > room ? safe : "");
	text__free(&nothing);
}

static void put_line(struct page *page, size_t indent, const char *of, const struct story_line *line)
{
	struct text safe = {0};

	text__printf(&safe, "%s", of);
	text__safe(&safe, line->at, line->length);
	text__printf(page->text, "%*s| ", (int)indent, "");
	if (line->error)
		page__two_lines(page, indent + 2, indent + 2, safe.data ? safe.data : "");
	else
		put_ends(page, indent + 2, safe.data ? safe.data : "");
	if (safe.error)
		page->text->error = safe.error;
	text__free(&safe);
}

void page__lines(struct page *page, const struct story_line *lines, size_t count, size_t indent)
{
	for (size_t i = 0; i < count; i++)
		put_line(page, indent, "", &lines[i]);
}

void page__said(struct page *page, struct tally_process of, const char *comm, size_t indent, size_t most)
{
	const struct model_said *said = story__heard(page->tally, of.pid, of.start);
	struct story_line lines[PAGE_SAID_MAX];
	size_t n = story__message(said, lines, most);
	struct text file = {0};

	if (n)
		story__file(&file, page->tally, said, comm);
	if (file.size)
		page__copied(page, indent, file.data, "");
	page__lines(page, lines, n, indent);
	if (file.error)
		page->text->error = file.error;
	text__free(&file);
}

void page__said_by_others(struct page *page, const struct tally_failure *kind, size_t indent)
{
	struct story_line lines[STORY_OTHERS];
	size_t n = story__others(page->tally, kind, lines);

	for (size_t i = 0; i < n; i++)
		put_line(page, indent, "another one: ", &lines[i]);
}
