/* SPDX-License-Identifier: BSD-2-Clause */
/* core/stream: what is cut, flipped, moved, hostile or of a later writer: the rest is delivered, the loss reported. */
#include <time.h>

#include "core/pack.h"
#include "core/stream/stream_block.h"
#include "tests/unit/stream_delivered.h"

/* Blocks begin where the one before them ends; *begin has room for all, and their count is returned. */
static size_t find_blocks(const uint8_t *bytes, size_t size, size_t *begin, size_t max)
{
	struct cursor c = {bytes, bytes + size};
	struct record record;
	const uint8_t *at;
	size_t n = 0;

	assert_int_equal(cursor__skip(&c), 1); /* the header */
	while (c.at < c.end) {
		at = c.at;
		assert_int_equal(cursor__skip(&c), 1);
		assert_true(record__head(at, c.at - at, &record));
		if (record.kind == RECORD_SYNC && n < max)
			begin[n++] = c.at - bytes;
	}
	return n - 1; /* behind the last sync nothing begins */
}

#define BLOCKS 5
#define EACH 4

/* A crash may cut the file anywhere: what was closed is delivered, the rest is told. */
static void cut_at_every_byte(void **state)
{
	size_t size, cut, begin[BLOCKS + 2], blocks, whole;
	uint8_t *bytes = write_stream(*state, BLOCKS, EACH, &size), *copy;
	struct delivered d;

	blocks = find_blocks(bytes, size, begin, BLOCKS + 2);
	assert_int_equal(blocks, BLOCKS + 1); /* and the one of the end */
	for (cut = 0; cut < size; cut++) {
		copy = malloc(cut ? cut : 1);
		assert_non_null(copy);
		memcpy(copy, bytes, cut);
		if (deliver_memory(copy, cut, &d)) {
			assert_true(cut >= begin[0]);
			for (whole = 0; whole < BLOCKS && begin[whole + 1] <= cut; whole++)
				;
			assert_int_equal(d.events, whole * EACH);
			assert_false(d.state.complete);
			assert_int_equal(d.lost_records, 1);
			assert_true(d.lost_unknown);
			assert_string_equal(d.cause, "truncated");
			assert_int_equal(d.state.damaged_bytes, cut - begin[whole]);
			if (whole)
				assert_int_equal(d.lost_since, TS + whole * EACH - 1);
		} else {
			assert_true(cut < begin[0]);
		}
		free(copy);
	}
	assert_true(deliver_memory(bytes, size, &d));
	assert_true(d.state.complete);
	assert_int_equal(d.lost_records, 0);
	free(bytes);
}

/* One wrong bit: its block is lost, and told with the right count; all others are delivered. */
static void flipped_at_every_byte(void **state)
{
	size_t size, at, begin[BLOCKS + 2], block, i;
	uint8_t *bytes = write_stream(*state, BLOCKS, EACH, &size);
	static const uint8_t flips[] = {0x01, 0x10, 0x80, 0xff};
	struct delivered d;
	unsigned flip;

	find_blocks(bytes, size, begin, BLOCKS + 2);
	for (at = 0; at < size; at++) {
		for (flip = 0; flip < sizeof(flips); flip++) {
			bytes[at] ^= flips[flip];
			if (!deliver_memory(bytes, size, &d)) {
				assert_true(at < begin[0]);
				bytes[at] ^= flips[flip];
				continue;
			}
			assert_true(at >= begin[0]); /* a damaged header is never believed */
			for (block = 0; block < BLOCKS && at >= begin[block + 1]; block++)
				;
			for (i = 0; i < BLOCKS * EACH; i++)
				assert_int_equal(d.seen[i], i / EACH != block);
			assert_int_equal(d.lost_records, 1);
			assert_int_equal(d.state.damaged_blocks, 1);
			assert_int_equal(d.state.damaged_bytes,
					 (block < BLOCKS ? begin[block + 1] : size) - begin[block]);
			if (block < BLOCKS) {
				assert_string_equal(d.cause, "damage");
				assert_int_equal(d.lost_count, EACH);
				assert_true(d.state.complete);
				if (block)
					assert_int_equal(d.lost_since, TS + block * EACH - 1);
			} else {
				assert_string_equal(d.cause, "truncated");
				assert_false(d.state.complete);
			}
			bytes[at] ^= flips[flip];
		}
	}
	free(bytes);
}

