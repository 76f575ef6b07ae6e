/* SPDX-License-Identifier: BSD-2-Clause */
/* sinks/model: what rows come of which records. */
#include "tests/unit/model_seen.h"

static void one_program_is_one_row(void **state)
{
	struct seen *s = begin(NULL, ALL);
	const struct model_row *row = &s->rows[0].row;

	(void)state;
	EXEC(.at = 2 * S, .pid = 10, .start = 1 * S, .exe = "/bin/true", .args = "true|-x|");
	CPU_SAMPLED(.at = 3 * S, .pid = 10, .cpu = 5 * MS);
	MEM_SAMPLED(.at = 3 * S, .pid = 10, .bytes = 4096);
	MEM_LAST(.at = 4 * S, .pid = 10, .bytes = 8192);
	EXIT(.at = 4 * S, .pid = 10);
	assert_int_equal(s->rows_count, 0);
	CPU_CLOSED(.at = 4 * S + 20 * MS, .pid = 10, .cpu = 8 * MS);

	assert_int_equal(s->rows_count, 1);
	assert_int_equal(row->pid, 10);
	assert_int_equal(row->start, S);
	assert_true(row->root && row->last && !row->forked && !row->preexisting);
	assert_int_equal(row->image, 1);
	assert_int_equal(row->depth, 0);
	assert_string_equal(row->comm, "true");
	assert_string_equal(s->rows[0].exe, "/bin/true");
	assert_string_equal(s->rows[0].args, "true|-x|");
	assert_int_equal(row->began_ns, 1 * S);
	assert_int_equal(row->ended_ns, 4 * S);
	assert_int_equal(row->wall_ns, 3 * S);
	assert_int_equal(row->cpu_ns, 8 * MS);
	assert_int_equal(row->user_ns, 6 * MS);
	assert_int_equal(row->system_ns, 2 * MS);
	assert_int_equal(row->peak_rss_bytes, 8192);
	assert_int_equal(row->sampled_rss_bytes, 4096);
	assert_int_equal(row->exit_code, 0);
	assert_int_equal(why_of(row->signal), EVENT_REASON_NONE);
	assert_int_equal(row->outcome, MODEL_OK);
	assert_int_equal(model__finish(s->model), 0);
	assert_int_equal(s->rows_count, 1);
	end(s);
}

static void a_child_knows_its_parent_even_when_that_is_gone(void **state)
{
	struct seen *s = begin(NULL, ALL);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/sh", .args = "sh|-c|");
	FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = "sh");
	END(.at = 3 * S, .pid = 10, .cpu = 1, .bytes = 1);
	EXEC(.at = 4 * S, .pid = 11, .exe = "/bin/true", .args = "true|");
	END(.at = 5 * S, .pid = 11, .cpu = 1, .bytes = 1);
	assert_int_equal(s->rows_count, 2);
	assert_string_equal(s->rows[1].args, "true|");
	assert_string_equal(s->rows[1].parent, "sh|-c|");
	assert_int_equal(s->rows[1].row.depth, 1);
	assert_int_equal(s->rows[1].row.ppid, 10);
	assert_false(s->rows[1].row.root);
	end(s);
}

static void a_fork_without_exec_is_a_row(void **state)
{
	struct seen *s = begin(NULL, ALL);
	const struct model_row *row = &s->rows[0].row;

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/sh", .args = "sh|-c|");
	FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = "worker");
	END(.at = 3 * S, .pid = 11, .cpu = 7, .bytes = 9);
	assert_int_equal(s->rows_count, 1);
	assert_true(row->forked);
	assert_int_equal(row->image, 0);
	assert_string_equal(row->comm, "worker");
	assert_string_equal(s->rows[0].args, "sh|-c|");
	assert_int_equal(row->began_ns, 2 * S);
	end(s);
}

