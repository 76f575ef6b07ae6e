/* SPDX-License-Identifier: BSD-2-Clause */
/* A run as tables in a DuckDB that lives in memory: views over Parquet files, which collector-merge makes of a run
 * once. Runs, folders of such files and partitioned lakes can be asked together. */
#ifndef CORE_QUERY_QUERY_H
#define CORE_QUERY_QUERY_H

#include <duckdb.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/error.h"

struct query_opts {
	const char *const *paths; /* ended by NULL; one that comes again is passed over */
	/* One for each path, which gets views of its own whose names begin so. NULL: the same views over all. */
	const char *const *prefixes;
	const char *steps;	/* rules, for the sink; NULL: its default */
	const char *plugin_dir; /* for collector-merge; NULL: its default */
	bool quiet;		/* errors only */
};

struct query {
	duckdb_database database;
	duckdb_connection connection;
	char **folders;	   /* of the Parquet files, in order of the paths */
	bool *partitioned; /* they are TABLE/run=.../host=.../part-N.parquet */
	char **temporary;  /* to be removed, or NULL */
	size_t count;
	char **tables; /* names of the views */
	size_t tables_count;
};

/* 0; -ENOENT, -EINVAL where the paths are not runs; else -errno. A sentence is in `err`. Whether the
 * run is whole is said on stderr, each time. query__close() in any case. */
int query__open(struct query *query, const struct query_opts *opts, struct error *err);
void query__close(struct query *query);

/* Runs a statement that gives nothing. 0, or -EINVAL with DuckDB's own words in `err`. */
int query__run(struct query *query, const char *sql, struct error *err);

/* A query that lists the tables. NULL: out of memory; the caller's to free. */
char *query__overview(const struct query *query);

/* ---- query_fold.c ---- */

/* The folder with a run's tables: in the run's own folder, made anew if its streams or what was asked for have
 * changed; a temporary one where that cannot be written. 0 or -errno with a sentence. */
int query_fold(const char *run, const struct query_opts *opts, char **folder, char **temporary, struct error *err);
void query_fold__remove(const char *folder);

/* ---- query_named.c ---- */

#define QUERY_PARAMETERS 9

struct query_named {
	char *sql, *help;
	char *defaults[QUERY_PARAMETERS]; /* of $1...; NULL: must be given */
};

/* The file NAME.sql in one of the folders (ended by NULL; those that are not there are passed over). 0; -ENOENT
 * with a sentence that names the nearest. */
int query_named__load(struct query_named *named, const char *const *folders, const char *name, struct error *err);
int query_named__read(struct query_named *named, const char *path, struct error *err);
void query_named__free(struct query_named *named);

/* Prints every name with its help. */
int query_named__list(const char *const *folders);

/* ---- query_print.c ---- */

enum query_format { QUERY_TABLE, QUERY_CSV, QUERY_JSON, QUERY_JSONL, QUERY_PARQUET, QUERY_FORMATS };
extern const char *const query_formats[]; /* ended by NULL */

/* Runs `sql` with its parameters and writes what it gives to `out`. 0, -EINVAL with DuckDB's own words in `err`, or
 * -errno of the writing, with an empty `err`. */
int query__print(struct query *query, const char *sql, const char *const *parameters, enum query_format format, int out,
		 struct error *err);

#endif
