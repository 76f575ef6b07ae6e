/* SPDX-License-Identifier: BSD-2-Clause */
/* sinks/model: what rows come of which records. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sinks/model/model.h"
#include "sinks/model/process.h"
#include "tests/unit/model_events.h"

#define ROWS 64

struct seen {
	struct made made;
	struct model *model;
	size_t rows_count, hidden_count;
	struct {
		struct model_row row;
		char exe[64], tried[64], args[64], parent[64]; /* args with '|' behind each */
	} rows[ROWS];
	struct {
		uint32_t pid, by;
	} hidden[ROWS];
	int fail; /* what on_row returns */
};

static void args_of(char *to, size_t size, const struct model_command *command)
{
	size_t n = command ? command->args.length : 0;

	assert_true(n < size);
	for (size_t i = 0; i < n; i++)
		to[i] = command->args.data[i] ? command->args.data[i] : '|';
	to[n] = '\0';
}

static int on_row(void *arg, const struct model_row *row)
{
	struct seen *s = arg;

	if (s->rows_count < ROWS) {
		s->rows[s->rows_count].row = *row;
		args_of(s->rows[s->rows_count].args, 64, row->command);
		args_of(s->rows[s->rows_count].parent, 64, row->parent);
		if (row->command && row->command->exe.data)
			strncpy(s->rows[s->rows_count].exe, row->command->exe.data, 63);
		if (row->tried && row->tried->exe.data)
			strncpy(s->rows[s->rows_count].tried, row->tried->exe.data, 63);
	}
	s->rows_count++;
	return s->fail;
}

static int on_hidden(void *arg, const struct model_row *row, uint32_t pid, const struct model_command *by)
{
	struct seen *s = arg;

	(void)by;
	assert_true(s->hidden_count < ROWS);
	s->hidden[s->hidden_count].pid = row->pid;
	s->hidden[s->hidden_count++].by = pid;
	return 0;
}

static int feed(void *arg, const struct record *record)
{
	return model__feed(((struct seen *)arg)->model, record);
}

/* `streams`: bits of LIFECYCLE, CPU, MEM that are switched on. */
static struct seen *begin(unsigned streams)
{
	static const struct model_calls calls = {.row = on_row, .hidden = on_hidden};
	struct seen *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	made__init(&s->made, "run-1", feed, s);
	s->model = model__new(&calls, s, NULL);
	assert_non_null(s->model);
	for (int i = 0; i < STREAMS; i++)
		if (streams & 1U << i)
			assert_int_equal(model__stream(s->model, &s->made.info[i]), 0);
	return s;
}

static void end(struct seen *s)
{
	assert_int_equal(s->made.err, 0);
	model__free(s->model);
	made__free(&s->made);
	free(s);
}

#define ALL 7U
#define why_of(value) (assert_true(EVENT_IS_NULL(value)), EVENT_NULL_REASON(value))

