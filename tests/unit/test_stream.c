/* SPDX-License-Identifier: BSD-2-Clause */
/* core/stream_*: what is written is read; what is damaged is told, and never delivered. */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "core/pack.h"
#include "core/stream.h"
#include "core/stream/stream_block.h"
#include "tests/unit/stream_folder.h"

/* The i-th event of a stream: `big` names it. */
static int write_event(struct stream_writer *w, uint64_t i, uint64_t ts)
{
	struct made_event e;

	made__init(&e, ts);
	e.big = i;
	return stream_writer__event(w, &e.head, sizeof(e));
}

/* `blocks` blocks of `each` events, in order. */
static uint8_t *write_stream(const struct folder *folder, unsigned blocks, unsigned each, size_t *size)
{
	struct stream_writer *w = open_writer(folder, "made");
	uint8_t *bytes;
	unsigned i;

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
	char cause[32];
	bool seen[EVENTS_MAX];
	struct stream_state state;
};

static void deliver_lost(struct delivered *d, const struct record *record)
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
	snprintf(d->cause, sizeof(d->cause), "%.*s", (int)values[4].length, values[4].string);
}

static void deliver_event(struct delivered *d, const struct record *record)
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

static void deliver(struct stream_reader *reader, struct delivered *d)
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
static bool deliver_memory(const uint8_t *bytes, size_t size, struct delivered *d)
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

static void deliver_file(const struct folder *folder, const char *name, struct delivered *d)
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

static void what_is_written_is_read(void **state)
{
	struct stream_writer *w = open_writer(*state, "made");
	struct delivered d;
	unsigned i;

	for (i = 0; i < 1000; i++)
		assert_int_equal(write_event(w, i, TS + i), 0);
	assert_int_equal(stream_writer__lost(w, 5, TS, 2, "ring_full"), 0);
	assert_int_equal(stream_writer__records(w), 1000);
	assert_int_equal(stream_writer__dropped(w), 0);
	assert_int_equal(stream_writer__close(w), 0);
	deliver_file(*state, "made.msgpack", &d);
	assert_int_equal(d.events, 1000);
	assert_int_equal(d.lost_records, 1);
	assert_int_equal(d.lost_count, 5);
	assert_int_equal(d.lost_since, TS);
	assert_string_equal(d.cause, "ring_full");
	assert_true(d.state.complete);
	assert_int_equal(d.state.damaged_bytes, 0);
}

static void the_header_tells_all(void **state)
{
	const struct folder *folder = *state;
	struct stream_reader *reader;
	const struct stream_info *info;
	const struct stream_event *event;
	struct error err;
	char path[512], host[256];
	size_t size;
	int i;

	free(write_stream(folder, 1, 1, &size));
	snprintf(path, sizeof(path), "%s/made.msgpack", folder->path);
	assert_int_equal(stream_reader__open(&reader, path, &err), 0);
	info = stream_reader__info(reader);
	gethostname(host, sizeof(host));
	assert_string_equal(info->path, path);
	assert_string_equal(info->stream, "made");
	assert_string_equal(info->help, "made up");
	assert_string_equal(info->host, host);
	assert_string_equal(info->collector, PACKAGE_VERSION);
	assert_int_equal(strlen(info->boot_id), 36);
	assert_string_equal(info->run.id, "run-7");
	assert_string_equal(info->run.name, "test");
	assert_int_equal(info->run.number, 7);
	assert_string_equal(info->run.tags[0], "team=genomics");
	assert_string_equal(info->run.tags[1], "empty=");
	assert_null(info->run.tags[2]);
	assert_string_equal(info->run.command[2], "\xff");
	assert_null(info->run.command[3]);
	assert_string_equal(info->unavailable[0], "first.big: not on this kernel");
	assert_null(info->unavailable[1]);
	assert_int_equal(info->interval_ns, 1000000000);
	assert_true(info->boot_ns > 0 && info->real_ns > 1600000000000000000);
	assert_null(info->events[SCHEMA_KIND_BASE + 1].name);
	assert_string_equal(info->events[SCHEMA_KIND_BASE + 2].name, "third");
	event = &info->events[SCHEMA_KIND_BASE];
	assert_string_equal(event->name, "first");
	assert_string_equal(event->stream, "made");
	assert_int_equal(event->fields_count, MADE_FIELDS);
	for (i = 0; i < MADE_FIELDS; i++)
		assert_string_equal(event->fields[i].name, made_fields[i].name);
	assert_string_equal(event->fields[MADE_BIG].unit, "ns");
	assert_null(event->fields[MADE_SMALL].unit);
	assert_int_equal(event->fields[MADE_SIGNAL].type, SCHEMA_STRING);
	assert_int_equal(event->fields[MADE_MAP].type, SCHEMA_MAP);
	assert_int_equal(stream_event__field(event, "list"), MADE_LIST);
	assert_int_equal(stream_event__field(event, "lis"), -1);
	stream_reader__close(reader);
}

