/* SPDX-License-Identifier: BSD-2-Clause */
/* Parquet files, zstd: FOLDER/TABLE.parquet; or, for a lake that many runs and hosts go into, partitioned as Hive,
 * Spark, Trino, ClickHouse and DuckDB know it: FOLDER/TABLE/run=RUN/host=HOST/part-0.parquet. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

static void consume(const struct tables_opts *opts, const struct table *table, const char *scan, struct text *sql)
{
	const struct parquet_conf *conf = opts->conf;

	text__printf(sql, "COPY (FROM %s) TO ", scan);
	sql__path(sql, opts->api->out, table->name, conf->partition ? "" : ".parquet");
	options(table, sql);
	if (conf->partition)
		text__printf(sql, ", PARTITION_BY (run, host), FILENAME_PATTERN 'part-{i}'");
	text__printf(sql, ")");
}

/* As DuckDB writes a value into a path. */
static void put_value(struct text *path, const char *value)
{
	for (; *value; value++)
		text__printf(path, isalnum((unsigned char)*value) || strchr("_-.~", *value) ? "%c" : "%%%02X",
			     (unsigned char)*value);
}

/* Makes a folder for each part of TABLE/run=RUN/host=HOST. */
static int make_partition(int folder, const struct table *table, const struct stream_info *info, struct text *path)
{
	const char *names[] = {"/run=", "/host="}, *values[] = {info->run.id, info->host};
	int err = 0;

	text__printf(path, "%s", table->name);
	for (size_t i = 0; !err; i++) {
		err = path->error;
		if (!err && mkdirat(folder, path->data, 0777) && errno != EEXIST)
			err = -errno;
		if (i == 2)
			break;
		text__printf(path, "%s", names[i]);
		put_value(path, values[i]);
	}
	return err;
}

/* A table without rows makes no partition, but a lake has the columns of all tables: a file without rows. */
static int write_empty(struct tables *tables, const struct tables_opts *opts, const struct table *table)
{
	struct text path = {0}, sql = {0};
	int err = make_partition(opts->api->out, table, tables__first(tables), &path);

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
	sql__path(&sql, opts->api->out, path.data ? path.data : "", "/part-0.parquet");
	options(table, &sql);
	text__printf(&sql, ")");
	err = err ? err : path.error ? path.error : sql.error;
	if (err)
		opts->api->log(LOG_ERROR, "parquet: %s: %s", ((const struct parquet_conf *)opts->conf)->output,
			       strerror(-err));
	else
		err = tables__run(tables, sql.data);
	text__free(&path);
	text__free(&sql);
	return err;
}

static int write_empty_tables(struct tables *tables, const struct tables_opts *opts)
{
	int err = 0;

	for (size_t i = 0; i < tables__count(tables) && tables__first(tables) && !err; i++) {
		const struct table *table = tables__table(tables, i);

		/* DuckDB makes the folder, and nothing in it */
		if (!unlinkat(opts->api->out, table->name, AT_REMOVEDIR) || errno == ENOENT)
			err = write_empty(tables, opts, table);
	}
	return err;
}

/* ---- the sink ---- */

static int parquet__open(const struct sink_api *api, const void *given, void **state)
{
	const struct parquet_conf *conf = given;
	struct tables_opts opts = {
		.api = api, .name = "parquet", .steps = conf->steps, .conf = conf, .consume = consume};

	if (conf->partition)
		opts.finish = write_empty_tables;
	/* said before the work, not after it */
	else if (!conf->overwrite && !faccessat(api->out, "../processes.parquet", F_OK, 0)) {
		api->log(LOG_ERROR, "parquet: %s/processes.parquet: exists; overwrite=true replaces it", conf->output);
		return -EEXIST;
	}
	return tables__open(&opts, state);
}

SINK(parquet, "Parquet files: a table for each kind of event, processes and steps", .needs = "libduckdb",
     .options = parquet_options, .conf_size = sizeof(struct parquet_conf), .output = SINK_FOLDER, .open = parquet__open,
     ON_TABLES);
