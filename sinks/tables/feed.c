/* SPDX-License-Identifier: BSD-2-Clause */
/* Routes records to tables; opens and closes the database. */
#include "sinks/tables/tables.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sinks/tables/table.h"

struct stream {
	struct event_source **kinds;
	uint32_t count;
};

struct tables {
	struct tables_opts opts;
	duckdb_database database;
	struct table **list; /* the model's, then the events' */
	size_t count;
	struct stream *streams; /* by stream_info's index */
	size_t streams_count;
	struct steps *steps;
	struct model *model;
	struct verdicts *verdicts;
	struct model_rows rows;
	atomic_size_t next; /* table to be made */
	atomic_bool failed;
};

static int fail(const struct tables *tables, int err, const char *what)
{
	what = what ? what : strerror(-err);
	tables->opts.api->log(LOG_ERROR, "%s: %.*s", tables->opts.name, (int)strcspn(what, "\n"), what);
	return err;
}

/* ---- the model's rows ---- */

static struct totals_run *totals_of(const struct model_run *run)
{
	return &((struct run_sums *)run->user)->totals;
}

static int on_run(void *arg, const struct model_run *run)
{
	(void)arg;
	totals_run__init(totals_of(run), run);
	return 0;
}

static int on_row(void *arg, const struct model_row *row)
{
	int err = totals__row(totals_of(row->run), NULL, row);

	err = err ? err : verdicts__row(((struct tables *)arg)->verdicts, row);
	return err ? err : model_rows__image(&((struct tables *)arg)->rows, row);
}

static int on_process(void *arg, const struct model_process *process)
{
	return model_rows__process(&((struct tables *)arg)->rows, process);
}

static int on_task(void *arg, const struct model_task *task)
{
	return model_rows__step(&((struct tables *)arg)->rows, task);
}

static int on_hidden(void *arg, const struct model_row *row, uint32_t pid, const struct model_command *by)
{
	struct tables *tables = arg;
	int err = verdicts__hidden(tables->verdicts, row, pid, by);

	err = err ? err
		  : totals__hidden(totals_of(row->run), NULL, NULL, row, verdicts__suspects(tables->verdicts, row));
	return err ? err : model_rows__hidden(&tables->rows, row, pid, by);
}

static int on_retried(void *arg, const struct model_row *row)
{
	struct tables *tables = arg;
	int err = totals__retried(totals_of(row->run), NULL, row);

	err = err ? err : verdicts__retried(tables->verdicts, row);
	return err ? err : model_rows__retried(&tables->rows, row);
}

static int on_ignored(void *arg, const struct model_row *row)
{
	int err = totals__ignored(totals_of(row->run), NULL, row);

	err = err ? err : verdicts__ignored(((struct tables *)arg)->verdicts, row);
	return err ? err : model_rows__ignored(&((struct tables *)arg)->rows, row);
}

/* ---- streams ---- */

static struct table **tables__add(struct tables *tables, struct table *table)
{
	struct table **list = table ? reallocarray(tables->list, tables->count + 1, sizeof(*list)) : NULL;

	if (!list) {
		table__free(table);
		return NULL;
	}
	table->work->api = tables->opts.api;
	table->work->sink = tables->opts.name;
	table->work->failed = &tables->failed;
	tables->list = list;
	list[tables->count] = table;
	return &list[tables->count++];
}

/* The table of an event, made at its first stream. A name that the model uses gets a suffix. 0, -ENOMEM or -E2BIG. */
static int table_of(struct tables *tables, const struct stream_event *event, struct table **table)
{
	struct table **made;
	char name[160];
	size_t i;

	snprintf(name, sizeof(name) - 1, "%s_%s", event->stream, event->name);
	for (i = 0; i < tables->count; i++) {
		if (strcasecmp(tables->list[i]->name, name))
			continue;
		if (i >= MODEL_TABLES) {
			*table = tables->list[i];
			return 0;
		}
		strcat(name, "_");
	}
	if (tables->count >= TABLES_MAX)
		return -E2BIG;
	made = tables__add(tables, event_table__new(name, event->help));
	if (!made)
		return -ENOMEM;
	*table = *made;
	return 0;
}

