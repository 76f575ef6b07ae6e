/* SPDX-License-Identifier: BSD-2-Clause */
/* The next processes of a kind of failure after the first, each with its command: they failed alike, and not at the same. */
#include <stdlib.h>

#include "sinks/totals/tally.h"

/* In order of time: rows come as the kernel closes accounts. */
void more__keep(struct tally_failure *failure, const struct model_row *row, char *shown)
{
	struct tally_process *more = failure->more;
	unsigned at = failure->more_count;

	if (at == TALLY_MORE) {
		free(shown);
		return;
	}
	for (; at && more[at - 1].ended_ns > row->ended_ns; at--)
		more[at] = more[at - 1];
	more[at] = (struct tally_process){
		.pid = row->pid, .ns_pid = row->ns_pid, .start = row->start, .ended_ns = row->ended_ns, .shown = shown};
	failure->more_count++;
}

void more__drop(struct tally_failure *failure, const struct model_row *row)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < failure->more_count; i++)
		if (failure->more[i].pid == row->pid && failure->more[i].start == row->start)
			free(failure->more[i].shown);
		else
			failure->more[kept++] = failure->more[i];
	failure->more_count = kept;
}

void more__free(struct tally_failure *failure)
{
	for (unsigned i = 0; i < failure->more_count; i++)
		free(failure->more[i].shown);
	failure->more_count = 0;
}
