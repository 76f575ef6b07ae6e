/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs as tables of an in-memory DuckDB: views over Parquet files, which collector-merge makes of a run once.
 * Runs, folders of such files, lakes and DuckDB files can be queried together, also those that 0.1 wrote. */
#ifndef CORE_QUERY_QUERY_H
#define CORE_QUERY_QUERY_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/base.h"
#include "core/error.h"
#include "core/query/duckdb_calls.h"
#include "core/text.h"

struct query_opts {
	const char *const *paths; /* ended by NULL; duplicates are skipped */
	/* A prefix for each path, which gets views of its own. NULL: one set of views over all. */
	const char *const *prefixes;
	const char *steps;	       /* rules, for the sink; NULL: its default */
	const char *config;	       /* whose limits verdicts are given by; NULL: the run's */
	const char *plugin_dir;	       /* for collector-merge; NULL: its default */
	const char *sql;	       /* the only query; NULL: not known yet */
	bool quiet;		       /* errors only */
	const struct account *account; /* that asks DuckDB */
};

/* How tables lie where they lie. */
enum layout {
	LAYOUT_FILES,	   /* TABLE.parquet */
	LAYOUT_DAYS,	   /* a lake: TABLE/date=YYYY-MM-DD/RUN.HOST.parquet */
	LAYOUT_PARTITIONS, /* a lake of 0.1: TABLE/run=RUN/host=HOST/part-0.parquet */
	LAYOUT_DATABASE,   /* a DuckDB file */
	LAYOUTS,
};

/* Where tables are kept, in the order in which it is tried. */
enum query_cache_place {
	QUERY_CACHE_RUN,       /* .tables in the run's folder, if that is this user's own */
	QUERY_CACHE_USER,      /* XDG_CACHE_HOME/collector, bounded */
	QUERY_CACHE_TEMPORARY, /* below TMPDIR, until the end */
	QUERY_CACHE_PLACES,
};

/* A folder with the tables of a run. */
struct query_tables {
	int base;      /* the folder it is in */
	int fd;	       /* itself, locked: what is in use is not removed; -1: none */
	char name[64]; /* in `base` */
	enum query_cache_place place;
	bool temporary; /* to be removed at the end */
};

struct source {
	char *path; /* of the folder or file */
	enum layout layout;
	bool old;		    /* tables of 0.1: query_old.c */
	struct query_tables tables; /* of a run's streams */
	char *except;		    /* SQL: rows of runs that an earlier source has; NULL: none */
	bool same;		    /* an earlier source has all of its runs: it is left out */
};

struct query {
	duckdb_database database;
	duckdb_connection connection;
	struct source *sources; /* in order of the paths */
	size_t count;
	bool running;  /* a run among them is still running */
	char **tables; /* names of the views */
	size_t tables_count;
};

/* Finds or makes the tables of each path; parses nothing. 0; -ENOENT, -EINVAL if a path is not a run; other -errno, with a
 * sentence in `err`. Warns on stderr, each time, if a run is incomplete. Call query__close() in any case. */
int query__find(struct query *query, const struct query_opts *opts, struct error *err);

/* Loads DuckDB and opens the tables, by a process of the account. 0 or -errno with a sentence. */
int query__open(struct query *query, const struct query_opts *opts, struct error *err);
void query__close(struct query *query);

/* A query that lists the tables. The caller frees it. NULL: out of memory. */
char *query__overview(const struct query *query);

/* One that describes tables and columns. The same. */
char *query__schema(struct query *query);

/* ---- query_db.c ---- */

int query__open_database(struct query *query, struct error *err);
void query__close_database(struct query *query); /* takes one that is not open */

/* Runs a statement that returns no rows. 0, or -EINVAL with DuckDB's message in `err`. */
int query__run(struct query *query, const char *sql, struct error *err);

/* Calls `call` with each row's values as text, NULL for null; stops at the first result other than 0 and returns it. 0,
 * or -EINVAL with DuckDB's message. */
int query__each(struct query *query, const char *sql, int (*call)(void *arg, const char *const *row), void *arg,
		struct error *err);

/* Appends text in quotes: a name in ", a string in '. */
void sql__quote(struct text *sql, const char *text, char mark);

/* ---- query_source.c ---- */

/* Finds out what a path is, makes tables of a run's streams, adds it to the sources. The account can read them. 0 or -errno
 * with a sentence. */
int query_source__add(struct query *query, const char *path, const struct query_opts *opts, struct error *err);

void query_source__drop(struct query *query); /* the last one added, which failed */

/* The runs below a folder that is none itself: their paths. */
struct query_runs {
	char **paths;
	size_t count;
};