static void one_program_is_one_row(void **state)
{
	struct seen *s = begin(ALL);
	const struct model_row *row = &s->rows[0].row;

	(void)state;
	made__exec(&s->made, 2 * S, 10, 1 * S, "/bin/true", "true|-x|");
	made__cpu(&s->made, SAMPLE, 3 * S, 10, 1 * S, 5 * MS);
	made__mem(&s->made, SAMPLE, 3 * S, 10, 1 * S, 4096);
	made__mem(&s->made, END, 4 * S, 10, 1 * S, 8192);
	made__exit(&s->made, 4 * S, 10, 1 * S, 0);
	assert_int_equal(s->rows_count, 0);
	made__cpu(&s->made, END, 4 * S + 20 * MS, 10, 1 * S, 8 * MS);

	assert_int_equal(s->rows_count, 1);
	assert_int_equal(row->pid, 10);
	assert_int_equal(row->start, S);
	assert_true(row->root && row->last && !row->forked && !row->older);
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
	struct seen *s = begin(ALL);

	(void)state;
	made__exec(&s->made, 1 * S, 10, 1 * S, "/bin/sh", "sh|-c|");
	made__fork(&s->made, 2 * S, 11, 10, 1 * S, "sh");
	made__end(&s->made, 3 * S, 10, 1 * S, 0, 1, 1);
	made__exec(&s->made, 4 * S, 11, 2 * S, "/bin/true", "true|");
	made__end(&s->made, 5 * S, 11, 2 * S, 0, 1, 1);
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
	struct seen *s = begin(ALL);
	const struct model_row *row = &s->rows[0].row;

	(void)state;
	made__exec(&s->made, 1 * S, 10, 1 * S, "/bin/sh", "sh|-c|");
	made__fork(&s->made, 2 * S, 11, 10, 1 * S, "worker");
	made__end(&s->made, 3 * S, 11, 2 * S, 0, 7, 9);
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
	struct seen *s = begin(ALL);

	(void)state;
	made__exec(&s->made, 1 * S, 10, 1 * S, "/bin/a", "a|");
	made__exec(&s->made, 2 * S, 10, 1 * S, "/bin/b", "b|");
	made__cpu(&s->made, SAMPLE, 3 * S, 10, 1 * S, 300);
	made__exec(&s->made, 4 * S, 10, 1 * S, "/bin/c", "c|");
	made__end(&s->made, 5 * S, 10, 1 * S, 3, 1000, 8192);

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
	assert_int_equal(s->rows[2].row.image, 3);
	assert_true(s->rows[2].row.last);
	assert_int_equal(s->rows[2].row.outcome, MODEL_FAILED);
	end(s);
}

static void what_is_switched_off_is_not_waited_for(void **state)
{
	struct seen *s = begin(1U << LIFECYCLE);

	(void)state;
	made__exec(&s->made, 1 * S, 10, 1 * S, "/bin/a", "a|");
	made__exit(&s->made, 2 * S, 10, 1 * S, 0);
	assert_int_equal(s->rows_count, 1);
	assert_int_equal(why_of(s->rows[0].row.cpu_ns), MODEL_REASON_OFF);
	assert_int_equal(why_of(s->rows[0].row.peak_rss_bytes), MODEL_REASON_OFF);
	end(s);

	s = begin(1U << CPU | 1U << MEM);
	made__mem(&s->made, SAMPLE, 1 * S, 10, 1 * S, 100);
	made__mem(&s->made, END, 2 * S, 10, 1 * S, 200);
	made__cpu(&s->made, END, 2 * S, 10, 1 * S, 7);
	assert_int_equal(s->rows_count, 1);
	assert_int_equal(s->rows[0].row.outcome, MODEL_UNKNOWN);
	assert_string_equal(s->rows[0].row.comm, "comm");
	assert_null(s->rows[0].row.command);
	assert_int_equal(s->rows[0].row.cpu_ns, 7);
	assert_int_equal(why_of(s->rows[0].row.exit_code), MODEL_REASON_OFF);
	assert_int_equal(why_of(s->rows[0].row.wall_ns), MODEL_REASON_OFF);
	end(s);
}

static void the_wait_for_a_late_account_is_bounded(void **state)
{
	struct seen *s = begin(ALL);

	(void)state;
	made__exec(&s->made, 1 * S, 10, 1 * S, "/bin/a", "a|");
	made__mem(&s->made, END, 2 * S, 10, 1 * S, 1);
	made__exit(&s->made, 2 * S, 10, 1 * S, 0);
	made__fork(&s->made, 11 * S, 11, 10, 1 * S, "x");
	assert_int_equal(s->rows_count, 0);
	made__fork(&s->made, 13 * S, 12, 10, 1 * S, "x");
	assert_int_equal(s->rows_count, 1);
	assert_int_equal(why_of(s->rows[0].row.cpu_ns), MODEL_REASON_ABSENT);
	assert_int_equal(s->rows[0].row.outcome, MODEL_OK);
	made__cpu(&s->made, END, 14 * S, 10, 1 * S, 5);
	assert_int_equal(s->rows_count, 1);
	assert_int_equal(model__run(s->model, 0)->unmatched, 1);
	end(s);
}

