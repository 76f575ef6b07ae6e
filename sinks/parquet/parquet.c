/* SPDX-License-Identifier: BSD-2-Clause */
/* Parquet files, zstd: FOLDER/TABLE.parquet; or, for a lake that many runs and hosts go into, partitioned as Hive,
 * Spark, Trino, ClickHouse and DuckDB know it: FOLDER/TABLE/run=RUN/host=HOST/part-0.parquet. All are written into
 * a folder of their own first, and get their names when they are whole. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sinks/parquet/place.h"
#include "sinks/tables/files.h"
#include "sinks/tables/tables.h"

/* Rows that each table holds in memory before they are written. What is known of each group is held to the end, so
 * that less would be more again. A multiple of DuckDB's vectors. */
#define GROUP_ROWS 12288

struct parquet_conf {
	char *output, *steps;
	bool partition, overwrite;
};

static const struct opt parquet_options[] = {
	OPT(struct parquet_conf, output, OPT_STRING, NULL, 0, 0, "the folder of the files; as --output"),
	OPT(struct parquet_conf, partition, OPT_BOOL, "false", 0, 0,
	    "TABLE/run=RUN/host=HOST/part-0.parquet, for a lake of many runs"),
	OPT(struct parquet_conf, overwrite, OPT_BOOL, "false", 0, 0, "replace files of these names"),
	OPT(struct parquet_conf, steps, OPT_STRING, STEPS_DEFAULT, 0, 0, STEPS_HELP),
	{0},
};

struct parquet {
	const struct sink_api *api;
	const struct parquet_conf *conf;
	char *temporary; /* folder; NULL: there is none */
	const struct stream_info *first;
	struct tables *tables;
};

static int fail(const struct parquet *parquet, int err, const char *path, const char *why)
{
	parquet->api->log(LOG_ERROR, "parquet: %s: %s", path, why);
	return err;
}

/* ---- SQL ---- */

static void options(const struct table *table, struct text *sql)
{
	text__printf(
		sql,
		" (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, WRITE_BLOOM_FILTER false, ROW_GROUP_SIZE %d",
		GROUP_ROWS);
	text__printf(sql, ", KV_METADATA {collector: ");
	sql__string(sql, PACKAGE_VERSION);
	text__printf(sql, ", table_help: ");
	sql__string(sql, table->help ? table->help : "");
	for (size_t i = 0; i < table->columns_count; i++) {
		text__printf(sql, ", ");
		sql__name(sql, table->columns[i].name);
		text__printf(sql, ": ");
		sql__comment(sql, &table->columns[i]);
	}
	text__printf(sql, "}");
}

static void consume(void *arg, const struct table *table, const char *scan, struct text *sql)
{
	const struct parquet *parquet = arg;
	struct text path = {0};

	text__printf(&path, "%s/%s%s", parquet->temporary, table->name, parquet->conf->partition ? "" : ".parquet");
	text__printf(sql, "COPY (FROM %s) TO ", scan);
	if (path.error)
		sql->error = path.error;
	else
		sql__string(sql, path.data);
	text__free(&path);
	options(table, sql);
	if (parquet->conf->partition)
		text__printf(sql, ", PARTITION_BY (run, host), FILENAME_PATTERN 'part-{i}'");
	text__printf(sql, ")");
}

/* A table without rows makes no partition, but a lake has the columns of all tables: a file without rows. */
static int write_empty(struct parquet *parquet, const struct table *table)
{
	struct text path = {0}, sql = {0};
	int err;

	text__printf(&path, "%s/%s", parquet->temporary, table->name);
	err = path.error ? path.error : place__partition(&path, parquet->first->run.id, parquet->first->host);
	text__printf(&path, "/part-0.parquet");
	text__printf(&sql, "COPY (SELECT ");
	for (size_t i = 0; i < table->columns_count; i++) {
		const struct column *column = &table->columns[i];

		if (!strcmp(column->name, "run") || !strcmp(column->name, "host"))
			continue; /* the path says it */
		text__printf(&sql, "NULL::%s AS ", column_type__sql(column->type));
		sql__name(&sql, column->name);
		text__printf(&sql, ", ");
	}
	text__printf(&sql, "LIMIT 0) TO ");
	sql__string(&sql, path.data ? path.data : "");
	options(table, &sql);
	text__printf(&sql, ")");
	err = err ? err : path.error ? path.error : sql.error;
	if (err)
		fail(parquet, err, parquet->temporary, strerror(-err));
	else
		err = tables__run(parquet->tables, sql.data);
	text__free(&path);
	text__free(&sql);
	return err;
}

