/* SPDX-License-Identifier: BSD-2-Clause */
/* core/rotate: files of segments are made in the run's folder and nowhere else, and only what is delivered goes. */
#include "core/resume/resume.h"
#include "core/rotate/rotate.h"
#include "core/text.h"
#include "tests/unit/stream_folder.h"

#define RUN 7
#define MADE 0 /* number of the stream */

static const char *const streams[] = {"made", "other"};
static const struct rotate_owner owner = {(uid_t)-1, (gid_t)-1, 0600};

static struct rotate_run *add(const struct folder *folder)
{
	struct rotate_run *runs = NULL;

	assert_int_equal(rotate__add(&runs, RUN, "run-7", folder->fd, streams, 2), 0);
	return runs;
}

static ino_t inode_of(const struct folder *folder, const char *name)
{
	struct stat st;

	return fstatat(folder->fd, name, &st, AT_SYMLINK_NOFOLLOW) ? 0 : st.st_ino;
}

static void files(void **state)
{
	struct folder *folder = *state;
	struct rotate_run *runs = add(folder);
	int fd = rotate__make(runs, RUN, MADE, 2, &owner), again;
	ino_t inode = inode_of(folder, "made.2.msgpack");

	assert_true(fd >= 0 && inode);
	again = rotate__make(runs, RUN, MADE, 2, &owner); /* the reply was lost: the same one */
	assert_true(again >= 0);
	assert_int_equal(inode_of(folder, "made.2.msgpack"), inode);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(rotate__make(runs, RUN, MADE, 2, &owner), -EEXIST); /* taken */
	close(again);
	close(fd);
	fd = rotate__make(runs, RUN, MADE, 3, &owner);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(rotate__make(runs, RUN, MADE, 2, &owner), -EINVAL);
	assert_int_equal(rotate__make(runs, RUN, MADE, 1, &owner), -EINVAL);
	assert_int_equal(rotate__make(runs, RUN, 2, 2, &owner), -ENOENT);
	assert_int_equal(rotate__make(runs, RUN + 1, MADE, 2, &owner), -ENOENT);
	rotate__end(&runs, RUN + 1);
	rotate__end(&runs, RUN);
	assert_null(runs);
	assert_true(inode_of(folder, "made.2.msgpack"));
	assert_false(inode_of(folder, "made.3.msgpack")); /* was never written */
}

/* Of the folder's owner. */
static void traps(void **state)
{
	struct folder *folder = *state;
	struct rotate_run *runs = add(folder);
	int fd = openat(folder->fd, "target", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_int_equal(symlinkat("target", folder->fd, "made.2.msgpack"), 0);
	assert_int_equal(rotate__make(runs, RUN, MADE, 2, &owner), -EEXIST);
	assert_int_equal(linkat(folder->fd, "target", folder->fd, "other.2.msgpack", 0), 0);
	assert_int_equal(rotate__make(runs, RUN, 1, 2, &owner), -EEXIST);
	rotate__free(runs);
	assert_true(inode_of(folder, "target") && inode_of(folder, "other.2.msgpack"));
	close(fd);
}

/* ---- space ---- */

static int write_event(struct stream_writer *w, uint64_t ts)
{
	struct made_event e;

	made__init(&e, ts);
	return stream_writer__event(w, &e.head, sizeof(e));
}

static void cut(struct rotate_run *runs, struct stream_writer *w)
{
	const struct stream_writer_opts opts = made__opts("made");
	int last = stream_writer__go_on(w, rotate__make(runs, RUN, MADE, stream_writer__segment(w) + 1, &owner), &opts);

	assert_true(last >= 0);
	close(last);
}

/* The cursor of a sink's follower, at the begin of that segment; `wrong`: of another run of this name. */
static void save(const struct folder *folder, const char *sink, uint32_t segment, bool wrong)
{
	struct resume_stream stream = {.name = "made", .position.next = {STREAM_NO_BLOCK, STREAM_NO_BLOCK}};
	struct resume_point point = {.streams = &stream, .count = 1};
	const struct resume_key key = {.sink = sink, .host = "host", .run = "run-7"};
	char path[512], name[STREAM_FILE_NAME], command[1200];
	struct stream_reader *reader;
	struct text text = {0};
	struct error err;
	int fd;

	stream_file__name(name, "made", segment);
	snprintf(path, sizeof(path), "%s/%s", folder->path, name);
	assert_int_equal(stream_reader__open(&reader, path, &err), 0);
	strcpy(stream.marker, stream_reader__info(reader)->marker);
	stream.marker[0] = wrong ? stream.marker[0] ^ 1 : stream.marker[0];
	stream.position.at.segment = segment;
	stream_reader__close(reader);
	resume_point__put(&text, &key, &point);
	snprintf(path, sizeof(path), "%s/%s/cursors/%s/host", folder->path, sink, sink);
	snprintf(command, sizeof(command), "mkdir -p '%s'", path);
	assert_int_equal(system(command), 0);
	strcat(path, "/run-7");
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, text.data, text.size), text.size);
	close(fd);
	text__free(&text);
}

static off_t size_of(const struct folder *folder, const char *name)
{
	struct stat st;

	assert_int_equal(fstatat(folder->fd, name, &st, 0), 0);
	return st.st_size;
}

/* Four segments; sinks get on one after the other. */
static void space(void **state)
{
	static const char *const sinks[] = {"one", "two"};
	struct folder *folder = *state;
	struct delivered delivered = {.folder = folder->path, .sinks = sinks, .count = 2};
	struct rotate_run *runs = add(folder);
	struct stream_writer *w = open_writer(folder, "made");
	off_t first;

	for (unsigned i = 0; i < 40; i++) {
		assert_int_equal(write_event(w, TS + i), 0);
		if (i % 10 != 9)
			continue;
		assert_int_equal(stream_writer__flush(w), 0);
		if (i < 39)
			cut(runs, w);
	}
	first = size_of(folder, "made.msgpack");
	assert_int_equal(rotate__free_space(runs, RUN, &delivered, 1 << 20), 0); /* no follower */
	save(folder, "one", 3, true);
	assert_int_equal(rotate__free_space(runs, RUN, &delivered, 1 << 20), 0);
	save(folder, "one", 3, false);
	save(folder, "two", 2, false);
	assert_int_equal(rotate__free_space(runs, RUN + 1, &delivered, 1 << 20), 0);
	assert_true(rotate__free_space(runs, RUN, &delivered, 1 << 20) > 0);
	assert_true(size_of(folder, "made.msgpack") < first);
	assert_int_equal(size_of(folder, "made.2.msgpack"), size_of(folder, "made.3.msgpack"));
	assert_int_equal(rotate__free_space(runs, RUN, &delivered, 1 << 20), 0); /* nothing new */
	save(folder, "two", 4, false);
	save(folder, "one", 4, false);
	assert_true(rotate__free_space(runs, RUN, &delivered, 1) > 0); /* no more than is needed */
	assert_true(size_of(folder, "made.2.msgpack") < size_of(folder, "made.3.msgpack"));
	assert_int_equal(stream_writer__close(w), 0);
	rotate__free(runs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(files, setup, teardown),
		cmocka_unit_test_setup_teardown(traps, setup, teardown),
		cmocka_unit_test_setup_teardown(space, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
