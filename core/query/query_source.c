/* SPDX-License-Identifier: BSD-2-Clause */
/* What a path holds: a run's streams, or tables in one of the layouts that collector-merge has written. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/query/query.h"
#include "core/stream.h"

#define DATABASE "database" /* the name of a copy */

/* How a table is read: what follows the path of its folder, %s is the table; options of read_parquet(). */
static const struct {
	const char *folder; /* how names in the table's own folder begin; NULL: it has none */
	const char *files, *options;
} layouts[LAYOUTS] = {
	[LAYOUT_FILES] = {NULL, "/%s.parquet", "hive_partitioning = false"},
	[LAYOUT_DAYS] = {"date=", "/%s/date=*/*.parquet", "hive_partitioning = true, hive_types = {date: DATE}"},
	[LAYOUT_PARTITIONS] = {"run=", "/%s/run=*/host=*/*.parquet",
			       "hive_partitioning = true, hive_types = {run: VARCHAR, host: VARCHAR}"},
};

static bool ends(const char *name, const char *suffix)
{
	size_t n = strlen(name), m = strlen(suffix);

	return n > m && !strcmp(name + n - m, suffix);
}

/* The layout of which the entry of a folder is a table; LAYOUTS: of none. */
static enum layout layout_of(const char *folder, const char *name)
{
	enum layout found = LAYOUTS;
	struct text path = {0};
	struct dirent *entry;
	DIR *dir = NULL;

	if (*name == '.')
		return LAYOUTS;
	if (ends(name, ".parquet"))
		return LAYOUT_FILES;
	text__printf(&path, "%s/%s", folder, name);
	if (!path.error)
		dir = opendir(path.data);
	while (dir && found == LAYOUTS && (entry = readdir(dir)))
		for (int i = 0; i < LAYOUTS; i++)
			if (layouts[i].folder && !strncmp(entry->d_name, layouts[i].folder, strlen(layouts[i].folder)))
				found = i;
	if (dir)
		closedir(dir);
	text__free(&path);
	return found;
}

static bool is_database(const char *path)
{
	char head[12] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* a FIFO may have no writer */
	bool is = fd >= 0 && read(fd, head, sizeof(head)) == sizeof(head) && !memcmp(head + 8, "DUCK", 4);

	if (fd >= 0)
		close(fd);
	return is;
}

/* 0 or -errno; *layout LAYOUTS and not *streams: neither. */
static int what_is(const char *path, bool *streams, enum layout *layout)
{
	struct dirent *entry;
	DIR *dir = opendir(path);

	*streams = false;
	*layout = LAYOUTS;
	if (!dir && errno == ENOTDIR && is_database(path)) {
		*layout = LAYOUT_DATABASE;
		return 0;
	}
	if (!dir)
		return -errno;
	while (!*streams && (entry = readdir(dir))) {
		*streams = stream_file__is_name(entry->d_name);
		if (*layout == LAYOUTS)
			*layout = layout_of(path, entry->d_name);
	}
	closedir(dir);
	return 0;
}

static int find_log(int folder, const char *name, void *arg)
{
	int fd = *name == '.' ? -ENOENT : dir__open(folder, name), rc;

	(void)arg;
	if (fd < 0)
		return 0;
	rc = !faccessat(fd, "_delta_log", F_OK, 0);
	close(fd);
	return rc;
}

/* Whether it is a lake whose tables have logs: not all files in their folders are the tables'. */
static bool has_logs(const char *path, enum layout layout)
{
	int fd = layout == LAYOUT_DAYS ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	bool has = fd >= 0 && dir__each(fd, find_log, NULL) > 0;

	if (fd >= 0)
		close(fd);
	return has;
}

void query_source__free(struct source *source)
{
	query_cache__release(&source->tables);
	free(source->path);
	free(source->except);
}

