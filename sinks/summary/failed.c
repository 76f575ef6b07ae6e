/* SPDX-License-Identifier: BSD-2-Clause */
/* What failed: one entry per kind of failure, hidden ones first. */
#include "sinks/summary/page.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void limit(struct page *page, const struct tally_failure *f, size_t indent)
{
	if (!f->limit)
		return;
	page__dim_wrapped(page, indent, indent + 2, f->limit);
	page__dim_labelled(page, indent, "largest others: ", f->others);
}

static void began(struct page *page, const struct tally_failure *f, size_t indent)
{
	struct text line = {0};

	story__began(&line, f);
	if (line.size) {
		text__printf(page->text, "%*s", (int)indent, "");
		page__wrapped(page, indent, indent + 2, line.data);
	}
	if (line.error)
		page->text->error = line.error;
	text__free(&line);
}

/* When and where, dim, after a bright mark. */
static void circumstances(struct page *page, const struct tally_failure *f, size_t indent)
{
	char number[FORMAT_SIZE], mark[FORMAT_SIZE + 16] = "";
	struct text line = {0};

	if (f->hidden == story__beside_chain(page->tally, f))
		strcpy(mark, "HIDDEN  ");
	else if (f->hidden)
		snprintf(mark, sizeof(mark), "%s HIDDEN  ", format__count(number, f->hidden));
	text__printf(page->text, "%*s", (int)indent, "");
	page__styled(page, TEXT_RED_BOLD, mark);

	story__kind(&line, page->tally, f);
	text__style(page->text, TEXT_DIM);
	page__wrapped(page, indent + strlen(mark), indent + 2, line.data ? line.data : "");
	text__style(page->text, TEXT_PLAIN);
	if (f->how)
		page__dim_wrapped(page, indent, indent + 2, f->how);
	limit(page, f, indent);
	began(page, f, indent);
	if (f->by)
		page__dim(page, "%*san ancestor ended 0: %s", (int)indent, "", f->by);
	if (line.error)
		page->text->error = line.error;
	text__free(&line);
}

/* What failed in the same way. */
static void alike(struct page *page, const struct tally_failure *f, size_t indent)
{
	struct story_alike others;
	char number[FORMAT_SIZE];

	story__alike(page->tally, f, &others);
	for (size_t i = 0; i < others.count; i++)
		page__dim(page, "%*salso: %s", (int)indent, "", others.shown[i]);
	if (others.left)
		page__dim(page, "%*sand %s more", (int)indent, "", format__count(number, others.left));
}

/* What the failure became on its way up to the process that hides it. Returns how many are shown. */
static size_t passed_on(struct page *page, const struct tally_failure *f, size_t indent)
{
	struct story_passer passers[STORY_PASSERS];
	size_t n = story__passers(page->tally, f, passers);
	char how[STORY_ENDING];

	for (size_t i = 0; i < n; i++) {
		page__dim(page, "%*spassed on: %s  %s", (int)indent, "", story__ending(how, passers[i].row),
			  passers[i].shown);
		page__lines(page, passers[i].lines, passers[i].count, indent);
	}
	return n;
}

/* Returns how many others it shows. */
static size_t failure(struct page *page, const struct tally_failure *f, int width)
{
	struct tally_process beside = story__beside(page->tally, f);
	size_t indent = 2 + (size_t)width + 2;
	struct text line = {0};
	bool cut;

	page__how(page, &f->row, width);
	story__kind_subject(&line, page->tally, f);
	cut = page__two_lines(page, indent, indent + 2, line.data ? line.data : "");
	if (line.error)
		page->text->error = line.error;
	text__free(&line);
	page->unnamed |= 1U << story__unnamed(page->tally, &f->row, NULL, f->shell);
	circumstances(page, f, indent);
	alike(page, f, indent);
	page__said(page, beside, f->row.comm, indent, PAGE_SAID);
	page__said_by_others(page, f, indent);
	if (cut)
		page__copied(page, indent, "its command: ", beside.pid ? beside.shown : f->shown);
	return passed_on(page, f, indent);
}

