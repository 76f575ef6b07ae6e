/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages: one line each, and nothing in them that steers a terminal. */
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

#include "core/log.h"

/* Standard error while a message is printed: a pipe, read back as a string. */
static char printed[65536];

#define PRINTED(call)                                              \
	do {                                                       \
		int pipe_[2], saved_ = dup(STDERR_FILENO);         \
		ssize_t n_;                                        \
		assert_int_equal(pipe(pipe_), 0);                  \
		dup2(pipe_[1], STDERR_FILENO);                     \
		close(pipe_[1]);                                   \
		call;                                              \
		dup2(saved_, STDERR_FILENO);                       \
		close(saved_);                                     \
		n_ = read(pipe_[0], printed, sizeof(printed) - 1); \
		printed[n_ > 0 ? n_ : 0] = '\0';                   \
		close(pipe_[0]);                                   \
	} while (0)

static void test_levels(void **state)
{
	(void)state;
	log__init("program", LOG_INFO);
	PRINTED(log__error("one %d", 1));
	assert_string_equal(printed, "program: error: one 1\n");
	PRINTED(log__warn("two\n"));
	assert_string_equal(printed, "program: warning: two\n");
	PRINTED(log__info("three"));
	assert_string_equal(printed, "program: three\n");
	PRINTED(log__debug("four"));
	assert_string_equal(printed, "");
	log__init("program", LOG_ERROR);
	PRINTED(log__warn("five"));
	assert_string_equal(printed, "");
}

static void test_escapes(void **state)
{
	static const char *const cases[][2] = {
		{"\033[2Jx\a\x7f", "\\x1b[2Jx\\x07\\x7f"},
		{"two\nlines\ta tab", "two\\nlines\\ta tab"},
		{"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80",
		 "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"},
		{"\xc2\x9b"
		 "2J",
		 "\\u009b2J"},					  /* a control character of two bytes */
		{"\xff \xc3 \xe2\x82", "\\xff \\xc3 \\xe2\\x82"}, /* cut, or no UTF-8 */
		{"\xc0\x80 \xed\xa0\x80 \xf4\x90\x80\x80", "\\xc0\\x80 \\xed\\xa0\\x80 \\xf4\\x90\\x80\\x80"},
		{"a\xe2\x80\xae"
		 "b",
		 "a\\u202eb"}, /* turns the direction of what follows */
		{"\xc2\xad \xe2\x80\x8b \xef\xbb\xbf \xf3\xa0\x81\x81",
		 "\\u00ad \\u200b \\ufeff \\U000e0041"}, /* not seen */
	};
	char expected[256];
	size_t i;

	(void)state;
	log__init("p", LOG_INFO);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		PRINTED(log__info("%s", cases[i][0]));
		snprintf(expected, sizeof(expected), "p: %s\n", cases[i][1]);
		assert_string_equal(printed, expected);
	}
}

static void test_long(void **state)
{
	char text[10000];

	(void)state;
	log__init("p", LOG_INFO);
	memset(text, '\001', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	PRINTED(log__info("%s", text));
	assert_int_equal(strlen(printed), strlen("p: ") + 4092 * 4 + strlen("...\n"));
	assert_string_equal(printed + strlen(printed) - 8, "\\x01...\n");
}

static void test_errno(void **state)
{
	int saved = dup(STDERR_FILENO);

	(void)state;
	close(STDERR_FILENO);
	errno = ENOENT;
	log__error("to nobody");
	assert_int_equal(errno, ENOENT);
	dup2(saved, STDERR_FILENO);
	close(saved);
}

static void test_colour(void **state)
{
	int terminal = posix_openpt(O_RDWR | O_NOCTTY), null = open("/dev/null", O_WRONLY);

	(void)state;
	unsetenv("NO_COLOR");
	setenv("TERM", "xterm", 1);
	assert_false(log__colour(null));
	if (terminal >= 0) {
		assert_true(log__colour(terminal));
		setenv("NO_COLOR", "", 1);
		assert_true(log__colour(terminal));
		setenv("NO_COLOR", "1", 1);
		assert_false(log__colour(terminal));
		unsetenv("NO_COLOR");
		setenv("TERM", "dumb", 1);
		assert_false(log__colour(terminal));
		close(terminal);
	}
	close(null);
}

/* Begins as a program whose JOURNAL_STREAM names a file with the inode of standard error plus `other`. */
static void begin_as_service(unsigned other)
{
	char text[64];
	struct stat st;

	assert_false(fstat(STDERR_FILENO, &st));
	snprintf(text, sizeof(text), "%llu:%llu", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino + other);
	setenv("JOURNAL_STREAM", text, 1);
	log__init("p", LOG_DEBUG);
}

static void print_levels(unsigned other)
{
	begin_as_service(other);
	log__error("one");
	log__warn("two\n<0>three");
	log__info("four");
	log__debug("five");
}

static void test_journal(void **state)
{
	static const char *const invalid[] = {"", "x", "1", "1:", ":1", "99999999999999999999999:1"};
	size_t i;

	(void)state;
	PRINTED(print_levels(0));
	assert_string_equal(printed,
			    "<3>p: error: one\n<4>p: warning: two\\n<0>three\n<6>p: four\n<7>p: debug: five\n");
	PRINTED(print_levels(1));
	assert_string_equal(printed, "p: error: one\np: warning: two\\n<0>three\np: four\np: debug: five\n");
	for (i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++) {
		setenv("JOURNAL_STREAM", invalid[i], 1);
		log__init("p", LOG_INFO);
		PRINTED(log__info("six"));
		assert_string_equal(printed, "p: six\n");
	}
	unsetenv("JOURNAL_STREAM");
	log__init("p", LOG_INFO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_levels), cmocka_unit_test(test_escapes), cmocka_unit_test(test_long),
		cmocka_unit_test(test_errno),  cmocka_unit_test(test_colour),  cmocka_unit_test(test_journal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
