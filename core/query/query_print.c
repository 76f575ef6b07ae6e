/* SPDX-License-Identifier: BSD-2-Clause */
/* Prints the result of a query: as a table for people, or by COPY as CSV, JSON or Parquet for programs. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
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
#define EMPTY_ARRAY 6 /* bytes, as COPY writes them */

const char *const query_formats[] = {"table", "csv", "json", "jsonl", "parquet", NULL};

enum shown { AS_TEXT, AS_NUMBER, AS_DURATION, AS_BYTES };

struct output {
	int fd;
	bool terminal;
	struct text text;
	enum shown *shown; /* by column */
	size_t columns, *widths;
	int error;
};

static void flush(struct output *out)
{
	if (!out->error)
		out->error = out->text.error;
	if (!out->error)
		out->error = write_all(out->fd, out->text.data, out->text.size);
	out->text.size = 0;
}

/* ---- a table ---- */

/* How to show a column, by its type and, for numbers, the unit in its name. */
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
	struct text cells; /* concatenated, each ended by a NUL */
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

	/* negative: not an amount */
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

/* Every value is text: the query casts it. */
static void put_row(struct table *table, duckdb_data_chunk chunk, idx_t row)
{
	for (size_t i = 0; i < table->out->columns; i++) {
		duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, i);
		uint64_t *validity = duckdb_vector_get_validity(vector);
		duckdb_string_t *string = (duckdb_string_t *)duckdb_vector_get_data(vector) + row;
		enum shown shown = table->out->shown[i];
		size_t begin = table->cells.size;

		if (validity && !duckdb_validity_row_is_valid(validity, row))
			text__printf(&table->cells, "-");
		else if (shown == AS_DURATION || shown == AS_BYTES)
			put_human(&table->cells, duckdb_string_t_data(string), duckdb_string_t_length(*string), shown);
		else
			text__safe(&table->cells, duckdb_string_t_data(string), duckdb_string_t_length(*string));
		end_cell(table, i, begin);
	}
	table->rows++;
}

