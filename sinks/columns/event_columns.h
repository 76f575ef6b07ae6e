/* SPDX-License-Identifier: BSD-2-Clause */
/* Columns of tables, in any engine: their names and types, and how a record's value becomes a number or a text.
 *
 * The types are those that every engine reads alike: no unsigned number, no nanoseconds, no map. A number beyond its
 * column's type is the type's greatest, and `missing` says "saturated".
 *
 * Text is UTF-8. Other values are written with \xNN for each invalid byte and \\ for a backslash, in all items of a list or
 * map; `missing` then has the reason "escaped": no byte is lost, and no text is ambiguous. A value beyond VALUE_BYTES_MAX or
 * VALUE_ITEMS_MAX, which no kernel gives but a forged stream may, is cut: "truncated". */
#ifndef SINKS_COLUMNS_EVENT_COLUMNS_H
#define SINKS_COLUMNS_EVENT_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buffer.h"
#include "core/record.h"

enum column_type {
	COLUMN_BOOL,
	COLUMN_INT,    /* 32 bits, signed */
	COLUMN_BIGINT, /* 64 bits, signed */
	COLUMN_TIME,   /* microseconds since 1970, UTC; put as nanoseconds */
	COLUMN_TEXT,
	COLUMN_LIST, /* of text */
	COLUMN_JSON, /* an object, text to text, as text */
};

/* The name of a field's column: the field's own, but for names that are reserved words of SQL. NULL: the event has a
 * field of that name, too, which is the column. */
const char *column__name(const struct stream_event *event, const char *field);

/* A number of 32 bits is an INTEGER only if its name says that it stays far below 2^31: uid and counters do not. */
enum column_type column__of(const char *name, enum schema_type type);
const char *column_type__name(enum column_type type); /* as a suffix: "bigint" */
static inline bool column__fits(enum column_type column, enum value_type value)
{
	switch (column) {
	case COLUMN_BOOL:
		return value == VALUE_BOOL;
	case COLUMN_TEXT:
		return value == VALUE_STRING || value == VALUE_UINT || value == VALUE_INT;
	case COLUMN_LIST:
		return value == VALUE_LIST;
	case COLUMN_JSON:
		return value == VALUE_MAP;
	default:
		return value == VALUE_UINT || value == VALUE_INT;
	}
}

/* ---- columns that every event has before its own ---- */

enum event_head {
	HEAD_RUN,
	HEAD_HOST,
	HEAD_PIPELINE,
	HEAD_TS,
	HEAD_TIME,
	HEAD_SEQ,
	HEAD_MARKER,
	HEAD_PID,
	HEAD_START,
	HEAD_TID,
	HEAD_CPU,
	HEADS
};

struct event_head_column {
	const char *name;
	enum column_type type;
	const char *unit, *help;
};
extern const struct event_head_column event_heads[HEADS];

/* ---- values ---- */

/* Of a text, list or map in a stream; the kernel's limit for all arguments and variables of an exec is 6 MiB, with the
 * pointers to them. A list's item takes a byte in a stream, and 16 in a table. */
#define VALUE_BYTES_MAX (8U << 20)
#define VALUE_ITEMS_MAX (1U << 20)

/* Room for making JSON and escaped text, kept from one cell to the next. */
struct scratch {
	struct buffer json, escaped;
	size_t filled; /* bytes of texts that were put somewhere: the caller's */
};

void scratch__free(struct scratch *scratch);

/* Functions below return, or set *note to, NULL or the reason to note in `missing`. */

/* A number for a column of INT, BIGINT or TIME. */
int64_t column__number(enum column_type type, const struct value *value, const char **note);

/* What is shown of a list or map of so many strings; `end`: of the bytes around it. */
struct shown {
	uint32_t strings;
	bool cut, escaped;
};
struct shown shown__list(const struct value *value, uint32_t strings, const uint8_t *end);
const char *shown__note(const struct shown *shown);

/* The string, or with `escaped` its escaped form, valid until the next call. Returns false without memory. */
bool scratch__text(struct scratch *scratch, bool escaped, const char **string, size_t *length);

/* A string or number as text, valid until the next call; *string is NULL without memory. */
const char *scratch__string(struct scratch *scratch, const struct value *value, const char **string, size_t *length);

/* A map as JSON in scratch->json, which is empty without memory. */
const char *scratch__map(struct scratch *scratch, const struct value *value, const uint8_t *end);

/* Why a value is missing or not whole: its own reason, or the note of these functions; NULL: it is whole. */
const char *column__reason(const struct value *value, const char *note);

/* Reasons for missing values of a row, for its last column. */
#define NOTES_MAX (2 * SCHEMA_FIELDS_MAX)
struct notes {
	uint32_t count;
	struct {
		const char *name, *reason;
	} list[NOTES_MAX];
};
void notes__add(struct notes *notes, const char *name, const char *reason);

/* As JSON in scratch->json, which is empty without memory. */
void scratch__notes(struct scratch *scratch, const struct notes *notes);

/* Text for a table: `bytes` themselves if they are UTF-8; else escaped, allocated into *made. NULL: out of memory. */
const char *column__text(const char *bytes, size_t *length, char **made);

#endif
