/* SPDX-License-Identifier: BSD-2-Clause */
/* A record as an entry: its time with nanoseconds, and a map with the keys and order of the jsonl sink. */
#include <errno.h>
#include <string.h>

#include "core/pack.h"
#include "sinks/forward/forward.h"
#include "sinks/packing/packing.h"

#define S 1000000000
#define EVENT_TIME 0 /* type of the extension */

/* str is what servers expect of keys and text; most can do nothing with bin. The length is known after the replacement. */
static int put_text(struct buffer *out, const char *text, size_t length)
{
	size_t begin = out->size + 5;
	uint32_t size;

	if (utf8__valid(text, length))
		return pack__str(out, text, length);
	if (buffer__append(out, "\xdb....", 5) || utf8__put(out, text, length))
		return -1;
	size = (uint32_t)(out->size - begin);
	for (int i = 0; i < 4; i++)
		out->data[begin - 4 + i] = (uint8_t)(size >> 8 * (3 - i));
	return 0;
}

/* Seconds and nanoseconds; seconds end in 2106. */
static int put_time(struct buffer *out, int64_t ns)
{
	uint64_t at = ns < 0 ? 0 : (uint64_t)ns;
	uint64_t seconds = at / S > UINT32_MAX ? UINT32_MAX : at / S, both = seconds << 32 | at % S;
	uint8_t bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(both >> 8 * (7 - i));
	return pack_ext(out, sizeof(bytes), EVENT_TIME) || pack_ext_body(out, bytes, sizeof(bytes));
}

int forward_record__render(struct buffer *out, const char *name, const struct value *value)
{
	return put_text(out, name, strlen(name)) || (value && packing__value(out, value, NULL, put_text));
}

int forward_record__put(struct buffer *out, struct sink_rows *rows, const struct record *record)
{
	const uint8_t *end = record->bytes + record->size;
	const struct sink_row *row;
	int rc = sink_rows__row(rows, record, &row);

	if (rc)
		return rc;
	if (pack_array(out, 2) || put_time(out, record->real_ns) || pack_map(out, row->keys))
		return -ENOMEM;
	for (uint32_t i = 0; i < row->count; i++)
		if (buffer__append(out, row->before[i].bytes, row->before[i].size) ||
		    packing__value(out, &row->values[i], end, put_text))
			return out->error ? out->error : -EBADMSG;
	return 0;
}
