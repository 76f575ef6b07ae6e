/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows, as JSON: a null is left out. Names and texts are those of the tables of other engines, see sinks/columns. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sinks/clickhouse/clickhouse.h"

#define US_SECOND 1000000

/* Every row begins with these, which its token is read from. */
#define ROW_MARKER "{\"marker\":\""
#define ROW_SEQ "\",\"seq\":"

static void put(struct buffer *out, const char *text)
{
	buffer__append(out, text, strlen(text));
}

static void put_number(struct buffer *out, const char *key, uint64_t number)
{
	put(out, key);
	json__put_number(out, number > INT64_MAX ? INT64_MAX : number, false);
}

/* ---- what the rows of a stream share ---- */

static void put_constant(struct clickhouse *c, struct buffer *out, const char *key, const char *text,
			 struct notes *notes)
{
	struct value value = {.type = VALUE_STRING, .string = text ? text : "", .length = text ? strlen(text) : 0};
	const char *string, *note;
	size_t length;

	note = scratch__string(&c->scratch, &value, &string, &length);
	buffer__append(out, ",\"", 2);
	put(out, key);
	buffer__append(out, "\":", 2);
	if (!string || json__put_utf8(out, string, length))
		out->error = -ENOMEM;
	notes__add(notes, key, note);
}

int clickhouse_row__stream(struct clickhouse *c, struct clickhouse_stream *stream, const struct stream_info *info)
{
	put_constant(c, &stream->own, "run", info->run.id, &stream->own_notes);
	put_constant(c, &stream->own, "host", info->host, &stream->own_notes);
	put_constant(c, &stream->own, "pipeline", info->run.name, &stream->own_notes);
	put_constant(c, &stream->other, "host", info->host, &stream->other_notes);
	return stream->own.error ? stream->own.error : stream->other.error;
}

/* ---- values ---- */

static void put_string(struct buffer *out, const char *string, size_t length)
{
	if (!string || json__put_utf8(out, string, length))
		out->error = -ENOMEM;
}

static const char *put_list(struct clickhouse *c, const struct value *value, const uint8_t *end)
{
	struct shown shown = shown__list(value, value->length, end);
	const uint8_t *cursor = value->items;
	const char *string;
	uint32_t size;
	size_t length;

	buffer__append(&c->item, "[", 1);
	for (uint32_t i = 0; i < shown.strings && value__item(&cursor, end, &string, &size); i++) {
		length = size;
		if (i)
			buffer__append(&c->item, ",", 1);
		if (!scratch__text(&c->scratch, shown.escaped, &string, &length))
			string = NULL;
		put_string(&c->item, string, length);
	}
	buffer__append(&c->item, "]", 1);
	return shown__note(&shown);
}

static const char *put_value(struct clickhouse *c, enum column_type type, const struct value *value, const uint8_t *end)
{
	const char *string, *note = NULL;
	size_t length;
	int64_t number;

	switch (type) {
	case COLUMN_BOOL:
		put(&c->item, value->boolean ? "true" : "false");
		break;
	case COLUMN_INT:
	case COLUMN_BIGINT:
	case COLUMN_TIME:
		number = column__number(type, value, &note);
		json__put_number(&c->item, number < 0 ? -(uint64_t)number : (uint64_t)number, number < 0);
		break;
	case COLUMN_TEXT:
		note = scratch__string(&c->scratch, value, &string, &length);
		put_string(&c->item, string, length);
		break;
	case COLUMN_LIST:
		note = put_list(c, value, end);
		break;
	case COLUMN_JSON:
		note = scratch__map(&c->scratch, value, end);
		put_string(&c->item, (const char *)c->scratch.json.data, c->scratch.json.size);
		break;
	}
	return note;
}

/* ---- a row ---- */