static struct stream *stream_of(struct tables *tables, size_t index)
{
	struct stream *streams;

	if (index >= tables->streams_count) {
		streams = reallocarray(tables->streams, index + 1, sizeof(*streams));
		if (!streams)
			return NULL;
		memset(streams + tables->streams_count, 0, (index + 1 - tables->streams_count) * sizeof(*streams));
		tables->streams = streams;
		tables->streams_count = index + 1;
	}
	return &tables->streams[index];
}

/* Of control records, sinks get only losses. */
static bool is_table(const struct stream_event *event, uint32_t kind)
{
	return event->name && event->fields_count <= SCHEMA_FIELDS_MAX &&
	       (kind >= SCHEMA_KIND_BASE || kind == RECORD_LOST);
}

static int add_stream(struct tables *tables, const struct stream_info *info)
{
	struct stream *stream = stream_of(tables, info->index);
	struct table *table;
	int err = 0;

	if (!stream)
		return -ENOMEM;
	stream->kinds = calloc(info->events_count + 1, sizeof(*stream->kinds));
	if (!stream->kinds)
		return -ENOMEM;
	stream->count = info->events_count;
	for (uint32_t i = 0; i < info->events_count; i++) {
		if (!is_table(&info->events[i], i))
			continue;
		err = table_of(tables, &info->events[i], &table);
		if (!err)
			err = event_source__new(&stream->kinds[i], table, info, i);
		if (err)
			return err;
	}
	err = verdicts__stream(tables->verdicts, info);
	return err ? err : model__stream(tables->model, info);
}

int tables__stream(void *state, const struct stream_info *info)
{
	struct tables *tables = state;
	int err = add_stream(tables, info);

	return err ? fail(tables, err,
			  err == -E2BIG ? "too many kinds of events or fields for tables: merge fewer streams at once"
					: NULL)
		   : 0;
}

/* ---- the database ---- */

/* No downloads; no files but the output. What is in a chunk's order stays so, as each statement has one thread; without
 * the promise the size of a row group can be limited in bytes. */
static const char *const settings[][2] = {
	{"threads", "1"},
	{"autoinstall_known_extensions", "false"},
	{"autoload_known_extensions", "false"},
	{"preserve_insertion_order", "false"},
	{"temp_directory", ""},
	/* else texts of more than 4 KiB on average are compressed, and a column with a few of those is not at all */
	{"zstd_min_string_length", "16"},
};

/* The allocator in some builds of DuckDB. */
extern int duckdb_je_mallctl(const char *name, void *old, size_t *old_size, void *value, size_t size)
	__attribute__((weak));

/* jemalloc keeps freed memory per thread, by default for 10 s: a row group of each. Giving it back at once costs a tenth of the
 * time in page faults. In ms; set before threads start. */
static void give_back_memory(void)
{
	static const char *const names[] = {"arenas.dirty_decay_ms", "arenas.muzzy_decay_ms"};
	ssize_t soon = 100;

	mallopt(M_ARENA_MAX, 2);
	for (int i = 0; i < 2 && duckdb_je_mallctl; i++)
		duckdb_je_mallctl(names[i], NULL, NULL, &soon, sizeof(soon));
}

static int open_database(struct tables *tables)
{
	duckdb_config config = NULL;
	char *err = NULL;
	int rc = 0;

	give_back_memory();
	if (duckdb_create_config(&config) != DuckDBSuccess)
		return fail(tables, -ENOMEM, NULL);
	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++)
		duckdb_set_config(config, settings[i][0], settings[i][1]);
	if (duckdb_open_ext(NULL, &tables->database, config, &err) != DuckDBSuccess)
		rc = fail(tables, -EIO, err ? err : "DuckDB cannot be opened");
	duckdb_free(err);
	duckdb_destroy_config(&config);
	return rc;
}

