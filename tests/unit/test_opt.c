/* SPDX-License-Identifier: BSD-2-Clause */
/* Options from text, back into text, and the sentences about what is wrong with them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/nearest.h"
#include "core/opt.h"

struct all {
	bool flag;
	uint64_t count, bytes, time;
	char *text;
	struct opt_list list, map;
};

static const struct opt opts[] = {
	OPT(struct all, flag, OPT_BOOL, "true", 0, 0, "a flag"),
	OPT(struct all, count, OPT_UINT, "3", 1, 100, "a count"),
	OPT(struct all, bytes, OPT_SIZE, "64KiB", 4096, 1 << 20, "some bytes"),
	OPT(struct all, time, OPT_DURATION, NULL, 0, 0, "a time"),
	OPT(struct all, text, OPT_STRING, "x", 0, 0, "a text"),
	OPT(struct all, list, OPT_LIST, "a,b", 0, 0, "a list"),
	OPT(struct all, map, OPT_MAP, NULL, 0, 0, "a map"),
	{.name = NULL},
};

static const struct opt *opt(const char *name)
{
	const struct opt *found = opt__find(opts, name);

	assert_non_null(found);
	return found;
}

static void test_defaults(void **state)
{
	static const struct opt bad[] = {OPT(struct all, count, OPT_UINT, "-1", 0, 0, ""), {.name = NULL}};
	struct all all = {0};

	(void)state;
	assert_int_equal(opt__defaults(opts, &all), 0);
	assert_true(all.flag);
	assert_int_equal(all.count, 3);
	assert_int_equal(all.bytes, 65536);
	assert_int_equal(all.time, 0);
	assert_string_equal(all.text, "x");
	assert_int_equal(all.list.n, 2);
	assert_string_equal(all.list.items[0], "a");
	assert_string_equal(all.list.items[1], "b");
	assert_null(all.list.items[2]);
	assert_null(all.map.items);
	opt__free(opts, &all);
	assert_null(all.text);
	assert_int_equal(all.list.n, 0);
	opt__free(opts, &all);
	opt__free(opts, NULL);
	assert_int_equal(opt__defaults(bad, &all), -EINVAL);
	assert_int_equal(opt__defaults(NULL, &all), 0);
	assert_null(opt__find(NULL, "x"));
	assert_null(opt__find(opts, "Flag"));
}

static void test_numbers(void **state)
{
	static const struct {
		const char *name, *text;
		uint64_t number;
	} good[] = {
		{"count", "1", 1},
		{"count", "100", 100},
		{"bytes", "4096", 4096},
		{"bytes", "4096B", 4096},
		{"bytes", "64k", 65536},
		{"bytes", "64K", 65536},
		{"bytes", "64KiB", 65536},
		{"bytes", "1M", 1 << 20},
		{"bytes", "1MiB", 1 << 20},
		{"time", "0", 0},
		{"time", "7ns", 7},
		{"time", "7us", 7000},
		{"time", "500ms", 500000000},
		{"time", "1s", 1000000000},
		{"time", "2m", 120000000000},
		{"time", "1h", 3600000000000},
		{"time", "1d", 86400000000000},
	};
	struct all all = {0};
	struct error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		const struct opt *o = opt(good[i].name);

		assert_int_equal(opt__set(o, &all, good[i].text, &err), 0);
		assert_int_equal(*(uint64_t *)((char *)&all + o->offset), good[i].number);
	}
}

#define SIZE_HOW "write a whole number and KiB, MiB, GiB, or nothing for bytes, as in 8MiB"
#define TIME_HOW "write a whole number and ns, us, ms, s, m, h or d, as in 500ms"

static void test_refused(void **state)
{
	static const struct {
		const char *name, *text, *err;
	} bad[] = {
		{"flag", "yes", "\"yes\" is not a bool: write true or false"},
		{"flag", "", "\"\" is not a bool: write true or false"},
		{"count", "", "\"\" is not a number: write a whole number"},
		{"count", "-1", "\"-1\" is not a number: write a whole number"},
		{"count", "+1", "\"+1\" is not a number: write a whole number"},
		{"count", " 1", "\" 1\" is not a number: write a whole number"},
		{"count", "1.5", "\"1.5\" is not a number: write a whole number"},
		{"count", "0x10", "\"0x10\" is not a number: write a whole number"},
		{"count", "0", "0 is out of range: write 1 to 100"},
		{"count", "101", "101 is out of range: write 1 to 100"},
		{"count", "18446744073709551616", "18446744073709551616 is out of range: write 1 to 100"},
		{"bytes", "8MB", "\"8MB\" is not a size: " SIZE_HOW},
		{"bytes", "8 MiB", "\"8 MiB\" is not a size: " SIZE_HOW},
		{"bytes", "4095", "4095 is out of range: write 4KiB to 1MiB"},
		{"bytes", "2M", "2M is out of range: write 4KiB to 1MiB"},
		{"bytes", "99999999T", "99999999T is out of range: write 4KiB to 1MiB"},
		{"time", "5", "\"5\" is not a duration: " TIME_HOW},
		{"time", "5 s", "\"5 s\" is not a duration: " TIME_HOW},
		{"time", "999999999d", "999999999d is out of range: write 0s to 18446744073709551615ns"},
		{"list", "a,,b", "empty item: remove it"},
		{"map", "a=1,b", "\"b\" has no name or no value: write NAME=VALUE"},
		{"map", "=1", "\"=1\" has no name or no value: write NAME=VALUE"},
		{"map", "a=1,ab=2,a=3", "duplicate \"a\": remove one"},
	};
	struct all all = {0}, before;
	struct error err;
	size_t i;

	(void)state;
	assert_int_equal(opt__defaults(opts, &all), 0);
	before = all;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(opt__set(opt(bad[i].name), &all, bad[i].text, &err), -EINVAL);
		assert_string_equal(err.text, bad[i].err);
	}
	assert_memory_equal(&all, &before, sizeof(all)); /* what was there stays */
	opt__free(opts, &all);
}

