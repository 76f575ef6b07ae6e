/* SPDX-License-Identifier: BSD-2-Clause */
/* Statements. conf/clickhouse has those that make the tables of all events, for people. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "sinks/clickhouse/clickhouse.h"

/* ---- words ---- */

/* Between marks. */
static void put_quoted(struct text *sql, const char *text, size_t length, char mark)
{
	text__put(sql, &mark, 1);
	for (size_t i = 0; i < length; i++) {
		if (text[i] == mark || text[i] == '\\' || (unsigned char)text[i] < ' ')
			text__printf(sql, "\\x%02X", (unsigned char)text[i]);
		else
			text__put(sql, text + i, 1);
	}
	text__put(sql, &mark, 1);
}

void clickhouse_sql__name(struct text *sql, const char *name, size_t length)
{
	put_quoted(sql, name, length, '`');
}

static void put_table(struct text *sql, const struct clickhouse *c, const struct clickhouse_table *table)
{
	text__put(sql, c->database.data, c->database.size);
	text__put(sql, ".", 1);
	clickhouse_sql__name(sql, table->name.data, table->name.size);
}

/* ---- columns ---- */

/* Texts of which there are few. */
static const char *const repeated[] = {
	"run",	  "host",	  "pipeline",	 "marker",     "comm",	     "exe",	    "cwd",
	"cgroup", "state",	  "error",	 "syscall",    "descriptor", "signal_name", "signal_code",
	"sender", "sender_comm",  "oom_scope",	 "oom_cgroup", "type",	     "mode",	    "device",
	"source", "wait_channel", "stream_lost", "event_lost", "cause",	     "missing"};

/* Of a `lost` record: a reader makes such for damage, which are in no stream and have no marker. */
static const char *const lost_key[] = {"stream_lost", "event_lost", "cause", "since"};

static bool is_in(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}
#define IS_IN(names, name) is_in(names, sizeof(names) / sizeof(*(names)), name)

/* A codec is good for numbers that grow, or for small ones; new servers have them. */
static const struct {
	const char *plain, *null, *old;
} types[] = {
	[COLUMN_BOOL] = {"Bool", "Nullable(Bool)", "UInt8"},
	[COLUMN_INT] = {"Int32", "Nullable(Int32)", "Int32"},
	[COLUMN_BIGINT] = {"Int64", "Nullable(Int64)", "Int64"},
	[COLUMN_TIME] = {"DateTime64(6, 'UTC')", "Nullable(DateTime64(6, 'UTC'))", "String"},
	[COLUMN_TEXT] = {"String", "Nullable(String)", "String"},
	[COLUMN_LIST] = {"Array(LowCardinality(String))", "Array(LowCardinality(String))", "Array(String)"},
	[COLUMN_JSON] = {"String", "Nullable(String)", "String"},
};

static const char *codec_of(const char *name, enum column_type type)
{
	static const char *const growing[] = {"ts", "time", "seq", "start"};

	if (IS_IN(growing, name))
		return " CODEC(Delta, ZSTD(1))";
	if (type == COLUMN_BOOL)
		return "";
	return type == COLUMN_INT || type == COLUMN_BIGINT ? " CODEC(T64, ZSTD(1))" : " CODEC(ZSTD(1))";
}

/* Of the key, or of all records but the collector's own. */
static bool is_never_null(const struct clickhouse_table *table, size_t column)
{
	if (column < HEADS)
		return column < HEAD_PID || !table->control;
	return table->control && IS_IN(lost_key, table->columns[column].name.data);
}

static void put_type(struct text *sql, const struct clickhouse *c, const struct clickhouse_table *table, size_t column)
{
	const struct clickhouse_column *at = &table->columns[column];
	bool plain = is_never_null(table, column);

	if (c->legacy)
		text__printf(sql, plain || at->type == COLUMN_LIST ? "%s" : "Nullable(%s)", types[at->type].old);
	else if (at->type == COLUMN_TEXT && IS_IN(repeated, at->name.data))
		text__printf(sql, "LowCardinality(%s)", plain ? "String" : "Nullable(String)");
	else
		text__printf(sql, "%s", plain ? types[at->type].plain : types[at->type].null);
}

static void put_help(struct text *sql, const char *help, const char *unit)
{
	struct text text = {0};

	if (!help || !*help)
		return;
	text__printf(&text, unit && *unit ? "%s (%s)" : "%s", help, unit);
	text__printf(sql, " COMMENT ");
	put_quoted(sql, text.data, text.size, '\'');
	text__free(&text);
}

