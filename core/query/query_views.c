/* SPDX-License-Identifier: BSD-2-Clause */
/* The views over all sources. Sources that are read alike form a part, which has a schema: its views are united. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/base.h"
#include "core/query/query.h"

/* The sources that one set of views covers. */
struct side {
	const char *prefix; /* of the views' names */
	size_t begin, end;
};

/* Whether sources are read by one call: files of one age, without runs to leave out. */
static bool alike(const struct source *a, const struct source *b)
{
	return a == b || (a->layout == b->layout && a->layout != LAYOUT_DATABASE && a->old == b->old && !a->same &&
			  !b->same && !a->except && !b->except);
}

/* Whether the source is the first of its part. */
static bool is_first(const struct query *query, const struct side *side, size_t i)
{
	for (size_t before = side->begin; before < i; before++)
		if (alike(&query->sources[before], &query->sources[i]))
			return false;
	return !query->sources[i].same;
}

/* ---- parts ---- */

/* read_parquet([path, path...], options) of the sources of the part. Returns how many have the table. */
static size_t put_part(struct text *sql, struct query *query, const struct side *side, size_t first, const char *table)
{
	struct text paths = {0}, one = {0};
	const char *begin, *end = NULL;
	size_t count = 0;

	for (size_t i = first; i < side->end; i++) {
		if (!alike(&query->sources[first], &query->sources[i]) || !query_source__has(query, i, table))
			continue;
		one.size = 0;
		query_source__from(query, i, table, &one);
		if (one.error || query->sources[i].layout == LAYOUT_DATABASE) {
			text__put(sql, one.data, one.size);
			count = !one.error;
			break;
		}
		begin = strchr(one.data, '(') + 1;
		end = strstr(one.data, ", union_by_name");
		text__printf(&paths, "%s%.*s", count++ ? ", " : "", (int)(end - begin), begin);
	}
	if (end)
		text__printf(sql, "read_parquet([%s]%s", paths.data ? paths.data : "", end);
	text__free(&paths);
	text__free(&one);
	return count;
}

static int set_same(void *same, const char *const *row)
{
	*(bool *)same = !strcmp(row[0], "1");
	return 0;
}

/* What is wrong with a file is said by its view. */
static bool have_same_columns(struct query *query, const char *files, size_t length)
{
	struct text sql = {0};
	struct error err;
	bool same = false;
	int rc;

	text__printf(&sql,
		     "SELECT count(DISTINCT s) FROM (SELECT sum(CAST(hash(name, type, repetition_type, num_children, "
		     "converted_type, logical_type) AS HUGEINT)) AS s FROM parquet_schema(%.*s) GROUP BY file_name)",
		     (int)length, files);
	rc = sql.error ? sql.error : query__each(query, sql.data, set_same, &same, &err);
	text__free(&sql);
	return !rc && same;
}

/* Leaves union_by_name out where all files have the same columns, or there is only one. With it DuckDB opens every file, and
 * keeps it open, whenever it binds the view: for the view, for each over it, and for a query three times. */
static void bind_once(struct query *query, struct text *from, bool only_one)
{
	static const char by_name[] = ", union_by_name = true";
	const size_t length = sizeof(by_name) - 1;
	char *at = strstr(from->data, by_name), *files;

	if (!at)
		return;
	files = strchr(from->data, '(') + 1;
	if (!only_one && !have_same_columns(query, files, (size_t)(at - files)))
		return;
	memmove(at, at + length, strlen(at + length) + 1);
	from->size -= length;
}

/* Creates schema part_N with a view for each table. */
static int make_part(struct query *query, const struct side *side, size_t first, struct error *err)
{
	const struct source *source = &query->sources[first];
	char schema[32];
	struct text sql = {0};
	int rc;

	snprintf(schema, sizeof(schema), "part_%zu", first);
	text__printf(&sql, "CREATE SCHEMA %s;\n", schema);
	for (size_t i = 0; i < query->tables_count; i++) {
		struct text from = {0};
		size_t count = put_part(&from, query, side, first, query->tables[i]);

		if (count && !from.error) {
			bind_once(query, &from, count == 1 && source->layout == LAYOUT_FILES);
			text__printf(&sql, "CREATE VIEW %s.\"%s", schema, source->old ? "old_" : "");
			text__printf(&sql, "%s\" AS FROM %s%s%s%s;\n", query->tables[i], from.data,
				     source->except ? " WHERE (" : "", source->except ? source->except : "",
				     source->except ? ") IS NOT TRUE" : "");
		}
		text__free(&from);
	}
	rc = sql.error ? sql.error : query__run(query, sql.data, err);
	text__free(&sql);
	return rc || !source->old ? rc : query_old__convert(query, schema, err);
}

/* ---- all ---- */

/* Columns of files that hold JSON as text, as every engine reads it: missing['cpu_ns'] takes the type. */
#define JSON_COLUMNS                                                                                    \
	"(('', 'missing'), ('runs', 'tags'), ('lifecycle_exec', 'env'), ('lifecycle_exec', 'stderr'), " \
	"('lifecycle_alive', 'env'), ('lifecycle_alive', 'stderr'))"