static void each_exec_is_a_row_and_their_cpu_adds_up(void **state)
{
	struct seen *s = begin(NULL, ALL);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/a", .args = "a|");
	EXEC(.at = 2 * S, .pid = 10, .exe = "/bin/b", .args = "b|");
	CPU_SAMPLED(.at = 3 * S, .pid = 10, .cpu = 300);
	EXEC(.at = 4 * S, .pid = 10, .exe = "/bin/c", .args = "c|");
	END(.at = 5 * S, .pid = 10, .code = 3, .cpu = 1000, .bytes = 8192);

	assert_int_equal(s->rows_count, 3);
	assert_string_equal(s->rows[0].args, "a|");
	assert_int_equal(s->rows[0].row.wall_ns, S);
	assert_false(s->rows[0].row.last);
	assert_int_equal(s->rows[0].row.outcome, MODEL_OK);
	assert_int_equal(why_of(s->rows[0].row.cpu_ns), MODEL_REASON_REPLACED);
	assert_int_equal(why_of(s->rows[0].row.peak_rss_bytes), MODEL_REASON_REPLACED);
	assert_int_equal(why_of(s->rows[0].row.exit_code), MODEL_REASON_REPLACED);
	assert_int_equal(s->rows[1].row.cpu_ns, 300);
	assert_int_equal(s->rows[2].row.cpu_ns, 700);
	/* b's figure is that of a sample and includes a's, c's has the rest */
	assert_int_equal(why_of(s->rows[0].row.cpu_span_ns), MODEL_REASON_REPLACED);
	assert_int_equal(s->rows[1].row.cpu_from_ns, 1 * S);
	assert_int_equal(s->rows[1].row.cpu_span_ns, 2 * S);
	assert_int_equal(s->rows[2].row.cpu_from_ns, 3 * S);
	assert_int_equal(s->rows[2].row.cpu_span_ns, 2 * S);
	assert_int_equal(s->rows[2].row.image, 3);
	assert_true(s->rows[2].row.last);
	assert_int_equal(s->rows[2].row.outcome, MODEL_FAILED);
	end(s);
}

/* Its account has what the kernel does for it after the exit. */
static void a_program_of_one_thread_never_keeps_two_cpus_busy(void **state)
{
	struct seen *s = begin(NULL, ALL);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/a", .args = "a|");
	END(.at = 1 * S + 10 * MS, .pid = 10, .cpu = 13 * MS, .bytes = 8192);
	assert_int_equal(s->rows_count, 1);
	assert_int_equal(s->rows[0].row.wall_ns, 10 * MS);
	assert_int_equal(s->rows[0].row.cpu_span_ns, 13 * MS);
	end(s);
}

static void what_is_switched_off_is_not_waited_for(void **state)
{
	struct seen *s = begin(NULL, 1U << LIFECYCLE);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/a", .args = "a|");
	EXIT(.at = 2 * S, .pid = 10);
	assert_int_equal(s->rows_count, 1);
	assert_int_equal(why_of(s->rows[0].row.cpu_ns), MODEL_REASON_OFF);
	assert_int_equal(why_of(s->rows[0].row.peak_rss_bytes), MODEL_REASON_OFF);
	end(s);

	s = begin(NULL, 1U << CPU | 1U << MEM);
	MEM_SAMPLED(.at = 1 * S, .pid = 10, .bytes = 100);
	MEM_LAST(.at = 2 * S, .pid = 10, .bytes = 200);
	CPU_CLOSED(.at = 2 * S, .pid = 10, .cpu = 7);
	assert_int_equal(s->rows_count, 1);
	assert_int_equal(s->rows[0].row.outcome, MODEL_UNKNOWN);
	assert_string_equal(s->rows[0].row.comm, "comm");
	assert_null(s->rows[0].row.command);
	assert_int_equal(s->rows[0].row.cpu_ns, 7);
	assert_int_equal(why_of(s->rows[0].row.exit_code), MODEL_REASON_OFF);
	assert_int_equal(s->rows[0].row.ended_ns, 2 * S);
	assert_int_equal(s->rows[0].row.wall_ns, 1 * S);
	end(s);
}

static void null_values_keep_their_reason(void **state)
{
	struct seen *s = begin(NULL, ALL);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/a", .args = "a|");
	MEM_SAMPLED(.at = 1 * S, .pid = 10, .bytes = 4096);
	END(.at = 2 * S, .pid = 10, .cpu = EVENT_NULL(EVENT_REASON_DENIED), .bytes = EVENT_NULL(EVENT_REASON_BOUND));
	assert_int_equal(why_of(s->rows[0].row.cpu_ns), EVENT_REASON_DENIED);
	assert_int_equal(why_of(s->rows[0].row.peak_rss_bytes), EVENT_REASON_BOUND);
	assert_int_equal(s->rows[0].row.sampled_rss_bytes, 4096);
	end(s);
}

static void what_is_open_at_the_end_runs_or_nobody_knows(void **state)
{
	struct stream_state whole = {.complete = true}, cut = {.life = STREAM_UNKNOWN};

	(void)state;
	for (int lossy = 0; lossy < 2; lossy++) {
		struct seen *s = begin(NULL, ALL);

		EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/a", .args = "a|");
		CPU_SAMPLED(.at = 2 * S, .pid = 10, .cpu = 5);
		for (int i = 0; i < STREAMS; i++)
			model__ended(s->model, &s->made.info[i], lossy ? &cut : &whole);
		assert_int_equal(model__finish(s->model), 0);
		assert_int_equal(s->rows_count, 1);
		assert_int_equal(s->rows[0].row.outcome, lossy ? MODEL_UNKNOWN : MODEL_RUNNING);
		assert_int_equal(s->rows[0].row.cpu_ns, 5);
		assert_int_equal(why_of(s->rows[0].row.ended_ns), lossy ? EVENT_REASON_LOST : MODEL_REASON_RUNNING);
		end(s);
	}
}

