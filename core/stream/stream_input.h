/* SPDX-License-Identifier: BSD-2-Clause */
/* A stream's bytes at any offset, from a file through a window in memory, or from memory. Not mmap(): SIGBUS if
 * the file shrinks. Not installed. */
#ifndef CORE_STREAM_STREAM_INPUT_H
#define CORE_STREAM_STREAM_INPUT_H

#include <stddef.h>
#include <stdint.h>

struct stream_input {
	int fd;
	const uint8_t *memory; /* instead of fd */
	uint64_t size;	       /* at open: a stream that is still being written ends there for the reader */
	uint8_t *window;
	size_t have, capacity;
	uint64_t offset; /* of the window's first byte */
};

/* Shows at least `want` bytes from `offset` on, fewer only at the end of the input; *got is their count.
 * Invalidates what it showed before. 0, -ENOMEM or the -errno of a read. */
int stream_input__view(struct stream_input *input, uint64_t offset, size_t want, const uint8_t **bytes, size_t *got);

/* Finds `needle` from `offset` on: 1 with *found, 0 if there is none, -errno. */
int stream_input__find(struct stream_input *input, uint64_t offset, const void *needle, size_t length, uint64_t *found);

/* Releases its memory until the next view; what is read then is read again. */
void stream_input__rest(struct stream_input *input);

void stream_input__free(struct stream_input *input); /* the descriptor too */

#endif
