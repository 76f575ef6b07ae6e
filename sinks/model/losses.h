/* SPDX-License-Identifier: BSD-2-Clause */
/* What a run's record lacks, by what its streams say of it, summed up by stream, event and cause. */
#ifndef SINKS_MODEL_LOSSES_H
#define SINKS_MODEL_LOSSES_H

#include <stdbool.h>
#include <stddef.h>

#include "core/record.h"
#include "sinks/model/model.h"

#define LOSSES_MAX 64
#define LOSSES_STREAMS 8

struct loss {
	struct record_lost lost; /* count: sum; head.ts: the last one's */
	bool uncounted;		 /* damage hides how many */
};

struct losses {
	struct loss all[LOSSES_MAX];
	size_t count;
	const char *open[LOSSES_STREAMS]; /* names of streams without an end */
	size_t open_count;
};

/* Keeps what a `lost` record tells; one that lacks a field too. */
void losses__take(struct losses *losses, const struct record *record);

/* What became of a stream: one without an end, and without a loss that says so, is noted. */
void losses__ended(struct losses *losses, const struct stream_info *info, const struct stream_state *stream);

/* Hands out a sentence for each, safe to show; `run` is theirs. Stops at what a call returns other than 0.
 * 0, that, or -ENOMEM. */
int losses__tell(const struct losses *losses, const struct model_run *run, int (*line)(void *arg, const char *safe),
		 void *arg);

#endif
