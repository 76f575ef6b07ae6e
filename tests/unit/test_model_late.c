/* SPDX-License-Identifier: BSD-2-Clause */
/* sinks/model: accounts that come long after the exit, or never. */
#include "tests/unit/model_seen.h"

#define EVERY (ALL | 1U << IO)

static void assert_waits(const struct seen *s, size_t count)
{
	assert_int_equal(s->rows_count, 0);
	assert_int_equal(s->model->waiting, count);
}

/* A parent waits for its child late; it does other things meanwhile. */
static void an_account_may_come_minutes_after_the_exit(void **state)
{
	static const uint64_t delays[] = {12 * S, 60 * S, 600 * S};

	(void)state;
	for (size_t i = 0; i < sizeof(delays) / sizeof(*delays); i++) {
		struct seen *s = begin(NULL, EVERY);
		const struct model_row *row = &s->rows[0].row;

		EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/sh", .args = "sh|");
		program(2 * S, 11, 10, "tool|");
		CPU_SAMPLED(.at = 3 * S, .pid = 11, .cpu = 700 * MS);
		IO_SAMPLED(.at = 3 * S, .pid = 11, .chars = 7);
		MEM_LAST(.at = 4 * S, .pid = 11, .bytes = 8192);
		EXIT(.at = 4 * S, .pid = 11, .parent = 10);
		for (uint64_t at = 4 * S; at < 4 * S + delays[i]; at += S)
			CPU_SAMPLED(.at = at, .pid = 10, .cpu = at / 100);
		assert_waits(s, 1);
		CPU_CLOSED(.at = 4 * S + delays[i], .pid = 11, .cpu = 900 * MS);
		assert_waits(s, 1);
		IO_CLOSED(.at = 4 * S + delays[i], .pid = 11, .chars = 9);
		assert_int_equal(s->rows_count, 1);
		assert_int_equal(row->cpu_ns, 900 * MS);
		assert_int_equal(row->io[MODEL_IO_READ_CHARS], 9);
		assert_int_equal(row->wall_ns, 2 * S);
		assert_int_equal(row->cpu_partial, 0);
		assert_int_equal(row->io_partial, 0);
		assert_int_equal(s->model->waiting, 0);
		assert_int_equal(model__run(s->model, 0)->unmatched, 0);
		end(s);
	}
}

/* Its end is known at once: who adds up memory need not wait for the row. */
static void memory_is_given_back_at_the_exit(void **state)
{
	struct seen *s = begin(NULL, EVERY);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/a", .args = "a|");
	MEM_SAMPLED(.at = 2 * S, .pid = 10, .bytes = 4096);
	EXIT(.at = 4 * S, .pid = 10);
	MEM_LAST(.at = 4 * S, .pid = 10, .bytes = 8192);
	assert_int_equal(s->held_ns, 3 * S);
	CPU_CLOSED(.at = 90 * S, .pid = 10, .cpu = 5);
	IO_CLOSED(.at = 90 * S, .pid = 10, .chars = 5);
	assert_int_equal(s->rows[0].held_ns, 3 * S);
	end(s);
}

static void a_stream_may_end_without_the_account(void **state)
{
	struct stream_state whole = {.complete = true}, cut = {.complete = false};

	(void)state;
	for (int lossy = 0; lossy < 2; lossy++) {
		struct seen *s = begin(NULL, EVERY);
		const struct model_row *row = &s->rows[0].row;
		unsigned why = lossy ? EVENT_REASON_LOST : MODEL_REASON_ABSENT;

		EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/a", .args = "a|");
		CPU_SAMPLED(.at = 2 * S, .pid = 10, .cpu = 500);
		MEM_LAST(.at = 3 * S, .pid = 10, .bytes = 8192);
		EXIT(.at = 3 * S, .pid = 10);
		FORK(.at = 90 * S, .pid = 11, .parent = 10, .comm = "x");
		assert_waits(s, 1);
		for (int i = 0; i < STREAMS; i++)
			model__ended(s->model, &s->made.info[i], lossy ? &cut : &whole);
		assert_int_equal(model__finish(s->model), 0);
		assert_int_equal(row->pid, 10);
		assert_int_equal(row->cpu_ns, 500);
		assert_int_equal(row->cpu_partial, why);
		assert_int_equal(model_figure__lacks(row->cpu_ns, row->cpu_partial), why);
		assert_int_equal(why_of(row->io[MODEL_IO_READ_CHARS]), why);
		assert_int_equal(row->io_partial, 0);
		assert_int_equal(model__run(s->model, 0)->endless[MODEL_CPU], !lossy);
		assert_int_equal(model__run(s->model, 0)->endless[MODEL_IO], !lossy);
		assert_int_equal(model__run(s->model, 0)->endless[MODEL_MEM], 0);
		end(s);
	}
}

