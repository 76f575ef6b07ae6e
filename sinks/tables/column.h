/* SPDX-License-Identifier: BSD-2-Clause */
/* Columns of tables: their types, and how a record's value gets into DuckDB's vectors.
 *
 * The types are those that every engine reads alike: no unsigned number, no nanoseconds, no map. A number beyond its
 * column's type is the type's greatest, and `missing` says "saturated".
 *
 * DuckDB's text is UTF-8. Other values are written with \xNN for each invalid byte and \\ for a
 * backslash, in all items of a list or map; `missing` then has the reason "escaped": no byte is lost, and no
 * text is ambiguous. A value beyond VALUE_BYTES_MAX or VALUE_ITEMS_MAX, which no kernel gives but a forged stream may, is cut:
 * "truncated". */
#ifndef SINKS_TABLES_COLUMN_H
#define SINKS_TABLES_COLUMN_H

#include <duckdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/record.h"
#include "core/text.h"

enum column_type {
	COLUMN_BOOL,
	COLUMN_INT,    /* 32 bits, signed */
	COLUMN_BIGINT, /* 64 bits, signed */
	COLUMN_TIME,   /* microseconds since 1970, UTC; put as nanoseconds */
	COLUMN_TEXT,
	COLUMN_LIST, /* of text */
	COLUMN_JSON, /* an object, text to text, as text */
};

struct column {
	char *name;
	enum column_type type;
	char *unit, *help; /* may be NULL */
};

/* The name of a field's column: the field's own, but for names that are reserved words of SQL. */
const char *column__name(const char *field);

/* A number of 32 bits is an INTEGER only if its name says that it stays far below 2^31: uid and counters do not. */
enum column_type column__of(const char *name, enum schema_type type);
const char *column_type__name(enum column_type type); /* as a suffix: "bigint" */
const char *column_type__sql(enum column_type type);
duckdb_logical_type column_type__logical(enum column_type type); /* the caller destroys it */

/* A column of the chunk being filled. */
struct cells {
	enum column_type type;
	duckdb_vector vector, child; /* child: of a list */
	void *data;
	uint64_t *validity; /* NULL: no null yet */
	uint64_t items;	    /* in child */
};

/* Of a text, list or map in a stream; the kernel's limit for all arguments and variables of an exec is 6 MiB, with the
 * pointers to them. A list's item takes a byte in a stream, and 16 in a table. */
#define VALUE_BYTES_MAX (8U << 20)
#define VALUE_ITEMS_MAX (1U << 20)

/* Room for making JSON and escaped text, kept from one cell to the next. */
struct scratch {
	struct buffer json, escaped;
	size_t filled; /* bytes of the texts in the chunk */
};

void scratch__free(struct scratch *scratch);

void cells__begin(struct cells *cells, enum column_type type, duckdb_vector vector);
void cells__null(struct cells *cells, idx_t row);

/* Puts a value; null if its type does not fit. `end`: of the bytes around a list or map. Returns NULL, or the reason
 * to note in `missing`. */
const char *cells__put(struct cells *cells, idx_t row, const struct value *value, const uint8_t *end,
		       struct scratch *scratch);
const char *cells__put_number(struct cells *cells, idx_t row, uint64_t number); /* INT, BIGINT, TIME */

/* Reasons for missing values of a row, for its last column. */
#define NOTES_MAX (2 * SCHEMA_FIELDS_MAX)
struct notes {
	uint32_t count;
	struct {
		const char *name, *reason;
	} list[NOTES_MAX];
};
void notes__add(struct notes *notes, const char *name, const char *reason);
void cells__put_notes(struct cells *cells, idx_t row, const struct notes *notes, struct scratch *scratch);

/* Text for a table: `bytes` themselves if they are UTF-8; else escaped, allocated into *made. NULL: out of memory. */
const char *column__text(const char *bytes, size_t *length, char **made);

/* ---- SQL ---- */

void sql__name(struct text *sql, const char *name);	/* "name" */
void sql__string(struct text *sql, const char *string); /* 'string' */

/* A column's help and unit as a string: "user time (ns)". */
void sql__comment(struct text *sql, const struct column *column);
void sql__path(struct text *sql, int folder, const char *name, const char *ending); /* of a file, as a string */

#endif
