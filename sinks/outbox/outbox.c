/* SPDX-License-Identifier: BSD-2-Clause */
/* The queue between the merge's thread, which adds items, and the one that sends them. */
#include "sinks/outbox/outbox.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/outbox/outbox_queue.h"

#define S 1000000000ULL
#define MS 1000000ULL
#define WAITING_MAX 4 /* largest batches */
#define OPEN_MAX 4    /* largest batches that are open together */
#define OPEN_NS (200 * MS)
#define STOP_POLL_NS (100 * MS) /* how soon a signal is noticed */
#define IDLE_NS (5 * S)		/* after that the connection is closed */

/* ---- the queue, with the lock ---- */

static struct outbox_batch *oldest(const struct outbox *outbox)
{
	struct outbox_batch *first = NULL;

	for (size_t i = 0; i < outbox->targets; i++)
		if (outbox->open[i] && (!first || outbox->open[i]->opened_ns < first->opened_ns))
			first = outbox->open[i];
	return first;
}

static void close_batch(struct outbox *outbox, unsigned target)
{
	struct outbox_batch *batch = outbox->open[target];

	outbox->open[target] = NULL;
	outbox->open_count--;
	outbox->open_bytes -= batch->bytes.size;
	outbox->waiting += batch->bytes.size;
	*outbox->last = batch;
	outbox->last = &batch->next;
	pthread_cond_broadcast(&outbox->changed);
}

/* The oldest first. */
static void close_batches(struct outbox *outbox)
{
	const struct outbox_batch *batch;

	while ((batch = oldest(outbox)))
		close_batch(outbox, batch->target);
}

static bool is_empty(const struct outbox *outbox)
{
	return !outbox->first && !outbox->open_count;
}

/* What came before the first item of each batch that has not been taken is safe. */
static void update_acked(struct outbox *outbox)
{
	uint64_t safe = outbox->safe;

	for (const struct outbox_batch *batch = outbox->first; batch; batch = batch->next)
		safe = batch->safe < safe ? batch->safe : safe;
	for (size_t i = 0; i < outbox->targets; i++)
		if (outbox->open[i] && outbox->open[i]->safe < safe)
			safe = outbox->open[i]->safe;
	outbox->acked = safe > outbox->acked ? safe : outbox->acked;
}

/* ---- the thread ---- */

static void go_idle(struct outbox *outbox)
{
	outbox->transport->idle(outbox->arg);
	outbox->used = false;
}

/* The next batch, which stays in the queue; NULL: the end. */
static struct outbox_batch *next_batch(struct outbox *outbox)
{
	uint64_t idle_ns = clock__ns(CLOCK_MONOTONIC) + IDLE_NS;
	uint64_t open_ns = outbox->transport->open_ns ? outbox->transport->open_ns : OPEN_NS;
	const struct outbox_batch *open;

	while (!outbox->first && !atomic_load(&outbox->stop)) {
		uint64_t now = clock__ns(CLOCK_MONOTONIC), due = UINT64_MAX;

		open = oldest(outbox);
		if (open && now >= open->opened_ns + open_ns) {
			close_batch(outbox, open->target);
			continue;
		}
		if (open)
			due = open->opened_ns + open_ns;
		else if (outbox->used && now >= idle_ns)
			go_idle(outbox);
		else if (outbox->used)
			due = idle_ns;
		if (due == UINT64_MAX)
			pthread_cond_wait(&outbox->changed, &outbox->lock);
		else
			outbox__wait(outbox, due);
	}
	return atomic_load(&outbox->stop) ? NULL : outbox->first;
}

static void remove_first(struct outbox *outbox)
{
	struct outbox_batch *batch = outbox->first;

	outbox->first = batch->next;
	if (!outbox->first)
		outbox->last = &outbox->first;
	outbox->waiting -= batch->bytes.size;
	update_acked(outbox);
	outbox->moved_ns = clock__ns(CLOCK_MONOTONIC);
	pthread_cond_broadcast(&outbox->changed);
	outbox_batch__free(batch);
}

