/* SPDX-License-Identifier: BSD-2-Clause */
/* What is not known of a run, and why: lost records, missing values. */
#include "sinks/summary/page.h"

#include <stdio.h>
#include <string.h>

static const char *cause_of(const char *cause)
{
	static const struct {
		const char *cause, *text;
	} texts[] = {
		{ "ring_full", "the ring was full" },
		{ "recursion", "the kernel skipped the program" },
		{ "scope_full", "the table of watched processes was full" },
		{ "disk_full", "the disk was full" },
		{ "damage", "the file is damaged" },
		{ "truncated", "the file ends early" },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (!strcmp(cause, texts[i].cause))
			return texts[i].text;
	return cause;
}

static void loss(struct page *page, const struct tally_loss *loss)
{
	char count[HUMAN_SIZE], from[HUMAN_SIZE], to[HUMAN_SIZE];
	const struct record_lost *lost = &loss->lost;
	const char *cause = cause_of(lost->cause);
	struct text line = { 0 };

	text__printf(&line, "  ");
	text__safe(&line, lost->stream_lost, strlen(lost->stream_lost));
	if (*lost->event_lost) {
		text__printf(&line, ".");
		text__safe(&line, lost->event_lost, strlen(lost->event_lost));
	}
	text__printf(&line, ": ");
	if (lost->count || !loss->uncounted)
		text__printf(&line, "%s%s record%s lost", loss->uncounted ? "more than " : "",
			     human__count(count, lost->count), lost->count == 1 ? "" : "s");
	else
		text__printf(&line, "an unknown number of records lost");
	human__duration(from, page__offset(page, lost->since));
	human__duration(to, page__offset(page, lost->head.ts));
	if (strcmp(from, to))
		text__printf(&line, " between +%s and +%s: ", from, to);
	else
		text__printf(&line, " at +%s: ", to);
	text__safe(&line, cause, strlen(cause));
	page__rest(page, 0, line.data ? line.data : "");
	if (line.error)
		page->text->error = line.error;
	text__free(&line);
}

static void losses(struct page *page)
{
	const struct tally *tally = page->tally;
	char number[HUMAN_SIZE];

	if (!tally->losses_count && !tally->open_streams_count && !tally->run->unmatched)
		return;
	page__section(page, TEXT_YELLOW, "The record is not complete");
	for (size_t i = 0; i < tally->losses_count; i++)
		loss(page, &tally->losses[i]);
	for (size_t i = 0; i < tally->open_streams_count; i++) {
		struct text line = { 0 };

		text__printf(&line, "  ");
		text__safe(&line, tally->open_streams[i], strlen(tally->open_streams[i]));
		text__printf(&line, ": has no end: the collector was stopped hard, or still runs");
		page__rest(page, 0, line.data ? line.data : "");
		text__free(&line);
	}
	if (tally->run->unmatched)
		text__printf(page->text, "  %s records tell of the end of a process that is not known\n",
			     human__count(number, tally->run->unmatched));
}

/* How many, and the most common reason. */
static void footnote(struct page *page, enum tally_missing what)
{
	static const char *const names[] = {
		[TALLY_CPU] = "CPU time", [TALLY_WALL] = "wall time", [TALLY_PEAK] = "peak memory"
	};
	const uint64_t *missing = page->tally->missing[what];
	const char *sign = !page->bound[what] ? "-" : page->dash[what] ? "-, \xe2\x89\xa5" : "\xe2\x89\xa5";
	char of[HUMAN_SIZE], number[HUMAN_SIZE];
	uint64_t all = 0;
	unsigned most = 0;

	for (unsigned why = 0; why < 256; why++) {
		all += missing[why];
		most = missing[why] > missing[most] ? why : most;
	}
	if (all)
		page__dim(page, 0, "%s %s not known for %s of %s%s: %s", sign, names[what],
			  human__count(number, all), human__count(of, page->tally->rows),
			  missing[most] == all ? "" : ", mostly", model_why__text(most));
}

void page__notes(struct page *page)
{
	bool any = false;

	losses(page);
	for (int i = 0; i < TALLY_MISSING; i++)
		any |= page->dash[i] || page->bound[i];
	if (any)
		text__printf(page->text, "\n");
	for (int i = 0; i < TALLY_MISSING; i++)
		if (page->dash[i] || page->bound[i])
			footnote(page, (enum tally_missing)i);
}