duckdb_database tables__database(const struct tables *tables)
{
	return tables->database;
}

int tables__run(struct tables *tables, const char *sql)
{
	duckdb_connection connection = NULL;
	duckdb_result result;
	int err = 0;

	if (duckdb_connect(tables->database, &connection) != DuckDBSuccess)
		return fail(tables, -ENOMEM, NULL);
	if (duckdb_query(connection, sql, &result) != DuckDBSuccess)
		err = fail(tables, -EIO, duckdb_result_error(&result));
	duckdb_destroy_result(&result);
	duckdb_disconnect(&connection);
	return err;
}

/* ---- records ---- */

static int write_record(struct tables *tables, const struct record *record)
{
	const struct stream *stream = &tables->streams[record->info->index];
	const struct event_source *source = record->kind < stream->count ? stream->kinds[record->kind] : NULL;
	int err = source ? event_source__write(source, record) : 0;

	if (!err)
		err = verdicts__record(tables->verdicts, record);
	return err ? err : model__feed(tables->model, record);
}

int tables__write(void *state, const struct record *record)
{
	struct tables *tables = state;
	int err = write_record(tables, record);

	return err ? fail(tables, err, NULL) : 0;
}

int tables__ended(void *state, const struct stream_info *info, const struct stream_state *stream)
{
	struct model *model = ((struct tables *)state)->model;
	const struct model_run *run = model__run_of(model, info);

	model__ended(model, info, stream);
	if (run)
		run_sums__ended(run->user, stream);
	return 0;
}

/* The model's tables get their rows only now. */
static int write_last(struct tables *tables)
{
	int err = verdicts__settle(tables->verdicts);

	if (!err)
		err = model__finish(tables->model);
	if (model__lacks_files(tables->model))
		tables->opts.api->log(LOG_WARN, "%s: %s", tables->opts.name, MODEL_LACKS_FILES);
	if (!err)
		err = verdicts__finish(tables->verdicts);
	for (size_t i = 0; i < verdicts__count(tables->verdicts) && !err; i++)
		err = model_rows__verdict(&tables->rows, verdicts__get(tables->verdicts, i));
	for (size_t i = 0; i < model__runs(tables->model) && !err; i++) {
		struct run_row row = run_sums__row(model__run(tables->model, i)->user);

		err = model_rows__run(&tables->rows, &row);
	}
	return err ? err : model_rows__sort(&tables->rows, tables->model);
}

/* ---- making the tables ---- */

#define WORKERS 2 /* each holds two row groups in memory: of rows, and encoded */

/* Every table has its columns: gives it the last one. */
static int complete_columns(struct tables *tables)
{
	int err = 0;

	for (size_t i = 0; i < tables->count && !err; i++)
		if (table__own_column(tables->list[i], TABLE_MISSING, COLUMN_JSON, NULL,
				      "columns that are null or not complete, and why, as JSON") < 0)
			err = -ENOMEM;
	for (size_t i = 0; i < tables->streams_count; i++)
		for (uint32_t k = 0; k < tables->streams[i].count && !err; k++)
			if (tables->streams[i].kinds[k])
				err = event_source__begin(tables->streams[i].kinds[k]);
	return err;
}

static void make_table(struct tables *tables, struct table *table)
{
	struct text scan = {0}, sql = {0};
	int err;

	table__scan_name(table, &scan);
	if (!scan.error)
		tables->opts.consume(&tables->opts, table, scan.data, &sql);
	err = scan.error ? scan.error : sql.error;
	if (!err)
		table__run(table, tables->database, sql.data);
	else if (!atomic_exchange(&tables->failed, true))
		fail(tables, err, NULL);
	text__free(&scan);
	text__free(&sql);
}

