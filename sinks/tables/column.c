/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes values into DuckDB's vectors. */
#include "sinks/tables/column.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/base.h"
#include "core/text.h"

/* clang-format off */
static const struct {
	const char *name, *sql;
	duckdb_type type;
} types[] = {
	[COLUMN_BOOL] = { "bool", "BOOLEAN", DUCKDB_TYPE_BOOLEAN },
	[COLUMN_INT] = { "int", "INTEGER", DUCKDB_TYPE_INTEGER },
	[COLUMN_BIGINT] = { "bigint", "BIGINT", DUCKDB_TYPE_BIGINT },
	[COLUMN_TIME] = { "time", "TIMESTAMPTZ", DUCKDB_TYPE_TIMESTAMP_TZ },
	[COLUMN_TEXT] = { "text", "VARCHAR", DUCKDB_TYPE_VARCHAR },
	[COLUMN_LIST] = { "list", "VARCHAR[]", DUCKDB_TYPE_LIST },
	[COLUMN_JSON] = { "json", "VARCHAR", DUCKDB_TYPE_VARCHAR },
};
/* clang-format on */

static const struct {
	const char *field, *column;
} renamed[] = {
	{"count", "lost_events"},
	{"limit", "oom_scope"},
};

const char *column__name(const char *field)
{
	for (size_t i = 0; i < sizeof(renamed) / sizeof(*renamed); i++)
		if (!strcasecmp(renamed[i].field, field))
			return renamed[i].column;
	return field;
}

/* What the kernel bounds: PIDs by 2^22, CPUs by 2^13, an exit status and signals by 2^8. */
static const char *const small[] = {"pid",  "ppid",  "ns_pid",	  "tid",    "cpu",	  "exec",
				    "task", "depth", "exit_code", "signal", "sender_pid", "fd"};

static bool is_small(const char *name)
{
	for (size_t i = 0; i < sizeof(small) / sizeof(*small); i++)
		if (!strcasecmp(small[i], name))
			return true;
	return false;
}

enum column_type column__of(const char *name, enum schema_type type)
{
	switch (type) {
	case SCHEMA_BOOL:
		return COLUMN_BOOL;
	case SCHEMA_I32:
		return COLUMN_INT;
	case SCHEMA_U32:
	case SCHEMA_U64:
		return is_small(name) ? COLUMN_INT : COLUMN_BIGINT;
	case SCHEMA_LIST:
		return COLUMN_LIST;
	case SCHEMA_MAP:
		return COLUMN_JSON;
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

	if (type != COLUMN_LIST)
		return duckdb_create_logical_type(types[type].type);
	text = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
	logical = duckdb_create_list_type(text);
	duckdb_destroy_logical_type(&text);
	return logical;
}

/* ---- text ---- */

/* Bytes of the UTF-8 character that begins here; 0: invalid. */
static size_t character(const char *at, size_t left)
{
	for (size_t n = 1; n <= 4 && n <= left; n++)
		if (utf8__valid(at, n))
			return n;
	return 0;
}

/* `out` has room for four times the length. Returns the bytes written. */
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

void scratch__free(struct scratch *scratch)
{
	buffer__free(&scratch->json);
	buffer__free(&scratch->escaped);
}

/* The string, or with `escaped` its escaped form, valid until the next call. Returns false without memory. */
static bool make_text(struct scratch *scratch, bool escaped, const char **string, size_t *length)
{
	if (!escaped)
		return true;
	scratch->escaped.size = 0;
	if (buffer__reserve(&scratch->escaped, *length * 4))
		return false;
	*length = escape(*string, *length, (char *)scratch->escaped.data);
	*string = (const char *)scratch->escaped.data;
	return true;
}

static bool assign(duckdb_vector vector, idx_t row, const char *string, size_t length, bool escaped,
		   struct scratch *scratch)
{
	if (!make_text(scratch, escaped, &string, &length))
		return false;
	duckdb_vector_assign_string_element_len(vector, row, string, length);
	scratch->filled += sizeof(duckdb_string_t) + length;
	return true;
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

static const char escaped_note[] = "escaped", unfit_note[] = "unsupported", saturated_note[] = "saturated";

static const char *put_signed(struct cells *cells, idx_t row, int64_t number)
{
	int64_t fits = number > INT32_MAX ? INT32_MAX : number < INT32_MIN ? INT32_MIN : number;

	if (cells->type == COLUMN_BIGINT) {
		((int64_t *)cells->data)[row] = number;
		return NULL;
	}
	if (cells->type == COLUMN_TIME) { /* rounded down, before 1970 too */
		((int64_t *)cells->data)[row] = number / 1000 - (number % 1000 < 0);
		return NULL;
	}
	((int32_t *)cells->data)[row] = fits;
	return fits == number ? NULL : saturated_note;
}

const char *cells__put_number(struct cells *cells, idx_t row, uint64_t number)
{
	if (number <= INT64_MAX)
		return put_signed(cells, row, number);
	put_signed(cells, row, INT64_MAX);
	return saturated_note;
}

/* What is shown of a value. */
struct part {
	uint32_t strings;
	bool cut, escaped;
};

static const char *part__note(const struct part *part)
{
	return part->cut ? part->escaped ? "truncated,escaped" : "truncated" : part->escaped ? escaped_note : NULL;
}

/* Of a list or map of so many strings. */
static struct part part_of(const struct value *value, uint32_t strings, const uint8_t *end)
{
	const uint8_t *cursor = value->items;
	struct part part = {0};
	const char *string;
	uint32_t length;
	size_t bytes = 0;

