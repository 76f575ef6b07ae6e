/* SPDX-License-Identifier: BSD-2-Clause */
/* The runs on disk without a daemon: made-up ones, of which the store removes those that it may. */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/resume/resume.h"
#include "core/runs/runs.h"
#include "tests/unit/stream_folder.h"

#define A "run-20260101T000000Z"
#define B "run-20260101T000000Z-2"
#define C "run-20260102T000000Z"
#define DAYS(n) ((n)*86400)

static char *path_of(const struct folder *folder, const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", folder->path, name);
	return path;
}

static struct stream_writer *begin_run(const struct folder *folder, const char *name, const char *id, uint32_t uid)
{
	struct stream_writer_opts opts = made__opts("made");
	struct stream_writer *w;
	int fd;

	opts.run.id = id;
	opts.run.uid = uid;
	assert_int_equal(mkdirat(folder->fd, name, 0755), 0);
	fd = openat(folder->fd, name, O_RDONLY | O_DIRECTORY);
	assert_true(fd >= 0);
	assert_int_equal(stream_writer__open(&w, fd, &opts), 0);
	close(fd);
	return w;
}

static void touch(const struct folder *folder, const char *name, time_t ago)
{
	const struct timespec at = {.tv_sec = time(NULL) - ago};

	assert_int_equal(utimensat(folder->fd, name, (const struct timespec[]){at, at}, AT_SYMLINK_NOFOLLOW), 0);
}

static void make_run(const struct folder *folder, const char *name, time_t ago)
{
	char file[128];

	assert_int_equal(stream_writer__close(begin_run(folder, name, name, 7)), 0);
	snprintf(file, sizeof(file), "%s/made.msgpack", name);
	touch(folder, file, ago);
}

static bool is_there(const struct folder *folder, const char *name)
{
	struct stat st;

	return !fstatat(folder->fd, name, &st, AT_SYMLINK_NOFOLLOW);
}

static struct store *work_for(const struct folder *folder, struct retention_limits limits, struct delivered *delivered)
{
	struct store *store = store__new(folder->path, &limits, delivered);

	assert_non_null(store);
	for (int i = 0; i < 1000 && store__work(store) == 1; i++)
		;
	return store;
}

static struct store *work(const struct folder *folder, struct retention_limits limits)
{
	return work_for(folder, limits, NULL);
}

static void the_oldest_go(void **state)
{
	make_run(*state, A, 30);
	make_run(*state, B, 10);
	make_run(*state, C, 20);
	store__free(work(*state, (struct retention_limits){.runs = 1}));
	assert_false(is_there(*state, A));
	assert_true(is_there(*state, B));
	assert_false(is_there(*state, C));
}

static void what_is_written_stays(void **state)
{
	struct stream_writer *w = begin_run(*state, A, A, 7);
	struct store *store;

	touch(*state, A "/made.msgpack", DAYS(100));
	make_run(*state, B, DAYS(100));
	store__free(work(*state, (struct retention_limits){.age = 1}));
	assert_true(is_there(*state, A "/made.msgpack"));
	assert_false(is_there(*state, B));
	/* nor is there anything else to remove: the caller is to stop recording */
	store = work(*state, (struct retention_limits){.total = 1});
	assert_true(store__is_full(store));
	store__free(store);
	assert_int_equal(stream_writer__close(w), 0);
	touch(*state, A "/made.msgpack", DAYS(1));
	store = work(*state, (struct retention_limits){.total = 1});
	assert_false(store__is_full(store));
	store__free(store);
	assert_false(is_there(*state, A));
}

