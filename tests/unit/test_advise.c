/* SPDX-License-Identifier: BSD-2-Clause */
/* sinks/advise: what is gathered of tasks, and what is advised, in every engine's words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "sinks/advise/busy.h"
#include "sinks/advise/series.h"
#include "tests/unit/sink_made.h"

#define MiB (1ULL << 20)
#define GiB (1ULL << 30)

#define RULES                                                            \
	"steps:\n"                                                       \
	"  - args: '(?s)command.run (?<name>.+) (?<hash>[0-9a-f/]+)$'\n" \
	"    step: ${name}\n"                                            \
	"    id: ${hash}\n"                                              \
	"  - args: '^job'\n"                                             \
	"    engine: above\n"

static struct page_test *begin(const char *options)
{
	char path[PATH_SIZE], all[256];
	struct page_test *t;

	snprintf(all, sizeof(all), "%s,steps=%s", options, file_with(path, RULES));
	t = begin_with(all, 7);
	unlink(path);
	EXEC(.at = 1 * S, .pid = 10, .exe = "./nextflow", .args = "bash|./nextflow|");
	return t;
}

/* A task of 10 s on so many cores in one of them, and with so much memory. */
static void task(uint64_t ts, uint32_t pid, const char *args, int status, uint64_t cpu, uint64_t bytes)
{
	FORK(.at = ts, .pid = pid, .parent = 10, .comm = "bash");
	EXEC(.at = ts, .pid = pid, .exe = "/bin/bash", .args = args);
	for (uint64_t s = 1; s < 10; s++)
		CPU_SAMPLED(.at = ts + s * S, .pid = pid, .cpu = s < 5 ? 0 : cpu);
	END(.at = ts + 10 * S, .pid = pid, STATUS(status), .cpu = cpu, .bytes = bytes);
}

static const char *finish(struct page_test *t)
{
	END(.at = 1000 * S, .pid = 10, .cpu = 1, .bytes = 1);
	return print(t, true);
}

/* ---- numbers ---- */

/* No program holds so much; with the headroom it is more than 64 bits hold. */
static void a_forged_peak_is_a_number(void **state)
{
	struct page_test *t = begin("format=slurm");

	(void)state;
	task(2 * S, 20, "bash|.command.run huge aa/1|", 0, 1 * S, UINT64_MAX - 4095);
	assert_has(finish(t), "--mem=4398046511104M");
	end(t);
}

static void ninety_five_of_a_hundred(void **state)
{
	struct series series = {0};

	(void)state;
	for (int i = 100; i > 0; i--)
		assert_int_equal(series__add(&series, i), 0);
	assert_true(series.most == 100 && series__p95(&series) == 95);
	series__free(&series);

	series = (struct series){0};
	assert_int_equal(series__add(&series, 7), 0);
	assert_true(series.most == 7 && series__p95(&series) == 7);
	series__free(&series);
}

static void of_very_many_a_sample_is_kept(void **state)
{
	struct series series = {0};

	(void)state;
	for (int i = 1; i <= 1000000; i++)
		assert_int_equal(series__add(&series, i), 0);
	assert_true(series.most == 1000000);
	assert_true(series.capacity == SERIES_KEPT);
	assert_true(series__p95(&series) > 940000 && series__p95(&series) < 960000);
	series__free(&series);
}

static void the_busiest_second_counts(void **state)
{
	struct busy busy;

	(void)state;
	busy__init(&busy, 100 * S, 100 * MS);
	assert_true(busy.width_ns == 1 * S);
	for (uint64_t s = 0; s < 100; s++)
		busy__add(&busy, (100 + s) * S, (101 + s) * S, s == 20 ? 4 * S : S / 2);
	assert_true(busy__most(&busy, 200 * S) == 4);
	/* Several at once, some of them told late. */
	busy__init(&busy, 100 * S, 1 * S);
	busy__add(&busy, 103 * S, 104 * S, 1 * S);
	busy__add(&busy, 110 * S, 111 * S, 1 * S);
	busy__add(&busy, 103 * S, 104 * S, 1 * S);
	assert_true(busy__most(&busy, 112 * S) == 2);
	/* An interval that the end cuts is no whole one. */
	busy__init(&busy, 100 * S, 1 * S);
	busy__add(&busy, 100 * S, 100 * S + 10 * MS, 20 * MS);
	assert_true(busy__most(&busy, 100 * S + 10 * MS) == 0);
	/* The greatest time there is, in a forged record. */
	busy__init(&busy, 100 * S, 1 * S);
	busy__add(&busy, UINT64_MAX - 3 * S, UINT64_MAX, 6 * S);
	assert_true(busy__most(&busy, UINT64_MAX) > 1.99 && busy__most(&busy, UINT64_MAX) < 2.01);
}

/* ---- advice ---- */

