/* SPDX-License-Identifier: BSD-2-Clause */
/* Opens runs and lakes as views. */
#include "core/query/query.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/stream.h"
#include "core/text.h"

/* ---- what a path is ---- */

enum holding { HOLDS_NOTHING, HOLDS_STREAMS, HOLDS_TABLES, HOLDS_PARTITIONS };

static bool ends(const char *name, const char *suffix)
{
	size_t n = strlen(name), m = strlen(suffix);

	return n > m && !strcmp(name + n - m, suffix);
}

static bool begins_partition(const char *folder, const char *name)
{
	struct text path = {0};
	struct dirent *entry;
	bool found = false;
	DIR *dir = NULL;

	text__printf(&path, "%s/%s", folder, name);
	if (*name != '.' && !path.error)
		dir = opendir(path.data);
	while (dir && !found && (entry = readdir(dir)))
		found = !strncmp(entry->d_name, "run=", 4);
	if (dir)
		closedir(dir);
	text__free(&path);
	return found;
}

static int what_is(const char *path, enum holding *what)
{
	struct dirent *entry;
	DIR *dir = opendir(path);

	*what = HOLDS_NOTHING;
	if (!dir)
		return -errno;
	while (*what != HOLDS_STREAMS && (entry = readdir(dir))) {
		if (ends(entry->d_name, STREAM_SUFFIX))
			*what = HOLDS_STREAMS;
		else if (ends(entry->d_name, ".parquet"))
			*what = HOLDS_TABLES;
		else if (*what == HOLDS_NOTHING && begins_partition(path, entry->d_name))
			*what = HOLDS_PARTITIONS;
	}
	closedir(dir);
	return 0;
}

/* runs/latest beside the run that it is a link to: all of runs/. */
static bool was_there(const char *const *paths, size_t i)
{
	struct stat st, other;

	for (size_t before = 0; before < i && !stat(paths[i], &st); before++)
		if (!stat(paths[before], &other) && st.st_dev == other.st_dev && st.st_ino == other.st_ino)
			return true;
	return false;
}

static int add_path(struct query *query, const char *path, const struct query_opts *opts, struct error *err)
{
	enum holding what;
	int rc = what_is(path, &what);
	char *folder = NULL, *temporary = NULL;

	if (rc == -ENOTDIR)
		return error__set(err, -EINVAL, "%s: is a file; give the folder of a run or of Parquet files", path);
	if (rc)
		return error__set(err, rc, "%s: %s", path, strerror(-rc));
	if (what == HOLDS_NOTHING)
		return error__set(err, -EINVAL, "%s: holds neither a run's streams (*%s) nor Parquet files", path,
				  STREAM_SUFFIX);
	if (what == HOLDS_STREAMS) {
		rc = query_fold(path, opts, &folder, &temporary, err);
		if (rc)
			return rc;
	} else {
		folder = strdup(path);
	}
	query->folders[query->count] = folder;
	query->temporary[query->count] = temporary;
	query->partitioned[query->count++] = what == HOLDS_PARTITIONS;
	return folder ? 0 : error__set(err, -ENOMEM, "%s", strerror(ENOMEM));
}

/* ---- views ---- */

static void quote_inside(struct text *sql, const char *text, char mark)
{
	for (; *text; text++) {
		if (*text == mark)
			text__put(sql, &mark, 1);
		text__put(sql, text, 1);
	}
}