static void a_stream_is_never_overwritten(void **state)
{
	const struct folder *folder = *state;
	struct stream_writer_opts opts = made__opts("made");
	struct stream_writer *w;
	struct delivered d;
	struct stat st;
	size_t size;

	free(write_stream(folder, 1, 3, &size));
	assert_int_equal(stream_writer__open(&w, folder->fd, &opts), -EEXIST);
	deliver_file(folder, "made.msgpack", &d);
	assert_int_equal(d.events, 3);
	assert_int_equal(symlinkat("elsewhere", folder->fd, "link.msgpack"), 0);
	opts.stream = "link";
	assert_true(stream_writer__open(&w, folder->fd, &opts) < 0);
	assert_int_equal(fstatat(folder->fd, "elsewhere", &st, 0), -1);
	assert_int_equal(fstatat(folder->fd, "made.msgpack", &st, 0), 0);
	assert_int_equal(st.st_mode & 07137, 0);
}

/* Out of order by up to two blocks: sorted. */
static void sorts_inside_its_window(void **state)
{
	struct stream_writer *w = open_writer(*state, "made");
	struct delivered d;
	unsigned block, i;

	for (block = 0; block < 8; block++) {
		for (i = 0; i < 100; i++)
			write_event(w, block * 100 + i, TS + block * 100 + i * 37 % 190);
		assert_int_equal(stream_writer__flush(w), 0);
	}
	stream_writer__close(w);
	deliver_file(*state, "made.msgpack", &d); /* asserts the order as long as nothing is late */
	assert_int_equal(d.events, 800);
	assert_int_equal(d.state.late, 0);
}

static void what_comes_too_late_is_counted(void **state)
{
	struct stream_writer *w = open_writer(*state, "made");
	struct delivered d;
	unsigned i;

	for (i = 0; i < 5; i++) {
		write_event(w, i, i < 4 ? TS + i * 10 : TS + 5);
		stream_writer__flush(w);
	}
	stream_writer__close(w);
	deliver_file(*state, "made.msgpack", &d);
	assert_int_equal(d.events, 5);
	assert_int_equal(d.state.late, 1);
}

static void equal_times_keep_their_sequence(void **state)
{
	struct stream_writer *w = open_writer(*state, "made");
	const struct folder *folder = *state;
	struct value values[MADE_FIELDS];
	struct stream_reader *reader;
	struct record record;
	struct error err;
	char path[512];
	uint64_t i;

	for (i = 0; i < 300; i++) {
		write_event(w, i, TS - (i == 299));
		if (i % 100 == 99)
			stream_writer__flush(w);
	}
	stream_writer__close(w);
	snprintf(path, sizeof(path), "%s/made.msgpack", folder->path);
	assert_int_equal(stream_reader__open(&reader, path, &err), 0);
	for (i = 0; i < 200; i++) {
		assert_int_equal(stream_reader__next(reader, &record), 1);
		assert_int_equal(record__values(&record, values), 0);
		/* the third block, with the one that is earlier, is read when the first is done */
		assert_int_equal(values[MADE_BIG].u, i < 100 ? i : i == 100 ? 299 : i - 1);
	}
	stream_reader__close(reader);
}

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
	assert_int_equal(record__pack(&block, &made_schema[0], 16, 1, &e.head, sizeof(e), NULL, NULL), 0);
	block.data[2] += 2;
	assert_int_equal(pack_double(&block, 1.5) || pack_array(&block, 1) || pack_nil(&block), 0);
	e.big = 1;
	assert_int_equal(record__pack(&block, &made_schema[0], 40, 2, &e.head, sizeof(e), NULL, NULL), 0);
	assert_int_equal(record__pack(&block, &made_schema[0], 9, 3, &e.head, sizeof(e), NULL, NULL), 0);
	first = block.size;
	e.head.ts++;
	e.big = 2;
	assert_int_equal(record__pack(&block, &made_schema[0], 16, 4, &e.head, sizeof(e), NULL, NULL), 0);
	assert_true(first < block.size);
	assert_int_equal(stream_sync__pack(&block, marker + 9, &e.head, 5, &sync), 0);
	assert_int_equal(buffer__append(&whole, (char *)bytes, begin[0]), 0);
	assert_int_equal(buffer__append(&whole, (char *)block.data, block.size), 0);
	assert_true(deliver_memory(whole.data, whole.size, &d));
	assert_int_equal(d.events, 2);
	assert_true(d.seen[0] && d.seen[2]);
	assert_int_equal(d.state.damaged_bytes, 0);
	buffer__free(&whole);
	buffer__free(&block);
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
				     NULL, NULL);
		record__pack(&block, &made_schema[0], 16, 2, &e.head, sizeof(e), NULL, NULL);
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

