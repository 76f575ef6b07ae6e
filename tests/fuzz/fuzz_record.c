/* SPDX-License-Identifier: BSD-2-Clause */
/* Packs whatever bytes as an event, and reads whatever bytes as msgpack. What was packed must come back
 * whole and as the schema says; what is read must stay inside its bytes. */
#include <string.h>

#include "core/pack.h"
#include "core/record.h"
#include "core/text.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/stream_made.h"

static void check_items(const struct value *value, const uint8_t *end)
{
	uint64_t n = (uint64_t)value->length << (value->type == VALUE_MAP);
	const uint8_t *cursor = value->items;
	const char *string;
	uint32_t length;

	for (; n; n--) {
		EXPECT(value__item(&cursor, end, &string, &length));
		utf8__valid(string, length);
	}
}

static void pack_and_read(const uint8_t *data, size_t size)
{
	uint8_t *event = malloc(size ? size : 1); /* of its own, so that a byte too far is seen */
	struct stream_field fields[MADE_FIELDS];
	struct value values[MADE_FIELDS];
	struct buffer out = {0};
	struct stream_event schema;
	struct record record;
	struct cursor c;
	int i, rc;

	EXPECT(event);
	memcpy(event, data, size);
	rc = record__pack(&out, &made_schema[0], SCHEMA_KIND_BASE, 5, (struct event *)event, size, NULL);
	EXPECT(rc == (size < sizeof(struct event) ? -22 : 0));
	if (!rc) {
		c = (struct cursor){out.data, out.data + out.size};
		EXPECT(cursor__skip(&c) == 1 && c.at == c.end);
		EXPECT(record__head(out.data, out.size, &record));
		made__event(&schema, fields);
		record.event = &schema;
		EXPECT(record__values(&record, values) == 0);
		EXPECT(record.seq == 5 && record.kind == SCHEMA_KIND_BASE);
		for (i = 0; i < MADE_FIELDS; i++)
			if (values[i].type == VALUE_LIST || values[i].type == VALUE_MAP)
				check_items(&values[i], c.end);
	}
	buffer__free(&out);
	free(event);
}

static void read_only(const uint8_t *data, size_t size)
{
	struct cursor value_at = {data, data + size}, skip_at = value_at;
	struct value value;
	int rc;

	while (value_at.at < value_at.end) {
		rc = cursor__skip(&skip_at);
		EXPECT(rc == 1 ? skip_at.at > value_at.at && skip_at.at <= skip_at.end : skip_at.at == value_at.at);
		if (cursor__value(&value_at, &value)) {
			EXPECT(rc == 1 && value_at.at == skip_at.at);
			if (value.type == VALUE_LIST || value.type == VALUE_MAP)
				check_items(&value, value_at.end);
		}
		if (rc != 1)
			return;
		value_at = skip_at;
	}
}

/* Whatever values, all of them complete, after a head that is right. */
static void check_fits(const uint8_t *data, size_t size)
{
	struct stream_field fields[MADE_FIELDS];
	struct value values[SCHEMA_FIELDS_MAX];
	struct stream_event schema;
	struct cursor c = {data, data + size};
	struct event head = {.ts = 1};
	struct buffer whole = {0};
	struct record record;
	uint32_t n = 0;

	while (c.at < c.end && cursor__skip(&c) == 1)
		n++;
	EXPECT(!pack_array(&whole, RECORD_HEAD + n) && !record_head__pack(&whole, SCHEMA_KIND_BASE, 5, &head));
	EXPECT(!buffer__append(&whole, data, c.at - data));
	EXPECT(record__head(whole.data, whole.size, &record));
	made__event(&schema, fields);
	record.event = &schema;
	if (record__fits(&record))
		EXPECT(n >= MADE_FIELDS && !record__values(&record, values));
	else if (!record__values(&record, values)) /* too few, reasons not counted */
		EXPECT(n <= MADE_FIELDS);
	buffer__free(&whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	pack_and_read(data, size);
	read_only(data, size);
	check_fits(data, size);
	return 0;
}
