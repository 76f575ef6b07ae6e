/* SPDX-License-Identifier: BSD-2-Clause */
/* core/daemon/channel.c: messages arrive whole or not at all, and no descriptor is left behind. */
#include "core/daemon/channel.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static int open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

struct ends {
	int a, b, files;
};

static int setup(void **state)
{
	struct ends *ends = malloc(sizeof(*ends));
	int fds[2];

	ends->files = open_files();
	assert_int_equal(channel__pair(fds), 0);
	ends->a = fds[0];
	ends->b = fds[1];
	*state = ends;
	return 0;
}

static int teardown(void **state)
{
	struct ends *ends = *state;

	close(ends->a);
	close(ends->b);
	assert_int_equal(open_files(), ends->files);
	free(ends);
	return 0;
}

static void test_a_message_with_descriptors(void **state)
{
	static struct channel_message sent = {
		.kind = CHANNEL_RUN, .run = 7, .number = -3, .size = 5, .text = "a\nb\nc"};
	static struct channel_message got;
	struct ends *ends = *state;
	struct stat one, other;

	sent.fds_count = CHANNEL_FDS;
	for (size_t i = 0; i < CHANNEL_FDS; i++)
		sent.fds[i] = STDIN_FILENO;
	assert_int_equal(channel__send(ends->a, &sent), 0);
	assert_int_equal(channel__receive(ends->b, &got, 1000), 1);
	assert_int_equal(got.kind, CHANNEL_RUN);
	assert_int_equal(got.run, 7);
	assert_int_equal(got.number, -3);
	assert_int_equal(got.size, 5);
	assert_string_equal(got.text, "a\nb\nc");
	assert_int_equal(got.fds_count, CHANNEL_FDS);
	assert_int_equal(fstat(got.fds[CHANNEL_FDS - 1], &one) | fstat(STDIN_FILENO, &other), 0);
	assert_int_equal(one.st_ino, other.st_ino);
	channel__drop(&got);
	assert_int_equal(channel__tell(ends->b, CHANNEL_DONE, 1, 2), 0);
	assert_int_equal(channel__receive(ends->a, &got, 1000), 1);
	assert_true(got.kind == CHANNEL_DONE && got.run == 1 && got.number == 2 && !got.size && !got.fds_count);
}

static void test_what_is_not_a_message(void **state)
{
	static const uint32_t heads[][3] = {{0, 0, 0}, {CHANNEL_KINDS, 0, 0}, {UINT32_MAX, 0, 0}};
	static char large[CHANNEL_TEXT + 100];
	static struct channel_message got;
	struct ends *ends = *state;

	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(send(ends->a, heads[i], sizeof(heads[i]), 0), sizeof(heads[i]));
		assert_int_equal(channel__receive(ends->b, &got, 1000), -EBADMSG);
	}
	assert_int_equal(send(ends->a, "short", 5, 0), 5);
	assert_int_equal(channel__receive(ends->b, &got, 1000), -EBADMSG);
	large[0] = CHANNEL_STOP;
	assert_int_equal(send(ends->a, large, sizeof(large), 0), sizeof(large));
	assert_int_equal(channel__receive(ends->b, &got, 1000), -EBADMSG);
	/* and the next one arrives */
	assert_int_equal(channel__tell(ends->a, CHANNEL_STOP, 0, 0), 0);
	assert_int_equal(channel__receive(ends->b, &got, 1000), 1);
}

static void test_no_room_for_descriptors(void **state)
{
	static struct channel_message m = {.kind = CHANNEL_RUN, .fds_count = 8};
	struct rlimit limit, none;
	struct ends *ends = *state;
	int err;

	assert_int_equal(channel__send(ends->a, &m), 0); /* stdin, eight times */
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = ends->b + 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	err = channel__receive(ends->b, &m, 1000);
	setrlimit(RLIMIT_NOFILE, &limit);
	assert_int_equal(err, -EMFILE);
	assert_int_equal(m.fds_count, 0);
}

static void test_waiting(void **state)
{
	static struct channel_message m = {.kind = CHANNEL_RUN, .size = CHANNEL_TEXT};
	struct ends *ends = *state;
	int err;

	assert_int_equal(channel__receive(ends->b, &m, 0), -ETIMEDOUT);
	assert_int_equal(channel__receive(ends->b, &m, 20), -ETIMEDOUT);
	m.kind = CHANNEL_RUN;
	m.size = CHANNEL_TEXT;
	do /* the other side reads nothing */
		err = channel__send(ends->a, &m);
	while (!err);
	assert_int_equal(err, -EAGAIN);
}

static void test_the_other_side_has_ended(void **state)
{
	static struct channel_message m;
	struct ends *ends = *state;

	assert_int_equal(channel__tell(ends->a, CHANNEL_STOP, 0, 0), 0);
	close(ends->a);
	ends->a = -1;
	assert_int_equal(channel__receive(ends->b, &m, 1000), 1);
	assert_int_equal(channel__receive(ends->b, &m, 1000), 0);
	assert_int_equal(channel__tell(ends->b, CHANNEL_DONE, 0, 0), -EPIPE);
}

static void test_names(void **state)
{
	static const char *const wrong[] = {
		"a\n../b", "a.b", "a/b", "A", "a b", "a\t", "abcdefghijklmnopqrstuvwxyz012345"};
	const char *names[3];
	char text[64] = "cpu\nlife_cycle\n\nmem2\n";

	(void)state;
	assert_int_equal(channel__names(text, names, 3), 3);
	assert_string_equal(names[0], "cpu");
	assert_string_equal(names[1], "life_cycle");
	assert_string_equal(names[2], "mem2");
	strcpy(text, "a\nb\nc\nd");
	assert_int_equal(channel__names(text, names, 3), -EINVAL);
	strcpy(text, "");
	assert_int_equal(channel__names(text, names, 3), 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		strcpy(text, wrong[i]);
		assert_int_equal(channel__names(text, names, 3), -EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_message_with_descriptors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_not_a_message, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_room_for_descriptors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_waiting, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_other_side_has_ended, setup, teardown),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
