/* SPDX-License-Identifier: BSD-2-Clause */
/* Prints the block of one run: its parts, and pieces they share. */
#ifndef SINKS_SUMMARY_PAGE_H
#define SINKS_SUMMARY_PAGE_H

#include "core/format.h"
#include "sinks/model/model.h"
#include "sinks/totals/story.h"

struct page {
	struct text *text; /* its error: out of memory */
	const struct tally *tally;
	const struct verdicts *verdicts;
	size_t columns;					  /* no line is longer, but what is to be copied */
	size_t top;					  /* rows of a table */
	size_t failures;				  /* kinds of failure */
	bool dash[TOTALS_FIGURES], bound[TOTALS_FIGURES]; /* shown as missing, as a lower bound */
	unsigned unnamed;				  /* bits of enum story_unnamed: what commands here lack */
	unsigned explained;				  /* those of which the page says how to have it */
};

/* Appends the whole block. */
void page__print(struct page *page);

/* ---- parts; each prints nothing when there is nothing to say ---- */

void page__head(struct page *page);
void page__cause(struct page *page);
void page__facts(struct page *page);
void page__verdicts(struct page *page);
void page__failures(struct page *page);
void page__excused(struct page *page);
void page__tables(struct page *page);
void page__notes(struct page *page); /* last: explains what the others showed as missing */

/* ---- pieces ---- */

#define PAGE_CELL 9  /* columns of a value in a table */
#define PAGE_COUNT 7 /* of a count */

void page__styled(struct page *page, enum text_style style, const char *string);
void page__section(struct page *page, enum text_style style, const char *title);

/* Fills the line after `used` columns with safe text, cut to fit, and ends it. */
void page__rest(struct page *page, size_t used, const char *safe);

/* Fills the rest of the line with safe text, whole: further lines begin after `indent` columns. */
void page__wrapped(struct page *page, size_t used, size_t indent, const char *safe);

/* The same in two lines; what does not fit is left out of the middle. Whether some is. */
bool page__two_lines(struct page *page, size_t used, size_t indent, const char *safe);
void page__dim(struct page *page, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A line after `indent` blanks, whole: a dim label, and safe text. */
void page__labelled(struct page *page, size_t indent, const char *label, const char *safe);

/* The same, of what is to be copied: never broken, as a shell would take the break for the command's end. */
void page__copied(struct page *page, size_t indent, const char *label, const char *safe);

/* A dim line that begins after `used` blanks, whole; after a label as well. */
void page__dim_wrapped(struct page *page, size_t used, size_t indent, const char *safe);
void page__dim_labelled(struct page *page, size_t indent, const char *label, const char *safe);

/* A number at the right end of its cell, perhaps marked as a lower bound. */
void page__cell(struct page *page, int width, const char *value, bool bound);
void page__value(struct page *page, enum totals_figure what, uint64_t value, bool bound);
void page__sum(struct page *page, enum totals_figure what, const struct totals_sum *sum);
void page__peak(struct page *page, const struct totals_peak *peak);

/* The last lines, at most `most`, that this process wrote, if it failed and they are known: safe to show, cut to fit. */
#define PAGE_SAID 5
#define PAGE_SAID_ABOVE 3 /* of what passed it on */
#define PAGE_SAID_MAX 20
void page__said(struct page *page, struct tally_process of, const char *comm, size_t indent, size_t most);
void page__lines(struct page *page, const struct story_line *lines, size_t count, size_t indent);
void page__said_by_others(struct page *page, const struct tally_failure *kind,
			  size_t indent); /* if it is something else */

/* Once, after failures that are `unnamed`. */
void page__explain_unnamed(struct page *page);

/* Begins a line of a failure: how it ended, red, in so many columns, and two blanks on either side. */
void page__how(struct page *page, const struct model_row *row, int width);

#endif
