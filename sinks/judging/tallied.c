/* SPDX-License-Identifier: BSD-2-Clause */
/* What a tally and the verdicts get of a run. */
#include "sinks/judging/tallied.h"

int tallied__row(void *arg, const struct model_row *row)
{
	int err = verdicts__row(((struct judged *)arg)->verdicts, row);

	return err ? err : tally__row(row->run->user, row);
}

int tallied__hidden(void *arg, const struct model_row *row, uint32_t pid, const struct model_command *by)
{
	int err = verdicts__hidden(((struct judged *)arg)->verdicts, row, pid, by);

	if (err)
		return err;
	return verdicts__suspects(((struct judged *)arg)->verdicts, row) ? tally__suspected(row->run->user, row)
									 : tally__hidden(row->run->user, row, pid, by);
}

int tallied__retried(void *arg, const struct model_row *row)
{
	int err = verdicts__retried(((struct judged *)arg)->verdicts, row);

	return err ? err : tally__retried(arg, row);
}

int tallied__ignored(void *arg, const struct model_row *row)
{
	int err = verdicts__ignored(((struct judged *)arg)->verdicts, row);

	return err ? err : tally__ignored(arg, row);
}

void tallied__close(void *state)
{
	struct judged *judged = state;

	for (size_t i = 0; judged->on.model && i < model__runs(judged->on.model); i++)
		tally__free(model__run(judged->on.model, i)->user);
	judged__close(judged);
}