static int add_view(void *sql, const char *const *row)
{
	struct text *text = sql;

	/* row: the table, the query over the parts that have it, whether it gets core-hours, REPLACE () or nothing */
	text__printf(text, "CREATE VIEW %s AS SELECT *%s%s FROM (%s);\n", row[0], row[3],
		     !strcmp(row[2], "true") ? ", CAST(cpu_ns AS DOUBLE) / 3.6e12 AS core_hours" : "", row[1]);
	return text->error;
}

static int make_side(struct query *query, const struct side *side, struct error *err)
{
	struct text list = {0}, sql = {0};
	int rc = 0;

	text__printf(
		&list,
		"SELECT '\"' || replace(concat('%s', view_name), '\"', '\"\"') || '\"', string_agg('FROM ' || schema_name || "
		"'.\"' || replace(view_name, '\"', '\"\"') || '\"', ' UNION ALL BY NAME ' ORDER BY view_oid), "
		"CAST(view_name IN ('steps', 'runs') AND bool_and(EXISTS (SELECT 1 FROM duckdb_columns() AS c WHERE "
		"c.schema_name = v.schema_name AND c.table_name = v.view_name AND c.column_name = 'cpu_ns')) AS VARCHAR), "
		"coalesce((SELECT ' REPLACE (' || string_agg(DISTINCT 'CAST(\"' || c.column_name || '\" AS JSON) AS \"' || "
		"c.column_name || '\"', ', ') || ')' FROM duckdb_columns() AS c WHERE c.table_name = v.view_name AND "
		"c.data_type = 'VARCHAR' AND (('', c.column_name) IN " JSON_COLUMNS
		" OR (v.view_name, c.column_name) IN " JSON_COLUMNS ")), '') "
		"FROM duckdb_views() AS v WHERE NOT starts_with(view_name, 'old_') AND schema_name IN (''",
		side->prefix);
	for (size_t i = side->begin; i < side->end && !rc; i++) {
		if (!is_first(query, side, i))
			continue;
		rc = make_part(query, side, i, err);
		text__printf(&list, ", 'part_%zu'", i);
	}
	text__printf(&list, ") GROUP BY view_name ORDER BY view_name");
	if (!rc)
		rc = list.error ? list.error : query__each(query, list.data, add_view, &sql, err);
	if (!rc && sql.size)
		rc = query__run(query, sql.data, err);
	text__free(&list);
	text__free(&sql);
	return rc;
}

/* What each process used and held over time, with the step and the program that it then executed. */
static const char samples[] =
	"CREATE VIEW samples AS WITH cpu AS (SELECT run, host, pipeline, ts, time, pid, start, 'cpu' AS kind, cpu_ns, "
	"cpu_ns - lag(cpu_ns) OVER w AS used_ns, ts - lag(ts) OVER w AS span_ns, CAST(NULL AS BIGINT) AS rss_bytes "
	"FROM cpu_sample WINDOW w AS (PARTITION BY run, host, pid, start ORDER BY ts, seq)), "
	"mem AS (SELECT run, host, pipeline, ts, time, pid, start, 'mem' AS kind, CAST(NULL AS BIGINT) AS cpu_ns, "
	"CAST(NULL AS BIGINT) AS used_ns, CAST(NULL AS BIGINT) AS span_ns, rss_bytes FROM mem_sample) "
	"SELECT s.run, s.host, s.pipeline, s.ts, s.time, s.pid, s.start, i.exec, i.task, i.step, i.command, s.kind, s.cpu_ns, "
	"s.used_ns, s.span_ns, CAST(s.used_ns AS DOUBLE) / nullif(s.span_ns, 0) AS cores, s.rss_bytes "
	"FROM (FROM cpu UNION ALL FROM mem) AS s ASOF LEFT JOIN images AS i ON i.run = s.run AND i.host = s.host AND "
	"i.pid = s.pid AND i.start = s.start AND i.began_ns <= s.ts";

static bool has_table(const struct query *query, const char *name)
{
	for (size_t i = 0; i < query->tables_count; i++)
		if (!strcmp(query->tables[i], name))
			return true;
	return false;
}

/* A run whose headers have other columns, such as one of 0.1, has no such view. */
static int add_samples(struct query *query)
{
	struct error err;

	if (!has_table(query, "cpu_sample") || !has_table(query, "mem_sample") || !has_table(query, "images"))
		return 0;
	return query__run(query, samples, &err) ? 0 : query__add_table(query, "samples");
}

int query__make_views(struct query *query, const char *const *prefixes, struct error *err)
{
	struct side all = {"", 0, query->count};
	int rc = 0;

	if (!prefixes)
		rc = make_side(query, &all, err);
	if (!prefixes)
		return rc ? rc : add_samples(query);
	for (size_t i = 0; i < query->count && !rc; i++)
		rc = make_side(query, &(struct side){prefixes[i], i, i + 1}, err);
	return rc;
}