/* The lifecycle stream lost its end; that another process has its pid shows it. */
static void a_reused_pid_ends_the_wait_for_the_exit(void **state)
{
	struct seen *s = begin(NULL, EVERY);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/sh", .args = "sh|");
	FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = "sh");
	CPU_CLOSED(.at = 3 * S, .pid = 11, .cpu = 5);
	assert_waits(s, 1);
	FORK(.at = 4 * S, .pid = 11, .parent = 10, .comm = "sh");
	assert_int_equal(s->rows_count, 1);
	assert_int_equal(s->rows[0].row.outcome, MODEL_UNKNOWN);
	EXIT(.at = 5 * S, .pid = 11, .parent = 10);
	FORK(.at = 6 * S, .pid = 11, .parent = 10, .comm = "sh"); /* before the kernel has closed the accounts */
	assert_int_equal(s->rows_count, 1);
	end(s);
}

static void what_runs_on_has_what_samples_saw(void **state)
{
	struct seen *s = begin(NULL, EVERY);
	const struct model_row *row = &s->rows[0].row;

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/a", .args = "a|");
	CPU_SAMPLED(.at = 2 * S, .pid = 10, .cpu = 500);
	EXEC(.at = 3 * S, .pid = 10, .exe = "/bin/b", .args = "b|");
	CPU_SAMPLED(.at = 4 * S, .pid = 10, .cpu = 900);
	assert_int_equal(model__finish(s->model), 0);
	assert_int_equal(row->cpu_partial, MODEL_REASON_REPLACED);
	assert_int_equal(row[0].cpu_ns, 500);
	row = &s->rows[1].row;
	assert_int_equal(row->cpu_partial, MODEL_REASON_RUNNING);
	assert_int_equal(row->cpu_ns, 400);
	assert_int_equal(model_figure__lacks(row->cpu_ns, row->cpu_partial), 0);
	end(s);
}

static void who_never_records_the_exit_is_not_waited_for(void **state)
{
	static const char *const unrecorded[] = {"exit: not recorded (probes.cpu.events)", "exit.cpu_ns: x", NULL};

	(void)state;
	for (int whole = 0; whole < 2; whole++) {
		struct seen *s = begin(NULL, 1U << LIFECYCLE);
		const struct model_row *row = &s->rows[0].row;

		s->made.info[CPU].unavailable = unrecorded + whole;
		assert_int_equal(model__stream(s->model, &s->made.info[CPU]), 0);
		EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/a", .args = "a|");
		CPU_SAMPLED(.at = 2 * S, .pid = 10, .cpu = 500);
		EXIT(.at = 3 * S, .pid = 10);
		assert_int_equal(s->rows_count, whole ? 0 : 1);
		if (!whole) {
			assert_int_equal(row->cpu_ns, 500);
			assert_int_equal(row->cpu_partial, MODEL_REASON_OFF);
			assert_int_equal(why_of(row->io[MODEL_IO_READ_CHARS]), MODEL_REASON_OFF);
		}
		end(s);
	}
}

/* A shell leaves them: each takes a struct process, and no command of its own. */
static void many_may_wait(void **state)
{
	const uint32_t count = 30000;
	struct seen *s = begin(NULL, EVERY);
	const struct process *shell;

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/sh", .args = "sh|");
	shell = process__find(s->model, s->model->runs[0], 10, 1 * S);
	for (uint32_t i = 0; i < count; i++) {
		FORK(.at = 2 * S + i * 2 * MS, .pid = 100 + i, .parent = 10, .comm = "sh");
		MEM_LAST(.at = 2 * S + i * 2 * MS + MS, .pid = 100 + i, .bytes = 4096);
		EXIT(.at = 2 * S + i * 2 * MS + MS, .pid = 100 + i, .parent = 10);
	}
	assert_waits(s, count);
	assert_int_equal(s->model->processes.count, count + 1);
	assert_true(sizeof(struct process) <= 1152); /* as WAITING_MAX supposes */
	assert_int_equal(shell->command->refs,
			 2 + 2 * count); /* as its first and last; its children's and their parent's */
	for (uint32_t i = 0; i < count; i++) {
		CPU_CLOSED(.at = 600 * S, .pid = 100 + i, .cpu = 5);
		IO_CLOSED(.at = 600 * S, .pid = 100 + i, .chars = 5);
	}
	assert_int_equal(s->rows_count, count);
	assert_int_equal(s->model->processes.count, 1);
	assert_int_equal(model__run(s->model, 0)->unmatched, 0);
	end(s);
}

