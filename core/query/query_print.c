/* SPDX-License-Identifier: BSD-2-Clause */
/* What a query gives, as a table for people, or as CSV, JSON or Parquet for programs. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/format.h"
#include "core/log.h"
#include "core/query/query.h"
#include "core/text.h"

#define FLUSH_BYTES (64U << 10)

const char *const query_formats[] = {"table", "csv", "json", "jsonl", "parquet", NULL};

enum shown { AS_TEXT, AS_NUMBER, AS_DURATION, AS_BYTES };

struct output {
	int fd;
	bool terminal;
	struct text text;
	enum shown *shown; /* by column */
	size_t columns, *widths, *lengths;
	const char **values;
	int error;
};

static void flush(struct output *out)
{
	const char *at = out->text.data;
	size_t left = out->text.size;
	ssize_t n;

	if (!out->error)
		out->error = out->text.error;
	while (left && !out->error) {
		n = write(out->fd, at, left);
		if (n < 0 && errno != EINTR)
			out->error = -errno;
		if (n > 0) {
			at += n;
			left -= n;
		}
	}
	out->text.size = 0;
}

/* Bytes of watched programs must not steer a terminal; to a file they go as they are. */
static void put(struct output *out, const char *bytes, size_t length)
{
	if (out->terminal)
		text__safe(&out->text, bytes, length);
	else
		text__put(&out->text, bytes, length);
}

/* ---- results ---- */

/* Calls for every row with its values, all of them text; NULL: null. */
struct rows {
	void (*row)(void *arg, const char *const *values, const size_t *lengths);
	void *arg;
};

static void each_row(duckdb_data_chunk chunk, size_t columns, const struct output *out, const struct rows *rows)
{
	idx_t count = duckdb_data_chunk_get_size(chunk);

	for (idx_t row = 0; row < count; row++) {
		for (size_t i = 0; i < columns; i++) {
			duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, i);
			uint64_t *validity = duckdb_vector_get_validity(vector);
			duckdb_string_t *string = (duckdb_string_t *)duckdb_vector_get_data(vector) + row;
			bool there = !validity || duckdb_validity_row_is_valid(validity, row);

			out->values[i] = there ? duckdb_string_t_data(string) : NULL;
			out->lengths[i] = there ? duckdb_string_t_length(*string) : 0;
		}
		rows->row(rows->arg, out->values, out->lengths);
	}
}

static void each_chunk(duckdb_result *result, const struct output *out, const struct rows *rows)
{
	duckdb_data_chunk chunk;

	while (!out->error && (chunk = duckdb_fetch_chunk(*result))) {
		each_row(chunk, duckdb_column_count(result), out, rows);
		duckdb_destroy_data_chunk(&chunk);
	}
}

/* ---- a table ---- */

/* What a column holds, by its type and, for numbers, the unit in its name. */
static enum shown shown_as(duckdb_type type, const char *name)
{
	size_t n = strlen(name);

	switch (type) {
	case DUCKDB_TYPE_TINYINT:
	case DUCKDB_TYPE_SMALLINT:
	case DUCKDB_TYPE_INTEGER:
	case DUCKDB_TYPE_BIGINT:
	case DUCKDB_TYPE_UTINYINT:
	case DUCKDB_TYPE_USMALLINT:
	case DUCKDB_TYPE_UINTEGER:
	case DUCKDB_TYPE_UBIGINT:
	case DUCKDB_TYPE_HUGEINT:
	case DUCKDB_TYPE_UHUGEINT:
	case DUCKDB_TYPE_FLOAT:
	case DUCKDB_TYPE_DOUBLE:
	case DUCKDB_TYPE_DECIMAL:
		break;
	default:
		return AS_TEXT;
	}
	if (n > 3 && !strcmp(name + n - 3, "_ns"))
		return AS_DURATION;
	return n > 6 && !strcmp(name + n - 6, "_bytes") ? AS_BYTES : AS_NUMBER;
}