static void settings_for_nextflow(void **state)
{
	struct page_test *t = begin("format=nextflow");

	(void)state;
	for (uint32_t i = 0; i < 20; i++)
		task((2 + 20 * i) * S, 100 + i, "bash|command.run|ALIGN|ab/1|", 0, i == 7 ? 8 * S : 3900 * MS,
		     i == 3 ? 5 * GiB : 2 * GiB);
	assert_string_equal(
		finish(t),
		"// CPUs: the cores that 95 of 100 tasks kept busy in their busiest 1.0 s, or on average if\n"
		"// they were shorter.\n"
		"// Memory: the most that all processes of a task held at once, or its largest\n"
		"// process if that is more; with 20 % headroom.\n"
		"process {\n"
		"    withName: 'ALIGN' { // 20 tasks\n"
		"        cpus = 4 // used 8.0 cores at most (p95 3.9)\n"
		"        memory = '6 GB' // held 5.0 GiB at most (p95 2.0 GiB)\n"
		"    }\n"
		"}\n");
	end(t);
}

static void settings_for_snakemake_and_slurm(void **state)
{
	struct page_test *t = begin("format=snakemake,headroom=0");
	const char *page;

	(void)state;
	task(2 * S, 100, "bash|command.run|align|ab/1|", 0, 2 * S, 1000 * MiB);
	page = finish(t);
	assert_has(page, "\nset-threads:\n  - align=2 # used 2.0 cores at most (p95 2.0), 1 task\n");
	assert_has(page, "\nset-resources:\n  - align:mem_mb=1074 # held 1000 MiB at most (p95 1000 MiB)\n");
	end(t);

	t = begin("format=slurm,headroom=100");
	task(2 * S, 100, "bash|command.run|align|ab/1|", 0, 100 * MS, 1000 * MiB);
	assert_has(finish(t), "\n# align, 1 task: used 0.1 cores at most (p95 0.1), held 1000 MiB at most (p95 1000 "
			      "MiB)\n#SBATCH --cpus-per-task=1\n#SBATCH --mem=2048M\n");
	end(t);
}

/* A wrapper that copies on two cores, and what it runs beside the job. */
static void what_is_around_a_job_needs_nothing(void **state)
{
	struct page_test *t = begin("headroom=0");
	const char *page;

	(void)state;
	FORK(.at = 2 * S, .pid = 20, .parent = 10, .comm = "bash");
	EXEC(.at = 2 * S, .pid = 20, .exe = "/bin/bash", .args = "bash|command.run|ALIGN|ab/1|");
	for (uint64_t s = 3; s < 6; s++)
		CPU_SAMPLED(.at = s * S, .pid = 20, .cpu = (s - 2) * 2 * S);
	FORK(.at = 6 * S, .pid = 21, .parent = 20, .comm = "bash");
	EXEC(.at = 6 * S, .pid = 21, .exe = "/bin/bash", .args = "job|");
	for (uint64_t s = 7; s < 10; s++)
		CPU_SAMPLED(.at = s * S, .pid = 21, .cpu = (s - 6) * S);
	END(.at = 10 * S, .pid = 21, .cpu = 4 * S, .bytes = 1 * MiB);
	FORK(.at = 10 * S, .pid = 22, .parent = 20, .comm = "bash");
	EXEC(.at = 10 * S, .pid = 22, .exe = "/bin/cp", .args = "cp|");
	END(.at = 20 * S, .pid = 22, .cpu = 20 * S, .bytes = 2 * MiB);
	END(.at = 20 * S, .pid = 20, .cpu = 20 * S, .bytes = 1 * MiB);
	page = finish(t);
	assert_has(
		page,
		"      1         -       1.0       1.0         1         -   1.0 MiB   1.0 MiB   128 MiB  ALIGN\n"
		"      1         -       1.0       1.0         -         -   1.0 MiB   1.0 MiB         -    bash\n\n");
	end(t);
}

static void what_was_asked_for_comes_from_nextflow(void **state)
{
	static const char theirs[] = "hash\tname\tcpus\tmemory\n"
				     "ab/1\tRNA:ALIGN (s1)\t8\t32 GB\n"
				     "ab/2\tRNA:ALIGN (s2)\t16\t1073741824\n";
	char path[PATH_SIZE], options[128];
	struct page_test *t;
	const char *page;

	(void)state;
	snprintf(options, sizeof(options), "format=nextflow,join=%s", file_with(path, theirs));
	t = begin(options);
	unlink(path);
	task(2 * S, 100, "bash|command.run|x|ab/1|", 0, 2 * S, 1 * GiB);
	task(20 * S, 101, "bash|command.run|x|ab/2|", 0, 3 * S, 2 * GiB);
	task(40 * S, 102, "bash|command.run|x|ab/3|", 0, 3 * S, 200 * GiB); /* of another run */
	page = finish(t);
	assert_has(page, "    withName: 'RNA:ALIGN' { // 2 tasks\n"
			 "        cpus = 3 // used 3.0 cores at most (p95 3.0) of 16 requested\n"
			 "        memory = '2.5 GB' // held 2.0 GiB at most (p95 2.0 GiB) of 32 GiB requested\n");
	end(t);
}

