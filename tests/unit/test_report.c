/* SPDX-License-Identifier: BSD-2-Clause */
/* sinks/report: what it keeps of more than it can keep, and curves of runs of any length. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sinks/report/intern.h"
#include "sinks/report/keep.h"
#include "sinks/report/slices.h"

#define S 1000000000ULL

/* ---- the choice of rows ---- */

struct item {
	uint64_t weight;
	uint64_t name;
};

static void count_drop(void *arg, void *item)
{
	(void)item;
	++*(uint64_t *)arg;
}

static void the_heaviest_stay_in_their_order(void **state)
{
	uint64_t given_back = 0, before = 0;
	struct keep keep = {.item_size = sizeof(struct item), .limit = 100, .drop = count_drop, .arg = &given_back};

	(void)state;
	for (uint64_t i = 0; i < 10000; i++) {
		struct item item = {.weight = i * 7919 % 10000, .name = i};

		if (keep__wants(&keep, item.weight))
			assert_int_equal(keep__add(&keep, &item), 0);
		assert_true(keep.count <= 126);
	}
	assert_int_equal(keep__finish(&keep), 0);
	assert_int_equal(keep.count, 100);
	assert_int_equal(keep.dropped, 9900);
	assert_int_equal(keep.below, 9899);
	for (size_t i = 0; i < keep.count; i++) {
		struct item *item = keep__item(&keep, i);

		assert_true(item->weight >= 9900);
		assert_true(!i || item->name > before);
		before = item->name;
	}
	keep__free(&keep);
}

static void of_equal_ones_the_first_stay(void **state)
{
	uint64_t given_back = 0;
	struct keep keep = {.item_size = sizeof(struct item), .limit = 10, .drop = count_drop, .arg = &given_back};

	(void)state;
	for (uint64_t i = 0; i < 12; i++) {
		struct item item = {.weight = KEEP_ALWAYS, .name = i};

		assert_true(keep__wants(&keep, item.weight));
		assert_int_equal(keep__add(&keep, &item), 0);
	}
	assert_int_equal(keep__finish(&keep), 0);
	for (size_t i = 0; i < 10; i++)
		assert_int_equal(((struct item *)keep__item(&keep, i))->name, i);
	assert_int_equal(given_back, 2);
	assert_false(keep__wants(&keep, KEEP_ALWAYS));
	assert_int_equal(keep.dropped, 3);
	keep__free(&keep);
	assert_int_equal(given_back, 12);
}

/* ---- strings ---- */

static void a_string_is_kept_once_and_as_long_as_it_is_needed(void **state)
{
	struct intern intern = {0};
	struct intern_string *a = intern__get(&intern, "a\0b", 3), *b = intern__get(&intern, "a\0c", 3);

	(void)state;
	assert_ptr_not_equal(a, b);
	assert_ptr_equal(intern__get(&intern, "a\0b", 3), a);
	assert_int_equal(intern.bytes, 6);
	intern__put(&intern, a);
	assert_int_equal(intern.strings.count, 2);
	intern__put(&intern, a);
	assert_int_equal(intern.strings.count, 1);
	assert_int_equal(intern.bytes, 3);
	intern__free(&intern);
}

/* ---- curves ---- */

static double sum_of(const struct series_set *set, enum series_what what)
{
	double sum = 0;

	for (size_t i = 0; i < set->count; i++)
		for (size_t j = 0; j < SERIES_SLICES; j++)
			sum += (double)set->all[i]->slices[what][j];
	return sum;
}

static void assert_near(double value, double wanted)
{
	if (fabs(value - wanted) > wanted * 1e-3)
		fail_msg("%g, not %g", value, wanted);
}

static void nothing_is_lost_as_slices_grow_and_names_take_turns(void **state)
{
	struct intern intern = {0};
	struct series_set *set = calloc(1, sizeof(*set));
	double cpu = 0, memory = 0;
	char name[32];

	(void)state;
	assert_non_null(set);
	set->strings = &intern;
	for (uint64_t i = 0; i < 3000; i++) {
		uint64_t from = i * i * 1000, until = from + i * 100000;

		snprintf(name, sizeof(name), "command %u", (unsigned)(i % 200));
		assert_int_equal(series__add(set, name, SERIES_CPU, from, until, i * 50), 0);
		assert_int_equal(series__add(set, name, SERIES_MEMORY, from, until, i << 20), 0);
		assert_true(set->count <= SERIES_MAX + 1);
		cpu += (double)(i * 50);
		memory += (double)(i << 20) * (double)(until - from) / 1e9;
	}
	assert_near(sum_of(set, SERIES_CPU), cpu);
	assert_near(sum_of(set, SERIES_MEMORY), memory);
	assert_int_equal(series__greatest(set, 8), 9);
	assert_near(sum_of(set, SERIES_CPU), cpu);
	assert_near(sum_of(set, SERIES_MEMORY), memory);
	assert_null(series__name(set->all[8]));
	series__free(set);
	free(set);
	intern__free(&intern);
}

static void a_name_that_grows_late_gets_a_curve(void **state)
{
	struct intern intern = {0};
	struct series_set *set = calloc(1, sizeof(*set));
	char name[32];

	(void)state;
	assert_non_null(set);
	set->strings = &intern;
	for (uint64_t i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "small %u", (unsigned)i);
		assert_int_equal(series__add(set, name, SERIES_CPU, i * S, i * S + S, i ? S / 10 : S / 1000), 0);
	}
	for (uint64_t i = 500; i < 900; i++)
		assert_int_equal(series__add(set, "small 0", SERIES_CPU, i * S, i * S + S, S), 0);
	assert_int_equal(series__greatest(set, 8), 9);
	assert_string_equal(series__name(set->all[0])->data, "small 0");
	assert_near(set->all[0]->total[SERIES_CPU], 400e9);
	series__free(set);
	free(set);
	intern__free(&intern);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_heaviest_stay_in_their_order),
		cmocka_unit_test(of_equal_ones_the_first_stay),
		cmocka_unit_test(a_string_is_kept_once_and_as_long_as_it_is_needed),
		cmocka_unit_test(nothing_is_lost_as_slices_grow_and_names_take_turns),
		cmocka_unit_test(a_name_that_grows_late_gets_a_curve),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
