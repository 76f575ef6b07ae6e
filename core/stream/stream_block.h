/* SPDX-License-Identifier: BSD-2-Clause */
/* Closes and checks blocks: only this knows the layout of a sync. Not installed. */
#ifndef CORE_STREAM_STREAM_BLOCK_H
#define CORE_STREAM_STREAM_BLOCK_H

#include "core/record.h"
#include "core/stream.h"

/* The longest block, which a reader has to hold in memory. */
#define STREAM_BLOCK_MAX (64U << 20)
#define STREAM_BLOCK_RECORDS_MAX (1U << 20)

struct stream_sync {
	uint64_t bytes;	  /* of the block, up to the marker's first byte */
	uint64_t records; /* in the block, without the sync */
	uint64_t total;	  /* events of the stream so far, written or reported as lost */
};

/* Closes the block that fills `block`; sets sync->bytes itself. 0 or -ENOMEM. */
int stream_sync__pack(struct buffer *block, const uint8_t marker[STREAM_MARKER], const struct event *head, uint64_t seq,
		      struct stream_sync *sync);

/* Reads the rest of a sync after its marker and advances past it. False if it is not one. */
bool stream_sync__parse(struct cursor *c, struct stream_sync *sync);

/* Whether `record`, of kind RECORD_SYNC, closes the block that begins at `block`: marker, CRC and length are
 * valid. The record must be complete and lie in the same bytes. */
bool stream_sync__closes(const struct record *record, const uint8_t *block, const uint8_t marker[STREAM_MARKER],
			 struct stream_sync *sync);

#endif
