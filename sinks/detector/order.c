/* SPDX-License-Identifier: BSD-2-Clause */
/* Which verdicts of the list are shown, and in which order. */
#include <stdlib.h>

#include "sinks/detector/detector.h"
#include "sinks/model/ending.h"

static int compare(const void *a, const void *b)
{
	const struct verdict *x = *(struct verdict *const *)a, *y = *(struct verdict *const *)b;

	if (x->run->index != y->run->index)
		return x->run->index < y->run->index ? -1 : 1;
	if (x->certainty != y->certainty)
		return x->certainty > y->certainty ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->since_ns != y->since_ns)
		return x->since_ns < y->since_ns ? -1 : 1;
	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

/* Of two verdicts on one process, the first is the reason of the second. */
static const struct reason {
	enum verdict_kind kind, of;
} reasons[] = {
	{VERDICT_MISSING_TOOL, VERDICT_HIDDEN_FAILURE}, /* why it failed */
	{VERDICT_OUTLIVED, VERDICT_HIDDEN_FAILURE},
	{VERDICT_RECURSION, VERDICT_LEAK}, /* each call takes memory */
	{VERDICT_HANG, VERDICT_ZOMBIE},	   /* it comes to no wait */
	{VERDICT_DEADLOCK, VERDICT_ZOMBIE},
};

static bool says_more(const struct verdict *a, const struct verdict *b)
{
	if (a->dropped || a->certainty == VERDICT_SUSPECTED || a->run != b->run || a->pid != b->pid ||
	    a->start != b->start)
		return false;
	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (reasons[i].kind == a->kind && reasons[i].of == b->kind)
			return true;
	return false;
}

static bool has_reason(enum verdict_kind kind)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (reasons[i].of == kind)
			return true;
	return false;
}

/* The run failed by it in the end, as make check does by what the drivers of its tests, which end well, have written down. */
static bool is_cause(const struct verdict *verdict)
{
	const struct model_ending *e = verdict->kind == VERDICT_HIDDEN_FAILURE ? verdict->run->ending : NULL;

	return e && !e->row.benign && model_ending__find(e, verdict->pid, verdict->start);
}

void drafts__order(struct verdicts *verdicts)
{
	struct verdict **list = verdicts->list;
	size_t kept = 0;

	if (!verdicts->count)
		return;
	qsort(list, verdicts->count, sizeof(*list), compare);
	for (size_t i = 0; i < verdicts->count; i++)
		list[i]->dropped = list[i]->dropped || is_cause(list[i]);
	for (size_t i = 0; i < verdicts->count; i++)
		for (size_t k = 0; has_reason(list[i]->kind) && k < verdicts->count && !list[i]->dropped; k++)
			list[i]->dropped = says_more(list[k], list[i]);
	for (size_t i = 0; i < verdicts->count; i++)
		if (!list[i]->dropped) {
			struct verdict *verdict = list[i];

			list[i] = list[kept];
			list[kept++] = verdict;
		}
	verdicts->shown = kept;
}
