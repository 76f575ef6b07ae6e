/* SPDX-License-Identifier: BSD-2-Clause */
/* base64, varints and strings of JSON. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/base.h"
#include "core/text.h"

static void assert_buffer(struct buffer *buffer, const char *expected)
{
	assert_int_equal(buffer->error, 0);
	assert_int_equal(buffer->size, strlen(expected));
	assert_memory_equal(buffer->data, expected, buffer->size);
	buffer__free(buffer);
}

/* RFC 4648, section 10, and the last digits of the alphabet. */
static void test_base64(void **state)
{
	static const char *const cases[][2] = {
		{"", ""},
		{"f", "Zg=="},
		{"fo", "Zm8="},
		{"foo", "Zm9v"},
		{"foob", "Zm9vYg=="},
		{"fooba", "Zm9vYmE="},
		{"foobar", "Zm9vYmFy"},
		{"\xfb\xff\xbf", "+/+/"},
		{"\xff", "/w=="},
	};
	struct buffer out = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(buffer__append(&out, "=", 1), 0); /* it appends */
		assert_int_equal(base64__put(&out, cases[i][0], strlen(cases[i][0])), 0);
		assert_int_equal(out.data[0], '=');
		memmove(out.data, out.data + 1, --out.size);
		assert_buffer(&out, cases[i][1]);
	}
	assert_int_equal(base64__put(&out, "\0\0\0", 3), 0);
	assert_buffer(&out, "AAAA");
}

static void test_varint(void **state)
{
	static const struct {
		uint64_t value;
		size_t size;
		const char *bytes;
	} cases[] = {
		{0, 1, "\0"},
		{0x7f, 1, "\x7f"},
		{0x80, 2, "\x80\x01"},
		{300, 2, "\xac\x02"},
		{0x3fff, 2, "\xff\x7f"},
		{0x4000, 3, "\x80\x80\x01"},
		{INT64_MAX, 9, "\xff\xff\xff\xff\xff\xff\xff\xff\x7f"},
		{UINT64_MAX, 10, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"},
	};
	uint8_t bytes[VARINT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(varint__encode(bytes, cases[i].value), cases[i].size);
		assert_memory_equal(bytes, cases[i].bytes, cases[i].size);
	}
}

static void test_json(void **state)
{
	static const char *const cases[][2] = {
		{"", "\"\""},
		{"plain /", "\"plain /\""},
		{"\"\\", "\"\\\"\\\\\""},
		{"\b\t\n\v\f\r\x01\x1f\x7f", "\"\\b\\t\\n\\u000b\\f\\r\\u0001\\u001f\x7f\""},
		{"\xe2\x82\xac \xf0\x9f\x98\x80", "\"\xe2\x82\xac \xf0\x9f\x98\x80\""},
	};
	struct buffer out = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(json__put_utf8(&out, cases[i][0], strlen(cases[i][0])), 0);
		assert_buffer(&out, cases[i][1]);
	}
	assert_int_equal(json__put_utf8(&out, "\0", 1), 0);
	assert_buffer(&out, "\"\\u0000\"");
}

static void test_out_of_memory(void **state)
{
	struct buffer out = {0};

	(void)state;
	assert_int_equal(buffer__reserve(&out, SIZE_MAX), -ENOMEM);
	assert_int_equal(base64__put(&out, "abc", 3), -ENOMEM);
	assert_int_equal(json__put_utf8(&out, "abc", 3), -ENOMEM);
	assert_int_equal(out.size, 0);
	buffer__free(&out);
}

/* Every kind of bytes that are no character: cut, overlong, half a pair, beyond the last. */
static void test_utf8(void **state)
{
	static const char *const bad[] = {
		"\x80",
		"\xbf",
		"\xc0\x80",
		"\xc1\xbf",
		"\xc3",
		"\xc3(",
		"\xe2\x82",
		"\xe0\x9f\xbf",
		"\xed\xa0\x80",
		"\xed\xbf\xbf",
		"\xf0\x8f\xbf\xbf",
		"\xf0\x9f\x98",
		"\xf5\x80\x80\x80",
		"\xff",
		"\xf4\x90\x80\x80",
		"\xfe",
	};
	static const char *const good[] = {"\x7f",	   "\xc2\x80",	       "\xdf\xbf",
					   "\xe0\xa0\x80", "\xed\x9f\xbf",     "\xee\x80\x80",
					   "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"};
	size_t length;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(utf8__next(bad[i], strlen(bad[i]), &length), UTF8_INVALID);
		assert_int_equal(length, 1);
		assert_false(utf8__valid(bad[i], strlen(bad[i])));
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_int_not_equal(utf8__next(good[i], strlen(good[i]), &length), UTF8_INVALID);
		assert_int_equal(length, strlen(good[i]));
		assert_true(utf8__valid(good[i], strlen(good[i])));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base64),	      cmocka_unit_test(test_varint), cmocka_unit_test(test_json),
		cmocka_unit_test(test_out_of_memory), cmocka_unit_test(test_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
