/* SPDX-License-Identifier: BSD-2-Clause */
/* Provisional events: the last one held stands, a better one lets it go, and each is given out once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/bpf/settle.h"

struct sample {
	struct event head;
	__u64 value;
};

struct given {
	size_t count;
	__u64 sum;
};

static void take(void *arg, struct event *event, size_t size)
{
	struct given *given = arg;

	assert_int_equal(size, sizeof(struct sample));
	given->count++;
	given->sum += ((struct sample *)event)->value;
}

static void hold(struct settle *settle, __u32 pid, __u64 start, __u8 kind, __u64 value)
{
	struct sample s = {.head = {.pid = pid, .start = start, .kind = kind}, .value = value};

	assert_int_equal(settle__hold(settle, &s.head, sizeof(s)), 0);
}

static bool drop(struct settle *settle, __u32 pid, __u64 start, __u8 kind)
{
	struct event e = {.pid = pid, .start = start, .kind = kind};

	return settle__drop(settle, &e);
}

static void the_last_one_held_stands(void **state)
{
	struct settle *settle = settle__new();
	struct given given = {0};

	(void)state;
	hold(settle, 1, 10, 1, 100);
	hold(settle, 1, 10, 1, 7);
	assert_int_equal(settle__count(settle), 1);
	settle__give(settle, 1, 10, take, &given);
	assert_int_equal(given.count, 1);
	assert_int_equal(given.sum, 7);
	assert_int_equal(settle__count(settle), 0);
	settle__free(settle);
}

static void process_and_kind_tell_them_apart(void **state)
{
	struct settle *settle = settle__new();
	struct given given = {0};

	(void)state;
	hold(settle, 1, 10, 1, 1);
	hold(settle, 1, 11, 1, 2); /* the pid was reused */
	hold(settle, 2, 10, 1, 4);
	hold(settle, 1, 10, 2, 8);
	assert_false(drop(settle, 3, 10, 1));
	assert_true(drop(settle, 1, 10, 1));
	assert_false(drop(settle, 1, 10, 1));
	settle__give(settle, 1, 10, take, &given);
	assert_int_equal(given.sum, 8);
	settle__give(settle, 0, 0, take, &given);
	assert_int_equal(given.sum, 8 + 2 + 4);
	settle__free(settle);
}

static void it_grows_and_loses_nothing(void **state)
{
	struct settle *settle = settle__new();
	struct given given = {0};
	const __u32 n = 20000;

	(void)state;
	for (__u32 pid = 1; pid <= n; pid++)
		hold(settle, pid, pid * 3, 1, 1);
	assert_int_equal(settle__count(settle), n);
	for (__u32 pid = 2; pid <= n; pid += 2)
		assert_true(drop(settle, pid, pid * 3, 1));
	settle__give(settle, 0, 0, take, &given);
	assert_int_equal(given.count, n / 2);
	hold(settle, 5, 5, 1, 1); /* what is held at the end is freed with it */
	settle__free(settle);
	settle__free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_one_held_stands),
		cmocka_unit_test(process_and_kind_tell_them_apart),
		cmocka_unit_test(it_grows_and_loses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
