/* SPDX-License-Identifier: BSD-2-Clause */
/* Merges any number of streams by time: a stable heap over readers that each sort inside a bounded
 * window. Memory grows with the number of streams, never with their length. Streams of one boot are
 * ordered by the boot clock, streams of several hosts by real time through their anchors. */
#ifndef CORE_MERGE_H
#define CORE_MERGE_H

#include "core/stream.h"

struct merge;

struct merge *merge__new(void); /* NULL: out of memory */

/* Adds a stream file, or every stream of a run's folder. 0, or -errno with a sentence in `err`;
 * a folder of which some stream is unreadable adds the rest and gives the sentence through `warn`.
 * A stream that is already there is refused (-EEXIST), also if it comes from a copy. */
int merge__add(struct merge *merge, const char *path, void (*warn)(const char *sentence), char *err,
	       size_t size);

size_t merge__streams(const struct merge *merge);
const struct stream_info *merge__info(const struct merge *merge, size_t i);
const struct stream_state *merge__state(const struct merge *merge, size_t i);

/* Bytes read so far and in all: for progress. */
void merge__progress(const struct merge *merge, uint64_t *done, uint64_t *total);

/* The next record in order of (time, stream, sequence). 1, 0 at the end, -errno with merge__failed()
 * telling the stream. */
int merge__next(struct merge *merge, struct record *record);
size_t merge__failed(const struct merge *merge);

void merge__free(struct merge *merge); /* takes NULL */

#endif
