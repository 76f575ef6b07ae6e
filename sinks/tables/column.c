/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes values into DuckDB's vectors. */
#include "sinks/tables/column.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"

/* clang-format off */
static const struct {
	const char *name, *sql;
	duckdb_type type;
} types[] = {
	[COLUMN_BOOL] = { "bool", "BOOLEAN", DUCKDB_TYPE_BOOLEAN },
	[COLUMN_U32] = { "u32", "UINTEGER", DUCKDB_TYPE_UINTEGER },
	[COLUMN_I32] = { "i32", "INTEGER", DUCKDB_TYPE_INTEGER },
	[COLUMN_U64] = { "u64", "UBIGINT", DUCKDB_TYPE_UBIGINT },
	[COLUMN_TIME] = { "time", "TIMESTAMP_NS", DUCKDB_TYPE_TIMESTAMP_NS },
	[COLUMN_TEXT] = { "text", "VARCHAR", DUCKDB_TYPE_VARCHAR },
	[COLUMN_LIST] = { "list", "VARCHAR[]", DUCKDB_TYPE_LIST },
	[COLUMN_MAP] = { "map", "MAP(VARCHAR, VARCHAR)", DUCKDB_TYPE_MAP },
};
/* clang-format on */

enum column_type column__of(enum schema_type type)
{
	switch (type) {
	case SCHEMA_BOOL:
		return COLUMN_BOOL;
	case SCHEMA_U32:
		return COLUMN_U32;
	case SCHEMA_I32:
		return COLUMN_I32;
	case SCHEMA_U64:
		return COLUMN_U64;
	case SCHEMA_LIST:
		return COLUMN_LIST;
	case SCHEMA_MAP:
		return COLUMN_MAP;
	case SCHEMA_CHARS:
	case SCHEMA_STRING:
		break;
	}
	return COLUMN_TEXT;
}

const char *column_type__name(enum column_type type)
{
	return types[type].name;
}

const char *column_type__sql(enum column_type type)
{
	return types[type].sql;
}

duckdb_logical_type column_type__logical(enum column_type type)
{
	duckdb_logical_type text, logical;

	if (type != COLUMN_LIST && type != COLUMN_MAP)
		return duckdb_create_logical_type(types[type].type);
	text = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
	logical = type == COLUMN_LIST ? duckdb_create_list_type(text) : duckdb_create_map_type(text, text);
	duckdb_destroy_logical_type(&text);
	return logical;
}

/* ---- text ---- */

/* Bytes of the UTF-8 character that begins here; 0: none does. */
static size_t character(const char *at, size_t left)
{
	for (size_t n = 1; n <= 4 && n <= left; n++)
		if (utf8__valid(at, n))
			return n;
	return 0;
}

/* `out` holds four times the length. Returns how much was written. */
static size_t escape(const char *bytes, size_t length, char *out)
{
	static const char hex[] = "0123456789abcdef";
	char *at = out;

	for (size_t i = 0, n; i < length; i += n ? n : 1) {
		n = character(bytes + i, length - i);
		if (!n) {
			*at++ = '\\';
			*at++ = 'x';
			*at++ = hex[(uint8_t)bytes[i] >> 4];
			*at++ = hex[bytes[i] & 15];
			continue;
		}
		if (bytes[i] == '\\')
			*at++ = '\\';
		memcpy(at, bytes + i, n);
		at += n;
	}
	return at - out;
}

const char *column__text(const char *bytes, size_t *length, char **made)
{
	*made = NULL;
	if (utf8__valid(bytes, *length))
		return bytes;
	*made = malloc(*length * 4 + 1);
	if (!*made)
		return NULL;
	*length = escape(bytes, *length, *made);
	(*made)[*length] = '\0';
	return *made;
}

static bool assign(duckdb_vector vector, idx_t row, const char *string, size_t length, bool escaped)
{
	char small[512], *big = NULL, *to = small;

	if (escaped && length > sizeof(small) / 4)
		to = big = malloc(length * 4);
	if (!to)
		return false;
	if (escaped)
		length = escape(string, length, to);
	duckdb_vector_assign_string_element_len(vector, row, escaped ? to : string, length);
	free(big);
	return true;
}

/* ---- cells ---- */

void cells__begin(struct cells *cells, enum column_type type, duckdb_vector vector)
{
	*cells = (struct cells){.type = type, .vector = vector, .data = duckdb_vector_get_data(vector)};
	if (type == COLUMN_LIST || type == COLUMN_MAP)
		cells->child = duckdb_list_vector_get_child(vector);
	if (type == COLUMN_MAP) {
		cells->values = duckdb_struct_vector_get_child(cells->child, 1);
		cells->child = duckdb_struct_vector_get_child(cells->child, 0);
	}
}

void cells__null(struct cells *cells, idx_t row)
{
	if (!cells->validity) {
		duckdb_vector_ensure_validity_writable(cells->vector);
		cells->validity = duckdb_vector_get_validity(cells->vector);
	}
	cells->validity[row / 64] &= ~(1ULL << row % 64);
	if (cells->child)
		((duckdb_list_entry *)cells->data)[row] = (duckdb_list_entry){cells->items, 0};
}

void cells__put_number(struct cells *cells, idx_t row, uint64_t number)
{
	if (cells->type == COLUMN_U32)
		((uint32_t *)cells->data)[row] = number;
	else
		((uint64_t *)cells->data)[row] = number;
}

static bool any_escape(const struct value *value, uint32_t strings, const uint8_t *end)
{
	const uint8_t *cursor = value->items;
	const char *string;
	uint32_t length;

	for (; strings && value__item(&cursor, end, &string, &length); strings--)
		if (!utf8__valid(string, length))
			return true;
	return false;
}

