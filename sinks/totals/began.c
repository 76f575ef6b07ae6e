/* SPDX-License-Identifier: BSD-2-Clause */
/* By which process below it a failure came, where that counts as none itself. */
#include "sinks/totals/story.h"

void story__began(struct text *text, const struct tally_failure *kind)
{
	char how[STORY_ENDING];
	struct text more = {0};

	if (!kind->began)
		return;
	text__printf(text, "by %s %s (pid %u)", story__ending(how, &kind->began_as.row), kind->began,
		     kind->began_as.row.pid);
	story__how(&more, &kind->began_as);
	if (more.size)
		text__printf(text, ", %s", more.data);
	if (more.error)
		text->error = more.error;
	text__free(&more);
}