/* By a descriptor, if the account asks DuckDB: it may not reach the path. What it may not read at all is copied. */
static int lend(struct source *source, const char *path, const struct account *account)
{
	struct query_tables *tables = &source->tables;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), rc;

	if (fd < 0)
		return -errno;
	if (account__can_read(account, fd)) {
		tables->fd = fd;
		return 0;
	}
	rc = query_cache__make(tables, QUERY_CACHE_TEMPORARY, NULL);
	if (!rc)
		rc = source->layout == LAYOUT_DATABASE ? dir__copy_file(fd, tables->fd, DATABASE)
						       : dir__copy(fd, tables->fd);
	if (!rc)
		rc = account__share(account, tables->fd);
	close(fd);
	return rc;
}

/* The path by which DuckDB reads the source. */
static char *path_of(const struct source *source, const char *path)
{
	bool copied = source->layout == LAYOUT_DATABASE && source->tables.temporary;
	char *by_fd;

	if (source->tables.fd < 0)
		return strdup(path);
	return asprintf(&by_fd, "/proc/self/fd/%d%s", source->tables.fd, copied ? "/" DATABASE : "") < 0 ? NULL : by_fd;
}

int query_source__add(struct query *query, const char *path, const struct query_opts *opts, struct error *err)
{
	struct source *sources = reallocarray(query->sources, query->count + 1, sizeof(*sources)), *source;
	bool streams;
	int rc;

	if (!sources)
		return error__set(err, -ENOMEM, "%s", strerror(ENOMEM));
	query->sources = sources;
	source = &sources[query->count];
	*source = (struct source){0};
	rc = what_is(path, &streams, &source->layout);
	source->tables = (struct query_tables){.base = -1, .fd = -1};
	if (rc == -ENOTDIR)
		return error__set(err, -EINVAL,
				  "%s: is a file, expected a run's folder, one of Parquet files, or a DuckDB file",
				  path);
	if (rc)
		return error__set(err, rc, "%s: %s", path, strerror(-rc));
	if (!streams && source->layout == LAYOUTS)
		return error__set(err, -EINVAL, "%s: holds neither a run's streams (*%s) nor Parquet files", path,
				  STREAM_SUFFIX);
	if (has_logs(path, source->layout))
		return error__set(
			err, -EINVAL,
			"%s: is a lake of Delta tables (collector-merge --compact LAKE:delta): ask an engine that "
			"reads their logs",
			path);
	if (streams)
		source->layout = LAYOUT_FILES;
	query->count++;
	if (streams)
		rc = query_fold(path, opts, &source->tables, &query->running, err);
	else if (opts->account->apart && (rc = lend(source, path, opts->account)))
		error__set(err, rc, "%s: %s", path, strerror(-rc));
	if (rc)
		return rc;
	source->path = path_of(source, path);
	return source->path ? 0 : error__set(err, -ENOMEM, "%s", strerror(ENOMEM));
}

void query_source__drop(struct query *query)
{
	const struct source *last = query->count ? &query->sources[query->count - 1] : NULL;

	if (last && !last->path)
		query_source__free(&query->sources[--query->count]);
}

/* ---- a folder of runs ---- */

struct below {
	struct query_runs *runs;
	const char *path;
};

static int is_stream(int folder, const char *name, void *arg)
{
	(void)folder;
	(void)arg;
	return stream_file__is_name(name);
}

