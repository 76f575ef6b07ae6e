/* SPDX-License-Identifier: BSD-2-Clause */
/* Parquet files: FOLDER/TABLE.parquet; or, for a lake that many runs and hosts go into,
 * FOLDER/TABLE/date=YYYY-MM-DD/RUN.HOST.parquet: the day, in UTC, on which the run began. Run and host are columns:
 * engines would read a folder host=007 as the number 7. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sinks/parquet/compacted.h"
#include "sinks/tables/tables.h"

/* Rows of a group: DuckDB's own default, what readers and object stores expect; a multiple of its vector size. Each
 * table holds a group in memory: those of long command lines are smaller. */
#define GROUP_ROWS 122880
#define GROUP_BYTES "10MB"

/* A column of more different values than this in a group has no dictionary. DuckDB's own limit, a fifth of the rows, costs time
 * and memory for columns of figures, which a dictionary only makes larger. */
#define DICTIONARY_VALUES 2048

/* zstd does not make columns of fewer values than this smaller, and it asks the CPU, before each page, what it can do, which a
 * virtual machine traps: DuckDB reads them in a third of the time by a codec that asks nothing. */
#define SMALL_ROWS 128

struct parquet_conf {
	char *output, *steps;
	bool partition, overwrite;
};

static const struct opt parquet_options[] = {
	OPT(struct parquet_conf, output, OPT_STRING, NULL, 0, 0, "the folder to write; as --output"),
	OPT(struct parquet_conf, partition, OPT_BOOL, "false", 0, 0,
	    "TABLE/date=YYYY-MM-DD/RUN.HOST.parquet, for a lake of many runs"),
	OPT(struct parquet_conf, overwrite, OPT_BOOL, "false", 0, 0, "replace files of these names"),
	OPT(struct parquet_conf, steps, OPT_STRING, STEPS_DEFAULT, 0, 0, STEPS_HELP),
	{0},
};

/* ---- SQL ---- */

static void options(const struct table *table, struct text *sql)
{
	text__printf(
		sql,
		" (FORMAT parquet, COMPRESSION %s, WRITE_BLOOM_FILTER false, ROW_GROUP_SIZE %d, ROW_GROUP_SIZE_BYTES "
		"'" GROUP_BYTES "', DICTIONARY_SIZE_LIMIT %d",
		table__rows(table) < SMALL_ROWS ? "snappy" : "zstd, COMPRESSION_LEVEL 3", GROUP_ROWS,
		DICTIONARY_VALUES);
	text__printf(sql, ", KV_METADATA {schema: '%d', collector: ", TABLES_SCHEMA);
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
		text__printf(sql,
			     ", PARTITION_BY (run, host), WRITE_PARTITION_COLUMNS true, FILENAME_PATTERN 'part-{i}'");
	text__printf(sql, ")");
}

/* ---- the lake ---- */

/* Escapes a value in a path as DuckDB does; `also`: characters to escape beside. */
static void put_value(struct text *path, const char *value, const char *also)
{
	for (; value && *value; value++)
		text__printf(path,
			     !strchr(also, *value) && (isalnum((unsigned char)*value) || strchr("_-.~", *value))
				     ? "%c"
				     : "%%%02X",
			     (unsigned char)*value);
}

/* "date=2026-03-01" */
static void name_day(const struct model_run *run, char *day, size_t size)
{
	time_t seconds = run->info->real_ns / 1000000000;
	struct tm tm;

	*day = '\0';
	if (gmtime_r(&seconds, &tm))
		strftime(day, size, "date=%Y-%m-%d", &tm);
}

/* Makes TABLE and TABLE/date=D; appends the path of the file, without its ending. The first dot ends the run's name. */
static int make_day(int folder, const struct table *table, const struct model_run *run, const char *id,
		    struct text *path)
{
	char day[32];

	name_day(run, day, sizeof(day));
	text__printf(path, "%s", table->name);
	if (!path->error && mkdirat(folder, path->data, 0777) && errno != EEXIST)
		return -errno;
	text__printf(path, "/%s", day);
	if (!path->error && mkdirat(folder, path->data, 0777) && errno != EEXIST)
		return -errno;
	text__printf(path, "/");
	put_value(path, id, ".");
	text__printf(path, ".");
	put_value(path, run->info->host, "");
	return path->error;
}

/* From where DuckDB put the rows of a run and host; there may be none. */
static int move_part(int folder, const struct table *table, const struct model_run *run, const char *id)
{
	struct text from = {0}, to = {0};
	int err;

	text__printf(&from, "%s/run=", table->name);
	put_value(&from, id, "");
	text__printf(&from, "/host=");
	put_value(&from, run->info->host, "");
	text__printf(&from, "/part-0.parquet");
	err = from.error;
	if (!err && faccessat(folder, from.data, F_OK, 0))
		goto out;
	if (!err)
		err = make_day(folder, table, run, id, &to);
	text__printf(&to, ".parquet");
	if (!err)
		err = to.error;
	if (!err && renameat(folder, from.data, folder, to.data))
		err = -errno;
	for (char *slash; !err && (slash = strrchr(from.data, '/'));) {
		*slash = '\0'; /* first the host's folder, then the run's, once it is empty */
		unlinkat(folder, from.data, AT_REMOVEDIR);
	}
out:
	text__free(&from);
	text__free(&to);
	return err;
}

