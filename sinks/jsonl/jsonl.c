/* SPDX-License-Identifier: BSD-2-Clause */
/* One JSON object a line, for jq, for log shippers, and for any reader of the contract in EVENTS. It knows
 * no event by name. A string that is not UTF-8 is {"base64": "..."}; as a key, "base64:...". */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/base.h"
#include "core/pack.h"
#include "core/sink.h"

#define FLUSH_BYTES (64U << 10)

struct jsonl {
	const struct sink_api *api;
	struct buffer out; /* whole lines, and the one that is being written */
	struct sink_rows *rows;
	uint64_t records; /* in `out` and before */
};

/* As those of core/pack.h, put_... append to a buffer and return 0, or -1 when memory is short. */
static int put(struct buffer *out, const char *text, size_t length)
{
	return buffer__append(out, text, length);
}

static int put_number(struct buffer *out, uint64_t number, bool negative)
{
	char digits[21];
	size_t at = sizeof(digits);

	do {
		digits[--at] = '0' + number % 10;
		number /= 10;
	} while (number);
	if (negative)
		digits[--at] = '-';
	return put(out, digits + at, sizeof(digits) - at);
}

static int put_string(struct buffer *out, const char *string, uint32_t length)
{
	if (utf8__valid(string, length))
		return json__put_utf8(out, string, length);
	return put(out, "{\"base64\":\"", 11) || base64__put(out, string, length) || put(out, "\"}", 2);
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
		err = err || put_string(out, string, length);
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
		return put_number(out, value->u, false);
	case VALUE_INT:
		return put_number(out, value->i < 0 ? -value->u : value->u, value->i < 0);
	case VALUE_STRING:
		return put_string(out, value->string, value->length);
	case VALUE_LIST:
	case VALUE_MAP:
		return put_items(out, value, end);
	}
	return -1;
}

static int render(struct buffer *out, const char *name, const struct value *value)
{
	return put(out, out->size ? "," : "{", 1) || put_key(out, name, strlen(name)) || put(out, ":", 1) ||
	       (value && put_value(out, value, NULL));
}

static int jsonl__flush(void *state, bool last)
{
	struct jsonl *j = state;
	int err = write_all(j->api->out, j->out.data, j->out.size);

	(void)last;
	j->out.size = 0;
	if (err && err != -EPIPE)
		j->api->log(LOG_ERROR, "jsonl: %s", strerror(-err));
	if (!err)
		j->api->delivered(j->api, j->records);
	return err;
}

static int jsonl__write(void *state, const struct record *record)
{
	const uint8_t *end = record->bytes + record->size;
	struct jsonl *j = state;
	const struct sink_row *row;
	uint32_t i;
	int err;

	err = sink_rows__row(j->rows, record, &row);
	for (i = 0; !err && i < row->count; i++)
		if (buffer__append(&j->out, row->before[i].bytes, row->before[i].size) ||
		    put_value(&j->out, &row->values[i], end))
			err = -ENOMEM;
	if (!err && put(&j->out, "}\n", 2))
		err = -ENOMEM;
	if (err)
		j->api->log(LOG_ERROR, "jsonl: %s: %s", record->info->path, strerror(-err));
	j->records++;
	if (!err && j->out.size >= FLUSH_BYTES)
		err = jsonl__flush(j, false);
	return err;
}

static void jsonl__close(void *state)
{
	struct jsonl *j = state;

	sink_rows__free(j->rows);
	buffer__free(&j->out);
	free(j);
}

static int jsonl__open(const struct sink_api *api, const void *conf, void **state)
{
	struct jsonl *j = calloc(1, sizeof(*j));

	(void)conf;
	if (j)
		j->rows = sink_rows__new(render);
	if (!j || !j->rows) {
		free(j);
		api->log(LOG_ERROR, "jsonl: not enough memory");
		return -ENOMEM;
	}
	j->api = api;
	*state = j;
	return 0;
}

SINK(jsonl, "one JSON object a line, every event with all its fields", .open = jsonl__open, .write = jsonl__write,
     .flush = jsonl__flush, .close = jsonl__close);
