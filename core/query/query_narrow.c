/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables that a query names. DuckDB opens every file of a table for its view, twice; of a lake with a file for each run,
 * the tables that are not asked for would take most of the time. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/query/query.h"

/* What may show tables, or find one by a text, without its name. */
static const char *const inspecting[] = {"duckdb_", "information_schema", "pg_", "sqlite_", "pragma", "show", "query",
					 "samples"};

static bool is_plain(const char *sql)
{
	for (size_t i = 0; i < sizeof(inspecting) / sizeof(*inspecting); i++)
		if (strcasestr(sql, inspecting[i]))
			return false;
	return true;
}

/* The query with 1 in place of each parameter $N: DuckDB finds no names in one with parameters. */
static void put_without_parameters(struct text *text, const char *sql)
{
	while (*sql) {
		size_t plain = strcspn(sql, "$"), digits = sql[plain] ? strspn(sql + plain + 1, "0123456789") : 0;

		text__put(text, sql, plain);
		sql += plain;
		if (*sql)
			text__put(text, digits ? "1" : "$", 1);
		sql += *sql ? 1 + digits : 0;
	}
}

/* Marks the table of the name; false: there is none. */
static bool mark(const struct query *query, bool *named, duckdb_value names, idx_t i)
{
	duckdb_value value = duckdb_get_list_child(names, i);
	char *name = duckdb_get_varchar(value);
	bool found = false;

	for (size_t j = 0; name && j < query->tables_count; j++) {
		if (strcasecmp(query->tables[j], name))
			continue;
		named[j] = found = true;
	}
	duckdb_free(name);
	duckdb_destroy_value(&value);
	return found;
}

static void keep(struct query *query, const bool *named)
{
	size_t kept = 0;

	for (size_t i = 0; i < query->tables_count; i++) {
		if (named[i])
			query->tables[kept++] = query->tables[i];
		else
			free(query->tables[i]);
	}
	query->tables_count = kept;
}

int query__narrow(struct query *query, const char *sql)
{
	bool *named = calloc(query->tables_count + 1, sizeof(*named)), all = false;
	struct text text = {0};
	duckdb_value names;
	idx_t count;

	put_without_parameters(&text, sql);
	if (!named || text.error || !text.data || !is_plain(sql)) {
		free(named);
		text__free(&text);
		return named ? 0 : -ENOMEM;
	}
	names = duckdb_get_table_names(query->connection, text.data, false);
	count = names ? duckdb_get_list_size(names) : 0;
	for (idx_t i = 0; i < count && !all; i++)
		all = !mark(query, named, names, i);
	for (size_t i = 0; i < query->count; i++)
		all |= query->sources[i].old; /* its tables are made of each other */
	if (count && !all)
		keep(query, named);
	if (names)
		duckdb_destroy_value(&names);
	free(named);
	text__free(&text);
	return 0;
}
