/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables of 0.1 as they are now: other types and names, and what has been added since as far as SQL can make it. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "core/base/base.h"
#include "core/log.h"
#include "core/query/query.h"
#include "core/text.h"

/* One step: the statements, whose results are statements to run if `made`; $ stands for the schema. */
struct step {
	bool made;
	const char *sql;
};

/* Types: unsigned numbers saturate, nanoseconds become microseconds, maps JSON. */
#define CONVERTED                                                                                            \
	"CASE WHEN data_type IN ('UBIGINT', 'UINTEGER') THEN "                                               \
	"  'CAST(CASE WHEN ' || name || ' > 9223372036854775807 THEN 9223372036854775807 ELSE ' || name || " \
	"  ' END AS BIGINT)' "                                                                               \
	"WHEN data_type = 'TIMESTAMP_NS' THEN 'timezone(''UTC'', CAST(' || name || ' AS TIMESTAMP))' "       \
	"WHEN starts_with(data_type, 'MAP') THEN "                                                           \
	"  'CASE WHEN ' || name || ' IS NOT NULL THEN CAST(to_json(' || name || ') AS VARCHAR) END' "        \
	"ELSE name END"
#define RENAMED                                                                           \
	"CASE column_name WHEN 'count' THEN 'lost_events' WHEN 'limit' THEN 'oom_scope' " \
	"WHEN 'older' THEN 'preexisting' WHEN 'passed_on' THEN 'propagated' ELSE column_name END"

static const struct step steps[] = {
	{true, "SELECT 'CREATE VIEW $.\"' || CASE table_name WHEN 'old_processes' THEN 'old_images' "
	       "ELSE replace(substr(table_name, 5), '\"', '\"\"') END || '\" AS SELECT ' || "
	       "string_agg(" CONVERTED " || ' AS \"' || replace(" RENAMED
	       ", '\"', '\"\"') || '\"', ', ' ORDER BY column_index) "
	       "|| ', CAST(NULL AS VARCHAR) AS pipeline FROM $.\"' || replace(table_name, '\"', '\"\"') || '\"' "
	       "FROM (SELECT *, '\"' || replace(column_name, '\"', '\"\"') || '\"' AS name FROM duckdb_columns()) "
	       "WHERE schema_name = '$' AND starts_with(table_name, 'old_') AND column_name <> 'ended_ns' "
	       "GROUP BY table_name"},
	{false,
	 "CREATE VIEW $.images AS SELECT i.*, "
	 "CASE WHEN NOT i.last THEN concat('replaced by ', lead(i.comm) OVER (PARTITION BY i.run, i.host, i.pid, i.start "
	 "ORDER BY i.exec)) WHEN i.outcome IN ('running', 'unknown') THEN i.outcome "
	 "WHEN i.signal_name IS NOT NULL THEN i.signal_name WHEN i.exit_code IS NOT NULL THEN 'exit ' || i.exit_code "
	 "ELSE i.outcome END AS status, "
	 "CASE WHEN NOT i.propagated THEN h.by_command END AS hidden_by, coalesce(c.children, 0) AS children, "
	 "CAST(NULL AS BIGINT) AS tree_order, CAST(NULL AS BIGINT) AS cpu_span_ns, CAST(NULL AS VARCHAR) AS waits_for, "
	 "CAST(NULL AS BIGINT) AS oom_limit_bytes, CAST(NULL AS BIGINT) AS oom_usage_bytes, "
	 "CAST(NULL AS VARCHAR) AS oom_cgroup, CAST(NULL AS VARCHAR) AS oom_others, "
	 "FALSE AS retried, FALSE AS ignored, FALSE AS muted, CAST(NULL AS INTEGER) AS cause_pid, CAST(NULL AS BIGINT) AS cause_start "
	 "FROM $.old_images AS i LEFT JOIN $.hidden_failures AS h ON h.run = i.run AND h.host = i.host AND "
	 "h.pid = i.pid AND h.start = i.start AND h.exec = i.exec "
	 "LEFT JOIN (SELECT run, host, ppid, parent_start, count(*) AS children FROM $.old_images WHERE last "
	 "GROUP BY run, host, ppid, parent_start) AS c ON c.run = i.run AND c.host = i.host AND c.ppid = i.pid AND "
	 "c.parent_start = i.start"},
	{false,
	 "CREATE VIEW $.verdicts AS SELECT run, host, pipeline, '' AS kind, '' AS certainty, FALSE AS muted, pid, start, "
	 "'' AS command, '' AS step, began AS since, began AS ended, '' AS evidence, '' AS refute, '' AS next, "
	 "'' AS members, CAST(NULL AS VARCHAR) AS missing FROM $.images WHERE FALSE"},
	/* 0.1 wrote no table of runs. */
	{false,
	 "CREATE VIEW $.runs AS SELECT run, host, pipeline, '' AS boot_id, '' AS marker, '' AS job, began, began AS ended, "
	 "began_ns, began_ns AS boot_epoch_ns, CAST(NULL AS BIGINT) AS clock_error_ns, wall_ns, cpu_ns, "
	 "began_ns AS processes, began_ns AS failed, '' AS result FROM $.images WHERE FALSE"},
	{false,
	 "CREATE VIEW $.processes AS SELECT i.* REPLACE (s.began AS began, s.began_ns AS began_ns, "
	 "i.began_ns + i.wall_ns - s.began_ns AS wall_ns, s.cpu_ns AS cpu_ns, s.user_ns AS user_ns, "
	 "s.system_ns AS system_ns, s.peak AS peak_rss_bytes, s.sampled AS sampled_rss_bytes, "
	 "s.read_chars AS read_chars, s.write_chars AS write_chars, s.read_syscalls AS read_syscalls, "
	 "s.write_syscalls AS write_syscalls, s.read_bytes AS read_bytes, s.write_bytes AS write_bytes, "
	 "s.cancelled AS cancelled_write_bytes), s.programs "
	 "FROM (SELECT * EXCLUDE (last) FROM $.images WHERE last) AS i JOIN ("
	 "SELECT run, host, pid, start, count(*) AS programs, min(began) AS began, min(began_ns) AS began_ns, "
	 "TRY_CAST(sum(cpu_ns) AS BIGINT) AS cpu_ns, TRY_CAST(sum(user_ns) AS BIGINT) AS user_ns, "
	 "TRY_CAST(sum(system_ns) AS BIGINT) AS system_ns, max(coalesce(peak_rss_bytes, sampled_rss_bytes)) AS peak, "
	 "max(sampled_rss_bytes) AS sampled, TRY_CAST(sum(read_chars) AS BIGINT) AS read_chars, "
	 "TRY_CAST(sum(write_chars) AS BIGINT) AS write_chars, TRY_CAST(sum(read_syscalls) AS BIGINT) AS read_syscalls, "
	 "TRY_CAST(sum(write_syscalls) AS BIGINT) AS write_syscalls, TRY_CAST(sum(read_bytes) AS BIGINT) AS read_bytes, "
	 "TRY_CAST(sum(write_bytes) AS BIGINT) AS write_bytes, TRY_CAST(sum(cancelled_write_bytes) AS BIGINT) AS cancelled "
	 "FROM $.images GROUP BY run, host, pid, start) AS s "
	 "ON s.run = i.run AND s.host = i.host AND s.pid = i.pid AND s.start = i.start"},
};

