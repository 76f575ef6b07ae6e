/* SPDX-License-Identifier: BSD-2-Clause */
/* sinks/model: the I/O of rows and tasks, in which the kernel has added waited-for children. */
#include "tests/unit/model_seen.h"

static void assert_io(const uint64_t io[MODEL_IO_FIGURES], uint64_t chars)
{
	for (unsigned i = 0; i < MODEL_IO_FIGURES; i++)
		assert_int_equal(io[i], chars * (i + 1));
}

/* 11 waits for 12, which waits for 13: the kernel adds it up. Each frees its account late. */
static void no_byte_is_counted_twice(void **state)
{
	struct seen *s = begin(step_rule, 1U << LIFECYCLE | 1U << IO);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/run", .args = "run|");
	program(2 * S, 11, 10, "stepA|");
	program(3 * S, 12, 11, "stepB|");
	program(4 * S, 13, 12, "tool|");
	EXIT(.at = 5 * S, .pid = 13, .parent = 12);
	EXIT(.at = 5 * S + 1, .pid = 12, .parent = 11);
	EXIT(.at = 5 * S + 2, .pid = 11, .parent = 10);
	IO_CLOSED(.at = 5 * S + 3, .pid = 11, .chars = 111); /* 1 of its own */
	IO_CLOSED(.at = 5 * S + 4, .pid = 12, .chars = 110); /* 10 of its own */
	assert_int_equal(s->rows_count, 0);
	IO_CLOSED(.at = 5 * S + 5, .pid = 13, .chars = 100);
	assert_int_equal(s->rows_count, 3);
	assert_int_equal(s->rows[0].row.pid, 13);
	assert_io(s->rows[0].row.io, 100);
	assert_io(s->rows[1].row.io, 110);
	assert_io(s->rows[2].row.io, 111);
	assert_int_equal(s->tasks_count, 2);
	assert_string_equal(s->tasks[0].step, "step B");
	assert_io(s->tasks[0].task.io, 110);
	assert_io(s->tasks[1].task.io, 1);
	EXIT(.at = 6 * S, .pid = 10);
	IO_CLOSED(.at = 6 * S, .pid = 10, .chars = 112);
	assert_int_equal(s->rows_count, 4);
	end(s);
}

/* A stream that has the children's apart: nothing is to be subtracted, and none waits for another. */
static void own_io_is_taken_as_it_is(void **state)
{
	struct seen *s = begin(step_rule, 0);

	(void)state;
	made__own_io(&s->made);
	for (int i = LIFECYCLE; i <= IO; i++)
		if (i == LIFECYCLE || i == IO)
			assert_int_equal(model__stream(s->model, &s->made.info[i]), 0);
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/run", .args = "run|");
	program(2 * S, 11, 10, "stepA|");
	program(3 * S, 12, 11, "tool|");
	EXIT(.at = 4 * S, .pid = 12, .parent = 11);
	EXIT(.at = 5 * S, .pid = 11, .parent = 10);
	IO_CLOSED(.at = 5 * S + 1, .pid = 11, .chars = 1, .children = 100);
	assert_int_equal(s->rows_count, 1);
	assert_io(s->rows[0].row.io, 1);
	IO_CLOSED(.at = 5 * S + 2, .pid = 12, .chars = 100);
	assert_io(s->rows[1].row.io, 100);
	assert_int_equal(s->tasks_count, 1);
	assert_io(s->tasks[0].task.io, 101);
	end(s);
}

static void who_ignores_its_children_has_nothing_of_theirs(void **state)
{
	struct seen *s = begin(step_rule, 1U << LIFECYCLE | 1U << IO);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/run", .args = "run|");
	program(2 * S, 11, 10, "stepA|");
	program(3 * S, 12, 11, "tool|");
	EXIT(.at = 4 * S, .pid = 12, .parent = 11);
	IO_CLOSED(.at = 4 * S, .pid = 12, .chars = 100);
	EXIT(.at = 5 * S, .pid = 11, .parent = 10);
	IO_CLOSED(.at = 5 * S, .pid = 11, .chars = 30);
	assert_io(s->tasks[0].task.io, 130);
	end(s);
}

