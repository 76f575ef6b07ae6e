/* SPDX-License-Identifier: BSD-2-Clause */
/* core/proc/tail.c: the end of a file that a process wrote to is read, and of nothing that was put in its place. */
#include "core/proc/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/base.h"

#define SIZE 4096

#define FOLDER 256
#define NAME (FOLDER + 32)

static char folder[FOLDER], path[NAME];
static char bytes[SIZE + 1];
static struct proc_text text;

static int setup(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/collector-tail-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/log", folder);
	return 0;
}

static int teardown(void **state)
{
	char line[NAME];

	(void)state;
	snprintf(line, sizeof(line), "rm -rf '%s'", folder);
	return system(line);
}

static void put(const char *name, const char *content)
{
	FILE *file = fopen(name, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(content, 1, strlen(content), file), strlen(content));
	fclose(file);
}

/* The question about the file that is there now. */
static struct probe_ask of(uint64_t offset, uint64_t end)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return (struct probe_ask){
		.what = PROBE_ASK_TAIL,
		.device = st.st_dev,
		.inode = st.st_ino,
		.offset = offset,
		.end = end,
		.path = path,
	};
}

static int tail(const struct probe_ask *ask)
{
	static const struct proc_own own = {.count = 0};

	text = (struct proc_text){.text = bytes, .size = SIZE};
	return proc__read(ask, &own, &text);
}

static void expect(const struct probe_ask *ask, const char *content, uint64_t skipped)
{
	assert_int_equal(tail(ask), 0);
	assert_int_equal(text.length, strlen(content));
	assert_memory_equal(text.text, content, text.length);
	assert_int_equal(text.skipped, skipped);
}

static void between_the_offsets(void **state)
{
	struct probe_ask ask;

	(void)state;
	put(path, "before\nits own\nafter\n");
	ask = of(7, 15);
	expect(&ask, "its own\n", 0);
	ask = of(7, 7);
	expect(&ask, "", 0);
	ask = of(0, 21);
	expect(&ask, "before\nits own\nafter\n", 0);
}

static void the_last_bytes_of_many(void **state)
{
	static char many[3 * SIZE + 1];
	struct probe_ask ask;

	(void)state;
	for (size_t i = 0; i < sizeof(many) - 1; i++)
		many[i] = 'a' + i % 23;
	put(path, many);
	ask = of(100, 3 * SIZE);
	expect(&ask, many + 2 * SIZE, 2 * SIZE - 100);
}

static void not_our_own_messages(void **state)
{
	static const char all[] = "first\ncollector: hang: x\ncollector said\ncollector-merge: warning: y\nlast";
	struct probe_ask ask;
	int fd, before = dup(STDERR_FILENO);

	(void)state;
	put(path, all);
	ask = of(0, sizeof(all) - 1);
	expect(&ask, all, 0);
	fd = open(path, O_WRONLY | O_APPEND);
	assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	assert_int_equal(tail(&ask), 0);
	assert_int_equal(dup2(before, STDERR_FILENO), STDERR_FILENO);
	close(fd);
	close(before);
	assert_int_equal(text.length, strlen("first\ncollector said\nlast"));
	assert_memory_equal(text.text, "first\ncollector said\nlast", text.length);
}

static void of_a_sparse_file(void **state)
{
	struct probe_ask ask;
	const uint64_t size = 5ull << 30;
	int fd;

	(void)state;
	put(path, "");
	fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, "the end", 7, size - 7), 7);
	close(fd);
	ask = of(0, size);
	assert_int_equal(tail(&ask), 0);
	assert_int_equal(text.length, SIZE);
	assert_memory_equal(text.text + SIZE - 7, "the end", 7);
	assert_int_equal(text.skipped, size - SIZE);
}

static void of_nothing_else(void **state)
{
	char other[NAME];
	struct probe_ask ask;

	(void)state;
	snprintf(other, sizeof(other), "%s/other", folder);
	put(path, "mine");
	put(other, "a secret of another file");
	ask = of(0, 4);

	assert_int_equal(rename(other, path), 0); /* another file */
	assert_int_equal(tail(&ask), -ESTALE);
	put(other, "a secret of another file");
	assert_int_equal(unlink(path), 0); /* none */
	assert_int_equal(tail(&ask), -ENOENT);
	assert_int_equal(symlink(other, path), 0); /* a link */
	assert_int_equal(tail(&ask), -ESTALE);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0); /* nobody writes to it: an open would wait */
	assert_int_equal(tail(&ask), -ESTALE);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(tail(&ask), -ESTALE);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(text.length, 0);
	ask.path = "relative";
	assert_int_equal(tail(&ask), -EINVAL);
}

/* A folder on the way is a link now, and the very file is behind it. */
static void not_through_a_link(void **state)
{
	char inside[NAME], moved[NAME];
	struct probe_ask ask;

	(void)state;
	snprintf(inside, sizeof(inside), "%s/in", folder);
	snprintf(moved, sizeof(moved), "%s/moved", folder);
	assert_int_equal(mkdir(inside, 0700), 0);
	snprintf(path, sizeof(path), "%s/in/log", folder);
	put(path, "mine");
	ask = of(0, 4);
	expect(&ask, "mine", 0);
	assert_int_equal(rename(inside, moved), 0);
	assert_int_equal(symlink(moved, inside), 0);
	assert_int_equal(tail(&ask), -ELOOP);
	snprintf(path, sizeof(path), "%s/log", folder);
}

