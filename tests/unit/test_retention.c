/* SPDX-License-Identifier: BSD-2-Clause */
/* Which runs go so that limits hold, on lists; and the names of runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/runs/retention.h"
#include "core/runs/store_run.h"
#include "core/stream.h"

#define NOW 1000000
#define RUN(name, ...)                                      \
	{                                                   \
		.id = (name), .measured = true, __VA_ARGS__ \
	}
#define OPEN(name, ...) RUN(name, .open = true, __VA_ARGS__)
#define COUNT(runs) (sizeof(runs) / sizeof((runs)[0]))

/* Those that go, in order, as "a:limits.age b:limits.runs". */
static const char *choose(struct stored *runs, size_t count, const struct retention_limits *limits,
			  const struct retention_wait *wait)
{
	static char text[512];
	int gone = retention__choose(runs, count, limits, NOW, wait), found = 0;
	size_t length = 0;

	text[0] = 0;
	for (size_t i = 0; i < count; i++) {
		if (!runs[i].goes)
			continue;
		found++;
		length += snprintf(text + length, sizeof(text) - length, "%s%s:%s", length ? " " : "", runs[i].id,
				   runs[i].goes + strlen("limits."));
	}
	assert_int_equal(gone, found);
	return text;
}

static void test_no_limit_keeps_all(void **state)
{
	struct stored runs[] = {RUN("a", .ended = 1, .bytes = UINT32_MAX), RUN("b", .ended = 2)};
	const struct retention_limits none = {0};

	(void)state;
	assert_string_equal(choose(runs, COUNT(runs), &none, NULL), "");
	assert_string_equal(choose(NULL, 0, &none, NULL), "");
	assert_int_equal(retention__next(runs, COUNT(runs), &none), 0);
}

static void test_age(void **state)
{
	struct stored runs[] = {RUN("new", .ended = NOW - 100), RUN("old", .ended = NOW - 101),
				OPEN("open", .ended = 1), RUN("future", .ended = NOW + 5)};
	const struct retention_limits limits = {.age = 100};

	(void)state;
	assert_int_equal(retention__next(runs, COUNT(runs), &limits), NOW - 1);
	assert_string_equal(choose(runs, COUNT(runs), &limits, NULL), "old:age");
}

/* The oldest by their end, not by their name or their place. */
static void test_runs(void **state)
{
	struct stored runs[] = {RUN("c", .ended = 1), RUN("b", .ended = 3), RUN("a", .ended = 2),
				OPEN("open", .ended = 0)};
	const struct retention_limits limits = {.runs = 2};

	(void)state;
	assert_string_equal(choose(runs, COUNT(runs), &limits, NULL), "c:runs a:runs");
}

/* No more than needed, and open runs count. */
static void test_total(void **state)
{
	struct stored runs[] = {RUN("a", .ended = 1, .bytes = 5), RUN("b", .ended = 2, .bytes = 50),
				RUN("c", .ended = 3, .bytes = 1), OPEN("open", .bytes = 49)};
	struct retention_limits limits = {.total = 105};

	(void)state;
	assert_string_equal(choose(runs, COUNT(runs), &limits, NULL), "");
	limits.total = 104;
	assert_string_equal(choose(runs, COUNT(runs), &limits, NULL), "a:total");
	limits.total = 99;
	assert_string_equal(choose(runs, COUNT(runs), &limits, NULL), "a:total b:total");
	assert_false(retention__exceeds(runs, COUNT(runs), &limits));
	limits.total = 49;
	assert_string_equal(choose(runs, COUNT(runs), &limits, NULL), "a:total b:total c:total");
	assert_false(retention__exceeds(runs, COUNT(runs), &limits));
	limits.total = 48;
	choose(runs, COUNT(runs), &limits, NULL);
	assert_true(retention__exceeds(runs, COUNT(runs), &limits));
}

/* One user's runs do not drive out another's; those of an unknown user have no such limit. */
static void test_per_user(void **state)
{
	struct stored runs[] = {RUN("x1", .ended = 1, .uid = 7),
				RUN("y1", .ended = 2, .uid = 8),
				RUN("x2", .ended = 3, .uid = 7),
				OPEN("x3", .uid = 7),
				RUN("z1", .ended = 4, .uid = STREAM_NO_UID),
				RUN("z2", .ended = 5, .uid = STREAM_NO_UID)};
	const struct retention_limits limits = {.runs_per_user = 1};

	(void)state;
	assert_string_equal(choose(runs, COUNT(runs), &limits, NULL), "x1:runs_per_user x2:runs_per_user");
}

/* What is not ours, or not known yet, neither goes nor makes others go. */
static void test_kept(void **state)
{
	struct stored runs[] = {RUN("a", .ended = 1, .kept = true, .bytes = 1000),
				RUN("b", .ended = 2, .bytes = 10),
				RUN("c", .ended = 3, .bytes = 10),
				{.id = "d", .ended = 4, .bytes = 1000}};
	const struct retention_limits limits = {.runs = 1, .total = 15, .age = 10};

	(void)state;
	assert_string_equal(choose(runs, COUNT(runs), &limits, NULL), "b:age c:age");
	assert_string_equal(choose(runs, COUNT(runs), &(struct retention_limits){.runs = 1, .total = 15}, NULL),
			    "b:total");
}

/* By its name: "-a" waits for a sink. */
static bool waits(void *arg, struct stored *run)
{
	*(size_t *)arg += 1;
	return *run->id == '-';
}

static size_t asked;
static const struct retention_wait wait = {waits, &asked};

