/* SPDX-License-Identifier: BSD-2-Clause */
/* core/stream: segments, written as one stream and read as one; chains that are broken, or forged. */
#include "core/stream/stream_header.h"
#include "tests/unit/stream_delivered.h"

#define NAME "made"
#define EACH 10 /* events of a segment, in two blocks that overlap in time */

/* ---- writing ---- */

static int open_file(const struct folder *folder, uint32_t segment)
{
	char name[STREAM_FILE_NAME];
	int fd;

	stream_file__name(name, NAME, segment);
	fd = openat(folder->fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	return fd;
}

static void cut(const struct folder *folder, struct stream_writer *w)
{
	const struct stream_writer_opts opts = made__opts(NAME);
	uint32_t segment = stream_writer__segment(w);
	int last = stream_writer__go_on(w, open_file(folder, segment + 1), &opts);

	assert_true(last >= 0);
	close(last);
	assert_int_equal(stream_writer__segment(w), segment + 1);
}

/* Blocks of five events, every other one later than the next; after each second block it may be cut, in the middle of that. */
static void write_segments(const struct folder *folder, unsigned segments, bool cuts)
{
	struct stream_writer *w = open_writer(folder, NAME);

	for (uint64_t i = 0; i < segments * EACH; i++) {
		assert_int_equal(write_event(w, i, TS + 10 * (i ^ 3)), 0);
		if (i % 5 == 4)
			assert_int_equal(stream_writer__flush(w), 0);
		if (cuts && i % EACH == EACH - 1 && i < segments * EACH - 1)
			cut(folder, w);
	}
	assert_int_equal(stream_writer__records(w), segments * EACH);
	assert_int_equal(stream_writer__close(w), 0);
}

static void drop(const struct folder *folder, uint32_t segment)
{
	char name[STREAM_FILE_NAME];

	stream_file__name(name, NAME, segment);
	assert_int_equal(unlinkat(folder->fd, name, 0), 0);
}

static void copy(const struct folder *folder, uint32_t from, uint32_t to)
{
	char name[STREAM_FILE_NAME];
	uint8_t *bytes;
	size_t size = 0;
	int fd = open_file(folder, to);

	stream_file__name(name, NAME, from);
	bytes = made__read(folder->fd, name, &size);
	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
	free(bytes);
}

/* ---- reading ---- */

struct chain {
	const struct folder *folder;
	unsigned refused, freed;
};

static int open_after(void *arg, uint32_t after, uint32_t *number)
{
	const struct chain *chain = arg;
	char name[STREAM_FILE_NAME];

	for (*number = after + 1; *number < after + 20; ++*number) {
		int fd;

		stream_file__name(name, NAME, *number);
		fd = openat(chain->folder->fd, name, O_RDONLY | O_CLOEXEC);
		if (fd >= 0)
			return fd;
	}
	return -ENOENT;
}

static void refused(void *arg, uint32_t number, const char *why)
{
	struct chain *chain = arg;

	assert_true(number > 1 && *why);
	chain->refused++;
}

static void freed(void *arg)
{
	((struct chain *)arg)->freed++;
}

static struct stream_reader *open_chain(const struct folder *folder, struct chain *chain, uint32_t first, uint32_t last)
{
	const struct stream_chain of = {open_after, refused, freed, chain, false, last, 0};
	struct stream_reader *reader = NULL;
	char name[STREAM_FILE_NAME];
	struct error err;
	int fd;

	*chain = (struct chain){.folder = folder};
	stream_file__name(name, NAME, first);
	fd = openat(folder->fd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || stream_reader__open_fd(&reader, fd, name, &err))
		fail_msg("%s cannot be opened", name);
	stream_reader__chain(reader, &of);
	return reader;
}

static void deliver_chain(const struct folder *folder, uint32_t first, uint32_t last, struct delivered *d,
			  unsigned left_out)
{
	struct chain chain;
	struct stream_reader *reader = open_chain(folder, &chain, first, last);

	deliver(reader, d);
	stream_reader__close(reader);
	assert_int_equal(chain.refused, left_out);
	assert_int_equal(chain.freed, 1);
}

static void expect_lost(const struct delivered *d, uint64_t events, uint64_t lost, const char *cause)
{
	assert_int_equal(d->events, events);
	assert_int_equal(d->lost_records, 1);
	assert_int_equal(d->lost_count, lost);
	assert_string_equal(d->cause, cause);
	assert_false(d->lost_unknown);
}

/* ---- names ---- */

static void names(void **state)
{
	static const struct {
		const char *name;
		size_t length;
		uint32_t segment;
	} all[] = {
		{"cpu.msgpack", 3, 1},
		{"cpu.2.msgpack", 3, 2},
		{"cpu.10.msgpack", 3, 10},
		{"cpu.1.msgpack", 5, 1},
		{"cpu.02.msgpack", 6, 1},
		{"cpu2.msgpack", 4, 1},
		{"2.msgpack", 1, 1},
		{".2.msgpack", 2, 1},
		{"a.b.3.msgpack", 3, 3},
		{"cpu..2.msgpack", 4, 2},
		{"cpu.0.msgpack", 5, 1},
		{"cpu.999999999.msgpack", 3, 999999999},
		{"cpu.9999999999.msgpack", 14, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		char name[STREAM_FILE_NAME];
		size_t length;

		assert_int_equal(stream_file__segment(all[i].name, &length), all[i].segment);
		assert_int_equal(length, all[i].length);
		if (all[i].segment == 1)
			continue;
		stream_file__name(name, "cpu", all[i].segment);
		assert_int_equal(stream_file__segment(name, &length), all[i].segment);
	}
}

/* ---- whole chains ---- */

struct taken {
	uint64_t ts, number;
	char marker[STREAM_MARKER_TEXT];
};

static size_t take_all(struct stream_reader *reader, struct taken *all, size_t max)
{
	struct value values[SCHEMA_FIELDS_MAX];
	struct record record;
	size_t n = 0;

	while (n < max && stream_reader__next(reader, &record) == 1) {
		assert_int_equal(record__values(&record, values), 0);
		all[n].ts = record.ts;
		all[n].number = values[MADE_BIG].u;
		strcpy(all[n++].marker, stream_record__marker(&record));
	}
	return n;
}

/* The same events in the same order as of one file; each has the marker of its segment. */
static void as_one_file(void **state)
{
	struct folder *folder = *state, one = *folder;
	static struct taken whole[EACH * 4], parts[EACH * 4];
	struct stream_reader *reader;
	char path[512], sub[] = "one", name[STREAM_FILE_NAME];
	struct chain chain;
	struct error err;

	assert_int_equal(mkdirat(folder->fd, sub, 0700), 0);
	one.fd = openat(folder->fd, sub, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	write_segments(&one, 4, false);
	close(one.fd);
	write_segments(folder, 4, true);
	snprintf(path, sizeof(path), "%s/%s/" NAME STREAM_SUFFIX, folder->path, sub);
	assert_int_equal(stream_reader__open(&reader, path, &err), 0);
	assert_int_equal(take_all(reader, whole, EACH * 4), EACH * 4);
	stream_reader__close(reader);
	reader = open_chain(folder, &chain, 1, 4);
	assert_int_equal(take_all(reader, parts, EACH * 4), EACH * 4);
	assert_int_equal(stream_reader__next(reader, &(struct record){0}), 0);
	assert_true(stream_reader__state(reader)->complete);
	assert_int_equal(stream_reader__state(reader)->life, STREAM_ENDED);
	assert_int_equal(stream_reader__state(reader)->records, EACH * 4);
	assert_int_equal(stream_reader__state(reader)->redacted, 0);
	stream_reader__close(reader);
	for (size_t i = 0; i < EACH * 4; i++) {
		assert_true(whole[i].ts == parts[i].ts && whole[i].number == parts[i].number);
		stream_file__name(name, NAME, parts[i].number / EACH + 1);
		snprintf(path, sizeof(path), "%s/%s", folder->path, name);
		assert_int_equal(stream_reader__open(&reader, path, &err), 0);
		assert_string_equal(stream_reader__info(reader)->marker, parts[i].marker);
		assert_int_equal(stream_reader__info(reader)->segment, parts[i].number / EACH + 1);
		stream_reader__close(reader);
	}
}

/* Alone, a segment is a stream that is complete. */
static void alone(void **state)
{
	struct delivered d;

	write_segments(*state, 3, true);
	deliver_file(*state, NAME ".2" STREAM_SUFFIX, &d);
	assert_int_equal(d.events, EACH);
	assert_true(d.state.complete && !d.lost_records);
}

/* ---- what is missing ---- */

static void first_missing(void **state)
{
	struct delivered d;

	write_segments(*state, 4, true);
	drop(*state, 1);
	deliver_chain(*state, 2, 4, &d, 0);
	expect_lost(&d, 3 * EACH, EACH, "missing");
	assert_true(d.lost_ts < TS && d.state.complete);
}

static void middle_missing(void **state)
{
	struct delivered d;

	write_segments(*state, 5, true);
	drop(*state, 3);
	drop(*state, 4);
	deliver_chain(*state, 1, 5, &d, 0);
	expect_lost(&d, 3 * EACH, 2 * EACH, "missing");
	assert_in_range(d.lost_since, TS + 10 * EACH, TS + 10 * 2 * EACH);
	assert_true(d.state.complete);
}

static void last_missing(void **state)
{
	struct delivered d;

	write_segments(*state, 3, true);
	drop(*state, 3);
	deliver_chain(*state, 1, 2, &d, 0);
	assert_int_equal(d.events, 2 * EACH);
	assert_true(d.lost_unknown && d.lost_records == 1 && !d.state.complete);
	assert_string_equal(d.cause, "missing");
	assert_int_equal(d.state.life, STREAM_UNKNOWN);
}

/* A limit leaves no more than the header. */
static void removed(void **state)
{
	const struct folder *folder = *state;
	struct delivered d;
	struct error err;

	write_segments(folder, 4, true);
	for (uint32_t segment = 1; segment < 3; segment++) {
		char name[STREAM_FILE_NAME];
		int fd;

		stream_file__name(name, NAME, segment);
		fd = openat(folder->fd, name, O_RDWR | O_CLOEXEC);
		assert_int_equal(stream_file__clear(fd, &err), 0);
		assert_int_equal(stream_file__clear(fd, &err), 0); /* again */
		close(fd);
	}
	deliver_chain(folder, 1, 4, &d, 0);
	expect_lost(&d, 2 * EACH, 2 * EACH, "limit");
}

/* ---- what is forged, or wrong ---- */

static void doubled(void **state)
{
	struct delivered d;

	write_segments(*state, 3, true);
	copy(*state, 2, 4);
	copy(*state, 1, 7);
	deliver_chain(*state, 1, 7, &d, 2);
	assert_int_equal(d.events, 3 * EACH);
	assert_true(!d.lost_records && d.state.complete);
}

static void a_copy_in_its_place(void **state)
{
	struct delivered d;

	write_segments(*state, 4, true);
	drop(*state, 3);
	copy(*state, 2, 3);
	deliver_chain(*state, 1, 4, &d, 1);
	expect_lost(&d, 3 * EACH, EACH, "damage");
}

/* The marker of a segment. */
static void marker_of(const struct folder *folder, uint32_t segment, uint8_t marker[STREAM_MARKER])
{
	char name[STREAM_FILE_NAME];
	struct stream_header header;
	struct error err;
	struct cursor c;
	uint8_t *bytes;
	size_t size = 0;

	stream_file__name(name, NAME, segment);
	bytes = made__read(folder->fd, name, &size);
	c = (struct cursor){bytes, bytes + size};
	assert_int_equal(stream_header__parse(&header, &c, &err), 0);
	memcpy(marker, header.marker, STREAM_MARKER);
	stream_header__free(&header);
	free(bytes);
}

/* A segment with any header, and five events. */
static void forge(const struct folder *folder, uint32_t file, uint32_t segment, const uint8_t *follows,
		  const struct schema_event *events)
{
	struct stream_writer_opts opts = made__opts(NAME);
	struct stream_writer *w;

	opts.segment = segment;
	opts.follows = follows;
	opts.events = events;
	opts.events_count = events == made_schema ? 3 : 1;
	assert_int_equal(stream_writer__open_fd(&w, open_file(folder, file), &opts), 0);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(write_event(w, 1000 + 10 * file + i, TS + 10000 + file), 0);
	assert_int_equal(stream_writer__close(w), 0);
}

/* Numbers only rise: that a header names a later segment, or itself, leads nowhere. */
static void a_loop(void **state)
{
	uint8_t marker[STREAM_MARKER];
	struct delivered d;

	write_segments(*state, 3, true);
	marker_of(*state, 3, marker);
	drop(*state, 2);
	forge(*state, 2, 2, marker, made_schema);
	deliver_chain(*state, 1, 3, &d, 0);
	assert_int_equal(d.events, 2 * EACH + 5);
	assert_true(d.lost_records && d.lost_unknown);
	assert_string_equal(d.cause, "missing");
}

static void two_that_follow_the_same(void **state)
{
	uint8_t marker[STREAM_MARKER];
	struct delivered d;

	write_segments(*state, 2, true);
	marker_of(*state, 1, marker);
	forge(*state, 3, 2, marker, made_schema); /* not by its number */
	forge(*state, 4, 4, marker, made_schema);
	deliver_chain(*state, 1, 4, &d, 1);
	assert_int_equal(d.events, 2 * EACH + 5);
	assert_true(d.lost_records && d.lost_unknown);
}

static void other_events(void **state)
{
	static const struct schema_event others[] = {
		EVENT(0, struct made_event, "other", "not the stream's", made_fields),
	};
	uint8_t marker[STREAM_MARKER];
	struct delivered d;

	write_segments(*state, 1, false);
	marker_of(*state, 1, marker);
	forge(*state, 2, 2, marker, others);
	deliver_chain(*state, 1, 2, &d, 1);
	assert_int_equal(d.events, EACH);
	assert_true(d.state.complete && !d.lost_records);
}

static void numbers_that_are_none(void **state)
{
	static const uint8_t marker[STREAM_MARKER] = "before";
	static const struct {
		uint64_t number;
		bool follows, valid;
	} all[] = {{0, false, false}, {1, true, false}, {2, false, false}, {1ULL << 32, true, false}, {2, true, true}};
	struct stream_writer_opts opts = made__opts(NAME);

	(void)state;
	opts.segment = 2;
	opts.follows = marker;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		struct buffer bytes = {0};
		struct stream_header header;
		struct error err;
		struct cursor c;
		uint8_t *key;
		int rc;

		assert_int_equal(stream_header__pack(&bytes, &opts, marker, &(struct stream_anchor){1, 2},
						     (struct stream_lock){0}),
				 0);
		key = memmem(bytes.data, bytes.size, "segment\x02", 8);
		assert_non_null(key);
		if (all[i].number < 128)
			key[7] = all[i].number;
		if (!all[i].follows)
			memcpy(memmem(bytes.data, bytes.size, "follows", 7), "unknown", 7);
		if (all[i].number >> 32)
			key[7] = 0xc0; /* nil */
		c = (struct cursor){bytes.data, bytes.data + bytes.size};
		rc = stream_header__parse(&header, &c, &err);
		assert_int_equal(rc, all[i].valid ? 0 : -EBADMSG);
		stream_header__free(&header);
		buffer__free(&bytes);
	}
}

/* ---- the writer ---- */

/* Between two blocks only; a header that cannot be written leaves all as it was. */
static void a_cut_that_fails(void **state)
{
	const struct stream_writer_opts opts = made__opts(NAME);
	const struct folder *folder = *state;
	struct stream_writer *w = open_writer(folder, NAME);
	int fd = open_file(folder, 2), full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct delivered d;

	assert_int_equal(write_event(w, 1, TS + 1), 0);
	assert_int_equal(stream_writer__go_on(w, fd, &opts), -EAGAIN);
	assert_int_equal(stream_writer__flush(w), 0);
	assert_int_equal(stream_writer__go_on(w, full, &opts), -ENOSPC);
	close(full);
	assert_int_equal(stream_writer__segment(w), 1);
	assert_int_equal(write_event(w, 2, TS + 2), 0);
	assert_int_equal(stream_writer__flush(w), 0);
	assert_int_equal(write_event(w, 3, TS + 3), 0);
	assert_int_equal(stream_writer__close(w), 0);
	close(fd);
	deliver_chain(folder, 1, 2, &d, 0); /* the second one is empty */
	assert_int_equal(d.events, 3);
	assert_true(d.state.complete && !d.lost_records);
}

/* ---- positions ---- */

/* From each place, also with blocks of two segments open, the rest follows. */
static void positions(void **state)
{
	static struct taken all[EACH * 4], rest[EACH * 4];
	struct stream_position position;
	struct stream_reader *reader;
	struct chain chain;

	write_segments(*state, 4, true);
	reader = open_chain(*state, &chain, 1, 4);
	assert_int_equal(take_all(reader, all, EACH * 4), EACH * 4);
	stream_reader__close(reader);
	for (size_t i = 0; i <= EACH * 4; i++) {
		size_t n;

		reader = open_chain(*state, &chain, 1, 4);
		assert_int_equal(take_all(reader, rest, i), i);
		stream_reader__tell(reader, false, &position);
		stream_reader__close(reader);
		reader = open_chain(*state, &chain, 1, 4);
		assert_int_equal(stream_reader__seek(reader, &position), 0);
		n = take_all(reader, rest, EACH * 4);
		assert_int_equal(n, EACH * 4 - i);
		for (size_t k = 0; k < n; k++)
			assert_true(rest[k].number == all[i + k].number && !strcmp(rest[k].marker, all[i + k].marker));
		stream_reader__close(reader);
	}
	reader = open_chain(*state, &chain, 1, 4);
	position.marker[0] ^= 1;
	assert_int_equal(stream_reader__seek(reader, &position), -EBADMSG);
	assert_int_equal(take_all(reader, rest, EACH * 4), EACH * 4); /* from the beginning */
	stream_reader__close(reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test_setup_teardown(as_one_file, setup, teardown),
		cmocka_unit_test_setup_teardown(alone, setup, teardown),
		cmocka_unit_test_setup_teardown(first_missing, setup, teardown),
		cmocka_unit_test_setup_teardown(middle_missing, setup, teardown),
		cmocka_unit_test_setup_teardown(last_missing, setup, teardown),
		cmocka_unit_test_setup_teardown(removed, setup, teardown),
		cmocka_unit_test_setup_teardown(doubled, setup, teardown),
		cmocka_unit_test_setup_teardown(a_copy_in_its_place, setup, teardown),
		cmocka_unit_test_setup_teardown(a_loop, setup, teardown),
		cmocka_unit_test_setup_teardown(two_that_follow_the_same, setup, teardown),
		cmocka_unit_test_setup_teardown(other_events, setup, teardown),
		cmocka_unit_test(numbers_that_are_none),
		cmocka_unit_test_setup_teardown(a_cut_that_fails, setup, teardown),
		cmocka_unit_test_setup_teardown(positions, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
