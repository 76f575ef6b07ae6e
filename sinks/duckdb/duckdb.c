/* SPDX-License-Identifier: BSD-2-Clause */
/* One DuckDB file with every event, process and step: a table each, units and meanings as comments. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sinks/tables/tables.h"

struct file_conf {
	char *output, *steps;
	bool overwrite;
};

static const struct opt file_options[] = {
	OPT(struct file_conf, output, OPT_STRING, NULL, 0, 0, "the file that is made; as --output"),
	OPT(struct file_conf, overwrite, OPT_BOOL, "false", 0, 0, "replace a file of that name"),
	OPT(struct file_conf, steps, OPT_STRING, STEPS_DEFAULT, 0, 0, STEPS_HELP),
	{ 0 },
};

struct file {
	const struct sink_api *api;
	const struct file_conf *conf;
	char *temporary; /* NULL: it has its name */
	struct tables *tables;
};

/* ---- SQL ---- */

static void declare(void *arg, const struct table *table, struct text *sql)
{
	(void)arg;
	text__printf(sql, "CREATE TABLE ");
	sql__name(sql, table->name);
	for (size_t i = 0; i < table->columns_count; i++) {
		text__printf(sql, i ? ", " : " (");
		sql__name(sql, table->columns[i].name);
		text__printf(sql, " %s", column_type__sql(table->columns[i].type));
	}
	text__printf(sql, ");\nCOMMENT ON TABLE ");
	sql__name(sql, table->name);
	text__printf(sql, " IS ");
	sql__string(sql, table->help ? table->help : "");
	for (size_t i = 0; i < table->columns_count; i++) {
		text__printf(sql, ";\nCOMMENT ON COLUMN ");
		sql__name(sql, table->name);
		text__printf(sql, ".");
		sql__name(sql, table->columns[i].name);
		text__printf(sql, " IS ");
		sql__comment(sql, &table->columns[i]);
	}
	text__printf(sql, ";\n");
}

static void consume(void *arg, const struct table *table, const char *scan, struct text *sql)
{
	(void)arg;
	text__printf(sql, "INSERT INTO ");
	sql__name(sql, table->name);
	text__printf(sql, " FROM %s", scan);
}

/* ---- the file ---- */

static int fail(const struct file *file, int err, const char *why)
{
	file->api->log(LOG_ERROR, "duckdb: %s: %s", file->conf->output, why);
	return err;
}

static void file__close(void *state)
{
	struct file *file = state;

	tables__free(file->tables);
	if (file->temporary) {
		unlink(file->temporary);
		strcat(file->temporary, ".wal");
		unlink(file->temporary);
	}
	free(file->temporary);
	free(file);
}

/* With room for the name of DuckDB's log beside it. */
static int name_temporary(struct file *file)
{
	if (asprintf(&file->temporary, "%s.%ld.tmp.wal", file->conf->output, (long)getpid()) < 0) {
		file->temporary = NULL;
		return fail(file, -ENOMEM, strerror(ENOMEM));
	}
	file->temporary[strlen(file->temporary) - 4] = '\0';
	return 0;
}

static int file__open(const struct sink_api *api, const void *conf, void **state)
{
	struct file *file = calloc(1, sizeof(*file));
	struct tables_opts opts = { .api = api, .name = "duckdb", .declare = declare, .consume = consume };
	int err = 0;

	if (!file)
		return -ENOMEM;
	file->api = api;
	file->conf = conf;
	if (!file->conf->output) {
		api->log(LOG_ERROR, "duckdb: into which file? --output FILE, or --sink duckdb:output=FILE");
		err = -EINVAL;
	} else if (!file->conf->overwrite && !access(file->conf->output, F_OK)) {
		err = fail(file, -EEXIST, "is there already; overwrite=true replaces it");
	}
	if (!err)
		err = name_temporary(file);
	opts.path = file->temporary;
	opts.steps = file->conf->steps;
	if (!err)
		err = tables__new(&file->tables, &opts);
	if (err)
		file__close(file);
	else
		*state = file;
	return err;
}

static int file__stream(void *state, const struct stream_info *info)
{
	return tables__stream(((struct file *)state)->tables, info);
}

static int file__write(void *state, const struct record *record)
{
	return tables__write(((struct file *)state)->tables, record);
}

static int file__ended(void *state, const struct stream_info *info, const struct stream_state *stream)
{
	return tables__ended(((struct file *)state)->tables, info, stream);
}

/* Closing the database is what makes the file whole. */
static int file__flush(void *state, bool last)
{
	struct file *file = state;
	int err = last ? tables__finish(file->tables) : 0;

	if (err || !last)
		return err;
	tables__free(file->tables);
	file->tables = NULL;
	err = tables__place(file->temporary, file->conf->output, file->conf->overwrite);
	if (err)
		return fail(file, err, strerror(-err));
	free(file->temporary);
	file->temporary = NULL;
	return 0;
}

static const struct sink file_sink = {
	.abi = SINK_ABI,
	.size = sizeof(struct sink),
	.name = "duckdb",
	.help = "one DuckDB file: a table for each kind of event, processes and steps",
	.options = file_options,
	.conf_size = sizeof(struct file_conf),
	.open = file__open,
	.stream = file__stream,
	.write = file__write,
	.flush = file__flush,
	.ended = file__ended,
	.close = file__close,
};

SINK_EXPORT const struct sink *const collector_sink;
const struct sink *const collector_sink = &file_sink;