/* Those that wait come last, or never; who would not go is not asked for. */
static void test_undelivered(void **state)
{
	struct stored runs[] = {RUN("-a", .ended = 1), RUN("b", .ended = 2), RUN("-c", .ended = NOW - 4),
				RUN("d", .ended = NOW - 3), OPEN("-open", .ended = 1)};
	struct retention_limits limits = {.runs = 4};

	(void)state;
	asked = 0;
	assert_string_equal(choose(runs, COUNT(runs), &limits, &wait), "b:runs");
	assert_int_equal(asked, 2);
	limits.runs = 1;
	assert_string_equal(choose(runs, COUNT(runs), &limits, &wait), "b:runs d:runs");
	limits = (struct retention_limits){.age = 100};
	assert_string_equal(choose(runs, COUNT(runs), &limits, &wait), "b:age");
	limits = (struct retention_limits){.runs = 2, .age = 100, .drop_undelivered = true};
	assert_string_equal(choose(runs, COUNT(runs), &limits, &wait), "-a:age b:age d:runs");
	limits.runs = 1;
	assert_string_equal(choose(runs, COUNT(runs), &limits, &wait), "-a:age b:age -c:runs d:runs");
	/* a run whose age is over is not waited for by the clock */
	runs[0].sink = "jsonl";
	assert_int_equal(retention__next(runs, COUNT(runs), &limits), 2 + 100);
}

static void test_refused(void **state)
{
	struct stored runs[] = {RUN("-a", .uid = 7, .bytes = 40), RUN("-b", .uid = 8, .bytes = 40),
				OPEN("open", .uid = 7, .bytes = 7), RUN("c", .uid = 8, .bytes = 10)};
	struct retention_limits limits = {.runs = 3};

	(void)state;
	assert_string_equal(retention__refuses(runs, COUNT(runs), &limits, 9, &wait), "limits.runs");
	limits.runs = 4; /* "c" goes */
	assert_null(retention__refuses(runs, COUNT(runs), &limits, 9, &wait));
	limits.runs_per_user = 2;
	assert_string_equal(retention__refuses(runs, COUNT(runs), &limits, 7, &wait), "limits.runs_per_user");
	assert_null(retention__refuses(runs, COUNT(runs), &limits, 8, &wait));
	assert_null(retention__refuses(runs, COUNT(runs), &limits, STREAM_NO_UID, &wait));
	/* an eighth is left for what is recorded; an open run, and the new one, may become as large as others, which is 31 */
	limits = (struct retention_limits){.total = 163};
	assert_null(retention__refuses(runs, COUNT(runs), &limits, 9, &wait));
	limits.total = 160;
	assert_string_equal(retention__refuses(runs, COUNT(runs), &limits, 9, &wait), "limits.total");
	limits.drop_undelivered = true;
	assert_null(retention__refuses(runs, COUNT(runs), &limits, 9, &wait));
	/* open runs alone are the recorder's matter */
	limits = (struct retention_limits){.runs = 1};
	assert_null(retention__refuses(runs + 2, 1, &limits, 9, &wait));
}

/* 20,000 runs of 5,000 users, against the count of each limit. */
static void test_many(void **state)
{
	enum { RUNS = 20000, USERS = 5000 };
	struct stored *runs = calloc(RUNS, sizeof(*runs));
	const struct retention_limits limits = {.runs = 9000, .runs_per_user = 3};
	size_t users[USERS] = {0}, left = 0;

	(void)state;
	for (size_t i = 0; i < RUNS; i++)
		runs[i] = (struct stored){.id = "r", .measured = true, .ended = i * 7919 % RUNS, .uid = i % USERS};
	assert_int_equal(retention__choose(runs, RUNS, &limits, NOW, NULL), RUNS - 9000);
	for (size_t i = 0; i < RUNS; i++) {
		left += !runs[i].goes;
		users[runs[i].uid] += !runs[i].goes;
	}
	assert_int_equal(left, 9000);
	for (size_t i = 0; i < USERS; i++)
		assert_true(users[i] <= 3);
	free(runs);
}

static void test_names(void **state)
{
	static const char *const good[] = {"run-20261122T031500Z", "a.b_c-D-20261122T031500Z-2",
					   "x-20261122T031500Z-9999", "x-20261122T031500Z-4194304"};
	static const char *const bad[] = {"",
					  "latest",
					  "run",
					  "-20261122T031500Z",
					  "20261122T031500Z",
					  "run-20261122T031500",
					  "run-20261122T031500Z-",
					  "run-20261122T031500Z-x",
					  "run-20261122T031500Z.old",
					  "run-2026112T0315000Z",
					  "run20261122T031500Z",
					  "run-20261122T031500Z 2",
					  "r/n-20261122T031500Z",
					  "run-20261122T031500Z-99999999999",
					  "123",
					  "-1"};

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		assert_true(store_run__is_name(good[i]));
	for (size_t i = 0; i < COUNT(bad); i++)
		if (store_run__is_name(bad[i]))
			fail_msg("\"%s\" counts as a run", bad[i]);
	assert_true(store_run__compare("z-20261122T031500Z", "a-20261122T031501Z") < 0);
	assert_true(store_run__compare("z-20261122T031500Z-10", "a-20261122T031500Z-9") > 0);
	assert_true(store_run__compare("z-20261122T031500Z", "a-20261122T031500Z-2") < 0);
	assert_int_equal(store_run__compare("z-20261122T031500Z", "a-20261122T031500Z"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_limit_keeps_all),
		cmocka_unit_test(test_age),
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_total),
		cmocka_unit_test(test_per_user),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_undelivered),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
