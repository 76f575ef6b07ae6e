/* SPDX-License-Identifier: BSD-2-Clause */
/* What closes a block: the one place that knows how a sync is laid out. Not installed. */
#ifndef CORE_STREAM_STREAM_BLOCK_H
#define CORE_STREAM_STREAM_BLOCK_H

#include "core/record.h"
#include "core/stream.h"

/* No block is longer: what a reader may have to hold in memory. */
#define STREAM_BLOCK_MAX (64U << 20)
#define STREAM_BLOCK_RECORDS_MAX (1U << 20)

struct stream_sync {
	uint64_t bytes;	  /* of the block, up to the marker's first byte */
	uint64_t records; /* in the block, without the sync */
	uint64_t total;	  /* events of the stream so far, written or reported as lost */
};

/* Closes the block that is all of `block`; finds sync->bytes itself. 0 or -ENOMEM. */
int stream_sync__pack(struct buffer *block, const uint8_t marker[STREAM_MARKER], const struct event *head, uint64_t seq,
		      struct stream_sync *sync);

/* Reads what follows the marker and advances past it. False if it is not the end of a sync. */
bool stream_sync__parse(struct cursor *c, struct stream_sync *sync);

/* Whether `record`, of kind RECORD_SYNC, closes the block that begins at `block`: marker, crc and
 * length are right. The record lies in the same bytes, and is whole. */
bool stream_sync__closes(const struct record *record, const uint8_t *block, const uint8_t marker[STREAM_MARKER],
			 struct stream_sync *sync);

#endif
