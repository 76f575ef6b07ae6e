/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the room share: batches that wait, and the thread that sends them. */
#ifndef SINKS_OUTBOX_OUTBOX_QUEUE_H
#define SINKS_OUTBOX_OUTBOX_QUEUE_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/base/base.h"
#include "sinks/outbox/outbox.h"

#define OUTBOX_CAUSES 16

/* ---- outbox_batch.c ---- */

/* Where an item and its head are in a batch's bytes. */
struct outbox_slot {
	uint32_t head, head_size, at, size;
};

/* Items of one target. */
struct outbox_batch {
	struct outbox_batch *next;
	unsigned target;
	struct buffer bytes;
	struct outbox_slot *slots;
	size_t count, capacity;
	uint64_t opened_ns; /* the first item; monotonic clock */
	uint64_t safe;	    /* records of the merge that were to be safe before its first item */
};

struct outbox_batch *outbox_batch__new(unsigned target, uint64_t safe); /* NULL: out of memory */
int outbox_batch__add(struct outbox_batch *batch, const struct buffer *head,
		      const struct buffer *item);    /* 0 or -ENOMEM */
void outbox_batch__free(struct outbox_batch *batch); /* takes NULL */

/* ---- outbox.c ---- */

/* Items that were refused by one cause. */
struct outbox_cause {
	char name[sizeof(((struct outbox_result *)0)->cause)];
	uint64_t count;
};

struct outbox {
	const struct outbox_transport *transport;
	void *arg;
	const struct sink_api *api;
	uint64_t retry_ns, end_ns, rate;
	size_t batch_bytes; /* of a batch: less after one was too large */

	char *names[OUTBOX_TARGETS];
	size_t targets;

	pthread_t thread;
	bool started, said;   /* said: how many were refused */
	pthread_mutex_t lock; /* of what follows, up to `stop` */
	pthread_cond_t changed;
	struct outbox_batch *open[OUTBOX_TARGETS], *first, **last;
	size_t waiting;		       /* bytes of closed batches, also of the one that is sent */
	size_t open_count, open_bytes; /* of open batches */
	uint64_t safe, acked;	       /* records: once all is taken; by now */
	uint64_t moved_ns;	       /* when something was taken or refused last */
	struct outbox_cause causes[OUTBOX_CAUSES];

	atomic_bool stop;

	/* the thread's */
	bool used;    /* since the transport was idle last */
	bool failing; /* the last request failed, which was logged: */
	char said_cause[sizeof(((struct outbox_result *)0)->cause)];
	enum outbox_fate said_fate;
	unsigned failures; /* in a row */
	uint64_t paced_ns; /* by the rate, nothing goes before */
};

/* Waits on outbox->changed, with the lock, until then at most; monotonic clock. */
static inline void outbox__wait(struct outbox *outbox, uint64_t until_ns)
{
	struct timespec until = {(time_t)(until_ns / 1000000000), (long)(until_ns % 1000000000)};

	pthread_cond_timedwait(&outbox->changed, &outbox->lock, &until);
}

/* ---- outbox_try.c ---- */

/* Sends a batch until all of it is taken or refused. Returns false if it was stopped. */
bool outbox__deliver(struct outbox *outbox, const struct outbox_batch *batch);

#endif
