/* SPDX-License-Identifier: BSD-2-Clause */
/* Values of records as JSON. */
#include "sinks/rows/json_row.h"

#include <errno.h>
#include <string.h>

#include "core/base/base.h"
#include "core/text.h"

/* Like those of core/pack.h, put_... append to a buffer and return 0, or -1: out of memory. */
static int put(struct buffer *out, const char *text, size_t length)
{
	return buffer__append(out, text, length);
}

static int put_key(struct buffer *out, const char *string, uint32_t length)
{
	if (utf8__valid(string, length))
		return json__put_utf8(out, string, length);
	return put(out, "\"base64:", 8) || base64__put(out, string, length) || put(out, "\"", 1);
}

static int put_items(struct buffer *out, const struct value *value, const uint8_t *end)
{
	const uint8_t *cursor = value->items;
	bool map = value->type == VALUE_MAP;
	const char *string;
	uint32_t length, i;
	int err = put(out, map ? "{" : "[", 1);

	for (i = 0; i < value->length && !err; i++) {
		err = (i && put(out, ",", 1)) || !value__item(&cursor, end, &string, &length);
		if (map)
			err = err || put_key(out, string, length) || put(out, ":", 1) ||
			      !value__item(&cursor, end, &string, &length);
		err = err || json__put_bytes(out, string, length);
	}
	return err || put(out, map ? "}" : "]", 1);
}

static int put_value(struct buffer *out, const struct value *value, const uint8_t *end)
{
	switch (value->type) {
	case VALUE_NULL:
		return put(out, "null", 4);
	case VALUE_BOOL:
		return put(out, value->boolean ? "true" : "false", value->boolean ? 4 : 5);
	case VALUE_UINT:
		return json__put_number(out, value->u, false);
	case VALUE_INT:
		return json__put_number(out, value->i < 0 ? -value->u : value->u, value->i < 0);
	case VALUE_STRING:
		return json__put_bytes(out, value->string, value->length);
	case VALUE_LIST:
	case VALUE_MAP:
		return put_items(out, value, end);
	}
	return -1;
}

int json_row__render(struct buffer *out, const char *name, const struct value *value)
{
	return put(out, out->size ? "," : "{", 1) || put_key(out, name, strlen(name)) || put(out, ":", 1) ||
	       (value && put_value(out, value, NULL));
}

int json_row__put(struct sink_rows *rows, const struct record *record, struct buffer *out)
{
	const uint8_t *end = record->bytes + record->size;
	const struct sink_row *row;
	int err = sink_rows__row(rows, record, &row);

	if (err)
		return err;
	for (uint32_t i = 0; i < row->count; i++)
		if (buffer__append(out, row->before[i].bytes, row->before[i].size) ||
		    put_value(out, &row->values[i], end))
			return -ENOMEM;
	return buffer__append(out, "}", 1);
}
