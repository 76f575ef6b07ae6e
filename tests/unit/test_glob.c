/* SPDX-License-Identifier: BSD-2-Clause */
/* Path patterns: a table of what matches and what does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/config/glob.h"

static const struct {
	const char *pattern, *text;
	bool matches;
} cases[] = {
	{"/usr/bin/seq", "/usr/bin/seq", true},
	{"/usr/bin/seq", "/usr/bin/seq2", false},
	{"/usr/bin/seq", "/usr/bin/se", false},
	{"/usr/bin/*", "/usr/bin/seq", true},
	{"/usr/bin/*", "/usr/bin/", true},
	{"/usr/*", "/usr/bin/seq", false},
	{"/usr/**", "/usr/bin/seq", true},
	{"/data/work/**", "/data/work/ab/cdef", true},
	{"/data/work/**", "/data/work", false},
	{"/data/**/work", "/data/a/b/work", true},
	{"/data/**/work", "/data/a/b/works", false},
	{"/data/**/w*k", "/data/w/x/work", true},
	{"/data/**/w*k", "/data/w/x/wo/rk", false},
	{"**", "", true},
	{"*", "", true},
	{"", "", true},
	{"", "a", false},
	{"a?c", "abc", true},
	{"a?c", "a/c", false},
	{"a?c", "ac", false},
	{"docker-*.scope", "docker-12ab.scope", true},
	{"docker-*.scope", "docker-12ab.scope/x", false},
	{"*a*b*c", "xxaxxbxxbxxc", true},
	{"*a*b*c", "xxaxxbxxb", false},
	{"python3.[0-9]", "python3.9", true},
	{"python3.[0-9]", "python3.x", false},
	{"[!a]x", "bx", true},
	{"[!a]x", "ax", false},
	{"[]x]", "]", true},
	{"a[b", "a[b", false},
	{"[a-]", "-", true},
	{"x[!a]y", "x/y", false},
	{"a\\*b", "a*b", true},
	{"a\\*b", "axb", false},
	{"a\\", "a\\", true},
};

static void patterns_match_what_they_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (glob__match(cases[i].pattern, cases[i].text) != cases[i].matches)
			fail_msg("%s %s %s", cases[i].pattern, cases[i].matches ? "must match" : "must not match",
				 cases[i].text);
}

static void the_literal_part_ends_at_the_first_special_character(void **state)
{
	(void)state;
	assert_int_equal(glob__literal("/usr/bin/seq"), 12);
	assert_int_equal(glob__literal("/usr/*/seq"), 5);
	assert_int_equal(glob__literal("/a[b]"), 2);
	assert_int_equal(glob__literal("/a\\*b"), 2);
	assert_int_equal(glob__literal("?"), 0);
	assert_int_equal(glob__literal(""), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_match_what_they_say),
		cmocka_unit_test(the_literal_part_ends_at_the_first_special_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
