/* SPDX-License-Identifier: BSD-2-Clause */
/* Streams of numbered events, and what a reader delivers of them; after cmocka.h. */
#ifndef TESTS_UNIT_STREAM_DELIVERED_H
#define TESTS_UNIT_STREAM_DELIVERED_H

#include "tests/unit/stream_folder.h"

/* The i-th event of a stream: `big` names it. */
static inline int write_event(struct stream_writer *w, uint64_t i, uint64_t ts)
{
	struct made_event e;

	made__init(&e, ts);
	e.big = i;
	return stream_writer__event(w, &e.head, sizeof(e));
}

/* `blocks` blocks of `each` events, in order. */
static inline uint8_t *write_stream(const struct folder *folder, unsigned blocks, unsigned each, size_t *size)
{
	struct stream_writer *w = open_writer(folder, "made");
	uint8_t *bytes;
	unsigned i;

	*size = 0;
	for (i = 0; i < blocks * each; i++) {
		assert_int_equal(write_event(w, i, TS + i), 0);
		if (i % each == each - 1)
			assert_int_equal(stream_writer__flush(w), 0);
	}
	assert_int_equal(stream_writer__close(w), 0);
	bytes = made__read(folder->fd, "made.msgpack", size);
	assert_non_null(bytes);
	return bytes;
}

#define EVENTS_MAX 4096

/* What a reader delivered. Every event is checked against how it was made. */
struct delivered {
	uint64_t events, lost_records, lost_count;
	bool lost_unknown;
	uint64_t lost_since, lost_ts;
	char cause[32], event[32];
	bool seen[EVENTS_MAX];
	struct stream_state state;
};

static inline void deliver_lost(struct delivered *d, const struct record *record)
{
	struct value values[SCHEMA_FIELDS_MAX];

	assert_int_equal(record__values(record, values), 0);
	assert_string_equal(record->event->stream, "core");
	d->lost_records++;
	d->lost_ts = record->ts;
	if (values[1].type == VALUE_UINT)
		d->lost_count += values[1].u;
	else
		d->lost_unknown = true;
	d->lost_since = values[2].u;
	snprintf(d->event, sizeof(d->event), "%.*s", (int)values[3].length, values[3].string);
	snprintf(d->cause, sizeof(d->cause), "%.*s", (int)values[4].length, values[4].string);
}

static inline void deliver_event(struct delivered *d, const struct record *record)
{
	struct value values[SCHEMA_FIELDS_MAX];

	assert_int_equal(record__values(record, values), 0);
	assert_string_equal(record->event->name, "first");
	assert_string_equal(record->event->fields[MADE_BIG].name, "big");
	assert_int_equal(values[MADE_NUMBER].i, -5);
	assert_int_equal(values[MADE_COMM].length, 4);
	assert_memory_equal(values[MADE_COMM].string, "bash", 4);
	assert_int_equal(values[MADE_LIST].length, 3);
	assert_int_equal(record->pid, 4711);
	assert_true(values[MADE_BIG].u < EVENTS_MAX);
	assert_false(d->seen[values[MADE_BIG].u]);
	d->seen[values[MADE_BIG].u] = true;
	d->events++;
}

static inline void deliver(struct stream_reader *reader, struct delivered *d)
{
	struct record record;
	uint64_t last = 0;
	int rc;

	memset(d, 0, sizeof(*d));
	while ((rc = stream_reader__next(reader, &record)) == 1) {
		if (!stream_reader__state(reader)->late)
			assert_true(record.ts >= last);
		last = record.ts;
		if (record.kind == RECORD_LOST)
			deliver_lost(d, &record);
		else
			deliver_event(d, &record);
	}
	assert_int_equal(rc, 0);
	assert_int_equal(stream_reader__next(reader, &record), 0);
	d->state = *stream_reader__state(reader);
	assert_int_equal(d->state.records, d->events);
	assert_int_equal(d->state.lost, d->lost_count);
}

/* Returns whether it opened. */
static inline bool deliver_memory(const uint8_t *bytes, size_t size, struct delivered *d)
{
	struct stream_reader *reader;
	struct error err = {0};

	if (stream_reader__open_memory(&reader, bytes, size, &err)) {
		assert_true(strlen(err.text) > 0);
		return false;
	}
	deliver(reader, d);
	stream_reader__close(reader);
	return true;
}

static inline void deliver_file(const struct folder *folder, const char *name, struct delivered *d)
{
	struct stream_reader *reader;
	struct error err;
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", folder->path, name);
	if (stream_reader__open(&reader, path, &err))
		fail_msg("%s: %s", path, err.text);
	deliver(reader, d);
	stream_reader__close(reader);
}

#endif