	for (; part.strings < strings && value__item(&cursor, end, &string, &length); part.strings++) {
		bytes += length;
		part.cut = bytes > VALUE_BYTES_MAX || part.strings >= VALUE_ITEMS_MAX;
		if (part.cut)
			break;
		part.escaped |= !utf8__valid(string, length);
	}
	return part;
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
	struct part part = part_of(value, value->length, end);
	const uint8_t *cursor = value->items;
	uint64_t at = cells->items;
	const char *string;
	uint32_t length;
	bool ok = true;

	if (!extend(cells, row, part.strings)) {
		cells__null(cells, row);
		return unfit_note;
	}
	for (; at < cells->items && ok; at++)
		ok = value__item(&cursor, end, &string, &length) &&
		     assign(cells->child, at, string, length, part.escaped, scratch);
	if (!ok)
		cells__null(cells, row);
	return part__note(&part);
}

/* `before`: what stands before the string. Returns false without memory. */
static bool put_json(struct scratch *scratch, const char *before, const char *string, size_t length, bool escaped)
{
	return make_text(scratch, escaped, &string, &length) &&
	       !buffer__append(&scratch->json, before, strlen(before)) &&
	       !json__put_utf8(&scratch->json, string, length);
}

/* The object of the scratch as the cell's text. */
static void put_object(struct cells *cells, idx_t row, struct scratch *scratch, bool ok)
{
	if (!ok || buffer__append(&scratch->json, "}", 1))
		cells__null(cells, row);
	else
		assign(cells->vector, row, (const char *)scratch->json.data, scratch->json.size, false, scratch);
}

static const char *put_map(struct cells *cells, idx_t row, const struct value *value, const uint8_t *end,
			   struct scratch *scratch)
{
	struct part part = part_of(value, value->length * 2, end);
	const uint8_t *cursor = value->items;
	const char *string;
	uint32_t length;
	bool ok = true;

	scratch->json.size = 0;
	if (part.strings < 2)
		ok = !buffer__append(&scratch->json, "{", 1);
	for (uint32_t i = 0; i < part.strings / 2 && ok; i++)
		ok = value__item(&cursor, end, &string, &length) &&
		     put_json(scratch, i ? "," : "{", string, length, part.escaped) &&
		     value__item(&cursor, end, &string, &length) &&
		     put_json(scratch, ":", string, length, part.escaped);
	put_object(cells, row, scratch, ok);
	return part__note(&part);
}

static const char *put_string(struct cells *cells, idx_t row, const struct value *value, struct scratch *scratch)
{
	struct part part = {.cut = value->length > VALUE_BYTES_MAX};
	size_t length = part.cut ? VALUE_BYTES_MAX : value->length;

	while (part.cut && length > VALUE_BYTES_MAX - 3 && (value->string[length] & 0xc0) == 0x80)
		length--; /* not within a character */
	part.escaped = !utf8__valid(value->string, length);
	if (!assign(cells->vector, row, value->string, length, part.escaped, scratch))
		cells__null(cells, row);
	return part__note(&part);
}

/* A field of a type that this program does not know is read as text but may hold a number. */
static const char *put_text(struct cells *cells, idx_t row, const struct value *value, struct scratch *scratch)
{
	char number[24];

	if (value->type == VALUE_STRING)
		return put_string(cells, row, value, scratch);
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
	case COLUMN_JSON:
		return value == VALUE_MAP;
	default:
		return value == VALUE_UINT || value == VALUE_INT;
	}
}

const char *cells__put(struct cells *cells, idx_t row, const struct value *value, const uint8_t *end,
		       struct scratch *scratch)
{
	if (!fits(cells->type, value->type)) {
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
		return value->type == VALUE_INT ? put_signed(cells, row, value->i)
						: cells__put_number(cells, row, value->u);
	case COLUMN_TEXT:
		return put_text(cells, row, value, scratch);
	case COLUMN_LIST:
		return put_list(cells, row, value, end, scratch);
	case COLUMN_JSON:
		return put_map(cells, row, value, end, scratch);
	}
	return NULL;
}

void notes__add(struct notes *notes, const char *name, const char *reason)
{
	if (reason && notes->count < NOTES_MAX) {
		notes->list[notes->count].name = name;
		notes->list[notes->count++].reason = reason;
	}
}

void cells__put_notes(struct cells *cells, idx_t row, const struct notes *notes, struct scratch *scratch)
{
	bool ok = true;

	if (!notes->count) {
		cells__null(cells, row);
		return;
	}
	scratch->json.size = 0;
	for (uint32_t i = 0; i < notes->count && ok; i++)
		ok = put_json(scratch, i ? "," : "{", notes->list[i].name, strlen(notes->list[i].name), false) &&
		     put_json(scratch, ":", notes->list[i].reason, strlen(notes->list[i].reason), false);
	put_object(cells, row, scratch, ok);
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
