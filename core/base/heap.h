/* SPDX-License-Identifier: BSD-2-Clause */
/* A binary heap in which `order` breaks ties: the same input gives the same output. */
#ifndef CORE_BASE_HEAP_H
#define CORE_BASE_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct heap_item {
	uint64_t key;
	uint32_t order; /* among equal keys */
	void *data;
};

/* Starts zeroed. The least item is items[0] while `count` is not 0. */
struct heap {
	struct heap_item *items;
	size_t count, capacity;
};

int heap__push(struct heap *heap, struct heap_item item); /* 0 or -ENOMEM */

/* Replaces the least item: half the cost of a pop and a push. */
void heap__replace(struct heap *heap, struct heap_item item);
void heap__pop(struct heap *heap);
void heap__free(struct heap *heap);

#endif
