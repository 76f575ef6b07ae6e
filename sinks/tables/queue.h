/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows on their way from the merge's thread to the thread of their table: blocks of packed rows, so many at
 * most. One puts, one takes. Either may stop it: then both find out at their next call. */
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
	struct block *filling;	/* the putter's own */
	struct block *emptying; /* the taker's own */
	size_t at;		/* in it */
};

void queue__init(struct queue *queue);
void queue__free(struct queue *queue);

/* Room for a row of so many bytes, aligned for anything. NULL: no memory, or stopped. */
void *queue__put(struct queue *queue, size_t size);

/* The next row; valid until the next call. NULL: that was all, or stopped: ask queue__stopped(). */
const void *queue__take(struct queue *queue);

void queue__end(struct queue *queue);
void queue__stop(struct queue *queue);
bool queue__stopped(struct queue *queue);

#endif
