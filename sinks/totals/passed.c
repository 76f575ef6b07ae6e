/* SPDX-License-Identifier: BSD-2-Clause */
/* What a failure became on its way up: of what passed it on, another status, or words of its own. */
#include <string.h>

#include "sinks/totals/form.h"
#include "sinks/totals/line_kind.h"

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

/* Errors of a shell itself. */
static const char *const shells[] = {"*: line %: *: *", "*: %: *: *"};

/* What says only how a child ended. */
static const char *const echoes[] = {
	"*: line %: * Killed*",
	"*: line %: * Terminated*",
	"*: line %: * Aborted*",
	"*: line %: * Segmentation fault*",
	"*CalledProcessError: Command * returned non-zero exit status %.",
	"*CalledProcessError: Command * died with *",
	"make*: \\*\\*\\* [*] *rror *",
	"xargs: *: exited with status %; aborting",
	"Error in rule *",
};

static bool fits_any(const struct story_line *line, const char *const *forms, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (form__fits(forms[i], line->at, line->at + line->length))
			return true;
	return false;
}

static bool has_line(const struct tally *tally, const struct model_ending *ending, const struct story_line *line)
{
	struct story_line lines[STORY_CHAIN_LINES];
	size_t n = story__said(story__heard(tally, ending->row.pid, ending->row.start), lines, STORY_CHAIN_LINES);

	for (size_t i = 0; i < n; i++)
		if (is_same(&lines[i], line))
			return true;
	return false;
}

bool story__own_line(const struct tally *tally, const struct model_ending *ending, struct story_line *line)
{
	const struct model_said *said = story__heard(tally, ending->row.pid, ending->row.start);
	const struct model_ending *origin = model_ending__origin(ending);

	if (ending == origin || ending == story__speaker(tally, origin) || !said || said->path ||
	    !story__message(said, line, 1) || line_kind__of(line) == LINE_NOTHING)
		return false;
	if ((!line->error && !fits_any(line, shells, sizeof(shells) / sizeof(*shells))) ||
	    fits_any(line, echoes, sizeof(echoes) / sizeof(*echoes)))
		return false;
	for (const struct model_ending *below = ending->cause; below; below = below->cause)
		if (has_line(tally, below, line))
			return false;
	return true;
}
