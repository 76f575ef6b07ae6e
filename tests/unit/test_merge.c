/* SPDX-License-Identifier: BSD-2-Clause */
/* core/merge, core/heap, core/filter: one order for all streams, whatever their number and hosts. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/heap.h"
#include "core/merge/merge.h"
#include "core/pack.h"
#include "core/stream/stream_block.h"
#include "core/stream/stream_header.h"
#include "tests/unit/stream_folder.h"

static void write_event(struct stream_writer *w, uint64_t ts, uint64_t big)
{
	struct made_event e;

	made__init(&e, ts);
	e.big = big;
	assert_int_equal(stream_writer__event(w, &e.head, sizeof(e)), 0);
}

static unsigned notes[2]; /* by kind */

static void count_note(void *arg, enum merge_note note, const char *sentence)
{
	assert_ptr_equal(arg, notes);
	assert_true(strlen(sentence) > 0);
	notes[note]++;
}

static struct merge *open_merge(const char *path)
{
	struct merge *merge = merge__new(count_note, notes);
	struct error err;

	assert_non_null(merge);
	memset(notes, 0, sizeof(notes));
	if (merge__add(merge, path, &err))
		fail_msg("%s", err.text);
	return merge;
}

static uint64_t record_big(const struct record *record)
{
	struct value values[SCHEMA_FIELDS_MAX];

	assert_int_equal(record__values(record, values), 0);
	return values[MADE_BIG].u;
}

static void a_heap_is_sorted_and_stable(void **state)
{
	struct heap heap = {0};
	struct heap_item last = {0};
	uint64_t random = 12345;
	unsigned i;

	(void)state;
	for (i = 0; i < 5000; i++) {
		random = random * 6364136223846793005ULL + 1442695040888963407ULL;
		assert_int_equal(heap__push(&heap, (struct heap_item){random >> 58, i, NULL}), 0);
		if (i % 3 == 2) { /* as the merge does: the least is taken, and comes back later */
			last = heap.items[0];
			heap__replace(&heap, (struct heap_item){last.key + (random >> 33) % 7, i + 10000, NULL});
		}
	}
	last = (struct heap_item){0};
	for (i = 0; i < 5000; i++) {
		assert_true(heap.items[0].key > last.key ||
			    (heap.items[0].key == last.key && (!i || heap.items[0].order > last.order)));
		last = heap.items[0];
		heap__pop(&heap);
	}
	assert_int_equal(heap.count, 0);
	heap__free(&heap);
}

/* Three streams, one clock: by time, then by stream, then by sequence. */
static void by_time_then_stream_then_sequence(void **state)
{
	static const char *const names[] = {"b", "a", "c"};
	const struct folder *folder = *state;
	struct stream_writer *w;
	struct record record;
	struct merge *merge;
	uint64_t last_ts = 0, last_seq = 0, n = 0, done, total;
	uint32_t last_stream = 0;
	unsigned s, i;

	for (s = 0; s < 3; s++) {
		w = open_writer(folder, names[s]);
		for (i = 0; i < 3000; i++) {
			write_event(w, TS + i / 3 * (s + 1), i);
			if (i % 500 == 0)
				stream_writer__flush(w);
		}
		stream_writer__close(w);
	}
	merge = open_merge(folder->path);
	assert_int_equal(merge__streams(merge), 3);
	assert_string_equal(merge__info(merge, 0)->stream, "a");
	assert_string_equal(merge__info(merge, 2)->stream, "c");
	for (; merge__next(merge, &record) == 1; n++) {
		if (n && record.ts == last_ts && record.info->index == last_stream)
			assert_true(record.seq > last_seq);
		else if (n)
			assert_true(record.ts > last_ts || (record.ts == last_ts && record.info->index > last_stream));
		last_ts = record.ts;
		last_seq = record.seq;
		last_stream = record.info->index;
	}
	assert_int_equal(n, 9000);
	assert_int_equal(merge__next(merge, &record), 0);
	merge__progress(merge, &done, &total);
	assert_true(done == total && total > 0);
	for (s = 0; s < 3; s++)
		assert_true(merge__state(merge, s)->complete);
	merge__free(merge);
}

