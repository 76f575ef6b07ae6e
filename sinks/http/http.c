/* SPDX-License-Identifier: BSD-2-Clause */
/* The queue between the merge's thread, which adds items, and the one that sends them. */
#include "sinks/http/http.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/http/http_queue.h"

#define S 1000000000ULL
#define MS 1000000ULL
#define WAITING_MAX 4 /* largest batches */
#define OPEN_MAX 4    /* largest batches that are open together */
#define OPEN_NS (200 * MS)
#define STOP_POLL_NS (100 * MS) /* how soon a signal is noticed */
#define IDLE_NS (5 * S)		/* after that the connection is closed */

/* ---- the queue, with the lock ---- */

static struct http_batch *oldest(const struct http *http)
{
	struct http_batch *first = NULL;

	for (size_t i = 0; i < http->targets; i++)
		if (http->open[i] && (!first || http->open[i]->opened_ns < first->opened_ns))
			first = http->open[i];
	return first;
}

static void close_batch(struct http *http, unsigned target)
{
	struct http_batch *batch = http->open[target];

	http->open[target] = NULL;
	http->open_count--;
	http->open_bytes -= batch->bytes.size;
	http->waiting += batch->bytes.size;
	*http->last = batch;
	http->last = &batch->next;
	pthread_cond_broadcast(&http->changed);
}

/* The oldest first. */
static void close_batches(struct http *http)
{
	const struct http_batch *batch;

	while ((batch = oldest(http)))
		close_batch(http, batch->target);
}

static bool is_empty(const struct http *http)
{
	return !http->first && !http->open_count;
}

/* What came before the first item of each batch that has not been taken is safe. */
static void update_acked(struct http *http)
{
	uint64_t safe = http->safe;

	for (const struct http_batch *batch = http->first; batch; batch = batch->next)
		safe = batch->safe < safe ? batch->safe : safe;
	for (size_t i = 0; i < http->targets; i++)
		if (http->open[i] && http->open[i]->safe < safe)
			safe = http->open[i]->safe;
	http->acked = safe > http->acked ? safe : http->acked;
}

/* ---- the thread ---- */

/* The next batch, which stays in the queue; NULL: the end. */
static struct http_batch *next_batch(struct http *http)
{
	uint64_t idle_ns = clock__ns(CLOCK_MONOTONIC) + IDLE_NS;
	uint64_t open_ns = http->sink->open_ns ? http->sink->open_ns : OPEN_NS;
	const struct http_batch *open;

	while (!http->first && !atomic_load(&http->stop)) {
		uint64_t now = clock__ns(CLOCK_MONOTONIC), due = UINT64_MAX;

		open = oldest(http);
		if (open && now >= open->opened_ns + open_ns) {
			close_batch(http, open->target);
			continue;
		}
		if (open)
			due = open->opened_ns + open_ns;
		else if (http->link.curl && now >= idle_ns)
			http_link__idle(&http->link);
		else if (http->link.curl)
			due = idle_ns;
		if (due == UINT64_MAX)
			pthread_cond_wait(&http->changed, &http->lock);
		else
			http__wait(http, due);
	}
	return atomic_load(&http->stop) ? NULL : http->first;
}

static void remove_first(struct http *http)
{
	struct http_batch *batch = http->first;

	http->first = batch->next;
	if (!http->first)
		http->last = &http->first;
	http->waiting -= batch->bytes.size;
	update_acked(http);
	http->moved_ns = clock__ns(CLOCK_MONOTONIC);
	pthread_cond_broadcast(&http->changed);
	http_batch__free(batch);
}

static void *run(void *arg)
{
	struct http *http = arg;
	const struct http_batch *batch;
	bool done;

	pthread_mutex_lock(&http->lock);
	while ((batch = next_batch(http))) {
		pthread_mutex_unlock(&http->lock);
		done = http__deliver(http, batch);
		pthread_mutex_lock(&http->lock);
		if (!done)
			break;
		remove_first(http);
	}
	pthread_mutex_unlock(&http->lock);
	return NULL;
}

static int start_thread(struct http *http)
{
	sigset_t all, before;
	int rc;

	/* signals go to the merge's thread */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = -pthread_create(&http->thread, NULL, run, http);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	http->started = !rc;
	return rc;
}

static void stop_thread(struct http *http)
{
	if (!http->started)
		return;
	pthread_mutex_lock(&http->lock);
	atomic_store(&http->stop, true);
	pthread_cond_broadcast(&http->changed);
	pthread_mutex_unlock(&http->lock);
	pthread_join(http->thread, NULL);
	http->started = false;
}

/* ---- the merge's thread ---- */