/* Whole blocks gone, doubled, or overwritten by zeros. */
static void blocks_out_of_place(void **state)
{
	size_t size, begin[BLOCKS + 2], length;
	uint8_t *bytes = write_stream(*state, BLOCKS, EACH, &size), *copy = malloc(2 * size);
	struct delivered d;

	assert_non_null(copy);
	find_blocks(bytes, size, begin, BLOCKS + 2);

	memcpy(copy, bytes, size); /* zeros over the second and third */
	memset(copy + begin[1], 0, begin[3] - begin[1]);
	assert_true(deliver_memory(copy, size, &d));
	assert_int_equal(d.events, (BLOCKS - 2) * EACH);
	assert_int_equal(d.lost_count, 2 * EACH);
	assert_int_equal(d.lost_since, TS + EACH - 1);
	assert_int_equal(d.state.damaged_bytes, begin[3] - begin[1]);

	memcpy(copy, bytes, begin[2] - 10); /* ten bytes gone */
	memcpy(copy + begin[2] - 10, bytes + begin[2], size - begin[2]);
	assert_true(deliver_memory(copy, size - 10, &d));
	assert_int_equal(d.events, (BLOCKS - 1) * EACH);
	assert_int_equal(d.lost_count, EACH);

	memcpy(copy, bytes, size); /* garbage behind the end */
	memset(copy + size, 0x5a, 100);
	assert_true(deliver_memory(copy, size + 100, &d));
	assert_int_equal(d.events, BLOCKS * EACH);
	assert_true(d.state.complete);
	assert_int_equal(d.state.damaged_bytes, 100);
	assert_string_equal(d.cause, "damage");

	length = begin[3] - begin[2]; /* a stray half of a block before a whole one, as a failed write leaves it */
	memcpy(copy, bytes, begin[2]);
	memcpy(copy + begin[2], bytes + begin[2], length / 2);
	memcpy(copy + begin[2] + length / 2, bytes + begin[2], size - begin[2]);
	assert_true(deliver_memory(copy, size + length / 2, &d));
	assert_int_equal(d.events, BLOCKS * EACH);
	assert_int_equal(d.lost_count, 0);
	assert_int_equal(d.state.damaged_bytes, length / 2);
	free(copy);
	free(bytes);
}

/* Lengths that promise gigabytes, in a file that does not have them. */
static void promises_of_hostile_files(void **state)
{
	static const char *const promises[] = {"\xdb\xff\xff\xff\xff", "\xdd\xff\xff\xff\xff", "\xdf\xff\xff\xff\xff",
					       "\xc6\xff\xff\xff\xff", "\xc9\xff\xff\xff\xff", "\xdd\x7f\xff\xff\xff"};
	size_t size, begin[BLOCKS + 2], i;
	uint8_t *bytes = write_stream(*state, BLOCKS, EACH, &size);
	struct delivered d;

	find_blocks(bytes, size, begin, BLOCKS + 2);
	for (i = 0; i < sizeof(promises) / sizeof(*promises); i++) {
		memcpy(bytes + begin[2], promises[i], 5);
		assert_true(deliver_memory(bytes, size, &d));
		assert_int_equal(d.events, (BLOCKS - 1) * EACH);
		assert_int_equal(d.lost_count, EACH);
	}
	free(bytes);
}

static void files_that_are_no_streams(void **state)
{
	static const char *const texts[] = {"", "hello\n", "{\"json\": 1}", "\x81\xa1x\x01", "\x80", "\xc1"};
	const struct folder *folder = *state;
	struct stream_reader *reader;
	struct error err;
	char path[512];
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		err.text[0] = '\0';
		assert_int_equal(stream_reader__open_memory(&reader, texts[i], strlen(texts[i]), &err), -EBADMSG);
		assert_true(strlen(err.text) > 0);
	}
	assert_int_equal(stream_reader__open(&reader, folder->path, &err), -EINVAL);
	assert_int_equal(mkfifoat(folder->fd, "fifo.msgpack", 0600), 0);
	snprintf(path, sizeof(path), "%s/fifo.msgpack", folder->path);
	assert_int_equal(stream_reader__open(&reader, path, &err), -EINVAL);
	snprintf(path, sizeof(path), "%s/none.msgpack", folder->path);
	assert_int_equal(stream_reader__open(&reader, path, &err), -ENOENT);
}

