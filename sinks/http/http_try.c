/* SPDX-License-Identifier: BSD-2-Clause */
/* What becomes of a request: tried again, halved, or refused for good. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "sinks/http/http_queue.h"

#define FIRST_NS 200000000ULL
#define BATCH_MIN 4096
#define S 1000000000ULL

static const struct {
	long status;
	enum http_fate fate;
} fates[] = {
	{400, HTTP_HALVE},  {413, HTTP_HALVE},	{401, HTTP_SLOWLY}, {403, HTTP_SLOWLY}, {404, HTTP_SLOWLY},
	{405, HTTP_SLOWLY}, {407, HTTP_SLOWLY}, {415, HTTP_SLOWLY}, {408, HTTP_AGAIN},	{429, HTTP_AGAIN},
	{502, HTTP_AGAIN},  {503, HTTP_AGAIN},	{504, HTTP_AGAIN},
};

static enum http_fate fate_of_status(long status)
{
	for (size_t i = 0; i < sizeof(fates) / sizeof(*fates); i++)
		if (fates[i].status == status)
			return fates[i].fate;
	/* a redirection is not followed: it may lead anywhere, with the credentials */
	return status / 100 == 2 ? HTTP_TAKEN : status / 100 == 3 ? HTTP_SLOWLY : HTTP_REFUSED;
}

static enum http_fate fate_of(const struct http *http, unsigned target, const struct http_result *result)
{
	const struct text *answer = &http->link.answer;
	enum http_fate fate;

	switch (result->code) {
	case CURLE_OK:
		fate = fate_of_status(result->status);
		return http->sink->fate ? http->sink->fate(target, result->status, answer->data, answer->size, fate)
					: fate;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_NOT_BUILT_IN:
		return HTTP_SLOWLY;
	default:
		return HTTP_AGAIN;
	}
}

/* ---- what is said ---- */

/* The status and what the server says to it, or why there is none. */
static void put_why(const struct http *http, const struct http_result *result, struct text *why)
{
	const char *error = *http->link.error ? http->link.error : curl_easy_strerror(result->code);

	if (result->code)
		text__printf(why, "%s", error);
	else
		text__printf(why, "status %ld", result->status);
}

static uint64_t ask_answer(const struct http *http, unsigned target, long status, struct text *why)
{
	const struct text *answer = &http->link.answer;
	struct text more = {0};
	uint64_t refused;

	if (!http->sink->answer)
		return 0;
	refused = http->sink->answer(target, status, answer->data, answer->size, &more);
	if (more.size) {
		text__printf(why, ": ");
		text__safe(why, more.data, more.size);
	}
	text__free(&more);
	return refused;
}

/* Once, until something else happens. */
static void say_failure(struct http *http, const struct http_batch *batch, const struct http_result *result,
			enum http_fate fate)
{
	struct text why = {0};

	if (http->failing && http->said_status == result->status && http->said_fate == fate)
		return;
	http->failing = true;
	http->said_status = result->status;
	http->said_fate = fate;
	put_why(http, result, &why);
	ask_answer(http, batch->target, result->status, &why);
	http->api->log(LOG_WARN, "%s: %s: %s; trying again%s", http->sink->name, http->urls[batch->target],
		       why.data ? why.data : "", fate == HTTP_SLOWLY ? ", slowly" : "");
	text__free(&why);
}

static void say_success(struct http *http, const struct http_batch *batch)
{
	if (http->failing)
		http->api->log(LOG_INFO, "%s: %s: taken again", http->sink->name, http->urls[batch->target]);
	http->failing = false;
	http->failures = 0;
}

/* Counts them by cause; the first of a cause is logged. */
static void refuse(struct http *http, const struct http_batch *batch, long status, uint64_t count, const char *why)
{
	struct http_cause *cause = http->causes;
	bool first;

	pthread_mutex_lock(&http->lock);
	while (cause < http->causes + HTTP_CAUSES - 1 && cause->count && cause->status != status)
		cause++;
	first = !cause->count;
	cause->status = status;
	cause->count += count;
	http->moved_ns = clock__ns(CLOCK_MONOTONIC);
	pthread_mutex_unlock(&http->lock);
	if (first)
		http->api->log(LOG_WARN, "%s: %s: refused for good, status %ld%s; others are counted", http->sink->name,
			       http->urls[batch->target], status, why ? why : "");
}

/* ---- waiting ---- */