struct table {
	struct output *out;
	struct text cells; /* one behind the other, each ended by a NUL */
	size_t rows, *width;
	unsigned window; /* columns of the terminal; 0: none */
};

static size_t width_of(const char *safe)
{
	struct text nothing = {0};
	size_t width = text__cut(&nothing, safe, SIZE_MAX);

	text__free(&nothing);
	return width;
}

static void put_human(struct text *cells, const char *digits, size_t length, enum shown shown)
{
	char human[FORMAT_SIZE], value[64];
	double number;

	snprintf(value, sizeof(value), "%.*s", (int)length, digits);
	number = strtod(value, NULL);

	/* what is less than nothing is not an amount */
	if (!(number >= 0 && number < 1.8e19))
		text__printf(cells, "%s", value);
	else if (shown == AS_DURATION)
		text__printf(cells, "%s", format__duration(human, llround(number)));
	else
		text__printf(cells, "%s", format__bytes(human, llround(number)));
}

static void end_cell(struct table *table, size_t column, size_t begin)
{
	size_t width;

	text__put(&table->cells, "", 1); /* the NUL that ends it */
	if (table->cells.error)
		return;
	width = width_of(table->cells.data + begin);
	if (width > table->width[column])
		table->width[column] = width;
}

static void table__row(void *arg, const char *const *values, const size_t *lengths)
{
	struct table *table = arg;

	for (size_t i = 0; i < table->out->columns; i++) {
		size_t begin = table->cells.size;
		enum shown shown = table->out->shown[i];

		if (!values[i])
			text__printf(&table->cells, "-");
		else if (shown == AS_DURATION || shown == AS_BYTES)
			put_human(&table->cells, values[i], lengths[i], shown);
		else
			text__safe(&table->cells, values[i], lengths[i]);
		end_cell(table, i, begin);
	}
	table->rows++;
}

/* A line of the table, from the cell at `at`; returns where the next begins. */
static const char *put_line(struct table *table, const char *at)
{
	struct text *out = &table->out->text, line = {0};

	for (size_t i = 0; i < table->out->columns; i++) {
		size_t blanks = table->width[i] - width_of(at);
		bool right = table->out->shown[i] != AS_TEXT, last = i + 1 == table->out->columns;

		text__printf(&line, "%s%*s%s", i ? "  " : "", right ? (int)blanks : 0, "", at);
		if (!right && !last)
			text__printf(&line, "%*s", (int)blanks, "");
		at += strlen(at) + 1;
	}
	if (!line.error)
		text__cut(out, line.data, table->window ? table->window : SIZE_MAX);
	if (line.error && !out->error)
		out->error = line.error;
	text__free(&line);
	return at;
}

/* The unit is in the value, then it need not be in the name. */
static void put_heading(struct table *table, const char *name, size_t column)
{
	size_t begin = table->cells.size, n = strlen(name);

	if (table->out->shown[column] == AS_DURATION)
		n -= strlen("_ns");
	else if (table->out->shown[column] == AS_BYTES)
		n -= strlen("_bytes");
	text__safe(&table->cells, name, n);
	end_cell(table, column, begin);
}

static void print_table(duckdb_result *result, struct output *out)
{
	struct table table = {.out = out, .width = out->widths};
	struct winsize window;
	const char *at;

	if (out->terminal && !ioctl(out->fd, TIOCGWINSZ, &window))
		table.window = window.ws_col;
	for (size_t i = 0; i < out->columns; i++)
		put_heading(&table, duckdb_column_name(result, i), i);
	each_chunk(result, out, &(struct rows){table__row, &table});
	if (table.cells.error)
		out->error = table.cells.error;
	at = table.cells.data;
	out->text.colour = out->terminal && log__colour(out->fd);
	text__style(&out->text, TEXT_BOLD);
	for (size_t i = 0; i <= table.rows && !out->error; i++) {
		at = put_line(&table, at);
		if (!i)
			text__style(&out->text, TEXT_PLAIN);
		text__put(&out->text, "\n", 1);
		if (out->text.size > FLUSH_BYTES)
			flush(out);
	}
	if (!table.rows)
		text__printf(&out->text, "(no rows)\n");
	text__free(&table.cells);
}

