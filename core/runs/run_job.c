/* SPDX-License-Identifier: BSD-2-Clause */
/* The batch job of a run by its first records. */
#include "core/runs/run_job.h"

#include <stdio.h>
#include <string.h>

struct variables {
	const struct value *map;
	const uint8_t *end;
};

static bool get_variable(const void *from, const char *name, char value[STREAM_JOB_VALUE])
{
	const struct variables *variables = from;
	const uint8_t *cursor = variables->map->items;
	const char *item, *text;
	uint32_t n, m;

	for (uint32_t i = 0; i < variables->map->length; i++) {
		if (!value__item(&cursor, variables->end, &item, &n) ||
		    !value__item(&cursor, variables->end, &text, &m))
			return false;
		if (n == strlen(name) && !memcmp(item, name, n))
			return stream_job__value(value, text, m);
	}
	return false;
}

void run_job__find(char job[STREAM_JOB_TEXT], const struct record *record)
{
	int field = stream_event__field(record->event, "env");
	struct value values[SCHEMA_FIELDS_MAX];
	struct variables variables = {.end = record->bytes + record->size};

	if (field < 0 || *job || record__values(record, values) || values[field].type != VALUE_MAP)
		return;
	variables.map = &values[field];
	stream_job__find(job, get_variable, &variables);
}

bool run_job__is_starter(const struct record *record)
{
	int field = stream_event__field(record->event, "comm");
	struct value values[SCHEMA_FIELDS_MAX];
	char comm[EVENT_COMM] = "";

	if (field < 0 || record__values(record, values) || values[field].type != VALUE_STRING)
		return false;
	snprintf(comm, sizeof(comm), "%.*s", (int)values[field].length, values[field].string);
	return stream_job__is_starter(comm);
}
