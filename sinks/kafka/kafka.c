/* SPDX-License-Identifier: BSD-2-Clause */
/* The sink for Kafka: each event is a message, a JSON object as of jsonl. A run has one key, so that its messages are in one
 * partition of a topic, in order. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/kafka/kafka.h"
#include "sinks/rows/json_row.h"

#define MS 1000000
/* With keys and what goes with each message still one request for a partition, whose next one goes when it is acknowledged: not
 * even a change of the partition's leader puts them in another order. */
#define BATCH_MAX (640U << 10)

static const struct opt kafka_options[] = {
	OPT(struct kafka_conf, brokers, OPT_STRING, "localhost:9092", 0, 0,
	    "HOST:PORT of a broker or several, separated by commas"),
	OPT(struct kafka_conf, topic, OPT_STRING, "collector", 0, 0,
	    "its name; {stream}, {event}, {host} and {run} stand for those of an event"),
	OPT(struct kafka_conf, timestamp, OPT_STRING, "client", 0, 0,
	    "of a message: client: when it is sent; event: when it happened"),
	OPT(struct kafka_conf, user, OPT_STRING, NULL, 0, 0, "name for SASL"),
	OPT(struct kafka_conf, password_file, OPT_STRING, NULL, 0, 0, "file with its password"),
	OPT(struct kafka_conf, ca, OPT_STRING, NULL, 0, 0,
	    "TLS: file with the certificates to trust in place of the system's"),
	OPT(struct kafka_conf, cert, OPT_STRING, NULL, 0, 0, "TLS: file with the client's own certificate"),
	OPT(struct kafka_conf, key, OPT_STRING, NULL, 0, 0, "file with its key"),
	OPT(struct kafka_conf, rdkafka, OPT_MAP, NULL, 0, 0,
	    "settings of librdkafka: rdkafka.sasl.mechanism=SCRAM-SHA-512, rdkafka.security.protocol=ssl..."),
	OUTBOX_OPTIONS(struct kafka_conf, outbox),
	{0},
};

struct kafka_stream {
	struct buffer *heads; /* of items: by kind if the topic depends on the event, else one */
	uint32_t count;
};

struct kafka {
	const struct sink_api *api;
	struct outbox *outbox;
	struct sink_rows *rows;
	char *topic;
	bool by_event, event_time;
	struct kafka_stream *streams; /* by index */
	size_t streams_count;
	uint64_t records;
	struct buffer item;
};

static void drop_heads(struct kafka_stream *stream)
{
	for (uint32_t i = 0; i < stream->count; i++)
		buffer__free(&stream->heads[i]);
	free(stream->heads);
	*stream = (struct kafka_stream){0};
}

static void kafka__close(void *state)
{
	struct kafka *k = state;

	outbox__close(k->outbox);
	sink_rows__free(k->rows);
	for (size_t i = 0; i < k->streams_count; i++)
		drop_heads(&k->streams[i]);
	free(k->streams);
	buffer__free(&k->item);
	free(k->topic);
	free(k);
}

/* ---- open ---- */

static int connect_to(struct kafka *k, const struct kafka_conf *conf, struct error *err)
{
	struct outbox_conf outbox = conf->outbox;
	struct kafka_link *link;
	rd_kafka_conf_t *settings;
	int rc = kafka_settings__make(k->api, conf, &settings, err);

	rc = rc ? rc : kafka_link__open(&link, k->api, settings, err);
	if (rc)
		return rc;
	if (outbox.batch > BATCH_MAX)
		outbox.batch = BATCH_MAX;
	if (outbox__open(&k->outbox, &kafka_link_transport, link, k->api, &outbox)) {
		kafka_link_transport.close(link);
		return error__set(err, -ENOMEM, "%s", strerror(ENOMEM));
	}
	kafka_link__begin(link, k->outbox, k->event_time, kafka_topic__depends(k->topic) ? NULL : k->topic);
	return outbox__target(k->outbox, conf->brokers, err);
}

