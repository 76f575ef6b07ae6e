/* SPDX-License-Identifier: BSD-2-Clause */
/* A table: its columns, and the thread that reads its rows from the queue. */
#include "sinks/tables/table.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct table *table__new(const char *name, const char *help, table_fill fill)
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
	table->work->fill = fill;
	queue__init(&table->work->queue);
	return table;
}

void table__free(struct table *table)
{
	if (!table)
		return;
	table__join(table);
	scratch__free(&table->work->scratch);
	queue__free(&table->work->queue);
	free(table->work->cells);
	free(table->work->sql);
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
	const void *entry;
	int err = 0;

	for (size_t i = 0; i < table->columns_count; i++)
		cells__begin(&work->cells[i], table->columns[i].type, duckdb_data_chunk_get_vector(chunk, i));
	work->scratch.filled = 0;
	while (row < rows && !err && work->scratch.filled < CHUNK_BYTES && (entry = queue__take(&work->queue)))
		err = work->fill(table, entry, work->cells, row++);
	if (err)
		duckdb_function_set_error(info, err == -EBADMSG ? "a record does not match its stream's header"
								: strerror(-err));
	else if (queue__stopped(&work->queue))
		duckdb_function_set_error(info, "stopped");
	duckdb_data_chunk_set_size(chunk, err ? 0 : row);
}

void table__scan_name(const struct table *table, struct text *sql)
{
	char name[192];

	snprintf(name, sizeof(name), "scan_%s", table->name);
	sql__name(sql, name);
	text__printf(sql, "()");
}

static int add_function(struct table *table)
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
	err = duckdb_register_table_function(table->work->connection, function) == DuckDBSuccess ? 0 : -EINVAL;
	duckdb_destroy_table_function(&function);
	return err;
}

/* ---- the thread ---- */

static void *run(void *arg)
{
	struct table *table = arg;
	struct table_work *work = table->work;
	duckdb_result result;

	if (duckdb_query(work->connection, work->sql, &result) != DuckDBSuccess) {
		const char *why = duckdb_result_error(&result); /* its first line; the others are advice */

		if (!queue__stopped(&work->queue))
			work->api->log(LOG_ERROR, "%s: %s: %.*s", work->sink, table->name, (int)strcspn(why, "\n"),
				       why);
		atomic_store(work->failed, true);
		queue__stop(&work->queue);
	}
	duckdb_destroy_result(&result);
	return NULL;
}

int table__start(struct table *table, duckdb_database database)
{
	struct table_work *work = table->work;
	sigset_t all, before;
	int err;

	work->cells = calloc(table->columns_count, sizeof(*work->cells));
	if (!work->cells)
		return -ENOMEM;
	if (duckdb_connect(database, &work->connection) != DuckDBSuccess)
		return -ENOMEM;
	err = add_function(table);
	if (err)
		return err;
	/* signals go to the main thread */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = -pthread_create(&work->thread, NULL, run, table);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	work->running = !err;
	return err;
}

void table__join(struct table *table)
{
	if (table->work->running)
		pthread_join(table->work->thread, NULL);
	table->work->running = false;
	duckdb_disconnect(&table->work->connection);
}
