/* SPDX-License-Identifier: BSD-2-Clause */
/* A stable binary heap. */
#include "core/base/heap.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

static bool heap_item__less(const struct heap_item *a, const struct heap_item *b)
{
	return a->key != b->key ? a->key < b->key : a->order < b->order;
}

int heap__push(struct heap *heap, struct heap_item item)
{
	size_t capacity = heap->capacity ? heap->capacity * 2 : 16, at, parent;
	struct heap_item *items;

	if (heap->count == heap->capacity) {
		items = reallocarray(heap->items, capacity, sizeof(*items));
		if (!items)
			return -ENOMEM;
		heap->items = items;
		heap->capacity = capacity;
	}
	for (at = heap->count++; at; at = parent) {
		parent = (at - 1) / 2;
		if (!heap_item__less(&item, &heap->items[parent]))
			break;
		heap->items[at] = heap->items[parent];
	}
	heap->items[at] = item;
	return 0;
}

void heap__replace(struct heap *heap, struct heap_item item)
{
	size_t at = 0, child;

	for (; (child = 2 * at + 1) < heap->count; at = child) {
		if (child + 1 < heap->count && heap_item__less(&heap->items[child + 1], &heap->items[child]))
			child++;
		if (!heap_item__less(&heap->items[child], &item))
			break;
		heap->items[at] = heap->items[child];
	}
	heap->items[at] = item;
}

void heap__pop(struct heap *heap)
{
	if (--heap->count)
		heap__replace(heap, heap->items[heap->count]);
}

void heap__free(struct heap *heap)
{
	free(heap->items);
	heap->items = NULL;
	heap->count = heap->capacity = 0;
}