static void an_event_of_six_megabytes(void **state)
{
	const struct folder *folder = *state;
	struct stream_writer *w = open_writer(folder, "made");
	size_t tail = 6 << 20, i;
	struct made_event *e = malloc(sizeof(*e) + tail);
	struct value values[MADE_FIELDS];
	struct stream_reader *reader;
	struct record record;
	struct error err;
	char path[512];

	assert_non_null(e);
	made__init(e, TS);
	for (i = 0; i < tail; i++)
		((char *)(e + 1))[i] = i % 7 ? 'x' : '\0';
	e->list = (struct event_list){sizeof(*e), tail, 0};
	assert_int_equal(write_event(w, 1, TS), 0);
	assert_int_equal(stream_writer__event(w, &e->head, sizeof(*e) + tail), 0);
	assert_int_equal(write_event(w, 2, TS), 0);
	assert_int_equal(stream_writer__close(w), 0);
	snprintf(path, sizeof(path), "%s/made.msgpack", folder->path);
	assert_int_equal(stream_reader__open(&reader, path, &err), 0);
	assert_int_equal(stream_reader__next(reader, &record), 1);
	assert_int_equal(stream_reader__next(reader, &record), 1);
	assert_int_equal(record__values(&record, values), 0);
	assert_int_equal(values[MADE_LIST].length, (tail + 6) / 7 + 1);
	assert_int_equal(stream_reader__next(reader, &record), 1);
	assert_int_equal(stream_reader__next(reader, &record), 0);
	assert_int_equal(stream_reader__state(reader)->damaged_bytes, 0);
	stream_reader__close(reader);
	free(e);
}

/* What is no event of the probe's is counted and told; the writer goes on. */
static void events_that_are_none(void **state)
{
	struct stream_writer *w = open_writer(*state, "made");
	struct made_event e;
	struct delivered d;
	size_t tail = 20 << 20;
	struct made_event *huge = calloc(1, sizeof(*huge) + tail);

	assert_non_null(huge);
	made__init(&e, TS);
	e.head.kind = 1;
	assert_int_equal(stream_writer__event(w, &e.head, sizeof(e)), -EINVAL);
	e.head.kind = 200;
	assert_int_equal(stream_writer__event(w, &e.head, sizeof(e)), -EINVAL);
	e.head.kind = 0;
	assert_int_equal(stream_writer__event(w, &e.head, sizeof(e) - 1), -EINVAL);
	made__init(huge, TS);
	huge->text = (struct event_string){sizeof(*huge), tail, 0};
	assert_int_equal(stream_writer__event(w, &huge->head, sizeof(*huge) + tail), -EMSGSIZE);
	assert_int_equal(stream_writer__error(w), 0);
	assert_int_equal(write_event(w, 0, TS), 0);
	assert_int_equal(stream_writer__dropped(w), 4);
	assert_int_equal(stream_writer__close(w), 0);
	deliver_file(*state, "made.msgpack", &d);
	assert_int_equal(d.events, 1);
	assert_int_equal(d.lost_count, 4);
	assert_int_equal(d.lost_records, 4);
	free(huge);
}

/* Writes until the disk refuses, makes room by `relief`, and goes on. Nothing may be lost unreported. */
static void write_through_refusal(const struct folder *folder, void (*relief)(void *arg), void *arg, int error,
				  const char *cause)
{
	struct stream_writer *w = open_writer(folder, "made");
	uint64_t i, dropped;
	struct delivered d;
	int rc = 0;

	for (i = 0; i < 1000 && !rc; i++) {
		rc = write_event(w, i, TS + i);
		if (i % 10 == 9)
			rc = stream_writer__flush(w);
	}
	assert_int_equal(rc, error);
	for (; i < 1200; i++) { /* it goes on, and tries at each flush */
		assert_int_equal(write_event(w, i, TS + i), error);
		if (i % 10 == 9)
			assert_int_equal(stream_writer__flush(w), error);
	}
	dropped = stream_writer__dropped(w);
	assert_true(dropped >= 200);
	relief(arg);
	for (; i < 1300; i++)
		write_event(w, i, TS + i);
	assert_int_equal(stream_writer__flush(w), error); /* the first error sticks */
	assert_int_equal(stream_writer__dropped(w), dropped);
	assert_int_equal(stream_writer__records(w) + dropped, 1300);
	assert_int_equal(stream_writer__close(w), error);
	deliver_file(folder, "made.msgpack", &d);
	assert_int_equal(d.events + d.lost_count, 1300);
	assert_int_equal(d.lost_count, dropped);
	assert_int_equal(d.lost_records, 1);
	assert_string_equal(d.cause, cause);
	assert_int_equal(d.lost_since, TS + (1300 - 100 - dropped) - 1);
	assert_true(d.state.complete);
	assert_int_equal(d.state.damaged_bytes, 0);
	assert_int_equal(d.state.damaged_blocks, 0);
}

