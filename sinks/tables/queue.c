/* SPDX-License-Identifier: BSD-2-Clause */
/* The bounded queue between the merge and a table. */
#include "sinks/tables/queue.h"

#include <stdlib.h>

#define BLOCK_BYTES (64U << 10)
#define BLOCKS_MAX 3 /* pending */

/* Before each row: its size, to find the next. */
#define HEAD sizeof(uint64_t)

void queue__init(struct queue *queue)
{
	*queue = (struct queue){.last = NULL};
	pthread_mutex_init(&queue->lock, NULL);
	pthread_cond_init(&queue->moved, NULL);
	queue->last = &queue->first;
}

void queue__free(struct queue *queue)
{
	struct block *block;

	while ((block = queue->first)) {
		queue->first = block->next;
		free(block);
	}
	free(queue->filling);
	free(queue->emptying);
	pthread_cond_destroy(&queue->moved);
	pthread_mutex_destroy(&queue->lock);
}

static struct block *block__new(size_t size)
{
	size_t capacity = size > BLOCK_BYTES ? size : BLOCK_BYTES;
	struct block *block = malloc(sizeof(*block) + capacity);

	if (block) {
		block->next = NULL;
		block->used = 0;
		block->capacity = capacity;
	}
	return block;
}

/* Of rows that are longer than a block, one is pending. */
static bool is_full(const struct queue *queue)
{
	return queue->count >= BLOCKS_MAX || (queue->count && queue->filling && queue->filling->capacity > BLOCK_BYTES);
}

/* Passes the filled block on; blocks while too many are pending. */
static bool push(struct queue *queue)
{
	bool going;

	pthread_mutex_lock(&queue->lock);
	while (is_full(queue) && !queue->stopped)
		pthread_cond_wait(&queue->moved, &queue->lock);
	going = !queue->stopped;
	if (going && queue->filling) {
		*queue->last = queue->filling;
		queue->last = &queue->filling->next;
		queue->filling = NULL;
		queue->count++;
		pthread_cond_signal(&queue->moved);
	}
	pthread_mutex_unlock(&queue->lock);
	return going;
}

void *queue__put(struct queue *queue, size_t size)
{
	size_t room = HEAD + (size + 7) / 8 * 8;
	struct block *block = queue->filling;
	uint64_t *head;

	if (block && block->capacity - block->used < room) {
		if (!push(queue))
			return NULL;
		block = NULL;
	}
	if (!block)
		block = queue->filling = block__new(room);
	if (!block)
		return NULL;
	head = block->data + block->used / 8;
	*head = room;
	block->used += room;
	return head + 1;
}

static struct block *pull(struct queue *queue)
{
	struct block *block;

	pthread_mutex_lock(&queue->lock);
	while (!queue->first && !queue->ended && !queue->stopped)
		pthread_cond_wait(&queue->moved, &queue->lock);
	block = queue->stopped ? NULL : queue->first;
	if (block) {
		queue->first = block->next;
		if (!queue->first)
			queue->last = &queue->first;
		queue->count--;
		pthread_cond_signal(&queue->moved);
	}
	pthread_mutex_unlock(&queue->lock);
	return block;
}

const void *queue__take(struct queue *queue)
{
	struct block *block = queue->emptying;
	const uint64_t *head;

	if (!block || queue->at == block->used) {
		free(block);
		block = queue->emptying = pull(queue);
		queue->at = 0;
	}
	if (!block)
		return NULL;
	head = block->data + queue->at / 8;
	queue->at += *head;
	return head + 1;
}

void queue__end(struct queue *queue)
{
	push(queue);
	pthread_mutex_lock(&queue->lock);
	queue->ended = true;
	pthread_cond_broadcast(&queue->moved);
	pthread_mutex_unlock(&queue->lock);
}

void queue__stop(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	queue->stopped = true;
	pthread_cond_broadcast(&queue->moved);
	pthread_mutex_unlock(&queue->lock);
}

bool queue__stopped(struct queue *queue)
{
	bool stopped;

	pthread_mutex_lock(&queue->lock);
	stopped = queue->stopped;
	pthread_mutex_unlock(&queue->lock);
	return stopped;
}
