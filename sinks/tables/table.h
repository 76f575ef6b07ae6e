/* SPDX-License-Identifier: BSD-2-Clause */
/* A table being filled. Private to sinks/tables. */
#ifndef SINKS_TABLES_TABLE_H
#define SINKS_TABLES_TABLE_H

#include <stdatomic.h>

#include "sinks/tables/process_tree.h"
#include "sinks/tables/sorted.h"
#include "sinks/tables/tables.h"
#include "sinks/totals/totals.h"
#include "sinks/verdicts/verdicts.h"

/* The last column: JSON, from columns that are null or incomplete to the reason. */
#define TABLE_MISSING "missing"

/* Decodes the table's next row into a chunk. 1, 0 after the last one, or -errno. */
typedef int (*table_next)(const struct table *table, struct cells *cells, idx_t row);

struct table_work {
	table_next next;
	struct spool rows;		     /* of events */
	uint64_t count;			     /* of them */
	const struct model_table_info *info; /* of the model's tables, rows.c */
	const struct model_rows *model;
	uint64_t at;		  /* the next row: an offset in `rows`, or its number */
	uint64_t window, windows; /* of the model's rows: the one read last, and how many */
	struct cells *cells;	  /* one a column */
	struct scratch scratch;
	const struct sink_api *api;
	const char *sink;
	atomic_bool *failed; /* of all tables */
};

/* ---- table.c ---- */

/* Each table has a file, each column the memory of a chunk: forged headers could name any number. */
#define TABLES_MAX 256
#define TABLE_COLUMNS_MAX 1024

/* NULL: out of memory. `help` is borrowed. */
struct table *table__new(const char *name, const char *help, table_next next);
void table__free(struct table *table); /* takes NULL */

/* Finds or adds a column and returns its index; a name in use, ignoring case, gets the type as a suffix. -ENOMEM,
 * or -E2BIG: TABLE_COLUMNS_MAX. */
int table__column(struct table *table, const char *name, enum column_type type, const char *unit, const char *help);

/* The same for one of the table's own columns, whose name must be new. */
int table__own_column(struct table *table, const char *name, enum column_type type, const char *unit, const char *help);

/* Runs `sql`, which reads from scan_NAME(). 0, or -errno, logged. */
int table__run(struct table *table, duckdb_database database, const char *sql);
void table__scan_name(const struct table *table, struct text *sql);

/* ---- event.c ---- */

/* The events of one kind in one stream. */
struct event_source {
	struct table *table;
	const struct stream_info *info;
	uint32_t kind;
	const struct stream_event *event;
	uint32_t columns[SCHEMA_FIELDS_MAX]; /* of the table, by field */
	uint32_t absent_count, *absent;	     /* columns without a field here */
};

/* With the columns common to all events. NULL: out of memory. */
struct table *event_table__new(const char *name, const char *help);

/* Adds the columns of the event's fields. 0, -ENOMEM, or -E2BIG. */
int event_source__new(struct event_source **source, struct table *table, const struct stream_info *info, uint32_t kind);
void event_source__free(struct event_source *source); /* takes NULL */

/* Call once the table has all its columns. 0 or -ENOMEM. */
int event_source__begin(struct event_source *source);

/* 0 or -errno. */
int event_source__write(const struct event_source *source, const struct record *record);

/* ---- rows.c ---- */

/* The model's tables, and their rows. */
enum model_table { MODEL_IMAGES, MODEL_PROCESSES, MODEL_STEPS, MODEL_HIDDEN, MODEL_RUNS, MODEL_VERDICTS, MODEL_TABLES };

struct cell;
extern const struct model_table_info {
	const char *name, *help;
	struct {
		const struct cell *cells;
		size_t count;
	} parts[2];
} model_tables[MODEL_TABLES];

struct hidden_row {
	const struct model_run *run; /* first, as in a row and a task */
	uint32_t pid, exec, by_pid;
	uint64_t start;
	const struct model_command *by;
};

struct run_row {
	const struct model_run *run;
	uint64_t began_ns, ended_ns, wall_ns, boot_epoch_ns, exit_code, cpu_ns, processes, failed, hidden, lost;
	uint8_t cpu_partial, lost_partial;
	const char *state, *result; /* result: may be NULL */
};

/* Rows of the model's tables, until all have come. */
struct sentence;

struct model_rows {
	struct process_tree tree;
	struct sentence *sentences;
	struct sorted sorted;
	struct buffer scratch;
	uint64_t image; /* the part of the last image that its process shares */
};

/* Keeps its files, which have no names, in the folder. 0 or -errno; call model_rows__free() in any case. */
int model_rows__open(struct model_rows *rows, int folder);
void model_rows__free(struct model_rows *rows);

/* Each 0 or -errno. */
int model_rows__image(struct model_rows *rows, const struct model_row *row);
int model_rows__process(struct model_rows *rows, const struct model_process *process); /* just after its last image */
int model_rows__step(struct model_rows *rows, const struct model_task *task);
int model_rows__retried(struct model_rows *rows, const struct model_row *row);
int model_rows__ignored(struct model_rows *rows, const struct model_row *row);
int model_rows__hidden(struct model_rows *rows, const struct model_row *row, uint32_t pid,
		       const struct model_command *by);
int model_rows__run(struct model_rows *rows, const struct run_row *run);
int model_rows__verdict(struct model_rows *rows, const struct verdict *verdict);

/* When all have come: sorts them. 0 or -errno. */
int model_rows__sort(struct model_rows *rows, const struct model *model);

struct table *model_table__new(enum model_table which, const struct model_rows *rows); /* NULL: out of memory */

/* ---- run_rows.c ---- */

/* What a struct model_run's `user` points to. */
struct run_sums {
	struct totals_run totals;
	uint64_t lost;
	bool lost_more; /* an unknown number beside */
};

void run_sums__ended(struct run_sums *sums, const struct stream_state *stream);
struct run_row run_sums__row(const struct run_sums *sums);

#endif
