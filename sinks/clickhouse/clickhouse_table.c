/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables by the names of events, whatever probe they come from, and which column a field of a stream's event goes into. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/clickhouse/clickhouse.h"

#define MISSING "missing"
#define COLUMNS_MAX 512 /* of a table, which streams of many versions may have */

/* ---- columns ---- */

static void put_utf8(struct text *out, const char *text)
{
	size_t length = strlen(text);
	char *made;
	const char *safe = column__text(text, &length, &made);

	if (safe)
		text__put(out, safe, length);
	else
		out->error = -ENOMEM;
	free(made);
}

/* Returns its index, or -ENOMEM. */
static int add_column(struct clickhouse_table *table, const char *name, enum column_type type)
{
	struct clickhouse_column *columns = reallocarray(table->columns, table->columns_count + 1, sizeof(*columns));
	struct clickhouse_column *column;

	if (!columns)
		return -ENOMEM;
	table->columns = columns;
	column = &columns[table->columns_count++];
	*column = (struct clickhouse_column){.type = type};
	put_utf8(&column->name, name);
	text__printf(&column->key, ",");
	if (column->name.error || json__put_utf8(&column->key.buffer, column->name.data, column->name.size))
		return -ENOMEM;
	buffer__append(&column->key.buffer, ":", 1);
	return column->key.error ? -ENOMEM : (int)table->columns_count - 1;
}

static int find_column(const struct clickhouse_table *table, const char *name)
{
	for (size_t i = 0; i < table->columns_count; i++)
		if (!strcmp(table->columns[i].name.data, name))
			return (int)i;
	return -1;
}

/* The first columns are common to all events, and so is the one of reasons: fields cannot take their names. */
static bool is_taken(const struct clickhouse_table *table, const struct clickhouse_event *event, uint32_t fields,
		     int column)
{
	if (column < HEADS || !strcmp(table->columns[column].name.data, MISSING))
		return true;
	for (uint32_t i = 0; i < fields; i++)
		if (event->columns[i] == (uint32_t)column)
			return true;
	return false;
}

/* The column of a field, made if there is none. If others have its name, its type is appended. 0, or -errno: -E2BIG is none. */
static int take_column(struct clickhouse_event *event, uint32_t i, const char *name, enum column_type type, bool *added)
{
	struct clickhouse_table *table = event->table;
	int column = find_column(table, name);
	char other[160];

	if (column < 0 && table->columns_count >= COLUMNS_MAX)
		return -E2BIG;
	if (column < 0) {
		column = add_column(table, name, type);
		*added = true;
	} else if (table->columns[column].type != type || is_taken(table, event, i, column)) {
		if (snprintf(other, sizeof(other), "%s_%s", name, column_type__name(type)) >= (int)sizeof(other))
			return -E2BIG;
		return take_column(event, i, other, type, added);
	}
	event->columns[i] = (uint32_t)column;
	return column < 0 ? column : 0;
}

static int take_field(const struct clickhouse *c, struct clickhouse_event *event, const struct stream_event *from,
		      uint32_t i, bool *added)
{
	const char *name = column__name(from, from->fields[i].name);
	int rc;

	event->columns[i] = NO_TABLE_COLUMN;
	rc = name ? take_column(event, i, name, column__of(name, from->fields[i].type), added) : 0;
	if (rc == -E2BIG)
		c->api->log(LOG_WARN, CLICKHOUSE_NAME ": %s: %s: left out: there are too many columns",
			    event->table->name.data, name);
	return rc == -E2BIG ? 0 : rc;
}

/* ---- tables ---- */

static void table__free(struct clickhouse_table *table)
{
	for (size_t i = 0; i < table->columns_count; i++) {
		text__free(&table->columns[i].name);
		text__free(&table->columns[i].key);
	}
	free(table->columns);
	text__free(&table->name);
	buffer__free(&table->head);
	free(table);
}

void clickhouse__free_tables(struct clickhouse *c)
{
	struct clickhouse_table *table;

	while ((table = c->tables)) {
		c->tables = table->next;
		table__free(table);
	}
}

static int fill_table(struct clickhouse *c, struct clickhouse_table *table)
{
	for (int i = 0; i < HEADS; i++)
		if (add_column(table, event_heads[i].name, event_heads[i].type) < 0)
			return -ENOMEM;
	if (add_column(table, MISSING, COLUMN_TEXT) < 0)
		return -ENOMEM;
	clickhouse_sql__insert(&table->head, c, table);
	return table->head.error;
}