static void quote(struct text *sql, const char *text, char mark)
{
	text__put(sql, &mark, 1);
	quote_inside(sql, text, mark);
	text__put(sql, &mark, 1);
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

/* The tables of a folder. */
static int add_names(struct query *query, const char *folder, bool partitioned)
{
	struct dirent *entry;
	DIR *dir = opendir(folder);
	int rc = dir ? 0 : -errno;

	while (!rc && (entry = readdir(dir))) {
		if (partitioned && begins_partition(folder, entry->d_name))
			rc = add_name(query, entry->d_name, strlen(entry->d_name));
		else if (!partitioned && *entry->d_name != '.' && ends(entry->d_name, ".parquet"))
			rc = add_name(query, entry->d_name, strlen(entry->d_name) - strlen(".parquet"));
	}
	if (dir)
		closedir(dir);
	return rc;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* DuckDB takes a path for a pattern. */
static void put_pattern(struct text *out, const char *path)
{
	for (; *path; path++) {
		if (strchr("*?[", *path))
			text__printf(out, "[%c]", *path);
		else
			text__put(out, path, 1);
	}
}

static bool has_table(const char *folder, bool partitioned, const char *name)
{
	struct text path = {0};
	bool is;

	text__printf(&path, partitioned ? "%s/%s" : "%s/%s.parquet", folder, name);
	is = !path.error && !access(path.data, R_OK);
	text__free(&path);
	return is;
}

/* The paths that one set of views is over. */
struct side {
	const char *prefix; /* of the views' names */
	size_t begin, end;
};

/* The files of one table: those of runs, or those of lakes. Returns whether there are any. */
static bool put_files(struct text *sql, const struct query *query, const struct side *side, bool partitioned,
		      const char *name)
{
	struct text path = {0};
	bool any = false;

	for (size_t i = side->begin; i < side->end; i++) {
		if (query->partitioned[i] != partitioned || !has_table(query->folders[i], partitioned, name))
			continue;
		path.size = 0;
		put_pattern(&path, query->folders[i]);
		text__printf(&path, partitioned ? "/%s/run=*/host=*/*.parquet" : "/%s.parquet", name);
		text__printf(sql, any ? ", " : "FROM read_parquet([");
		quote(sql, path.data ? path.data : "", '\'');
		any = true;
	}
	if (any)
		text__printf(sql, "], union_by_name = true, hive_partitioning = %s)",
			     partitioned ? "true, hive_types = {run: VARCHAR, host: VARCHAR}" : "false");
	text__free(&path);
	return any;
}

static void put_view(struct text *sql, const struct query *query, const struct side *side, const char *name)
{
	struct text runs = {0}, lakes = {0};
	bool any_run = put_files(&runs, query, side, false, name);
	bool both = put_files(&lakes, query, side, true, name) && any_run;

	if (runs.size || lakes.size) {
		text__printf(sql, "CREATE VIEW \"%s", side->prefix);
		quote_inside(sql, name, '"');
		text__printf(sql, "\" AS %s%s%s;\n", runs.size ? runs.data : "", both ? " UNION ALL BY NAME " : "",
			     lakes.size ? lakes.data : "");
	}
	text__free(&runs);
	text__free(&lakes);
}

static int make_views(struct query *query, const char *const *prefixes, struct error *err)
{
	struct side all = {"", 0, query->count};
	struct text sql = {0};
	int rc = 0;

	for (size_t i = 0; i < query->count && !rc; i++)
		rc = add_names(query, query->folders[i], query->partitioned[i]);
	if (query->tables_count)
		qsort(query->tables, query->tables_count, sizeof(*query->tables), by_name);
	for (size_t i = 0; i < query->tables_count && !rc; i++) {
		if (!prefixes)
			put_view(&sql, query, &all, query->tables[i]);
		for (size_t j = 0; prefixes && j < query->count; j++)
			put_view(&sql, query, &(struct side){prefixes[j], j, j + 1}, query->tables[i]);
	}
	rc = rc ? rc : sql.error;
	if (rc)
		error__set(err, rc, "%s", strerror(-rc));
	else
		rc = query__run(query, sql.data, err);
	text__free(&sql);
	return rc;
}

char *query__overview(const struct query *query)
{
	struct text sql = {0};

	for (size_t i = 0; i < query->tables_count; i++) {
		text__printf(&sql, "%sSELECT ", i ? "\nUNION ALL " : "");
		quote(&sql, query->tables[i], '\'');
		text__printf(
			&sql,
			" AS \"table\", count(*) AS rows, (SELECT string_agg(column_name, ' ' ORDER BY column_index) "
			"FROM duckdb_columns() WHERE schema_name = 'main' AND table_name = ");
		quote(&sql, query->tables[i], '\'');
		text__printf(&sql, ") AS columns FROM ");
		quote(&sql, query->tables[i], '"');
	}
	if (sql.error)
		text__free(&sql);
	return sql.data;
}

/* ---- the database ---- */

/* No extension is downloaded, no temporary file is written. */
static const char *const settings[][2] = {
	{"autoinstall_known_extensions", "false"},
	{"autoload_known_extensions", "false"},
	{"temp_directory", ""},
};

static int open_database(struct query *query, struct error *err)
{
	duckdb_config config = NULL;
	char *why = NULL;
	int rc = 0;

	if (duckdb_create_config(&config) != DuckDBSuccess)
		return error__set(err, -ENOMEM, "%s", strerror(ENOMEM));
	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++)
		duckdb_set_config(config, settings[i][0], settings[i][1]);
	if (duckdb_open_ext(NULL, &query->database, config, &why) != DuckDBSuccess ||
	    duckdb_connect(query->database, &query->connection) != DuckDBSuccess)
		rc = error__set(err, -ENOMEM, "DuckDB: %s", why ? why : "does not open");
	duckdb_free(why);
	duckdb_destroy_config(&config);
	return rc;
}

int query__run(struct query *query, const char *sql, struct error *err)
{
	duckdb_result result;
	int rc = 0;

	if (duckdb_query(query->connection, sql, &result) != DuckDBSuccess)
		rc = error__set(err, -EINVAL, "%s", duckdb_result_error(&result));
	duckdb_destroy_result(&result);
	return rc;
}

int query__open(struct query *query, const struct query_opts *opts, struct error *err)
{
	size_t paths = 0;
	int rc;

	while (opts->paths[paths])
		paths++;
	*query = (struct query){0};
	query->folders = calloc(paths + 1, sizeof(*query->folders));
	query->temporary = calloc(paths + 1, sizeof(*query->temporary));
	query->partitioned = calloc(paths + 1, sizeof(*query->partitioned));
	if (!query->folders || !query->temporary || !query->partitioned)
		return error__set(err, -ENOMEM, "%s", strerror(ENOMEM));
	for (size_t i = 0; i < paths; i++) {
		rc = was_there(opts->paths, i) ? 0 : add_path(query, opts->paths[i], opts, err);
		if (rc)
			return rc;
	}
	rc = open_database(query, err);
	return rc ? rc : make_views(query, opts->prefixes, err);
}

void query__close(struct query *query)
{
	duckdb_disconnect(&query->connection);
	duckdb_close(&query->database);
	for (size_t i = 0; i < query->count; i++) {
		if (query->temporary[i])
			query_fold__remove(query->temporary[i]);
		free(query->temporary[i]);
		free(query->folders[i]);
	}
	for (size_t i = 0; i < query->tables_count; i++)
		free(query->tables[i]);
	free(query->tables);
	free(query->temporary);
	free(query->folders);
	free(query->partitioned);
}
