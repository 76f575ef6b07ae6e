/* SPDX-License-Identifier: BSD-2-Clause */
/* What each probe gives on this host: its events and fields, without those that it says are unavailable. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/given/given.h"

static struct given *add(struct givens *givens, const struct probe *probe)
{
	struct given *list = reallocarray(givens->list, givens->count + 1, sizeof(*list));

	if (!list)
		return NULL;
	givens->list = list;
	list[givens->count] =
		(struct given){.name = probe->name, .events = probe->events, .events_count = probe->events_count};
	return &list[givens->count++];
}

int givens__add(struct givens *givens, const struct probe *probe, uint64_t recorded, const char *const *unavailable)
{
	struct given *given = add(givens, probe);
	size_t count = 0;

	while (unavailable && unavailable[count])
		count++;
	if (given)
		given->unavailable = calloc(count + 1, sizeof(*given->unavailable));
	if (!given || !given->unavailable)
		return -ENOMEM;
	given->recorded = recorded;
	for (size_t i = 0; i < count; i++) {
		given->unavailable[i] = strdup(unavailable[i]);
		if (!given->unavailable[i])
			return -ENOMEM;
	}
	return 0;
}

int givens__add_failed(struct givens *givens, const struct probe *probe, const char *failed)
{
	struct given *given = add(givens, probe);

	if (given)
		given->failed = strdup(failed);
	return given && given->failed ? 0 : -ENOMEM;
}

void givens__free(struct givens *givens)
{
	for (size_t i = 0; i < givens->count; i++) {
		for (char **text = givens->list[i].unavailable; text && *text; text++)
			free(*text);
		free(givens->list[i].unavailable);
		free(givens->list[i].failed);
	}
	free(givens->list);
	*givens = (struct givens){0};
}

/* ---- questions ---- */

struct word {
	const char *at;
	size_t length;
};

/* The next part of a name, up to a dot; empty: there is none. */
static struct word take(struct word *rest)
{
	const char *dot = memchr(rest->at, '.', rest->length);
	struct word part = {rest->at, dot ? (size_t)(dot - rest->at) : rest->length};
	size_t used = part.length + (dot ? 1 : 0);

	*rest = (struct word){rest->at + used, rest->length - used};
	return part;
}

static bool is(struct word word, const char *name)
{
	return strlen(name) == word.length && !memcmp(name, word.at, word.length);
}

/* Whether "exit.a, exit.b: reason" or "exit: reason" is about this event or field; of a field it may also be the name alone. */
static bool is_about(const char *text, struct word event, struct word field)
{
	struct word names = {text, strcspn(text, ":")};

	while (names.length) {
		const char *comma = memchr(names.at, ',', names.length);
		struct word name = {names.at, comma ? (size_t)(comma - names.at) : names.length};
		struct word rest = name, first = take(&rest);
		size_t used = name.length;

		if (first.length == event.length && !memcmp(first.at, event.at, first.length) &&
		    (!rest.length || (rest.length == field.length && !memcmp(rest.at, field.at, rest.length))))
			return true;
		if (!rest.length && field.length && first.length == field.length &&
		    !memcmp(first.at, field.at, first.length))
			return true;
		while (used < names.length && strchr(", ", names.at[used]))
			used++;
		names = (struct word){names.at + used, names.length - used};
	}
	return false;
}

static const struct given *find(const struct givens *givens, struct word name)
{
	for (size_t i = 0; i < givens->count; i++)
		if (is(name, givens->list[i].name))
			return &givens->list[i];
	return NULL;
}

static bool has_field(const struct schema_event *event, struct word name)
{
	const struct schema_field *field = event->fields;

	while (field->name && !is(name, field->name))
		field++;
	return field->name;
}

static bool has_event(const struct given *given, struct word event, struct word field)
{
	for (size_t kind = 0; kind < given->events_count; kind++)
		if (given->events[kind].name && is(event, given->events[kind].name))
			return given->recorded >> kind & 1 && (!field.length || has_field(&given->events[kind], field));
	return false;
}

bool givens__has(const struct givens *givens, const char *name, size_t length, struct text *reason)
{
	struct word rest = {name, length}, probe = take(&rest), event = take(&rest);
	const struct given *given = find(givens, probe);

	if (!given) {
		text__printf(reason, "no probe %.*s", (int)probe.length, probe.at);
		return false;
	}
	if (!given->unavailable) {
		text__printf(reason, "probe %s does not run: %s", given->name, given->failed ? given->failed : "");
		return false;
	}
	for (char **text = given->unavailable; *text; text++)
		if (is_about(*text, event, rest)) {
			text__printf(reason, "%s.%s", given->name, *text);
			return false;
		}
	if (has_event(given, event, rest))
		return true;
	text__printf(reason, "%.*s: this probe does not record it", (int)length, name);
	return false;
}