static void *make_tables(void *arg)
{
	struct tables *tables = arg;
	size_t i;

	while ((i = atomic_fetch_add(&tables->next, 1)) < tables->count && !atomic_load(&tables->failed))
		make_table(tables, tables->list[i]);
	return NULL;
}

/* Signals go to the main thread, which does its part. */
static void make_together(struct tables *tables)
{
	pthread_t threads[WORKERS - 1];
	size_t started = 0;
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (started < WORKERS - 1 && !pthread_create(&threads[started], NULL, make_tables, tables))
		started++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	make_tables(tables);
	while (started)
		pthread_join(threads[--started], NULL);
}

static int finish(struct tables *tables)
{
	int err = complete_columns(tables);

	if (!err)
		err = write_last(tables);
	if (err)
		return fail(tables, err, NULL);
	verdicts__free(tables->verdicts); /* its rows are kept */
	tables->verdicts = NULL;
	malloc_trim(0);
	if (tables->opts.start)
		err = tables->opts.start(tables, &tables->opts);
	if (err)
		return err;
	make_together(tables);
	return atomic_load(&tables->failed) ? -EIO : 0;
}

int tables__flush(void *state, bool last)
{
	struct tables *tables = state;
	int err = last ? finish(tables) : 0;

	if (!err && last && tables->opts.finish)
		err = tables->opts.finish(tables, &tables->opts);
	return err;
}

size_t tables__runs(const struct tables *tables)
{
	return model__runs(tables->model);
}

const struct model_run *tables__run_of(const struct tables *tables, size_t i)
{
	return model__run(tables->model, i);
}

size_t tables__count(const struct tables *tables)
{
	return tables->count;
}

const struct table *tables__table(const struct tables *tables, size_t i)
{
	return tables->list[i];
}

/* ---- life ---- */

void tables__close(void *state)
{
	struct tables *tables = state;

	for (size_t i = 0; i < tables->count; i++)
		table__free(tables->list[i]);
	free(tables->list);
	duckdb_close(&tables->database);
	for (size_t i = 0; i < tables->streams_count; i++) {
		for (uint32_t k = 0; k < tables->streams[i].count; k++)
			event_source__free(tables->streams[i].kinds[k]);
		free(tables->streams[i].kinds);
	}
	free(tables->streams);
	verdicts__free(tables->verdicts);
	model__free(tables->model);
	steps__free(tables->steps);
	model_rows__free(&tables->rows);
	free(tables);
}

int tables__open(const struct tables_opts *opts, void **state)
{
	static const struct model_calls calls = {.run = on_run,
						 .row = on_row,
						 .process = on_process,
						 .hidden = on_hidden,
						 .retried = on_retried,
						 .ignored = on_ignored,
						 .task = on_task,
						 .run_room = sizeof(struct run_sums)};
	struct tables *tables = calloc(1, sizeof(*tables));
	struct error why;
	int err = 0;

	if (!tables)
		return -ENOMEM;
	tables->opts = *opts;
	err = model_rows__open(&tables->rows, opts->api->out);
	if (err)
		fail(tables, err, NULL);
	for (int i = 0; i < MODEL_TABLES && !err; i++)
		err = tables__add(tables, model_table__new(i, &tables->rows)) ? 0 : fail(tables, -ENOMEM, NULL);
	if (!err) {
		err = steps__load_file(opts->steps, sink_api__file(opts->api, "steps"), &tables->steps, &why);
		if (err)
			fail(tables, err, why.text);
	}
	if (!err) {
		tables->model = model__new(&calls, tables, tables->steps);
		tables->verdicts = tables->model ? verdicts__new() : NULL;
		err = tables->verdicts ? open_database(tables) : fail(tables, -ENOMEM, NULL);
	}
	if (!err)
		verdicts__of_model(tables->verdicts, tables->model);
	if (err)
		tables__close(tables);
	else
		*state = tables;
	return err;
}
