/* SPDX-License-Identifier: BSD-2-Clause */
/* sinks/model: the tasks that come of rules, and what their samples add up to. */
#include "tests/unit/model_seen.h"

static void children_inherit_and_a_task_sums_up(void **state)
{
	struct seen *s = begin(step_rule, 7);
	const struct model_task *task = &s->tasks[0].task;

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/run", .args = "run|");
	program(2 * S, 11, 10, "stepA|");
	program(3 * S, 12, 11, "tool|");
	FORK(.at = 3 * S, .pid = 13, .parent = 12, .comm = "tool");
	END(.at = 4 * S, .pid = 13, .cpu = 10 * MS, .bytes = 1000);
	END(.at = 5 * S, .pid = 12, .code = 3, .cpu = 20 * MS, .bytes = 5000);
	assert_int_equal(s->tasks_count, 0);
	END(.at = 6 * S, .pid = 11, .cpu = 40 * MS, .bytes = 3000);
	assert_int_equal(s->tasks_count, 1);
	END(.at = 9 * S, .pid = 10, .cpu = 80 * MS, .bytes = 9000);

	assert_int_equal(s->rows_count, 4);
	assert_int_equal(s->rows[0].task, 1);
	assert_int_equal(s->rows[1].task, 1);
	assert_int_equal(s->rows[2].task, 1);
	assert_int_equal(s->rows[3].task, 0);
	assert_int_equal(s->tasks[0].rows, 3);
	assert_string_equal(s->tasks[0].step, "step A");
	assert_string_equal(s->tasks[0].id, "");
	assert_int_equal(task->number, 1);
	assert_int_equal(task->parent, 0);
	assert_int_equal(task->pid, 11);
	assert_int_equal(task->start, 2 * S);
	assert_int_equal(task->began_ns, 2 * S);
	assert_int_equal(task->ended_ns, 6 * S);
	assert_int_equal(task->wall_ns, 4 * S);
	assert_int_equal(task->rows, 3);
	assert_int_equal(task->processes, 3);
	assert_int_equal(task->cpu_ns, 70 * MS);
	assert_int_equal(task->user_ns + task->system_ns, 70 * MS);
	assert_int_equal(task->peak_rss_bytes, 5000);
	assert_int_equal(task->rows_without_cpu + task->rows_without_peak, 0);
	assert_int_equal(task->failed, 1);
	assert_int_equal(task->hidden, 1);
	assert_int_equal(task->exit_code, 0);
	assert_int_equal(task->outcome, MODEL_OK);
	assert_int_equal(EVENT_NULL_REASON(task->io[0]), MODEL_REASON_OFF);
	assert_int_equal(s->hidden_count, 1);
	end(s);
}

static void huge_pages_are_null_where_no_sample_looked(void **state)
{
	static const struct {
		bool sampled;
		uint64_t hugetlb;
	} cases[] = {{false, EVENT_NULL(MODEL_REASON_ABSENT)}, {true, 0}, {true, 4096}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct seen *s = begin(step_rule, 7);
		uint64_t found;

		EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/run", .args = "run|");
		program(2 * S, 11, 10, "stepA|");
		program(3 * S, 12, 11, "tool|");
		if (cases[i].sampled)
			MEM_SAMPLED(.at = 4 * S, .pid = 11, .bytes = 1000, .hugetlb = cases[i].hugetlb);
		END(.at = 5 * S, .pid = 12, .cpu = 20 * MS, .bytes = 5000);
		END(.at = 6 * S, .pid = 11, .cpu = 40 * MS, .bytes = 3000);
		END(.at = 9 * S, .pid = 10, .cpu = 80 * MS, .bytes = 9000);
		found = s->tasks[0].task.hugetlb_bytes;
		if (!EVENT_IS_NULL(cases[i].hugetlb))
			assert_int_equal(found, cases[i].hugetlb);
		else
			assert_true(EVENT_IS_NULL(found));
		end(s);
	}
}

