/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads the events of other probes, by the names of their fields. */
#include "core/probe.h"

#include <string.h>

#include "probes/output/seen.h"

/* Its name is NULL if there is none. */
static const struct schema_field *field_of(const struct schema_event *schema, const char *name)
{
	const struct schema_field *field = schema->fields;

	while (field->name && strcmp(field->name, name) != 0)
		field++;
	return field;
}

uint64_t seen__number(const struct schema_event *schema, const struct event *event, const char *name)
{
	const struct schema_field *field = field_of(schema, name);
	uint64_t number = 0;
	uint32_t small = 0;

	if (field->name && field->type == SCHEMA_U64)
		memcpy(&number, (const char *)event + field->offset, sizeof(number));
	else if (field->name && field->type == SCHEMA_U32)
		memcpy(&small, (const char *)event + field->offset, sizeof(small));
	return number + small;
}

const char *seen__find(const struct schema_event *schema, const struct event *event, size_t size, const char *name,
		       size_t *length)
{
	const struct schema_field *field = field_of(schema, name);
	struct event_string string;

	if (!field->name || (field->type != SCHEMA_MAP && field->type != SCHEMA_STRING && field->type != SCHEMA_LIST))
		return NULL;
	memcpy(&string, (const char *)event + field->offset, sizeof(string));
	*length = string.length;
	return string.reason || !string.offset || string.offset > size || string.length > size - string.offset
		       ? NULL
		       : (const char *)event + string.offset;
}

const char *seen__item(const char *map, size_t length, const char *name, char *value, size_t size)
{
	size_t n = strlen(name), left = length;

	*value = 0;
	for (const char *at = map, *next; at && left; at = next) {
		size_t all = strnlen(at, left);

		next = at + all + (all < left);
		left -= next - at;
		if (all <= n || all - n > size || memcmp(at, name, n) != 0 || at[n] != '=')
			continue;
		memcpy(value, at + n + 1, all - n - 1);
		value[all - n - 1] = 0;
	}
	return value;
}

bool seen__is_file(const char *word, size_t length, const char *name, size_t n)
{
	return length >= n && !memcmp(word + length - n, name, n) && (length == n || word[length - n - 1] == '/');
}

bool seen__has_file(const char *args, size_t length, const char *name)
{
	size_t n = strlen(name);

	for (const char *at = args, *end; length; length -= end - at, at = end) {
		size_t all = strnlen(at, length);

		end = at + all + (all < length);
		if (seen__is_file(at, all, name, n))
			return true;
	}
	return false;
}
