/* SPDX-License-Identifier: BSD-2-Clause */
/* The block of one run: the pieces that its parts share. */
#include "sinks/summary/page.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHORTEST 16 /* columns */

void page__styled(struct page *page, enum text_style style, const char *string)
{
	text__style(page->text, style);
	text__printf(page->text, "%s", string);
	text__style(page->text, TEXT_PLAIN);
}

void page__section(struct page *page, enum text_style style, const char *title)
{
	text__printf(page->text, "\n");
	page__styled(page, style, title);
	text__printf(page->text, "\n");
}

void page__rest(struct page *page, size_t used, const char *safe)
{
	text__cut(page->text, safe, page->columns > used ? page->columns - used : 0);
	text__printf(page->text, "\n");
}

void page__wrapped(struct page *page, size_t used, size_t indent, const char *safe)
{
	for (size_t n; *safe; safe += n) {
		n = text__fit(safe, page->columns > used ? page->columns - used : 1);
		text__put(page->text, safe, n);
		n += strspn(safe + n, " ");
		if (safe[n])
			text__printf(page->text, "\n%*s", (int)indent, "");
		used = indent;
	}
	text__printf(page->text, "\n");
}

bool page__two_lines(struct page *page, size_t used, size_t indent, const char *safe)
{
	size_t first = page->columns > used ? page->columns - used : 1;
	size_t second = page->columns > indent ? page->columns - indent : 1;
	struct text line = {0};
	bool cut, fits = false;

	for (size_t columns = first + second; !fits; columns--) {
		const char *rest;

		line.size = 0;
		cut = story__shorten(&line, safe, columns);
		if (line.error || !line.size)
			break;
		rest = line.data + text__fit(line.data, first);
		rest += strspn(rest, " ");
		fits = text__fit(rest, second) == strlen(rest) || columns <= SHORTEST;
	}
	page__wrapped(page, used, indent, line.size ? line.data : "");
	if (line.error)
		page->text->error = line.error;
	text__free(&line);
	return cut;
}

void page__dim(struct page *page, const char *fmt, ...)
{
	char *string = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&string, fmt, ap) < 0) {
		string = NULL;
		page->text->error = -ENOMEM;
	}
	va_end(ap);
	text__style(page->text, TEXT_DIM);
	text__cut(page->text, string ? string : "", page->columns);
	text__style(page->text, TEXT_PLAIN);
	text__printf(page->text, "\n");
	free(string);
}

void page__dim_wrapped(struct page *page, size_t used, size_t indent, const char *safe)
{
	text__printf(page->text, "%*s", (int)used, "");
	text__style(page->text, TEXT_DIM);
	page__wrapped(page, used, indent, safe);
	text__style(page->text, TEXT_PLAIN);
}

void page__dim_labelled(struct page *page, size_t indent, const char *label, const char *safe)
{
	text__printf(page->text, "%*s", (int)indent, "");
	text__style(page->text, TEXT_DIM);
	text__printf(page->text, "%s", label);
	page__wrapped(page, indent + strlen(label), indent + 2, safe);
	text__style(page->text, TEXT_PLAIN);
}

void page__labelled(struct page *page, size_t indent, const char *label, const char *safe)
{
	text__printf(page->text, "%*s", (int)indent, "");
	page__styled(page, TEXT_DIM, label);
	page__wrapped(page, indent + strlen(label), indent + 2, safe);
}

void page__copied(struct page *page, size_t indent, const char *label, const char *safe)
{
	text__printf(page->text, "%*s", (int)indent, "");
	page__styled(page, TEXT_DIM, label);
	text__printf(page->text, "%s\n", safe);
}

void page__cell(struct page *page, int width, const char *value, bool bound)
{
	/* The sign is one column in three bytes. */
	text__printf(page->text, "%*s%s%s", width - (int)strlen(value) - bound, "", bound ? "\xe2\x89\xa5" : "", value);
}

void page__value(struct page *page, enum totals_figure what, uint64_t value, bool bound)
{
	char number[FORMAT_SIZE] = "-";

	page->dash[what] |= EVENT_IS_NULL(value);
	page->bound[what] |= bound;
	if (!EVENT_IS_NULL(value))
		what == TOTALS_PEAK ? format__bytes(number, value) : format__duration(number, value);
	page__cell(page, PAGE_CELL, number, bound);
}

void page__sum(struct page *page, enum totals_figure what, const struct totals_sum *sum)
{
	bool none = !sum->known && sum->missing;

	page__value(page, what, none ? EVENT_NULL(MODEL_REASON_ABSENT) : sum->value, !none && sum->missing);
}

void page__peak(struct page *page, const struct totals_peak *peak)
{
	page__value(page, TOTALS_PEAK, peak->bytes, peak->bound);
}

void page__how(struct page *page, const struct model_row *row, int width)
{
	char how[STORY_ENDING];

	text__printf(page->text, "  ");
	text__style(page->text, TEXT_RED);
	text__printf(page->text, "%-*s", width, story__ending(how, row));
	text__style(page->text, TEXT_PLAIN);
	text__printf(page->text, "  ");
}

void page__print(struct page *page)
{
	page__head(page);
	page__cause(page);
	page__verdicts(page);
	page__facts(page);
	page__failures(page);
	page__excused(page);
	page__tables(page);
	page__notes(page);
}
