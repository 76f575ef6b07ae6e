/* SPDX-License-Identifier: BSD-2-Clause */
/* sinks/model: what a failure is, who passes it on, and who hides it. */
#include "tests/unit/model_seen.h"

static void ends_are_judged(void **state)
{
	static const struct {
		const char *exe;
		int status;
		bool oom;
		enum model_outcome outcome;
		bool benign;
	} cases[] = {
		{"/bin/a", 0, false, MODEL_OK, false},
		{"/bin/a", 1, false, MODEL_FAILED, false},
		{"/bin/a", 255, false, MODEL_FAILED, false},
		{"/bin/a", -9, false, MODEL_KILLED, false},
		{"/bin/a", -9, true, MODEL_OOM, false},
		{"/bin/a", -1011, false, MODEL_KILLED, false},
		{"/bin/a", -13, false, MODEL_OK, true},
		{"/usr/bin/grep", 1, false, MODEL_OK, true},
		{"/usr/bin/grep", 2, false, MODEL_FAILED, false},
		{"/usr/bin/[", 1, false, MODEL_OK, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct seen *s = begin(NULL, ALL);

		EXEC(.at = 1 * S, .pid = 10, .exe = cases[i].exe, .args = "a|");
		if (cases[i].oom)
			OOM_KILL(.at = 2 * S, .pid = 10, .bytes = 1);
		END(.at = 2 * S, .pid = 10, STATUS(cases[i].status), .cpu = 1, .bytes = 1);
		assert_int_equal(s->rows_count, 1);
		assert_int_equal(s->rows[0].row.outcome, cases[i].outcome);
		assert_int_equal(s->rows[0].row.benign, cases[i].benign);
		assert_int_equal(s->rows[0].row.core_dumped, cases[i].status < -1000);
		if (cases[i].status < 0) {
			assert_int_equal(s->rows[0].row.signal, -cases[i].status % 1000);
			assert_string_equal(s->rows[0].row.signal_name, made__signal(-cases[i].status % 1000));
		}
		end(s);
	}
}

static void a_subshell_passes_on_what_its_child_said(void **state)
{
	struct seen *s = begin(NULL, ALL);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/bash", .args = "bash|");
	FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = "bash");
	FORK(.at = 3 * S, .pid = 12, .parent = 11, .comm = "bash");
	EXEC(.at = 3 * S, .pid = 12, .exe = "/bin/grep", .args = "grep|x|");
	END(.at = 4 * S, .pid = 12, .code = 1, .cpu = 1, .bytes = 1);
	END(.at = 5 * S, .pid = 11, .code = 1, .cpu = 1, .bytes = 1);
	FORK(.at = 6 * S, .pid = 13, .parent = 10, .comm = "bash");
	EXEC(.at = 6 * S, .pid = 13, .exe = "/bin/tool", .args = "tool|");
	END(.at = 7 * S, .pid = 13, .signal = 9, .cpu = 1, .bytes = 1);
	END(.at = 8 * S, .pid = 10, .code = 137, .cpu = 1, .bytes = 1);

	assert_int_equal(s->rows_count, 4);
	assert_true(s->rows[1].row.benign); /* the subshell around grep */
	assert_int_equal(s->rows[2].row.outcome, MODEL_KILLED);
	assert_false(s->rows[2].row.propagated);
	assert_int_equal(s->rows[3].row.outcome, MODEL_FAILED);
	assert_true(s->rows[3].row.propagated);
	assert_int_equal(s->hidden_count, 0);
	end(s);
}

/* 10 -> 11 -> 12: the tool fails, each ancestor ends with the given code. */
static struct seen *nested(int inner, int outer)
{
	struct seen *s = begin(NULL, ALL);

	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/bash", .args = "bash|");
	FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = "bash");
	EXEC(.at = 2 * S, .pid = 11, .exe = "/bin/sh", .args = "sh|");
	FORK(.at = 3 * S, .pid = 12, .parent = 11, .comm = "sh");
	EXEC(.at = 3 * S, .pid = 12, .exe = "/bin/tool", .args = "tool|");
	END(.at = 4 * S, .pid = 12, .code = 7, .cpu = 1, .bytes = 1);
	END(.at = 5 * S, .pid = 11, STATUS(inner), .cpu = 1, .bytes = 1);
	END(.at = 6 * S, .pid = 10, STATUS(outer), .cpu = 1, .bytes = 1);
	assert_int_equal(model__finish(s->model), 0);
	assert_int_equal(s->rows_count, 3);
	assert_int_equal(s->model->failures_count, 0);
	return s;
}