/* ---- CSV ---- */

static void put_field(struct output *out, const char *value, size_t length)
{
	bool quoted = !length || memchr(value, ',', length) || memchr(value, '"', length) ||
		      memchr(value, '\n', length) || memchr(value, '\r', length) || *value == ' ' ||
		      value[length - 1] == ' ';

	if (!quoted) {
		put(out, value, length);
		return;
	}
	text__put(&out->text, "\"", 1);
	for (size_t i = 0; i < length; i++) {
		size_t run = strcspn(value + i, "\"");

		run = run > length - i ? length - i : run;
		put(out, value + i, run);
		i += run;
		if (i < length)
			text__put(&out->text, "\"\"", 2);
	}
	text__put(&out->text, "\"", 1);
}

/* Nothing between the commas is null; an empty text is quoted. */
static void csv__row(void *arg, const char *const *values, const size_t *lengths)
{
	struct output *out = arg;

	for (size_t i = 0; i < out->columns; i++) {
		if (i)
			text__put(&out->text, ",", 1);
		if (values[i])
			put_field(out, values[i], lengths[i]);
	}
	text__put(&out->text, "\n", 1);
	if (out->text.size > FLUSH_BYTES)
		flush(out);
}

static void print_csv(duckdb_result *result, struct output *out)
{
	for (size_t i = 0; i < out->columns; i++) {
		const char *name = duckdb_column_name(result, i);

		text__put(&out->text, ",", i ? 1 : 0);
		put_field(out, name, strlen(name));
	}
	text__put(&out->text, "\n", 1);
	each_chunk(result, out, &(struct rows){csv__row, out});
}

/* ---- JSON: one column with an object a row ---- */

struct json {
	struct output *out;
	bool lines;
	size_t rows;
};

static void json__row(void *arg, const char *const *values, const size_t *lengths)
{
	struct json *json = arg;
	struct output *out = json->out;

	if (!json->lines)
		text__printf(&out->text, json->rows ? ",\n" : "[\n");
	put(out, values[0] ? values[0] : "null", values[0] ? lengths[0] : 4);
	if (json->lines)
		text__put(&out->text, "\n", 1);
	json->rows++;
	if (out->text.size > FLUSH_BYTES)
		flush(out);
}

static void print_json(duckdb_result *result, struct output *out, bool lines)
{
	struct json json = {out, lines, 0};

	each_chunk(result, out, &(struct rows){json__row, &json});
	if (!lines)
		text__printf(&out->text, json.rows ? "\n]\n" : "[]\n");
}

/* ---- running ---- */

static size_t trimmed(const char *sql)
{
	size_t n = strlen(sql);

	while (n && strchr(" \t\r\n;", sql[n - 1]))
		n--;
	return n;
}

/* What gives rows is asked for them as text, by DuckDB itself. A comment may end the query: so lines. */
static char *wrap(const char *sql, enum query_format format, int out)
{
	static const char *const begin[] = {
		[QUERY_TABLE] = "SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (\n",
		[QUERY_CSV] = "SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (\n",
		[QUERY_JSON] = "SELECT CAST(to_json(q) AS VARCHAR) FROM (\n",
		[QUERY_JSONL] = "SELECT CAST(to_json(q) AS VARCHAR) FROM (\n",
		[QUERY_PARQUET] = "COPY (\n",
	};
	struct text text = {0};

	text__printf(&text, "%s%.*s\n)", begin[format], (int)trimmed(sql), sql);
	if (format == QUERY_PARQUET)
		text__printf(&text, " TO '/proc/self/fd/%d' (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)",
			     out);
	else
		text__printf(&text, " q");
	if (text.error)
		text__free(&text);
	return text.data;
}

