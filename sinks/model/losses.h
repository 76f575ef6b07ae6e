/* SPDX-License-Identifier: BSD-2-Clause */
/* What is missing from a run's record, as its streams report it, by stream, event and cause. */
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
	bool uncounted;		 /* the count is unknown because of damage */
};

struct losses {
	struct loss all[LOSSES_MAX];
	size_t count;
	const char *open[LOSSES_STREAMS]; /* names of streams without an end */
	size_t open_count;
};

/* Adds a `lost` record, also one that lacks a field. */
void losses__take(struct losses *losses, const struct record *record);

/* Takes a stream's final state: notes one that has no end, does not run, and has no loss that says so. */
void losses__ended(struct losses *losses, const struct stream_info *info, const struct stream_state *stream);

uint64_t losses__count(const struct losses *losses); /* events, as far as they were counted */

/* Why the record of a run that crashed ends: "the disk was full". */
const char *losses__crash(const struct losses *losses);

/* Calls `line` with a sentence for each, safe to show; `run` is theirs. That the collector was killed is one, for all
 * streams. Stops at the first result other than 0 and returns it; 0 or -ENOMEM otherwise. */
int losses__each(const struct losses *losses, const struct model_run *run, int (*line)(void *arg, const char *safe),
		 void *arg);

#endif