/* 0 or -ENOMEM; none if the folder holds streams or tables, or cannot be read. Links, such as `latest`, are not followed. */
int query_runs__find(struct query_runs *runs, const char *path);
void query_runs__free(struct query_runs *runs);

/* Once all are added: attaches databases, finds out which are of 0.1, which runs are there twice. 0 or -errno with a sentence. */
int query_source__settle(struct query *query, bool twice, struct error *err);

/* Appends the expression to read a table FROM, of one source. */
void query_source__from(const struct query *query, size_t i, const char *table, struct text *sql);
int query__add_table(struct query *query, const char *name); /* unless it is there; 0 or -ENOMEM */
void query_source__files(const struct query *query, size_t i, const char *table,
			 struct text *sql); /* not of a database */
bool query_source__has(struct query *query, size_t i, const char *table);
void query_source__free(struct source *source);

/* ---- query_narrow.c ---- */

/* Leaves only the tables that the query names; all if that cannot be said for certain, or one does not exist: DuckDB's error
 * has names that are alike. 0 or -ENOMEM. */
int query__narrow(struct query *query, const char *sql);

/* ---- query_views.c ---- */

/* The views over all sources, or for each source, with its prefix. 0 or -errno with a sentence. */
int query__make_views(struct query *query, const char *const *prefixes, struct error *err);

/* ---- query_old.c ---- */

/* Creates views with tables of 0.1 as they are now: `schema`.TABLE reads from `schema`.old_TABLE. */
int query_old__convert(struct query *query, const char *schema, struct error *err);

/* A query with the present name of a column that `why`, DuckDB's message, calls unknown because it had another name in 0.1;
 * says so. NULL: there is none. The caller frees it. */
char *query_old__renamed(const char *sql, const char *why);

/* ---- query_fold.c ---- */

/* Finds or makes the tables of a run. Those of a run that is still running are temporary, as its wall times grow without a
 * record; then *running is set. 0 or -errno with a sentence. */
int query_fold(const char *run, const struct query_opts *opts, struct query_tables *tables, bool *running,
	       struct error *err);

/* ---- query_cache.c ---- */

/* What tables are made of, and for which account. */
struct query_cache_key {
	int run;		       /* its folder */
	const char *stamp;	       /* all of it */
	const char *key;	       /* the part of it that stays the same when streams grow */
	const struct account *account; /* that is to read them */
};

/* Finds those that were made of just that. */
bool query_cache__find(struct query_tables *tables, const struct query_cache_key *key);

/* Held while tables are made, so that another query of this user's waits for them instead of making them too. */
struct query_cache_lock {
	int base, fd; /* fd: the file that is locked; -1: none */
	char name[80];
};

/* `wait`: returns when no other query makes tables of the run. False: another one does. Where nothing can be kept there is
 * nothing to wait for. */
bool query_cache__lock(struct query_cache_lock *lock, const struct query_cache_key *key, bool wait);
void query_cache__unlock(struct query_cache_lock *lock);

/* Makes a folder for tables, temporary so far. 0 or -errno. */
int query_cache__make(struct query_tables *tables, enum query_cache_place place, const struct query_cache_key *key);

/* Puts it where it is found again; if that fails it stays temporary. */
void query_cache__keep(struct query_tables *tables, const struct query_cache_key *key);

/* Reads a small file of this user's; allocated, NULL if it cannot be read. */
char *query_cache__read(int folder, const char *name, size_t max);
void query_cache__release(struct query_tables *tables);

/* ---- query_named.c ---- */

#define QUERY_PARAMETERS 9

struct query_named {
	char *sql, *help;
	char *defaults[QUERY_PARAMETERS]; /* of $1...; NULL: required */
};

/* Reads NAME.sql in the first of the folders (ended by NULL) that has it. 0, or -ENOENT with a sentence that
 * names the nearest. */
int query_named__load(struct query_named *named, const char *const *folders, const char *name, struct error *err);
int query_named__read(struct query_named *named, const char *path, struct error *err);
void query_named__free(struct query_named *named);

/* Prints every name with its help. */
int query_named__list(const char *const *folders);

/* ---- query_print.c ---- */

enum query_format { QUERY_TABLE, QUERY_CSV, QUERY_JSON, QUERY_JSONL, QUERY_PARQUET, QUERY_FORMATS };
extern const char *const query_formats[]; /* ended by NULL */

/* Runs `sql` with its parameters and writes the result to `out`. 0, -EINVAL with DuckDB's message in `err`, or
 * the -errno of a write, with an empty `err`. */
int query__print(struct query *query, const char *sql, const char *const *parameters, enum query_format format, int out,
		 struct error *err);

#endif
