/* SPDX-License-Identifier: BSD-2-Clause */
/* The state of a reader, shared by its files. Not installed. */
#ifndef CORE_STREAM_STREAM_READER_H
#define CORE_STREAM_STREAM_READER_H

#include "core/stream/stream_load.h"

/* Of a segment; records point to it. */
struct stream_marker {
	struct stream_marker *next;
	char text[STREAM_MARKER_TEXT];
};

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
	bool written;		     /* a writer holds its lock, and that means something */
	bool released;		     /* no writer holds the lock, and that means something */
	bool follows;		     /* waits for more while the stream is written */
	bool waits;		     /* nothing more until the next stream_reader__refresh() */
	char *path;

	/* The segments; `header` has the marker and the lock of the one that is read, all else of the first one. */
	struct stream_chain chain; /* open NULL: there is only one */
	const char *marker;
	struct stream_marker *markers; /* of those after it */
	char next[STREAM_MARKER_TEXT]; /* what its `end` says */
	uint64_t begin;		       /* offset of its first block */
	uint64_t bytes_before, markers_before, redacted_before;
	bool lacks_last;
	struct {
		const char *cause; /* NULL: none */
		uint64_t count, ts;
	} gap; /* to be said with the next block */
};

/* The file that is read has no more blocks. 1 if the next segment is read now; 0: there is none; or -errno. */
int stream_chain__go_on(struct stream_reader *r);
/* Reads another segment. 0, -EBADMSG if there is no such segment, or other -errno. */
int stream_chain__move(struct stream_reader *r, uint32_t segment);

/* Loads the next valid block into blocks[i], or leaves it empty at the end. 0, -EAGAIN if more is still to come, other -errno. */
int stream_reader__fill(struct stream_reader *r, int i);

#endif