int http__open(struct http **out, const struct http_sink *sink, const struct sink_api *api,
	       const struct http_conf *conf, struct error *err)
{
	struct http *http = calloc(1, sizeof(*http));
	pthread_condattr_t attributes;
	int rc;

	*out = http;
	if (!http)
		return error__set(err, -ENOMEM, "%s", strerror(ENOMEM));
	http->sink = http->link.sink = sink;
	http->api = http->link.api = api;
	http->link.stop = &http->stop;
	http->retry_ns = conf->retry;
	http->end_ns = conf->end;
	http->rate = conf->rate;
	http->batch_bytes = conf->batch;
	http->last = &http->first;
	http->moved_ns = clock__ns(CLOCK_MONOTONIC);
	pthread_mutex_init(&http->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&http->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	rc = http_link__open(&http->link, conf, err);
	if (rc) {
		http__close(http);
		*out = NULL;
	}
	return rc;
}

int http__header(struct http *http, const char *line)
{
	return http_link__header(&http->link, line);
}

static bool is_known(const struct http *http, const char *url)
{
	for (size_t i = 0; i < http->targets; i++)
		if (!strcmp(http->urls[i], url))
			return true;
	return false;
}

int http__target(struct http *http, const char *url, struct error *err)
{
	struct error why;
	int rc = is_known(http, url) ? 0 : http_link__check(&http->link, url, &why);

	if (rc)
		return error__set(err, rc, "%s: %s", url, why.text);
	if (http->targets == HTTP_TARGETS)
		return error__set(err, -ENOSPC, "%s: more than %d targets", url, HTTP_TARGETS);
	if (!(http->urls[http->targets] = strdup(url)))
		return error__set(err, -ENOMEM, "%s", strerror(ENOMEM));
	pthread_mutex_lock(&http->lock);
	http->targets++;
	pthread_mutex_unlock(&http->lock);
	return 0;
}

static bool is_stopped(const struct http *http)
{
	return http->api->stopped && http->api->stopped(http->api);
}

/* Waits until the server takes something, or no longer than that is worth it; with the lock. 0 or -ETIMEDOUT. */
static int wait_for_room(struct http *http)
{
	while (http->waiting > WAITING_MAX * http->batch_bytes && !is_stopped(http)) {
		uint64_t now = clock__ns(CLOCK_MONOTONIC);

		if (!http->api->follows && now > http->moved_ns + http->end_ns)
			return -ETIMEDOUT;
		http__wait(http, now + STOP_POLL_NS);
	}
	return 0;
}

static int add(struct http *http, unsigned target, const struct buffer *head, const struct buffer *item)
{
	struct http_batch **open = &http->open[target];
	size_t size = head->size + item->size;
	int rc;

	if (*open && (*open)->bytes.size + size > http->batch_bytes)
		close_batch(http, target);
	if (http->open_bytes + size > OPEN_MAX * http->batch_bytes)
		close_batches(http);
	if (!*open && wait_for_room(http))
		return -ETIMEDOUT;
	if (!*open) {
		*open = http_batch__new(target, http->safe);
		if (!*open)
			return -ENOMEM;
		http->open_count++;
		pthread_cond_signal(&http->changed);
	}
	http->open_bytes -= (*open)->bytes.size;
	rc = http_batch__add(*open, head, item);
	http->open_bytes += (*open)->bytes.size;
	return rc;
}

/* With the lock, or without the thread. */
static int give_up(const struct http *http)
{
	http->api->log(LOG_ERROR, "%s: %s takes nothing: giving up after %.0f s; not all was delivered",
		       http->sink->name, http->first ? http->urls[http->first->target] : "the server",
		       (double)http->end_ns / S);
	return -ETIMEDOUT;
}

static int add_item(struct http *http, unsigned target, const struct buffer *head, const struct buffer *item,
		    bool alone)
{
	int rc = head->error ? head->error : item->error;

	if (!rc && !http->started)
		rc = start_thread(http);
	if (rc)
		return rc;
	pthread_mutex_lock(&http->lock);
	if (is_empty(http))
		http->moved_ns = clock__ns(CLOCK_MONOTONIC);
	if (alone && http->open[target])
		close_batch(http, target);
	rc = add(http, target, head, item);
	if (!rc && alone)
		close_batch(http, target);
	if (rc == -ETIMEDOUT)
		give_up(http);
	pthread_mutex_unlock(&http->lock);
	return rc;
}

int http__add(struct http *http, unsigned target, const struct buffer *head, const struct buffer *item)
{
	return add_item(http, target, head, item, false);
}

int http__add_alone(struct http *http, unsigned target, const struct buffer *item)
{
	const struct buffer none = {0};

	return add_item(http, target, &none, item, true);
}

void http__safe(struct http *http, uint64_t records)
{
	uint64_t safe;

	pthread_mutex_lock(&http->lock);
	http->safe = records;
	update_acked(http);
	safe = http->acked;
	pthread_mutex_unlock(&http->lock);
	if (http->api->delivered)
		http->api->delivered(http->api, safe);
}

/* The process may end without a call of http__close(). */
static void log_refused(struct http *http)
{
	if (http->said)
		return;
	http->said = true;
	for (const struct http_cause *cause = http->causes; cause < http->causes + HTTP_CAUSES && cause->count; cause++)
		http->api->log(LOG_WARN, "%s: %" PRIu64 " refused for good with status %ld", http->sink->name,
			       cause->count, cause->status);
}

int http__finish(struct http *http)
{
	bool empty;

	pthread_mutex_lock(&http->lock);
	close_batches(http);
	http->moved_ns = clock__ns(CLOCK_MONOTONIC);
	while (!is_empty(http) && clock__ns(CLOCK_MONOTONIC) <= http->moved_ns + http->end_ns)
		http__wait(http, http->moved_ns + http->end_ns + MS);
	empty = is_empty(http);
	update_acked(http);
	pthread_mutex_unlock(&http->lock);
	stop_thread(http);
	log_refused(http);
	if (http->api->delivered)
		http->api->delivered(http->api, http->acked);
	return empty ? 0 : give_up(http);
}

void http__close(struct http *http)
{
	struct http_batch *batch;

	if (!http)
		return;
	stop_thread(http);
	log_refused(http);
	while ((batch = http->first)) {
		http->first = batch->next;
		http_batch__free(batch);
	}
	for (size_t i = 0; i < HTTP_TARGETS; i++) {
		http_batch__free(http->open[i]);
		free(http->urls[i]);
	}
	buffer__free(&http->body);
	http_link__close(&http->link);
	pthread_cond_destroy(&http->changed);
	pthread_mutex_destroy(&http->lock);
	free(http);
}
