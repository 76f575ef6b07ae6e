/* SPDX-License-Identifier: BSD-2-Clause */
/* The database in memory, and asking it. */
#include <errno.h>
#include <string.h>

#include "core/base/base.h"
#include "core/query/query.h"

void sql__quote(struct text *sql, const char *text, char mark)
{
	text__put(sql, &mark, 1);
	for (; *text; text++) {
		if (*text == mark)
			text__put(sql, &mark, 1);
		text__put(sql, text, 1);
	}
	text__put(sql, &mark, 1);
}

/* Disables downloads of extensions and temporary files. */
static const char *const settings[][2] = {
	{"autoinstall_known_extensions", "false"},
	{"autoload_known_extensions", "false"},
	{"temp_directory", ""},
};

int query__run(struct query *query, const char *sql, struct error *err)
{
	duckdb_result result;
	int rc = 0;

	if (duckdb_query(query->connection, sql, &result) != DuckDBSuccess)
		rc = error__set(err, -EINVAL, "%s", duckdb_result_error(&result));
	duckdb_destroy_result(&result);
	return rc;
}

int query__open_database(struct query *query, struct error *err)
{
	duckdb_config config = NULL;
	char *why = NULL;
	int rc = duckdb_calls__load(err);

	if (rc)
		return rc;
	if (duckdb_create_config(&config) != DuckDBSuccess)
		return error__set(err, -ENOMEM, "%s", strerror(ENOMEM));
	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++)
		duckdb_set_config(config, settings[i][0], settings[i][1]);
	if (duckdb_open_ext(NULL, &query->database, config, &why) != DuckDBSuccess ||
	    duckdb_connect(query->database, &query->connection) != DuckDBSuccess)
		rc = error__set(err, -ENOMEM, "DuckDB: %s", why ? why : "cannot be opened");
	duckdb_free(why);
	duckdb_destroy_config(&config);
	/* what is printed must not depend on where it is printed */
	return rc ? rc : query__run(query, "SET TimeZone = 'UTC'", err);
}

void query__close_database(struct query *query)
{
	if (query->connection)
		duckdb_disconnect(&query->connection);
	if (query->database)
		duckdb_close(&query->database);
}

int query__each(struct query *query, const char *sql, int (*call)(void *arg, const char *const *row), void *arg,
		struct error *err)
{
	const char *row[8];
	duckdb_result result;
	int rc = 0;

	if (duckdb_query(query->connection, sql, &result) != DuckDBSuccess)
		rc = error__set(err, -EINVAL, "%s", duckdb_result_error(&result));
	for (idx_t i = 0; !rc && i < duckdb_row_count(&result); i++) {
		idx_t columns = duckdb_column_count(&result);

		for (idx_t j = 0; j < columns; j++)
			row[j] = duckdb_value_varchar(&result, j, i);
		rc = call(arg, row);
		for (idx_t j = 0; j < columns; j++)
			duckdb_free((void *)row[j]);
	}
	duckdb_destroy_result(&result);
	return rc;
}
