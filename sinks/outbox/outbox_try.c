/* SPDX-License-Identifier: BSD-2-Clause */
/* What becomes of a request: tried again, halved, or refused for good. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "sinks/outbox/outbox_queue.h"

#define FIRST_NS 200000000ULL
#define BATCH_MIN 4096
#define S 1000000000ULL

struct part {
	const struct outbox_batch *batch;
	size_t first, count;
};

/* ---- what is said ---- */

static const char *text_of(const struct outbox_result *result)
{
	return result->why.data ? result->why.data : "";
}

/* Once, until something else happens. */
static void say_failure(struct outbox *outbox, const struct outbox_batch *batch, const struct outbox_result *result)
{
	const char *between = *result->cause && result->why.size ? ": " : "";

	if (outbox->failing && outbox->said_fate == result->fate && !strcmp(outbox->said_cause, result->cause))
		return;
	outbox->failing = true;
	memcpy(outbox->said_cause, result->cause, sizeof(outbox->said_cause));
	outbox->said_fate = result->fate;
	outbox->api->log(LOG_WARN, "%s: %s: %s%s%s; trying again%s", outbox->transport->name,
			 outbox->names[batch->target], result->cause, between, text_of(result),
			 result->fate == OUTBOX_SLOWLY ? ", slowly" : "");
}

static void say_success(struct outbox *outbox, const struct outbox_batch *batch)
{
	if (outbox->failing)
		outbox->api->log(LOG_INFO, "%s: %s: taken again", outbox->transport->name,
				 outbox->names[batch->target]);
	outbox->failing = false;
	outbox->failures = 0;
}

/* Counts them by cause; the first of a cause is logged. */
static void refuse(struct outbox *outbox, const struct outbox_batch *batch, const struct outbox_result *result,
		   uint64_t count)
{
	struct outbox_cause *cause = outbox->causes;
	bool first;

	pthread_mutex_lock(&outbox->lock);
	while (cause < outbox->causes + OUTBOX_CAUSES - 1 && cause->count && strcmp(cause->name, result->cause) != 0)
		cause++;
	first = !cause->count;
	memcpy(cause->name, result->cause, sizeof(cause->name));
	cause->count += count;
	outbox->moved_ns = clock__ns(CLOCK_MONOTONIC);
	pthread_mutex_unlock(&outbox->lock);
	if (first)
		outbox->api->log(LOG_WARN, "%s: %s: refused for good, %s%s%s; others are counted",
				 outbox->transport->name, outbox->names[batch->target], result->cause,
				 result->why.size ? ": " : "", text_of(result));
}

/* ---- waiting ---- */

/* Returns false if it was stopped. */
static bool sleep_until(struct outbox *outbox, uint64_t until_ns)
{
	pthread_mutex_lock(&outbox->lock);
	while (!atomic_load(&outbox->stop) && clock__ns(CLOCK_MONOTONIC) < until_ns)
		outbox__wait(outbox, until_ns);
	pthread_mutex_unlock(&outbox->lock);
	return !atomic_load(&outbox->stop);
}

/* Twice as long each time; half of it by chance, as many clients may have failed at the same moment. */
static bool back_off(struct outbox *outbox, const struct outbox_result *result)
{
	uint64_t ns = outbox->retry_ns;
	uint32_t random = 0;

	if (result->fate == OUTBOX_AGAIN && outbox->failures < 16 && FIRST_NS << outbox->failures < ns)
		ns = FIRST_NS << outbox->failures;
	outbox->failures++;
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = (uint32_t)clock__ns(CLOCK_MONOTONIC);
	ns = ns / 2 + ns / 2 * (random & 0xffff) / 0x10000;
	if (result->after_ns)
		ns = result->after_ns + FIRST_NS * (random & 0xffff) / 0x10000;
	return sleep_until(outbox, clock__ns(CLOCK_MONOTONIC) + ns);
}

/* By the rate. */
static bool pace(struct outbox *outbox, size_t count)
{
	uint64_t now = clock__ns(CLOCK_MONOTONIC), from = outbox->paced_ns > now ? outbox->paced_ns : now;

	if (!outbox->rate)
		return true;
	outbox->paced_ns = from + count * S / outbox->rate;
	return sleep_until(outbox, from);
}

/* ---- sending ---- */

static void taken(struct outbox *outbox, const struct part *part, const struct outbox_result *result)
{
	pthread_mutex_lock(&outbox->lock);
	outbox->moved_ns = clock__ns(CLOCK_MONOTONIC);
	pthread_mutex_unlock(&outbox->lock);
	if (result->refused)
		refuse(outbox, part->batch, result, result->refused < part->count ? result->refused : part->count);
	else if (result->why.size)
		outbox->api->log(LOG_WARN, "%s: %s: %s", outbox->transport->name, outbox->names[part->batch->target],
				 text_of(result));
}

/* Later batches are smaller. */
static void shrink(struct outbox *outbox, size_t too_large)
{
	if (too_large / 2 < BATCH_MIN)
		return;
	pthread_mutex_lock(&outbox->lock);
	if (outbox->batch_bytes > too_large / 2)
		outbox->batch_bytes = too_large / 2;
	pthread_mutex_unlock(&outbox->lock);
}

static bool is_failure(enum outbox_fate fate)
{
	return fate == OUTBOX_AGAIN || fate == OUTBOX_SLOWLY;
}

/* One request, as often as it takes. Returns false if it was stopped. */
static bool try(struct outbox *outbox, const struct part *part, struct outbox_result *result)
{
	const struct outbox_items items = {part->count, part->batch, part->first};
	bool again = false;

	for (;; again = true) {
		text__free(&result->why);
		*result = (struct outbox_result){0};
		outbox->transport->send(outbox->arg, part->batch->target, &items, again, result);
		if (!is_failure(result->fate))
			break;
		if (atomic_load(&outbox->stop))
			return false;
		say_failure(outbox, part->batch, result);
		if (!back_off(outbox, result))
			return false;
	}
	say_success(outbox, part->batch);
	shrink(outbox, result->too_large);
	return true;
}

static bool deliver(struct outbox *outbox, const struct part *part)
{
	struct outbox_result result = {0};
	struct part half = *part;
	bool done = try(outbox, part, &result), halve = false;

	if (done && result.fate == OUTBOX_TAKEN)
		taken(outbox, part, &result);
	else if (done && (result.fate == OUTBOX_REFUSED || part->count == 1))
		refuse(outbox, part->batch, &result, part->count);
	else
		halve = done;
	text__free(&result.why);
	if (!halve)
		return done;
	half.count = part->count / 2;
	if (!deliver(outbox, &half))
		return false;
	half.first += half.count;
	half.count = part->count - half.count;
	return deliver(outbox, &half);
}

bool outbox__deliver(struct outbox *outbox, const struct outbox_batch *batch)
{
	const struct part all = {batch, 0, batch->count};

	return pace(outbox, batch->count) && deliver(outbox, &all);
}