static int add_run(int folder, const char *name, void *arg)
{
	struct below *below = arg;
	char **paths;
	int fd = *name == '.' ? -ENOENT : dir__open(folder, name), holds = fd < 0 ? 0 : dir__each(fd, is_stream, NULL);

	if (fd >= 0)
		close(fd);
	if (holds <= 0)
		return 0;
	paths = reallocarray(below->runs->paths, below->runs->count + 1, sizeof(*paths));
	if (!paths)
		return -ENOMEM;
	below->runs->paths = paths;
	return asprintf(&paths[below->runs->count], "%s/%s", below->path, name) < 0 ? -ENOMEM
										    : (below->runs->count++, 0);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int query_runs__find(struct query_runs *runs, const char *path)
{
	struct below below = {runs, path};
	enum layout layout;
	bool streams;
	int fd, rc;

	*runs = (struct query_runs){0};
	if (what_is(path, &streams, &layout) || streams || layout != LAYOUTS)
		return 0;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rc = fd < 0 ? 0 : dir__each(fd, add_run, &below);
	if (fd >= 0)
		close(fd);
	if (runs->count)
		qsort(runs->paths, runs->count, sizeof(*runs->paths), by_name);
	return rc == -ENOMEM ? rc : 0;
}

void query_runs__free(struct query_runs *runs)
{
	for (size_t i = 0; i < runs->count; i++)
		free(runs->paths[i]);
	free(runs->paths);
}

/* ---- tables ---- */

/* DuckDB treats a path as a glob pattern. */
static void put_pattern(struct text *out, const char *path)
{
	for (; *path; path++) {
		if (strchr("*?[", *path))
			text__printf(out, "[%c]", *path);
		else
			text__put(out, path, 1);
	}
}

void query_source__files(const struct query *query, size_t i, const char *table, struct text *sql)
{
	const struct source *source = &query->sources[i];
	struct text path = {0};

	put_pattern(&path, source->path);
	text__printf(&path, layouts[source->layout].files, table);
	sql__quote(sql, path.data ? path.data : "", '\'');
	text__free(&path);
}

void query_source__from(const struct query *query, size_t i, const char *table, struct text *sql)
{
	const struct source *source = &query->sources[i];

	if (source->layout == LAYOUT_DATABASE) {
		text__printf(sql, "source_%zu.", i);
		sql__quote(sql, table, '"');
		return;
	}
	text__printf(sql, "read_parquet(");
	query_source__files(query, i, table, sql);
	text__printf(sql, ", union_by_name = true, %s)", layouts[source->layout].options);
}

static int add_name(struct query *query, const char *name, size_t length)
{
	char **tables;

	for (size_t i = 0; i < query->tables_count; i++)
		if (strlen(query->tables[i]) == length && !strncmp(query->tables[i], name, length))
			return 0;
	tables = reallocarray(query->tables, query->tables_count + 1, sizeof(*tables));
	if (!tables)
		return -ENOMEM;
	query->tables = tables;
	tables[query->tables_count] = strndup(name, length);
	return tables[query->tables_count] ? (query->tables_count++, 0) : -ENOMEM;
}

int query__add_table(struct query *query, const char *name)
{
	return add_name(query, name, strlen(name));
}

static int add_row(void *query, const char *const *row)
{
	return query__add_table(query, row[0]);
}

static int add_names_of_database(struct query *query, size_t i, struct error *err)
{
	char sql[128];

	snprintf(sql, sizeof(sql), "SELECT table_name FROM duckdb_tables() WHERE database_name = 'source_%zu'", i);
	return query__each(query, sql, add_row, query, err);
}

/* The tables of a source. */
static int add_names(struct query *query, size_t i, struct error *err)
{
	const struct source *source = &query->sources[i];
	struct dirent *entry;
	int rc = 0;
	DIR *dir;

	if (source->layout == LAYOUT_DATABASE)
		return add_names_of_database(query, i, err);
	dir = opendir(source->path);
	if (!dir)
		return -errno;
	while (!rc && (entry = readdir(dir)))
		if (layout_of(source->path, entry->d_name) == source->layout)
			rc = add_name(query, entry->d_name,
				      strlen(entry->d_name) -
					      (source->layout == LAYOUT_FILES ? strlen(".parquet") : 0));
	closedir(dir);
	return rc;
}

static int note_it(void *has, const char *const *row)
{
	(void)row;
	*(bool *)has = true;
	return 0;
}

bool query_source__has(struct query *query, size_t i, const char *table)
{
	const struct source *source = &query->sources[i];
	struct text text = {0};
	struct error err;
	bool has = false;

	if (source->layout == LAYOUT_DATABASE) {
		text__printf(&text,
			     "SELECT 'x' FROM duckdb_tables() WHERE database_name = 'source_%zu' AND table_name = ", i);
		sql__quote(&text, table, '\'');
		if (!text.error)
			query__each(query, text.data, note_it, &has, &err);
	} else {
		text__printf(&text, "%s/%s%s", source->path, table, source->layout == LAYOUT_FILES ? ".parquet" : "");
		has = !text.error && !access(text.data, R_OK);
	}
	text__free(&text);
	return has;
}

/* ---- the same run twice ---- */

/* What makes two recordings the same, here and in find_twice(). Two runs of one second may have the same id; 0.1 had no
 * table of runs. */
static void put_identities(const struct query *query, size_t i, struct text *sql)
{
	const struct source *source = &query->sources[i];

	text__printf(sql, "SELECT DISTINCT %zu AS source, run, host, %s FROM ", i,
		     source->old ? "CAST(NULL AS VARCHAR) AS marker" : "marker");
	query_source__from(query, i, source->old ? "processes" : "runs", sql);
}

static int except(void *arg, const char *const *row)
{
	struct query *query = arg;
	struct source *source = &query->sources[atoi(row[0])];
	struct text sql = {0};

	if (!strcmp(row[3], "true")) {
		source->same = true;
		return 0;
	}
	text__printf(&sql, "%s%s(run = ", source->except ? source->except : "", source->except ? " OR " : "");
	sql__quote(&sql, row[1], '\'');
	text__printf(&sql, " AND host = ");
	sql__quote(&sql, row[2], '\'');
	text__printf(&sql, ")");
	free(source->except);
	source->except = sql.data;
	return sql.error;
}

static int find_twice(struct query *query, struct error *err)
{
	struct text sql = {0};
	bool any = false;
	int rc;

	text__printf(&sql, "WITH identity AS (");
	for (size_t i = 0; i < query->count; i++) {
		if (!query_source__has(query, i, query->sources[i].old ? "processes" : "runs"))
			continue;
		text__printf(&sql, "%s", any ? " UNION ALL " : "");
		put_identities(query, i, &sql);
		any = true;
	}
	text__printf(
		&sql,
		"), seen AS (SELECT i.*, EXISTS (SELECT 1 FROM identity AS e WHERE e.source < i.source AND "
		"e.run = i.run AND e.host = i.host AND coalesce(e.marker = i.marker, true)) AS twice FROM identity AS i) "
		"SELECT CAST(source AS VARCHAR), run, host, "
		"CAST((SELECT bool_and(a.twice) FROM seen AS a WHERE a.source = s.source) AS VARCHAR) "
		"FROM seen AS s WHERE twice");
	rc = sql.error || !any ? sql.error : query__each(query, sql.data, except, query, err);
	text__free(&sql);
	return rc;
}

static int attach(struct query *query, size_t i, struct error *err)
{
	struct text sql = {0};
	int rc;

	text__printf(&sql, "ATTACH ");
	sql__quote(&sql, query->sources[i].path, '\'');
	text__printf(&sql, " AS source_%zu (READ_ONLY)", i);
	rc = sql.error ? error__set(err, -ENOMEM, "%s", strerror(ENOMEM)) : query__run(query, sql.data, err);
	text__free(&sql);
	return rc;
}

int query_source__settle(struct query *query, bool twice, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; i < query->count && !rc; i++)
		rc = query->sources[i].layout == LAYOUT_DATABASE ? attach(query, i, err) : 0;
	for (size_t i = 0; i < query->count && !rc; i++) {
		query->sources[i].old =
			query_source__has(query, i, "processes") && !query_source__has(query, i, "images");
		rc = add_names(query, i, err);
		if (!rc && query->sources[i].old)
			rc = query__add_table(query, "images");
	}
	if (query->tables_count)
		qsort(query->tables, query->tables_count, sizeof(*query->tables), by_name);
	if (!rc && twice && query->count > 1)
		rc = find_twice(query, err);
	if (rc && rc != -EINVAL)
		error__set(err, rc, "%s", strerror(-rc));
	return rc;
}