static void not_of_a_truncated_one(void **state)
{
	struct probe_ask ask;

	(void)state;
	put(path, "twenty bytes of text");
	ask = of(7, 20);
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(tail(&ask), -ESTALE);
	put(path, "another's"); /* the same inode, shorter */
	assert_int_equal(tail(&ask), -ESTALE);
}

/* Its reader has no right to it. */
static void not_without_the_right(void **state)
{
	struct probe_ask ask;
	int status;
	pid_t child;

	(void)state;
	put(path, "for its owner alone");
	assert_int_equal(chmod(path, 0000), 0);
	ask = of(0, 19);
	child = fork();
	if (!child) {
		if (!geteuid() && (setgid(65534) || setuid(65534)))
			_exit(2);
		chmod(folder, 0755);
		_exit(tail(&ask) == -EACCES ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* With inode 0: the file of a task, by its name alone. */
static void a_file_of_a_task(void **state)
{
	const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	char other[NAME];
	struct probe_ask ask = {.what = PROBE_ASK_TAIL, .path = path};

	(void)state;
	snprintf(other, sizeof(other), "%s/other", folder);
	ask.start = clock__boot();
	assert_int_equal(tail(&ask), -ENOENT);
	put(path, "the tool's last words");
	expect(&ask, "the tool's last words", 0);
	assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0); /* of an earlier attempt */
	assert_int_equal(tail(&ask), -ESTALE);
	put(path, "again");
	expect(&ask, "again", 0);
	assert_int_equal(link(path, other), 0); /* it may be another user's */
	assert_int_equal(tail(&ask), -ESTALE);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink(other, path), 0);
	assert_int_equal(tail(&ask), -ESTALE);
}

/* What a task was given: also a file that is old, its first bytes, and no link or FIFO. */
static void the_head_of_a_file(void **state)
{
	const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	static char many[2 * SIZE + 1];
	struct probe_ask ask = {.what = PROBE_ASK_HEAD, .path = path};
	char other[NAME];

	(void)state;
	snprintf(other, sizeof(other), "%s/other", folder);
	assert_int_equal(tail(&ask), -ENOENT);
	memset(many, 'x', SIZE);
	memset(many + SIZE, 'y', SIZE);
	put(path, many);
	assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
	assert_int_equal(tail(&ask), 0);
	assert_int_equal(text.length, SIZE);
	assert_memory_equal(text.text, many, SIZE);
	put(path, "short");
	expect(&ask, "short", 0);
	assert_int_equal(rename(path, other), 0);
	assert_int_equal(symlink(other, path), 0);
	assert_int_equal(tail(&ask), -ESTALE);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(link(other, path), 0); /* it may be another user's */
	assert_int_equal(tail(&ask), -ESTALE);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(tail(&ask), -ESTALE);
}

static int mount_overlay(char merged[static NAME])
{
	static const char *const names[] = {"low", "up", "work", "merged"};
	char name[NAME], options[3 * NAME];

	for (size_t i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "%s/%s", folder, names[i]);
		mkdir(name, 0755);
	}
	snprintf(merged, NAME, "%s/merged", folder);
	snprintf(options, sizeof(options), "lowerdir=%s/low,upperdir=%s/up,workdir=%s/work", folder, folder, folder);
	return mount("overlay", merged, "overlay", 0, options);
}

/* Its inodes have a device in stat() that is not the file system's, which the kernel told. */
static void on_an_overlay(void **state)
{
	char merged[NAME], line[NAME + 32];
	struct probe_ask ask;
	unsigned major, minor;
	FILE *file;
	struct stat st;

	(void)state;
	if (mount_overlay(merged)) {
		print_message("no overlay can be mounted here: %s\n", strerror(errno));
		skip();
	}
	snprintf(path, sizeof(path), "%s/merged/log", folder);
	put(path, "in a container");
	ask = of(0, 14);
	snprintf(line, sizeof(line), "mountpoint -d '%s'", merged);
	file = popen(line, "r");
	assert_int_equal(fscanf(file, "%u:%u", &major, &minor), 2);
	pclose(file);
	assert_int_equal(stat(path, &st), 0);
	ask.device = (uint64_t)major << 8 | minor;
	expect(&ask, "in a container", 0);
	ask.device++;
	assert_int_equal(tail(&ask), -ESTALE);
	assert_int_equal(umount(merged), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(between_the_offsets, setup, teardown),
		cmocka_unit_test_setup_teardown(the_last_bytes_of_many, setup, teardown),
		cmocka_unit_test_setup_teardown(not_our_own_messages, setup, teardown),
		cmocka_unit_test_setup_teardown(of_a_sparse_file, setup, teardown),
		cmocka_unit_test_setup_teardown(of_nothing_else, setup, teardown),
		cmocka_unit_test_setup_teardown(not_through_a_link, setup, teardown),
		cmocka_unit_test_setup_teardown(not_of_a_truncated_one, setup, teardown),
		cmocka_unit_test_setup_teardown(not_without_the_right, setup, teardown),
		cmocka_unit_test_setup_teardown(a_file_of_a_task, setup, teardown),
		cmocka_unit_test_setup_teardown(the_head_of_a_file, setup, teardown),
		cmocka_unit_test_setup_teardown(on_an_overlay, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