/* A table without rows makes no partition: writes an empty file, for the lake to have its columns. */
static int write_empty(struct tables *tables, const struct tables_opts *opts, const struct table *table)
{
	const struct model_run *run = tables__run_of(tables, 0);
	struct text path = {0}, sql = {0};
	int err = make_day(opts->api->out, table, run, run->info->run.id, &path);

	text__printf(&sql, "COPY (SELECT ");
	for (size_t i = 0; i < table->columns_count; i++) {
		text__printf(&sql, "%sNULL::%s AS ", i ? ", " : "", column_type__sql(table->columns[i].type));
		sql__name(&sql, table->columns[i].name);
	}
	text__printf(&sql, " LIMIT 0) TO ");
	sql__path(&sql, opts->api->out, path.data ? path.data : "", ".parquet");
	options(table, &sql);
	text__printf(&sql, ")");
	err = err ? err : sql.error;
	err = err ? err : tables__run(tables, sql.data);
	text__free(&path);
	text__free(&sql);
	return err;
}

/* A folder of at most this depth. */
static void remove_folder(int at, const char *name, int depth)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (unlinkat(fd, entry->d_name, 0) && depth && strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			remove_folder(fd, entry->d_name, depth - 1);
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
	unlinkat(at, name, AT_REMOVEDIR);
}

/* Rows that are of no run of the input, or of no host, have no place in a lake: a collector writes none. Returns whether there
 * are any. */
static bool remove_rest(int folder, const struct table *table)
{
	int fd = openat(folder, table->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	bool found = false;

	while (dir && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, "run=", 4) != 0)
			continue;
		remove_folder(fd, entry->d_name, 1);
		found = true;
	}
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
	return found;
}

static int place_table(struct tables *tables, const struct tables_opts *opts, const struct table *table, bool *left_out)
{
	int folder = opts->api->out, err = 0;

	/* DuckDB creates the folder, and nothing in it */
	if (!unlinkat(folder, table->name, AT_REMOVEDIR) || errno == ENOENT)
		return write_empty(tables, opts, table);
	for (size_t i = 0; i < tables__runs(tables) && !err; i++) {
		const struct model_run *run = tables__run_of(tables, i);

		err = move_part(folder, table, run, run->info->run.id);
	}
	if (err || !remove_rest(folder, table))
		return err;
	*left_out = true;
	return unlinkat(folder, table->name, AT_REMOVEDIR) ? 0 : write_empty(tables, opts, table);
}

static int place_tables(struct tables *tables, const struct tables_opts *opts)
{
	bool left_out = false;
	int err = 0;

	for (size_t i = 0; i < tables__count(tables) && tables__runs(tables) && !err; i++)
		err = place_table(tables, opts, tables__table(tables, i), &left_out);
	if (left_out)
		opts->api->log(LOG_WARN, "parquet: rows without a run and host are left out: no collector writes them");
	if (err)
		opts->api->log(LOG_ERROR, "parquet: %s: %s", ((const struct parquet_conf *)opts->conf)->output,
			       strerror(-err));
	return err;
}

/* A file of this name would be refused, or replaced; in a compacted day there is none, but the rows. */
static int refuse_compacted(struct tables *tables, const struct tables_opts *opts)
{
	char day[32];

	for (size_t i = 0; i < tables__runs(tables); i++) {
		const struct model_run *run = tables__run_of(tables, i);

		name_day(run, day, sizeof(day));
		if (!compacted__has(tables, opts->api->folder, day, run))
			continue;
		opts->api->log(LOG_ERROR, "parquet: the lake has the run %s of %s, in its compacted files of %s",
			       run->info->run.id, run->info->host, day);
		return -EEXIST;
	}
	return 0;
}

/* ---- the sink ---- */

/* Whether there is an entry of that name in the output. */
static bool has(const struct sink_api *api, const char *name)
{
	int fd = fcntl(api->folder, F_DUPFD_CLOEXEC, 3);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	bool found = false;

	if (dir)
		rewinddir(dir);
	while (dir && !found && (entry = readdir(dir)))
		found = !strcmp(entry->d_name, name);
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
	return found;
}

/* Whether the output is a lake of 0.1, TABLE/run=RUN/host=HOST, which had no images: engines refuse files of both forms in one
 * table. */
static bool is_old_lake(const struct sink_api *api)
{
	return has(api, "processes") && !has(api, "images");
}

static int parquet__open(const struct sink_api *api, const void *given, void **state)
{
	const struct parquet_conf *conf = given;
	struct tables_opts opts = {
		.api = api, .name = "parquet", .steps = conf->steps, .conf = conf, .consume = consume};

	/* checked before the work, not after it */
	if (conf->partition && is_old_lake(api)) {
		api->log(LOG_ERROR,
			 "parquet: %s: is a lake of collector 0.1; use another folder, collector-query asks both",
			 conf->output);
		return -EEXIST;
	}
	if (!conf->partition && !conf->overwrite && has(api, "processes.parquet")) {
		api->log(LOG_ERROR, "parquet: %s/processes.parquet: exists; overwrite=true replaces it", conf->output);
		return -EEXIST;
	}
	if (conf->partition) {
		opts.start = refuse_compacted;
		opts.finish = place_tables;
	}
	return tables__open(&opts, state);
}

SINK(parquet, "Parquet files: a table for each kind of event, programs, processes, steps and runs",
     .needs = "libduckdb", .options = parquet_options, .conf_size = sizeof(struct parquet_conf), .output = SINK_FOLDER,
     .open = parquet__open, ON_TABLES);
