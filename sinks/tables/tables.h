/* SPDX-License-Identifier: BSD-2-Clause */
/* Turns streams into typed tables of a DuckDB database: one for each kind of event, with the columns that the
 * streams' headers describe, and those of the model: images, processes, steps, hidden_failures, runs, verdicts. No event is known
 * by name: a new probe needs no change here.
 *
 * Rows are pushed in by the merge and pulled out by SQL. Between the two they wait in a file for each table, in the folder of
 * the output: DuckDB holds all that is not yet a row group, of each column, in memory, and the model's rows are sorted. Once all
 * have come, a table function reads them for the one statement that takes all rows of a table; WORKERS of the tables are made at
 * a time. The database has no threads of its own. */
#ifndef SINKS_TABLES_TABLES_H
#define SINKS_TABLES_TABLES_H

#include "core/sink.h"
#include "sinks/model/model.h"
#include "sinks/steps/steps.h"
#include "sinks/tables/column.h"

/* Of the tables' columns, in the files; 1: that of 0.1, which had no number. */
#define TABLES_SCHEMA 3

struct table {
	char *name; /* "lifecycle_exec", "processes" */
	const char *help;
	struct column *columns;
	size_t columns_count;
	size_t own; /* of them, the first ones that are not fields of an event */
	struct table_work *work;
};

struct tables;

/* A sink of tables; its state is a struct tables. */
struct tables_opts {
	const struct sink_api *api;
	const char *name;  /* the sink's, for messages */
	const char *steps; /* as STEPS_HELP says */
	const void *conf;  /* the sink's */
	/* Appends the statement that reads all rows of `scan`, a call of a table function. */
	void (*consume)(const struct tables_opts *opts, const struct table *table, const char *scan, struct text *sql);
	/* Optional: called before and after all tables are made. 0, or -errno, logged. */
	int (*start)(struct tables *tables, const struct tables_opts *opts);
	int (*finish)(struct tables *tables, const struct tables_opts *opts);
};

/* A sink's open() ends with this call; its other functions are ON_TABLES. `opts` is copied. */
int tables__open(const struct tables_opts *opts, void **state);
int tables__stream(void *state, const struct stream_info *info);
int tables__write(void *state, const struct record *record);
int tables__ended(void *state, const struct stream_info *info, const struct stream_state *stream);
int tables__flush(void *state, bool last);
void tables__close(void *state);

#define ON_TABLES                                                                                         \
	.stream = tables__stream, .write = tables__write, .ended = tables__ended, .flush = tables__flush, \
	.close = tables__close, .reads = "steps"

/* The runs that the streams announced; valid until close. */
size_t tables__runs(const struct tables *tables);
const struct model_run *tables__run_of(const struct tables *tables, size_t i);

/* Runs a statement of the sink's own, at any time. */
int tables__run(struct tables *tables, const char *sql);

/* For the sink's own questions. */
duckdb_database tables__database(const struct tables *tables);

size_t tables__count(const struct tables *tables);
const struct table *tables__table(const struct tables *tables, size_t i);

uint64_t table__rows(const struct table *table); /* once all have come */

#endif
