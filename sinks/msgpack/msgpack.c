/* SPDX-License-Identifier: BSD-2-Clause */
/* The merged records as a sequence of msgpack maps, with the keys and order of the jsonl sink. A string is str
 * if it is UTF-8, else bin. It knows no event by name. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/pack.h"
#include "core/sink.h"
#include "sinks/judging/judge.h"
#include "sinks/packing/packing.h"

#define FLUSH_BYTES (64U << 10)

struct packed_conf {
	bool verdicts;
};

static const struct opt packed_options[] = {
	OPT(struct packed_conf, verdicts, OPT_BOOL, "false", 0, 0, "a verdict event for what is wrong, at the end"),
	{0},
};

struct packed {
	const struct sink_api *api;
	struct buffer out;
	struct sink_rows *rows;
	struct judge *judge; /* NULL: no verdicts */
	uint64_t records;    /* in `out` and written */
};

static int write_out(void *state)
{
	struct packed *p = state;
	int err = write_all(p->api->out, p->out.data, p->out.size);

	p->out.size = 0;
	if (err && err != -EPIPE)
		p->api->log(LOG_ERROR, "msgpack: %s", strerror(-err));
	if (!err)
		p->api->delivered(p->api, p->records);
	return err;
}

static int render(struct buffer *out, const char *name, const struct value *value)
{
	return pack__text(out, name, strlen(name)) || (value && packing__value(out, value, NULL, pack__text));
}

static int put_record(void *state, const struct record *record)
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
		    packing__value(&p->out, &row->values[i], end, pack__text))
			err = -ENOMEM;
	if (err)
		p->api->log(LOG_ERROR, "msgpack: %s: %s", record->info->path, strerror(-err));
	p->records++;
	if (!err && p->out.size >= FLUSH_BYTES)
		err = write_out(p);
	return err;
}

static void packed__forget(void *state, const struct stream_info *info)
{
	struct packed *p = state;

	sink_rows__forget(p->rows, info);
}

static int packed__write(void *state, const struct record *record)
{
	struct packed *p = state;
	int err = put_record(state, record);

	return err ? err : judge__record(p->judge, record);
}

static int packed__stream(void *state, const struct stream_info *info)
{
	struct packed *p = state;

	return judge__stream(p->judge, info);
}

static int packed__ended(void *state, const struct stream_info *info, const struct stream_state *stream)
{
	struct packed *p = state;

	judge__ended(p->judge, info, stream);
	return 0;
}

static int packed__flush(void *state, bool last)
{
	struct packed *p = state;
	uint64_t records = p->records;
	int err = last && p->judge ? judge__finish(p->judge, put_record, p) : 0;

	p->records = records; /* verdicts are none of the merge's */
	return err ? err : write_out(state);
}

static void packed__close(void *state)
{
	struct packed *p = state;

	sink_rows__free(p->rows);
	judge__free(p->judge);
	buffer__free(&p->out);
	free(p);
}

static int packed__open(const struct sink_api *api, const void *conf, void **state)
{
	struct packed *p = calloc(1, sizeof(*p));

	if (p)
		p->rows = sink_rows__new(render);
	if (!p || !p->rows) {
		free(p);
		api->log(LOG_ERROR, "msgpack: not enough memory");
		return -ENOMEM;
	}
	p->api = api;
	*state = p;
	if (!((const struct packed_conf *)conf)->verdicts || !judge__open(&p->judge, api, "msgpack"))
		return 0;
	packed__close(p);
	return -ENOMEM;
}

SINK(msgpack, "one msgpack map a record, every event with all its fields", .options = packed_options,
     .conf_size = sizeof(struct packed_conf), .open = packed__open, .stream = packed__stream, .write = packed__write,
     .ended = packed__ended, .flush = packed__flush, .close = packed__close, .forget = packed__forget, .live = true);