static void tasks_nest_and_a_rule_holds_once_a_process(void **state)
{
	struct seen *s = begin(step_rule, 1U << LIFECYCLE);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/run", .args = "run|");
	program(2 * S, 11, 10, "stepA|");
	EXEC(.at = 3 * S, .pid = 11, .exe = "/bin/stepB", .args = "stepB|"); /* goes on: the same task */
	program(4 * S, 12, 11, "stepC|");				     /* its child: one inside */
	EXIT(.at = 5 * S, .pid = 12, .code = 1);
	EXIT(.at = 6 * S, .pid = 11, .code = 2);
	assert_int_equal(s->tasks_count, 2);
	assert_string_equal(s->tasks[0].step, "step C");
	assert_int_equal(s->tasks[0].task.parent, 1);
	assert_int_equal(s->tasks[0].task.outcome, MODEL_FAILED);
	assert_int_equal(s->tasks[0].task.hidden, 0);
	assert_string_equal(s->tasks[1].step, "step A");
	assert_int_equal(s->tasks[1].task.rows, 2);
	assert_int_equal(s->tasks[1].task.processes, 1);
	assert_int_equal(s->tasks[1].task.exit_code, 2);
	EXIT(.at = 7 * S, .pid = 10);
	assert_int_equal(s->hidden_count, 2); /* of tasks that are closed */
	end(s);
}

static void an_exec_moves_a_process_into_another_task(void **state)
{
	struct seen *s = begin("steps:\n- {args: '^a', step: a}\n- {args: '^b', step: b}\n", 7);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/run", .args = "run|");
	program(2 * S, 11, 10, "a|");
	CPU_SAMPLED(.at = 3 * S, .pid = 11, .cpu = 10 * MS);
	EXEC(.at = 4 * S, .pid = 11, .exe = "/bin/b", .args = "b|");
	CPU_SAMPLED(.at = 4 * S, .pid = 11, .cpu = 10 * MS);
	assert_int_equal(s->tasks_count, 1);
	END(.at = 5 * S, .pid = 11, .code = 7, .cpu = 30 * MS, .bytes = 1000);
	assert_int_equal(s->tasks_count, 2);
	assert_int_equal(s->tasks[0].task.cpu_ns, 10 * MS);
	assert_int_equal(s->tasks[0].task.processes, 0);
	assert_int_equal(s->tasks[0].task.rows, 1);
	assert_int_equal(s->tasks[0].task.outcome, MODEL_OK);
	assert_int_equal(EVENT_NULL_REASON(s->tasks[0].task.exit_code), MODEL_REASON_REPLACED);
	assert_int_equal(s->tasks[1].task.cpu_ns, 20 * MS);
	assert_int_equal(s->tasks[1].task.parent, 1);
	assert_int_equal(s->tasks[1].task.exit_code, 7);
	end(s);
}

static void a_rule_for_outside_begins_nothing_inside(void **state)
{
	struct seen *s = begin("steps: [{args: '^x', outside: true, step: x}]", 1U << LIFECYCLE);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/run", .args = "run|");
	program(2 * S, 11, 10, "x|");
	program(3 * S, 12, 11, "x|");
	program(4 * S, 13, 10, "x|");
	assert_int_equal(model__finish(s->model), 0);
	assert_int_equal(s->tasks_count, 2);
	end(s);
}

static void one_id_is_one_task_even_of_strangers(void **state)
{
	struct seen *s = begin("steps:\n- {env: {TASK: '^(.+)$'}, step: task, id: '${1}'}\n"
			       "- {args: '^inner', step: inner}\n",
			       1U << LIFECYCLE);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/run", .args = "run|");
	s->made.env = "TASK=x|";
	program(2 * S, 11, 10, "a|");
	program(2 * S, 12, 10, "b|");
	s->made.env = "TASK=y|";
	program(2 * S, 13, 10, "c|");
	s->made.env = "TASK=x|";
	program(3 * S, 14, 12, "inner|"); /* its task's rule holds too, and leaves it to the next */
	EXIT(.at = 4 * S, .pid = 11);
	assert_int_equal(s->tasks_count, 0);
	EXIT(.at = 5 * S, .pid = 14);
	EXIT(.at = 5 * S, .pid = 12, .code = 9);
	assert_int_equal(s->tasks_count, 2);
	assert_string_equal(s->tasks[0].step, "inner");
	assert_int_equal(s->tasks[0].task.parent, 1);
	assert_string_equal(s->tasks[1].id, "x");
	assert_int_equal(s->tasks[1].task.rows, 2);
	assert_int_equal(s->tasks[1].task.failed, 1);
	assert_int_equal(s->tasks[1].task.hidden, 0); /* that its first process ended 0 says nothing of the other */
	assert_int_equal(s->tasks[1].task.outcome, MODEL_FAILED);
	assert_int_equal(s->tasks[1].task.exit_code, 9);
	assert_int_equal(s->tasks[1].task.ending->row.pid, 12);

	program(6 * S, 15, 10, "a|"); /* that one is closed: this is another */
	EXIT(.at = 7 * S, .pid = 15);
	assert_int_equal(s->tasks_count, 3);
	assert_string_equal(s->tasks[2].id, "x");
	assert_int_equal(s->tasks[2].task.number, 4);
	assert_int_equal(model__finish(s->model), 0);
	assert_int_equal(s->tasks_count, 4);
	assert_string_equal(s->tasks[3].id, "y");
	assert_int_equal(s->tasks[3].task.outcome, MODEL_RUNNING);
	assert_int_equal(EVENT_NULL_REASON(s->tasks[3].task.ended_ns), MODEL_REASON_RUNNING);
	end(s);
}

