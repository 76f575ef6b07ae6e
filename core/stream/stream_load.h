/* SPDX-License-Identifier: BSD-2-Clause */
/* A block in the reader's memory: loaded only if it is valid, indexed, sorted. Not installed. */
#ifndef CORE_STREAM_STREAM_LOAD_H
#define CORE_STREAM_STREAM_LOAD_H

#include "core/stream/stream_block.h"
#include "core/stream/stream_header.h"
#include "core/stream/stream_input.h"

struct stream_entry {
	uint64_t ts, seq;
	uint32_t offset, size; /* in the block's bytes */
};

struct stream_block {
	struct buffer bytes;
	size_t own; /* of the bytes: what follows is not the stream's, but the reader's */
	struct stream_entry *entries;
	size_t count, capacity, next; /* next: the index to deliver */
	uint64_t shift;		      /* of real time since the first anchor; the reader's */

	uint64_t events, lost; /* events in the block, and reported as lost in it */
	struct {
		uint64_t count;		  /* records that contradict the header, which are not delivered */
		bool uncounted;		  /* control records among them: unknown what they stood for */
		uint64_t ts, seq, offset; /* of the first */
		const char *event;	  /* name, if all are of one; else NULL */
	} invalid;
	uint64_t redacted; /* if `end` */
	uint64_t ts, seq;  /* latest of the events; of the sync */
	uint64_t mark;	   /* all events up to this time are in this block or before it */
	bool end, anchored;
	uint64_t end_ts;		  /* if `end` */
	char goes_on[STREAM_MARKER_TEXT]; /* if `end`: marker of the next segment; "": there is none */
	const char *marker;		  /* of the block's segment; NULL: the first one that is read */
	bool cut;			  /* not loaded: the input ends within it */
	struct stream_anchor anchor;
	struct stream_sync sync;
};

/* Loads the block that begins at `offset`, if there is a valid one of at most `limit` bytes. 1 with *next after
 * it, 0 at the end of the input, -EBADMSG if there is none, other -errno. */
int stream_block__load(struct stream_block *block, struct stream_input *input, const struct stream_header *header,
		       uint64_t offset, uint64_t limit, uint64_t *next);

/* Indexes the complete records in `bytes`, the beginning of a block, from *at on. 1: the block is closed, *at
 * is after its sync; 0: more bytes are needed; -EBADMSG: not a block; -ENOMEM. */
int stream_block__walk(struct stream_block *block, const struct stream_header *header, const uint8_t *bytes,
		       size_t size, size_t *at, uint64_t *records);

int stream_block__add(struct stream_block *block, const struct record *record, size_t offset);
void stream_block__sort(struct stream_block *block);
void stream_block__reset(struct stream_block *block);
void stream_block__free(struct stream_block *block);

int stream_entry__compare(const void *a, const void *b); /* by time, sequence, place */

/* The count of a `lost` record whose `event` is set; EVENT_NULL() if it is null. 0, or -EBADMSG. */
int stream_record__lost(const struct record *record, uint64_t *count);

#endif
