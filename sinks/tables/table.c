/* SPDX-License-Identifier: BSD-2-Clause */
/* A table: its columns, and the statement that reads its rows. */
#include "sinks/tables/table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct table *table__new(const char *name, const char *help, table_next next)
{
	struct table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->name = strdup(name);
	table->help = help;
	table->work = calloc(1, sizeof(*table->work));
	if (!table->name || !table->work) {
		free(table->name);
		free(table->work);
		free(table);
		return NULL;
	}
	table->work->next = next;
	table->work->rows.fd = -1;
	return table;
}

void table__free(struct table *table)
{
	if (!table)
		return;
	spool__free(&table->work->rows);
	free(table->work);
	for (size_t i = 0; i < table->columns_count; i++) {
		free(table->columns[i].name);
		free(table->columns[i].unit);
		free(table->columns[i].help);
	}
	free(table->columns);
	free(table->name);
	free(table);
}

uint64_t table__rows(const struct table *table)
{
	const struct table_work *work = table->work;

	return work->model ? sorted__count(&work->model->sorted, work->info - model_tables) : work->count;
}

/* ---- columns ---- */

static int find(const struct table *table, const char *name)
{
	for (size_t i = 0; i < table->columns_count; i++)
		if (!strcasecmp(table->columns[i].name, name))
			return i;
	return -1;
}

static char *copy_text(const char *text)
{
	size_t length = text ? strlen(text) : 0;
	const char *safe;
	char *made;

	if (!length)
		return NULL;
	safe = column__text(text, &length, &made);
	return made ? made : safe ? strdup(safe) : NULL;
}

int table__own_column(struct table *table, const char *name, enum column_type type, const char *unit, const char *help)
{
	struct column *columns;

	if (table->columns_count >= TABLE_COLUMNS_MAX)
		return -E2BIG;
	columns = reallocarray(table->columns, table->columns_count + 1, sizeof(*columns));
	if (!columns)
		return -ENOMEM;
	table->columns = columns;
	columns[table->columns_count] =
		(struct column){.name = strdup(name), .type = type, .unit = copy_text(unit), .help = copy_text(help)};
	return columns[table->columns_count].name ? (int)table->columns_count++ : -ENOMEM;
}

int table__column(struct table *table, const char *name, enum column_type type, const char *unit, const char *help)
{
	char other[160];
	int i = find(table, name);

	if (i < 0 && strcasecmp(name, TABLE_MISSING))
		return table__own_column(table, name, type, unit, help);
	/* the first columns are common to all events: fields cannot take their names */
	if (i >= (int)table->own && table->columns[i].type == type)
		return i;
	snprintf(other, sizeof(other), "%s_%s", name, column_type__name(type));
	return table__column(table, other, type, unit, help);
}

/* ---- the table function ---- */

static void bind(duckdb_bind_info info)
{
	const struct table *table = duckdb_bind_get_extra_info(info);

	for (size_t i = 0; i < table->columns_count; i++) {
		duckdb_logical_type type = column_type__logical(table->columns[i].type);

		duckdb_bind_add_result_column(info, table->columns[i].name, type);
		duckdb_destroy_logical_type(&type);
	}
}

static void init(duckdb_init_info info)
{
	duckdb_init_set_max_threads(info, 1);
}

/* Of texts in a chunk, whose copies DuckDB holds several of: long rows make short chunks. */
#define CHUNK_BYTES (4U << 20)

static void scan(duckdb_function_info info, duckdb_data_chunk chunk)
{
	const struct table *table = duckdb_function_get_extra_info(info);
	struct table_work *work = table->work;
	idx_t row = 0, rows = duckdb_vector_size();
	int got = 1;

	for (size_t i = 0; i < table->columns_count; i++)
		cells__begin(&work->cells[i], table->columns[i].type, duckdb_data_chunk_get_vector(chunk, i));
	work->scratch.filled = 0;
	while (row < rows && work->scratch.filled < CHUNK_BYTES && (got = work->next(table, work->cells, row)) > 0)
		row++;
	if (got < 0)
		duckdb_function_set_error(info, got == -EBADMSG ? "a record does not match its stream's header"
								: strerror(-got));
	else if (atomic_load_explicit(work->failed, memory_order_relaxed))
		duckdb_function_set_error(info, "stopped");
	duckdb_data_chunk_set_size(chunk, got < 0 ? 0 : row);
}

void table__scan_name(const struct table *table, struct text *sql)
{
	char name[192];

	snprintf(name, sizeof(name), "scan_%s", table->name);
	sql__name(sql, name);
	text__printf(sql, "()");
}

static int add_function(struct table *table, duckdb_connection connection)
{
	duckdb_table_function function = duckdb_create_table_function();
	char name[192];
	int err;

	snprintf(name, sizeof(name), "scan_%s", table->name);
	duckdb_table_function_set_name(function, name);
	duckdb_table_function_set_extra_info(function, table, NULL);
	duckdb_table_function_set_bind(function, bind);
	duckdb_table_function_set_init(function, init);
	duckdb_table_function_set_function(function, scan);
	err = duckdb_register_table_function(connection, function) == DuckDBSuccess ? 0 : -EINVAL;
	duckdb_destroy_table_function(&function);
	return err;
}

/* ---- the statement ---- */

static int fail(const struct table *table, int err, const char *why)
{
	const struct table_work *work = table->work;

	/* of several tables at once the first that fails says why; of DuckDB's sentence its first line: the others are advice */
	if (!atomic_exchange(work->failed, true))
		work->api->log(LOG_ERROR, "%s: %s: %.*s", work->sink, table->name, (int)strcspn(why, "\n"), why);
	return err;
}

static int run(struct table *table, duckdb_connection connection, const char *sql)
{
	duckdb_result result;
	int err = 0;

	if (duckdb_query(connection, sql, &result) != DuckDBSuccess)
		err = fail(table, -EIO, duckdb_result_error(&result));
	duckdb_destroy_result(&result);
	return err;
}

int table__run(struct table *table, duckdb_database database, const char *sql)
{
	struct table_work *work = table->work;
	duckdb_connection connection = NULL;
	int err = spool__map(&work->rows);

	work->cells = calloc(table->columns_count, sizeof(*work->cells));
	if (!err && (!work->cells || duckdb_connect(database, &connection) != DuckDBSuccess))
		err = -ENOMEM;
	if (!err)
		err = add_function(table, connection);
	err = err ? fail(table, err, strerror(-err)) : run(table, connection, sql);
	duckdb_disconnect(&connection);
	scratch__free(&work->scratch);
	free(work->cells);
	work->cells = NULL;
	spool__free(&work->rows); /* its room on the disk too */
	return err;
}
