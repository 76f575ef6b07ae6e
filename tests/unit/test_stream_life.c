/* SPDX-License-Identifier: BSD-2-Clause */
/* core/stream: whether a stream is still written, by the lock of its writer. */
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "core/base/base.h"
#include "core/pack.h"
#include "core/stream/stream_block.h"
#include "core/stream/stream_lock.h"
#include "tests/unit/stream_delivered.h"

#define FILE_NAME "made.msgpack"

static struct stream_writer *begin_stream(const struct folder *folder, unsigned events)
{
	struct stream_writer *w = open_writer(folder, "made");

	for (unsigned i = 0; i < events; i++)
		assert_int_equal(write_event(w, i, TS + i), 0);
	assert_int_equal(stream_writer__flush(w), 0);
	return w;
}

/* Writes a stream in a process that is killed before its end. */
static void kill_writer(const struct folder *folder, unsigned events)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		begin_stream(folder, events);
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static int open_file(const struct folder *folder, int flags)
{
	int fd = openat(folder->fd, FILE_NAME, flags | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void append(const struct folder *folder, const void *bytes, size_t size)
{
	int fd = open_file(folder, O_WRONLY | O_APPEND);

	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
}

static void copy(const struct folder *folder, const char *to)
{
	size_t size = 0;
	uint8_t *bytes = made__read(folder->fd, FILE_NAME, &size);
	int fd = openat(folder->fd, to, O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_non_null(bytes);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
	free(bytes);
}

static void expect_unfinished(const struct delivered *d, uint64_t events, enum stream_life life)
{
	assert_int_equal(d->events, events);
	assert_int_equal(d->state.life, life);
	assert_false(d->state.complete);
	assert_int_equal(d->lost_records, 1);
	assert_string_equal(d->cause, "truncated");
}

/* What is written so far, without a loss: all that is missing is still to come. */
static void a_stream_that_is_written(void **state)
{
	uint64_t before = clock__boot();
	struct stream_writer *w = begin_stream(*state, 10);
	struct delivered d;

	write_event(w, 10, TS + 10); /* in memory */
	deliver_file(*state, FILE_NAME, &d);
	assert_int_equal(d.events, 10);
	assert_int_equal(d.lost_records, 0);
	assert_int_equal(d.state.life, STREAM_RUNNING);
	assert_true(d.state.until_ns >= before && d.state.until_ns <= clock__boot());
	assert_int_equal(stream_writer__close(w), 0);
	deliver_file(*state, FILE_NAME, &d);
	assert_int_equal(d.events, 11);
	assert_int_equal(d.state.life, STREAM_ENDED);
}

/* A block that is being written may end anywhere: that is no damage. */
static void half_a_block(void **state)
{
	const struct folder *folder = *state;
	struct stream_writer *w = begin_stream(folder, 10);
	size_t before = 0, size = 0;
	struct delivered d;
	int fd = open_file(folder, O_WRONLY);

	free(made__read(folder->fd, FILE_NAME, &before));
	for (unsigned i = 10; i < 20; i++)
		assert_int_equal(write_event(w, i, TS + i), 0);
	assert_int_equal(stream_writer__flush(w), 0);
	free(made__read(folder->fd, FILE_NAME, &size));
	while (--size > before) {
		assert_int_equal(ftruncate(fd, size), 0);
		deliver_file(folder, FILE_NAME, &d);
		assert_int_equal(d.events, 10);
		assert_int_equal(d.lost_records, 0);
		assert_int_equal(d.state.damaged_bytes, 0);
		assert_int_equal(d.state.damaged_blocks, 0);
		assert_int_equal(d.state.life, STREAM_RUNNING);
	}
	close(fd);
	stream_writer__close(w);
}

/* Bytes that cannot be the beginning of a block are damage, also while the stream grows. */
static void damage_of_a_stream_that_is_written(void **state)
{
	struct stream_writer *w = begin_stream(*state, 10);
	struct delivered d;

	append(*state, "\xc1\xc1\xc1", 3);
	deliver_file(*state, FILE_NAME, &d);
	assert_int_equal(d.events, 10);
	assert_int_equal(d.state.life, STREAM_RUNNING);
	assert_int_equal(d.lost_records, 1);
	assert_string_equal(d.cause, "damage");
	assert_int_equal(d.state.damaged_bytes, 3);
	stream_writer__close(w);
}

static void a_writer_that_was_killed(void **state)
{
	struct delivered d;

	kill_writer(*state, 10);
	deliver_file(*state, FILE_NAME, &d);
	expect_unfinished(&d, 10, STREAM_CRASHED);
	append(*state, "\x9e\x10\xcf", 3); /* half a block */
	deliver_file(*state, FILE_NAME, &d);
	expect_unfinished(&d, 10, STREAM_CRASHED);
	assert_int_equal(d.state.damaged_bytes, 3);
}

/* A copy has no lock: nothing is known of the writer, whether it lives or not. */
static void copies(void **state)
{
	struct stream_writer *w = begin_stream(*state, 10);
	struct delivered d;

	copy(*state, "of-running.msgpack");
	deliver_file(*state, "of-running.msgpack", &d);
	expect_unfinished(&d, 10, STREAM_UNKNOWN);
	stream_writer__close(w);
	copy(*state, "of-ended.msgpack");
	deliver_file(*state, "of-ended.msgpack", &d);
	assert_int_equal(d.state.life, STREAM_ENDED);
	unlinkat(((struct folder *)*state)->fd, FILE_NAME, 0);
	kill_writer(*state, 10);
	copy(*state, "of-crashed.msgpack");
	deliver_file(*state, "of-crashed.msgpack", &d);
	expect_unfinished(&d, 10, STREAM_UNKNOWN);
}

/* The same file with another boot id in its header, as a disk that was moved has, or this host after a restart. */
static void of_another_boot(void **state)
{
	static const char key[] = "\xa7"
				  "boot_id\xd9\x24";
	struct event head = {.ts = clock__boot(), .run = 7};
	struct stream_sync sync = {0};
	struct buffer header = {0};
	struct delivered d;
	struct cursor c;
	uint8_t *bytes, *id;
	size_t size = 0;
	int fd;

	kill_writer(*state, 10);
	bytes = made__read(((struct folder *)*state)->fd, FILE_NAME, &size);
	assert_non_null(bytes);
	id = memmem(bytes, size, key, sizeof(key) - 1);
	assert_non_null(id);
	memset(id + sizeof(key) - 1, '0', 36);
	c = (struct cursor){bytes, bytes + size};
	assert_int_equal(cursor__skip(&c), 1);
	assert_int_equal(buffer__append(&header, bytes, c.at - bytes), 0);
	id = memmem(bytes, size,
		    "\xa6"
		    "marker\xc4\x10",
		    9);
	assert_non_null(id);
	assert_int_equal(stream_sync__pack(&header, id + 9, &head, 0, &sync), 0);
	fd = open_file(*state, O_WRONLY);
	assert_int_equal(pwrite(fd, header.data, header.size, 0), header.size);
	close(fd);
	deliver_file(*state, FILE_NAME, &d);
	expect_unfinished(&d, 10, STREAM_UNKNOWN);
	buffer__free(&header);
	free(bytes);
}

/* A process that was forked and has executed nothing shares the lock: it must not keep it at the end. */
static void a_child_that_outlives_the_writer(void **state)
{
	struct stream_writer *w = begin_stream(*state, 1);
	const struct stream_lock lock = {.inode = 1};
	int fd = open_file(*state, O_RDONLY);
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		pause();
		_exit(0);
	}
	assert_true(stream_lock__is_held(fd));
	assert_false(stream_lock__is_released(fd, &lock, "another boot"));
	assert_int_equal(stream_writer__close(w), 0);
	assert_false(stream_lock__is_held(fd));
	assert_true(stream_lock__is_released(fd, &lock, "another boot"));
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(fd);
}

/* Asking takes nothing: readers do not see each other. */
static void readers_do_not_count(void **state)
{
	struct stream_lock lock, other;
	char boot[STREAM_BOOT_ID];
	struct stat st;
	int a, b;

	kill_writer(*state, 1);
	a = open_file(*state, O_RDONLY);
	b = open_file(*state, O_RDWR);
	stream_boot_id__read(boot);
	assert_int_equal(fstat(a, &st), 0);
	for (int i = 0; i < 2; i++) {
		assert_false(stream_lock__is_held(a));
		assert_false(stream_lock__is_held(b));
	}
	lock = (struct stream_lock){st.st_dev, st.st_ino};
	assert_true(stream_lock__is_meant(a, &lock, boot));
	assert_false(stream_lock__is_meant(a, &lock, ""));
	assert_true(stream_lock__is_released(a, &lock, boot));
	assert_true(stream_lock__is_released(a, &lock, "another boot"));
	other = (struct stream_lock){st.st_dev, st.st_ino + 1};
	assert_false(stream_lock__is_meant(a, &other, boot));
	assert_false(stream_lock__is_released(a, &other, boot));
	other = (struct stream_lock){st.st_dev + 1, st.st_ino};
	assert_false(stream_lock__is_meant(a, &other, boot));
	other = (struct stream_lock){0};
	assert_false(stream_lock__is_meant(a, &other, boot));
	assert_false(stream_lock__is_released(a, &other, "another boot"));
	close(a);
	close(b);
}

/* As a host sees a container's files: the lock is not on the file below the overlay, which has the same inode. With
 * mounts that only this process sees. */
static void below_an_overlay(void **state)
{
	const struct folder *folder = *state;
	struct folder over = {.fd = -1}, below = {.fd = -1};
	char options[1024];
	struct stream_writer *w;
	struct delivered d;

	if (unshare(CLONE_NEWNS) || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", folder->path, "tmpfs", 0, NULL))
		skip();
	snprintf(below.path, sizeof(below.path), "%.200s/upper", folder->path);
	snprintf(over.path, sizeof(over.path), "%.200s/over", folder->path);
	snprintf(options, sizeof(options), "%.200s/lower", folder->path);
	assert_int_equal(mkdir(options, 0700) | mkdir(over.path, 0700) | mkdir(below.path, 0700), 0);
	snprintf(options, sizeof(options), "%.200s/work", folder->path);
	assert_int_equal(mkdir(options, 0700), 0);
	snprintf(options, sizeof(options), "lowerdir=%.200s/lower,upperdir=%.200s,workdir=%.200s/work", folder->path,
		 below.path, folder->path);
	if (mount("none", over.path, "overlay", 0, options)) {
		assert_int_equal(umount(folder->path), 0);
		skip();
	}
	over.fd = open(over.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	w = begin_stream(&over, 10);
	deliver_file(&over, FILE_NAME, &d);
	assert_int_equal(d.state.life, STREAM_RUNNING);
	deliver_file(&below, FILE_NAME, &d);
	expect_unfinished(&d, 10, STREAM_UNKNOWN);
	stream_writer__close(w);
	close(over.fd);
	assert_int_equal(umount(over.path), 0);
	assert_int_equal(umount(folder->path), 0);
}

static void the_greatest_counts(void **state)
{
	(void)state;
	assert_int_equal(stream_life__of_both(STREAM_ENDED, STREAM_RUNNING), STREAM_RUNNING);
	assert_int_equal(stream_life__of_both(STREAM_CRASHED, STREAM_ENDED), STREAM_CRASHED);
	assert_int_equal(stream_life__of_both(STREAM_UNKNOWN, STREAM_CRASHED), STREAM_CRASHED);
	assert_int_equal(stream_life__of_both(STREAM_ENDED, STREAM_ENDED), STREAM_ENDED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(a_stream_that_is_written),
		TEST(half_a_block),
		TEST(damage_of_a_stream_that_is_written),
		TEST(a_writer_that_was_killed),
		TEST(copies),
		TEST(of_another_boot),
		TEST(a_child_that_outlives_the_writer),
		TEST(readers_do_not_count),
		TEST(the_greatest_counts),
		TEST(below_an_overlay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