static void null_values_keep_their_reason(void **state)
{
	struct seen *s = begin(ALL);

	(void)state;
	made__exec(&s->made, 1 * S, 10, 1 * S, "/bin/a", "a|");
	made__mem(&s->made, SAMPLE, 1 * S, 10, 1 * S, 4096);
	made__end(&s->made, 2 * S, 10, 1 * S, 0, EVENT_NULL(EVENT_REASON_DENIED), EVENT_NULL(EVENT_REASON_BOUND));
	assert_int_equal(why_of(s->rows[0].row.cpu_ns), EVENT_REASON_DENIED);
	assert_int_equal(why_of(s->rows[0].row.peak_rss_bytes), EVENT_REASON_BOUND);
	assert_int_equal(s->rows[0].row.sampled_rss_bytes, 4096);
	end(s);
}

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
		struct seen *s = begin(ALL);

		made__exec(&s->made, 1 * S, 10, 1 * S, cases[i].exe, "a|");
		if (cases[i].oom)
			made__mem(&s->made, OOM_KILL, 2 * S, 10, 1 * S, 1);
		made__end(&s->made, 2 * S, 10, 1 * S, cases[i].status, 1, 1);
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
	struct seen *s = begin(ALL);

	(void)state;
	made__exec(&s->made, 1 * S, 10, 1 * S, "/bin/bash", "bash|");
	made__fork(&s->made, 2 * S, 11, 10, 1 * S, "bash");
	made__fork(&s->made, 3 * S, 12, 11, 2 * S, "bash");
	made__exec(&s->made, 3 * S, 12, 3 * S, "/bin/grep", "grep|x|");
	made__end(&s->made, 4 * S, 12, 3 * S, 1, 1, 1);
	made__end(&s->made, 5 * S, 11, 2 * S, 1, 1, 1);
	made__fork(&s->made, 6 * S, 13, 10, 1 * S, "bash");
	made__exec(&s->made, 6 * S, 13, 6 * S, "/bin/tool", "tool|");
	made__end(&s->made, 7 * S, 13, 6 * S, -9, 1, 1);
	made__end(&s->made, 8 * S, 10, 1 * S, 137, 1, 1);

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
	struct seen *s = begin(ALL);

	made__exec(&s->made, 1 * S, 10, 1 * S, "/bin/bash", "bash|");
	made__fork(&s->made, 2 * S, 11, 10, 1 * S, "bash");
	made__exec(&s->made, 2 * S, 11, 2 * S, "/bin/sh", "sh|");
	made__fork(&s->made, 3 * S, 12, 11, 2 * S, "sh");
	made__exec(&s->made, 3 * S, 12, 3 * S, "/bin/tool", "tool|");
	made__end(&s->made, 4 * S, 12, 3 * S, 7, 1, 1);
	made__end(&s->made, 5 * S, 11, 2 * S, inner, 1, 1);
	made__end(&s->made, 6 * S, 10, 1 * S, outer, 1, 1);
	assert_int_equal(model__finish(s->model), 0);
	assert_int_equal(s->rows_count, 3);
	assert_int_equal(s->model->failures_count, 0);
	return s;
}

static void a_row_knows_what_could_not_be_executed(void **state)
{
	struct seen *s = begin(ALL);

	(void)state;
	made__exec(&s->made, 1 * S, 10, 1 * S, "/bin/bash", "bash|");
	made__fork(&s->made, 2 * S, 11, 10, 1 * S, "bash");
	made__exec_failed(&s->made, 3 * S, 11, 2 * S, "/bin/no_such", "ENOENT");
	made__exec_failed(&s->made, 3 * S, 99, 2 * S, "/bin/no_such", "ENOENT");
	made__end(&s->made, 4 * S, 11, 2 * S, 127, 1, 1);
	made__exec_failed(&s->made, 5 * S, 10, 1 * S, "/bin/c", "EACCES");
	made__exec(&s->made, 5 * S, 10, 1 * S, "/bin/d", "d|");
	made__end(&s->made, 6 * S, 10, 1 * S, 0, 1, 1);
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
	struct seen *s = begin(ALL);

	(void)state;
	made__exec(&s->made, 1 * S, 10, 1 * S, "/bin/bash", "bash|");
	made__fork(&s->made, 2 * S, 11, 10, 1 * S, "bash");
	made__end(&s->made, 3 * S, 10, 1 * S, 0, 1, 1);
	made__end(&s->made, 4 * S, 11, 2 * S, 1, 1, 1);
	assert_int_equal(s->hidden_count, 1);
	assert_int_equal(s->hidden[0].by, 10);
	end(s);
}

