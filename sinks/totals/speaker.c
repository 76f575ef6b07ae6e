/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose last lines say why something failed. */
#include "sinks/totals/story.h"

#define PROGRAM_LINES 20

/* What it said, unless that may be all of others. */
static bool has_said(const struct tally *tally, const struct model_ending *ending, bool *surely)
{
	const struct model_said *said = story__heard(tally, ending->row.pid, ending->row.start);

	*surely = story__is_sure(tally, said);
	return said && said->length;
}

/* Objects of JSON, one a line, are for a program. The first may be the end of one. */
static bool is_for_programs(const struct model_said *said)
{
	struct story_line lines[PROGRAM_LINES];
	size_t n = story__said(said, lines, PROGRAM_LINES);

	for (size_t i = 0; i < n; i++)
		if ((lines[i].at[0] != '{' && lines[i].at > said->text) || lines[i].at[lines[i].length - 1] != '}')
			return false;
	return n && (n > 1 || lines[0].at[0] == '{');
}

const struct model_ending *story__speaker(const struct tally *tally, const struct model_ending *began)
{
	const struct model_ending *speaker = began, *driver = story__driver(began);
	bool surely, any = false;

	if (has_said(tally, began, &surely)) {
		const struct model_said *said = story__heard(tally, began->row.pid, began->row.start);

		return is_for_programs(said) && has_said(tally, driver, &surely) ? driver : began;
	}
	for (const struct model_ending *e = tally->run.run->ending; e && e != began; e = e->cause)
		if (has_said(tally, e, &surely) && (surely || !any)) {
			speaker = e;
			any = any || surely;
		}
	return speaker;
}
