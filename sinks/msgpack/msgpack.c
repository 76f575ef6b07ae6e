/* SPDX-License-Identifier: BSD-2-Clause */
/* The merged records as a sequence of msgpack maps, with the keys and order of the jsonl sink. A string
 * is str where it is UTF-8, else bin. It knows no event by name. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/pack.h"
#include "core/sink.h"

#define FLUSH_BYTES (64U << 10)

struct packed {
	const struct sink_api *api;
	struct buffer out;
	struct sink_rows *rows;
	uint64_t records; /* in `out` and before */
};

static int pack_items(struct buffer *out, const struct value *value, const uint8_t *end)
{
	uint64_t strings = (uint64_t)value->length << (value->type == VALUE_MAP);
	const uint8_t *cursor = value->items;
	const char *string;
	uint32_t length;
	int err;

	err = value->type == VALUE_MAP ? pack_map(out, value->length) : pack_array(out, value->length);
	for (; strings && !err; strings--)
		err = value__item(&cursor, end, &string, &length) ? pack__text(out, string, length) : -1;
	return err;
}

static int pack_value(struct buffer *out, const struct value *value, const uint8_t *end)
{
	switch (value->type) {
	case VALUE_NULL:
		return pack_nil(out);
	case VALUE_BOOL:
		return value->boolean ? pack_true(out) : pack_false(out);
	case VALUE_UINT:
		return pack_uint64(out, value->u);
	case VALUE_INT:
		return pack_int64(out, value->i);
	case VALUE_STRING:
		return pack__text(out, value->string, value->length);
	case VALUE_LIST:
	case VALUE_MAP:
		return pack_items(out, value, end);
	}
	return -1;
}

static int packed__flush(void *state, bool last)
{
	struct packed *p = state;
	int err = write_all(p->api->out, p->out.data, p->out.size);

	(void)last;
	p->out.size = 0;
	if (err && err != -EPIPE)
		p->api->log(LOG_ERROR, "msgpack: %s", strerror(-err));
	if (!err)
		p->api->delivered(p->api, p->records);
	return err;
}

static int render(struct buffer *out, const char *name, const struct value *value)
{
	return pack__text(out, name, strlen(name)) || (value && pack_value(out, value, NULL));
}

static int packed__write(void *state, const struct record *record)
{
	const uint8_t *end = record->bytes + record->size;
	struct packed *p = state;
	const struct sink_row *row;
	uint32_t i;
	int err;

	err = sink_rows__row(p->rows, record, &row);
	if (!err && pack_map(&p->out, row->keys))
		err = -ENOMEM;
	for (i = 0; !err && i < row->count; i++)
		if (buffer__append(&p->out, row->before[i].bytes, row->before[i].size) ||
		    pack_value(&p->out, &row->values[i], end))
			err = -ENOMEM;
	if (err)
		p->api->log(LOG_ERROR, "msgpack: %s: %s", record->info->path, strerror(-err));
	p->records++;
	if (!err && p->out.size >= FLUSH_BYTES)
		err = packed__flush(p, false);
	return err;
}

static void packed__close(void *state)
{
	struct packed *p = state;

	sink_rows__free(p->rows);
	buffer__free(&p->out);
	free(p);
}

static int packed__open(const struct sink_api *api, const void *conf, void **state)
{
	struct packed *p = calloc(1, sizeof(*p));

	(void)conf;
	if (p)
		p->rows = sink_rows__new(render);
	if (!p || !p->rows) {
		free(p);
		api->log(LOG_ERROR, "msgpack: not enough memory");
		return -ENOMEM;
	}
	p->api = api;
	*state = p;
	return 0;
}

SINK(msgpack, "one msgpack map a record, every event with all its fields", .open = packed__open, .write = packed__write,
     .flush = packed__flush, .close = packed__close);
