/* SPDX-License-Identifier: BSD-2-Clause */
/* What is wrong beside failures: verdicts that are proven or likely. What failed has a block of its own. */
#include "sinks/summary/page.h"
#include "sinks/judging/judged.h"

#define SHOWN 10
#define CERTAINTY 8 /* columns */
#define KIND 11

static void line(struct page *page, const struct verdict *verdict)
{
	const size_t used = 2 + CERTAINTY + KIND;

	text__printf(page->text, "  ");
	text__style(page->text, verdict->certainty == VERDICT_PROVEN ? TEXT_RED_BOLD : TEXT_YELLOW);
	text__printf(page->text, "%-*s", CERTAINTY, verdict_certainty__name(verdict->certainty));
	text__style(page->text, TEXT_PLAIN);
	text__printf(page->text, "%-*s", KIND, verdict_kind__name(verdict->kind));
	page__wrapped(page, used, used, verdict->evidence);
	page__dim_wrapped(page, used, used, verdict->next);
}

void page__verdicts(struct page *page)
{
	size_t shown = 0, muted = 0, left = 0;

	for (size_t i = 0; i < verdicts__count(page->verdicts); i++) {
		const struct verdict *verdict = verdicts__get(page->verdicts, i);

		if (verdict->run != page->tally->run.run || !judged__shows(verdict))
			continue;
		muted += verdict->muted;
		left += !verdict->muted && shown == SHOWN;
		if (verdict->muted || shown == SHOWN)
			continue;
		if (!shown++)
			page__section(page, TEXT_BOLD, "Verdicts");
		line(page, verdict);
	}
	if (left)
		page__dim(page, "  and %zu more: collector-query RUN verdicts", left);
	if (muted && !shown)
		page__section(page, TEXT_BOLD, "Verdicts");
	if (muted)
		page__dim(page, "  %zu muted by verdicts.ignore", muted);
}