/* A stream of another host or boot, packed by hand: `boot` is one digit of its boot id. */
static void write_boot(const struct folder *folder, const char *stream, char boot, uint64_t boot_ns, uint64_t real_ns,
		       const uint64_t *ts, size_t count)
{
	struct stream_writer_opts opts = made__opts(stream);
	struct stream_anchor anchor = {boot_ns, real_ns};
	uint8_t marker[STREAM_MARKER] = {stream[0], stream[1]}, *id;
	struct stream_sync sync = {.records = 0, .total = 0};
	struct buffer header = {0}, block = {0};
	struct event head = {.run = 7};
	struct made_event e;
	char name[64];
	size_t i;
	int fd;

	opts.streams = NULL; /* with it, a folder is of one run, on one host */
	assert_int_equal(stream_header__pack(&header, &opts, marker, &anchor, (struct stream_lock){0}), 0);
	id = memmem(header.data, header.size,
		    "\xa7"
		    "boot_id\xd9\x24",
		    10);
	assert_non_null(id);
	memset(id + 10, boot, 36);
	assert_int_equal(stream_sync__pack(&header, marker, &head, 0, &sync), 0);
	for (i = 0; i < count; i++) {
		made__init(&e, ts[i]);
		e.big = ts[i];
		assert_int_equal(record__pack(&block, &made_schema[0], 16, 1 + i, &e.head, sizeof(e), NULL), 0);
	}
	sync.records = sync.total = count;
	assert_int_equal(stream_sync__pack(&block, marker, &head, 1 + count, &sync), 0);
	snprintf(name, sizeof(name), "%s.msgpack", stream);
	fd = openat(folder->fd, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, header.data, header.size), header.size);
	assert_int_equal(write(fd, block.data, block.size), block.size);
	close(fd);
	buffer__free(&header);
	buffer__free(&block);
}

static void expect_order(const char *path, const uint64_t *bigs, size_t count)
{
	struct merge *merge = open_merge(path);
	struct record record;
	size_t n = 0;

	while (merge__next(merge, &record) == 1) {
		if (record.kind == RECORD_LOST)
			continue; /* these streams have no end */
		assert_true(n < count);
		assert_int_equal(record_big(&record), bigs[n++]);
	}
	assert_int_equal(n, count);
	merge__free(merge);
}

/* Two hosts whose boot clocks have nothing in common: real time decides. */
static void hosts_by_real_time(void **state)
{
	static const uint64_t one[] = {1000, 3000, 5000}, two[] = {900002000, 900004000, 900006000};
	static const uint64_t order[] = {1000, 900002000, 3000, 900004000, 5000, 900006000};
	const struct folder *folder = *state;

	write_boot(folder, "one", '1', 500, 1700000000000000500, one, 3);
	write_boot(folder, "two", '2', 900000500, 1700000000000000500, two, 3);
	expect_order(folder->path, order, 6);
}

/* Two streams of one boot, the clock set by an hour between their openings: the boot clock decides. */
static void a_boot_by_its_boot_clock(void **state)
{
	static const uint64_t one[] = {1000, 3000, 5000}, two[] = {2000, 4000, 6000};
	static const uint64_t order[] = {1000, 2000, 3000, 4000, 5000, 6000};
	const struct folder *folder = *state;

	write_boot(folder, "one", '1', 500, 1700000000000000500, one, 3);
	write_boot(folder, "two", '1', 600, 1700003600000000600, two, 3);
	expect_order(folder->path, order, 6);
}

/* The two looks at the clocks differ by 300 ns: the times that are shown still follow the order. */
static void times_follow_the_order(void **state)
{
	static const uint64_t one[] = {1000, 1200}, two[] = {1100, 1300};
	const struct folder *folder = *state;
	struct merge *merge;
	struct record record;
	int64_t last = 0;

	write_boot(folder, "one", '1', 500, 1700000000000000500, one, 2);
	write_boot(folder, "two", '1', 600, 1700000000000000900, two, 2);
	merge = open_merge(folder->path);
	while (merge__next(merge, &record) == 1) {
		assert_true(record.real_ns >= last);
		last = record.real_ns;
	}
	assert_int_equal(last, 1700000000000001300);
	merge__free(merge);
}

static void folders_of_all_kinds(void **state)
{
	const struct folder *folder = *state;
	struct merge *merge = merge__new(NULL, NULL);
	struct error err;
	char path[512];
	int fd;

	assert_non_null(merge);
	assert_int_equal(merge__add(merge, folder->path, &err), -ENOENT);
	assert_non_null(strstr(err.text, folder->path));
	snprintf(path, sizeof(path), "%s/none", folder->path);
	assert_int_equal(merge__add(merge, path, &err), -ENOENT);

	/* one unreadable stream does not hide the others */
	fd = openat(folder->fd, "bad.msgpack", O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "junk", 4), 4);
	close(fd);
	assert_int_equal(merge__add(merge, folder->path, &err), -EBADMSG);
	merge__free(merge);
	stream_writer__close(open_writer(folder, "good"));
	close(openat(folder->fd, "notes.txt", O_WRONLY | O_CREAT, 0600));
	merge = open_merge(folder->path);
	assert_int_equal(notes[MERGE_LEFT_OUT], 1);
	assert_int_equal(merge__streams(merge), 1);
	merge__free(merge);

	/* a link to a run, as runs/latest; both together would count everything twice */
	snprintf(path, sizeof(path), "%s/latest", folder->path);
	assert_int_equal(symlink(folder->path, path), 0);
	merge = open_merge(path);
	assert_int_equal(merge__streams(merge), 1);
	assert_int_equal(merge__add(merge, folder->path, &err), 0);
	assert_int_equal(notes[MERGE_COPY], 1);
	assert_int_equal(merge__streams(merge), 1);
	merge__free(merge);
}

