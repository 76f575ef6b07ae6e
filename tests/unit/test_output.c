/* SPDX-License-Identifier: BSD-2-Clause */
/* The output folder is opened where its path says, and never where another user's link leads. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/runs/output_folder.h"

#define OTHER 12345 /* a user ID of no process */

static char top[] = "/tmp/test-output-XXXXXX";

static int enter_top(void **state)
{
	(void)state;
	umask(022);
	return !mkdtemp(top) || chdir(top) || mkdir("real", 0755) || mkdir("real/out", 0755) || mkdir("open", 0755) ||
	       chmod("open", 0777) || mkdir("sticky", 0755) || chmod("sticky", 01777) ||
	       symlink("../real", "open/link") || symlink("../real", "sticky/link") || symlink("real", "link") ||
	       symlink("real/out", "last") || symlink("loop", "loop");
}

static int leave_top(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", top);
	return chdir("/") || system(command);
}

/* The descriptor is that of `same`; NULL: it is refused with `code`. */
static void check(const char *path, const char *same, int code, const char *says)
{
	struct stat got, want;
	struct error err = {""};
	bool made;
	int fd = output__open(path, 0, &made, &err);

	if (!same) {
		assert_int_equal(fd, code);
		assert_non_null(strstr(err.text, says));
		return;
	}
	assert_true(fd >= 0);
	assert_false(made);
	assert_int_equal(fstat(fd, &got), 0);
	assert_int_equal(stat(same, &want), 0);
	assert_true(got.st_ino == want.st_ino && got.st_dev == want.st_dev);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	close(fd);
}

static void a_path_without_links(void **state)
{
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "//%s/./real//out/", top);
	check("real/out", "real/out", 0, NULL);
	check("./real/../real/out//", "real/out", 0, NULL);
	check(path, "real/out", 0, NULL);
	check("/", "/", 0, NULL);
	check(".", ".", 0, NULL);
	check("..", "..", 0, NULL);
	check("", NULL, -ENOENT, "empty");
	check("none", NULL, -ENOENT, "none");
	check("none/out", NULL, -ENOENT, "none");
	check("/etc/passwd", NULL, -ENOTDIR, "not a directory");
	check("/etc/passwd/out", NULL, -ENOTDIR, "passwd");
}

static void the_folder_is_not_a_link(void **state)
{
	(void)state;
	check("last", NULL, -ELOOP, "is a symbolic link");
	check("last/", NULL, -ELOOP, "is a symbolic link");
	check("last///", NULL, -ELOOP, "is a symbolic link");
}

static void our_own_links_are_followed(void **state)
{
	char target[128];

	(void)state;
	check("link/out", "real/out", 0, NULL);
	check("link/../link/out/", "real/out", 0, NULL);
	check("sticky/link/out", "real/out", 0, NULL);
	snprintf(target, sizeof(target), "%s/link", top);
	assert_int_equal(symlink(target, "absolute"), 0);
	check("absolute/out", "real/out", 0, NULL);
	check("loop/out", NULL, -ELOOP, "loop");
}

static void a_link_that_others_can_replace_is_refused(void **state)
{
	(void)state;
	check("open/link/out", NULL, -ELOOP, "link");
	assert_int_equal(symlink("open/link", "indirect"), 0);
	check("indirect/out", NULL, -ELOOP, "link");
	check("open", "open", 0, NULL);
}

static void a_link_of_another_user_is_refused(void **state)
{
	(void)state;
	if (geteuid())
		skip();
	assert_int_equal(symlink("real", "theirs"), 0);
	assert_int_equal(lchown("theirs", OTHER, OTHER), 0);
	check("theirs/out", NULL, -ELOOP, "theirs");
	assert_int_equal(mkdir("folder", 0755), 0);
	assert_int_equal(symlink("../real", "folder/link"), 0);
	assert_int_equal(chown("folder", OTHER, OTHER), 0);
	check("folder/link/out", NULL, -ELOOP, "link");
	check("folder", "folder", 0, NULL);
}

static void a_new_folder_has_its_mode(void **state)
{
	struct error err;
	struct stat st;
	bool made;
	int fd;

	(void)state;
	umask(0);
	fd = output__open("link/new/", 0700, &made, &err);
	assert_true(fd >= 0 && made);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	close(fd);
	fd = output__open("real/new", 0700, &made, &err);
	assert_true(fd >= 0 && !made);
	close(fd);
	assert_int_equal(output__open("last", 0700, &made, &err), -ELOOP);
	assert_int_equal(output__open("none/new", 0700, &made, &err), -ENOENT);
	umask(022);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_without_links),
		cmocka_unit_test(the_folder_is_not_a_link),
		cmocka_unit_test(our_own_links_are_followed),
		cmocka_unit_test(a_link_that_others_can_replace_is_refused),
		cmocka_unit_test(a_link_of_another_user_is_refused),
		cmocka_unit_test(a_new_folder_has_its_mode),
	};

	return cmocka_run_group_tests(tests, enter_top, leave_top);
}