static int prepare(struct query *query, const char *sql, duckdb_prepared_statement *statement, struct error *err)
{
	if (duckdb_prepare(query->connection, sql, statement) == DuckDBSuccess)
		return 0;
	error__set(err, 0, "%s", duckdb_prepare_error(*statement));
	return -EINVAL;
}

static int bind(duckdb_prepared_statement statement, const char *const *parameters, struct error *err)
{
	idx_t count = duckdb_nparams(statement);
	size_t given = 0;

	while (parameters && parameters[given])
		given++;
	if (given < count)
		return error__set(err, -EINVAL, "the query takes %" PRIu64 " parameters ($1...), %zu are given",
				  (uint64_t)count, given);
	if (given > count)
		return error__set(err, -EINVAL,
				  "%s: the query takes %" PRIu64 " parameters; SQL is one argument: quote it",
				  parameters[count], (uint64_t)count);
	for (idx_t i = 0; i < count; i++)
		duckdb_bind_varchar(statement, i + 1, parameters[i]);
	return 0;
}

/* How the columns of what was asked for are shown; they are all text once it is wrapped. */
static int look_at(struct output *out, duckdb_prepared_statement statement)
{
	out->columns = duckdb_prepared_statement_column_count(statement);
	out->shown = calloc(out->columns + 1, sizeof(*out->shown));
	out->widths = calloc(out->columns + 1, sizeof(*out->widths));
	out->lengths = calloc(out->columns + 1, sizeof(*out->lengths));
	out->values = calloc(out->columns + 1, sizeof(*out->values));
	if (!out->shown || !out->widths || !out->lengths || !out->values)
		return -ENOMEM;
	for (size_t i = 0; i < out->columns; i++) {
		const char *name = duckdb_prepared_statement_column_name(statement, i);

		out->shown[i] = shown_as(duckdb_prepared_statement_column_type(statement, i), name ? name : "");
		duckdb_free((void *)name);
	}
	return 0;
}

static void print(duckdb_result *result, enum query_format format, struct output *out)
{
	if (format == QUERY_TABLE)
		print_table(result, out);
	else if (format == QUERY_CSV)
		print_csv(result, out);
	else if (format != QUERY_PARQUET)
		print_json(result, out, format == QUERY_JSONL);
	flush(out);
}

static int execute(duckdb_prepared_statement statement, enum query_format format, struct output *out, struct error *err)
{
	duckdb_result result;
	int rc = 0;

	if (duckdb_execute_prepared(statement, &result) != DuckDBSuccess)
		rc = error__set(err, -EINVAL, "%s", duckdb_result_error(&result));
	else
		print(&result, format, out);
	duckdb_destroy_result(&result);
	return rc ? rc : out->error;
}

int query__print(struct query *query, const char *sql, const char *const *parameters, enum query_format format, int fd,
		 struct error *err)
{
	struct output out = {.fd = fd, .terminal = isatty(fd)};
	duckdb_prepared_statement asked = NULL, statement = NULL;
	char *wrapped = wrap(sql, format, fd);
	int rc;

	*err->text = '\0';
	/* as it was asked first: errors point into what the user wrote */
	rc = wrapped ? prepare(query, sql, &asked, err) : -ENOMEM;
	if (!rc && duckdb_prepared_statement_type(asked) != DUCKDB_STATEMENT_TYPE_SELECT)
		rc = error__set(err, -EINVAL, "the query gives no rows: it must be a SELECT, DESCRIBE or the like");
	if (!rc)
		rc = look_at(&out, asked);
	if (!rc)
		rc = prepare(query, wrapped, &statement, err);
	if (!rc)
		rc = bind(statement, parameters, err);
	if (!rc)
		rc = execute(statement, format, &out, err);
	duckdb_destroy_prepare(&asked);
	duckdb_destroy_prepare(&statement);
	text__free(&out.text);
	free(out.shown);
	free(out.widths);
	free(out.lengths);
	free(out.values);
	free(wrapped);
	return rc;
}