static void a_row_knows_what_could_not_be_executed(void **state)
{
	struct seen *s = begin(NULL, ALL);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/bash", .args = "bash|");
	FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = "bash");
	EXEC_FAILED(.at = 3 * S, .pid = 11, .exe = "/bin/no_such", .error = ENOENT);
	EXEC_FAILED(.at = 3 * S, .pid = 99, .start = 2 * S, .exe = "/bin/no_such", .error = ENOENT);
	END(.at = 4 * S, .pid = 11, .code = 127, .cpu = 1, .bytes = 1);
	EXEC_FAILED(.at = 5 * S, .pid = 10, .exe = "/bin/c", .error = EACCES);
	EXEC(.at = 5 * S, .pid = 10, .exe = "/bin/d", .args = "d|");
	END(.at = 6 * S, .pid = 10, .cpu = 1, .bytes = 1);
	assert_int_equal(s->rows_count, 3);
	assert_string_equal(s->rows[0].row.tried_error, "ENOENT");
	assert_string_equal(s->rows[0].tried, "/bin/no_such");
	assert_null(s->rows[2].row.tried);
	end(s);
}

static void hidden_is_what_an_ancestor_swallowed(void **state)
{
	struct seen *s = nested(0, 5);

	(void)state;
	assert_int_equal(s->hidden_count, 1);
	assert_int_equal(s->hidden[0].pid, 12);
	assert_int_equal(s->hidden[0].by, 11);
	end(s);

	s = nested(7, 0);
	assert_int_equal(s->hidden_count, 2);
	assert_int_equal(s->hidden[0].pid, 12);
	assert_int_equal(s->hidden[0].by, 10);
	assert_int_equal(s->hidden[1].pid, 11);
	end(s);

	s = nested(7, 7);
	assert_int_equal(s->hidden_count, 0);
	end(s);
}

static void a_failure_behind_its_parents_back_is_hidden(void **state)
{
	struct seen *s = begin(NULL, ALL);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/bash", .args = "bash|");
	FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = "bash");
	END(.at = 3 * S, .pid = 10, .cpu = 1, .bytes = 1);
	END(.at = 4 * S, .pid = 11, .code = 1, .cpu = 1, .bytes = 1);
	assert_int_equal(s->hidden_count, 1);
	assert_int_equal(s->hidden[0].by, 10);
	end(s);
}

/* The child's row waits for its CPU account; meanwhile the parent ends. */
static void the_parents_end_may_overtake_the_childs_account(void **state)
{
	struct seen *s = begin(NULL, ALL);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/bash", .args = "bash|");
	FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = "bash");
	MEM_LAST(.at = 3 * S, .pid = 11, .bytes = 1);
	EXIT(.at = 3 * S, .pid = 11, .code = 1);
	MEM_LAST(.at = 3 * S + MS, .pid = 10, .bytes = 1);
	EXIT(.at = 3 * S + MS, .pid = 10);
	CPU_CLOSED(.at = 3 * S + 15 * MS, .pid = 11, .cpu = 1);
	CPU_CLOSED(.at = 3 * S + 16 * MS, .pid = 10, .cpu = 1);
	assert_int_equal(s->rows_count, 2);
	assert_int_equal(s->hidden_count, 1);
	end(s);
}

static void at_the_end_nobody_answers_for_a_failure(void **state)
{
	struct seen *s = begin(NULL, ALL);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/bash", .args = "bash|");
	FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = "bash");
	OOM_KILL(.at = 3 * S, .pid = 11, .bytes = 1);
	assert_int_equal(model__finish(s->model), 0);
	assert_int_equal(s->rows[0].row.outcome, MODEL_RUNNING);
	assert_int_equal(s->rows[1].row.outcome, MODEL_OOM);
	assert_int_equal(s->hidden_count, 0);
	assert_int_equal(s->model->failures_count, 0);
	end(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends_are_judged),
		cmocka_unit_test(a_subshell_passes_on_what_its_child_said),
		cmocka_unit_test(a_row_knows_what_could_not_be_executed),
		cmocka_unit_test(hidden_is_what_an_ancestor_swallowed),
		cmocka_unit_test(a_failure_behind_its_parents_back_is_hidden),
		cmocka_unit_test(the_parents_end_may_overtake_the_childs_account),
		cmocka_unit_test(at_the_end_nobody_answers_for_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