/* The child's row waits for its CPU account; meanwhile the parent ends. */
static void the_parents_end_may_overtake_the_childs_account(void **state)
{
	struct seen *s = begin(ALL);

	(void)state;
	made__exec(&s->made, 1 * S, 10, 1 * S, "/bin/bash", "bash|");
	made__fork(&s->made, 2 * S, 11, 10, 1 * S, "bash");
	made__mem(&s->made, END, 3 * S, 11, 2 * S, 1);
	made__exit(&s->made, 3 * S, 11, 2 * S, 1);
	made__mem(&s->made, END, 3 * S + MS, 10, 1 * S, 1);
	made__exit(&s->made, 3 * S + MS, 10, 1 * S, 0);
	made__cpu(&s->made, END, 3 * S + 15 * MS, 11, 2 * S, 1);
	made__cpu(&s->made, END, 3 * S + 16 * MS, 10, 1 * S, 1);
	assert_int_equal(s->rows_count, 2);
	assert_int_equal(s->hidden_count, 1);
	end(s);
}

static void what_is_open_at_the_end_runs_or_nobody_knows(void **state)
{
	struct stream_state whole = {.complete = true}, cut = {.complete = false};

	(void)state;
	for (int lossy = 0; lossy < 2; lossy++) {
		struct seen *s = begin(ALL);

		made__exec(&s->made, 1 * S, 10, 1 * S, "/bin/a", "a|");
		made__cpu(&s->made, SAMPLE, 2 * S, 10, 1 * S, 5);
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

static void at_the_end_nobody_answers_for_a_failure(void **state)
{
	struct seen *s = begin(ALL);

	(void)state;
	made__exec(&s->made, 1 * S, 10, 1 * S, "/bin/bash", "bash|");
	made__fork(&s->made, 2 * S, 11, 10, 1 * S, "bash");
	made__mem(&s->made, OOM_KILL, 3 * S, 11, 2 * S, 1);
	assert_int_equal(model__finish(s->model), 0);
	assert_int_equal(s->rows[0].row.outcome, MODEL_RUNNING);
	assert_int_equal(s->rows[1].row.outcome, MODEL_OOM);
	assert_int_equal(s->hidden_count, 0);
	assert_int_equal(s->model->failures_count, 0);
	end(s);
}

static void a_lost_record_makes_doubt(void **state)
{
	struct seen *s = begin(ALL);

	(void)state;
	made__exec(&s->made, 1 * S, 10, 1 * S, "/bin/a", "a|");
	made__lost(&s->made, LIFECYCLE, 2 * S, 3, 1 * S, "ring_full");
	assert_int_equal(model__finish(s->model), 0);
	assert_int_equal(s->rows[0].row.outcome, MODEL_UNKNOWN);
	end(s);
}

static void a_process_older_than_the_collector(void **state)
{
	struct seen *s = begin(ALL);

	(void)state;
	made__exec_as(&s->made, ALIVE, 5 * S, 10, 1 * S, 1, 0, "/bin/nextflow", "nextflow|");
	made__fork(&s->made, 6 * S, 11, 10, 1 * S, "java");
	made__end(&s->made, 7 * S, 11, 6 * S, 0, 1, 1);
	made__end(&s->made, 8 * S, 10, 1 * S, 0, 1, 1);
	assert_int_equal(s->rows_count, 2);
	assert_string_equal(s->rows[0].parent, "nextflow|");
	assert_true(s->rows[1].row.older);
	assert_int_equal(s->rows[1].row.began_ns, 1 * S);
	assert_int_equal(s->rows[1].row.image, 0);
	end(s);
}

static void a_reused_pid_ends_its_last_holder(void **state)
{
	struct seen *s = begin(ALL);

	(void)state;
	made__exec(&s->made, 1 * S, 9, 1 * S, "/bin/root", "root|");
	made__exec(&s->made, 1 * S, 10, 1 * S, "/bin/a", "a|");
	made__fork(&s->made, 2 * S, 10, 9, 1 * S, "root");
	assert_int_equal(s->rows_count, 1);
	assert_string_equal(s->rows[0].args, "a|");
	assert_int_equal(s->rows[0].row.outcome, MODEL_UNKNOWN);
	made__end(&s->made, 3 * S, 10, 2 * S, 0, 1, 1);
	assert_int_equal(s->rows_count, 2);
	assert_true(s->rows[1].row.forked);
	end(s);
}

static void the_runs_memory_is_the_sum_of_samples(void **state)
{
	struct seen *s = begin(ALL);

	(void)state;
	made__exec(&s->made, 1 * S, 10, 1 * S, "/bin/a", "a|");
	made__exec(&s->made, 1 * S, 11, 1 * S, "/bin/b", "b|");
	made__mem(&s->made, SAMPLE, 2 * S, 10, 1 * S, 100);
	made__mem(&s->made, SAMPLE, 2 * S + 1, 11, 1 * S, 50);
	/* One shrinks while the other grows: no round of samples saw 220 at once. */
	made__mem(&s->made, SAMPLE, 3 * S, 11, 1 * S, 120);
	made__mem(&s->made, SAMPLE, 3 * S + 1, 10, 1 * S, 10);
	made__end(&s->made, 4 * S, 11, 1 * S, 0, 1, 1);
	made__mem(&s->made, SAMPLE, 5 * S, 10, 1 * S, 60);
	made__end(&s->made, 6 * S, 10, 1 * S, 0, 1, 1);
	assert_int_equal(model__run(s->model, 0)->rss_peak_bytes, 150);
	end(s);
}

static void memory_is_bounded_by_what_lives(void **state)
{
	struct seen *s = begin(ALL);
	struct process *last;
	uint64_t ts = 2 * S;

	(void)state;
	made__exec(&s->made, 1 * S, 1, 1 * S, "/bin/bash", "bash|");
	made__fork(&s->made, ts, 2, 1, 1 * S, "bash");
	/* Each forks the next and dies of a failure: the chain behind the living one must not grow. */
	for (uint32_t i = 0; i < 20000; i++, ts += 20 * MS) {
		made__fork(&s->made, ts + 20 * MS, i + 3, i + 2, ts, "bash");
		made__end(&s->made, ts + 20 * MS, i + 2, ts, 1, 1, 1);
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
	struct seen *s = begin(ALL);

	(void)state;
	s->fail = -EPIPE;
	made__exec(&s->made, 1 * S, 10, 1 * S, "/bin/a", "a|");
	made__end(&s->made, 2 * S, 10, 1 * S, 0, 1, 1);
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
		cmocka_unit_test(what_is_switched_off_is_not_waited_for),
		cmocka_unit_test(the_wait_for_a_late_account_is_bounded),
		cmocka_unit_test(null_values_keep_their_reason),
		cmocka_unit_test(ends_are_judged),
		cmocka_unit_test(a_subshell_passes_on_what_its_child_said),
		cmocka_unit_test(a_row_knows_what_could_not_be_executed),
		cmocka_unit_test(hidden_is_what_an_ancestor_swallowed),
		cmocka_unit_test(a_failure_behind_its_parents_back_is_hidden),
		cmocka_unit_test(the_parents_end_may_overtake_the_childs_account),
		cmocka_unit_test(what_is_open_at_the_end_runs_or_nobody_knows),
		cmocka_unit_test(at_the_end_nobody_answers_for_a_failure),
		cmocka_unit_test(a_lost_record_makes_doubt),
		cmocka_unit_test(a_process_older_than_the_collector),
		cmocka_unit_test(a_reused_pid_ends_its_last_holder),
		cmocka_unit_test(the_runs_memory_is_the_sum_of_samples),
		cmocka_unit_test(memory_is_bounded_by_what_lives),
		cmocka_unit_test(an_error_of_the_user_stops_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