static void who_was_killed_needs_more(void **state)
{
	struct page_test *t = begin("format=nextflow");

	(void)state;
	FORK(.at = 2 * S, .pid = 20, .parent = 10, .comm = "bash");
	EXEC(.at = 2 * S, .pid = 20, .exe = "/bin/bash", .args = "bash|command.run|ALIGN|ab/1|");
	OOM_KILL(.at = 3 * S, .pid = 20, .bytes = 1 * GiB);
	END(.at = 3 * S, .pid = 20, .signal = 9, .cpu = 1 * S, .bytes = 1 * GiB);
	assert_has(finish(t), "        // 1 of 1 ran out of memory: needs more than it held\n");
	end(t);
}

static void huge_pages_are_asked_for_too(void **state)
{
	struct page_test *t = begin("format=nextflow");

	(void)state;
	FORK(.at = 2 * S, .pid = 20, .parent = 10, .comm = "bash");
	EXEC(.at = 2 * S, .pid = 20, .exe = "/bin/bash", .args = "bash|command.run|ALIGN|ab/1|");
	MEM_SAMPLED(.at = 3 * S, .pid = 20, .bytes = 1 * GiB, .hugetlb = 2 * GiB);
	MEM_SAMPLED(.at = 4 * S, .pid = 20, .bytes = 1 * GiB);
	END(.at = 5 * S, .pid = 20, .cpu = 1 * S, .bytes = 1 * GiB);
	assert_has(finish(t), "held 3.0 GiB at most");
	end(t);
}

static void losses_are_said(void **state)
{
	struct page_test *t = begin("format=slurm");

	(void)state;
	task(2 * S, 100, "bash|command.run|align|ab/1|", 0, 2 * S, 1 * GiB);
	LOST(.at = 20 * S, .stream = MEM, .count = 1000, .since = 2 * S, .cause = "ring_full");
	assert_has(finish(t), "\n# RECORDS OF THE RUN WERE LOST: some tasks may have used more.\n");
	end(t);
}

static void a_run_that_goes_on_is_said(void **state)
{
	struct page_test *t = begin("format=slurm");
	const char *page;

	(void)state;
	task(2 * S, 100, "bash|command.run|align|ab/1|", 0, 2 * S, 1 * GiB);
	page = print_as(t, STREAM_RUNNING, 30 * S);
	assert_has(page, "\n# THE RUN HAS NOT ENDED: tasks that are still to come may use more.\n");
	assert_has_not(page, "LOST");
	end(t);
}

static void a_strangers_name_stays_in_its_quotes(void **state)
{
	struct page_test *t = begin("format=nextflow");

	(void)state;
	task(2 * S, 100, "bash|command.run|a' } evil { \\ \n '|ab/1|", 0, 2 * S, 1 * GiB);
	assert_has(finish(t), "    withName: 'a\\' } evil { \\\\ \\\\n \\'' { // 1 task\n");
	end(t);

	t = begin("format=snakemake");
	task(2 * S, 100, "bash|command.run|a\nset-threads: [b=1]|ab/1|", 0, 2 * S, 1 * GiB);
	assert_has_not(finish(t), "\nset-threads: [b");
	end(t);
}

static void the_table_has_steps_and_commands(void **state)
{
	struct page_test *t = begin("format=table");
	const char *page;

	(void)state;
	task(2 * S, 100, "bash|command.run|align|ab/1|", 0, 2 * S, 1 * GiB);
	page = finish(t);
	assert_has(page,
		   "      1         -       2.0       2.0         2         -   1.0 GiB   1.0 GiB   1.5 GiB  align\n"
		   "      1         -       0.2       0.2         -         -   1.0 GiB   1.0 GiB         -    bash\n");
	end(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_forged_peak_is_a_number),
		cmocka_unit_test(ninety_five_of_a_hundred),
		cmocka_unit_test(of_very_many_a_sample_is_kept),
		cmocka_unit_test(the_busiest_second_counts),
		cmocka_unit_test(settings_for_nextflow),
		cmocka_unit_test(settings_for_snakemake_and_slurm),
		cmocka_unit_test(what_is_around_a_job_needs_nothing),
		cmocka_unit_test(what_was_asked_for_comes_from_nextflow),
		cmocka_unit_test(who_was_killed_needs_more),
		cmocka_unit_test(huge_pages_are_asked_for_too),
		cmocka_unit_test(losses_are_said),
		cmocka_unit_test(a_run_that_goes_on_is_said),
		cmocka_unit_test(a_strangers_name_stays_in_its_quotes),
		cmocka_unit_test(the_table_has_steps_and_commands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
