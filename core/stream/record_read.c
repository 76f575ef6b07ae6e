/* SPDX-License-Identifier: BSD-2-Clause */
/* Decodes the values of a record by the schema in its stream's header. */
#include <errno.h>
#include <string.h>

#include "core/record.h"
#include "core/stream/plain.h"

bool value__item(const uint8_t **cursor, const uint8_t *end, const char **string, uint32_t *length)
{
	struct cursor c = {*cursor, end};

	if (!cursor__string(&c, string, length))
		return false;
	*cursor = c.at;
	return true;
}

int stream_event__field(const struct stream_event *event, const char *name)
{
	uint32_t i;

	for (i = 0; i < event->fields_count; i++)
		if (!strcmp(event->fields[i].name, name))
			return i;
	return -1;
}

/* Sinks trust the header: a value of another type than it declares is an error. */
static bool value__fits(struct value *value, enum schema_type type)
{
	if (value->type == VALUE_NULL)
		return true;
	switch (type) {
	case SCHEMA_BOOL:
		return value->type == VALUE_BOOL;
	case SCHEMA_U32:
		return value->type == VALUE_UINT && value->u <= UINT32_MAX;
	case SCHEMA_U64:
		return value->type == VALUE_UINT;
	case SCHEMA_I32:
		if (value->type == VALUE_UINT && value->u <= INT32_MAX)
			value->type = VALUE_INT;
		return value->type == VALUE_INT && value->i >= INT32_MIN;
	case SCHEMA_CHARS:
	case SCHEMA_STRING:
		return value->type == VALUE_STRING;
	case SCHEMA_LIST:
		return value->type == VALUE_LIST;
	case SCHEMA_MAP:
		return value->type == VALUE_MAP;
	}
	return true; /* a type that this reader does not know: accept any value */
}

/* The map of reasons is recognized by its integer keys: maps as values have strings. */
static bool record__missing(struct cursor *c, struct value *values, uint32_t count)
{
	struct cursor at = *c;
	uint64_t field, reason;
	uint32_t n;

	if (!cursor__map(&at, &n) || !n)
		return false;
	for (; n; n--) {
		if (!cursor__uint(&at, &field) || !cursor__uint(&at, &reason))
			return false;
		if (field < count && reason <= UINT8_MAX)
			values[field].reason = reason;
	}
	*c = at;
	return true;
}

#define TYPE(type) (1U << (type))
#define UNSIGNED (TYPE(SCHEMA_U32) | TYPE(SCHEMA_U64))
#define TEXT (TYPE(SCHEMA_CHARS) | TYPE(SCHEMA_STRING))

/* The types of fields that a plain object fits whatever its value, by its first byte: most values of most records. */
static const uint16_t plain_types[256] = {
	[0x00 ... 0x7f] = UNSIGNED | TYPE(SCHEMA_I32),
	[0xa0 ... 0xbf] = TEXT,
	[0xc0] = UINT16_MAX,
	[0xc2 ... 0xc3] = TYPE(SCHEMA_BOOL),
	[0xcc ... 0xcd] = UNSIGNED | TYPE(SCHEMA_I32),
	[0xce] = UNSIGNED,
	[0xcf] = TYPE(SCHEMA_U64),
	[0xd0 ... 0xd2] = TYPE(SCHEMA_I32),
	[0xe0 ... 0xff] = TYPE(SCHEMA_I32),
};

/* Reads a plain object that fits the field; returns false, without moving, on any other. */
static inline bool record__plain(struct cursor *c, enum schema_type type, struct value *value)
{
	const uint8_t *at = c->at;

	if (at == c->end || !(plain_types[*at] & TYPE(type)))
		return false;
	value->reason = EVENT_REASON_NONE;
	value->length = 0;
	if (*at < 0xa0 || *at > 0xbf) {
		if (!cursor__scalar(c, value))
			return false;
		if (type == SCHEMA_I32 && value->type == VALUE_UINT)
			value->type = VALUE_INT;
		return true;
	}
	if ((*at & 0x1f) >= c->end - at)
		return false;
	value->type = VALUE_STRING;
	value->length = *at & 0x1f;
	value->string = (const char *)at + 1;
	c->at += 1 + value->length;
	return true;
}

static int record__value(struct cursor *c, const struct stream_field *field, struct value *value)
{
	if (record__plain(c, field->type, value))
		return 0;
	if (cursor__value(c, value))
		return value__fits(value, field->type) ? 0 : -EBADMSG;
	/* floats and others: types that this reader does not know */
	if (field->type || cursor__skip(c) != 1)
		return -EBADMSG;
	value->reason = EVENT_REASON_UNSUPPORTED;
	return 0;
}

int record__values(const struct record *record, struct value *values)
{
	const struct stream_event *event = record->event;
	struct cursor c = {record->bytes + record->values, record->bytes + record->size};
	uint32_t i, count = event->fields_count;
	uint32_t sure = record->count ? record->count - 1 : 0; /* the last element may be the map */

	if (sure < count)
		memset(values + sure, 0, (count - sure) * sizeof(*values));
	for (i = 0; i < record->count; i++) {
		if (i == sure && record__missing(&c, values, count))
			break;
		if (i < count ? record__value(&c, &event->fields[i], &values[i]) : cursor__skip(&c) != 1)
			return -EBADMSG;
	}
	return 0;
}

bool record__fits(const struct record *record)
{
	const struct stream_event *event = record->event;
	struct cursor c = {record->bytes + record->values, record->bytes + record->size};
	struct value value;
	uint8_t length;

	if (record->count < event->fields_count)
		return false;
	for (uint32_t i = 0; i < event->fields_count; i++) {
		length = plain_types[*c.at] & TYPE(event->fields[i].type) ? plain__length(*c.at) : 0;
		c.at += length;
		if (!length && record__value(&c, &event->fields[i], &value))
			return false;
	}
	return true;
}
