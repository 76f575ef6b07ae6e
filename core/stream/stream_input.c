/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads a stream's file through a window that moves forward. */
#include "core/stream/stream_input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WINDOW (512U << 10)

/* `left`: bytes that can be read at all. */
static int window__grow(struct stream_input *input, size_t want, uint64_t left)
{
	size_t capacity = input->capacity ? input->capacity : left < WINDOW ? left : WINDOW;
	uint8_t *window;

	while (capacity < want)
		capacity = capacity * 2 > WINDOW ? capacity * 2 : WINDOW;
	if (capacity == input->capacity)
		return 0;
	window = realloc(input->window, capacity);
	if (!window)
		return -ENOMEM;
	input->window = window;
	input->capacity = capacity;
	return 0;
}

static int window__fill(struct stream_input *input)
{
	ssize_t n;

	while (input->have < input->capacity) {
		n = pread(input->fd, input->window + input->have, input->capacity - input->have,
			  input->offset + input->have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		input->have += n;
	}
	if (input->have < input->capacity && input->offset + input->have < input->size)
		input->size = input->offset + input->have; /* the file has shrunk */
	return 0;
}

/* Moves the window so that it begins at `offset`, keeping the bytes it already has. */
static void window__move(struct stream_input *input, uint64_t offset)
{
	size_t keep = 0;

	if (offset >= input->offset && offset - input->offset < input->have) {
		keep = input->have - (offset - input->offset);
		memmove(input->window, input->window + (offset - input->offset), keep);
	}
	input->offset = offset;
	input->have = keep;
}

int stream_input__view(struct stream_input *input, uint64_t offset, size_t want, const uint8_t **bytes, size_t *got)
{
	uint64_t left;
	int err;

	if (offset > input->size)
		offset = input->size;
	left = input->size - offset;
	if (want > left)
		want = left;
	if (input->memory) {
		*bytes = input->memory + offset;
		*got = left;
		return 0;
	}
	if (offset < input->offset || offset + want > input->offset + input->have) {
		window__move(input, offset);
		err = window__grow(input, want, left);
		if (!err)
			err = window__fill(input);
		if (err)
			return err;
	}
	*bytes = input->window + (offset - input->offset);
	*got = input->offset + input->have - offset;
	if (*got > input->size - offset)
		*got = input->size - offset;
	return 0;
}

/* Past a hole of the file: a stream that a crash has left may be mostly one. The end, if nothing follows it. */
static uint64_t skip_hole(const struct stream_input *input, uint64_t offset)
{
	off_t data = input->memory || offset >= input->size ? -1 : lseek(input->fd, offset, SEEK_DATA);

	if (data < 0)
		return !input->memory && offset < input->size && errno == ENXIO ? input->size : offset;
	return (uint64_t)data < input->size ? (uint64_t)data : input->size;
}

int stream_input__find(struct stream_input *input, uint64_t offset, const void *needle, size_t length, uint64_t *found)
{
	const uint8_t *bytes, *hit;
	size_t got;
	int err;

	for (;;) {
		offset = skip_hole(input, offset);
		err = stream_input__view(input, offset, WINDOW, &bytes, &got);
		if (err)
			return err;
		if (got < length)
			return 0;
		hit = memmem(bytes, got, needle, length);
		if (hit) {
			*found = offset + (hit - bytes);
			return 1;
		}
		offset += got - (length - 1);
	}
}

void stream_input__rest(struct stream_input *input)
{
	free(input->window);
	input->window = NULL;
	input->have = input->capacity = 0;
}

void stream_input__free(struct stream_input *input)
{
	if (input->fd >= 0)
		close(input->fd);
	free(input->window);
}