static void put_rows(struct table *table, duckdb_result *result)
{
	duckdb_data_chunk chunk;

	while (!table->out->error && (chunk = duckdb_fetch_chunk(*result))) {
		for (idx_t row = 0; row < duckdb_data_chunk_get_size(chunk); row++)
			put_row(table, chunk, row);
		duckdb_destroy_data_chunk(&chunk);
	}
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

static void put_heading(struct table *table, const char *name, size_t column)
{
	size_t begin = table->cells.size;

	text__safe(&table->cells, name, strlen(name));
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
	put_rows(&table, result);
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

/* ---- CSV, JSON, Parquet: by COPY ---- */

/* Copies what COPY writes to a pipe. COPY to the output itself would truncate a file opened with >>, and cannot
 * open a socket. */
struct copier {
	int from, to;
	bool terminal, array; /* array: nothing has been written yet */
	int error;
};

/* Text from watched programs must not control the terminal. */
static int put_safe(int to, const void *data, size_t length)
{
	const char *bytes = data;
	struct text text = {0};
	int err;

	for (size_t i = 0; i < length; i++) {
		const char *end = memchr(bytes + i, '\n', length - i);
		size_t line = end ? (size_t)(end - bytes) - i : length - i;

		text__safe(&text, bytes + i, line);
		i += line;
		if (i < length)
			text__put(&text, "\n", 1);
	}
	err = text.error ? text.error : write_all(to, text.data, text.size);
	text__free(&text);
	return err;
}

/* COPY writes an array without rows on three lines. */
static bool is_empty_array(const char *bytes, size_t size)
{
	return size == EMPTY_ARRAY && !memcmp(bytes, "[\n\t\n]\n", size);
}

/* Reads whole lines: no character is cut in two. After an error it closes the pipe, which ends the COPY. */
static void *copy(void *arg)
{
	char buffer[FLUSH_BYTES + 1], *end;
	struct copier *copier = arg;
	size_t have = 0, whole;
	ssize_t n;

	do {
		n = read(copier->from, buffer + have, FLUSH_BYTES - have);
		if (n < 0) {
			copier->error = errno == EINTR ? 0 : -errno;
			continue;
		}
		have += n;
		end = memrchr(buffer, '\n', have);
		whole = n && have < FLUSH_BYTES ? (end ? (size_t)(end + 1 - buffer) : 0) : have;
		if (n && whole <= EMPTY_ARRAY)
			continue;
		if (copier->array && is_empty_array(buffer, whole))
			have = whole = sprintf(buffer, "[]\n");
		copier->error = (copier->terminal ? put_safe : write_all)(copier->to, buffer, whole);
		copier->array = false;
		have -= whole;
		memmove(buffer, buffer + whole, have);
	} while (n && !copier->error);
	close(copier->from);
	return NULL;
}

/* ---- running ---- */

static size_t trimmed(const char *sql)
{
	size_t n = strlen(sql);

	while (n && strchr(" \t\r\n;", sql[n - 1]))
		n--;
	return n;
}

/* The query may end in a comment: hence the line breaks. */
static char *wrap(const char *sql, enum query_format format, int to)
{
	static const char *const options[] = {
		[QUERY_CSV] = "FORMAT csv, HEADER",
		[QUERY_JSON] = "FORMAT json, ARRAY true",
		[QUERY_JSONL] = "FORMAT json",
		[QUERY_PARQUET] = "FORMAT parquet, COMPRESSION zstd",
	};
	struct text text = {0};

	if (format == QUERY_TABLE)
		text__printf(&text, "SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (\n%.*s\n) q", (int)trimmed(sql), sql);
	else
		text__printf(&text, "COPY (\n%.*s\n) TO '/proc/self/fd/%d' (%s, USE_TMP_FILE false)", (int)trimmed(sql),
			     sql, to, options[format]);
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
		return error__set(err, -EINVAL, "the query takes %" PRIu64 " parameters ($1...), not %zu",
				  (uint64_t)count, given);
	if (given > count)
		return error__set(err, -EINVAL,
				  "%s: the query takes %" PRIu64 " parameters; SQL is one argument: quote it",
				  parameters[count], (uint64_t)count);
	for (idx_t i = 0; i < count; i++)
		duckdb_bind_varchar(statement, i + 1, parameters[i]);
	return 0;
}

/* How to show the columns; must run before the query is wrapped, which makes them all text. */
static int describe_columns(struct output *out, duckdb_prepared_statement statement)
{
	out->columns = duckdb_prepared_statement_column_count(statement);
	out->shown = calloc(out->columns + 1, sizeof(*out->shown));
	out->widths = calloc(out->columns + 1, sizeof(*out->widths));
	if (!out->shown || !out->widths)
		return -ENOMEM;
	for (size_t i = 0; i < out->columns; i++) {
		const char *name = duckdb_prepared_statement_column_name(statement, i);

		out->shown[i] = shown_as(duckdb_prepared_statement_column_type(statement, i), name ? name : "");
		duckdb_free((void *)name);
	}
	return 0;
}

/* Of a query's errors those of the disk are not the user's. DuckDB's IO errors are also those of files that the query
 * names and that do not exist. */
static int code_of(const char *why)
{
	return !strncmp(why, "IO Error: Could not write", 25) ? -EIO : -EINVAL;
}

static int execute(duckdb_prepared_statement statement, struct output *out, struct error *err)
{
	duckdb_result result;
	int rc = 0;

	if (duckdb_execute_prepared(statement, &result) != DuckDBSuccess)
		rc = error__set(err, code_of(duckdb_result_error(&result)), "%s", duckdb_result_error(&result));
	else if (out->shown)
		print_table(&result, out);
	duckdb_destroy_result(&result);
	flush(out);
	return rc ? rc : out->error;
}

/* Prepares the query itself first: error positions then match what the user wrote. */
static int check(struct query *query, const char *sql, enum query_format format, struct output *out, struct error *err)
{
	duckdb_prepared_statement statement = NULL;
	int rc = prepare(query, sql, &statement, err);

	if (!rc && duckdb_prepared_statement_type(statement) != DUCKDB_STATEMENT_TYPE_SELECT)
		rc = error__set(err, -EINVAL, "the query returns no rows: use a SELECT, DESCRIBE or similar");
	if (!rc && format == QUERY_TABLE)
		rc = describe_columns(out, statement);
	duckdb_destroy_prepare(&statement);
	return rc;
}

static int run(struct query *query, const char *sql, const char *const *parameters, enum query_format format, int to,
	       struct output *out, struct error *err)
{
	char *wrapped = wrap(sql, format, to);
	duckdb_prepared_statement statement = NULL;
	int rc = wrapped ? prepare(query, wrapped, &statement, err) : -ENOMEM;

	if (!rc)
		rc = bind(statement, parameters, err);
	if (!rc)
		rc = execute(statement, out, err);
	duckdb_destroy_prepare(&statement);
	free(wrapped);
	return rc;
}

/* Through a pipe. An error of the output is the cause of COPY's failure. */
static int run_piped(struct query *query, const char *sql, const char *const *parameters, enum query_format format,
		     struct output *out, struct error *err)
{
	struct copier copier = {.to = out->fd, .terminal = out->terminal, .array = format == QUERY_JSON};
	pthread_t thread;
	int pipe[2], rc;

	if (pipe2(pipe, O_CLOEXEC))
		return -errno;
	copier.from = pipe[0];
	rc = -pthread_create(&thread, NULL, copy, &copier);
	if (rc) {
		close(pipe[0]);
		close(pipe[1]);
		return rc;
	}
	rc = run(query, sql, parameters, format, pipe[1], out, err);
	close(pipe[1]);
	pthread_join(thread, NULL);
	if (copier.error)
		err->text[0] = '\0';
	return copier.error ? copier.error : rc;
}

int query__print(struct query *query, const char *sql, const char *const *parameters, enum query_format format, int fd,
		 struct error *err)
{
	bool piped = format != QUERY_TABLE && format != QUERY_PARQUET;
	struct output out = {.fd = fd, .terminal = isatty(fd)};
	char *renamed;
	int rc;

	*err->text = '\0';
	rc = check(query, sql, format, &out, err);
	renamed = rc == -EINVAL ? query_old__renamed(sql, err->text) : NULL;
	if (renamed)
		rc = query__print(query, renamed, parameters, format, fd, err);
	else if (!rc)
		rc = piped ? run_piped(query, sql, parameters, format, &out, err)
			   : run(query, sql, parameters, format, fd, &out, err);
	text__free(&out.text);
	free(out.shown);
	free(out.widths);
	free(renamed);
	return rc;
}