/* "2026-11-29 09:30:00.123456", UTC, rounded down */
static const char *time_of(struct clickhouse *c, int64_t ns)
{
	int64_t us = ns / 1000 - (ns % 1000 < 0), second = us / US_SECOND - (us % US_SECOND < 0);
	int64_t rest = us - second * US_SECOND;
	time_t seconds = second;
	struct tm tm;

	if (second != c->second || !*c->time) {
		gmtime_r(&seconds, &tm);
		strftime(c->time, sizeof(c->time), "%Y-%m-%d %H:%M:%S.000000", &tm);
		c->second = second;
	}
	for (int i = 25; i > 19; i--, rest /= 10)
		c->time[i] = (char)('0' + rest % 10);
	return c->time;
}

static void put_head(struct clickhouse *c, const struct clickhouse_stream *stream, const struct record *record,
		     bool own)
{
	struct buffer *out = &c->item;
	const struct buffer *shared = own ? &stream->own : &stream->other;

	put(out, ROW_MARKER);
	put(out, record->added ? "" : stream_record__marker(record));
	put_number(out, ROW_SEQ, record->seq);
	buffer__append(out, shared->data, shared->size);
	put_number(out, ",\"ts\":", record->ts);
	put(out, ",\"time\":\"");
	put(out, time_of(c, record->real_ns));
	put(out, "\"");
	if (record->kind < SCHEMA_KIND_BASE) /* they have no process */
		return;
	put_number(out, ",\"pid\":", record->pid);
	put_number(out, ",\"start\":", record->start);
	put_number(out, ",\"tid\":", record->tid);
	put_number(out, ",\"cpu\":", record->cpu);
}

static void put_field(struct clickhouse *c, const struct clickhouse_column *column, const struct value *value,
		      const uint8_t *end, struct notes *notes)
{
	const char *note = NULL;

	if (column__fits(column->type, value->type)) {
		buffer__append(&c->item, column->key.data, column->key.size);
		note = put_value(c, column->type, value, end);
	} else if (value->type != VALUE_NULL) {
		note = "unsupported";
	}
	notes__add(notes, column->name.data, column__reason(value, note));
}

static void copy_notes(struct notes *to, const struct notes *from)
{
	to->count = from->count;
	memcpy(to->list, from->list, from->count * sizeof(*from->list));
}

int clickhouse_row__put(struct clickhouse *c, const struct clickhouse_stream *stream,
			const struct clickhouse_event *event, const struct record *record)
{
	const uint8_t *end = record->bytes + record->size;
	bool own = record->run == record->info->run.number;
	struct value values[SCHEMA_FIELDS_MAX];
	struct notes notes;

	if (record__values(record, values))
		return -EBADMSG;
	c->item.size = 0;
	copy_notes(&notes, own ? &stream->own_notes : &stream->other_notes);
	put_head(c, stream, record, own);
	for (uint32_t i = 0; i < record->event->fields_count; i++)
		if (event->columns[i] != NO_TABLE_COLUMN)
			put_field(c, &event->table->columns[event->columns[i]], &values[i], end, &notes);
	if (notes.count) {
		scratch__notes(&c->scratch, &notes);
		put(&c->item, ",\"missing\":");
		put_string(&c->item, (const char *)c->scratch.json.data, c->scratch.json.size);
	}
	return buffer__append(&c->item, "}\n", 2);
}

/* The first row's marker and number, how many there are, and a hash of all: after a restart a request may begin with the same
 * row and have others after it. */
void clickhouse_row__token(const struct outbox_items *items, struct text *token)
{
	struct outbox_item item = outbox_items__get(items, 0);
	const char *marker = (const char *)item.bytes + sizeof(ROW_MARKER) - 1;
	size_t length = strcspn(marker, "\"");
	uint64_t seq = strtoull(marker + length + sizeof(ROW_SEQ) - 1, NULL, 10), key[2] = {0};

	for (size_t i = 0; i < items->count; i++) {
		item = outbox_items__get(items, i);
		key[0] = hash__siphash(key, item.bytes, item.size);
	}
	text__printf(token, "%.*s:%" PRIu64 ":%zu:%016" PRIx64, (int)length, marker, seq, items->count, key[0]);
}
