/* SPDX-License-Identifier: BSD-2-Clause */
/* Batches: items one after the other in one buffer, each head once where it changes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/outbox/outbox_queue.h"

struct outbox_batch *outbox_batch__new(unsigned target, uint64_t safe)
{
	struct outbox_batch *batch = calloc(1, sizeof(*batch));

	if (batch) {
		batch->target = target;
		batch->safe = safe;
		batch->opened_ns = clock__ns(CLOCK_MONOTONIC);
	}
	return batch;
}

static struct outbox_slot *new_slot(struct outbox_batch *batch)
{
	size_t capacity = batch->capacity ? 2 * batch->capacity : 64;
	struct outbox_slot *slots;

	if (batch->count == batch->capacity) {
		slots = reallocarray(batch->slots, capacity, sizeof(*slots));
		if (!slots)
			return NULL;
		batch->slots = slots;
		batch->capacity = capacity;
	}
	return &batch->slots[batch->count];
}

static bool has_head(const struct outbox_batch *batch, const struct outbox_slot *slot, const struct buffer *head)
{
	return slot->head_size == head->size &&
	       (!head->size || !memcmp(batch->bytes.data + slot->head, head->data, head->size));
}

int outbox_batch__add(struct outbox_batch *batch, const struct buffer *head, const struct buffer *item)
{
	struct outbox_slot *slot = new_slot(batch);

	if (!slot || buffer__reserve(&batch->bytes, head->size + item->size))
		return -ENOMEM;
	if (batch->count && has_head(batch, slot - 1, head)) {
		*slot = slot[-1];
	} else {
		*slot = (struct outbox_slot){.head = (uint32_t)batch->bytes.size, .head_size = (uint32_t)head->size};
		buffer__append(&batch->bytes, head->data, head->size);
	}
	slot->at = (uint32_t)batch->bytes.size;
	slot->size = (uint32_t)item->size;
	buffer__append(&batch->bytes, item->data, item->size);
	batch->count++;
	return 0;
}

void outbox_batch__free(struct outbox_batch *batch)
{
	if (!batch)
		return;
	buffer__free(&batch->bytes);
	free(batch->slots);
	free(batch);
}

struct outbox_item outbox_items__get(const struct outbox_items *items, size_t i)
{
	const struct outbox_batch *batch = items->batch;
	const struct outbox_slot *slot = &batch->slots[items->first + i];

	return (struct outbox_item){batch->bytes.data + slot->head, batch->bytes.data + slot->at, slot->head_size,
				    slot->size};
}
