/* SPDX-License-Identifier: BSD-2-Clause */
/* A transport of sinks/outbox: a batch at a time to the brokers, by librdkafka, which tries again by itself for as long as that
 * may help. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/kafka/kafka_link.h"

#define S 1000000000ULL
#define SILENT_NS (2 * S) /* without any report: said */
#define CUT_MIN 256

static void put_failure(const struct kafka_link *link, rd_kafka_resp_err_t error, struct outbox_result *result)
{
	/* it depends on when a topic is asked for which of both it is */
	if (error == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC)
		error = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
	result->fate = kafka_producer__fate(link, error);
	snprintf(result->cause, sizeof(result->cause), "%s", rd_kafka_err2name(error));
	text__printf(&result->why, "%s", rd_kafka_err2str(error));
}

/* ---- sending ---- */

static const char *name_of(const struct outbox_item *item)
{
	return (const char *)item->head;
}

static rd_kafka_resp_err_t produce_bytes(struct kafka_link *link, const struct outbox_item *item,
					 rd_kafka_topic_t *topic, const void *bytes, size_t size, bool copy, bool *done)
{
	const size_t name = strlen(name_of(item)) + 1;
	int64_t ms;

	memcpy(&ms, item->bytes, sizeof(ms));
	return rd_kafka_producev(link->producer, RD_KAFKA_V_RKT(topic),
				 RD_KAFKA_V_MSGFLAGS(copy ? RD_KAFKA_MSG_F_COPY : 0),
				 RD_KAFKA_V_VALUE((void *)bytes, size),
				 RD_KAFKA_V_KEY((void *)(item->head + name), item->head_size - name),
				 RD_KAFKA_V_TIMESTAMP(ms), RD_KAFKA_V_OPAQUE(done), RD_KAFKA_V_END);
}

/* At most `limit` bytes of it. */
static rd_kafka_resp_err_t produce(struct kafka_link *link, const struct outbox_item *item, size_t limit, bool *done)
{
	const uint8_t *json = item->bytes + KAFKA_ITEM_TIME;
	size_t size = item->size - KAFKA_ITEM_TIME;
	const struct kafka_topic *topic = kafka_producer__topic(link, name_of(item));
	bool cut = size + item->head_size > limit;
	rd_kafka_resp_err_t error;

	if (!topic)
		return RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE;
	if (cut && (limit < item->head_size || kafka_cut__args(json, size, limit - item->head_size, &link->cut)))
		return RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
	for (;;) {
		error = produce_bytes(link, item, topic->handle, cut ? link->cut.data : json,
				      cut ? link->cut.size : size, cut, done);
		if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL || outbox__stopped(link->outbox))
			return error;
		rd_kafka_poll(link->producer, KAFKA_POLL_MS);
	}
}

/* Those of the items that have not been taken. */
static void produce_all(struct kafka_link *link, const struct outbox_items *items, size_t limit)
{
	link->failed = 0;
	link->refused = false;
	for (size_t i = 0; i < items->count && !link->failed; i++) {
		const struct outbox_item item = outbox_items__get(items, i);
		bool *done = &link->done[items->first + i];

		if (*done)
			continue;
		link->failed = produce(link, &item, limit, done);
		link->refused = link->failed;
		link->open += !link->failed;
	}
}

/* Until there is a report for each, or nothing comes. What has not been sent yet does not overtake what failed. */
static void wait_for_reports(struct kafka_link *link)
{
	uint64_t moved_ns = clock__ns(CLOCK_MONOTONIC);
	bool purged = false;

	while (link->open && !outbox__stopped(link->outbox) && clock__ns(CLOCK_MONOTONIC) < moved_ns + SILENT_NS) {
		if (link->failed && !purged)
			rd_kafka_purge(link->producer, RD_KAFKA_PURGE_F_QUEUE);
		purged |= link->failed;
		link->moved = false;
		rd_kafka_flush(link->producer, KAFKA_POLL_MS);
		if (link->moved)
			moved_ns = clock__ns(CLOCK_MONOTONIC);
		else if (kafka_producer__is_lost(link))
			break;
	}
}

static bool is_done(const struct kafka_link *link, const struct outbox_items *items)
{
	return !memchr(link->done + items->first, false, items->count);
}

/* Nothing can be sent there, or nothing was reported: librdkafka keeps what it has. */
static void put_silence(const struct kafka_link *link, const char *topic, rd_kafka_resp_err_t error,
			struct outbox_result *result)
{
	if (error && error != RD_KAFKA_RESP_ERR__TIMED_OUT) {
		put_failure(link, error, result);
		text__printf(&result->why, ": %s", topic);
		return;
	}
	result->fate = link->error ? kafka_producer__fate(link, link->error) : OUTBOX_AGAIN;
	if (link->error && link->why.size)
		text__put(&result->why, link->why.data, link->why.size);
	else
		text__printf(&result->why, "no answer");
}

/* What librdkafka gets before it knows a topic, later messages may overtake. */
static bool are_known(struct kafka_link *link, const struct outbox_items *items, struct outbox_result *result)
{
	const uint8_t *head = NULL;
	rd_kafka_resp_err_t error = 0;

	for (size_t i = 0; i < items->count && !error; i++) {
		const struct outbox_item item = outbox_items__get(items, i);
		struct kafka_topic *topic = item.head == head ? NULL : kafka_producer__topic(link, name_of(&item));

		head = item.head;
		if (!topic || topic->known)
			continue;
		error = kafka_producer__ask(link, name_of(&item));
		topic->known = !error;
		if (error)
			put_silence(link, name_of(&item), error, result);
	}
	return !error;
}

