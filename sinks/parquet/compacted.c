/* SPDX-License-Identifier: BSD-2-Clause */
/* The rows themselves say which runs a compacted file has: no list beside them can be wrong or lost. */
#include "sinks/parquet/compacted.h"

#include <stdio.h>

static bool is_any(duckdb_database database, const char *sql)
{
	duckdb_connection connection = NULL;
	duckdb_result result;
	bool any;

	if (duckdb_connect(database, &connection) != DuckDBSuccess)
		return false;
	any = duckdb_query(connection, sql, &result) == DuckDBSuccess && duckdb_row_count(&result);
	duckdb_destroy_result(&result);
	duckdb_disconnect(&connection);
	return any;
}

bool compacted__has(const struct tables *tables, int lake, const char *day, const struct model_run *run)
{
	struct text sql = {0};
	char files[64];
	bool has;

	if (!run->info->run.id || !run->info->host)
		return false;
	snprintf(files, sizeof(files), "runs/%s/compacted-*", day);
	text__printf(&sql, "SELECT run FROM read_parquet(");
	sql__path(&sql, lake, files, ".parquet");
	text__printf(&sql, ", hive_partitioning = false) WHERE run = ");
	sql__string(&sql, run->info->run.id);
	text__printf(&sql, " AND host = ");
	sql__string(&sql, run->info->host);
	text__printf(&sql, " LIMIT 1");
	has = !sql.error && is_any(tables__database(tables), sql.data);
	text__free(&sql);
	return has;
}