/* Processes of one id, and how they end, in order of time. */
static void of_one_id_the_first_failure_counts(void **state)
{
	static const struct {
		struct {
			uint32_t pid;
			int code;
		} ends[4];
		int code;
		uint32_t pid; /* whose end that is; 0: the task ended well */
		uint64_t hidden;
	} cases[] = {
		{{{11, 0}, {12, 0}, {13, 0}}, 0, 0, 0},
		{{{11, 3}, {12, 0}, {13, 0}}, 3, 11, 0},
		{{{12, 4}, {11, 0}, {13, 0}}, 4, 12, 0},
		{{{13, 5}, {12, 4}, {11, 3}}, 5, 13, 0},
		{{{11, 3}, {13, 5}, {12, 4}}, 3, 11, 0},
		{{{14, 7}, {11, 0}, {12, 0}, {13, 0}}, 0, 0, 1}, /* a child of 12: what that has handled is hidden */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct seen *s = begin("steps: [{env: {TASK: '^(.+)$'}, step: task, id: '${1}'}]\n", 1U << LIFECYCLE);
		const struct model_task *task = &s->tasks[0].task;

		EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/run", .args = "run|");
		s->made.env = "TASK=x|";
		for (uint32_t pid = 11; pid <= 13; pid++)
			program(2 * S, pid, 10, "a|");
		program(3 * S, 14, 12, "b|");
		for (size_t k = 0; k < 4 && cases[i].ends[k].pid; k++)
			EXIT(.at = (4 + k) * S, .pid = cases[i].ends[k].pid, .code = cases[i].ends[k].code);
		assert_int_equal(model__finish(s->model), 0);
		assert_int_equal(s->tasks_count, 1);
		assert_int_equal(task->outcome, cases[i].pid ? MODEL_FAILED : MODEL_OK);
		assert_int_equal(task->exit_code, cases[i].code);
		assert_int_equal(task->ending ? task->ending->row.pid : 0, cases[i].pid);
		assert_int_equal(task->hidden, cases[i].hidden);
		end(s);
	}
}

static void depth_counts_programs_not_subshells(void **state)
{
	struct seen *s = begin("steps: [{depth: 1, step: '${command}'}]", 1U << LIFECYCLE);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/sh", .args = "sh|x|");
	FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = "sh");
	program(3 * S, 12, 11, "a|");
	program(4 * S, 13, 12, "b|");
	assert_int_equal(model__finish(s->model), 0);
	assert_int_equal(s->tasks_count, 1);
	assert_string_equal(s->tasks[0].step, "a");
	assert_int_equal(s->tasks[0].task.rows, 2);
	end(s);
}

static void a_tasks_memory_is_the_sum_of_samples(void **state)
{
	struct seen *s = begin(step_rule, 7);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/run", .args = "run|");
	program(2 * S, 11, 10, "stepA|");
	program(2 * S, 12, 11, "tool|");
	for (uint64_t ts = 3 * S; ts < 6 * S; ts += S) {
		MEM_SAMPLED(.at = ts, .pid = 10, .bytes = 1 << 20);
		MEM_SAMPLED(.at = ts + MS, .pid = 11, .bytes = 1000);
		MEM_SAMPLED(.at = ts + 2 * MS, .pid = 12, .bytes = ts == 4 * S ? 7000 : 500);
	}
	END(.at = 6 * S, .pid = 12, .cpu = 1, .bytes = 9000);
	END(.at = 7 * S, .pid = 11, .cpu = 1, .bytes = 2000);
	assert_int_equal(s->tasks[0].task.rss_peak_bytes, 8000);
	assert_int_equal(s->tasks[0].task.peak_rss_bytes, 9000);
	end(s);
}