/* What a later version of the writer may add: kinds that are not known, elements behind the schema's,
 * control records of another kind. Packed by hand, behind the header of a real stream. */
static void what_a_later_writer_adds(void **state)
{
	size_t size, begin[2];
	uint8_t *bytes = write_stream(*state, 0, 1, &size), *marker;
	struct stream_sync sync = {.records = 4, .total = 2};
	struct buffer block = {0}, whole = {0};
	struct delivered d;
	struct made_event e;
	size_t first;

	find_blocks(bytes, size, begin, 2);
	marker = memmem(bytes, size, "\xa6marker\xc4\x10", 9);
	assert_non_null(marker);
	made__init(&e, TS);
	e.big = 0;
	assert_int_equal(record__pack(&block, &made_schema[0], 16, 1, &e.head, sizeof(e), NULL), 0);
	block.data[2] += 2;
	assert_int_equal(pack_double(&block, 1.5) || pack_array(&block, 1) || pack_nil(&block), 0);
	e.big = 1;
	assert_int_equal(record__pack(&block, &made_schema[0], 40, 2, &e.head, sizeof(e), NULL), 0);
	assert_int_equal(record__pack(&block, &made_schema[0], 9, 3, &e.head, sizeof(e), NULL), 0);
	first = block.size;
	e.head.ts++;
	e.big = 2;
	assert_int_equal(record__pack(&block, &made_schema[0], 16, 4, &e.head, sizeof(e), NULL), 0);
	assert_true(first < block.size);
	assert_int_equal(stream_sync__pack(&block, marker + 9, &e.head, 5, &sync), 0);
	assert_int_equal(buffer__append(&whole, (char *)bytes, begin[0]), 0);
	assert_int_equal(buffer__append(&whole, (char *)block.data, block.size), 0);
	assert_true(deliver_memory(whole.data, whole.size, &d));
	assert_int_equal(d.events, 2);
	assert_true(d.seen[0] && d.seen[2]);
	assert_int_equal(d.state.damaged_bytes, 0);
	/* kind 40 is not in the header */
	assert_int_equal(d.lost_count, 1);
	assert_int_equal(d.state.invalid, 1);
	buffer__free(&whole);
	buffer__free(&block);
	free(bytes);
}

/* Packs the made-up event with one value replaced, or with fewer values if `value` is NULL. */
static void pack_wrong(struct buffer *block, unsigned field, const char *value, size_t size, uint64_t seq)
{
	struct cursor c;
	struct made_event e;
	size_t begin = block->size, values = 0;
	struct buffer tail = {0};
	struct record record;

	made__init(&e, TS + seq);
	e.big = seq;
	assert_int_equal(record__pack(block, &made_schema[0], 16, seq, &e.head, sizeof(e), NULL), 0);
	assert_true(record__head(block->data + begin, block->size - begin, &record));
	c = (struct cursor){record.bytes + record.values, record.bytes + record.size};
	for (; values < field; values++)
		assert_int_equal(cursor__skip(&c), 1);
	values = c.at - block->data;
	if (value) {
		assert_int_equal(cursor__skip(&c), 1);
		assert_int_equal(buffer__append(&tail, c.at, c.end - c.at), 0);
	} else {
		block->data[begin + 2] = RECORD_HEAD + field;
	}
	block->size = values;
	assert_int_equal(buffer__append(block, value, size) || buffer__append(block, tail.data, tail.size), 0);
	buffer__free(&tail);
}