static void too_many_do_not_wait(void **state)
{
	const uint32_t count = 5000, most = 1000;
	struct seen *s = begin(NULL, EVERY);

	(void)state;
	s->model->waiting_max = most;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/sh", .args = "sh|");
	for (uint32_t i = 0; i < count; i++) {
		FORK(.at = 2 * S + i * 2 * MS, .pid = 100 + i, .parent = 10, .comm = "sh");
		CPU_SAMPLED(.at = 2 * S + i * 2 * MS, .pid = 100 + i, .cpu = 3);
		EXIT(.at = 2 * S + i * 2 * MS + MS, .pid = 100 + i, .parent = 10);
		assert_true(s->model->waiting <= most + 1);
		assert_true(s->model->processes.count <= most + 3);
	}
	assert_int_equal(s->rows_count, count - most - 1);
	assert_int_equal(s->rows[0].row.pid, 100); /* the first to end */
	assert_int_equal(s->rows[0].row.cpu_ns, 3);
	assert_int_equal(s->rows[0].row.cpu_partial, MODEL_REASON_LATE);
	assert_int_equal(why_of(s->rows[0].row.io[0]), MODEL_REASON_LATE);
	assert_int_equal(why_of(s->rows[0].row.peak_rss_bytes), MODEL_REASON_LATE);
	for (uint32_t i = 0; i < count; i++) {
		MEM_LAST(.at = 600 * S, .pid = 100 + i, .bytes = 4096);
		CPU_CLOSED(.at = 600 * S, .pid = 100 + i, .cpu = 5);
		IO_CLOSED(.at = 600 * S, .pid = 100 + i, .chars = 5);
	}
	assert_int_equal(s->rows_count, count);
	assert_int_equal(model__run(s->model, 0)->unmatched, 0); /* they are not of processes that nobody knows */
	MEM_LAST(.at = 601 * S, .pid = 99, .bytes = 4096);
	assert_int_equal(model__run(s->model, 0)->unmatched, 1);
	end(s);
}

/* The step is over when its last row has come; what starts meanwhile under its id is another one. */
static void a_step_waits_for_its_rows_but_takes_no_more(void **state)
{
	struct seen *s = begin("steps: [{args: '^step(?<n>\\w*)', step: 'step', id: '${n}'}]", EVERY);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/sh", .args = "sh|");
	program(2 * S, 11, 10, "stepA|");
	MEM_LAST(.at = 3 * S, .pid = 11, .bytes = 4096);
	EXIT(.at = 3 * S, .pid = 11, .parent = 10, .code = 1);
	program(60 * S, 12, 10, "stepA|other|");
	assert_int_equal(s->tasks_count, 0);
	CPU_CLOSED(.at = 70 * S, .pid = 11, .cpu = 5);
	IO_CLOSED(.at = 70 * S, .pid = 11, .chars = 5);
	assert_int_equal(s->tasks_count, 1);
	assert_int_equal(s->tasks[0].rows, 1);
	assert_int_equal(s->tasks[0].task.wall_ns, 1 * S);
	assert_int_equal(s->tasks[0].task.cpu_ns, 5);
	assert_int_equal(s->tasks[0].task.cpu_partial, 0);
	CPU_SAMPLED(.at = 71 * S, .pid = 12, .cpu = 7);
	EXIT(.at = 72 * S, .pid = 12, .parent = 10);
	EXIT(.at = 73 * S, .pid = 10);
	assert_int_equal(model__finish(s->model), 0);
	assert_int_equal(s->tasks_count, 2);
	assert_int_equal(s->tasks[1].task.number, 2);
	assert_int_equal(s->tasks[1].task.cpu_ns, 7);
	assert_int_equal(s->tasks[1].task.cpu_partial, MODEL_REASON_ABSENT);
	assert_int_equal(s->tasks[1].task.rows_without_cpu, 1);
	assert_int_equal(s->hidden_count, 1);
	assert_int_equal(s->hidden[0].pid, 11);
	end(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_account_may_come_minutes_after_the_exit),
		cmocka_unit_test(memory_is_given_back_at_the_exit),
		cmocka_unit_test(a_stream_may_end_without_the_account),
		cmocka_unit_test(a_reused_pid_ends_the_wait_for_the_exit),
		cmocka_unit_test(what_runs_on_has_what_samples_saw),
		cmocka_unit_test(who_never_records_the_exit_is_not_waited_for),
		cmocka_unit_test(many_may_wait),
		cmocka_unit_test(too_many_do_not_wait),
		cmocka_unit_test(a_step_waits_for_its_rows_but_takes_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
