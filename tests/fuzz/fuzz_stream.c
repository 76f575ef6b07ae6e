/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads whatever bytes as a stream. The first byte says how far they get by themselves: as a file, as a
 * header that a right sync follows, or as blocks that right syncs close, since no fuzzer guesses a crc; and
 * whether another segment with the same blocks follows. */
#include <string.h>
#include <sys/mman.h>

#include "core/pack.h"
#include "core/sink.h"
#include "core/stream/stream_block.h"
#include "core/stream/stream_header.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/stream_made.h"

static const uint8_t marker[STREAM_MARKER] = "0123456789abcdef";

static int render(struct buffer *out, const char *name, const struct value *value)
{
	return pack__text(out, name, strlen(name)) || (value && pack__text(out, value->string, value->length));
}

static void check_strings(const struct sink_row *row, const uint8_t *end)
{
	const uint8_t *cursor;
	const char *string;
	uint32_t i, length;
	uint64_t n;

	for (i = 0; i < row->count; i++) {
		if (row->values[i].type == VALUE_STRING)
			utf8__valid(row->values[i].string, row->values[i].length);
		if (row->values[i].type != VALUE_LIST && row->values[i].type != VALUE_MAP)
			continue;
		cursor = row->values[i].items;
		n = (uint64_t)row->values[i].length << (row->values[i].type == VALUE_MAP);
		for (; n; n--) {
			EXPECT(value__item(&cursor, end, &string, &length));
			utf8__valid(string, length);
		}
	}
}

#define CHAIN 0x80 /* in the first byte */

static int open_second(void *arg, uint32_t after, uint32_t *number)
{
	const struct buffer *second = arg;
	int fd = after == 1 ? memfd_create("second", MFD_CLOEXEC) : -ENOENT;

	if (fd < 0)
		return -ENOENT;
	EXPECT(write(fd, second->data, second->size) == (ssize_t)second->size);
	*number = 2;
	return fd;
}

static void refused(void *arg, uint32_t number, const char *why)
{
	EXPECT(arg && number == 2 && *why);
}

/* `second`: NULL: there is none. */
static void read_stream(const uint8_t *bytes, size_t size, struct buffer *second)
{
	struct sink_rows *rows = sink_rows__new(render);
	const struct stream_state *state;
	struct stream_reader *reader;
	const struct sink_row *row;
	struct record record;
	uint64_t n = 0, done, total;
	struct error err;
	int rc;

	EXPECT(rows);
	if (!stream_reader__open_memory(&reader, bytes, size, &err)) {
		const struct stream_chain chain = {
			.open = open_second, .refused = refused, .arg = second, .last = 2, .bytes = size};

		if (second)
			stream_reader__chain(reader, &chain);
		state = stream_reader__state(reader);
		while ((rc = stream_reader__next(reader, &record)) == 1) {
			n += record.kind != RECORD_LOST;
			EXPECT(record.event->name && record.event->stream);
			EXPECT(record.kind < SCHEMA_KIND_BASE || record.count >= record.event->fields_count);
			EXPECT(!sink_rows__row(rows, &record, &row));
			check_strings(row, record.bytes + record.size);
		}
		EXPECT(rc == 0 && state->records == n && state->damaged_bytes <= size + (second ? second->size : 0));
		stream_reader__progress(reader, &done, &total);
		EXPECT(done == total);
		stream_reader__close(reader);
	}
	sink_rows__free(rows);
}

static void close_block(struct buffer *out, const uint8_t *bytes, size_t size, bool header, uint64_t total)
{
	struct cursor c = {bytes, bytes + (header ? 0 : size)}; /* a header is no record */
	struct buffer block = {0};
	struct stream_sync sync = {.total = total};
	struct event head = {.ts = 1};

	for (; c.at < c.end && cursor__skip(&c) == 1;)
		sync.records++;
	EXPECT(!buffer__append(&block, bytes, size));
	EXPECT(!stream_sync__pack(&block, marker, &head, 1, &sync));
	EXPECT(!buffer__append(out, block.data, block.size));
	buffer__free(&block);
}

static void pack_header(struct buffer *out, uint32_t segment)
{
	struct stream_writer_opts opts = made__opts("made");
	const struct stream_anchor anchor = {1, 2};
	struct buffer header = {0};

	opts.segment = segment;
	opts.follows = marker;
	EXPECT(!stream_header__pack(&header, &opts, marker, &anchor, (struct stream_lock){0}));
	close_block(out, header.data, header.size, true, 0);
	buffer__free(&header);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buffer whole = {0}, second = {0};
	bool chain = size && *data & CHAIN;
	uint8_t *exact;
	size_t half;

	if (!size)
		return 0;
	data++;
	size--;
	switch (data[-1] % 4) {
	case 0:
		EXPECT(!buffer__append(&whole, data, size));
		break;
	case 1:
		close_block(&whole, data, size, true, 0);
		break;
	case 2: /* two blocks; what is between them is whatever */
		pack_header(&whole, 1);
		half = size / 2;
		close_block(&whole, data, half, false, half);
		close_block(&whole, data + half, size - half, false, size);
		break;
	case 3:
		pack_header(&whole, 1);
		EXPECT(!buffer__append(&whole, data, size));
		close_block(&whole, data, size / 2, false, size);
		break;
	}
	/* of its own size, so that a byte too far is seen */
	exact = malloc(whole.size ? whole.size : 1);
	EXPECT(exact);
	if (whole.size)
		memcpy(exact, whole.data, whole.size);
	if (chain) {
		pack_header(&second, 2);
		close_block(&second, data, size / 2, false, size);
		EXPECT(!buffer__append(&second, data, size));
	}
	read_stream(exact, whole.size, chain ? &second : NULL);
	buffer__free(&second);
	free(exact);
	buffer__free(&whole);
	return 0;
}