/* ---- looks ---- */

static void samples_add_up_to_the_row(void **state)
{
	struct seen *s = begin(step_rule, 7);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/a", .args = "a|");
	CPU_SAMPLED(.at = 2 * S, .pid = 10, .cpu = 500 * MS);
	MEM_SAMPLED(.at = 2 * S, .pid = 10, .bytes = 4096);
	CPU_SAMPLED(.at = 3 * S, .pid = 10, .cpu = 500 * MS);
	CPU_SAMPLED(.at = 4 * S, .pid = 10, .cpu = 700 * MS);
	EXEC(.at = 5 * S, .pid = 10, .exe = "/bin/b", .args = "b|");
	END(.at = 8 * S, .pid = 10, .cpu = 900 * MS, .bytes = 8192);
	assert_int_equal(s->rows_count, 2);
	assert_int_equal(s->rows[0].row.cpu_ns, 700 * MS);
	assert_int_equal(s->rows[0].sampled_cpu_ns, 700 * MS);
	assert_int_equal(s->rows[0].held_ns, 4 * S);
	assert_int_equal(s->rows[1].row.cpu_ns, 200 * MS);
	assert_int_equal(s->rows[1].sampled_cpu_ns, 200 * MS);
	assert_int_equal(s->rows[1].held_ns, 3 * S);
	assert_int_equal(s->samples_count, 3);
	assert_int_equal(s->rss[0], 4096);
	assert_int_equal(s->rss[1], 4096);
	assert_int_equal(s->rss[2], 8192); /* no look: its peak */
	end(s);
}

static void what_tasks_keep_is_bounded_by_what_lives(void **state)
{
	struct seen *s =
		begin("steps: [{args: '^x', step: x, id: '${command}'}, {args: '^y', step: y}]", 1U << LIFECYCLE);
	uint64_t ts = 2 * S;

	(void)state;
	EXEC(.at = 1 * S, .pid = 1, .exe = "/bin/run", .args = "run|");
	FORK(.at = ts, .pid = 2, .parent = 1, .comm = "run");
	/* Each begins a task inside its parent's, which is over then. */
	for (uint32_t i = 0; i < 5000; i++, ts += 20 * MS) {
		EXEC(.at = ts + 10 * MS, .pid = i + 2, .exe = i % 2 ? "/bin/x" : "/bin/y", .args = i % 2 ? "x|" : "y|");
		FORK(.at = ts + 20 * MS, .pid = i + 3, .parent = i + 2, .comm = "x");
		EXIT(.at = ts + 20 * MS, .pid = i + 2);
	}
	assert_int_equal(s->tasks_count, 4999);
	assert_true(s->model->tasks.count <= 2);
	{
		struct process *last = process__find(s->model, s->model->runs[0], 5002, ts);
		int chain = 0;

		assert_non_null(last);
		for (const struct task *task = last->task; task; task = task->outer)
			chain++;
		assert_true(chain <= 3);
	}
	end(s);
}

/* The processes of an engine that look around end as they like; what passes on another's status counts as ever. */
static void what_an_engine_does_for_itself_fails_nothing(void **state)
{
	struct seen *s = begin("steps:\n- {args: '^probe', engine: true}\n- {args: '^step', step: s, tag: t}\n",
			       1U << LIFECYCLE);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/run", .args = "run|");
	program(2 * S, 11, 10, "probe|");
	FORK(.at = 2 * S, .pid = 12, .parent = 11, .comm = "probe");
	EXIT(.at = 3 * S, .pid = 12, .signal = 15);
	program(3 * S, 13, 11, "step|");
	EXIT(.at = 4 * S, .pid = 13, .code = 7);
	FORK(.at = 4 * S, .pid = 14, .parent = 11, .comm = "probe");
	EXIT(.at = 5 * S, .pid = 14, .code = 1); /* after the step, and not what 11 passes on */
	EXIT(.at = 6 * S, .pid = 11, .code = 7);
	program(7 * S, 15, 10, "probe|");
	EXIT(.at = 8 * S, .pid = 15, .code = 3);
	EXIT(.at = 9 * S, .pid = 10);

	assert_int_equal(s->rows_count, 6);
	assert_int_equal(s->rows[0].row.outcome, MODEL_OK);
	assert_int_equal(s->rows[1].row.outcome, MODEL_FAILED);
	assert_false(s->rows[1].row.propagated);
	assert_int_equal(s->rows[2].row.outcome, MODEL_OK);
	assert_int_equal(s->rows[2].row.exit_code, 1);
	assert_int_equal(s->rows[3].row.outcome, MODEL_FAILED);
	assert_true(s->rows[3].row.propagated);
	assert_int_equal(s->rows[4].row.outcome, MODEL_OK);
	assert_int_equal(s->tasks_count, 1);
	assert_string_equal(s->tasks[0].tag, "t");
	end(s);
}

