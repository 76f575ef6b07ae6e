/* SPDX-License-Identifier: BSD-2-Clause */
/* A table at work. Private to sinks/tables. */
#ifndef SINKS_TABLES_TABLE_H
#define SINKS_TABLES_TABLE_H

#include <pthread.h>
#include <stdatomic.h>

#include "sinks/tables/queue.h"
#include "sinks/tables/tables.h"

/* The last column: a map of columns to the reason why they are null or not complete. */
#define TABLE_MISSING "missing"

/* How rows of one kind get from the queue into a chunk. 0 or -errno. */
typedef int (*table_fill)(const struct table *table, const void *entry, struct cells *cells, idx_t row);

struct table_work {
	table_fill fill;
	struct queue queue;
	duckdb_connection connection;
	char *sql;
	struct cells *cells; /* one a column */
	const struct sink_api *api;
	const char *sink;
	atomic_bool *failed; /* of all tables */
	pthread_t thread;
	bool running;
};

/* ---- table.c ---- */

/* NULL: out of memory. `help` is borrowed. */
struct table *table__new(const char *name, const char *help, table_fill fill);
void table__free(struct table *table); /* takes NULL */

/* Index of the column, which is made if it is not there; a name that another column has, also one that differs in
 * case only, gets the type as an ending. -ENOMEM. */
int table__column(struct table *table, const char *name, enum column_type type, const char *unit, const char *help);

/* As above, but the name is the table's own, and is there once. */
int table__own_column(struct table *table, const char *name, enum column_type type, const char *unit, const char *help);

/* Begins: the thread runs `sql`, which reads from scan_NAME(). 0 or -errno, logged. */
int table__start(struct table *table, duckdb_database database);
void table__scan_name(const struct table *table, struct text *sql);
void table__join(struct table *table);

/* ---- event.c ---- */

/* The events of one kind in one stream. */
struct event_source {
	struct table *table;
	const struct stream_event *event;
	uint32_t columns[SCHEMA_FIELDS_MAX]; /* of the table, by field */
	uint32_t absent_count, *absent;	     /* columns that no field fills */
};

/* With the columns that all events have. NULL: out of memory. */
struct table *event_table__new(const char *name, const char *help);

/* Adds the columns of the event's fields. NULL: out of memory. */
struct event_source *event_source__new(struct table *table, const struct stream_event *event);
void event_source__free(struct event_source *source); /* takes NULL */

/* When the table has all its columns. 0 or -ENOMEM. */
int event_source__begin(struct event_source *source);

/* 0, -ENOMEM, or -ECANCELED: the table's thread has failed. */
int event_source__write(const struct event_source *source, const struct record *record);

/* ---- rows.c ---- */

/* The model's tables, and their rows. */
enum model_table { MODEL_PROCESSES, MODEL_STEPS, MODEL_HIDDEN, MODEL_TABLES };

struct hidden_row {
	const struct model_run *run; /* first, as in a row and a task */
	uint32_t pid, exec, by_pid;
	uint64_t start;
	const struct model_command *by;
};

struct table *model_table__new(enum model_table which); /* NULL: out of memory */

/* `row` is a model_row, a model_task, a hidden_row. 0, -ENOMEM, -ECANCELED. */
int model_table__write(const struct table *table, enum model_table which, const void *row, struct buffer *scratch);

#endif
