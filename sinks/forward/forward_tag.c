/* SPDX-License-Identifier: BSD-2-Clause */
/* Tags, by which a server routes: a template in which {stream} and {event} stand for names. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/forward/forward.h"

#define OTHER "other"

static const char *const places[] = {"{stream}", "{event}"};

/* The next place in the template; its end if there is none. */
static const char *next_place(const char *at, size_t *which)
{
	for (at = strchrnul(at, '{'); *at; at = strchrnul(at + 1, '{'))
		for (*which = 0; *which < 2; ++*which)
			if (!strncmp(at, places[*which], strlen(places[*which])))
				return at;
	return at;
}

/* NULL: out of memory. */
static char *make_tag(const char *template, const char *const names[2])
{
	struct text tag = {0};
	const char *place;
	size_t which;

	for (; *(place = next_place(template, &which)); template = place + strlen(places[which])) {
		text__put(&tag, template, (size_t)(place - template));
		utf8__put(&tag.buffer, names[which], strlen(names[which]));
	}
	text__put(&tag, template, strlen(template));
	if (!tag.error)
		return tag.data;
	text__free(&tag);
	return NULL;
}

int forward_tags__open(struct forward_tags *tags, const char *template, struct error *err)
{
	const char *at = template;
	size_t which;

	if (!*template || !utf8__valid(template, strlen(template)))
		return error__set(err, -EINVAL, "tag=: give a tag, in UTF-8");
	for (; *(at = strchrnul(at, '{')); at++)
		if (next_place(at, &which) != at)
			return error__set(err, -EINVAL, "tag=%s: use {stream} and {event}, and no other {", template);
	tags->template = strdup(template);
	return tags->template ? 0 : error__set(err, -ENOMEM, "%s", strerror(ENOMEM));
}

int forward_tags__take(struct forward_tags *tags, const char *stream, const char *event)
{
	const char *const names[] = {stream, event}, *const others[] = {OTHER, OTHER};
	char *tag = make_tag(tags->template, names);

	for (unsigned i = 0; tag && i < tags->count; i++)
		if (!strcmp(tags->tags[i], tag)) {
			free(tag);
			return (int)i;
		}
	if (tags->count >= OUTBOX_TARGETS - 1) {
		free(tag);
		if (tags->count == OUTBOX_TARGETS)
			return OUTBOX_TARGETS - 1;
		tag = make_tag(tags->template, others);
	}
	if (!tag)
		return -ENOMEM;
	tags->tags[tags->count] = tag;
	return (int)tags->count++;
}

void forward_tags__close(struct forward_tags *tags)
{
	for (unsigned i = 0; i < tags->count; i++)
		free(tags->tags[i]);
	free(tags->template);
}