/* `others`: failures of `kinds` that are not listed; `passers`: of those that passed one on, those that are. */
static void more_failures(struct page *page, uint64_t others, uint64_t kinds, uint64_t passers)
{
	uint64_t propagated = page->tally->run.propagated - story__in_chain(page->tally, NULL, true);
	uint64_t untraced = page->tally->run.run->untraced;
	char a[FORMAT_SIZE], b[FORMAT_SIZE];

	if (others)
		page__dim(page, "  and %s more of %s other kind%s", format__count(a, others), format__count(b, kinds),
			  kinds == 1 ? "" : "s");
	if (propagated > passers)
		page__dim(page, "  and %s more that passed a failure on", format__count(a, propagated - passers));
	if (untraced)
		page__dim(page, "  for %s of them it is not known whether they stayed hidden",
			  format__count(a, untraced));
}

static int width_of(struct hash_node *const *list, size_t count)
{
	char how[STORY_ENDING];
	int width = 0;

	for (size_t i = 0; i < count; i++) {
		int n = (int)strlen(story__ending(how, &tally_failure__of(list[i])->row));

		width = n > width ? n : width;
	}
	return width;
}

void page__failures(struct page *page)
{
	const struct totals_run *run = &page->tally->run;
	size_t count;
	struct hash_node **list = story__failures(page->tally, &count);
	size_t shown = count > page->failures ? page->failures : count;
	const char *title = story__origin(&page->tally->run) ? "Other failures" : "Failed";
	uint64_t alike = story__ended_alike(page->tally);
	uint64_t all = run->failed - story__in_chain(page->tally, NULL, false) - alike;
	int width = width_of(list, shown);
	uint64_t listed = 0, passers = 0;
	char text[64];

	if (!list)
		page->text->error = -ENOMEM;
	if (alike)
		page__dim(page, "  %s more %s ended by the same SIGINT", format__count(text, alike),
			  alike == 1 ? "was" : "were");
	if (!all || !count)
		goto out;
	snprintf(text, sizeof(text), "%s (%llu)", title, (unsigned long long)all);
	page__section(page, TEXT_RED_BOLD, text);
	for (size_t i = 0; i < shown; i++) {
		passers += failure(page, tally_failure__of(list[i]), width);
		listed += story__beside_chain(page->tally, tally_failure__of(list[i]));
	}
	page__explain_unnamed(page);
	more_failures(page, all > listed ? all - listed : 0, count - shown, passers);
out:
	free(list);
}

static const char *excuse_of(const struct tally_excused *e)
{
	static const char *const words[] = {[TALLY_RETRIED] = "retried, then 0",
					    [TALLY_IGNORED] = "ignored",
					    [TALLY_TIMED_OUT] = "timed out, and its caller went on"};

	return e->unsure ? "retried, then 0 (unless that was for other data)" : words[e->as];
}

void page__excused(struct page *page)
{
	struct hash_node **list = hash__sorted(&page->tally->excused, NULL);
	size_t count = list ? page->tally->excused.count : 0, shown = count > page->failures ? page->failures : count;
	char number[FORMAT_SIZE], how[STORY_ENDING];

	if (!list)
		page->text->error = -ENOMEM;
	if (count)
		page__section(page, TEXT_BOLD, "Retried, ignored or timed out");
	for (size_t i = 0; i < shown; i++) {
		const struct tally_excused *e = tally_excused__of(list[i]);
		struct text line = {0};

		text__printf(&line, "%s: %s, %s", e->shown, story__ending(how, &e->row), excuse_of(e));
		if (e->count > 1)
			text__printf(&line, "; %s times", format__count(number, e->count));
		text__printf(page->text, "  ");
		page__wrapped(page, 2, 4, line.data ? line.data : "");
		if (line.error)
			page->text->error = line.error;
		text__free(&line);
	}
	if (count > shown)
		page__dim(page, "  and %zu more", count - shown);
	free(list);
}
