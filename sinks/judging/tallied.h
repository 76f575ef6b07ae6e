/* SPDX-License-Identifier: BSD-2-Clause */
/* A judged sink whose runs each have a tally: it calls tally__init() itself, in its call `run`. */
#ifndef SINKS_JUDGING_TALLIED_H
#define SINKS_JUDGING_TALLIED_H

#include "sinks/judging/judged.h"
#include "sinks/totals/tally.h"

int tallied__row(void *arg, const struct model_row *row);
int tallied__hidden(void *arg, const struct model_row *row, uint32_t pid, const struct model_command *by);
int tallied__retried(void *arg, const struct model_row *row);
int tallied__ignored(void *arg, const struct model_row *row);

void tallied__close(void *state); /* frees the tallies too */

/* Of its calls, and of its table. */
#define TALLIED_CALLS                                                                                             \
	.row = tallied__row, .hidden = tallied__hidden, .retried = tallied__retried, .ignored = tallied__ignored, \
	.task = tally__task, .process = tally__process, .run_room = sizeof(struct tally)
#define TALLIED .losses = offsetof(struct tally, run.losses), .close = tallied__close

#endif