/* A runner that a job has of its own: the task has the job's figures, and ends as the runner does. */
static void what_runs_a_job_is_of_the_engine(void **state)
{
	struct seen *s = begin("steps:\n- {args: '^line', engine: above}\n- {args: '^runner', step: s}\n", 7);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/run", .args = "run|");
	program(2 * S, 11, 10, "runner|");
	program(3 * S, 12, 11, "look|");
	MEM_SAMPLED(.at = 4 * S, .pid = 11, .bytes = 70000);
	MEM_SAMPLED(.at = 4 * S, .pid = 12, .bytes = 3000);
	END(.at = 5 * S, .pid = 12, .cpu = 300 * MS, .bytes = 50000);
	program(6 * S, 13, 11, "line|");
	MEM_SAMPLED(.at = 7 * S, .pid = 11, .bytes = 72000);
	MEM_SAMPLED(.at = 7 * S, .pid = 13, .bytes = 2000);
	program(7 * S, 14, 13, "tool|");
	END(.at = 8 * S, .pid = 14, .cpu = 40 * MS, .bytes = 6000);
	END(.at = 8 * S, .pid = 13, .cpu = 10 * MS, .bytes = 2500);
	END(.at = 9 * S, .pid = 11, .cpu = 900 * MS, .bytes = 75000, .code = 3);
	assert_int_equal(s->tasks_count, 1);
	assert_int_equal(s->tasks[0].task.began_ns, 6 * S);
	assert_int_equal(s->tasks[0].task.ended_ns, 8 * S);
	assert_int_equal(s->tasks[0].task.cpu_ns, 50 * MS);
	assert_int_equal(s->tasks[0].task.peak_rss_bytes, 6000);
	assert_int_equal(s->tasks[0].task.rss_peak_bytes, 2000);
	assert_int_equal(s->tasks[0].task.processes, 2);
	assert_int_equal(s->tasks[0].task.exit_code, 3);
	assert_int_equal(s->tasks[0].task.outcome, MODEL_FAILED);
	END(.at = 9 * S, .pid = 10, .cpu = 1 * MS, .bytes = 1000);
	end(s);
}

static const char wrapped[] = "steps:\n"
			      "- {args: '^job (?<id>\\w+)', engine: above, id: '${id}'}\n"
			      "- {args: '^(?:wrapper|job) (?<id>\\w+)', step: s, id: '${id}'}\n";