static void test_lists(void **state)
{
	struct all all = {0};
	struct error err;

	(void)state;
	assert_int_equal(opt__set(opt("list"), &all, "a\\,b,c\\\\,d\\", &err), 0);
	assert_int_equal(all.list.n, 3);
	assert_string_equal(all.list.items[0], "a,b");
	assert_string_equal(all.list.items[1], "c\\");
	assert_string_equal(all.list.items[2], "d\\");
	assert_int_equal(opt__append(opt("list"), &all, "e,f", &err), 0);
	assert_string_equal(all.list.items[3], "e,f");
	assert_null(all.list.items[4]);
	assert_int_equal(opt__set(opt("list"), &all, "", &err), 0);
	assert_int_equal(all.list.n, 0);

	assert_int_equal(opt__set(opt("map"), &all, "a=1,b=", &err), 0);
	assert_string_equal(all.map.items[1], "b=");
	assert_int_equal(opt__append(opt("map"), &all, "a=2", &err), -EINVAL);
	assert_string_equal(err.text, "duplicate \"a\": remove one");
	assert_int_equal(opt__append(opt("count"), &all, "2", &err), -EINVAL);
	opt__free(opts, &all);
}

static void test_parse(void **state)
{
	static const char *const bad[][2] = {
		{"cuont=1", "cuont: unknown option: did you mean \"count\"?"},
		{"zzz=1", "zzz: unknown option: choose from flag, count, bytes, time, text, list, map"},
		{"count=1,text=a,count=2", "count: duplicate option, remove one"},
		{"count=0", "count: 0 is out of range: write 1 to 100"},
		{"count", "\"count\" has no value: write NAME=VALUE"},
		{"count=1,", "\"\" has no value: write NAME=VALUE"},
		{"map.a=1,map.a=2", "map.a: duplicate \"a\": remove one"},
		{"map.=1", "map.: \"=1\" has no name or no value: write NAME=VALUE"},
		{"list.a=1", "list.a: unknown option: did you mean \"list\"?"},
	};
	struct all all = {0};
	struct error err;
	size_t i;

	(void)state;
	assert_int_equal(opt__parse(opts, &all, "count=7,text=a\\,b=c,flag=false,list=x\\,y", &err), 0);
	assert_int_equal(all.count, 7);
	assert_string_equal(all.text, "a,b=c");
	assert_int_equal(all.list.n, 2);
	assert_int_equal(opt__parse(opts, &all, "map.a.b=c=\\,d,map.e=", &err), 0);
	assert_int_equal(all.map.n, 2);
	assert_string_equal(all.map.items[0], "a.b=c=,d");
	assert_string_equal(all.map.items[1], "e=");
	opt__free(opts, &all);
	assert_int_equal(opt__parse(opts, &all, NULL, &err), 0);
	assert_int_equal(opt__parse(opts, &all, "", &err), 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(opt__parse(opts, &all, bad[i][0], &err), -EINVAL);
		assert_string_equal(err.text, bad[i][1]);
	}
	assert_int_equal(opt__parse(NULL, &all, "a=1", &err), -EINVAL);
	assert_string_equal(err.text, "a: unknown option: there are none");
	opt__free(opts, &all);
}

