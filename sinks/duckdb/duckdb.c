/* SPDX-License-Identifier: BSD-2-Clause */
/* One DuckDB file: a table for each kind of event, processes and steps; units and help as comments. */
#include <string.h>

#include "sinks/tables/tables.h"

struct file_conf {
	char *output, *steps;
	bool overwrite;
};

static const struct opt file_options[] = {
	OPT(struct file_conf, output, OPT_STRING, NULL, 0, 0, "the file to write; as --output"),
	OPT(struct file_conf, overwrite, OPT_BOOL, "false", 0, 0, "replace a file of that name"),
	OPT(struct file_conf, steps, OPT_STRING, STEPS_DEFAULT, 0, 0, STEPS_HELP),
	{0},
};

/* ---- SQL ---- */

static void consume(const struct tables_opts *opts, const struct table *table, const char *scan, struct text *sql)
{
	(void)opts;
	text__printf(sql, "CREATE TABLE run.");
	sql__name(sql, table->name);
	text__printf(sql, " AS FROM %s", scan);
}

static void put_comments(struct text *sql, const struct table *table)
{
	text__printf(sql, "COMMENT ON TABLE run.");
	sql__name(sql, table->name);
	text__printf(sql, " IS ");
	sql__string(sql, table->help ? table->help : "");
	for (size_t i = 0; i < table->columns_count; i++) {
		text__printf(sql, ";\nCOMMENT ON COLUMN run.");
		sql__name(sql, table->name);
		text__printf(sql, ".");
		sql__name(sql, table->columns[i].name);
		text__printf(sql, " IS ");
		sql__comment(sql, &table->columns[i]);
	}
	text__printf(sql, ";\n");
}

/* ---- the file ---- */

static int run(struct tables *tables, const struct tables_opts *opts, struct text *sql)
{
	int err = sql->error;

	if (err)
		opts->api->log(LOG_ERROR, "duckdb: %s: %s", ((const struct file_conf *)opts->conf)->output,
			       strerror(-err));
	else
		err = tables__run(tables, sql->data);
	text__free(sql);
	return err;
}

/* Formats before that of 1.2 have no compression that takes long texts, such as command lines. A row group is held in memory,
 * of the tables that are made at a time: a quarter of DuckDB's own size. */
static int attach(struct tables *tables, const struct tables_opts *opts)
{
	struct text sql = {0};

	text__printf(&sql, "ATTACH ");
	sql__path(&sql, opts->api->out, SINK_FILE_NAME, "");
	text__printf(&sql, " AS run (STORAGE_VERSION 'v1.2.0', ROW_GROUP_SIZE 30720)");
	return run(tables, opts, &sql);
}

/* Detaching the database completes its file. */
static int complete(struct tables *tables, const struct tables_opts *opts)
{
	struct text sql = {0};
	int err;

	for (size_t i = 0; i < tables__count(tables); i++)
		put_comments(&sql, tables__table(tables, i));
	err = run(tables, opts, &sql);
	return err ? err : tables__run(tables, "DETACH run");
}

static int file__open(const struct sink_api *api, const void *conf, void **state)
{
	struct tables_opts opts = {
		.api = api,
		.name = "duckdb",
		.steps = ((const struct file_conf *)conf)->steps,
		.conf = conf,
		.consume = consume,
		.start = attach,
		.finish = complete,
	};

	return tables__open(&opts, state);
}

SINK(duckdb, "one DuckDB file: a table for each kind of event, processes and steps", .needs = "libduckdb",
     .options = file_options, .conf_size = sizeof(struct file_conf), .output = SINK_FILE, .open = file__open,
     ON_TABLES);
