/* SPDX-License-Identifier: BSD-2-Clause */
/* What failed: one entry for what ended alike, hidden ones first. */
#include "sinks/summary/page.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Hidden ones first: nothing else shows them. Then in order of time. */
static int by_weight(const void *a, const void *b)
{
	const struct tally_failure *x = tally_failure__of(*(struct hash_node *const *)a);
	const struct tally_failure *y = tally_failure__of(*(struct hash_node *const *)b);

	if (!x->hidden != !y->hidden)
		return x->hidden ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* When and where, dim; with the mark in front that must be seen. */
static void circumstances(struct page *page, const struct tally_failure *f, size_t indent)
{
	char number[FORMAT_SIZE], mark[FORMAT_SIZE + 16] = "";
	struct text line = {0};

	if (f->hidden == f->count)
		strcpy(mark, "HIDDEN  ");
	else if (f->hidden)
		snprintf(mark, sizeof(mark), "%s HIDDEN  ", format__count(number, f->hidden));
	text__printf(page->text, "%*s", (int)indent, "");
	page__styled(page, TEXT_RED_BOLD, mark);

	if (f->count > 1)
		text__printf(&line, "%s times, first ", format__count(number, f->count));
	text__printf(&line, "pid %u", f->row.pid);
	if (!EVENT_IS_NULL(f->row.ended_ns))
		text__printf(&line, " at +%s", format__duration(number, page__offset(page, f->row.ended_ns)));
	if (f->row.forked && f->row.tried_error[0]) {
		text__printf(&line, ", not executed: ");
		text__safe(&line, f->row.tried_error, strlen(f->row.tried_error));
	}
	if (f->row.core_dumped)
		text__printf(&line, ", core dumped");
	if (f->step)
		text__printf(&line, ", in step %s", f->step);
	if (f->parent)
		text__printf(&line, ", under %s", f->parent);
	page__dim(page, indent + strlen(mark), "%s", line.data ? line.data : "");
	if (f->by)
		page__dim(page, 0, "%*s%s ended 0", (int)indent, "", f->by);
	if (line.error)
		page->text->error = line.error;
	text__free(&line);
}

static void failure(struct page *page, const struct tally_failure *f, int width)
{
	char how[PAGE_ENDING];

	text__printf(page->text, "  ");
	text__style(page->text, TEXT_RED);
	text__printf(page->text, "%-*s", width, page__ending(how, &f->row));
	text__style(page->text, TEXT_PLAIN);
	text__printf(page->text, "  ");
	page__rest(page, 2 + (size_t)width + 2, f->shown);
	circumstances(page, f, 2 + (size_t)width + 2);
}

static void more_failures(struct page *page, uint64_t listed, uint64_t kinds)
{
	uint64_t propagated = page->tally->run.propagated, others = page->tally->run.failed - propagated - listed;
	uint64_t untraced = page->tally->run.run->untraced;
	char a[FORMAT_SIZE], b[FORMAT_SIZE];

	if (others)
		page__dim(page, 0, "  and %s more of %s other kind%s", format__count(a, others),
			  format__count(b, kinds), kinds == 1 ? "" : "s");
	if (propagated)
		page__dim(page, 0, "  and %s more that passed on the exit status of a failed child",
			  format__count(a, propagated));
	if (untraced)
		page__dim(page, 0, "  for %s of them it is not known whether they stayed hidden",
			  format__count(a, untraced));
}

void page__failures(struct page *page)
{
	size_t count = page->tally->failures.count, shown = count;
	struct hash_node **list = hash__sorted(&page->tally->failures, by_weight);
	uint64_t listed = 0;
	int width = 0, n;
	char text[PAGE_ENDING];

	if (shown > page->failures)
		shown = page->failures;
	if (!list)
		page->text->error = -ENOMEM;
	if (!list || !page->tally->run.failed)
		goto out;
	for (size_t i = 0; i < shown; i++) {
		n = (int)strlen(page__ending(text, &tally_failure__of(list[i])->row));
		width = n > width ? n : width;
	}
	snprintf(text, sizeof(text), "Failed (%llu)", (unsigned long long)page->tally->run.failed);
	page__section(page, TEXT_RED_BOLD, text);
	for (size_t i = 0; i < shown; i++) {
		failure(page, tally_failure__of(list[i]), width);
		listed += tally_failure__of(list[i])->count;
	}
	more_failures(page, listed, count - shown);
out:
	free(list);
}