static const struct stream_field *field_of(const struct stream_event *event, const char *name)
{
	for (uint32_t i = 0; i < event->fields_count; i++) {
		const char *column = column__name(event, event->fields[i].name);

		if (column && !strcmp(column, name))
			return &event->fields[i];
	}
	return NULL;
}

static void put_column(struct text *sql, const struct clickhouse *c, const struct clickhouse_table *table,
		       size_t column, const struct stream_event *event)
{
	const struct clickhouse_column *at = &table->columns[column];
	const struct stream_field *field = column < HEADS ? NULL : field_of(event, at->name.data);

	clickhouse_sql__name(sql, at->name.data, at->name.size);
	text__put(sql, " ", 1);
	put_type(sql, c, table, column);
	if (column < HEADS)
		put_help(sql, event_heads[column].help, event_heads[column].unit);
	else if (field)
		put_help(sql, field->help, field->unit);
	if (!c->legacy && !(at->type == COLUMN_TEXT && IS_IN(repeated, at->name.data)))
		text__printf(sql, "%s", codec_of(at->name.data, at->type));
}

/* ---- statements ---- */

static int send_statement(struct clickhouse *c, struct text *sql)
{
	int rc = sql->error ? sql->error : outbox__add_alone(c->outbox, TARGET_STATEMENTS, &sql->buffer);

	text__free(sql);
	return rc;
}

int clickhouse_sql__database(struct clickhouse *c)
{
	struct text sql = {0};

	text__printf(&sql, "CREATE DATABASE IF NOT EXISTS ");
	text__put(&sql, c->database.data, c->database.size);
	return send_statement(c, &sql);
}

static void put_engine(struct text *sql, const struct clickhouse *c, const struct clickhouse_table *table)
{
	text__printf(
		sql,
		"\n)\nENGINE = ReplacingMergeTree\nPARTITION BY toYYYYMM(%s)\nORDER BY (pipeline, run, host, time, ",
		c->legacy ? "day" : "time");
	for (size_t i = 0; table->control && i < sizeof(lost_key) / sizeof(*lost_key); i++)
		text__printf(sql, "%s, ", lost_key[i]);
	text__printf(sql, "marker, seq)");
	/* a request that is sent again right away is dropped at once */
	if (!c->legacy)
		text__printf(sql, "\nSETTINGS non_replicated_deduplication_window = 1000");
}

static int create(struct clickhouse *c, const struct clickhouse_table *table, const struct stream_event *event)
{
	struct text sql = {0};

	text__printf(&sql, "CREATE TABLE IF NOT EXISTS ");
	put_table(&sql, c, table);
	text__printf(&sql, " (");
	for (size_t i = 0; i < table->columns_count; i++) {
		text__printf(&sql, i ? ",\n    " : "\n    ");
		put_column(&sql, c, table, i, event);
	}
	if (c->legacy)
		text__printf(&sql, ",\n    day Date MATERIALIZED toDate(substring(time, 1, 10))");
	put_engine(&sql, c, table);
	return send_statement(c, &sql);
}

/* Those that a table of an older collector lacks. */
static int add_columns(struct clickhouse *c, const struct clickhouse_table *table, const struct stream_event *event)
{
	struct text sql = {0};

	text__printf(&sql, "ALTER TABLE ");
	put_table(&sql, c, table);
	for (size_t i = HEADS; i < table->columns_count; i++) {
		text__printf(&sql, i > HEADS ? ", ADD COLUMN IF NOT EXISTS " : " ADD COLUMN IF NOT EXISTS ");
		put_column(&sql, c, table, i, event);
	}
	return send_statement(c, &sql);
}

int clickhouse_sql__table(struct clickhouse *c, const struct clickhouse_table *table, const struct stream_event *event)
{
	int rc = create(c, table, event);

	return rc || c->legacy ? rc : add_columns(c, table, event);
}

void clickhouse_sql__insert(struct buffer *out, const struct clickhouse *c, const struct clickhouse_table *table)
{
	struct text sql = {0};

	text__printf(&sql, "INSERT INTO ");
	put_table(&sql, c, table);
	/* a column that the table lacks is an error, and no user's profile changes what a taken request means */
	if (!c->legacy)
		text__printf(&sql, " SETTINGS async_insert = 0, input_format_skip_unknown_fields = 0, "
				   "insert_deduplication_token = ");
	if (sql.error)
		out->error = sql.error;
	else
		buffer__append(out, sql.data, sql.size);
	text__free(&sql);
}
