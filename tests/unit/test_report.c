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

#include "sinks/report/history.h"
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

/* Until the last moment that there is: nothing is written after the last slice. */
static void slices_of_the_greatest_times(void **state)
{
	float slices[SERIES_SLICES + 1] = {0};
	uint64_t slice_ns = 1;
	double sum = 0;

	(void)state;
	while (UINT64_MAX / slice_ns >= SERIES_SLICES)
		slice_ns *= 2;
	slices__spread(slices, slice_ns, 1, UINT64_MAX, 1);
	for (size_t i = 0; i < SERIES_SLICES; i++)
		sum += (double)slices[i];
	assert_true(sum > 0.999 * (double)UINT64_MAX && sum < 1.001 * (double)UINT64_MAX);
	assert_true(slices[SERIES_SLICES] == 0);
	slices__spread(slices, slice_ns, UINT64_MAX, 1, 1);
	assert_true(slices[SERIES_SLICES] == 0);
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

/* ---- single processes ---- */

static double area(const struct history *history, enum history_what what)
{
	double sum = 0;

	for (size_t i = 0; i < history__used(history); i++)
		sum += history->slices[what][i];
	return sum;
}

static void a_process_keeps_all_it_used_however_long_it_lives(void **state)
{
	struct histories histories = {0};
	struct history_key key = {.run = 0, .pid = 7, .start = 5 * S};
	const struct history *kept;
	uint64_t cpu = 0;

	(void)state;
	histories__init(&histories);
	for (uint64_t i = 0; i < 5000; i++) {
		assert_int_equal(
			histories__add(&histories, &key, HISTORY_CPU, key.start + i * S, key.start + (i + 1) * S, i),
			0);
		assert_int_equal(histories__add(&histories, &key, HISTORY_MEMORY, key.start + i * S,
						key.start + (i + 1) * S, i < 2500 ? 1 << 20 : 3 << 20),
				 0);
		cpu += i;
	}
	assert_int_equal(histories__until(&histories, &key, 9 * S, 5), 5);
	assert_int_equal(histories__held(&histories, &key, 9 * S, 100), 0);
	assert_int_equal(histories__until(&histories, &key, 9 * S, 100), 100); /* the first one */
	assert_int_equal(histories__held(&histories, &key, 20 * S, 30), 0);
	assert_int_equal(histories__until(&histories, &key, 20 * S, 30), 100);
	assert_int_equal(histories__until(&histories, &key, 21 * S, 30), 30); /* its end */
	assert_int_equal(histories__io(&histories, &key, key.start + 4000 * S, S, 1000), 0);
	assert_int_equal(histories__io(&histories, &key, key.start + 4001 * S, S, 500), 0); /* never less */
	assert_int_equal(histories__end(&histories, &key, 1), 0);
	assert_int_equal(histories.living.count, 0);
	assert_int_equal(histories.kept.count, 1);
	kept = keep__item(&histories.kept, 0);
	assert_true(history__used(kept) > HISTORY_SLICES / 2 && history__used(kept) <= HISTORY_SLICES);
	assert_near(area(kept, HISTORY_CPU), (double)cpu);
	assert_near(history__value(kept, HISTORY_MEMORY, 0), 1 << 20);
	assert_near(history__value(kept, HISTORY_MEMORY, history__used(kept) - 1), 3 << 20);
	assert_near(area(kept, HISTORY_IO), 1000);
	for (size_t i = 0; i < history__used(kept); i++) /* within the interval before its sample */
		if ((i + 1) * kept->slice_ns < 3998 * S || i * kept->slice_ns > 4000 * S)
			assert_true(kept->slices[HISTORY_IO][i] == 0);
	histories__free(&histories);
}

static void the_longest_processes_have_curves(void **state)
{
	struct histories histories = {0};

	(void)state;
	histories__init(&histories);
	for (uint64_t i = 1; i <= 10 * HISTORIES_MAX; i++) {
		struct history_key key = {.run = 0, .pid = i, .start = i};

		for (uint64_t k = 0; k < 1 + i % 2; k++) /* every other one is sampled once */
			assert_int_equal(histories__add(&histories, &key, HISTORY_CPU, i + k * S, i + (k + 1) * S, 1),
					 0);
		assert_int_equal(histories__end(&histories, &key, i), 0);
	}
	assert_int_equal(keep__finish(&histories.kept), 0);
	assert_int_equal(histories.kept.count, HISTORIES_MAX);
	for (size_t i = 0; i < histories.kept.count; i++) {
		const struct history *kept = keep__item(&histories.kept, i);

		assert_int_equal(kept->key.pid % 2, 1);
		assert_true(kept->key.pid > 8 * HISTORIES_MAX);
	}
	histories__free(&histories);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_heaviest_stay_in_their_order),
		cmocka_unit_test(of_equal_ones_the_first_stay),
		cmocka_unit_test(a_string_is_kept_once_and_as_long_as_it_is_needed),
		cmocka_unit_test(slices_of_the_greatest_times),
		cmocka_unit_test(nothing_is_lost_as_slices_grow_and_names_take_turns),
		cmocka_unit_test(a_name_that_grows_late_gets_a_curve),
		cmocka_unit_test(a_process_keeps_all_it_used_however_long_it_lives),
		cmocka_unit_test(the_longest_processes_have_curves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