static void *run(void *arg)
{
	struct outbox *outbox = arg;
	const struct outbox_batch *batch;
	bool done;

	pthread_mutex_lock(&outbox->lock);
	while ((batch = next_batch(outbox))) {
		pthread_mutex_unlock(&outbox->lock);
		outbox->used = true;
		done = outbox__deliver(outbox, batch);
		pthread_mutex_lock(&outbox->lock);
		if (!done)
			break;
		remove_first(outbox);
	}
	pthread_mutex_unlock(&outbox->lock);
	return NULL;
}

static int start_thread(struct outbox *outbox)
{
	sigset_t all, before;
	int rc;

	/* signals go to the merge's thread */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = -pthread_create(&outbox->thread, NULL, run, outbox);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	outbox->started = !rc;
	return rc;
}

static void stop_thread(struct outbox *outbox)
{
	if (!outbox->started)
		return;
	pthread_mutex_lock(&outbox->lock);
	atomic_store(&outbox->stop, true);
	pthread_cond_broadcast(&outbox->changed);
	pthread_mutex_unlock(&outbox->lock);
	if (outbox->transport->stop)
		outbox->transport->stop(outbox->arg);
	pthread_join(outbox->thread, NULL);
	outbox->started = false;
}

/* ---- the merge's thread ---- */

