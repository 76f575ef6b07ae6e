/* SPDX-License-Identifier: BSD-2-Clause */
/* core/stream_*: what is written is read; what is damaged is told, and never delivered. */
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "core/stream.h"
#include "tests/unit/stream_delivered.h"

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

/* A sync that fails after the end is noted all the same: what follows the first end is a stream, with an end. */
static void a_failed_sync_is_noted_after_the_end(void **state)
{
	struct stream_writer *w = open_writer(*state, "made");
	struct delivered d;

	assert_int_equal(write_event(w, 0, TS), 0);
	assert_int_equal(stream_writer__sync(w), 0);
	assert_int_equal(stream_writer__end(w), 0);
	assert_int_equal(stream_writer__end(w), 0);
	deliver_file(*state, "made.msgpack", &d);
	assert_int_equal(d.events, 1);
	assert_true(d.state.complete && !d.lost_records && !d.state.uncounted);
	assert_int_equal(stream_writer__unsynced(w, -EIO, TS), 0);
	assert_int_equal(stream_writer__close(w), 0);
	deliver_file(*state, "made.msgpack", &d);
	assert_int_equal(d.events, 1);
	assert_true(d.state.complete && d.lost_unknown);
	assert_int_equal(d.lost_records, 1);
	assert_int_equal(d.state.uncounted, 1);
	assert_int_equal(d.state.damaged_bytes, 0);
	assert_int_equal(d.lost_since, TS);
	assert_string_equal(d.cause, "EIO");
}

static bool hide_ls(void *arg, enum record_place place, const char **text, size_t *length)
{
	(void)arg;
	if (place != RECORD_LIST_FIRST || *length != 2)
		return false;
	*text = "***";
	*length = 3;
	return true;
}

/* The end counts what was hidden in the records that are in the file: not in one that was too long for a block. */
static void the_end_counts_what_was_hidden(void **state)
{
	const struct folder *folder = *state;
	struct stream_writer_opts opts = made__opts("made");
	struct stream_writer *w;
	struct delivered d;
	struct made_event *e = calloc(1, 20 << 20);
	unsigned i;

	opts.privacy.filter = hide_ls;
	assert_int_equal(stream_writer__open(&w, folder->fd, &opts), 0);
	for (i = 0; i < 3000; i++)
		assert_int_equal(write_event(w, i, TS + i), 0);
	made__init(e, TS);
	e->text = (struct event_string){sizeof(*e), (20 << 20) - sizeof(*e), 0};
	assert_int_equal(stream_writer__event(w, &e->head, 20 << 20), -EMSGSIZE);
	free(e);
	assert_int_equal(stream_writer__close(w), 0);
	deliver_file(folder, "made.msgpack", &d);
	assert_int_equal(d.state.records, 3000);
	assert_int_equal(d.state.redacted, 3000);
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
	assert_string_equal(info->streams[0], "made");
	assert_string_equal(info->streams[1], "other");
	assert_null(info->streams[2]);
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
	struct stream_writer *w;
	struct delivered d;
	int status;
	unsigned i;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		w = open_writer(*state, "made");
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
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(what_is_written_is_read),
		TEST(a_failed_sync_is_noted_after_the_end),
		TEST(the_end_counts_what_was_hidden),
		TEST(the_header_tells_all),
		TEST(a_stream_is_never_overwritten),
		TEST(sorts_inside_its_window),
		TEST(what_comes_too_late_is_counted),
		TEST(equal_times_keep_their_sequence),
		TEST(an_event_of_six_megabytes),
		TEST(events_that_are_none),
		TEST(a_file_that_may_not_grow),
		TEST(a_refused_block_leaves_nothing),
		TEST(a_killed_writer),
		TEST(a_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
