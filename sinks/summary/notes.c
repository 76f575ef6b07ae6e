/* SPDX-License-Identifier: BSD-2-Clause */
/* Notes on what is missing: lost records, unknown values. */
#include "sinks/summary/page.h"

#include <stdio.h>
#include <string.h>

struct lines {
	struct page *page;
	bool begun;
};

static int loss(void *arg, const char *safe)
{
	struct lines *lines = arg;

	if (!lines->begun)
		page__section(lines->page, TEXT_YELLOW, "The record is not complete");
	lines->begun = true;
	text__printf(lines->page->text, "  ");
	page__wrapped(lines->page, 2, 4, safe);
	return 0;
}

/* How many, and the most common reason. */
static void footnote(struct page *page, enum totals_figure what)
{
	static const char *const names[] = {
		[TOTALS_CPU] = "CPU time", [TOTALS_WALL] = "wall time", [TOTALS_PEAK] = "peak memory"};
	const uint64_t *missing = page->tally->run.missing[what];
	const char *sign = !page->bound[what] ? "-" : page->dash[what] ? "-, \xe2\x89\xa5" : "\xe2\x89\xa5";
	char of[FORMAT_SIZE], number[FORMAT_SIZE];
	uint64_t all = 0;
	unsigned most = 0;

	for (unsigned reason = 0; reason < 256; reason++) {
		all += missing[reason];
		most = missing[reason] > missing[most] ? reason : most;
	}
	if (all)
		page__dim(page, "%s %s not known for %s of %s%s: %s", sign, names[what], format__count(number, all),
			  format__count(of, page->tally->run.rows), missing[most] == all ? "" : ", mostly",
			  model_reason__text(most));
}

void page__notes(struct page *page)
{
	struct lines lines = {.page = page};
	bool any = false;
	int err = losses__each(&page->tally->run.losses, page->tally->run.run, loss, &lines);

	if (err)
		page->text->error = err;
	for (int i = 0; i < TOTALS_FIGURES; i++)
		any |= page->dash[i] || page->bound[i];
	if (any)
		text__printf(page->text, "\n");
	for (int i = 0; i < TOTALS_FIGURES; i++)
		if (page->dash[i] || page->bound[i])
			footnote(page, (enum totals_figure)i);
}
