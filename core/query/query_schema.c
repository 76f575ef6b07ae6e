/* SPDX-License-Identifier: BSD-2-Clause */
/* Describes tables and columns, by what the sinks of tables have written beside them. */
#include "core/base/base.h"
#include "core/query/query.h"

/* What a view has beyond the tables; samples has the columns of others beside. */
static const char own[] =
	"own(t, k, v) AS (VALUES ('samples', 'table_help', 'samples of CPU time and memory, with the step and program then'), "
	"('samples', 'kind', 'cpu or mem: what was sampled'), "
	"('samples', 'used_ns', 'CPU time since the sample before (ns)'), "
	"('samples', 'span_ns', 'time since the sample before (ns)'), "
	"('samples', 'cores', 'CPUs busy on average in that time'), "
	"('steps', 'core_hours', 'CPU time, in hours of one CPU'), "
	"('runs', 'core_hours', 'CPU time, in hours of one CPU'))";

/* The unit ends the description. */
static const char described[] =
	"noted AS (SELECT t, k, min(v) AS v FROM (FROM notes UNION ALL FROM own) GROUP BY t, k UNION ALL "
	"SELECT 'samples', k, arg_min(v, t) FROM notes WHERE t IN ('images', 'cpu_sample', 'mem_sample') AND k <> 'table_help' "
	"AND k NOT IN (SELECT own.k FROM own WHERE own.t = 'samples') GROUP BY k), "
	"columns AS (SELECT table_name AS t, column_name AS k, column_index AS i, data_type AS type FROM duckdb_columns() "
	"WHERE database_name = 'memory' AND schema_name = 'main' AND NOT internal) "
	"SELECT \"table\", \"column\", type, unit, description FROM (SELECT c.t AS \"table\", c.k AS \"column\", c.type, "
	"nullif(regexp_extract(noted.v, '\\((ns|bytes)\\)$', 1), '') AS unit, "
	"regexp_replace(noted.v, ' ?\\((ns|bytes)\\)$', '') AS description, c.i FROM columns AS c LEFT JOIN noted ON noted.t = c.t AND "
	"noted.k = c.k UNION ALL SELECT DISTINCT c.t, NULL, NULL, NULL, noted.v, 0 FROM columns AS c LEFT JOIN noted ON "
	"noted.t = c.t AND noted.k = 'table_help') ORDER BY \"table\", i";

static void put_notes(struct query *query, size_t source, const char *table, struct text *sql)
{
	text__printf(sql, " UNION ALL SELECT ");
	sql__quote(sql, table, '\'');
	if (query->sources[source].layout == LAYOUT_DATABASE) {
		text__printf(
			sql,
			", name, comment FROM (SELECT table_name, column_name AS name, comment, database_name FROM "
			"duckdb_columns() UNION ALL SELECT table_name, 'table_help', comment, database_name FROM "
			"duckdb_tables()) WHERE database_name = 'source_%zu' AND table_name = ",
			source);
		sql__quote(sql, table, '\'');
		return;
	}
	text__printf(sql, ", decode(key), decode(value) FROM parquet_kv_metadata(");
	query_source__files(query, source, table, sql);
	text__printf(sql, ")");
}

char *query__schema(struct query *query)
{
	struct text sql = {0};

	text__printf(&sql, "WITH notes(t, k, v) AS (SELECT '', '', ''");
	for (size_t i = 0; i < query->tables_count; i++)
		for (size_t source = 0; source < query->count; source++)
			if (query_source__has(query, source, query->tables[i]))
				put_notes(query, source, query->tables[i], &sql);
	text__printf(&sql, "), %s, %s", own, described);
	if (sql.error)
		text__free(&sql);
	return sql.data;
}