/* A stream without a header: nobody can be asked whether it will get one. */
static void an_empty_stream_stays_for_a_day(void **state)
{
	const struct folder *folder = *state;

	for (int i = 0; i < 2; i++) {
		assert_int_equal(mkdir(path_of(folder, i ? B : A), 0755), 0);
		close(openat(folder->fd, i ? B "/made.msgpack" : A "/made.msgpack", O_CREAT | O_WRONLY, 0644));
	}
	touch(folder, A "/made.msgpack", DAYS(1) - 60);
	touch(folder, B "/made.msgpack", DAYS(1) + 60);
	store__free(work(folder, (struct retention_limits){.age = 1}));
	assert_true(is_there(folder, A));
	assert_false(is_there(folder, B));
}

/* A run that was being opened when the collector was killed. */
static void a_folder_without_its_name_goes(void **state)
{
	const struct folder *folder = *state;

	assert_int_equal(stream_writer__close(begin_run(folder, "." A, A, 7)), 0);
	touch(folder, "." A "/made.msgpack", 100);
	make_run(folder, B, 50);
	make_run(folder, C, 100);
	assert_int_equal(store_run__link_latest(folder->fd, C), 0);
	store__free(work(folder, (struct retention_limits){.age = 90000000000}));
	assert_false(is_there(folder, "." A));
	assert_true(is_there(folder, B) && is_there(folder, STREAM_LATEST));
}

static void only_runs_go(void **state)
{
	const struct folder *folder = *state;
	struct folder other;

	other.fd = made__folder(other.path, sizeof(other.path));
	make_run(&other, "run", 100);
	make_run(folder, A, 100);
	close(openat(folder->fd, A "/keep", O_CREAT | O_WRONLY, 0644));
	assert_int_equal(symlinkat(other.path, folder->fd, B), 0);
	/* a copy of a run under another name */
	assert_int_equal(stream_writer__close(begin_run(folder, C, A, 7)), 0);
	touch(folder, C "/made.msgpack", 100);
	store__free(work(folder, (struct retention_limits){.age = 1}));
	assert_true(is_there(folder, A "/made.msgpack") && is_there(folder, A "/keep"));
	assert_true(is_there(folder, B) && is_there(&other, "run/made.msgpack"));
	assert_true(is_there(folder, C "/made.msgpack"));
	close(other.fd);
	made__remove(other.path);
}

static void outputs_go_with_the_run(void **state)
{
	const struct folder *folder = *state;

	make_run(folder, A, 100);
	close(openat(folder->fd, A "/merged.html", O_CREAT | O_WRONLY, 0644));
	assert_int_equal(mkdir(path_of(folder, A "/.tables"), 0755), 0);
	close(openat(folder->fd, A "/.tables/images.parquet", O_CREAT | O_WRONLY, 0644));
	close(openat(folder->fd, A "/.tables.lock", O_CREAT | O_WRONLY, 0600));
	make_run(folder, B, 100);
	assert_int_equal(mkdir(path_of(folder, B "/.tables"), 0755), 0);
	close(openat(folder->fd, B "/.tables/notes.txt", O_CREAT | O_WRONLY, 0644));
	store__free(work(folder, (struct retention_limits){.age = 1}));
	assert_false(is_there(folder, A));
	assert_true(is_there(folder, B "/.tables/notes.txt") && is_there(folder, B "/made.msgpack"));
}

static void latest_moves(void **state)
{
	const struct folder *folder = *state;
	char target[64] = "";

	make_run(folder, A, 10);
	make_run(folder, B, 20);
	make_run(folder, C, 30);
	assert_int_equal(store_run__link_latest(folder->fd, C), 0);
	store__free(work(folder, (struct retention_limits){.runs = 2}));
	assert_true(readlinkat(folder->fd, STREAM_LATEST, target, sizeof(target) - 1) > 0);
	assert_string_equal(target, B); /* the last by the time of its begin */
	store__free(work(folder, (struct retention_limits){.age = 1}));
	assert_false(is_there(folder, STREAM_LATEST));
}

