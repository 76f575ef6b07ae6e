/* SPDX-License-Identifier: BSD-2-Clause */
/* A bounded queue of packed rows, from the merge's thread to a table's: one producer, one consumer. Either may stop
 * it; the other sees that at its next call. */
#ifndef SINKS_TABLES_QUEUE_H
#define SINKS_TABLES_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct block {
	struct block *next;
	size_t used, capacity; /* bytes */
	uint64_t data[];
};

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t moved; /* a block was put or taken, or the end was set */
	struct block *first, **last;
	unsigned count;
	bool ended, stopped;
	struct block *filling;	/* of the producer */
	struct block *emptying; /* of the consumer */
	size_t at;		/* offset in it */
};

void queue__init(struct queue *queue);
void queue__free(struct queue *queue);

/* Room for a row of `size` bytes, aligned for any type. NULL: out of memory, or stopped. */
void *queue__put(struct queue *queue, size_t size);

/* The next row; valid until the next call. NULL: the end, or stopped: see queue__stopped(). */
const void *queue__take(struct queue *queue);

void queue__end(struct queue *queue);
void queue__stop(struct queue *queue);
bool queue__stopped(struct queue *queue);

#endif
