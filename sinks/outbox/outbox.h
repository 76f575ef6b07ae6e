/* SPDX-License-Identifier: BSD-2-Clause */
/* Batches of items to a server, by a thread of its own: retry with back-off, and the halving of a batch that is refused. How they
 * get there, a transport knows. A sink adds items; what the server takes is never lost, what it refuses for good is counted by
 * cause and logged once. */
#ifndef SINKS_OUTBOX_OUTBOX_H
#define SINKS_OUTBOX_OUTBOX_H

#include "core/error.h"
#include "core/sink.h"
#include "core/text.h"

/* ---- options: part of a sink's own ---- */

struct outbox_conf {
	uint64_t retry, end, rate, batch;
};

#define OUTBOX_OPT(conf, member, name, type, value, min, max, help)             \
	{                                                                       \
#name, type, offsetof(conf, member.name), value, min, max, help \
	}

#define OUTBOX_OPTIONS(conf, member)                                                                                \
	OUTBOX_OPT(conf, member, retry, OPT_DURATION, "30s", 1000000, 3600000000000ULL,                             \
		   "longest time between two tries"),                                                               \
		OUTBOX_OPT(conf, member, end, OPT_DURATION, "10s", 0, 3600000000000ULL,                             \
			   "give up after this time without success at the end, or of runs that are not followed"), \
		OUTBOX_OPT(conf, member, rate, OPT_UINT, "0", 0, 1000000000,                                        \
			   "send so many items a second at most; 0: all"),                                          \
		OUTBOX_OPT(conf, member, batch, OPT_SIZE, "4MiB", 4096, 4 << 20,                                    \
			   "largest request, before it is compressed")

/* ---- what a transport provides ---- */

/* Items with the same head stand next to each other under it in a request. */
struct outbox_item {
	const uint8_t *head, *bytes;
	uint32_t head_size, size;
};

struct outbox_items {
	size_t count;
	const void *batch;
	size_t first;
};
struct outbox_item outbox_items__get(const struct outbox_items *items, size_t i);

/* What becomes of a request. */
enum outbox_fate {
	OUTBOX_TAKEN,
	OUTBOX_AGAIN,  /* to be tried again soon */
	OUTBOX_SLOWLY, /* to be tried again, but that will hardly help before a person changes something */
	OUTBOX_HALVE,  /* each half is tried; one item that is not taken is refused */
	OUTBOX_REFUSED,
};

struct outbox_result {
	enum outbox_fate fate;
	char cause[48];	   /* "status 413": what is counted, and logged once; "": no connection */
	struct text why;   /* more about it, safe to show */
	uint64_t after_ns; /* so long the server asks to wait; 0: it does not */
	uint64_t refused;  /* items of a request that was taken */
	size_t too_large;  /* the size of a request that was too large for the server; 0: it was not */
};

struct outbox_transport {
	const char *name; /* of the sink, for messages */
	uint64_t open_ns; /* that an item waits for others; 0: 200 ms */
	/* Called by the thread: one request, whose result is zeroed. `again`: the same one as the last time. */
	void (*send)(void *arg, unsigned target, const struct outbox_items *items, bool again,
		     struct outbox_result *result);
	void (*idle)(void *arg);  /* closes the connection; called by the thread */
	void (*stop)(void *arg);  /* optional: ends a send() of the other thread */
	void (*close)(void *arg); /* frees `arg` */
};

struct outbox;

/* `transport` and `api` must outlive it; `arg` belongs to it if it could be opened. 0 or -ENOMEM. */
int outbox__open(struct outbox **outbox, const struct outbox_transport *transport, void *arg,
		 const struct sink_api *api, const struct outbox_conf *conf);

/* Where items may go, by number from 0, in the order of these calls; at most OUTBOX_TARGETS: -ENOSPC. Requests go in the order
 * in which they are full, or have waited long enough. */
#define OUTBOX_TARGETS 256
int outbox__target(struct outbox *outbox, const char *name, struct error *err);
const char *outbox__name(const struct outbox *outbox, unsigned target); /* NULL: there is none */

void *outbox__arg(const struct outbox *outbox);	   /* of the transport */
bool outbox__stopped(const struct outbox *outbox); /* any thread: requests are to end */

/* ---- what a sink calls, on the merge's thread ---- */

/* Adds a copy of an item. Waits while there is much that the server has not taken: for ever if runs are followed. 0, -ENOMEM, or
 * -ETIMEDOUT, logged. */
int outbox__add(struct outbox *outbox, unsigned target, const struct buffer *head, const struct buffer *item);

/* The same, in a request of its own, which goes before what is added later. */
int outbox__add_alone(struct outbox *outbox, unsigned target, const struct buffer *item);

/* The first `records` of the merge are safe once all that was added so far has been taken. Passes on to the merge what is safe
 * by now. */
void outbox__safe(struct outbox *outbox, uint64_t records);

/* Sends what there is, and waits for it. 0, or -ETIMEDOUT, logged: it was not taken in time. Nothing is added any more. */
int outbox__finish(struct outbox *outbox);

void outbox__close(struct outbox *outbox); /* logs how many were refused, by cause; takes NULL */

#endif
