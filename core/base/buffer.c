/* SPDX-License-Identifier: BSD-2-Clause */
/* A growing buffer, and writing one out. */
#include "core/buffer.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define CAPACITY_MIN 256
#define CAPACITY_MAX ((size_t)1 << 38) /* no valid request is larger */

int buffer__reserve(struct buffer *buffer, size_t more)
{
	size_t capacity = buffer->capacity ? buffer->capacity : CAPACITY_MIN;
	uint8_t *data = NULL;

	if (buffer->error || buffer->capacity - buffer->size >= more)
		return buffer->error;
	if (more < CAPACITY_MAX - buffer->size) {
		while (capacity - buffer->size < more)
			capacity *= 2;
		data = realloc(buffer->data, capacity);
	}
	if (!data) {
		buffer->capacity = buffer->size; /* a smaller piece must fail, too */
		return buffer->error = -ENOMEM;
	}
	buffer->data = data;
	buffer->capacity = capacity;
	return 0;
}

void buffer__free(struct buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct buffer){0};
}

int write_all(int fd, const void *bytes, size_t size)
{
	const char *at = bytes;
	ssize_t n;

	while (size) {
		n = write(fd, at, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -ENOSPC;
		at += n;
		size -= n;
	}
	return 0;
}