static int begin(struct kafka *k, const struct kafka_conf *conf, struct error *err)
{
	int rc = kafka_topic__check(conf->topic, err);

	if (rc)
		return rc;
	if (strcmp(conf->timestamp, "client") != 0 && strcmp(conf->timestamp, "event") != 0)
		return error__set(err, -EINVAL, "timestamp=%.64s: write client or event", conf->timestamp);
	if (!*conf->brokers)
		return error__set(err, -EINVAL, "brokers=: name one, as HOST:PORT");
	k->event_time = *conf->timestamp == 'e';
	k->by_event = kafka_topic__has_event(conf->topic);
	k->topic = strdup(conf->topic);
	k->rows = sink_rows__new(json_row__render);
	if (!k->topic || !k->rows)
		return error__set(err, -ENOMEM, "%s", strerror(ENOMEM));
	return connect_to(k, conf, err);
}

static int kafka__open(const struct sink_api *api, const void *conf, void **state)
{
	struct kafka *k = calloc(1, sizeof(*k));
	struct error err;
	int rc;

	if (!k)
		return -ENOMEM;
	k->api = api;
	rc = begin(k, conf, &err);
	if (rc) {
		api->log(LOG_ERROR, KAFKA_NAME ": %s", err.text);
		kafka__close(k);
		return rc;
	}
	/* nothing is safe before it has been taken */
	outbox__safe(k->outbox, 0);
	*state = k;
	return 0;
}

/* ---- write ---- */

static struct kafka_stream *stream_at(struct kafka *k, const struct stream_info *info)
{
	size_t count = (size_t)info->index + 1;
	struct kafka_stream *streams, *stream;

	if (count > k->streams_count) {
		streams = reallocarray(k->streams, count, sizeof(*streams));
		if (!streams)
			return NULL;
		memset(streams + k->streams_count, 0, (count - k->streams_count) * sizeof(*streams));
		k->streams = streams;
		k->streams_count = count;
	}
	stream = &k->streams[info->index];
	if (!stream->heads) {
		stream->count = k->by_event ? info->events_count : 1;
		stream->heads = calloc(stream->count, sizeof(struct buffer));
	}
	return stream->heads ? stream : NULL;
}

static const struct buffer *head_of(struct kafka *k, const struct record *record)
{
	struct kafka_stream *stream = stream_at(k, record->info);
	struct buffer *head;

	if (!stream)
		return NULL;
	head = &stream->heads[k->by_event ? record->kind : 0];
	if (!head->size)
		kafka_topic__head(k->topic, record, head);
	return head;
}

static int put_item(struct kafka *k, const struct record *record)
{
	int64_t ms = k->event_time ? record->real_ns / MS : 0;

	k->item.size = 0;
	buffer__append(&k->item, &ms, sizeof(ms));
	return json_row__put(k->rows, record, &k->item);
}

static int kafka__write(void *state, const struct record *record)
{
	struct kafka *k = state;
	const struct buffer *head = head_of(k, record);
	int rc = head ? put_item(k, record) : -ENOMEM;

	rc = rc ? rc : outbox__add(k->outbox, 0, head, &k->item);
	if (rc && rc != -ETIMEDOUT) /* which was said */
		k->api->log(LOG_ERROR, KAFKA_NAME ": %s: %s", record->info->path, strerror(-rc));
	k->records++;
	return rc;
}

static int kafka__flush(void *state, bool last)
{
	struct kafka *k = state;

	outbox__safe(k->outbox, k->records);
	return last ? outbox__finish(k->outbox) : 0;
}

static void kafka__forget(void *state, const struct stream_info *info)
{
	struct kafka *k = state;

	sink_rows__forget(k->rows, info);
	if (info->index < k->streams_count)
		drop_heads(&k->streams[info->index]);
}

SINK(kafka, "each event as a message of a topic of Kafka, a JSON object", .needs = "librdkafka",
     .options = kafka_options, .conf_size = sizeof(struct kafka_conf), .open = kafka__open, .write = kafka__write,
     .flush = kafka__flush, .close = kafka__close, .forget = kafka__forget, .reads = "password_file,ca,cert,key",
     .live = true);
