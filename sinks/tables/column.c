/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes values into DuckDB's vectors. */
#include "sinks/tables/column.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/base.h"
#include "core/text.h"

/* clang-format off */
static const struct {
	const char *sql;
	duckdb_type type;
} types[] = {
	[COLUMN_BOOL] = { "BOOLEAN", DUCKDB_TYPE_BOOLEAN },
	[COLUMN_INT] = { "INTEGER", DUCKDB_TYPE_INTEGER },
	[COLUMN_BIGINT] = { "BIGINT", DUCKDB_TYPE_BIGINT },
	[COLUMN_TIME] = { "TIMESTAMPTZ", DUCKDB_TYPE_TIMESTAMP_TZ },
	[COLUMN_TEXT] = { "VARCHAR", DUCKDB_TYPE_VARCHAR },
	[COLUMN_LIST] = { "VARCHAR[]", DUCKDB_TYPE_LIST },
	[COLUMN_JSON] = { "VARCHAR", DUCKDB_TYPE_VARCHAR },
};
/* clang-format on */

const char *column_type__sql(enum column_type type)
{
	return types[type].sql;
}

duckdb_logical_type column_type__logical(enum column_type type)
{
	duckdb_logical_type text, logical;

	if (type != COLUMN_LIST)
		return duckdb_create_logical_type(types[type].type);
	text = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
	logical = duckdb_create_list_type(text);
	duckdb_destroy_logical_type(&text);
	return logical;
}

static void assign(duckdb_vector vector, idx_t row, const char *string, size_t length, struct scratch *scratch)
{
	duckdb_vector_assign_string_element_len(vector, row, string, length);
	scratch->filled += sizeof(duckdb_string_t) + length;
}

/* ---- cells ---- */

void cells__begin(struct cells *cells, enum column_type type, duckdb_vector vector)
{
	*cells = (struct cells){.type = type, .vector = vector, .data = duckdb_vector_get_data(vector)};
	if (type == COLUMN_LIST)
		cells->child = duckdb_list_vector_get_child(vector);
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

static const char unfit_note[] = "unsupported";

static const char *put_number(struct cells *cells, idx_t row, const struct value *value)
{
	const char *note;
	int64_t number = column__number(cells->type, value, &note);

	if (cells->type == COLUMN_INT)
		((int32_t *)cells->data)[row] = (int32_t)number;
	else
		((int64_t *)cells->data)[row] = number;
	return note;
}

const char *cells__put_number(struct cells *cells, idx_t row, uint64_t number)
{
	return put_number(cells, row, &(struct value){.type = VALUE_UINT, .u = number});
}

/* Makes room for more items at the end of the list. */
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

static const char *put_list(struct cells *cells, idx_t row, const struct value *value, const uint8_t *end,
			    struct scratch *scratch)
{
	struct shown shown = shown__list(value, value->length, end);
	const uint8_t *cursor = value->items;
	uint64_t at = cells->items;
	const char *string;
	uint32_t size;
	size_t length;
	bool ok = true;

	if (!extend(cells, row, shown.strings)) {
		cells__null(cells, row);
		return unfit_note;
	}
	for (; at < cells->items && ok; at++) {
		ok = value__item(&cursor, end, &string, &size);
		length = size;
		ok = ok && scratch__text(scratch, shown.escaped, &string, &length);
		if (ok)
			assign(cells->child, at, string, length, scratch);
	}
	if (!ok)
		cells__null(cells, row);
	return shown__note(&shown);
}

/* The object of the scratch as the cell's text. */
static void put_object(struct cells *cells, idx_t row, struct scratch *scratch)
{
	if (scratch->json.size)
		assign(cells->vector, row, (const char *)scratch->json.data, scratch->json.size, scratch);
	else
		cells__null(cells, row);
}

static const char *put_map(struct cells *cells, idx_t row, const struct value *value, const uint8_t *end,
			   struct scratch *scratch)
{
	const char *note = scratch__map(scratch, value, end);

	put_object(cells, row, scratch);
	return note;
}

/* Whether it is the text that the column got last: then the vector has it, and it is UTF-8. */
static bool is_last(const struct cells *cells, const struct value *value)
{
	const duckdb_string_t *last = (const duckdb_string_t *)cells->data + cells->last;
	uint32_t length = last->value.inlined.length;
	bool is_inlined = length <= sizeof(last->value.inlined.inlined);

	return length == value->length &&
	       !memcmp(is_inlined ? last->value.inlined.inlined : last->value.pointer.ptr, value->string, length);
}

static void put_last(struct cells *cells, idx_t row, struct scratch *scratch)
{
	duckdb_string_t *texts = cells->data;

	texts[row] = texts[cells->last];
	scratch->filled += sizeof(*texts) + texts[row].value.inlined.length;
}

static const char *put_text(struct cells *cells, idx_t row, const struct value *value, struct scratch *scratch)
{
	const char *string, *note;
	size_t length;

	if (cells->any && value->type == VALUE_STRING && value->length <= VALUE_BYTES_MAX && is_last(cells, value)) {
		put_last(cells, row, scratch);
		return NULL;
	}
	note = scratch__string(scratch, value, &string, &length);
	cells->any = string;
	cells->last = row;
	if (string)
		assign(cells->vector, row, string, length, scratch);
	else
		cells__null(cells, row);
	return note;
}

const char *cells__put(struct cells *cells, idx_t row, const struct value *value, const uint8_t *end,
		       struct scratch *scratch)
{
	if (!column__fits(cells->type, value->type)) {
		cells__null(cells, row);
		return value->type == VALUE_NULL ? NULL : unfit_note;
	}
	switch (cells->type) {
	case COLUMN_BOOL:
		((bool *)cells->data)[row] = value->boolean;
		return NULL;
	case COLUMN_INT:
	case COLUMN_BIGINT:
	case COLUMN_TIME:
		return put_number(cells, row, value);
	case COLUMN_TEXT:
		return put_text(cells, row, value, scratch);
	case COLUMN_LIST:
		return put_list(cells, row, value, end, scratch);
	case COLUMN_JSON:
		return put_map(cells, row, value, end, scratch);
	}
	return NULL;
}

const char *cells__put_name(struct cells *cells, idx_t row, const char *name, struct scratch *scratch)
{
	struct value value = {.type = VALUE_STRING, .string = name};

	if (!name || !*name) {
		cells__null(cells, row);
		return NULL;
	}
	if (cells->any && cells->name == name) {
		put_last(cells, row, scratch);
		return cells->name_note;
	}
	value.length = strlen(name);
	cells->name = name;
	cells->name_note = put_text(cells, row, &value, scratch);
	return cells->name_note;
}

void cells__put_notes(struct cells *cells, idx_t row, const struct notes *notes, struct scratch *scratch)
{
	if (!notes->count) {
		cells__null(cells, row);
		return;
	}
	scratch__notes(scratch, notes);
	put_object(cells, row, scratch);
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