/* What one conf says, written as text and parsed again, is the same. */
static void test_round_trip(void **state)
{
	struct all all = {0}, again = {0};
	struct error err;
	char *text = NULL, *a, *b;
	const struct opt *o;

	(void)state;
	all.count = 5;
	all.bytes = 8192 + 1;
	all.time = 1500000000;
	assert_int_equal(opt__set(opt("text"), &all, "a,b\\c=\\,", &err), 0);
	assert_int_equal(opt__append(opt("list"), &all, "x,y\\", &err), 0);
	assert_int_equal(opt__append(opt("list"), &all, ",", &err), 0);
	assert_int_equal(opt__append(opt("map"), &all, "k=v,\\w", &err), 0);
	for (o = opts; o->name; o++)
		assert_int_equal(opt__unparse(o, &all, &text), 0);
	assert_int_equal(opt__parse(opts, &again, text, &err), 0);
	for (o = opts; o->name; o++) {
		assert_int_equal(opt__format(o, &all, &a), 0);
		assert_int_equal(opt__format(o, &again, &b), 0);
		assert_string_equal(a, b);
		free(a);
		free(b);
	}
	assert_string_equal(again.text, "a,b\\c=\\,");
	assert_string_equal(again.list.items[0], "x,y\\");
	assert_string_equal(again.map.items[0], "k=v,\\w");
	free(text);
	opt__free(opts, &all);
	opt__free(opts, &again);
	assert_int_equal(opt__format(opt("text"), &all, &a), 0);
	assert_null(a);
}

static void check_format(enum opt_type type, uint64_t number, const char *expected)
{
	char text[32];

	opt_type__format(type, number, text, sizeof(text));
	assert_string_equal(text, expected);
}

static void test_format(void **state)
{
	(void)state;
	check_format(OPT_SIZE, 0, "0");
	check_format(OPT_SIZE, 1000, "1000");
	check_format(OPT_SIZE, 65536, "64KiB");
	check_format(OPT_SIZE, 3ULL << 40, "3TiB");
	check_format(OPT_DURATION, 0, "0s");
	check_format(OPT_DURATION, 1, "1ns");
	check_format(OPT_DURATION, 1500000000, "1500ms");
	check_format(OPT_DURATION, 7200000000000, "2h");
	check_format(OPT_UINT, 4096, "4096");
	assert_string_equal(opt_type__name(OPT_DURATION), "duration");
}

static void check_nearest(const char *name, const char *candidate, bool near)
{
	struct nearest nearest = {.name = name};

	nearest__offer(&nearest, candidate);
	if (!!nearest.best != near)
		fail_msg("\"%s\" and \"%s\": %s", name, candidate, near ? "not near" : "near");
}

static void test_nearest(void **state)
{
	struct nearest nearest = {.name = "itnerval"};
	struct error err;
	char name[200];
	int i;

	(void)state;
	check_nearest("cup", "cpu", true);
	check_nearest("CPU", "cpu", true);
	check_nearest("cpus", "cpu", true);
	check_nearest("memory", "mem", false);
	check_nearest("mem", "cpu", false);
	check_nearest("", "a", false);
	check_nearest("a", "b", false);
	check_nearest("lifecylce", "lifecycle", true);
	nearest__offer(&nearest, "internal");
	nearest__offer(&nearest, "interval");
	nearest__offer(&nearest, "intervals");
	assert_string_equal(nearest.best, "interval");
	assert_string_equal(opt__nearest(opts, "byte"), "bytes");
	assert_null(opt__nearest(opts, "something"));

	/* More candidates than there is room for. */
	memset(&nearest, 0, sizeof(nearest));
	nearest.name = "?";
	for (i = 0; i < 200; i++)
		nearest__offer(&nearest, "abcdefgh");
	assert_string_equal(nearest.known + strlen(nearest.known) - 5, ", ...");
	assert_int_equal(nearest.known[0], 'a');
	memset(err.text, 'x', sizeof(err.text) - 1);
	err.text[sizeof(err.text) - 1] = '\0';
	nearest__append(&nearest, &err); /* no room at all */
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	check_nearest(name, name, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults), cmocka_unit_test(test_numbers), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_lists),	 cmocka_unit_test(test_parse),	 cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_format),	 cmocka_unit_test(test_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