static void raise_limit(void *arg)
{
	assert_int_equal(setrlimit(RLIMIT_FSIZE, arg), 0);
}

static void a_file_that_may_not_grow(void **state)
{
	struct rlimit before, limit;
	void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = before;
	limit.rlim_cur = 20011; /* in the middle of a block */
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	write_through_refusal(*state, raise_limit, &before, -EFBIG, "EFBIG");
	signal(SIGXFSZ, handler);
}

/* Half a block that the disk did take is cut off again, though nothing is written over it. */
static void a_refused_block_leaves_nothing(void **state)
{
	struct stream_writer *w = open_writer(*state, "made");
	void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
	struct rlimit before, limit;
	struct delivered d;
	unsigned i;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	for (i = 0; i < 100; i++)
		write_event(w, i, TS + i);
	assert_int_equal(stream_writer__flush(w), 0);
	limit = before;
	limit.rlim_cur = 20011;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	for (; i < 400; i++)
		write_event(w, i, TS + i);
	assert_int_equal(stream_writer__flush(w), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, handler);
	deliver_file(*state, "made.msgpack", &d);
	assert_int_equal(d.events, 100);
	assert_int_equal(d.state.damaged_bytes, 0);
	stream_writer__close(w);
}

static void remove_ballast(void *arg)
{
	assert_int_equal(unlink(arg), 0);
}

/* With a mount that only this process sees. */
static void a_full_disk(void **state)
{
	const struct folder *folder = *state;
	struct folder disk = {.fd = -1};
	char ballast[300], zeros[4096] = "";
	int fd;

	if (unshare(CLONE_NEWNS) || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", folder->path, "tmpfs", 0, "size=256k"))
		skip();
	snprintf(disk.path, sizeof(disk.path), "%s", folder->path);
	snprintf(ballast, sizeof(ballast), "%s/ballast", disk.path);
	disk.fd = open(disk.path, O_RDONLY | O_DIRECTORY);
	fd = open(ballast, O_WRONLY | O_CREAT, 0600);
	while (write(fd, zeros, sizeof(zeros)) > 0 && lseek(fd, 0, SEEK_CUR) < 224 << 10)
		;
	close(fd);
	write_through_refusal(&disk, remove_ballast, ballast, -ENOSPC, "disk_full");
	close(disk.fd);
	assert_int_equal(umount(folder->path), 0);
}

/* What was flushed before a kill -9 is there. */
static void a_killed_writer(void **state)
{
	struct stream_writer *w = open_writer(*state, "made");
	struct delivered d;
	int status;
	unsigned i;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		for (i = 0; i < 150; i++) {
			write_event(w, i, TS + i);
			if (i == 99)
				stream_writer__flush(w);
		}
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	deliver_file(*state, "made.msgpack", &d);
	assert_int_equal(d.events, 100);
	assert_false(d.state.complete);
	assert_string_equal(d.cause, "truncated");
	assert_int_equal(d.lost_since, TS + 99);
	stream_writer__close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(what_is_written_is_read),
		TEST(the_header_tells_all),
		TEST(a_stream_is_never_overwritten),
		TEST(sorts_inside_its_window),
		TEST(what_comes_too_late_is_counted),
		TEST(equal_times_keep_their_sequence),
		TEST(cut_at_every_byte),
		TEST(flipped_at_every_byte),
		TEST(blocks_out_of_place),
		TEST(promises_of_hostile_files),
		TEST(files_that_are_no_streams),
		TEST(what_a_later_writer_adds),
		TEST(a_clock_that_was_set),
		TEST(an_event_of_six_megabytes),
		TEST(events_that_are_none),
		TEST(a_file_that_may_not_grow),
		TEST(a_refused_block_leaves_nothing),
		TEST(a_killed_writer),
		TEST(a_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
