/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the transport share: the producer, which holds the connections, and the batch that it sends. */
#ifndef SINKS_KAFKA_KAFKA_LINK_H
#define SINKS_KAFKA_KAFKA_LINK_H

#include "sinks/kafka/kafka.h"

#define KAFKA_POLL_MS 100 /* how soon the end is noticed */

struct kafka_topic {
	struct kafka_topic *next;
	rd_kafka_topic_t *handle;
	bool known; /* to librdkafka */
};

struct kafka_link {
	const struct sink_api *api;
	const struct outbox *outbox;
	rd_kafka_conf_t *settings;
	size_t message_max;
	bool verbose;	      /* debug is set */
	bool event_time;      /* of a message; else when it is sent */
	rd_kafka_t *producer; /* NULL: no connection is held */
	struct kafka_topic *topics;

	/* of the batch that is sent, by the item's place in it */
	bool *done;
	size_t count, settled;
	size_t open;		    /* messages without a report */
	rd_kafka_resp_err_t failed; /* the first failure */
	bool refused;		    /* it was not a broker's: the message did not get there */
	bool moved;		    /* a report has come */

	rd_kafka_resp_err_t error; /* of a connection, since the last success */
	bool down;		   /* no broker can be reached, since then */
	struct text why;
	struct buffer cut;
};

/* ---- kafka_producer.c ---- */

int kafka_producer__start(struct kafka_link *link, struct error *err);		      /* 0 or -EINVAL with a sentence */
void kafka_producer__stop(struct kafka_link *link);				      /* what it has not sent is gone */
struct kafka_topic *kafka_producer__topic(struct kafka_link *link, const char *name); /* NULL: out of memory */
/* What the brokers say of a topic: 0, why nothing can be sent there, or _TIMED_OUT. */
rd_kafka_resp_err_t kafka_producer__ask(struct kafka_link *link, const char *name);
bool kafka_producer__is_lost(const struct kafka_link *link); /* no more is to be expected for now */
enum outbox_fate kafka_producer__fate(const struct kafka_link *link, rd_kafka_resp_err_t error);

#endif
