/* SPDX-License-Identifier: BSD-2-Clause */
/* What began the failure of the run, and what of a kind of failure is beside that, with its commands. */
#include <string.h>

#include "sinks/totals/story.h"

const struct model_ending *story__origin(const struct totals_run *run)
{
	const struct model_ending *ending = run->run->ending;

	if (!ending || !run->ended || !model_outcome__bad(run->end.outcome))
		return NULL;
	return model_ending__origin(ending);
}

uint64_t story__in_chain(const struct tally *tally, const struct tally_failure *kind, bool propagated)
{
	const struct model_ending *e = story__origin(&tally->run) ? tally->run.run->ending : NULL;
	uint64_t n = 0;

	for (; e; e = e->cause)
		n += !e->row.benign && e->row.propagated == propagated && (!kind || tally__failure(tally, e) == kind);
	return n;
}

uint64_t story__beside_chain(const struct tally *tally, const struct tally_failure *kind)
{
	uint64_t in_chain = story__in_chain(tally, kind, false);

	return kind->count > in_chain ? kind->count - in_chain : 0;
}

bool story__is_in_chain(const struct tally *tally, const struct tally_process *process)
{
	return story__origin(&tally->run) && model_ending__find(tally->run.run->ending, process->pid, process->start);
}

static struct tally_process first_of(const struct tally_failure *kind)
{
	return (struct tally_process){.pid = kind->row.pid,
				      .ns_pid = kind->row.ns_pid,
				      .start = kind->row.start,
				      .ended_ns = kind->row.ended_ns,
				      .shown = kind->shown};
}

/* Whether the first one of a kind has its place in the chain. */
static bool begins_in_chain(const struct tally *tally, const struct tally_failure *kind)
{
	struct tally_process first = first_of(kind);

	return story__is_in_chain(tally, &first);
}

struct tally_process story__beside(const struct tally *tally, const struct tally_failure *kind)
{
	if (!begins_in_chain(tally, kind))
		return first_of(kind);
	for (unsigned i = 0; i < kind->more_count; i++)
		if (!story__is_in_chain(tally, &kind->more[i]))
			return kind->more[i];
	return (struct tally_process){0};
}

struct model_row story__row_beside(const struct tally_failure *kind, const struct tally_process *beside)
{
	struct model_row row = kind->row;

	if (!beside->pid)
		return row;
	row.pid = beside->pid;
	row.ns_pid = beside->ns_pid;
	row.start = beside->start;
	row.ended_ns = beside->ended_ns;
	return row;
}

static bool is_listed(const struct story_alike *alike, const char *shown)
{
	for (size_t i = 0; i < alike->count; i++)
		if (!strcmp(alike->shown[i], shown))
			return true;
	return false;
}

void story__alike(const struct tally *tally, const struct tally_failure *kind, struct story_alike *alike)
{
	struct tally_process first = story__beside(tally, kind);
	uint64_t count = story__beside_chain(tally, kind), known = 1;

	*alike = (struct story_alike){0};
	for (unsigned i = 0; first.shown && i < kind->more_count; i++) {
		const struct tally_process *p = &kind->more[i];
		bool same = !strcmp(p->shown, first.shown);

		if (p->start == first.start && p->pid == first.pid)
			continue;
		if (story__is_in_chain(tally, p))
			continue;
		if (!same && !is_listed(alike, p->shown) && alike->count < STORY_ALIKE)
			alike->shown[alike->count++] = p->shown;
		known += same || is_listed(alike, p->shown);
	}
	alike->left = alike->count && count > known ? count - known : 0;
}
