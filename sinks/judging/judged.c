/* SPDX-License-Identifier: BSD-2-Clause */
/* Verdicts for sinks on the model. */
#include "sinks/judging/judged.h"

#include <errno.h>

#include "sinks/totals/story.h"

int judged__open(struct judged *judged)
{
	judged->verdicts = verdicts__new();
	return judged->verdicts ? 0 : -ENOMEM;
}

int judged__stream(void *state, const struct stream_info *info)
{
	struct judged *judged = state;

	verdicts__of_model(judged->verdicts, judged->on.model);
	return verdicts__stream(judged->verdicts, info);
}

int judged__record(void *state, const struct record *record)
{
	return verdicts__record(((struct judged *)state)->verdicts, record);
}

int judged__flush(void *state, bool last)
{
	return last ? verdicts__settle(((struct judged *)state)->verdicts) : 0;
}

int judged__finish(struct judged *judged)
{
	return verdicts__finish(judged->verdicts);
}

void judged__close(struct judged *judged)
{
	verdicts__free(judged->verdicts);
}

bool judged__shows(const struct verdict *verdict)
{
	return verdict->certainty >= VERDICT_LIKELY && !verdict_kind__fails(verdict->kind);
}

const struct verdict *judged__hang(const struct verdicts *verdicts, const struct model_row *began)
{
	bool ended = model_row__is_killed(began) || began->sender, outside = began->sender_is == MODEL_RELATION_OUTSIDE;

	for (size_t i = 0; i < verdicts__count(verdicts) && ended; i++) {
		const struct verdict *verdict = verdicts__get(verdicts, i);
		bool itself = verdict->pid == began->pid && verdict->start == began->start;

		if (verdict->run == began->run && (outside || itself) && !verdict->muted && judged__shows(verdict) &&
		    (verdict->kind == VERDICT_HANG || verdict->kind == VERDICT_DEADLOCK))
			return verdict;
	}
	return NULL;
}

#define LEAD_COLUMNS 50 /* of the command */

void judged__lead(struct text *text, const struct verdict *hang)
{
	text__printf(text, "a %s %s of ", verdict_certainty__name(hang->certainty), verdict_kind__name(hang->kind));
	text__cut(text, hang->command, LEAD_COLUMNS);
	text__printf(text, " (pid %u), see Verdicts; what ended it:", hang->pid);
}

/* What hangs is ended by a signal, which is not why it failed. */
void judged__before_cause(struct text *text, const struct verdicts *verdicts, const struct model_ending *began)
{
	const struct verdict *hang = judged__hang(verdicts, &began->row);
	const char *interrupted = hang ? NULL : story__interrupted(began);

	if (hang)
		judged__lead(text, hang);
	else if (interrupted)
		text__printf(text, "%s", interrupted);
}