static int append(void *sql, const char *const *row)
{
	text__printf(sql, "%s;\n", row[0]);
	return ((struct text *)sql)->error;
}

static int take(struct query *query, const struct step *step, const char *schema, struct error *err)
{
	struct text sql = {0}, made = {0};
	int rc;

	for (const char *c = step->sql; *c; c++)
		text__printf(&sql, *c == '$' ? "%s" : "%.1s", *c == '$' ? schema : c);
	rc = sql.error;
	if (!rc && step->made)
		rc = query__each(query, sql.data, append, &made, err);
	if (!rc)
		rc = made.error ? made.error : query__run(query, step->made ? made.data : sql.data, err);
	text__free(&sql);
	text__free(&made);
	return rc;
}

int query_old__convert(struct query *query, const char *schema, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps) && !rc; i++)
		rc = take(query, &steps[i], schema, err);
	return rc;
}

/* ---- queries of 0.1 ---- */

/* The old names that are not keywords of SQL. */
static const struct {
	const char *old, *now;
} columns[] = {{"older", "preexisting"}, {"passed_on", "propagated"}};

static bool is_part(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Every mention of the column outside of strings. */
static char *replaced(const char *sql, const char *old, const char *now)
{
	size_t n = strlen(old);
	bool quoted = false;
	struct text out = {0};

	for (const char *c = sql; *c; c++) {
		quoted ^= *c == '\'';
		if (quoted || strncmp(c, old, n) != 0 || is_part(c[n]) || (c > sql && is_part(c[-1]))) {
			text__printf(&out, "%c", *c);
		} else {
			text__printf(&out, "%s", now);
			c += n - 1;
		}
	}
	if (out.error)
		text__free(&out);
	return out.data;
}

char *query_old__renamed(const char *sql, const char *why)
{
	char quoted[32];

	for (size_t i = 0; i < sizeof(columns) / sizeof(*columns); i++) {
		snprintf(quoted, sizeof(quoted), "\"%s\"", columns[i].old);
		if (!strstr(why, quoted))
			continue;
		log__warn("the column %s is called %s since 0.2", columns[i].old, columns[i].now);
		return replaced(sql, columns[i].old, columns[i].now);
	}
	return NULL;
}
