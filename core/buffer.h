/* SPDX-License-Identifier: BSD-2-Clause */
/* A growing buffer, and writing one out. */
#ifndef CORE_BUFFER_H
#define CORE_BUFFER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct buffer {
	uint8_t *data;
	size_t size, capacity;
	int error; /* -ENOMEM after an allocation failed; from then on nothing is appended */
};

/* Makes room for `more` bytes at the end. Returns buffer->error. */
int buffer__reserve(struct buffer *buffer, size_t more);
void buffer__free(struct buffer *buffer);

/* Returns buffer->error. */
static inline int buffer__append(struct buffer *buffer, const void *bytes, size_t size)
{
	if (!size)
		return buffer->error;
	if (buffer->capacity - buffer->size < size && buffer__reserve(buffer, size))
		return buffer->error;
	memcpy(buffer->data + buffer->size, bytes, size);
	buffer->size += size;
	return 0;
}

/* Writes all bytes to a file, pipe or socket. 0 or -errno. */
int write_all(int fd, const void *bytes, size_t size);

#endif
