/* SPDX-License-Identifier: BSD-2-Clause */
/* Attributes: a name and a value of some type. */
#include <string.h>

#include "sinks/otlp/otlp.h"

enum { KEY_VALUE_KEY = 1, KEY_VALUE_VALUE = 2 };
enum { ANY_STRING = 1, ANY_INT = 3, ANY_DOUBLE = 4, ANY_ARRAY = 5 };

void proto__text(struct buffer *out, unsigned field, const char *text, size_t length)
{
	size_t open;

	if (utf8__valid(text, length)) {
		proto__bytes(out, field, text, length);
		return;
	}
	open = proto__open(out, field);
	utf8__put(out, text, length);
	proto__close(out, open);
}

static size_t open_value(struct buffer *out, unsigned field, const char *key, size_t *value)
{
	size_t open = proto__open(out, field);

	proto__string(out, KEY_VALUE_KEY, key);
	*value = proto__open(out, KEY_VALUE_VALUE);
	return open;
}

static void close_value(struct buffer *out, size_t open, size_t value)
{
	proto__close(out, value);
	proto__close(out, open);
}

void attribute__bytes(struct buffer *out, unsigned field, const char *key, const char *text, size_t length)
{
	size_t value, open = open_value(out, field, key, &value);

	proto__text(out, ANY_STRING, text, length);
	close_value(out, open, value);
}

void attribute__string(struct buffer *out, unsigned field, const char *key, const char *value)
{
	if (value)
		attribute__bytes(out, field, key, value, strlen(value));
}

void attribute__int(struct buffer *out, unsigned field, const char *key, uint64_t number)
{
	size_t value, open;

	if (EVENT_IS_NULL(number))
		return;
	open = open_value(out, field, key, &value);
	proto__uint(out, ANY_INT, number);
	close_value(out, open, value);
}

void attribute__seconds(struct buffer *out, unsigned field, const char *key, uint64_t ns)
{
	size_t value, open;

	if (EVENT_IS_NULL(ns))
		return;
	open = open_value(out, field, key, &value);
	proto__double(out, ANY_DOUBLE, (double)ns / 1e9);
	close_value(out, open, value);
}

void attribute__list(struct buffer *out, unsigned field, const char *key, const struct model_list *list)
{
	size_t value, open = open_value(out, field, key, &value), array = proto__open(out, ANY_ARRAY), item;
	const char *text = list->data;

	for (uint32_t i = 0; i < list->count; i++, text += strlen(text) + 1) {
		item = proto__open(out, 1);
		proto__text(out, ANY_STRING, text, strlen(text));
		proto__close(out, item);
	}
	proto__close(out, array);
	close_value(out, open, value);
}
