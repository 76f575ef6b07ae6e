/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a record goes: the topic by its template, the key by its run. */
#include <errno.h>
#include <string.h>

#include "sinks/kafka/kafka.h"

#define NAME_MAX_KAFKA 249
#define ALLOWED "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

static const char *stream_of(const struct record *record)
{
	return record->event->stream;
}

static const char *event_of(const struct record *record)
{
	return record->event->name;
}

static const char *host_of(const struct record *record)
{
	return record->info->host;
}

static const char *run_of(const struct record *record)
{
	return record->info->run.id;
}

static const struct part {
	const char *name;
	const char *(*of)(const struct record *record);
} parts[] = {{"{stream}", stream_of}, {"{event}", event_of}, {"{host}", host_of}, {"{run}", run_of}};

static const struct part *part_at(const char *text)
{
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		if (!strncmp(text, parts[i].name, strlen(parts[i].name)))
			return &parts[i];
	return NULL;
}

int kafka_topic__check(const char *template, struct error *err)
{
	const struct part *part;

	if (!*template || strlen(template) > NAME_MAX_KAFKA || !strcmp(template, ".") || !strcmp(template, ".."))
		return error__set(err, -EINVAL, "topic=%.64s: not a name of a topic", template);
	for (const char *at = template; *at; at += part ? strlen(part->name) : 1) {
		part = part_at(at);
		if (!part && !strchr(ALLOWED, *at))
			return error__set(err, -EINVAL,
					  "topic=%.64s: write letters, digits, '.', '_', '-', and {stream}, {event}, "
					  "{host}, {run}",
					  template);
	}
	return 0;
}

bool kafka_topic__depends(const char *template)
{
	return strchr(template, '{');
}

bool kafka_topic__has_event(const char *template)
{
	return strstr(template, "{event}");
}

/* As much of it as a topic's name may have. */
static void put_name(struct buffer *out, const char *text, size_t length, size_t *left)
{
	for (; length && *left; text++, length--, --*left)
		buffer__append(out, strchr(ALLOWED, *text) ? text : "_", 1);
}

int kafka_topic__head(const char *template, const struct record *record, struct buffer *out)
{
	size_t left = NAME_MAX_KAFKA;
	const struct part *part;

	for (const char *at = template; *at; at += part ? strlen(part->name) : 1) {
		part = part_at(at);
		if (part)
			put_name(out, part->of(record), strlen(part->of(record)), &left);
		else
			put_name(out, at, 1, &left);
	}
	buffer__append(out, "", 1);
	buffer__append(out, host_of(record), strlen(host_of(record)));
	buffer__append(out, "/", 1);
	return buffer__append(out, run_of(record), strlen(run_of(record)));
}
