/* SPDX-License-Identifier: BSD-2-Clause */
/* Values of rows that wait on disk, as they are in memory: a byte for the type, and then a number, or the size of what follows.
 * Only the process that wrote them reads them. Each function that puts a value returns not 0 without memory. Private to
 * sinks/tables. */
#ifndef SINKS_TABLES_KEPT_H
#define SINKS_TABLES_KEPT_H

#include "core/pack.h"
#include "core/record.h"

/* Of a list or map: its items, packed strings, are `size` bytes. */
struct kept_items {
	uint32_t count, size;
};

/* The type, `size` bytes, and room for `more`. */
static inline int kept__put(struct buffer *out, enum value_type type, const void *bytes, size_t size, size_t more)
{
	if (out->capacity - out->size < 1 + size + more && buffer__reserve(out, 1 + size + more))
		return out->error;
	out->data[out->size] = type;
	memcpy(out->data + out->size + 1, bytes, size);
	out->size += 1 + size;
	return 0;
}

static inline int kept__null(struct buffer *out)
{
	return kept__put(out, VALUE_NULL, "", 0, 0);
}

static inline int kept__bool(struct buffer *out, bool boolean)
{
	return kept__put(out, VALUE_BOOL, &boolean, sizeof(boolean), 0);
}

static inline int kept__number(struct buffer *out, uint64_t number)
{
	return kept__put(out, VALUE_UINT, &number, sizeof(number), 0);
}

static inline int kept__signed(struct buffer *out, int64_t number)
{
	return kept__put(out, VALUE_INT, &number, sizeof(number), 0);
}

static inline int kept__text(struct buffer *out, const char *text, size_t length)
{
	uint32_t size = length;

	return kept__put(out, VALUE_STRING, &size, sizeof(size), length) || buffer__append(out, text, length);
}

/* Begins a list or map, whose strings pack__text() appends; *at: for the end. */
static inline int kept__begin(struct buffer *out, enum value_type type, size_t count, size_t *at)
{
	struct kept_items items = {.count = count};

	*at = out->size + 1;
	return kept__put(out, type, &items, sizeof(items), 0);
}

static inline int kept__end(struct buffer *out, size_t at)
{
	uint32_t size = out->size - at - sizeof(struct kept_items);

	if (!out->error)
		memcpy(out->data + at + offsetof(struct kept_items, size), &size, sizeof(size));
	return out->error;
}

/* Reads a value and returns where it ends. */
static inline const uint8_t *kept__take(const uint8_t *at, struct value *value)
{
	struct kept_items items;

	value->type = *at++;
	switch (value->type) {
	case VALUE_NULL:
		return at;
	case VALUE_BOOL:
		memcpy(&value->boolean, at, sizeof(value->boolean));
		return at + sizeof(value->boolean);
	case VALUE_UINT:
	case VALUE_INT:
		memcpy(&value->u, at, sizeof(value->u));
		return at + sizeof(value->u);
	case VALUE_STRING:
		memcpy(&value->length, at, sizeof(value->length));
		value->string = (const char *)at + sizeof(value->length);
		return at + sizeof(value->length) + value->length;
	case VALUE_LIST:
	case VALUE_MAP:
		break;
	}
	memcpy(&items, at, sizeof(items));
	value->length = items.count;
	value->items = at + sizeof(items);
	return value->items + items.size;
}

#endif