static void what_goes_on_does_so_until_now(void **state)
{
	struct stream_state goes = {.life = STREAM_RUNNING, .until_ns = 9 * S};
	struct seen *s = begin(NULL, ALL);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/a", .args = "a|");
	CPU_SAMPLED(.at = 2 * S, .pid = 10, .cpu = 5);
	EXEC(.at = 1 * S, .pid = 11, .exe = "/bin/b", .args = "b|");
	MEM_LAST(.at = 2 * S, .pid = 11, .bytes = 4096); /* its exit is not in the other streams yet */
	for (int i = 0; i < STREAMS; i++)
		model__ended(s->model, &s->made.info[i], &goes);
	assert_int_equal(model__finish(s->model), 0);
	assert_int_equal(s->rows_count, 2);
	assert_int_equal(s->rows[0].row.pid, 11);
	assert_int_equal(s->rows[0].row.outcome, MODEL_RUNNING);
	assert_int_equal(s->rows[1].row.outcome, MODEL_RUNNING);
	assert_int_equal(s->rows[1].row.wall_ns, 8 * S);
	assert_int_equal(s->rows[1].row.cpu_ns, 5);
	assert_int_equal(model__run(s->model, 0)->life, STREAM_RUNNING);
	for (int i = 0; i < MODEL_SOURCES; i++)
		assert_false(model__run(s->model, 0)->lossy[i]);
	end(s);
}

static void a_lost_record_makes_doubt(void **state)
{
	struct seen *s = begin(NULL, ALL);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/a", .args = "a|");
	LOST(.at = 2 * S, .stream = LIFECYCLE, .count = 3, .since = 1 * S, .cause = "ring_full");
	assert_int_equal(model__finish(s->model), 0);
	assert_int_equal(s->rows[0].row.outcome, MODEL_UNKNOWN);
	end(s);
}

/* mem's record of the exit says when; the account comes later. */
static void a_lost_exit_leaves_its_time_in_the_other_streams(void **state)
{
	struct seen *s = begin(NULL, ALL);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/a", .args = "a|");
	MEM_LAST(.at = 4 * S, .pid = 10, .bytes = 8192);
	CPU_CLOSED(.at = 9 * S, .pid = 10, .cpu = 8 * MS);
	LOST(.at = 9 * S, .stream = LIFECYCLE, .count = 1, .since = 1 * S, .cause = "ring_full");
	EXEC(.at = 9 * S, .pid = 11, .exe = "/bin/b", .args = "b|");
	CPU_CLOSED(.at = 10 * S, .pid = 11, .cpu = 8 * MS);
	assert_int_equal(model__finish(s->model), 0);
	assert_int_equal(s->rows_count, 2);
	assert_int_equal(s->rows[0].row.outcome, MODEL_UNKNOWN);
	assert_int_equal(s->rows[0].row.ended_ns, 4 * S);
	assert_int_equal(s->rows[0].row.wall_ns, 3 * S);
	assert_int_equal(why_of(s->rows[1].row.ended_ns), EVENT_REASON_LOST);
	assert_int_equal(why_of(s->rows[1].row.wall_ns), EVENT_REASON_LOST);
	end(s);
}

static void a_process_older_than_the_collector(void **state)
{
	struct seen *s = begin(NULL, ALL);

	(void)state;
	ALIVE(.at = 5 * S, .pid = 10, .start = 1 * S, .parent = 1, .exe = "/bin/nextflow", .args = "nextflow|");
	FORK(.at = 6 * S, .pid = 11, .parent = 10, .comm = "java");
	END(.at = 7 * S, .pid = 11, .cpu = 1, .bytes = 1);
	END(.at = 8 * S, .pid = 10, .cpu = 1, .bytes = 1);
	assert_int_equal(s->rows_count, 2);
	assert_string_equal(s->rows[0].parent, "nextflow|");
	assert_true(s->rows[1].row.preexisting);
	assert_int_equal(s->rows[1].row.began_ns, 1 * S);
	assert_int_equal(s->rows[1].row.image, 0);
	end(s);
}

