/* SPDX-License-Identifier: BSD-2-Clause */
/* Verdicts for sinks on the model. */
#include "sinks/judging/judged.h"

#include <errno.h>

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
