/* SPDX-License-Identifier: BSD-2-Clause */
/* A growing buffer at its limits, text on top of it, and writing all of one. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/text.h"

static void test_grows(void **state)
{
	struct buffer buffer = {0};
	uint8_t bytes[1000];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	assert_int_equal(buffer__append(&buffer, NULL, 0), 0);
	assert_null(buffer.data);
	for (size_t size = 0; size < sizeof(bytes); size++)
		assert_int_equal(buffer__append(&buffer, bytes, size), 0);
	assert_int_equal(buffer.size, sizeof(bytes) * (sizeof(bytes) - 1) / 2);
	for (size_t size = 0, at = 0; size < sizeof(bytes); at += size++)
		assert_memory_equal(buffer.data + at, bytes, size);
	buffer__free(&buffer);
	assert_null(buffer.data);
	assert_int_equal(buffer.capacity, 0);
}

static void test_exact_fit(void **state)
{
	struct buffer buffer = {0};
	uint8_t *data;

	(void)state;
	assert_int_equal(buffer__reserve(&buffer, 1), 0);
	data = buffer.data;
	while (buffer.size < buffer.capacity)
		assert_int_equal(buffer__append(&buffer, "x", 1), 0);
	assert_ptr_equal(buffer.data, data);
	assert_int_equal(buffer__reserve(&buffer, 0), 0);
	assert_int_equal(buffer.size, buffer.capacity);
	assert_int_equal(buffer__append(&buffer, "y", 1), 0);
	assert_true(buffer.capacity > buffer.size);
	buffer__free(&buffer);
}

/* Sizes that no memory has and sums that would wrap: the first error sticks, the bytes so far stay. */
static void test_out_of_memory(void **state)
{
	static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 2, SIZE_MAX / 2, SIZE_MAX / 4, SIZE_MAX / 4 - 4};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct buffer buffer = {0};

		assert_int_equal(buffer__append(&buffer, "abc", 3), 0);
		assert_int_equal(buffer__reserve(&buffer, sizes[i]), -ENOMEM);
		assert_int_equal(buffer__append(&buffer, "d", 1), -ENOMEM);
		assert_int_equal(buffer__append(&buffer, "", 0), -ENOMEM);
		assert_int_equal(buffer.error, -ENOMEM);
		assert_int_equal(buffer.size, 3);
		assert_memory_equal(buffer.data, "abc", 3);
		buffer.error = 0; /* taken back: it goes on */
		assert_int_equal(buffer__append(&buffer, "def", 3), 0);
		assert_memory_equal(buffer.data, "abcdef", 6);
		buffer__free(&buffer);
	}
}

static void test_text(void **state)
{
	struct text text = {.colour = true};

	(void)state;
	for (size_t i = 0; i < 600; i++) {
		text__put(&text, "x", 1);
		assert_int_equal(text.size, i + 1);
		assert_int_equal(strlen(text.data), i + 1); /* the NUL fits at every size */
	}
	text__printf(&text, "%d%s", 42, "y");
	assert_string_equal(text.data + 600, "42y");
	buffer__reserve(&text.buffer, SIZE_MAX / 2);
	text__put(&text, "z", 1);
	text__printf(&text, "z");
	text__safe(&text, "\xff", 1);
	assert_int_equal(text.error, -ENOMEM);
	assert_string_equal(text.data + 600, "42y");
	text__free(&text);
	assert_null(text.data);
	assert_int_equal(text.error, 0);
	assert_false(text.colour);
}

static void on_alarm(int signal)
{
	(void)signal;
}

/* A full pipe takes part of the bytes, and a signal interrupts it. */
static void test_write_all(void **state)
{
	static uint8_t bytes[1 << 20], got[1 << 20];
	struct sigaction action = {.sa_handler = on_alarm};
	int ends[2], full;
	size_t have = 0;
	ssize_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 31 >> 3);
	assert_int_equal(pipe(ends), 0);
	if (!fork()) {
		sigaction(SIGALRM, &action, NULL);
		ualarm(1000, 1000);
		close(ends[0]);
		_exit(write_all(ends[1], bytes, sizeof(bytes)) != 0);
	}
	close(ends[1]);
	while ((n = read(ends[0], got + have, sizeof(got) - have < 999 ? sizeof(got) - have : 999)) > 0)
		have += (size_t)n;
	assert_int_equal(have, sizeof(bytes));
	assert_memory_equal(got, bytes, sizeof(bytes));
	close(ends[0]);

	assert_int_equal(write_all(-1, "x", 1), -EBADF);
	assert_int_equal(write_all(-1, "x", 0), 0);
	full = open("/dev/full", O_WRONLY);
	assert_int_equal(write_all(full, "x", 1), -ENOSPC);
	close(full);
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	assert_int_equal(write_all(ends[1], "x", 1), -EPIPE);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grows), cmocka_unit_test(test_exact_fit), cmocka_unit_test(test_out_of_memory),
		cmocka_unit_test(test_text),  cmocka_unit_test(test_write_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
