/* SPDX-License-Identifier: BSD-2-Clause */
/* Layout, from the kernel's documentation of the BPF ring buffer: a page with the consumer's position, which only the reader
 * writes; a page with the producers', and the data, which it can only read. An event has a header of 8 bytes and begins at a
 * multiple of 8. */
#include "core/bpf/ring.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct ring {
	unsigned long *consumer;
	const unsigned long *producer;
	const char *data;
	size_t page, size; /* of the data: a power of 2 */
	char *joined;	   /* an event across the end of the data; as large, as one event can be */
	ring_event event;
	void *arg;
};

static void *map(size_t size, int protection, int flags, int fd, off_t offset)
{
	void *memory = mmap(NULL, size, protection, flags, fd, offset);

	return memory == MAP_FAILED ? NULL : memory;
}

struct ring *ring__open(int map_fd, ring_event event, void *arg)
{
	struct ring *ring = calloc(1, sizeof(*ring));
	struct bpf_map_info info = {};
	uint32_t length = sizeof(info);
	int err;

	if (!ring)
		return NULL;
	ring->event = event;
	ring->arg = arg;
	ring->page = sysconf(_SC_PAGESIZE);
	if (bpf_obj_get_info_by_fd(map_fd, &info, &length))
		goto failed;
	ring->size = info.max_entries;
	ring->consumer = map(ring->page, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);
	if (!ring->consumer)
		goto failed;
	ring->producer = map(ring->page + ring->size, PROT_READ, MAP_SHARED, map_fd, ring->page);
	if (!ring->producer)
		goto failed;
	ring->data = (const char *)ring->producer + ring->page;
	ring->joined = map(ring->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (ring->joined)
		return ring;
failed:
	err = errno;
	ring__close(ring);
	errno = err;
	return NULL;
}

void ring__close(struct ring *ring)
{
	if (!ring)
		return;
	if (ring->consumer)
		munmap(ring->consumer, ring->page);
	if (ring->producer)
		munmap((void *)ring->producer, ring->page + ring->size);
	if (ring->joined)
		munmap(ring->joined, ring->size);
	free(ring);
}

static const void *in_one_piece(struct ring *ring, size_t at, size_t size)
{
	size_t left = ring->size - at;

	if (size <= left)
		return ring->data + at;
	memcpy(ring->joined, ring->data + at, left);
	memcpy(ring->joined + left, ring->data, size - left);
	return ring->joined;
}

int ring__drain(struct ring *ring)
{
	unsigned long at = *ring->consumer, end;
	int count = 0;

	while (at < (end = __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE)))
		for (; at < end; __atomic_store_n(ring->consumer, at, __ATOMIC_RELEASE)) {
			const char *header = ring->data + (at & (ring->size - 1));
			uint32_t word = __atomic_load_n((const uint32_t *)header, __ATOMIC_ACQUIRE);
			size_t size = word & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);

			if (word & BPF_RINGBUF_BUSY_BIT)
				return count; /* it is being written; the kernel makes the descriptor readable after it */
			at += BPF_RINGBUF_HDR_SZ;
			if (!(word & BPF_RINGBUF_DISCARD_BIT)) {
				ring->event(ring->arg, in_one_piece(ring, at & (ring->size - 1), size), size);
				count++;
			}
			at += (size + 7) & ~(size_t)7;
		}
	return count;
}
