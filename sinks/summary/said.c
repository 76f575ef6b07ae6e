/* SPDX-License-Identifier: BSD-2-Clause */
/* The last lines that a process wrote before it failed. */
#include "sinks/summary/page.h"

#include <string.h>

void page__said(struct page *page, uint32_t pid, uint64_t start, size_t indent, size_t most)
{
	const struct model_said *said = model_run__said(page->tally->run.run, pid, start);
	struct story_line lines[PAGE_SAID_MAX];
	size_t n = story__said(said, lines, most);

	for (size_t i = 0; i < n; i++) {
		struct text safe = {0};

		text__safe(&safe, lines[i].at, lines[i].length);
		text__printf(page->text, "%*s| ", (int)indent, "");
		page__rest(page, indent + 2, safe.data ? safe.data : "");
		if (safe.error)
			page->text->error = safe.error;
		text__free(&safe);
	}
}