/* A wrapper copies for its job, reads what that says, and copies after it. */
static void what_is_around_a_job_is_in_none_of_its_figures(void **state)
{
	struct seen *s = begin(wrapped, 7);
	const struct model_task *task = &s->tasks[0].task;

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/run", .args = "run|");
	program(2 * S, 11, 10, "wrapper|a|");
	program(2 * S, 12, 11, "tee|");
	program(3 * S, 13, 11, "cp|");
	END(.at = 4 * S, .pid = 13, .cpu = 300 * MS, .bytes = 50000);
	MEM_SAMPLED(.at = 4 * S, .pid = 12, .bytes = 9000);
	FORK(.at = 5 * S, .pid = 14, .parent = 11, .comm = "wrapper");
	FORK(.at = 5 * S, .pid = 15, .parent = 11, .comm = "wrapper");
	MEM_SAMPLED(.at = 5 * S, .pid = 15, .bytes = 7000, .inherited = 6000);
	MEM_SAMPLED(.at = 5 * S, .pid = 14, .bytes = 7000, .inherited = 6000);
	EXEC(.at = 6 * S, .pid = 14, .exe = "/bin/job", .args = "job|a|");
	MEM_SAMPLED(.at = 7 * S, .pid = 14, .bytes = 2000);
	MEM_SAMPLED(.at = 7 * S, .pid = 15, .bytes = 8000, .inherited = 6000);
	MEM_SAMPLED(.at = 7 * S, .pid = 12, .bytes = 9500);
	program(7 * S, 16, 14, "tool|");
	END(.at = 8 * S, .pid = 16, .cpu = 40 * MS, .bytes = 6000);
	END(.at = 8 * S, .pid = 14, .cpu = 10 * MS, .bytes = 2500);
	END(.at = 9 * S, .pid = 15, .cpu = 500 * MS, .bytes = 8000);
	END(.at = 9 * S, .pid = 12, .cpu = 500 * MS, .bytes = 9500);
	program(9 * S, 17, 11, "cp|out|");
	MEM_SAMPLED(.at = 10 * S, .pid = 17, .bytes = 40000);
	END(.at = 12 * S, .pid = 17, .cpu = 300 * MS, .bytes = 50000, .code = 1);
	END(.at = 12 * S, .pid = 11, .cpu = 900 * MS, .bytes = 75000, .code = 1);
	END(.at = 13 * S, .pid = 10, .cpu = 1 * MS, .bytes = 1000, .code = 1);

	assert_int_equal(s->tasks_count, 1);
	assert_int_equal(task->pid, 11);
	assert_int_equal(task->began_ns, 5 * S);
	assert_int_equal(task->ended_ns, 8 * S);
	assert_int_equal(task->wall_ns, 3 * S);
	assert_int_equal(task->cpu_ns, 50 * MS);
	assert_int_equal(task->peak_rss_bytes, 6000);
	assert_int_equal(task->rss_peak_bytes, 2000);
	assert_int_equal(task->rows, 2);
	assert_int_equal(task->processes, 2);
	assert_int_equal(task->exit_code, 1);
	assert_int_equal(task->failed, 1); /* the copy: the wrapper passes that on */
	for (size_t i = 0; i < s->rows_count - 1; i++)
		assert_int_equal(s->rows[i].task, 1);
	end(s);
}

static void a_wrapper_that_fails_before_its_job_is_a_task(void **state)
{
	struct seen *s = begin(wrapped, 7);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/run", .args = "run|");
	program(2 * S, 11, 10, "wrapper|a|");
	program(3 * S, 12, 11, "cp|");
	END(.at = 4 * S, .pid = 12, .cpu = 30 * MS, .bytes = 5000, .code = 1);
	END(.at = 5 * S, .pid = 11, .cpu = 10 * MS, .bytes = 7000, .code = 1);
	END(.at = 9 * S, .pid = 10, .cpu = 1 * MS, .bytes = 1000, .code = 1);
	assert_int_equal(s->tasks_count, 1);
	assert_int_equal(s->tasks[0].task.wall_ns, 3 * S);
	assert_int_equal(s->tasks[0].task.cpu_ns, 40 * MS);
	assert_int_equal(s->tasks[0].task.exit_code, 1);
	assert_int_equal(s->rows[0].task, 1);
	end(s);
}

/* A daemon starts the container in which the job runs. What has no wrapper is a task of its own, in another one too. */
static void a_job_comes_to_its_wrapper_from_elsewhere(void **state)
{
	struct seen *s = begin(wrapped, 7);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/run", .args = "run|");
	program(2 * S, 11, 10, "wrapper|a|");
	program(3 * S, 12, 10, "job|a|");
	program(4 * S, 13, 12, "wrapper|b|");
	program(5 * S, 14, 13, "job|b|");
	program(6 * S, 15, 12, "job|c|");
	END(.at = 7 * S, .pid = 15, .cpu = 1 * MS, .bytes = 1000);
	END(.at = 7 * S, .pid = 14, .cpu = 2 * MS, .bytes = 1000);
	END(.at = 7 * S, .pid = 13, .cpu = 4 * MS, .bytes = 1000);
	END(.at = 8 * S, .pid = 12, .cpu = 8 * MS, .bytes = 1000);
	END(.at = 9 * S, .pid = 11, .cpu = 16 * MS, .bytes = 1000, .code = 3);
	END(.at = 9 * S, .pid = 10, .cpu = 1 * MS, .bytes = 1000);
	assert_int_equal(s->tasks_count, 3);
	assert_string_equal(s->tasks[0].id, "c");
	assert_int_equal(s->tasks[0].task.cpu_ns, 1 * MS);
	assert_string_equal(s->tasks[1].id, "b");
	assert_int_equal(s->tasks[1].task.cpu_ns, 2 * MS);
	assert_int_equal(s->tasks[1].task.parent, 1);
	assert_string_equal(s->tasks[2].id, "a");
	assert_int_equal(s->tasks[2].task.cpu_ns, 8 * MS);
	assert_int_equal(s->tasks[2].task.exit_code, 3);
	end(s);
}

