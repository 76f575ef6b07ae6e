/* SPDX-License-Identifier: BSD-2-Clause */
/* Columns in DuckDB: their types there, and how a record's value gets into DuckDB's vectors. */
#ifndef SINKS_TABLES_COLUMN_H
#define SINKS_TABLES_COLUMN_H

#include <duckdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/text.h"
#include "sinks/columns/event_columns.h"

struct column {
	char *name;
	enum column_type type;
	char *unit, *help; /* may be NULL */
};

const char *column_type__sql(enum column_type type);
duckdb_logical_type column_type__logical(enum column_type type); /* the caller destroys it */

/* A column of the chunk being filled. */
struct cells {
	enum column_type type;
	duckdb_vector vector, child; /* child: of a list */
	void *data;
	uint64_t *validity; /* NULL: no null yet */
	uint64_t items;	    /* in child */
	idx_t last;	    /* row of the last text */
	bool any;	    /* there is one */
	const char *name;   /* that one, if cells__put_name() put it, and what it returned */
	const char *name_note;
};

void cells__begin(struct cells *cells, enum column_type type, duckdb_vector vector);
void cells__null(struct cells *cells, idx_t row);

/* Puts a value; null if its type does not fit. `end`: of the bytes around a list or map. Returns NULL, or the reason
 * to note in `missing`. */
const char *cells__put(struct cells *cells, idx_t row, const struct value *value, const uint8_t *end,
		       struct scratch *scratch);
/* The same for a string that stays as it is; NULL or empty: null. */
const char *cells__put_name(struct cells *cells, idx_t row, const char *name, struct scratch *scratch);
const char *cells__put_number(struct cells *cells, idx_t row, uint64_t number); /* INT, BIGINT, TIME */

void cells__put_notes(struct cells *cells, idx_t row, const struct notes *notes, struct scratch *scratch);

/* ---- SQL ---- */

void sql__name(struct text *sql, const char *name);	/* "name" */
void sql__string(struct text *sql, const char *string); /* 'string' */

/* A column's help and unit as a string: "user time (ns)". */
void sql__comment(struct text *sql, const struct column *column);
void sql__path(struct text *sql, int folder, const char *name, const char *ending); /* of a file, as a string */

#endif