/* The cursor of a follower, which has so much of a run; `stream`: NULL for the run's own. */
static void deliver(const struct folder *folder, const char *name, const char *stream, bool ended)
{
	struct resume_stream place = {.marker = ""};
	struct resume_point point = {.ended = ended, .streams = &place, .count = 1};
	struct resume resume;
	struct stream_reader *reader;
	char file[512];
	struct error err;

	snprintf(file, sizeof(file), "%s/%s/made.msgpack", folder->path, name);
	assert_int_equal(stream_reader__open(&reader, file, &err), 0);
	snprintf(place.marker, sizeof(place.marker), "%s", stream ? stream : stream_reader__info(reader)->marker);
	assert_int_equal(resume__open(&resume, path_of(folder, "state/jsonl/cursors"), "jsonl", NULL, &err), 0);
	assert_int_equal(resume__save(&resume, stream_reader__info(reader), &point), 0);
	resume__close(&resume);
	stream_reader__close(reader);
}

static void what_is_not_delivered_stays(void **state)
{
	static const char *const sinks[] = {"other", "jsonl"};
	const struct folder *folder = *state;
	char followers[512];
	struct delivered delivered = {followers, sinks, 2, false};
	struct store *store;

	snprintf(followers, sizeof(followers), "%s", path_of(folder, "state"));
	make_run(folder, A, 30);
	make_run(folder, B, 20);
	make_run(folder, C, 10);
	assert_int_equal(mkdir(followers, 0755), 0);
	assert_int_equal(mkdir(path_of(folder, "state/jsonl"), 0755), 0);
	deliver(folder, A, NULL, false);
	deliver(folder, B, NULL, true);
	deliver(folder, C, "0123456789abcdef0123456789abcdef", true); /* of another run of this name */
	store = work_for(folder, (struct retention_limits){.runs = 1}, &delivered);
	assert_true(is_there(folder, A) && is_there(folder, C));
	assert_false(is_there(folder, B));
	assert_string_equal(store__waits_for(store), "jsonl");
	assert_string_equal(store__refuses(store, 7), "limits.runs");
	assert_int_equal(store__undelivered(store), 0);
	store__free(store);
	deliver(folder, A, NULL, true);
	store__free(work_for(folder, (struct retention_limits){.total = 1}, &delivered));
	assert_false(is_there(folder, A));
	store = work_for(folder, (struct retention_limits){.total = 1, .drop_undelivered = true}, &delivered);
	assert_false(is_there(folder, C));
	assert_int_equal(store__undelivered(store), 1);
	store__free(store);
}

/* Without a follower ever, and with one whose cursors cannot be read. */
static void a_sink_is_waited_for_once_it_is_followed(void **state)
{
	static const char *const sinks[] = {"jsonl"};
	const struct folder *folder = *state;
	char followers[512];
	struct delivered delivered = {followers, sinks, 1, false};

	snprintf(followers, sizeof(followers), "%s", path_of(folder, "state"));
	make_run(folder, A, 30);
	make_run(folder, B, 20);
	store__free(work_for(folder, (struct retention_limits){.runs = 1}, &delivered));
	assert_false(is_there(folder, A));
	assert_int_equal(mkdir(followers, 0755), 0);
	assert_int_equal(mkdir(path_of(folder, "state/jsonl"), 0755), 0);
	close(openat(folder->fd, "state/jsonl/cursors", O_CREAT | O_WRONLY, 0644));
	store__free(work_for(folder, (struct retention_limits){.age = 1}, &delivered));
	assert_true(is_there(folder, B) && delivered.failed);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_oldest_go, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_written_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(an_empty_stream_stays_for_a_day, setup, teardown),
		cmocka_unit_test_setup_teardown(a_folder_without_its_name_goes, setup, teardown),
		cmocka_unit_test_setup_teardown(only_runs_go, setup, teardown),
		cmocka_unit_test_setup_teardown(outputs_go_with_the_run, setup, teardown),
		cmocka_unit_test_setup_teardown(latest_moves, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_not_delivered_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(a_sink_is_waited_for_once_it_is_followed, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
