/* SPDX-License-Identifier: BSD-2-Clause */
/* What is the same in all tables of events, in whatever engine they are. */
#include "sinks/columns/event_columns.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/base.h"
#include "core/text.h"

static const struct {
	const char *field, *column;
} renamed[] = {
	{"count", "lost_events"},
	{"limit", "oom_scope"},
};

const char *column__name(const struct stream_event *event, const char *field)
{
	for (size_t i = 0; i < sizeof(renamed) / sizeof(*renamed); i++)
		if (!strcasecmp(renamed[i].field, field))
			return stream_event__field(event, renamed[i].column) < 0 ? renamed[i].column : NULL;
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
	static const char *const names[] = {
		[COLUMN_BOOL] = "bool", [COLUMN_INT] = "int",	[COLUMN_BIGINT] = "bigint", [COLUMN_TIME] = "time",
		[COLUMN_TEXT] = "text", [COLUMN_LIST] = "list", [COLUMN_JSON] = "json",
	};

	return names[type];
}

const struct event_head_column event_heads[HEADS] = {
	[HEAD_RUN] = {"run", COLUMN_TEXT, NULL, "the run's id"},
	[HEAD_HOST] = {"host", COLUMN_TEXT, NULL, "where it ran"},
	[HEAD_PIPELINE] = {"pipeline", COLUMN_TEXT, NULL, "the run's name"},
	[HEAD_TS] = {"ts", COLUMN_BIGINT, "ns", "when, on the boot clock"},
	[HEAD_TIME] = {"time", COLUMN_TIME, NULL, "when"},
	[HEAD_SEQ] = {"seq", COLUMN_BIGINT, NULL, "number in its stream"},
	[HEAD_MARKER] = {"marker", COLUMN_TEXT, NULL, "random id of its stream; (marker, seq) names a record"},
	[HEAD_PID] = {"pid", COLUMN_INT, NULL, "process, in the initial pid namespace"},
	[HEAD_START] = {"start", COLUMN_BIGINT, "ns",
			"the process's start on the boot clock; (pid, start) names a process"},
	[HEAD_TID] = {"tid", COLUMN_INT, NULL, "thread"},
	[HEAD_CPU] = {"cpu", COLUMN_INT, NULL, "CPU that it happened on"},
};

/* ---- numbers ---- */

static const char saturated_note[] = "saturated";

int64_t column__number(enum column_type type, const struct value *value, const char **note)
{
	int64_t number = value->i;

	*note = NULL;
	if (value->type == VALUE_UINT && value->u > INT64_MAX) {
		number = INT64_MAX;
		*note = saturated_note;
	}
	if (type == COLUMN_TIME) /* rounded down, before 1970 too */
		return number / 1000 - (number % 1000 < 0);
	if (type == COLUMN_INT && (number > INT32_MAX || number < INT32_MIN)) {
		number = number > 0 ? INT32_MAX : INT32_MIN;
		*note = saturated_note;
	}
	return number;
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

bool scratch__text(struct scratch *scratch, bool escaped, const char **string, size_t *length)
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

static const char escaped_note[] = "escaped";

const char *shown__note(const struct shown *shown)
{
	return shown->cut ? shown->escaped ? "truncated,escaped" : "truncated" : shown->escaped ? escaped_note : NULL;
}

struct shown shown__list(const struct value *value, uint32_t strings, const uint8_t *end)
{
	const uint8_t *cursor = value->items;
	struct shown shown = {0};
	const char *string;
	uint32_t length;
	size_t bytes = 0;

	for (; shown.strings < strings && value__item(&cursor, end, &string, &length); shown.strings++) {
		bytes += length;
		shown.cut = bytes > VALUE_BYTES_MAX || shown.strings >= VALUE_ITEMS_MAX;
		if (shown.cut)
			break;
		shown.escaped |= !utf8__valid(string, length);
	}
	return shown;
}

/* `before`: what stands before the string. Returns false without memory. */
static bool put_json(struct scratch *scratch, const char *before, const char *string, size_t length, bool escaped)
{
	return scratch__text(scratch, escaped, &string, &length) &&
	       !buffer__append(&scratch->json, before, strlen(before)) &&
	       !json__put_utf8(&scratch->json, string, length);
}

/* Ends the object in the scratch. */
static void end_json(struct scratch *scratch, bool ok)
{
	if (!ok || buffer__append(&scratch->json, "}", 1))
		scratch->json.size = 0;
}

const char *scratch__map(struct scratch *scratch, const struct value *value, const uint8_t *end)
{
	struct shown shown = shown__list(value, value->length * 2, end);
	const uint8_t *cursor = value->items;
	const char *string;
	uint32_t length;
	bool ok = true;

	scratch->json.size = 0;
	if (shown.strings < 2)
		ok = !buffer__append(&scratch->json, "{", 1);
	for (uint32_t i = 0; i < shown.strings / 2 && ok; i++)
		ok = value__item(&cursor, end, &string, &length) &&
		     put_json(scratch, i ? "," : "{", string, length, shown.escaped) &&
		     value__item(&cursor, end, &string, &length) &&
		     put_json(scratch, ":", string, length, shown.escaped);
	end_json(scratch, ok);
	return shown__note(&shown);
}

/* A field of a type that this program does not know is read as text but may hold a number. */
static void put_digits(struct scratch *scratch, const struct value *value, const char **string, size_t *length)
{
	char *number;

	scratch->escaped.size = 0;
	*string = NULL;
	if (buffer__reserve(&scratch->escaped, 24))
		return;
	*string = number = (char *)scratch->escaped.data;
	*length = (size_t)(value->type == VALUE_INT ? snprintf(number, 24, "%" PRId64, value->i)
						    : snprintf(number, 24, "%" PRIu64, value->u));
}

const char *scratch__string(struct scratch *scratch, const struct value *value, const char **string, size_t *length)
{
	struct shown shown = {.cut = value->length > VALUE_BYTES_MAX};

	if (value->type != VALUE_STRING) {
		put_digits(scratch, value, string, length);
		return NULL;
	}
	*string = value->string;
	*length = shown.cut ? VALUE_BYTES_MAX : value->length;
	while (shown.cut && *length > VALUE_BYTES_MAX - 3 && (value->string[*length] & 0xc0) == 0x80)
		--*length; /* not within a character */
	shown.escaped = !utf8__valid(value->string, *length);
	if (!scratch__text(scratch, shown.escaped, string, length))
		*string = NULL;
	return shown__note(&shown);
}

/* ---- reasons ---- */

const char *column__reason(const struct value *value, const char *note)
{
	const char *reason = value->reason ? event_reason__name(value->reason) : NULL;

	if (value->reason == EVENT_REASON_TRUNCATED && note && strcmp(note, "truncated") != 0)
		return "truncated,escaped";
	return value->reason && !reason ? "unknown" : reason ? reason : note;
}

void notes__add(struct notes *notes, const char *name, const char *reason)
{
	if (reason && notes->count < NOTES_MAX) {
		notes->list[notes->count].name = name;
		notes->list[notes->count++].reason = reason;
	}
}

void scratch__notes(struct scratch *scratch, const struct notes *notes)
{
	bool ok = true;

	scratch->json.size = 0;
	for (uint32_t i = 0; i < notes->count && ok; i++)
		ok = put_json(scratch, i ? "," : "{", notes->list[i].name, strlen(notes->list[i].name), false) &&
		     put_json(scratch, ":", notes->list[i].reason, strlen(notes->list[i].reason), false);
	end_json(scratch, ok);
}