static struct filter_opts filter_opts(const char **events, const char *since, const char *until)
{
	static const char *none[] = {NULL};

	return (struct filter_opts){none, events ? events : none, since, until};
}

static size_t count_filtered(const struct folder *folder, const struct filter_opts *opts, size_t *lost)
{
	struct merge *merge = open_merge(folder->path);
	struct filter filter;
	struct record record;
	size_t n = 0;
	struct error err;

	if (filter__init(&filter, merge, opts, &err))
		fail_msg("%s", err.text);
	*lost = 0;
	while (merge__next(merge, &record) == 1) {
		if (!filter__record(&filter, &record))
			continue;
		if (record.kind == RECORD_LOST)
			++*lost;
		else
			n++;
	}
	filter__free(&filter);
	merge__free(merge);
	return n;
}

static void filters(void **state)
{
	static const uint64_t ts[] = {500, 1000000500, 2000000500, 90000000500};
	const char *first[] = {"first", NULL}, *third[] = {"third", NULL}, *full[] = {"one.first", NULL},
		   *stream[] = {"two", NULL}, *lost_only[] = {"lost", NULL};
	const struct folder *folder = *state;
	const struct {
		struct filter_opts opts;
		size_t events;
	} cases[] = {
		{filter_opts(NULL, NULL, NULL), 8},
		{filter_opts(first, NULL, NULL), 8},
		{filter_opts(third, NULL, NULL), 0},
		{filter_opts(full, NULL, NULL), 4},
		{filter_opts(stream, NULL, NULL), 4},
		{filter_opts(lost_only, NULL, NULL), 0},
		{filter_opts(NULL, "1s", NULL), 6},
		{filter_opts(NULL, "1", "2s"), 4},
		{filter_opts(NULL, NULL, "1m"), 6},
		{filter_opts(NULL, "2023-11-14T22:13:21Z", NULL), 6},
		{filter_opts(NULL, "2023-11-14T23:13:21.000000001+01:00", NULL), 6},
		{filter_opts(NULL, "2023-11-14T23:13:21.000000501+01:00", NULL), 4},
		{filter_opts(NULL, NULL, "2023-11-14 17:13:21.5-05:00"), 4},
	};
	size_t i, lost;

	write_boot(folder, "one", '1', 500, 1700000000000000500, ts, 4);
	write_boot(folder, "two", '1', 500, 1700000000000000500, ts, 4);
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (count_filtered(folder, &cases[i].opts, &lost) != cases[i].events)
			fail_msg("case %zu", i);
		assert_int_equal(lost, 2); /* both have no end: never hidden */
	}
}

static void filters_that_mean_nothing(void **state)
{
	static const char *const times[] = {
		"yesterday", "5x",	  "", "2023-13-14T22:13:21Z", "2023-11-14T22:13:21", "2023-11-14T22:13:21Zx",
		"-5s",	     "2023-11-14"};
	const char *unknown[] = {"frist", NULL}, *runs[] = {"run-8", NULL}, *none[] = {NULL};
	const struct folder *folder = *state;
	struct filter_opts opts = filter_opts(unknown, NULL, NULL);
	struct filter filter;
	struct merge *merge;
	struct error err;
	size_t i;

	stream_writer__close(open_writer(folder, "one"));
	merge = open_merge(folder->path);
	assert_int_equal(filter__init(&filter, merge, &opts, &err), -EINVAL);
	assert_non_null(strstr(err.text, "\"first\""));
	filter__free(&filter);
	opts = (struct filter_opts){.runs = runs, .events = none};
	assert_int_equal(filter__init(&filter, merge, &opts, &err), -EINVAL);
	assert_non_null(strstr(err.text, "\"run-7\""));
	filter__free(&filter);
	for (i = 0; i < sizeof(times) / sizeof(*times); i++) {
		opts = filter_opts(NULL, times[i], NULL);
		if (filter__init(&filter, merge, &opts, &err) != -EINVAL)
			fail_msg("\"%s\" is taken for a time", times[i]);
		filter__free(&filter);
	}
	merge__free(merge);
}