static void an_orphans_bytes_are_nobody_elses(void **state)
{
	struct seen *s = begin(step_rule, 1U << LIFECYCLE | 1U << IO);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/run", .args = "run|");
	program(2 * S, 11, 10, "stepA|");
	program(3 * S, 12, 11, "tool|");
	EXIT(.at = 4 * S, .pid = 11, .parent = 10);
	IO_CLOSED(.at = 4 * S, .pid = 11, .chars = 5);
	EXIT(.at = 5 * S, .pid = 12, .parent = 1); /* under init by now */
	IO_CLOSED(.at = 5 * S, .pid = 12, .chars = 100);
	assert_int_equal(s->tasks_count, 1);
	assert_io(s->tasks[0].task.io, 105);
	end(s);
}

static void io_is_shared_among_the_rows_of_a_process(void **state)
{
	struct seen *s = begin(step_rule, 1U << LIFECYCLE | 1U << IO);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/a", .args = "a|");
	IO_SAMPLED(.at = 2 * S, .pid = 10, .chars = 20);
	EXEC(.at = 3 * S, .pid = 10, .exe = "/bin/b", .args = "b|");
	EXEC(.at = 4 * S, .pid = 10, .exe = "/bin/c", .args = "c|");
	EXIT(.at = 5 * S, .pid = 10);
	IO_CLOSED(.at = 5 * S, .pid = 10, .chars = 50);
	assert_int_equal(s->rows_count, 3);
	assert_io(s->rows[0].row.io, 20);
	assert_int_equal(EVENT_NULL_REASON(s->rows[1].row.io[0]), MODEL_REASON_REPLACED);
	assert_io(s->rows[2].row.io, 30);
	end(s);
	s = begin(step_rule, 1U << LIFECYCLE);
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/a", .args = "a|");
	EXIT(.at = 5 * S, .pid = 10);
	assert_int_equal(EVENT_NULL_REASON(s->rows[0].row.io[6]), MODEL_REASON_OFF);
	end(s);
}

static void the_wait_for_a_childs_account_is_bounded(void **state)
{
	struct seen *s = begin(step_rule, 1U << LIFECYCLE | 1U << IO);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/run", .args = "run|");
	program(2 * S, 11, 10, "a|");
	program(3 * S, 12, 11, "b|");
	EXIT(.at = 4 * S, .pid = 12, .parent = 11);
	EXIT(.at = 5 * S, .pid = 11, .parent = 10);
	IO_CLOSED(.at = 5 * S, .pid = 11, .chars = 5);
	assert_int_equal(s->rows_count, 0);
	s->model->waiting_max = 1;
	FORK(.at = 900 * S, .pid = 13, .parent = 10, .comm = "x"); /* 12 is given up: 11 need not wait either */
	assert_int_equal(s->rows_count, 2);
	assert_int_equal(s->rows[0].row.pid, 12);
	assert_int_equal(s->rows[1].row.pid, 11);
	assert_int_equal(model__finish(s->model), 0);
	end(s);
}

static void what_waits_is_let_go_when_the_reader_stops(void **state)
{
	struct seen *s = begin(step_rule, 1U << LIFECYCLE | 1U << IO);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/run", .args = "run|");
	program(2 * S, 11, 10, "stepA|");
	program(3 * S, 12, 11, "stepB|");
	EXIT(.at = 4 * S, .pid = 12, .parent = 11, .code = 1);
	EXIT(.at = 5 * S, .pid = 11, .parent = 10, .code = 1);
	IO_CLOSED(.at = 5 * S, .pid = 11, .chars = 5);
	assert_int_equal(s->rows_count, 0);
	end(s); /* a leak is seen by the sanitizers */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_byte_is_counted_twice),
		cmocka_unit_test(own_io_is_taken_as_it_is),
		cmocka_unit_test(who_ignores_its_children_has_nothing_of_theirs),
		cmocka_unit_test(an_orphans_bytes_are_nobody_elses),
		cmocka_unit_test(io_is_shared_among_the_rows_of_a_process),
		cmocka_unit_test(the_wait_for_a_childs_account_is_bounded),
		cmocka_unit_test(what_waits_is_let_go_when_the_reader_stops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
