/* SPDX-License-Identifier: BSD-2-Clause */
/* Packs and checks the sync that closes a block.
 *
 *	[3, ts, seq, 0, 0, 0, 0, run, marker, bytes, records, total, crc32]
 *
 * The CRC covers the block from its first byte up to the CRC's own object, including the sync's other numbers.
 * `bytes` counts up to the marker: a reader that finds a marker knows where its block begins. */
#include "core/stream/stream_block.h"

#include <errno.h>
#include <string.h>
#include <zlib.h>

#include "core/pack.h"

#define SYNC_VALUES 5

int stream_sync__pack(struct buffer *block, const uint8_t marker[STREAM_MARKER], const struct event *head, uint64_t seq,
		      struct stream_sync *sync)
{
	size_t start = block->size;
	int err;

	err = pack_array(block, RECORD_HEAD + SYNC_VALUES) || record_head__pack(block, RECORD_SYNC, seq, head) ||
	      pack_bin(block, STREAM_MARKER);
	sync->bytes = block->size;
	err = err || pack_bin_body(block, marker, STREAM_MARKER) || pack_uint64(block, sync->bytes) ||
	      pack_uint64(block, sync->records) || pack_uint64(block, sync->total) ||
	      pack_uint32(block, crc32_z(0, block->data, block->size));
	if (err) {
		block->size = start;
		return -ENOMEM;
	}
	return 0;
}

/* Returns the position of the CRC, NULL if this is not the end of a sync. */
static const uint8_t *sync__numbers(struct cursor *c, struct stream_sync *sync, uint64_t *crc)
{
	const uint8_t *at;

	if (!cursor__uint(c, &sync->bytes) || !cursor__uint(c, &sync->records) || !cursor__uint(c, &sync->total))
		return NULL;
	at = c->at;
	return cursor__uint(c, crc) ? at : NULL;
}

bool stream_sync__parse(struct cursor *c, struct stream_sync *sync)
{
	uint64_t crc;

	return sync__numbers(c, sync, &crc);
}

bool stream_sync__closes(const struct record *record, const uint8_t *block, const uint8_t marker[STREAM_MARKER],
			 struct stream_sync *sync)
{
	struct cursor c = {record->bytes + record->values, record->bytes + record->size};
	const uint8_t *crc_at;
	const char *found;
	uint32_t length;
	uint64_t crc;

	if (!cursor__string(&c, &found, &length) || length != STREAM_MARKER || memcmp(found, marker, length))
		return false;
	crc_at = sync__numbers(&c, sync, &crc);
	return crc_at && sync->bytes == (uint64_t)((const uint8_t *)found - block) &&
	       crc == crc32_z(0, block, crc_at - block);
}