static void a_reused_pid_ends_its_last_holder(void **state)
{
	struct seen *s = begin(NULL, ALL);

	(void)state;
	EXEC(.at = 1 * S, .pid = 9, .exe = "/bin/root", .args = "root|");
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/a", .args = "a|");
	FORK(.at = 2 * S, .pid = 10, .parent = 9, .comm = "root");
	assert_int_equal(s->rows_count, 1);
	assert_string_equal(s->rows[0].args, "a|");
	assert_int_equal(s->rows[0].row.outcome, MODEL_UNKNOWN);
	END(.at = 3 * S, .pid = 10, .cpu = 1, .bytes = 1);
	assert_int_equal(s->rows_count, 2);
	assert_true(s->rows[1].row.forked);
	end(s);
}

static void the_runs_memory_is_the_sum_of_samples(void **state)
{
	struct seen *s = begin(NULL, ALL);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/a", .args = "a|");
	EXEC(.at = 1 * S, .pid = 11, .exe = "/bin/b", .args = "b|");
	MEM_SAMPLED(.at = 2 * S, .pid = 10, .bytes = 100);
	MEM_SAMPLED(.at = 2 * S + 1, .pid = 11, .bytes = 50);
	/* One shrinks while the other grows: no round of samples saw 220 at once. */
	MEM_SAMPLED(.at = 3 * S, .pid = 11, .bytes = 120);
	MEM_SAMPLED(.at = 3 * S + 1, .pid = 10, .bytes = 10);
	END(.at = 4 * S, .pid = 11, .cpu = 1, .bytes = 1);
	MEM_SAMPLED(.at = 5 * S, .pid = 10, .bytes = 60);
	END(.at = 6 * S, .pid = 10, .cpu = 1, .bytes = 1);
	assert_int_equal(model__run(s->model, 0)->rss_peak_bytes, 150);
	end(s);
}

static void memory_is_bounded_by_what_lives(void **state)
{
	struct seen *s = begin(NULL, ALL);
	struct process *last;
	uint64_t ts = 2 * S;

	(void)state;
	EXEC(.at = 1 * S, .pid = 1, .exe = "/bin/bash", .args = "bash|");
	FORK(.at = ts, .pid = 2, .parent = 1, .comm = "bash");
	/* Each forks the next and dies of a failure: the chain behind the living one must not grow. */
	for (uint32_t i = 0; i < 20000; i++, ts += 20 * MS) {
		FORK(.at = ts + 20 * MS, .pid = i + 3, .parent = i + 2, .comm = "bash");
		END(.at = ts + 20 * MS, .pid = i + 2, .code = 1, .cpu = 1, .bytes = 1);
		assert_true(s->model->processes.count <= 4);
	}
	assert_int_equal(s->rows_count, 20000);
	assert_true(s->model->failures_count <= 10000);
	assert_true(model__run(s->model, 0)->untraced > 0);
	last = process__find(s->model, s->model->runs[0], 20002, ts);
	assert_non_null(last);
	assert_int_equal(last->row.depth, 20001);
	assert_ptr_equal(process__ancestor(last), s->model->runs[0]->root);
	end(s);
}

static void an_error_of_the_user_stops_it(void **state)
{
	struct seen *s = begin(NULL, ALL);

	(void)state;
	s->fail = -EPIPE;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/a", .args = "a|");
	END(.at = 2 * S, .pid = 10, .cpu = 1, .bytes = 1);
	assert_int_equal(s->made.err, -EPIPE);
	s->made.err = 0;
	end(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_program_is_one_row),
		cmocka_unit_test(a_child_knows_its_parent_even_when_that_is_gone),
		cmocka_unit_test(a_fork_without_exec_is_a_row),
		cmocka_unit_test(each_exec_is_a_row_and_their_cpu_adds_up),
		cmocka_unit_test(a_program_of_one_thread_never_keeps_two_cpus_busy),
		cmocka_unit_test(what_is_switched_off_is_not_waited_for),
		cmocka_unit_test(null_values_keep_their_reason),
		cmocka_unit_test(what_is_open_at_the_end_runs_or_nobody_knows),
		cmocka_unit_test(what_goes_on_does_so_until_now),
		cmocka_unit_test(a_lost_record_makes_doubt),
		cmocka_unit_test(a_lost_exit_leaves_its_time_in_the_other_streams),
		cmocka_unit_test(a_process_older_than_the_collector),
		cmocka_unit_test(a_reused_pid_ends_its_last_holder),
		cmocka_unit_test(the_runs_memory_is_the_sum_of_samples),
		cmocka_unit_test(memory_is_bounded_by_what_lives),
		cmocka_unit_test(an_error_of_the_user_stops_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
