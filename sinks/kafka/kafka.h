/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the sink kafka share. */
#ifndef SINKS_KAFKA_KAFKA_H
#define SINKS_KAFKA_KAFKA_H

#include <librdkafka/rdkafka.h>

#include "core/base/base.h"
#include "core/sink.h"
#include "core/text.h"
#include "sinks/outbox/outbox.h"

#define KAFKA_NAME "kafka"

struct kafka_conf {
	char *brokers, *topic, *timestamp, *user, *password_file, *ca, *cert, *key;
	struct opt_list rdkafka;
	struct outbox_conf outbox;
};

/* An item of the outbox: its head is the topic's name, ended by a NUL, and the key; its bytes begin with the time in milliseconds
 * since 1970, 0: when it is sent. */
#define KAFKA_ITEM_TIME sizeof(int64_t)

/* ---- kafka_settings.c ---- */

/* What librdkafka is to do, by the options and their files. 0, or -errno with a sentence. */
int kafka_settings__make(const struct sink_api *api, const struct kafka_conf *conf, rd_kafka_conf_t **settings,
			 struct error *err);
/* A number among them. */
size_t kafka_settings__number(const rd_kafka_conf_t *settings, const char *name);

/* ---- kafka_topic.c ---- */

/* 0, or -EINVAL with a sentence. */
int kafka_topic__check(const char *template, struct error *err);
bool kafka_topic__depends(const char *template); /* on the record: it is not the name of one topic */
bool kafka_topic__has_event(const char *template);
/* Appends the head of items with such a record. 0 or -ENOMEM. */
int kafka_topic__head(const char *template, const struct record *record, struct buffer *out);

/* ---- kafka_cut.c ---- */

/* Puts into `out` a message of at most `limit` bytes: without the last ones of `args`, which `missing` says. 0, -ENOMEM, or
 * -E2BIG: it is too large without any of them. */
int kafka_cut__args(const uint8_t *json, size_t size, size_t limit, struct buffer *out);

/* ---- kafka_link.c ---- */

struct kafka_link;

/* Owns the settings. 0, or -errno with a sentence. */
int kafka_link__open(struct kafka_link **link, const struct sink_api *api, rd_kafka_conf_t *settings,
		     struct error *err);
/* Whose transport it is, and whether messages have the times of their events. Logs if there is no such topic, unless that is
 * NULL. */
void kafka_link__begin(struct kafka_link *link, const struct outbox *outbox, bool event_time, const char *topic);
extern const struct outbox_transport kafka_link_transport;

#endif
