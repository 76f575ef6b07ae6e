/* SPDX-License-Identifier: BSD-2-Clause */
/* A producer of librdkafka. Its callbacks come from within rd_kafka_flush() and rd_kafka_poll(), on the thread that calls these;
 * only its log does not. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/kafka/kafka_link.h"

#define ASK_MS 1000 /* for what the brokers say of a topic */

/* ---- what librdkafka reports ---- */

static void on_report(rd_kafka_t *producer, const rd_kafka_message_t *message, void *arg)
{
	struct kafka_link *link = arg;

	(void)producer;
	link->open--;
	link->moved = true;
	if (!message->err) {
		*(bool *)message->_private = true;
		link->error = 0;
		link->down = false;
	} else if (message->err != RD_KAFKA_RESP_ERR__PURGE_QUEUE &&
		   message->err != RD_KAFKA_RESP_ERR__PURGE_INFLIGHT && !link->failed) {
		link->failed = message->err;
	}
}

/* librdkafka goes on to try. The text of one broker's error says more than that all are down. */
static void on_error(rd_kafka_t *producer, int error, const char *reason, void *arg)
{
	struct kafka_link *link = arg;
	const char *end = strstr(reason, " (after ");

	(void)producer;
	link->down |= error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
	if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && link->error)
		return;
	link->error = error;
	text__free(&link->why);
	text__safe(&link->why, reason, end ? (size_t)(end - reason) : strlen(reason));
}

static void on_log(const rd_kafka_t *producer, int level, const char *facility, const char *text)
{
	const struct kafka_link *link = rd_kafka_opaque(producer);
	struct text safe = {0};

	(void)level;
	if (!link->verbose)
		return;
	text__safe(&safe, text, strlen(text));
	link->api->log(LOG_INFO, KAFKA_NAME ": %s: %s", facility, safe.data ? safe.data : "");
	text__free(&safe);
}

/* ---- the producer ---- */

int kafka_producer__start(struct kafka_link *link, struct error *err)
{
	rd_kafka_conf_t *settings = rd_kafka_conf_dup(link->settings);
	sigset_t all, before;
	char why[512];

	rd_kafka_conf_set_dr_msg_cb(settings, on_report);
	rd_kafka_conf_set_error_cb(settings, on_error);
	rd_kafka_conf_set_log_cb(settings, on_log);
	rd_kafka_conf_set_opaque(settings, link);
	/* signals go to the merge's thread */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	link->producer = rd_kafka_new(RD_KAFKA_PRODUCER, settings, why, sizeof(why));
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (link->producer)
		return 0;
	rd_kafka_conf_destroy(settings);
	return error__set(err, -EINVAL, "%s", why);
}

void kafka_producer__stop(struct kafka_link *link)
{
	struct kafka_topic *topic;

	while ((topic = link->topics)) {
		link->topics = topic->next;
		rd_kafka_topic_destroy(topic->handle);
		free(topic);
	}
	if (!link->producer)
		return;
	rd_kafka_purge(link->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
	rd_kafka_flush(link->producer, KAFKA_POLL_MS);
	rd_kafka_destroy(link->producer);
	link->producer = NULL;
	link->open = 0;
}

struct kafka_topic *kafka_producer__topic(struct kafka_link *link, const char *name)
{
	struct kafka_topic **at = &link->topics, *topic;

	while (*at && strcmp(rd_kafka_topic_name((*at)->handle), name) != 0)
		at = &(*at)->next;
	topic = *at;
	if (topic) {
		*at = topic->next;
	} else {
		topic = calloc(1, sizeof(*topic));
		if (topic)
			topic->handle = rd_kafka_topic_new(link->producer, name, NULL);
		if (!topic || !topic->handle) {
			free(topic);
			return NULL;
		}
	}
	/* the next item is likely to go there too */
	topic->next = link->topics;
	link->topics = topic;
	return topic;
}

/* ---- what a failure means ---- */

static const struct {
	rd_kafka_resp_err_t error;
	enum outbox_fate fate;
} fates[] = {
	/* one message of the request is why */
	{RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, OUTBOX_HALVE},
	{RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE, OUTBOX_HALVE},
	{RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE, OUTBOX_HALVE},
	{RD_KAFKA_RESP_ERR_INVALID_MSG, OUTBOX_HALVE},
	{RD_KAFKA_RESP_ERR_INVALID_RECORD, OUTBOX_HALVE},
	{RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP, OUTBOX_HALVE},
	{RD_KAFKA_RESP_ERR_POLICY_VIOLATION, OUTBOX_HALVE},
	/* what a person has to change */
	{RD_KAFKA_RESP_ERR__AUTHENTICATION, OUTBOX_SLOWLY},
	{RD_KAFKA_RESP_ERR__SSL, OUTBOX_SLOWLY},
	{RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, OUTBOX_SLOWLY},
	{RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, OUTBOX_SLOWLY},
	{RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, OUTBOX_SLOWLY},
	{RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, OUTBOX_SLOWLY},
	{RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, OUTBOX_SLOWLY},
	{RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, OUTBOX_SLOWLY},
	{RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, OUTBOX_SLOWLY},
	{RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM, OUTBOX_SLOWLY},
	{RD_KAFKA_RESP_ERR_UNSUPPORTED_COMPRESSION_TYPE, OUTBOX_SLOWLY},
	{RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT, OUTBOX_SLOWLY},
};

enum outbox_fate kafka_producer__fate(const struct kafka_link *link, rd_kafka_resp_err_t error)
{
	/* one of both clocks is wrong, or the message was long on its way: sent again it has another time */
	if (error == RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP && !link->event_time)
		return OUTBOX_SLOWLY;
	for (size_t i = 0; i < sizeof(fates) / sizeof(*fates); i++)
		if (fates[i].error == error)
			return fates[i].fate;
	return OUTBOX_AGAIN;
}

bool kafka_producer__is_lost(const struct kafka_link *link)
{
	return link->down || kafka_producer__fate(link, link->error) == OUTBOX_SLOWLY;
}

rd_kafka_resp_err_t kafka_producer__ask(struct kafka_link *link, const char *name)
{
	const struct kafka_topic *topic = kafka_producer__topic(link, name);
	const struct rd_kafka_metadata *metadata;
	rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR__TIMED_OUT;
	int ms = 0;

	do {
		rd_kafka_poll(link->producer, 0);
		if (!topic || rd_kafka_metadata(link->producer, 0, topic->handle, &metadata, KAFKA_POLL_MS))
			continue;
		error = metadata->topic_cnt ? metadata->topics[0].err : 0;
		rd_kafka_metadata_destroy(metadata);
		link->error = 0;
		link->down = false;
		break;
	} while ((ms += KAFKA_POLL_MS) < ASK_MS && !kafka_producer__is_lost(link) && !outbox__stopped(link->outbox));
	return error;
}
