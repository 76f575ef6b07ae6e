/* SPDX-License-Identifier: BSD-2-Clause */
/* What a hidden failure became on its way up: of what passed it on, another status, or words of its own. */
#include <string.h>

#include "sinks/totals/story.h"

static bool is_same(const struct story_line *a, const struct story_line *b)
{
	return a->length == b->length && !memcmp(a->at, b->at, a->length);
}

/* What it wrote last, unless others may have written that. */
static size_t lines_of(const struct tally *tally, const struct tally_passer *passer, struct story_line *lines)
{
	const struct model_said *said = story__heard(tally, passer->row.pid, passer->row.start);
	struct text shared = {0};
	size_t n;

	if (said)
		story__shared(&shared, tally, said, "");
	n = shared.size ? 0 : story__message(said, lines, STORY_PASSER_LINES);
	text__free(&shared);
	return n;
}

/* But for lines that what it passed on has written: to the same file they are in both. `below`: the last line of that, and then
 * its own; length 0: none. */
static size_t own_lines(const struct tally *tally, const struct tally_passer *passer, struct story_line *lines,
			struct story_line *below)
{
	size_t n = lines_of(tally, passer, lines);
	size_t skip = 0;

	for (size_t i = 0; i < n; i++)
		if (is_same(&lines[i], below))
			skip = i + 1;
	memmove(lines, lines + skip, (n - skip) * sizeof(*lines));
	if (n > skip)
		*below = lines[n - skip - 1];
	return n - skip;
}

size_t story__passers(const struct tally *tally, const struct tally_failure *kind,
		      struct story_passer passers[STORY_PASSERS])
{
	const struct tally_passer *chain[TALLY_CHAIN];
	size_t count = tally__passers(tally, &kind->row, chain), n = 0;
	uint32_t status = model_row__status(&kind->row);
	struct story_line below = {.at = ""};

	if (count)
		story__message(story__heard(tally, kind->row.pid, kind->row.start), &below, 1);
	for (size_t i = 0; i < count && n < STORY_PASSERS; i++) {
		struct story_passer *passer = &passers[n];

		*passer = (struct story_passer){.row = &chain[i]->row, .shown = chain[i]->shown};
		passer->count = own_lines(tally, chain[i], passer->lines, &below);
		n += passer->count || model_row__status(&chain[i]->row) != status;
		status = model_row__status(&chain[i]->row);
	}
	return n;
}