static void only_forks_of_an_engine_may_be_its_own(void **state)
{
	struct seen *s =
		begin("steps:\n- {args: '^engine', engine: forks}\n- {args: '^engine', step: s}\n", 1U << LIFECYCLE);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/run", .args = "run|");
	program(2 * S, 11, 10, "engine|");
	FORK(.at = 3 * S, .pid = 12, .parent = 11, .comm = "engine");
	FORK(.at = 3 * S, .pid = 13, .parent = 12, .comm = "engine");
	EXIT(.at = 4 * S, .pid = 13, .code = 255);
	EXIT(.at = 4 * S, .pid = 12, .code = 255);
	program(5 * S, 14, 11, "job|");
	EXIT(.at = 6 * S, .pid = 14, .code = 255);
	EXIT(.at = 7 * S, .pid = 11, .code = 1);
	EXIT(.at = 9 * S, .pid = 10);

	assert_int_equal(s->rows[0].row.outcome, MODEL_OK);
	assert_int_equal(s->rows[1].row.outcome, MODEL_OK);
	assert_int_equal(s->rows[2].row.outcome, MODEL_FAILED);
	assert_int_equal(s->rows[3].row.outcome, MODEL_FAILED);
	assert_int_equal(s->tasks_count, 1);
	end(s);
}

static void a_step_whose_tool_is_missing_is_a_task(void **state)
{
	struct seen *s = begin("steps: [{parent: '^engine', step: '${tool}'}]", 1U << LIFECYCLE);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/engine", .args = "engine|");
	FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = "engine");
	EXEC_FAILED(.at = 2 * S, .pid = 11, .exe = "/usr/bin/aligner", .error = ENOENT);
	EXIT(.at = 3 * S, .pid = 11, .code = 255);
	FORK(.at = 4 * S, .pid = 12, .parent = 10, .comm = "engine");
	EXEC_FAILED(.at = 4 * S, .pid = 12, .exe = "/usr/bin/other", .error = ENOENT);
	EXIT(.at = 5 * S, .pid = 12); /* it managed without */
	EXIT(.at = 6 * S, .pid = 10);

	assert_int_equal(s->tasks_count, 1);
	assert_string_equal(s->tasks[0].step, "aligner");
	assert_int_equal(s->tasks[0].task.outcome, MODEL_FAILED);
	assert_int_equal(s->tasks[0].task.began_ns, 2 * S);
	assert_int_equal(s->tasks[0].task.failed, 1);
	assert_int_equal(s->rows[0].task, 1);
	assert_int_equal(s->rows[1].task, 0);
	end(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(children_inherit_and_a_task_sums_up),
		cmocka_unit_test(huge_pages_are_null_where_no_sample_looked),
		cmocka_unit_test(tasks_nest_and_a_rule_holds_once_a_process),
		cmocka_unit_test(an_exec_moves_a_process_into_another_task),
		cmocka_unit_test(a_rule_for_outside_begins_nothing_inside),
		cmocka_unit_test(one_id_is_one_task_even_of_strangers),
		cmocka_unit_test(of_one_id_the_first_failure_counts),
		cmocka_unit_test(depth_counts_programs_not_subshells),
		cmocka_unit_test(a_tasks_memory_is_the_sum_of_samples),
		cmocka_unit_test(samples_add_up_to_the_row),
		cmocka_unit_test(what_tasks_keep_is_bounded_by_what_lives),
		cmocka_unit_test(what_an_engine_does_for_itself_fails_nothing),
		cmocka_unit_test(only_forks_of_an_engine_may_be_its_own),
		cmocka_unit_test(what_runs_a_job_is_of_the_engine),
		cmocka_unit_test(what_is_around_a_job_is_in_none_of_its_figures),
		cmocka_unit_test(a_wrapper_that_fails_before_its_job_is_a_task),
		cmocka_unit_test(a_job_comes_to_its_wrapper_from_elsewhere),
		cmocka_unit_test(a_step_whose_tool_is_missing_is_a_task),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