/* A valid block with records that contradict the header: each is left out and counted, the rest is delivered. */
static void records_that_contradict_the_header(void **state)
{
	static const struct {
		unsigned field;
		const char *value;
		size_t size;
	} wrong[] = {
		{MADE_FLAG, "\x01", 1},
		{MADE_SMALL, "\xcf\0\0\0\1\0\0\0\0", 9}, /* more than 32 bits */
		{MADE_SMALL, "\xff", 1},
		{MADE_NUMBER, "\xd3\xff\xff\xff\x00\0\0\0\0", 9},
		{MADE_NUMBER, "\xce\x80\0\0\0", 5},
		{MADE_BIG, "\xa1x", 2},
		{MADE_BIG, "\xcb\0\0\0\0\0\0\0\0", 9}, /* a float */
		{MADE_COMM, "\x05", 1},
		{MADE_TEXT, "\x91\xa1x", 3},
		{MADE_LIST, "\xa1x", 2},
		{MADE_LIST, "\x91\x01", 2}, /* of numbers */
		{MADE_MAP, "\x90", 1},
		{MADE_MAP, "\x81\x03\x02", 3}, /* looks like reasons: then the map lacks */
		{MADE_MAP, NULL, 0},	       /* a value too few */
		{MADE_FLAG, NULL, 0},
	};
	size_t size, begin[2], first = 0, count = sizeof(wrong) / sizeof(*wrong);
	uint8_t *bytes = write_stream(*state, 0, 1, &size), *marker;
	struct stream_sync sync = {.records = count + 2, .total = count + 2};
	struct buffer block = {0}, whole = {0};
	struct event head = {.ts = TS + 100, .run = 7};
	struct delivered d;

	find_blocks(bytes, size, begin, 2);
	marker = memmem(bytes, size, "\xa6marker\xc4\x10", 9);
	assert_non_null(marker);
	pack_wrong(&block, MADE_SMALL, "\xce\xff\xff\xff\xff", 5, 1); /* the largest that fits */
	first = block.size;
	for (size_t i = 0; i < count; i++)
		pack_wrong(&block, wrong[i].field, wrong[i].value, wrong[i].size, 2 + i);
	pack_wrong(&block, MADE_SMALL, "\xc0", 1, 2 + count);
	assert_int_equal(stream_sync__pack(&block, marker + 9, &head, 3 + count, &sync), 0);
	assert_int_equal(buffer__append(&whole, (char *)bytes, begin[0]), 0);
	assert_int_equal(buffer__append(&whole, (char *)block.data, block.size), 0);
	assert_int_equal(buffer__append(&whole, (char *)bytes + begin[0], size - begin[0]), 0);
	assert_true(deliver_memory(whole.data, whole.size, &d));
	assert_int_equal(d.events, 2);
	assert_true(d.seen[1] && d.seen[2 + count]);
	assert_int_equal(d.lost_records, 1);
	assert_int_equal(d.lost_count, count);
	assert_int_equal(d.lost_since, TS + 2);
	assert_string_equal(d.cause, "damage");
	assert_string_equal(d.event, "first");
	assert_int_equal(d.state.invalid, count);
	assert_int_equal(d.state.invalid_at, begin[0] + first);
	assert_int_equal(d.state.damaged_bytes, 0);
	buffer__free(&whole);
	buffer__free(&block);
	free(bytes);
}

/* The same for control records: what they stood for is unknown. */
static void control_records_that_contradict_the_header(void **state)
{
	static const unsigned kinds[] = {RECORD_LOST, RECORD_CLOCK};
	size_t size, begin[2];
	uint8_t *bytes = write_stream(*state, 0, 1, &size), *marker;

	find_blocks(bytes, size, begin, 2);
	marker = memmem(bytes, size, "\xa6marker\xc4\x10", 9);
	assert_non_null(marker);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct stream_sync sync = {.records = 2, .total = 1};
		struct buffer block = {0}, whole = {0};
		struct made_event e;
		struct delivered d;

		made__init(&e, TS);
		e.big = 1;
		assert_int_equal(record__pack(&block, &made_schema[0], kinds[i], 1, &e.head, sizeof(e), NULL), 0);
		assert_int_equal(record__pack(&block, &made_schema[0], 16, 2, &e.head, sizeof(e), NULL), 0);
		assert_int_equal(stream_sync__pack(&block, marker + 9, &e.head, 3, &sync), 0);
		assert_int_equal(buffer__append(&whole, (char *)bytes, begin[0]), 0);
		assert_int_equal(buffer__append(&whole, (char *)block.data, block.size), 0);
		assert_int_equal(buffer__append(&whole, (char *)bytes + begin[0], size - begin[0]), 0);
		assert_true(deliver_memory(whole.data, whole.size, &d));
		assert_int_equal(d.events, 1);
		assert_true(d.lost_unknown);
		assert_int_equal(d.lost_records, 1);
		assert_int_equal(d.state.uncounted, 1);
		buffer__free(&whole);
		buffer__free(&block);
	}
	free(bytes);
}