/* Owns the name. 0, -ENOMEM, or -ENOSPC: there are too many, which is logged. */
static int add_table(struct clickhouse *c, struct text *name, bool control, struct clickhouse_table **out)
{
	struct clickhouse_table *table = calloc(1, sizeof(*table));
	struct error err;
	int rc;

	if (!table) {
		text__free(name);
		return -ENOMEM;
	}
	table->name = *name;
	table->control = control;
	for (const struct clickhouse_table *other = c->tables; other; other = other->next)
		table->target = other->target > table->target ? other->target : table->target;
	table->target++;
	rc = fill_table(c, table);
	rc = rc ? rc : http__target(c->outbox, c->url, &err);
	if (rc) {
		if (rc == -ENOSPC)
			c->api->log(LOG_WARN, CLICKHOUSE_NAME ": %s: left out: there are too many tables",
				    table->name.data);
		table__free(table);
		return rc;
	}
	table->next = c->tables;
	c->tables = table;
	*out = table;
	return 0;
}

/* 0 or -errno as above. */
static int take_table(struct clickhouse *c, const struct stream_event *event, bool control,
		      struct clickhouse_table **out)
{
	struct text name = {0};

	put_utf8(&name, event->stream);
	text__printf(&name, "_");
	put_utf8(&name, event->name);
	if (name.error)
		return -ENOMEM;
	for (*out = c->tables; *out; *out = (*out)->next) {
		if (strcmp((*out)->name.data, name.data) != 0)
			continue;
		text__free(&name);
		return 0;
	}
	return add_table(c, &name, control, out);
}

/* ---- streams ---- */

static int make_event(struct clickhouse *c, struct clickhouse_event *event, const struct stream_event *from,
		      uint32_t kind)
{
	struct clickhouse_table *before = c->tables;
	bool added;
	int rc = take_table(c, from, kind < SCHEMA_KIND_BASE, &event->table);

	if (rc)
		return rc;
	added = c->tables != before;
	for (uint32_t i = 0; i < from->fields_count && !rc; i++)
		rc = take_field(c, event, from, i, &added);
	if (rc || !added || !c->create)
		return rc;
	if (!c->made_database)
		rc = clickhouse_sql__database(c);
	c->made_database = true;
	return rc ? rc : clickhouse_sql__table(c, event->table, from);
}

static int take_event(struct clickhouse *c, struct clickhouse_stream *stream, const struct stream_event *from,
		      uint32_t kind)
{
	struct clickhouse_event *event = calloc(1, sizeof(*event));
	int rc = event ? make_event(c, event, from, kind) : -ENOMEM;

	if (rc) {
		free(event);
		return rc == -ENOSPC ? 0 : rc;
	}
	stream->kinds[kind] = event;
	return 0;
}

static struct clickhouse_stream *stream_at(struct clickhouse *c, size_t index)
{
	struct clickhouse_stream *streams = c->streams;

	if (index >= c->streams_count) {
		streams = reallocarray(streams, index + 1, sizeof(*streams));
		if (!streams)
			return NULL;
		memset(streams + c->streams_count, 0, (index + 1 - c->streams_count) * sizeof(*streams));
		c->streams = streams;
		c->streams_count = index + 1;
	}
	return &streams[index];
}

int clickhouse__take(struct clickhouse *c, const struct stream_info *info)
{
	struct clickhouse_stream *stream = stream_at(c, info->index);
	int rc;

	if (!stream)
		return -ENOMEM;
	stream->kinds = calloc(info->events_count, sizeof(struct clickhouse_event *));
	if (!stream->kinds)
		return -ENOMEM;
	stream->count = info->events_count;
	rc = clickhouse_row__stream(c, stream, info);
	for (uint32_t kind = 0; kind < info->events_count && !rc; kind++) {
		const struct stream_event *event = &info->events[kind];

		/* of its own records, the others are not passed on */
		if (event->name && (kind == RECORD_LOST || kind >= SCHEMA_KIND_BASE))
			rc = take_event(c, stream, event, kind);
	}
	return rc;
}

void clickhouse__drop(struct clickhouse *c, const struct stream_info *info)
{
	struct clickhouse_stream *stream = &c->streams[info->index];

	for (uint32_t kind = 0; kind < stream->count; kind++)
		free(stream->kinds[kind]);
	free(stream->kinds);
	buffer__free(&stream->own);
	buffer__free(&stream->other);
	*stream = (struct clickhouse_stream){0};
}