static int write_empty_tables(struct parquet *parquet)
{
	char path[4096];
	int err = 0;

	for (size_t i = 0; i < tables__count(parquet->tables) && parquet->first && !err; i++) {
		const struct table *table = tables__table(parquet->tables, i);

		snprintf(path, sizeof(path), "%s/%s", parquet->temporary, table->name);
		/* DuckDB makes the folder, and nothing in it */
		if (!rmdir(path) || errno == ENOENT)
			err = write_empty(parquet, table);
	}
	return err;
}

/* ---- the sink ---- */

static void parquet__close(void *state)
{
	struct parquet *parquet = state;

	tables__free(parquet->tables);
	if (parquet->temporary)
		files__remove(parquet->temporary);
	free(parquet->temporary);
	free(parquet);
}

/* The folder, and one in it for what is not whole yet. */
static int make_folders(struct parquet *parquet)
{
	const char *output = parquet->conf->output;
	char taken[4096];

	snprintf(taken, sizeof(taken), "%s/processes.parquet", output);
	if (!parquet->conf->partition && !parquet->conf->overwrite && !access(taken, F_OK))
		return fail(parquet, -EEXIST, taken, "is there already; overwrite=true replaces it");
	if (mkdir(output, 0777) && errno != EEXIST)
		return fail(parquet, -errno, output, strerror(errno));
	if (asprintf(&parquet->temporary, "%s/.parquet-XXXXXX", output) < 0) {
		parquet->temporary = NULL;
		return fail(parquet, -ENOMEM, output, strerror(ENOMEM));
	}
	if (!mkdtemp(parquet->temporary)) {
		free(parquet->temporary);
		parquet->temporary = NULL;
		return fail(parquet, -errno, output, strerror(errno));
	}
	return 0;
}

static int parquet__open(const struct sink_api *api, const void *conf, void **state)
{
	struct parquet *parquet = calloc(1, sizeof(*parquet));
	struct tables_opts opts = {.api = api, .name = "parquet", .arg = parquet, .consume = consume};
	int err;

	if (!parquet)
		return -ENOMEM;
	parquet->api = api;
	parquet->conf = conf;
	if (!parquet->conf->output) {
		api->log(LOG_ERROR, "parquet: into which folder? --output FOLDER, or --sink parquet:output=FOLDER");
		free(parquet);
		return -EINVAL;
	}
	opts.steps = parquet->conf->steps;
	err = make_folders(parquet);
	if (!err)
		err = tables__new(&parquet->tables, &opts);
	if (err)
		parquet__close(parquet);
	else
		*state = parquet;
	return err;
}

static int parquet__stream(void *state, const struct stream_info *info)
{
	struct parquet *parquet = state;

	if (!parquet->first)
		parquet->first = info;
	return tables__stream(parquet->tables, info);
}

static int parquet__write(void *state, const struct record *record)
{
	return tables__write(((struct parquet *)state)->tables, record);
}

static int parquet__ended(void *state, const struct stream_info *info, const struct stream_state *stream)
{
	return tables__ended(((struct parquet *)state)->tables, info, stream);
}

static int parquet__flush(void *state, bool last)
{
	struct parquet *parquet = state;
	char failed[4096];
	int err = last ? tables__finish(parquet->tables) : 0;

	if (err || !last)
		return err;
	if (parquet->conf->partition)
		err = write_empty_tables(parquet);
	if (err)
		return err;
	err = place__files(parquet->temporary, parquet->conf->output, parquet->conf->overwrite, failed, sizeof(failed));
	return err ? fail(parquet, err, failed,
			  err == -EEXIST ? "is there already; overwrite=true replaces it" : strerror(-err))
		   : 0;
}

static const struct sink parquet_sink = {
	.abi = SINK_ABI,
	.size = sizeof(struct sink),
	.name = "parquet",
	.help = "Parquet files: a table for each kind of event, processes and steps",
	.options = parquet_options,
	.conf_size = sizeof(struct parquet_conf),
	.open = parquet__open,
	.stream = parquet__stream,
	.write = parquet__write,
	.flush = parquet__flush,
	.ended = parquet__ended,
	.close = parquet__close,
};

SINK_EXPORT const struct sink *const collector_sink;
const struct sink *const collector_sink = &parquet_sink;