int outbox__open(struct outbox **out, const struct outbox_transport *transport, void *arg, const struct sink_api *api,
		 const struct outbox_conf *conf)
{
	struct outbox *outbox = *out = calloc(1, sizeof(*outbox));
	pthread_condattr_t attributes;

	if (!outbox)
		return -ENOMEM;
	outbox->transport = transport;
	outbox->arg = arg;
	outbox->api = api;
	outbox->retry_ns = conf->retry;
	outbox->end_ns = conf->end;
	outbox->rate = conf->rate;
	outbox->batch_bytes = conf->batch;
	outbox->last = &outbox->first;
	outbox->moved_ns = clock__ns(CLOCK_MONOTONIC);
	pthread_mutex_init(&outbox->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&outbox->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	return 0;
}

int outbox__target(struct outbox *outbox, const char *name, struct error *err)
{
	if (outbox->targets == OUTBOX_TARGETS)
		return error__set(err, -ENOSPC, "%s: more than %d targets", name, OUTBOX_TARGETS);
	if (!(outbox->names[outbox->targets] = strdup(name)))
		return error__set(err, -ENOMEM, "%s", strerror(ENOMEM));
	pthread_mutex_lock(&outbox->lock);
	outbox->targets++;
	pthread_mutex_unlock(&outbox->lock);
	return 0;
}

const char *outbox__name(const struct outbox *outbox, unsigned target)
{
	return target < OUTBOX_TARGETS ? outbox->names[target] : NULL;
}

void *outbox__arg(const struct outbox *outbox)
{
	return outbox->arg;
}

bool outbox__stopped(const struct outbox *outbox)
{
	return atomic_load(&outbox->stop);
}

static bool is_stopped(const struct outbox *outbox)
{
	return outbox->api->stopped && outbox->api->stopped(outbox->api);
}

/* Waits until the server takes something, or no longer than that is worth it; with the lock. 0 or -ETIMEDOUT. */
static int wait_for_room(struct outbox *outbox)
{
	while (outbox->waiting > WAITING_MAX * outbox->batch_bytes && !is_stopped(outbox)) {
		uint64_t now = clock__ns(CLOCK_MONOTONIC);

		if (!outbox->api->follows && now > outbox->moved_ns + outbox->end_ns)
			return -ETIMEDOUT;
		outbox__wait(outbox, now + STOP_POLL_NS);
	}
	return 0;
}

static int add(struct outbox *outbox, unsigned target, const struct buffer *head, const struct buffer *item)
{
	struct outbox_batch **open = &outbox->open[target];
	size_t size = head->size + item->size;
	int rc;

	if (*open && (*open)->bytes.size + size > outbox->batch_bytes)
		close_batch(outbox, target);
	if (outbox->open_bytes + size > OPEN_MAX * outbox->batch_bytes)
		close_batches(outbox);
	if (!*open && wait_for_room(outbox))
		return -ETIMEDOUT;
	if (!*open) {
		*open = outbox_batch__new(target, outbox->safe);
		if (!*open)
			return -ENOMEM;
		outbox->open_count++;
		pthread_cond_signal(&outbox->changed);
	}
	outbox->open_bytes -= (*open)->bytes.size;
	rc = outbox_batch__add(*open, head, item);
	outbox->open_bytes += (*open)->bytes.size;
	return rc;
}

/* With the lock, or without the thread. */
static int give_up(const struct outbox *outbox)
{
	outbox->api->log(LOG_ERROR, "%s: %s takes nothing: giving up after %.0f s; not all was delivered",
			 outbox->transport->name, outbox->first ? outbox->names[outbox->first->target] : "the server",
			 (double)outbox->end_ns / S);
	return -ETIMEDOUT;
}

static int add_item(struct outbox *outbox, unsigned target, const struct buffer *head, const struct buffer *item,
		    bool alone)
{
	int rc = head->error ? head->error : item->error;

	if (!rc && !outbox->started)
		rc = start_thread(outbox);
	if (rc)
		return rc;
	pthread_mutex_lock(&outbox->lock);
	if (is_empty(outbox))
		outbox->moved_ns = clock__ns(CLOCK_MONOTONIC);
	if (alone && outbox->open[target])
		close_batch(outbox, target);
	rc = add(outbox, target, head, item);
	if (!rc && alone)
		close_batch(outbox, target);
	if (rc == -ETIMEDOUT)
		give_up(outbox);
	pthread_mutex_unlock(&outbox->lock);
	return rc;
}

int outbox__add(struct outbox *outbox, unsigned target, const struct buffer *head, const struct buffer *item)
{
	return add_item(outbox, target, head, item, false);
}

int outbox__add_alone(struct outbox *outbox, unsigned target, const struct buffer *item)
{
	const struct buffer none = {0};

	return add_item(outbox, target, &none, item, true);
}

void outbox__safe(struct outbox *outbox, uint64_t records)
{
	uint64_t safe;

	pthread_mutex_lock(&outbox->lock);
	outbox->safe = records;
	update_acked(outbox);
	safe = outbox->acked;
	pthread_mutex_unlock(&outbox->lock);
	if (outbox->api->delivered)
		outbox->api->delivered(outbox->api, safe);
}

/* The process may end without a call of outbox__close(). */
static void log_refused(struct outbox *outbox)
{
	if (outbox->said)
		return;
	outbox->said = true;
	for (const struct outbox_cause *cause = outbox->causes; cause < outbox->causes + OUTBOX_CAUSES && cause->count;
	     cause++)
		outbox->api->log(LOG_WARN, "%s: %" PRIu64 " refused for good with %s", outbox->transport->name,
				 cause->count, cause->name);
}

int outbox__finish(struct outbox *outbox)
{
	bool empty;

	pthread_mutex_lock(&outbox->lock);
	close_batches(outbox);
	outbox->moved_ns = clock__ns(CLOCK_MONOTONIC);
	while (!is_empty(outbox) && clock__ns(CLOCK_MONOTONIC) <= outbox->moved_ns + outbox->end_ns)
		outbox__wait(outbox, outbox->moved_ns + outbox->end_ns + MS);
	empty = is_empty(outbox);
	update_acked(outbox);
	pthread_mutex_unlock(&outbox->lock);
	stop_thread(outbox);
	log_refused(outbox);
	if (outbox->api->delivered)
		outbox->api->delivered(outbox->api, outbox->acked);
	return empty ? 0 : give_up(outbox);
}

void outbox__close(struct outbox *outbox)
{
	struct outbox_batch *batch;

	if (!outbox)
		return;
	stop_thread(outbox);
	log_refused(outbox);
	while ((batch = outbox->first)) {
		outbox->first = batch->next;
		outbox_batch__free(batch);
	}
	for (size_t i = 0; i < OUTBOX_TARGETS; i++) {
		outbox_batch__free(outbox->open[i]);
		free(outbox->names[i]);
	}
	outbox->transport->close(outbox->arg);
	pthread_cond_destroy(&outbox->changed);
	pthread_mutex_destroy(&outbox->lock);
	free(outbox);
}
