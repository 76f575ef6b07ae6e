/* SPDX-License-Identifier: BSD-2-Clause */
/* core/stream: a reader that follows a stream while it is written, and one that goes on where another one was. */
#include <signal.h>
#include <sys/wait.h>

#include "core/base/base.h"
#include "tests/unit/stream_delivered.h"

#define NAME "made"

static struct stream_writer *open_marked(const struct folder *folder)
{
	struct stream_writer_opts opts = made__opts(NAME);
	struct stream_writer *w;

	opts.marks = true;
	assert_int_equal(stream_writer__open(&w, folder->fd, &opts), 0);
	return w;
}

static struct stream_reader *open_reader(const struct folder *folder)
{
	struct stream_reader *reader;
	struct error err;
	char path[512];

	snprintf(path, sizeof(path), "%s/" NAME STREAM_SUFFIX, folder->path);
	if (stream_reader__open(&reader, path, &err))
		fail_msg("%s: %s", path, err.text);
	return reader;
}

static struct stream_reader *follow(const struct folder *folder)
{
	struct stream_reader *reader = open_reader(folder);

	stream_reader__follow(reader);
	return reader;
}

static void flush(struct stream_writer *w, uint64_t until)
{
	stream_writer__reached(w, until);
	assert_int_equal(stream_writer__flush(w), 0);
	assert_int_equal(stream_writer__mark(w), 0);
}

static uint64_t number_of(const struct record *record)
{
	struct value values[SCHEMA_FIELDS_MAX];

	assert_int_equal(record__values(record, values), 0);
	return values[MADE_BIG].u;
}