/* Returns false if it was stopped. */
static bool sleep_until(struct http *http, uint64_t until_ns)
{
	pthread_mutex_lock(&http->lock);
	while (!atomic_load(&http->stop) && clock__ns(CLOCK_MONOTONIC) < until_ns)
		http__wait(http, until_ns);
	pthread_mutex_unlock(&http->lock);
	return !atomic_load(&http->stop);
}

/* Twice as long each time; half of it by chance, as many clients may have failed at the same moment. */
static bool back_off(struct http *http, const struct http_result *result, enum http_fate fate)
{
	uint64_t ns = http->retry_ns;
	uint32_t random = 0;

	if (fate == HTTP_AGAIN && http->failures < 16 && FIRST_NS << http->failures < ns)
		ns = FIRST_NS << http->failures;
	http->failures++;
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = (uint32_t)clock__ns(CLOCK_MONOTONIC);
	ns = ns / 2 + ns / 2 * (random & 0xffff) / 0x10000;
	if (result->after_ns)
		ns = result->after_ns + FIRST_NS * (random & 0xffff) / 0x10000;
	return sleep_until(http, clock__ns(CLOCK_MONOTONIC) + ns);
}

/* By the rate. */
static bool pace(struct http *http, size_t count)
{
	uint64_t now = clock__ns(CLOCK_MONOTONIC), from = http->paced_ns > now ? http->paced_ns : now;

	if (!http->rate)
		return true;
	http->paced_ns = from + count * S / http->rate;
	return sleep_until(http, from);
}

/* ---- sending ---- */

struct part {
	const struct http_batch *batch;
	size_t first, count;
};

static void taken(struct http *http, const struct part *part, long status)
{
	struct text why = {0};
	uint64_t refused = ask_answer(http, part->batch->target, status, &why);

	if (refused > part->count)
		refused = part->count;
	pthread_mutex_lock(&http->lock);
	http->moved_ns = clock__ns(CLOCK_MONOTONIC);
	pthread_mutex_unlock(&http->lock);
	if (refused)
		refuse(http, part->batch, status, refused, why.data);
	else if (why.size)
		http->api->log(LOG_WARN, "%s: %s%s", http->sink->name, http->urls[part->batch->target], why.data);
	text__free(&why);
}

/* All of it is refused. */
static void refuse_part(struct http *http, const struct part *part, long status)
{
	struct text why = {0};

	ask_answer(http, part->batch->target, status, &why);
	refuse(http, part->batch, status, part->count, why.data);
	text__free(&why);
}

static bool was_too_large(struct http *http, const struct http_result *result)
{
	return result->status == 413 && http->body.size / 2 >= BATCH_MIN;
}

/* One request, as often as it takes. Sets *fate to what it was at last. Returns false if it was stopped. */
static bool try(struct http *http, const struct part *part, enum http_fate *fate, long *status)
{
	const struct http_items items = {part->count, part->batch, part->first};
	struct http_result result;

	http->body.size = 0;
	http->sink->body(part->batch->target, &items, &http->body);
	for (;;) {
		if (http->body.error ||
		    http_link__send(&http->link, http->urls[part->batch->target], &http->body, &result)) {
			buffer__free(&http->body);
			result = (struct http_result){.code = CURLE_OUT_OF_MEMORY};
		}
		if (atomic_load(&http->stop) && result.code)
			return false;
		*fate = fate_of(http, part->batch->target, &result);
		*status = result.status;
		if (*fate != HTTP_AGAIN && *fate != HTTP_SLOWLY)
			break;
		say_failure(http, part->batch, &result, *fate);
		if (!back_off(http, &result, *fate))
			return false;
		if (!http->body.size)
			http->sink->body(part->batch->target, &items, &http->body);
	}
	say_success(http, part->batch);
	if (was_too_large(http, &result)) {
		pthread_mutex_lock(&http->lock);
		if (http->batch_bytes > http->body.size / 2)
			http->batch_bytes = http->body.size / 2;
		pthread_mutex_unlock(&http->lock);
	}
	return true;
}

static bool deliver(struct http *http, const struct part *part)
{
	struct part half = *part;
	enum http_fate fate;
	long status;

	if (!try(http, part, &fate, &status))
		return false;
	if (fate == HTTP_TAKEN)
		taken(http, part, status);
	else if (fate == HTTP_REFUSED || part->count == 1)
		refuse_part(http, part, status);
	else {
		half.count = part->count / 2;
		if (!deliver(http, &half))
			return false;
		half.first += half.count;
		half.count = part->count - half.count;
		return deliver(http, &half);
	}
	return true;
}

bool http__deliver(struct http *http, const struct http_batch *batch)
{
	const struct part all = {batch, 0, batch->count};

	return pace(http, batch->count) && deliver(http, &all);
}
