/* SPDX-License-Identifier: BSD-2-Clause */
/* Loads blocks. The input is untrusted: a block's records are only indexed, and not used before its sync is
 * verified. */
#include "core/stream/stream_load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/pack.h"

#define WANT (64U << 10)

int stream_block__add(struct stream_block *b, const struct record *record, size_t offset)
{
	size_t capacity = b->capacity ? b->capacity * 2 : 64;
	struct stream_entry *entries;

	if (b->count == b->capacity) {
		entries = realloc(b->entries, capacity * sizeof(*entries));
		if (!entries)
			return -ENOMEM;
		b->entries = entries;
		b->capacity = capacity;
	}
	b->entries[b->count++] = (struct stream_entry){record->ts, record->seq, offset, record->size};
	return 0;
}

void stream_block__reset(struct stream_block *b)
{
	b->bytes.size = b->own = 0;
	b->count = b->next = 0;
	b->events = b->lost = b->ts = 0;
	b->end = b->anchored = b->cut = false;
	memset(&b->invalid, 0, sizeof(b->invalid));
}

void stream_block__free(struct stream_block *b)
{
	buffer__free(&b->bytes);
	free(b->entries);
}

int stream_record__lost(const struct record *record, uint64_t *count)
{
	struct value values[SCHEMA_FIELDS_MAX];

	if (record__values(record, values))
		return -EBADMSG;
	*count = values[1].type == VALUE_UINT ? values[1].u : EVENT_NULL(EVENT_REASON_LOST);
	return 0;
}

/* The header is the only one that knows a record's fields: what contradicts it cannot be used, and is left out. */
static int block__refuse(struct stream_block *b, const struct record *record, const char *event, size_t offset)
{
	if (!b->invalid.count) {
		b->invalid.ts = record->ts;
		b->invalid.seq = record->seq;
		b->invalid.offset = offset;
		b->invalid.event = event;
	}
	if (b->invalid.event != event)
		b->invalid.event = NULL;
	b->invalid.count++;
	return 0;
}

static bool block__clock(struct stream_block *b, const struct record *record)
{
	struct value values[SCHEMA_FIELDS_MAX];

	if (record__values(record, values))
		return false;
	b->anchored = values[0].type == VALUE_UINT && values[1].type == VALUE_UINT;
	b->anchor = (struct stream_anchor){values[0].u, values[1].u};
	return true;
}

static int block__end(struct stream_block *b, const struct record *record)
{
	struct value values[SCHEMA_FIELDS_MAX];

	b->end = true;
	b->end_ts = record->ts;
	b->redacted = EVENT_NULL(EVENT_REASON_NONE);
	*b->goes_on = '\0';
	if (record__values(record, values))
		return 0;
	if (values[2].type == VALUE_UINT)
		b->redacted = values[2].u;
	if (values[3].type == VALUE_STRING)
		snprintf(b->goes_on, sizeof(b->goes_on), "%.*s", (int)values[3].length, values[3].string);
	return 0;
}

static int block__control(struct stream_block *b, const struct stream_header *header, struct record *record,
			  size_t offset)
{
	uint64_t count;

	record->event = &header->info.events[record->kind];
	switch (record->kind) {
	case RECORD_LOST:
		if (stream_record__lost(record, &count))
			break;
		b->lost += EVENT_IS_NULL(count) ? 0 : count;
		return stream_block__add(b, record, offset);
	case RECORD_CLOCK:
		if (block__clock(b, record))
			return 0;
		break;
	case RECORD_END:
		return block__end(b, record);
	default:
		return 0; /* of a later version */
	}
	b->invalid.uncounted = true;
	return block__refuse(b, record, NULL, offset);
}

static int block__event(struct stream_block *b, const struct stream_header *header, struct record *record,
			size_t offset)
{
	const struct stream_info *info = &header->info;

	b->events++;
	if (record->ts > b->ts)
		b->ts = record->ts;
	if (record->kind >= info->events_count || !info->events[record->kind].name)
		return block__refuse(b, record, NULL, offset);
	record->event = &info->events[record->kind];
	if (!record__fits(record))
		return block__refuse(b, record, record->event->name, offset);
	return stream_block__add(b, record, offset);
}

int stream_block__walk(struct stream_block *b, const struct stream_header *header, const uint8_t *bytes, size_t size,
		       size_t *at, uint64_t *records)
{
	struct cursor c = {bytes + *at, bytes + size};
	struct record record;
	const uint8_t *begin;
	int err;

	for (;; ++*records) {
		begin = c.at;
		*at = begin - bytes;
		if (*records > STREAM_BLOCK_RECORDS_MAX)
			return -EBADMSG;
		err = cursor__skip(&c);
		if (err != 1)
			return err;
		if (!record__head(begin, c.at - begin, &record))
			return -EBADMSG;
		if (record.kind == RECORD_SYNC)
			break;
		err = record.kind < SCHEMA_KIND_BASE ? block__control(b, header, &record, *at)
						     : block__event(b, header, &record, *at);
		if (err)
			return err;
	}
	*at = c.at - bytes;
	b->seq = record.seq;
	b->mark = record.ts;
	return stream_sync__closes(&record, bytes, header->marker, &b->sync) && b->sync.records == *records ? 1
													    : -EBADMSG;
}

int stream_block__load(struct stream_block *b, struct stream_input *input, const struct stream_header *header,
		       uint64_t offset, uint64_t limit, uint64_t *next)
{
	size_t got, want = WANT, at = 0;
	const uint8_t *bytes;
	uint64_t records = 0;
	int err;

	stream_block__reset(b);
	for (;; want *= 2) {
		if (want > limit)
			want = limit;
		err = stream_input__view(input, offset, want, &bytes, &got);
		if (err)
			return err;
		if (!got)
			return 0;
		if (got > limit)
			got = limit;
		err = stream_block__walk(b, header, bytes, got, &at, &records);
		if (err < 0)
			return err;
		if (err)
			break;
		b->cut = got < want;
		if (b->cut || want == limit)
			return -EBADMSG;
	}
	if (buffer__append(&b->bytes, bytes, at))
		return -ENOMEM;
	b->own = at;
	*next = offset + at;
	return 1;
}

int stream_entry__compare(const void *a, const void *b)
{
	const struct stream_entry *x = a, *y = b;

	if (x->ts != y->ts)
		return x->ts < y->ts ? -1 : 1;
	if (x->seq != y->seq)
		return x->seq < y->seq ? -1 : 1;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

void stream_block__sort(struct stream_block *b)
{
	size_t i;

	for (i = 1; i < b->count; i++) {
		if (stream_entry__compare(&b->entries[i - 1], &b->entries[i]) > 0) {
			qsort(b->entries, b->count, sizeof(*b->entries), stream_entry__compare);
			return;
		}
	}
}