/* Half of what was too large as it is. */
static bool cut_further(const struct kafka_link *link, const struct outbox_items *items, size_t *limit)
{
	const struct outbox_item item = outbox_items__get(items, 0);
	size_t size = item.size + item.head_size;

	if (link->failed != RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE || items->count > 1 || *limit < CUT_MIN)
		return false;
	*limit = (size < *limit ? size : *limit) / 2;
	return true;
}

static size_t size_of(const struct outbox_items *items)
{
	size_t size = 0;

	for (size_t i = 0; i < items->count; i++)
		size += outbox_items__get(items, i).size;
	return size;
}

/* Sets *result if the reports are enough for it. */
static bool settle(struct kafka_link *link, const struct outbox_items *items, size_t *limit,
		   struct outbox_result *result)
{
	const struct outbox_item item = outbox_items__get(items, 0);

	if (link->open) {
		put_silence(link, name_of(&item), link->error ? 0 : kafka_producer__ask(link, name_of(&item)), result);
	} else if (is_done(link, items)) {
		result->fate = OUTBOX_TAKEN;
	} else if (!link->failed || cut_further(link, items, limit)) {
		return false;
	} else {
		put_failure(link, link->failed, result);
		if (link->failed == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE && items->count > 1 && !link->refused)
			result->too_large = size_of(items);
	}
	return true;
}

/* A batch begins when nothing of the last one is left: its halves follow each other. */
static int begin(struct kafka_link *link, const struct outbox_items *items)
{
	bool *done = link->done;

	if (link->settled < link->count)
		return 0;
	done = reallocarray(done, items->count, sizeof(*done));
	if (!done)
		return -ENOMEM;
	memset(done, 0, items->count * sizeof(*done));
	link->done = done;
	link->count = items->count;
	link->settled = 0;
	return 0;
}

static void send_items(struct kafka_link *link, const struct outbox_items *items, struct outbox_result *result)
{
	size_t limit = link->message_max;

	if (!link->open && !are_known(link, items, result))
		return;
	do {
		if (!link->open)
			produce_all(link, items, limit);
		wait_for_reports(link);
		if (outbox__stopped(link->outbox)) {
			/* the items go, and librdkafka may read them for as long as it is there */
			kafka_producer__stop(link);
			result->fate = is_done(link, items) ? OUTBOX_TAKEN : OUTBOX_AGAIN;
			return;
		}
	} while (!settle(link, items, &limit, result));
	if (result->fate == OUTBOX_TAKEN || (result->fate == OUTBOX_HALVE && items->count == 1))
		link->settled += items->count;
}

static void link__send(void *arg, unsigned target, const struct outbox_items *items, bool again,
		       struct outbox_result *result)
{
	struct kafka_link *link = arg;
	struct error err;

	(void)target;
	(void)again;
	result->fate = OUTBOX_AGAIN;
	if (!link->producer && kafka_producer__start(link, &err))
		text__printf(&result->why, "%s", err.text);
	else if (begin(link, items))
		text__printf(&result->why, "%s", strerror(ENOMEM));
	else
		send_items(link, items, result);
}

/* ---- the transport ---- */

static void link__idle(void *arg)
{
	kafka_producer__stop(arg);
}

static void link__close(void *arg)
{
	struct kafka_link *link = arg;

	kafka_producer__stop(link);
	if (link->settings)
		rd_kafka_conf_destroy(link->settings);
	text__free(&link->why);
	buffer__free(&link->cut);
	free(link->done);
	free(link);
}

const struct outbox_transport kafka_link_transport = {
	.name = KAFKA_NAME,
	.send = link__send,
	.idle = link__idle,
	.close = link__close,
};

int kafka_link__open(struct kafka_link **out, const struct sink_api *api, rd_kafka_conf_t *settings, struct error *err)
{
	struct kafka_link *link = calloc(1, sizeof(*link));
	char debug[64];
	size_t size = sizeof(debug);
	int rc;

	if (!link) {
		rd_kafka_conf_destroy(settings);
		return error__set(err, -ENOMEM, "%s", strerror(ENOMEM));
	}
	link->api = api;
	link->settings = settings;
	link->message_max = kafka_settings__number(settings, "message.max.bytes");
	link->verbose = rd_kafka_conf_get(settings, "debug", debug, &size) == RD_KAFKA_CONF_OK && *debug;
	rc = kafka_producer__start(link, err);
	if (rc)
		link__close(link);
	else
		*out = link;
	return rc;
}

void kafka_link__begin(struct kafka_link *link, const struct outbox *outbox, bool event_time, const char *topic)
{
	rd_kafka_resp_err_t error;

	link->outbox = outbox;
	link->event_time = event_time;
	error = topic ? kafka_producer__ask(link, topic) : 0;
	if (error && error != RD_KAFKA_RESP_ERR__TIMED_OUT)
		link->api->log(LOG_WARN, KAFKA_NAME ": topic %s: %s", topic, rd_kafka_err2str(error));
	/* a connection is held from the first batch on */
	kafka_producer__stop(link);
}