/* Room for so many more items at the end of the list. */
static bool extend(struct cells *cells, idx_t row, uint64_t more)
{
	uint64_t items = cells->items + more;

	if (duckdb_list_vector_reserve(cells->vector, items) != DuckDBSuccess ||
	    duckdb_list_vector_set_size(cells->vector, items) != DuckDBSuccess)
		return false;
	((duckdb_list_entry *)cells->data)[row] = (duckdb_list_entry){cells->items, more};
	cells->items = items;
	return true;
}

static const char escaped_note[] = "escaped", unfit_note[] = "unsupported";

static const char *put_items(struct cells *cells, idx_t row, const struct value *value, const uint8_t *end)
{
	bool map = value->type == VALUE_MAP, ok = true;
	bool escaped = any_escape(value, value->length << map, end);
	const uint8_t *cursor = value->items;
	uint64_t at = cells->items;
	const char *string;
	uint32_t length;

	if (!extend(cells, row, value->length)) {
		cells__null(cells, row);
		return unfit_note;
	}
	for (; at < cells->items && ok; at++) {
		ok = value__item(&cursor, end, &string, &length) && assign(cells->child, at, string, length, escaped);
		if (map)
			ok = ok && value__item(&cursor, end, &string, &length) &&
			     assign(cells->values, at, string, length, escaped);
	}
	if (!ok)
		cells__null(cells, row);
	return escaped ? escaped_note : NULL;
}

/* A field of a type younger than this program may hold a number where text is expected. */
static const char *put_text(struct cells *cells, idx_t row, const struct value *value)
{
	bool escaped = value->type == VALUE_STRING && !utf8__valid(value->string, value->length);
	char number[24];

	if (value->type == VALUE_STRING) {
		if (!assign(cells->vector, row, value->string, value->length, escaped))
			cells__null(cells, row);
		return escaped ? escaped_note : NULL;
	}
	if (value->type == VALUE_INT)
		snprintf(number, sizeof(number), "%" PRId64, value->i);
	else
		snprintf(number, sizeof(number), "%" PRIu64, value->u);
	duckdb_vector_assign_string_element(cells->vector, row, number);
	return NULL;
}

static bool fits(enum column_type column, enum value_type value)
{
	switch (column) {
	case COLUMN_BOOL:
		return value == VALUE_BOOL;
	case COLUMN_TEXT:
		return value == VALUE_STRING || value == VALUE_UINT || value == VALUE_INT;
	case COLUMN_LIST:
		return value == VALUE_LIST;
	case COLUMN_MAP:
		return value == VALUE_MAP;
	default:
		return value == VALUE_UINT || value == VALUE_INT;
	}
}

const char *cells__put(struct cells *cells, idx_t row, const struct value *value, const uint8_t *end)
{
	if (!fits(cells->type, value->type)) {
		cells__null(cells, row);
		return value->type == VALUE_NULL ? NULL : unfit_note;
	}
	switch (cells->type) {
	case COLUMN_BOOL:
		((bool *)cells->data)[row] = value->boolean;
		return NULL;
	case COLUMN_I32:
		((int32_t *)cells->data)[row] = value->i;
		return NULL;
	case COLUMN_U32:
	case COLUMN_U64:
	case COLUMN_TIME:
		cells__put_number(cells, row, value->u);
		return NULL;
	case COLUMN_TEXT:
		return put_text(cells, row, value);
	case COLUMN_LIST:
	case COLUMN_MAP:
		return put_items(cells, row, value, end);
	}
	return NULL;
}

void notes__add(struct notes *notes, const char *name, const char *reason)
{
	if (notes->count < NOTES_MAX) {
		notes->list[notes->count].name = name;
		notes->list[notes->count++].reason = reason;
	}
}

void cells__put_notes(struct cells *cells, idx_t row, const struct notes *notes)
{
	uint64_t at = cells->items;

	if (!notes->count || !extend(cells, row, notes->count)) {
		cells__null(cells, row);
		return;
	}
	for (uint32_t i = 0; i < notes->count; i++) {
		duckdb_vector_assign_string_element(cells->child, at + i, notes->list[i].name);
		duckdb_vector_assign_string_element(cells->values, at + i, notes->list[i].reason);
	}
}

/* ---- SQL ---- */

static void quote(struct text *sql, const char *text, char mark)
{
	text__printf(sql, "%c", mark);
	for (const char *at = text; *at; at++)
		text__printf(sql, *at == mark ? "%c%c" : "%c", *at, mark);
	text__printf(sql, "%c", mark);
}

void sql__name(struct text *sql, const char *name)
{
	quote(sql, name, '"');
}

void sql__string(struct text *sql, const char *string)
{
	quote(sql, string, '\'');
}

void sql__path(struct text *sql, int folder, const char *name, const char *ending)
{
	struct text path = {0};

	text__printf(&path, "/proc/self/fd/%d/%s%s", folder, name, ending);
	if (path.error)
		sql->error = path.error;
	else
		sql__string(sql, path.data);
	text__free(&path);
}

void sql__comment(struct text *sql, const struct column *column)
{
	struct text comment = {0};

	text__printf(&comment, "%s%s%s%s%s", column->help ? column->help : "", column->help && column->unit ? " " : "",
		     column->unit ? "(" : "", column->unit ? column->unit : "", column->unit ? ")" : "");
	if (comment.error && !sql->error)
		sql->error = comment.error;
	sql__string(sql, comment.data ? comment.data : "");
	text__free(&comment);
}
