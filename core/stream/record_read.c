/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads records: the values of one, by the schema its stream's header tells. */
#include <errno.h>
#include <string.h>

#include "core/record.h"

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

/* A value of another type than the header says would surprise a sink that trusts the header. */
static bool value__fits(struct value *value, enum schema_type type)
{
	if (value->type == VALUE_NULL)
		return true;
	switch (type) {
	case SCHEMA_BOOL:
		return value->type == VALUE_BOOL;
	case SCHEMA_U32:
	case SCHEMA_U64:
		return value->type == VALUE_UINT;
	case SCHEMA_I32:
		if (value->type == VALUE_UINT && value->u <= INT32_MAX)
			value->type = VALUE_INT;
		return value->type == VALUE_INT;
	case SCHEMA_CHARS:
	case SCHEMA_STRING:
		return value->type == VALUE_STRING;
	case SCHEMA_LIST:
		return value->type == VALUE_LIST;
	case SCHEMA_MAP:
		return value->type == VALUE_MAP;
	}
	return true; /* a type younger than this reader: whatever it is */
}

/* The map of reasons is known by its keys: those of values are strings. */
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

static int record__value(struct cursor *c, const struct stream_field *field, struct value *value)
{
	if (cursor__value(c, value))
		return value__fits(value, field->type) ? 0 : -EBADMSG;
	/* floats and the like have no type that this reader knows */
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
