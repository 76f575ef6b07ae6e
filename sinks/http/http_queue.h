/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the room share: batches that wait, and the thread that sends them. */
#ifndef SINKS_HTTP_HTTP_QUEUE_H
#define SINKS_HTTP_HTTP_QUEUE_H

#include <pthread.h>

#include "core/base/base.h"
#include "sinks/http/http_link.h"

#define HTTP_CAUSES 16

/* ---- http_batch.c ---- */

/* Where an item and its head are in a batch's bytes. */
struct http_slot {
	uint32_t head, head_size, at, size;
};

/* Items of one target. */
struct http_batch {
	struct http_batch *next;
	unsigned target;
	struct buffer bytes;
	struct http_slot *slots;
	size_t count, capacity;
	uint64_t opened_ns; /* the first item; monotonic clock */
	uint64_t safe;	    /* records of the merge that were to be safe before its first item */
};

struct http_batch *http_batch__new(unsigned target, uint64_t safe); /* NULL: out of memory */
int http_batch__add(struct http_batch *batch, const struct buffer *head, const struct buffer *item); /* 0 or -ENOMEM */
void http_batch__free(struct http_batch *batch);						     /* takes NULL */

/* ---- http.c ---- */

/* Items that were refused by one cause. */
struct http_cause {
	long status;
	uint64_t count;
};

struct http {
	const struct http_sink *sink;
	const struct sink_api *api;
	uint64_t retry_ns, end_ns, rate;
	size_t batch_bytes; /* of a batch: less after one was too large */

	char *urls[HTTP_TARGETS];
	size_t targets;

	pthread_t thread;
	bool started, said;   /* said: how many were refused */
	pthread_mutex_t lock; /* of what follows, up to `stop` */
	pthread_cond_t changed;
	struct http_batch *open[HTTP_TARGETS], *first, **last;
	size_t waiting;		       /* bytes of closed batches, also of the one that is sent */
	size_t open_count, open_bytes; /* of open batches */
	uint64_t safe, acked;	       /* records: once all is taken; by now */
	uint64_t moved_ns;	       /* when something was taken or refused last */
	struct http_cause causes[HTTP_CAUSES];

	atomic_bool stop;

	/* the thread's */
	struct http_link link;
	struct buffer body;
	bool failing;	  /* the last request failed, which was logged: */
	long said_status; /* by its status, or 0 */
	enum http_fate said_fate;
	unsigned failures; /* in a row */
	uint64_t paced_ns; /* by the rate, nothing goes before */
};

/* Waits on http->changed, with the lock, until then at most; monotonic clock. */
static inline void http__wait(struct http *http, uint64_t until_ns)
{
	struct timespec until = {(time_t)(until_ns / 1000000000), (long)(until_ns % 1000000000)};

	pthread_cond_timedwait(&http->changed, &http->lock, &until);
}

/* ---- http_try.c ---- */

/* Sends a batch until all of it is taken or refused. Returns false if it was stopped. */
bool http__deliver(struct http *http, const struct http_batch *batch);

#endif
