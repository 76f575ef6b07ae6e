/* SPDX-License-Identifier: BSD-2-Clause */
/* The block of one run as it is printed: pieces that its parts share, and the parts. */
#ifndef SINKS_SUMMARY_PAGE_H
#define SINKS_SUMMARY_PAGE_H

#include "core/format.h"
#include "sinks/model/model.h"
#include "sinks/summary/tally.h"

struct page {
	struct text *text; /* its error: out of memory */
	const struct tally *tally;
	size_t columns;					  /* no line is longer */
	size_t top;					  /* rows a table */
	size_t failures;				  /* kinds of failure */
	bool dash[TOTALS_FIGURES], bound[TOTALS_FIGURES]; /* shown as missing, as a lower bound */
};

/* Appends the whole block. */
void page__print(struct page *page);

/* ---- parts; each prints nothing when there is nothing to say ---- */

void page__head(struct page *page);
void page__failures(struct page *page);
void page__tables(struct page *page);
void page__notes(struct page *page); /* last: it explains what the others have shown as missing */

/* ---- pieces ---- */

#define PAGE_CELL 9  /* columns of a value in a table */
#define PAGE_COUNT 7 /* of a count */

void page__styled(struct page *page, enum text_style style, const char *string);
void page__section(struct page *page, enum text_style style, const char *title);

/* What is left of the line after `used` columns: safe text, cut, and the line's end. */
void page__rest(struct page *page, size_t used, const char *safe);
void page__dim(struct page *page, size_t used, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* A number at the right end of its cell, perhaps marked as a lower bound. */
void page__cell(struct page *page, int width, const char *value, bool bound);
void page__value(struct page *page, enum totals_figure what, uint64_t value, bool bound);
void page__sum(struct page *page, enum totals_figure what, const struct totals_sum *sum);
void page__peak(struct page *page, const struct totals_peak *peak);

/* Time since the run began. */
uint64_t page__offset(const struct page *page, uint64_t ts);

/* How a row ended: "exit 1", "SIGSEGV", "OOM". Returns `out`. */
#define PAGE_ENDING 32
const char *page__ending(char out[PAGE_ENDING], const struct model_row *row);

#endif