/* Writes `count` records, and says what is safe in the sink before the last flush and after it. */
static int feed_sink(const char *plugins, const struct folder *folder, const char *spec, uint64_t safe[2])
{
	struct merge *merge = open_merge(folder->path);
	struct filter_opts opts = {.runs = (const char *[]){NULL}, .events = (const char *[]){NULL}};
	struct sinks sinks = {0};
	struct filter filter;
	struct record record;
	struct error err;
	int rc;

	assert_int_equal(filter__init(&filter, merge, &opts, &err), 0);
	if (sinks__add(&sinks, plugins, spec, &err))
		fail_msg("%s", err.text);
	assert_int_equal(sinks__open(&sinks, -1, merge, &filter), 0);
	assert_int_equal(sinks__delivered(&sinks, 0), 0);
	while (merge__next(merge, &record) == 1)
		assert_int_equal(sinks__write(&sinks, &record), 0);
	safe[0] = sinks__delivered(&sinks, 0);
	rc = sinks__finish(&sinks, merge, &filter);
	safe[1] = sinks__delivered(&sinks, 0);
	sinks__close(&sinks);
	filter__free(&filter);
	merge__free(merge);
	return rc;
}

/* A sink says itself what is safe, or all is after a flush that worked. */
static void records_are_delivered(void **state)
{
	const char *cc = getenv("CC"), *srcdir = getenv("srcdir");
	const struct folder *folder = *state;
	char plugins[] = "/tmp/test_merge.XXXXXX", command[1024];
	struct stream_writer *w = open_writer(folder, "a");
	uint64_t safe[2];

	for (int i = 0; i < 10; i++)
		write_event(w, TS + i, i);
	stream_writer__close(w);
	assert_non_null(mkdtemp(plugins));
	snprintf(command, sizeof(command),
		 "umask 022; chmod 755 %s; mkdir %s/sinks; "
		 "%s -std=gnu11 -shared -fPIC -I%s -o %s/sinks/delivered.so %s/tests/unit/plugins/delivered.c",
		 plugins, plugins, cc ? cc : "cc", srcdir ? srcdir : ".", plugins, srcdir ? srcdir : ".");
	assert_int_equal(system(command), 0);
	assert_int_equal(feed_sink(plugins, folder, "delivered:held=3", safe), 0);
	assert_int_equal(safe[0], 7);
	assert_int_equal(safe[1], 7);
	assert_int_equal(feed_sink(plugins, folder, "delivered:held=3,fail=true", safe), -EIO);
	assert_int_equal(safe[1], 7);
	assert_int_equal(feed_sink(plugins, folder, "delivered", safe), 0);
	assert_int_equal(safe[0], 0);
	assert_int_equal(safe[1], 10);
	assert_int_equal(feed_sink(plugins, folder, "delivered:fail=true", safe), -EIO);
	assert_int_equal(safe[1], 0);
	snprintf(command, sizeof(command), "rm -r %s", plugins);
	assert_int_equal(system(command), 0);
}

/* What the reader gets as a descriptor it does not open, and closes in any case. */
static void streams_by_descriptor(void **state)
{
	const struct folder *folder = *state;
	struct stream_writer *w = open_writer(folder, "a");
	struct merge *merge = merge__new(NULL, NULL);
	struct record record;
	struct error err;
	int fd;

	write_event(w, TS, 7);
	stream_writer__close(w);
	fd = openat(folder->fd, "a" STREAM_SUFFIX, O_RDONLY | O_CLOEXEC);
	assert_int_equal(unlinkat(folder->fd, "a" STREAM_SUFFIX, 0), 0);
	assert_int_equal(merge__add_fd(merge, fd, "stream of ours", &err), 0);
	assert_string_equal(merge__info(merge, 0)->path, "stream of ours");
	assert_int_equal(merge__next(merge, &record), 1);
	assert_int_equal(record_big(&record), 7);
	fd = openat(folder->fd, ".", O_RDONLY | O_CLOEXEC);
	assert_int_equal(merge__add_fd(merge, fd, "a folder", &err), -EINVAL);
	assert_string_equal(err.text, "not a regular file");
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	merge__free(merge);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		cmocka_unit_test(a_heap_is_sorted_and_stable),
		TEST(by_time_then_stream_then_sequence),
		TEST(hosts_by_real_time),
		TEST(a_boot_by_its_boot_clock),
		TEST(times_follow_the_order),
		TEST(folders_of_all_kinds),
		TEST(filters),
		TEST(filters_that_mean_nothing),
		TEST(records_are_delivered),
		TEST(streams_by_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
