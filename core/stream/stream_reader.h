/* SPDX-License-Identifier: BSD-2-Clause */
/* The state of a reader, shared by its files. Not installed. */
#ifndef CORE_STREAM_STREAM_READER_H
#define CORE_STREAM_STREAM_READER_H

#include "core/stream/stream_load.h"

struct stream_reader {
	struct stream_input input;
	struct stream_header header;
	struct stream_state state;
	struct stream_anchor anchor; /* of the header, also if the caller changes the info's */
	struct stream_block blocks[2];
	struct stream_place from[2]; /* where the blocks were loaded from */
	struct stream_place at;	     /* after the last valid block */
	int last;		     /* block of the last record */
	uint64_t mark;		     /* the greatest of the blocks */
	uint64_t delivered;	     /* latest ts delivered */
	bool finished;		     /* the input has no more blocks */
	bool released;		     /* no writer holds the lock, and that means something */
	bool follows;		     /* waits for more while the stream is written */
	bool waits;		     /* nothing more until the next stream_reader__refresh() */
	char *path;
};

/* Loads the next valid block into blocks[i], or leaves it empty at the end. 0, -EAGAIN if more is still to come, other -errno. */
int stream_reader__fill(struct stream_reader *r, int i);

#endif