/* A new anchor holds for the blocks behind its own. */
static void a_clock_that_was_set(void **state)
{
	size_t size, begin[2];
	uint8_t *bytes = write_stream(*state, 0, 1, &size), *marker;
	struct stream_sync sync = {.records = 1, .total = 1};
	struct buffer whole = {0}, block = {0};
	struct record_clock clock = {.head.run = 7};
	struct stream_reader *reader;
	const struct stream_info *info;
	struct made_event e;
	struct record record;
	struct error err;
	int64_t offset;
	int i;

	find_blocks(bytes, size, begin, 2);
	marker = memmem(bytes, size, "\xa6marker\xc4\x10", 9);
	assert_non_null(marker);
	assert_int_equal(stream_reader__open_memory(&reader, bytes, size, &err), 0);
	info = stream_reader__info(reader);
	clock.boot_ns = info->boot_ns + 1000;
	clock.real_ns = info->real_ns + 1000 + 3600000000000;
	offset = info->real_ns - info->boot_ns;
	stream_reader__close(reader);

	assert_int_equal(buffer__append(&whole, (char *)bytes, begin[0]), 0);
	for (i = 0; i < 3; i++) {
		block.size = 0;
		made__init(&e, TS + i);
		if (i == 1)
			record__pack(&block, &record_control[RECORD_CLOCK], RECORD_CLOCK, 1, &clock.head, sizeof(clock),
				     NULL);
		record__pack(&block, &made_schema[0], 16, 2, &e.head, sizeof(e), NULL);
		sync.records = 1 + (i == 1);
		sync.total = i + 1;
		assert_int_equal(stream_sync__pack(&block, marker + 9, &e.head, 3, &sync), 0);
		buffer__append(&whole, (char *)block.data, block.size);
	}
	assert_int_equal(stream_reader__open_memory(&reader, whole.data, whole.size, &err), 0);
	for (i = 0; i < 3; i++) {
		assert_int_equal(stream_reader__next(reader, &record), 1);
		assert_int_equal(record.real_ns - (int64_t)record.ts, offset + (i == 2 ? 3600000000000 : 0));
	}
	stream_reader__close(reader);
	buffer__free(&whole);
	buffer__free(&block);
	free(bytes);
}

#define HOLE (1ULL << 38)

/* A file of a crash, or a hostile one, may be mostly a hole: it is not read. */
static void hole_between_blocks(void **state)
{
	const struct folder *folder = *state;
	size_t size, begin[BLOCKS + 2];
	uint8_t *bytes = write_stream(folder, BLOCKS, EACH, &size);
	clock_t start = clock();
	struct stream_reader *reader;
	struct error err = {0};
	struct delivered d;
	int fd;

	find_blocks(bytes, size, begin, BLOCKS + 2);
	fd = openat(folder->fd, "hole.msgpack", O_RDWR | O_CREAT, 0600);
	assert_int_equal(pwrite(fd, bytes, begin[2], 0), begin[2]);
	assert_int_equal(pwrite(fd, bytes + begin[2], size - begin[2], HOLE), size - begin[2]);
	assert_int_equal(ftruncate(fd, 2 * HOLE), 0);
	assert_int_equal(stream_reader__open_fd(&reader, fd, "hole", &err), 0);
	deliver(reader, &d);
	stream_reader__close(reader);
	assert_int_equal(d.events, BLOCKS * EACH);
	assert_true(d.state.damaged_bytes > HOLE);
	assert_true(clock() - start < 20 * CLOCKS_PER_SEC);
	unlinkat(folder->fd, "hole.msgpack", 0);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(cut_at_every_byte),
		TEST(flipped_at_every_byte),
		TEST(blocks_out_of_place),
		TEST(hole_between_blocks),
		TEST(promises_of_hostile_files),
		TEST(files_that_are_no_streams),
		TEST(what_a_later_writer_adds),
		TEST(a_clock_that_was_set),
		TEST(records_that_contradict_the_header),
		TEST(control_records_that_contradict_the_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
