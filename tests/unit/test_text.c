/* SPDX-License-Identifier: BSD-2-Clause */
/* core/text: UTF-8 is told from other bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/text.h"

static void utf8_is_told_from_bytes(void **state)
{
	static const struct {
		const char *bytes;
		bool valid;
	} cases[] = {
		{"", true},
		{"plain ascii of more than eight bytes", true},
		{"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", true},
		{"\xef\xbf\xbf\xf4\x8f\xbf\xbf", true},
		{"1234567\xc3\xa4", true},
		{"12345678abc\xc3\xa4", true},
		{"12345678abc\xc3", false},
		{"\x80", false},
		{"\xc0\x80", false}, /* longer than need be */
		{"\xc1\xbf", false},
		{"\xe0\x9f\xbf", false},
		{"\xf0\x8f\xbf\xbf", false},
		{"\xed\xa0\x80", false},     /* half of a surrogate pair */
		{"\xf4\x90\x80\x80", false}, /* beyond Unicode */
		{"\xf5\x80\x80\x80", false},
		{"\xff", false},
		{"\xe2\x82", false},
		{"\xe2\x28\xa1", false},
		{"abcdefgh\xff", false},
		{"abcdefgh\xffijklmnopqr", false},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (utf8__valid(cases[i].bytes, strlen(cases[i].bytes)) != cases[i].valid)
			fail_msg("case %zu", i);
}

static void bytes_become_utf8(void **state)
{
	struct buffer out = {0};

	(void)state;
	assert_int_equal(utf8__put(&out, "a\xff\xc3\xa4\xe2\x82", 6), 0);
	assert_int_equal(out.size, 12);
	assert_memory_equal(out.data, "a\xef\xbf\xbd\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd", 12);
	buffer__free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf8_is_told_from_bytes),
		cmocka_unit_test(bytes_become_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
