/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the sink clickhouse share. */
#ifndef SINKS_CLICKHOUSE_CLICKHOUSE_H
#define SINKS_CLICKHOUSE_CLICKHOUSE_H

#include "core/base/base.h"
#include "core/sink.h"
#include "core/text.h"
#include "sinks/columns/event_columns.h"
#include "sinks/http/http.h"

#define CLICKHOUSE_NAME "clickhouse"

/* Targets of the room for HTTP: the first for statements, then one for each table. */
#define TARGET_STATEMENTS 0

struct clickhouse_conf {
	struct http_conf http;
	char *url, *database;
	bool create, legacy;
};

/* A table, by the name of its event. Its first columns are those of all events, the last is `missing`. */
struct clickhouse_table {
	struct clickhouse_table *next;
	struct text name;
	unsigned target;
	struct buffer head; /* the INSERT, up to where its token is put */
	struct clickhouse_column {
		struct text name, key; /* key: as in JSON, with the comma before and the colon after it */
		enum column_type type;
	} * columns;
	size_t columns_count;
	bool control; /* records of the collector itself */
};

#define NO_TABLE_COLUMN UINT32_MAX

/* An event of a stream. */
struct clickhouse_event {
	struct clickhouse_table *table;
	uint32_t columns[SCHEMA_FIELDS_MAX]; /* of its fields; NO_TABLE_COLUMN: it has none */
};

struct clickhouse_stream {
	struct clickhouse_event **kinds; /* NULL: they go into no table */
	uint32_t count;
	struct buffer own, other; /* what is the same in all rows: of the stream's run, and of no run */
	struct notes own_notes, other_notes;
};

struct clickhouse {
	const struct sink_api *api;
	struct outbox *outbox;
	char *url;
	struct text database; /* quoted */
	bool create, legacy, made_database;
	struct clickhouse_table *tables;
	struct clickhouse_stream *streams; /* by index */
	size_t streams_count;
	uint64_t records, left_out;
	struct scratch scratch;
	struct buffer item;
	int64_t second; /* of `time` */
	char time[40];
};

/* ---- clickhouse_table.c ---- */

/* The tables of a stream's events, made if they are the first of their names. 0, or -errno: -ETIMEDOUT was logged. */
int clickhouse__take(struct clickhouse *c, const struct stream_info *info);
void clickhouse__drop(struct clickhouse *c, const struct stream_info *info); /* the stream goes */
void clickhouse__free_tables(struct clickhouse *c);

/* ---- clickhouse_sql.c ---- */

void clickhouse_sql__name(struct text *sql, const char *name, size_t length); /* `quoted` */
int clickhouse_sql__database(struct clickhouse *c);			      /* 0 or -errno */
/* Sends what makes a table, or adds the columns from `first` on. 0 or -errno. */
int clickhouse_sql__table(struct clickhouse *c, const struct clickhouse_table *table, const struct stream_event *event);
void clickhouse_sql__insert(struct buffer *out, const struct clickhouse *c, const struct clickhouse_table *table);

/* ---- clickhouse_row.c ---- */

/* The keys and values that all rows of a stream share. 0 or -ENOMEM. */
int clickhouse_row__stream(struct clickhouse *c, struct clickhouse_stream *stream, const struct stream_info *info);
/* A record as a row, in c->item. 0, -ENOMEM or -EBADMSG. */
int clickhouse_row__put(struct clickhouse *c, const struct clickhouse_stream *stream,
			const struct clickhouse_event *event, const struct record *record);
/* Of rows: what names them, so that the same ones are taken once. */
void clickhouse_row__token(const struct outbox_items *items, struct text *token);

/* ---- clickhouse_code.c ---- */

enum outbox_fate clickhouse_code__fate(unsigned target, long status, const void *bytes, size_t size,
				       enum outbox_fate fate);
uint64_t clickhouse_code__why(unsigned target, long status, const void *bytes, size_t size, struct text *why);

#endif