/* The next events have these numbers, then `end` is returned. */
static void expect(struct stream_reader *reader, const uint64_t *numbers, size_t count, int end)
{
	struct record record;

	for (size_t i = 0; i < count; i++) {
		assert_int_equal(stream_reader__next(reader, &record), 1);
		assert_int_equal(number_of(&record), numbers[i]);
	}
	assert_int_equal(stream_reader__next(reader, &record), end);
}
#define EXPECT(reader, end, ...)                                 \
	expect(reader, (const uint64_t[]){0, ##__VA_ARGS__} + 1, \
	       sizeof((uint64_t[]){0, ##__VA_ARGS__}) / sizeof(uint64_t) - 1, end)

/* What is past the mark waits for what may come before it. */
static void up_to_the_mark(void **state)
{
	struct stream_writer *w = open_marked(*state);
	struct stream_reader *reader = follow(*state);

	EXPECT(reader, -EAGAIN);
	write_event(w, 1, TS + 10);
	write_event(w, 3, TS + 30);
	flush(w, TS + 20);
	EXPECT(reader, -EAGAIN); /* not looked yet */
	assert_int_equal(stream_reader__refresh(reader), 1);
	EXPECT(reader, -EAGAIN, 1);
	assert_int_equal(stream_reader__mark(reader), TS + 20);
	assert_int_equal(stream_reader__refresh(reader), 0);
	write_event(w, 2, TS + 25);
	flush(w, TS + 40);
	assert_int_equal(stream_reader__refresh(reader), 1);
	EXPECT(reader, -EAGAIN, 2, 3);
	assert_int_equal(stream_writer__close(w), 0);
	assert_int_equal(stream_reader__refresh(reader), 1);
	EXPECT(reader, 0);
	assert_int_equal(stream_reader__state(reader)->life, STREAM_ENDED);
	assert_int_equal(stream_reader__state(reader)->records, 3);
	assert_int_equal(stream_reader__state(reader)->damaged_bytes, 0);
	stream_reader__close(reader);
}

/* A mark alone, in an empty block, lets pass what an earlier block holds; older readers skip it. */
static void a_mark_alone(void **state)
{
	struct stream_writer *w = open_marked(*state);
	struct stream_reader *reader = follow(*state);
	struct delivered d;
	uint64_t size;

	write_event(w, 1, TS + 10);
	flush(w, TS + 5);
	assert_int_equal(stream_reader__refresh(reader), 1);
	EXPECT(reader, -EAGAIN);
	assert_int_equal(stream_writer__marked(w), TS + 5);
	assert_int_equal(stream_writer__latest(w), TS + 10);
	size = stream_writer__bytes(w);
	flush(w, TS + 15);
	assert_in_range(stream_writer__bytes(w) - size, 1, 80);
	size = stream_writer__bytes(w);
	flush(w, TS + 15); /* nothing new to say */
	assert_int_equal(stream_writer__bytes(w), size);
	assert_int_equal(stream_reader__refresh(reader), 1);
	EXPECT(reader, -EAGAIN, 1);
	assert_int_equal(stream_writer__close(w), 0);
	deliver_file(*state, NAME STREAM_SUFFIX, &d);
	assert_int_equal(d.events, 1);
	assert_int_equal(d.lost_records, 0);
	stream_reader__close(reader);
}

/* The end of the file may be anywhere in a block; and a failed write is taken back, and replaced by another block. */
static void a_block_in_parts(void **state)
{
	const struct folder *folder = *state;
	struct stream_writer *w = open_marked(folder);
	struct stream_reader *reader;
	size_t before = 0, after = 0;
	uint8_t *bytes;
	int fd;

	write_event(w, 1, TS + 10);
	flush(w, TS + 11);
	free(made__read(folder->fd, NAME STREAM_SUFFIX, &before));
	write_event(w, 2, TS + 20);
	flush(w, TS + 21);
	bytes = made__read(folder->fd, NAME STREAM_SUFFIX, &after);
	fd = openat(folder->fd, NAME STREAM_SUFFIX, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0 && after > before);
	assert_int_equal(ftruncate(fd, before), 0);
	reader = follow(folder);
	EXPECT(reader, -EAGAIN, 1);
	for (size_t size = before + 1; size < after; size++) {
		assert_int_equal(pwrite(fd, "\x91\x91\x91\x91", 4, before), 4); /* of another block */
		assert_int_equal(ftruncate(fd, size), 0);
		assert_int_equal(stream_reader__refresh(reader), 1);
		EXPECT(reader, -EAGAIN);
	}
	assert_int_equal(pwrite(fd, bytes, after, 0), after);
	assert_int_equal(stream_reader__refresh(reader), 1);
	EXPECT(reader, -EAGAIN, 2);
	assert_int_equal(stream_reader__state(reader)->damaged_bytes, 0);
	assert_int_equal(stream_reader__state(reader)->damaged_blocks, 0);
	assert_int_equal(stream_writer__close(w), 0);
	stream_reader__close(reader);
	close(fd);
	free(bytes);
}

static void a_writer_that_is_killed(void **state)
{
	struct stream_reader *reader;
	struct record record;
	int ready[2], status;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		struct stream_writer *w = open_marked(*state);

		write_event(w, 1, TS + 10);
		flush(w, TS + 5);
		if (write(ready[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(ready[0], &status, 1), 1);
	reader = follow(*state);
	EXPECT(reader, -EAGAIN);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(stream_reader__refresh(reader), 1);
	assert_int_equal(stream_reader__next(reader, &record), 1);
	assert_int_equal(number_of(&record), 1);
	assert_int_equal(stream_reader__next(reader, &record), 1);
	assert_int_equal(record.kind, RECORD_LOST);
	assert_int_equal(stream_reader__next(reader, &record), 0);
	assert_int_equal(stream_reader__state(reader)->life, STREAM_CRASHED);
	stream_reader__close(reader);
	close(ready[0]);
	close(ready[1]);
}

/* Blocks whose events overlap, as those of several CPUs do, and damage in one of them. */
static void write_overlapping(const struct folder *folder, unsigned blocks, unsigned damaged)
{
	struct stream_writer *w = open_writer(folder, NAME);
	uint64_t at = 0;
	int fd;

	for (unsigned i = 0; i < blocks; i++) {
		if (i == damaged)
			at = stream_writer__bytes(w);
		for (unsigned k = 0; k < 5; k++)
			assert_int_equal(write_event(w, i * 5 + k, TS + i * 10 + (k * 7) % 5 * 4), 0);
		assert_int_equal(stream_writer__flush(w), 0);
	}
	assert_int_equal(stream_writer__close(w), 0);
	fd = openat(folder->fd, NAME STREAM_SUFFIX, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "\xc1", 1, at + 3), 1);
	close(fd);
}

struct seen {
	uint64_t ts, seq, number;
};

static size_t read_all(struct stream_reader *reader, struct seen *seen, size_t max)
{
	struct record record;
	size_t n = 0;
	int rc;

	while ((rc = stream_reader__next(reader, &record)) == 1) {
		assert_true(n < max);
		seen[n++] = (struct seen){record.ts, record.seq, record.kind == RECORD_LOST ? 0 : number_of(&record)};
	}
	assert_int_equal(rc, 0);
	return n;
}

/* From after each record, and from before it: exactly those after it. */
static void positions(void **state)
{
	struct seen all[256], rest[256];
	struct stream_reader *reader;
	size_t count;

	write_overlapping(*state, 12, 4);
	reader = open_reader(*state);
	count = read_all(reader, all, 256);
	stream_reader__close(reader);
	assert_int_equal(count, 11 * 5 + 1); /* one block is replaced by a `lost` record */
	for (size_t k = 0; k <= 2 * count; k++) {
		bool held = k % 2; /* the last record is not counted */
		size_t after = k / 2;
		struct stream_position position;
		struct record record;

		reader = open_reader(*state);
		for (size_t i = 0; i < after + held; i++)
			assert_int_equal(stream_reader__next(reader, &record), 1);
		stream_reader__tell(reader, held, &position);
		stream_reader__close(reader);
		reader = open_reader(*state);
		assert_int_equal(stream_reader__seek(reader, &position), 0);
		assert_int_equal(read_all(reader, rest, 256), count - after);
		assert_memory_equal(rest, all + after, (count - after) * sizeof(*all));
		assert_int_equal(stream_reader__state(reader)->life, STREAM_ENDED);
		stream_reader__close(reader);
	}
}

/* A place that is none: said, and the reader is at the beginning. */
static void positions_that_are_none(void **state)
{
	struct seen all[256];
	struct stream_reader *reader;
	struct stream_position good, bad;
	struct record record;

	write_overlapping(*state, 12, 4);
	reader = open_reader(*state);
	for (unsigned i = 0; i < 7; i++)
		assert_int_equal(stream_reader__next(reader, &record), 1);
	stream_reader__tell(reader, false, &good);
	stream_reader__close(reader);
	for (unsigned i = 0; i < 4; i++) {
		bad = good;
		if (i == 0)
			bad.at.offset = 1;
		else if (i == 1)
			bad.at.offset = 1ULL << 40;
		else if (i == 2)
			bad.from[bad.next[0] == STREAM_NO_BLOCK].offset = 0;
		else
			bad.next[bad.next[0] == STREAM_NO_BLOCK] = 1000;
		reader = open_reader(*state);
		assert_int_equal(stream_reader__seek(reader, &bad), -EBADMSG);
		assert_int_equal(read_all(reader, all, 256), 11 * 5 + 1);
		stream_reader__close(reader);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(up_to_the_mark, setup, teardown),
		cmocka_unit_test_setup_teardown(a_mark_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(a_block_in_parts, setup, teardown),
		cmocka_unit_test_setup_teardown(a_writer_that_is_killed, setup, teardown),
		cmocka_unit_test_setup_teardown(positions, setup, teardown),
		cmocka_unit_test_setup_teardown(positions_that_are_none, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
