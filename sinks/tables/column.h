/* SPDX-License-Identifier: BSD-2-Clause */
/* Columns of tables: their types, and how a record's value gets into DuckDB's vectors.
 *
 * DuckDB's text is UTF-8. A value that is not is written with \xNN for each byte that is none and \\ for a
 * backslash, in all its items if it is a list or map; `missing` then says "escaped" of it, so that nothing is
 * lost and nothing is mistaken. */
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
	COLUMN_U32,
	COLUMN_I32,
	COLUMN_U64,
	COLUMN_TIME, /* nanoseconds since 1970, UTC */
	COLUMN_TEXT,
	COLUMN_LIST, /* of text */
	COLUMN_MAP,  /* text to text */
};

struct column {
	char *name;
	enum column_type type;
	char *unit, *help; /* may be NULL */
};

enum column_type column__of(enum schema_type type);
const char *column_type__name(enum column_type type); /* as a suffix: "u32" */
const char *column_type__sql(enum column_type type);
duckdb_logical_type column_type__logical(enum column_type type); /* the caller's to destroy */

/* A column of the chunk that is being filled. */
struct cells {
	enum column_type type;
	duckdb_vector vector, child, values; /* child: of a list; the keys of a map, and its values */
	void *data;
	uint64_t *validity; /* NULL: no null yet */
	uint64_t items;	    /* in child */
};

void cells__begin(struct cells *cells, enum column_type type, duckdb_vector vector);
void cells__null(struct cells *cells, idx_t row);

/* Puts a value; null if the column cannot take it. `end`: of the bytes that a list or map lies in.
 * Returns NULL, or what is to be noted of it. */
const char *cells__put(struct cells *cells, idx_t row, const struct value *value, const uint8_t *end);

void cells__put_number(struct cells *cells, idx_t row, uint64_t number); /* U32, U64, TIME */

/* What is missing in a row and why, for its last column. */
#define NOTES_MAX (SCHEMA_FIELDS_MAX + 16)
struct notes {
	uint32_t count;
	struct {
		const char *name, *reason;
	} list[NOTES_MAX];
};
void notes__add(struct notes *notes, const char *name, const char *reason);
void cells__put_notes(struct cells *cells, idx_t row, const struct notes *notes);

/* Text as it gets into a table: `bytes` themselves if they are UTF-8; else escaped, allocated into *made.
 * NULL: out of memory. */
const char *column__text(const char *bytes, size_t *length, char **made);

/* ---- SQL ---- */

void sql__name(struct text *sql, const char *name);	/* "name" */
void sql__string(struct text *sql, const char *string); /* 'string' */

/* What a column holds, in a string: "user time (ns)". */
void sql__comment(struct text *sql, const struct column *column);
void sql__path(struct text *sql, int folder, const char *name, const char *ending); /* of a file, as a string */

#endif
