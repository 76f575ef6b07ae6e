/* SPDX-License-Identifier: BSD-2-Clause */
/* Opens runs and lakes as views. */
#include "core/query/query.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/base.h"
#include "core/log.h"

char *query__overview(const struct query *query)
{
	struct text sql = {0};

	for (size_t i = 0; i < query->tables_count; i++) {
		text__printf(&sql, "%sSELECT ", i ? "\nUNION ALL " : "");
		sql__quote(&sql, query->tables[i], '\'');
		text__printf(
			&sql,
			" AS \"table\", count(*) AS rows, (SELECT string_agg(column_name, ' ' ORDER BY column_index) "
			"FROM duckdb_columns() WHERE schema_name = 'main' AND table_name = ");
		sql__quote(&sql, query->tables[i], '\'');
		text__printf(&sql, ") AS columns FROM ");
		sql__quote(&sql, query->tables[i], '"');
	}
	if (sql.error)
		text__free(&sql);
	return sql.data;
}

/* ---- life ---- */

/* Whether an earlier path is the same folder, such as runs/latest, which is a link to a run. */
static bool is_duplicate(const char *const *paths, size_t i)
{
	struct stat st, other;

	for (size_t before = 0; before < i && !stat(paths[i], &st); before++)
		if (!stat(paths[before], &other) && st.st_dev == other.st_dev && st.st_ino == other.st_ino)
			return true;
	return false;
}

/* A run among many that cannot be read does not keep the others from being asked. */
static int add_run(struct query *query, const char *path, const struct query_opts *opts)
{
	struct error err;
	int rc = query_source__add(query, path, opts, &err);

	if (!rc || rc == -ENOMEM)
		return rc;
	log__warn("%s; it is left out", err.text);
	query_source__drop(query);
	return 0;
}

/* A run or tables; or a folder of runs, each of which becomes a source. */
static int add_path(struct query *query, const char *path, const struct query_opts *opts, struct error *err)
{
	struct query_runs runs;
	size_t before = query->count;
	int rc = opts->prefixes ? 0 : query_runs__find(&runs, path);

	if (opts->prefixes || rc || !runs.count) {
		rc = query_source__add(query, path, opts, err);
	} else {
		for (size_t i = 0; i < runs.count && !rc; i++)
			rc = add_run(query, runs.paths[i], opts);
		if (rc || query->count == before)
			rc = error__set(err, rc ? rc : -EINVAL, "%s: %s", path,
					rc ? strerror(-rc) : "none of its runs can be read");
	}
	if (!opts->prefixes)
		query_runs__free(&runs);
	return rc;
}

int query__find(struct query *query, const struct query_opts *opts, struct error *err)
{
	size_t paths = 0;
	int rc = 0;

	while (opts->paths[paths])
		paths++;
	*query = (struct query){0};
	for (size_t i = 0; i < paths && !rc; i++)
		rc = is_duplicate(opts->paths, i) ? 0 : add_path(query, opts->paths[i], opts, err);
	return rc;
}

int query__open(struct query *query, const struct query_opts *opts, struct error *err)
{
	int rc = query__open_database(query, err);

	if (!rc)
		rc = query_source__settle(query, !opts->prefixes, err);
	if (!rc && opts->sql && query__narrow(query, opts->sql))
		rc = error__set(err, -ENOMEM, "%s", strerror(ENOMEM));
	return rc ? rc : query__make_views(query, opts->prefixes, err);
}

void query__close(struct query *query)
{
	query__close_database(query);
	for (size_t i = 0; i < query->count; i++)
		query_source__free(&query->sources[i]);
	for (size_t i = 0; i < query->tables_count; i++)
		free(query->tables[i]);
	free(query->tables);
	free(query->sources);
}
