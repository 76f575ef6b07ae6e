/* SPDX-License-Identifier: BSD-2-Clause */
/* sinks/model, sinks/totals: how a run ends whose first process only carries a batch job. */
#include "sinks/totals/totals.h"
#include "tests/unit/model_seen.h"

/* How the tasks 11 and 12 end, of which 12 ends first; 13 is of 11 and has failed. */
struct job {
	const char *comm;
	bool command; /* the run has one: the first process is the user's own */
	int task, other, carrier;
	const char *result;
	uint32_t ended_by; /* whose end is that of the run */
	uint32_t hidden;   /* the failures that something hides */
};

static struct totals_run run_job(struct seen *s, const struct job *job)
{
	struct totals_run totals = {0};
	struct model_row root;

	for (int i = 0; i < STREAMS && !job->command; i++)
		s->made.info[i].run.command = NULL;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/usr/sbin/slurmstepd", .args = "slurmstepd|", .comm = job->comm);
	FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = job->comm);
	FORK(.at = 2 * S, .pid = 12, .parent = 10, .comm = job->comm);
	EXEC(.at = 3 * S, .pid = 11, .parent = 10, .exe = "/bin/bash", .args = "bash|slurm_script|");
	EXEC(.at = 3 * S, .pid = 12, .parent = 10, .exe = "/bin/grep", .args = "grep|x|");
	FORK(.at = 4 * S, .pid = 13, .parent = 11, .comm = "bash");
	EXEC(.at = 4 * S, .pid = 13, .parent = 11, .exe = "/bin/check", .args = "check|");
	END(.at = 5 * S, .pid = 13, .parent = 11, STATUS(7), .cpu = 1, .bytes = 1);
	END(.at = 6 * S, .pid = 12, .parent = 10, STATUS(job->other), .cpu = 1, .bytes = 1);
	END(.at = 9 * S, .pid = 11, .parent = 10, STATUS(job->task), .cpu = 1, .bytes = 1);
	END(.at = 9 * S + 1, .pid = 10, .parent = 1, STATUS(job->carrier), .cpu = 1, .bytes = 1);
	assert_int_equal(model__finish(s->model), 0);
	root = s->rows[s->rows_count - 1].row;
	assert_int_equal(root.pid, 10);
	assert_int_equal(model_row__status(&root), job->carrier); /* what it ended with itself stays */
	totals_run__init(&totals, root.run);
	assert_int_equal(totals__row(&totals, NULL, &root), 0);
	return totals;
}

static void a_run_ends_as_its_job(void **state)
{
	static const struct job cases[] = {
		{"slurmstepd", false, 0, 0, 0, "success", 10, 1},
		{"slurmstepd", false, 7, 0, 0, "failure", 11, 0},
		{"slurmstepd", false, 0, 4, 0, "failure", 12, 1},
		{"slurmstepd", false, 7, 4, 0, "failure", 12, 0},
		{"slurmstepd", false, 0, 1, 0, "failure", 12, 1}, /* none that has asked is left to go on */
		{"slurmstepd", false, -15, 0, 0, "cancellation", 11, 0},
		{"slurmstepd", false, 0, -11, 0, "failure", 12, 1},
		{"slurmstepd", false, 143, 0, 0, "failure", 11, 0},
		{"slurmstepd", false, 0, 0, 1, "failure", 10, 1},
		{"flux-shell", false, 7, 0, 0, "failure", 11, 0},
		/* A command of the user's says by its exit code how the run ended, and so does a server of many jobs. */
		{"slurmstepd", true, 7, 4, 0, "success", 10, 3},
		{"pbs_mom", false, 7, 4, 0, "success", 10, 3},
		{"sshd", false, 7, 0, 0, "success", 10, 2},
		{"snakemake", false, 7, 0, 0, "success", 10, 2},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct seen *s = begin(NULL, ALL);
		struct totals_run totals = run_job(s, &cases[i]);
		const struct model_ending *ending = model__run(s->model, 0)->ending;

		assert_string_equal(totals_run__result(&totals), cases[i].result);
		assert_int_equal(totals.end.pid, cases[i].ended_by);
		assert_int_equal(totals.root.pid, 10);
		assert_int_equal(ending ? ending->row.pid : 10, cases[i].ended_by);
		assert_int_equal(s->hidden_count, cases[i].hidden);
		end(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_run_ends_as_its_job),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
