/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether what would explain a failure may have been written where only an option of the probe output records it. */
#include "sinks/totals/story.h"

#define SIGNALLED 128 /* what shells add to the number of a signal, which explains it */

enum story_unnamed story__unheard(const struct tally *tally, const struct model_ending *began)
{
	const struct model_row *row = &began->row;
	struct text how = {0};
	bool explained, blank = false, silent = row->silenced || (began->command && began->command->silent);

	if (EVENT_IS_NULL(row->exit_code) || row->exit_code > SIGNALLED || *row->tried_error ||
	    !(silent || row->unwritten || wrote__anything(&tally->wrote, row->pid, row->start)))
		return STORY_NAMED;
	story__how(&how, began);
	explained = how.size;
	text__free(&how);
	if (explained)
		return STORY_NAMED;
	for (const struct model_ending *e = tally->run.run->ending; e; e = e->cause) {
		const struct model_said *said = model_run__said(tally->run.run, e->row.pid, e->row.start);

		if (said && story__is_blank(said))
			blank = true;
		else if (said && (said->text || e == began))
			return STORY_NAMED;
	}
	if (silent)
		return STORY_SILENCED;
	if (row->unwritten)
		return STORY_UNWRITTEN;
	return blank || tally->run.run->hears_writes ? STORY_NOT_SAID : STORY_UNHEARD;
}
