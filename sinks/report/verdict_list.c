/* SPDX-License-Identifier: BSD-2-Clause */
/* What is wrong beside failures, for the page: verdicts that are proven or likely. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/report/columns.h"

#define SHOWN_MAX 1000

struct verdict_shown {
	struct intern_string *kind, *command, *step, *evidence, *next, *refute, *missing, *members;
	struct intern_string *start; /* of the process, in digits, as a double is not exact */
	uint64_t since, until;	     /* until null: it lasts, or its end was not seen */
	uint32_t run, pid;
	uint8_t proven;
};

/* clang-format off */
static const struct column columns[] = {
	COLUMN(struct verdict_shown, kind), COLUMN(struct verdict_shown, command), COLUMN(struct verdict_shown, step),
	COLUMN(struct verdict_shown, evidence), COLUMN(struct verdict_shown, next), COLUMN(struct verdict_shown, refute),
	COLUMN(struct verdict_shown, missing), COLUMN(struct verdict_shown, members), COLUMN(struct verdict_shown, start),
	COLUMN(struct verdict_shown, since), COLUMN(struct verdict_shown, until), COLUMN(struct verdict_shown, run),
	COLUMN(struct verdict_shown, pid), COLUMN(struct verdict_shown, proven), { 0 },
};
static const struct column count_columns[] = {
	COLUMN(struct verdicts_shown, muted), COLUMN(struct verdicts_shown, left), { 0 },
};
/* clang-format on */

/* NULL for none; -ENOMEM by *err. */
static struct intern_string *text_of(struct report *report, const char *text, int *err)
{
	struct intern_string *kept = text && *text ? intern__get(&report->strings, text, strlen(text)) : NULL;

	if (text && *text && !kept)
		*err = -ENOMEM;
	return kept;
}

/* Time before the report begins is not shown. */
static uint64_t time_of(struct report *report, const struct model_run *run, uint64_t ts)
{
	uint64_t when = EVENT_IS_NULL(ts) ? ts : report__when(report, run, ts);

	return EVENT_IS_NULL(ts) || (int64_t)when >= 0 ? when : 0;
}

static int fill(struct report *report, struct verdict_shown *shown, const struct verdict *verdict)
{
	char start[24];
	int err = 0;

	snprintf(start, sizeof(start), "%" PRIu64, verdict->start);
	*shown = (struct verdict_shown){
		.kind = text_of(report, verdict_kind__name(verdict->kind), &err),
		.command = text_of(report, verdict->command, &err),
		.step = text_of(report, verdict->step, &err),
		.evidence = text_of(report, verdict->evidence, &err),
		.next = text_of(report, verdict->next, &err),
		.refute = text_of(report, verdict->refute, &err),
		.missing = text_of(report, verdict->missing, &err),
		.members = text_of(report, verdict->members, &err),
		.start = text_of(report, start, &err),
		.since = time_of(report, verdict->run, verdict->since_ns),
		.until = time_of(report, verdict->run, verdict->ended_ns),
		.run = (uint32_t)verdict->run->index,
		.pid = verdict->pid,
		.proven = verdict->certainty == VERDICT_PROVEN,
	};
	return err;
}

int verdicts_shown__gather(struct report *report, struct verdicts_shown *shown)
{
	size_t count = verdicts__count(report->judged.verdicts);
	int err = 0;

	shown->items = calloc(count + 1, sizeof(*shown->items));
	if (!shown->items)
		return -ENOMEM;
	for (size_t i = 0; i < count && !err; i++) {
		const struct verdict *verdict = verdicts__get(report->judged.verdicts, i);

		if (!judged__shows(verdict))
			continue;
		if (verdict->muted)
			shown->muted++;
		else if (shown->count == SHOWN_MAX)
			shown->left++;
		else
			err = fill(report, &shown->items[shown->count++], verdict);
	}
	return err;
}

void verdicts_shown__write(const struct verdicts_shown *shown, struct data *data)
{
	columns__array(data, "verdicts", columns, shown->items, sizeof(*shown->items), shown->count);
	columns__array(data, "verdicts.not", count_columns, shown, sizeof(*shown), 1);
}
