/* SPDX-License-Identifier: BSD-2-Clause */
/* sinks/steps: names of jobs from logs, as Snakemake 7 and 9, cwltool and Nextflow wrote them. */
#include "sinks/steps/steps.h"
#include "sinks/steps/steps_names.h"
#include "tests/unit/model_seen.h"

static struct names *names;

static void read_log(const char *log)
{
	char *text = strdup(log);

	assert_non_null(text);
	assert_int_equal(names__read(text, strlen(text), &names), 0);
	if (!names)
		free(text);
}

/* A job "STEP TAG" of a shell with this line, in this folder, with this id; "" if the log does not say. */
static void assert_named(const char *line, const char *cwd, const char *id, const char *named)
{
	char step[STEPS_NAME_MAX] = "", tag[STEPS_NAME_MAX] = "", ids[STEPS_NAME_MAX], args[512],
	     both[2 * STEPS_NAME_MAX];
	struct model_command command = {.cwd = {cwd, (uint32_t)strlen(cwd), 0}, .args = {args, 0, 3, 0}};

	command.args.length = (uint32_t)sprintf(args, "/bin/bash%c-c%cset -euo pipefail;  %s", '\0', '\0', line) + 1;
	strcpy(ids, id);
	names__apply(names, &command, ids, step, tag);
	if (!*id && *named) {
		snprintf(both, sizeof(both), "%s:%s", step, tag);
		assert_string_equal(ids, both);
	}
	snprintf(both, sizeof(both), "%s%s%s", step, *tag ? " " : "", tag);
	if (strcmp(both, named))
		fail_msg("%s: is called \"%s\", not \"%s\"", line, both, named);
}

static void snakemake_tells_paths(void **state)
{
	(void)state;
	read_log(
		"Building DAG of jobs...\n\n[Sat]\nrule make:\n    output: in/a.txt\n    jobid: 3\n    wildcards: s=a, t=b\n"
		"    resources: tmpdir=/tmp\n\n[Sat]\nrule sort:\n    input: in/a.txt\n    output: srt/a.txt\n    jobid: 2\n"
		"    wildcards: s=a\n\nsort x\nrule index:\n    input: srt/a.txt, ref.fa\n    output: srt/a.bai\n    jobid: 4\n\n"
		"Error in rule sort:\n    output: other.txt\n\n"
		"rule two:\n    output: same.txt\n\nrule three:\n    output: same.txt\n\n"
		"rule pair:\n    output: a.1, a.2\n\nrule sort:\n    input: in/a.txt\n    output: srt/a.txt\n"
		"    wildcards: s=a\n");
	assert_non_null(names);
	assert_string_equal(names->set, "snakemake");
	assert_named("seq 9 > in/a.txt", "/", "", "make s=a,t=b");
	assert_named("sort in/a.txt>srt/a.txt", "/", "", "sort s=a"); /* and not make: it reads that one's output */
	assert_named("sort --output='srt/a.txt' x", "/", "", "sort s=a");
	assert_named("idx srt/a.txt ref.fa && mv x srt/a.bai", "/", "", "index");
	assert_named("idx ref.fa", "/", "", "");
	assert_named("x > same.txt", "/", "", ""); /* two rules make it */
	assert_named("split a.1", "/", "", "");	   /* a part of the outputs */
	assert_named("split a.1 a.2", "/", "", "pair");
	assert_named("x > other.txt", "/", "", "");
	names__free(names);
}

static void snakemake_tells_lines(void **state)
{
	(void)state;
	read_log(
		"x\nlocalrule one:\n    output: o.txt\n    wildcards: s=a\nShell command: tool --quick\n"
		"localrule two:\n    output: p.txt\nShell command: None\nlocalrule three:\n    input: q.txt\n    output: q.bai\n");
	assert_named("tool --quick", "/", "", "one s=a");
	assert_named("tool --slow", "/", "", "");
	assert_named("None", "/", "", "");
	assert_named("tool > p.txt", "/", "", "two");
	assert_named("index q.txt", "/", "", "three"); /* what it writes is not in the line: what it reads is */
	names__free(names);
}

/* As it was recorded: a job's lines may come in two parts. */
static void a_log_comes_in_parts(void **state)
{
	static const char *const parts[] = {"Building DAG\n\nrule one:\n    output: a.txt\n",
					    "    wildcards: s=a\n\nrule two:\n", "    output: b.txt\n",
					    "\n    wildcards: s=x\n"};

	(void)state;
	names = NULL;
	assert_int_equal(steps_log__add(&names, "make", "rule no:\n    output: a.txt\n", 10), 0);
	assert_null(names);
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		assert_int_equal(steps_log__add(&names, "snakemake", parts[i], strlen(parts[i])), 0);
	assert_named("x > a.txt", "/", "", "one s=a");
	assert_named("x > b.txt", "/", "", "two");
	steps_log__free(names);
}

static void say(const char *text)
{
	assert_int_equal(steps_log__add(&names, "snakemake", text, strlen(text)), 0);
}

/* What Snakemake runs for a script of this name, in a copy that has `copy` in its name. */
static void assert_script(const char *name, const char *copy, const char *named, bool sure)
{
	char line[128], step[STEPS_NAME_MAX] = "", tag[STEPS_NAME_MAX] = "", id[STEPS_NAME_MAX] = "", args[512],
			both[2 * STEPS_NAME_MAX];
	struct model_command command = {.args = {args, 0, 3, 0}};

	snprintf(line, sizeof(line), "set -euo pipefail;  python /w/.snakemake/scripts/tmp%s.%s", copy, name);
	command.args.length = (uint32_t)sprintf(args, "/bin/bash%c-c%c%s", '\0', '\0', line) + 1;
	strcpy(step, name);
	names__apply(names, &command, id, step, tag);
	snprintf(both, sizeof(both), "%s%s%s", step, *tag ? " " : "", tag);
	if (strcmp(both, named) || !*id == sure)
		fail_msg("%s: is called \"%s\" (%s), not \"%s\"", name, both, id, named);
}

#define JOB(rule, number, tag) "rule " rule ":\n    jobid: " number "\n    wildcards: s=" tag "\n"

static void a_script_is_a_job_that_runs(void **state)
{
	(void)state;
	names = NULL;
	say("Building DAG\n" JOB("fit", "1", "a"));
	assert_script("model.R", "aaaaaaaa", "fit s=a", true);
	assert_script("model.R", "aaaaaaaa", "fit s=a", true);	/* the shell, then R: one process */
	assert_script("model.R", "bbbbbbbb", "model.R", false); /* none is left */
	say("Finished job 1.\n1 of 9 steps (11%) done\n" JOB("fit", "2", "b") JOB("draw", "3", "b"));
	assert_script("draw.py", "cccccccc", "draw s=b", true); /* it has the rule's name, and fit has another script */
	assert_script("model.R", "dddddddd", "fit s=b", true);
	/* of two jobs of a rule, the rule */
	say("Finished jobid: 2 (Rule: fit)\nFinished jobid: 3 (Rule: draw)\n" JOB("fit", "4", "c")
		    JOB("fit", "5", "d"));
	assert_script("model.R", "eeeeeeee", "fit", false);
	assert_script("model.R", "eeeeeeee", "fit", false);
	assert_script("model.R", "ffffffff", "fit", false);
	assert_script("model.R", "gggggggg", "model.R", false);
	/* a job that failed is no more, one that is tried again is */
	say("Finished job 4.\nError in rule fit:\n    jobid: 5\n    output: x\n" JOB("fit", "6", "e"));
	assert_script("model.R", "hhhhhhhh", "fit s=e", true);
	say("Trying to restart job 6.\n" JOB("fit", "6", "e"));
	assert_script("model.R", "iiiiiiii", "fit s=e", true);
	steps_log__free(names);
}

/* What has been one job's line is not another one's: a path alone says less. */
static void a_job_has_one_line(void **state)
{
	(void)state;
	names = NULL;
	say("Building DAG\nrule sort:\n    input: in\n    output: srt/a\n    jobid: 1\n    wildcards: s=a\n\n[now]\n");
	assert_named("sort -o srt/a in", "/", "", "sort s=a");
	assert_named("idx srt/a", "/", "", "");
	say("Finished job 1.\n[now]\nrule index:\n    input: srt/a\n    output: srt/a.idx\n    jobid: 2\n\n[now]\n");
	assert_named("idx srt/a", "/", "", "index");
	assert_named("idx srt/a", "/", "", "index");	       /* the same again, which no block says */
	assert_named("sort -o srt/a in", "/", "", "sort s=a"); /* and this one */
	steps_log__free(names);
	/* the log was read late: both are in it before the first begins */
	names = NULL;
	say("Building DAG\nrule sort:\n    output: srt/a\n    jobid: 1\n\n[now]\nFinished job 1.\n[now]\n"
	    "rule index:\n    input: srt/a\n    output: srt/a.idx\n    jobid: 2\n\n[now]\n");
	assert_named("sort -o srt/a x", "/", "", "sort");
	assert_named("idx srt/a", "/", "", "index");
	steps_log__free(names);
}

/* With -p, and of what has failed. */
static void the_whole_line_counts_first(void **state)
{
	(void)state;
	names = NULL;
	say("Building DAG\nrule sort:\n    output: srt/a\n    jobid: 1\n\nsort -o srt/a\n[now]\nrule index:\n"
	    "    input: srt/a\n    output: srt/a.idx\n    jobid: 2\n\n  for i in 1 2; do\n    idx srt/a\n  done\n  \n[now]\n"
	    "rule look:\n    input: srt/a\n    output: l\n    jobid: 3\nShell command: \n    look srt/a\n    look l\n"
	    "Error in rule sort:\n    jobid: 1\n    output: srt/a\n    shell:\n        late\n        (one of the "
	    "commands exited with non-zero exit code)\n");
	assert_named("idx srt/a", "/", "", "sort"); /* as far as is known: not these two lines */
	assert_named("\n  for i in 1 2; do\n    idx srt/a\n  done\n", "/", "", "index");
	assert_named("for i in 1 2; do\n    idx srt/b\n  done", "/", "", "");
	assert_named("look srt/a\n    look l", "/", "", "look");
	steps_log__free(names);
	names = NULL;
	say("Building DAG\nrule one:\n    output: a\n    jobid: 1\n\nrule two:\n    output: b\n    jobid: 2\n\n"
	    "Error in rule two:\n    message: None\n    jobid: 2\n    shell:\n        false\n        (command exited)\n");
	assert_named("false", "/", "", "two");
	steps_log__free(names);
}

static void a_log_is_a_job_s_own(void **state)
{
	(void)state;
	names = NULL;
	say("Building DAG\nrule qc:\n    input: in\n    output: qc/a\n    log: log/a\n    jobid: 1\n    wildcards: s=a\n\n"
	    "rule qc:\n    input: in\n    output: qc/b\n    log: log/b\n    jobid: 2\n    wildcards: s=b\n\n");
	assert_named("qc in >log/b 2>&1", "/", "", "qc s=b");
	assert_named("qc in >log/a 2>&1", "/", "", "qc s=a");
	steps_log__free(names);
}

/* Jobs that stream have a block in a block. */
static void a_group_is_further_in(void **state)
{
	(void)state;
	names = NULL;
	say("Building DAG\n\ngroup job 1-2 (jobs in lexicogr. order):\n\n    [now]\n    rule use:\n        input: p\n"
	    "        output: c\n        jobid: 1\n\n\n    [now]\n    rule make:\n        output: p (pipe)\n        jobid: 2\n\n"
	    "[now]\nFinished job 2.\n");
	assert_named("seq 9 > p", "/", "", "make");
	assert_named("sort p > c", "/", "", "use");
	steps_log__free(names);
}

/* The only job that it may be; of several ones of a rule, the rule. */
static void a_line_without_a_path(void **state)
{
	(void)state;
	names = NULL;
	say("Building DAG\nrule one:\n    output: a\n    jobid: 1\n    wildcards: s=a\n\n[now]\nFinished job 1.\n");
	assert_named("sleep 1", "/", "", "one s=a"); /* it ended before the log was read for it */
	assert_named("sleep 2", "/", "", "");
	say("[now]\nrule one:\n    output: b\n    jobid: 2\n    wildcards: s=b\n\n"
	    "rule two:\n    output: c\n    jobid: 3\n\n");
	assert_named("sleep 1", "/", "", ""); /* two rules */
	assert_named("x > b", "/", "", "one s=b");
	assert_named("x b", "/", "", ""); /* it has a path, of a job that has its line */
	assert_named("sleep 1", "/", "", "two");
	say("rule all:\n    input: c\n    jobid: 4\n\n");
	assert_named("echo done", "/", "", "");
	say("rule three:\n    output: d\n    jobid: 5\n\n");
	assert_named("sleep 3", "/", "", ""); /* of this rule, or of that without output */
	say("[now]\nFinished job 4.\n");
	assert_named("sleep 3", "/", "", ""); /* that began before it had ended */
	say("\n");
	assert_named("sleep 3", "/", "", "three");
	steps_log__free(names);
}

static void a_script_is_no_job_of_another_rule(void **state)
{
	(void)state;
	names = NULL;
	say("rule sort:\n    output: srt/a\n    jobid: 1\n" JOB("sum", "2", "a"));
	assert_script("count.py", "aaaaaaaa", "count.py", false); /* which of them is not known */
	assert_named("sort x > srt/a", "/", "", "sort");
	assert_script("count.py", "bbbbbbbb", "sum s=a", true); /* sort has a shell's line */
	steps_log__free(names);
}

static void cwltool_tells_folders(void **state)
{
	(void)state;
	read_log("\33[1;30mINFO\33[0m [step sort] start\n\33[1;30mINFO\33[0m [job sort] /tmp/a1$ sort \\\n    x\n"
		 "INFO [job sort_2] /tmp/a2$ sort\nINFO [job other_2] /tmp/a3$ x\n[job sort] completed success\n");
	assert_string_equal(names->set, "cwltool");
	assert_named("x", "/tmp/a1", "a1", "sort");
	assert_named("x", "/tmp/a2", "a2", "sort 2");
	assert_named("x", "/tmp/a3", "a3", "other_2");
	assert_named("x", "/tmp/a4", "a4", "");
	names__free(names);
}

static void nextflow_tells_hashes(void **state)
{
	(void)state;
	read_log(
		"task_id\tname\thash\tstatus\r\n1\tQC:ALIGN (s (1))\tab/cdef12\tCOMPLETED\r\n2\tQC\t00/000000\tFAILED\r\n3\n");
	assert_string_equal(names->set, "nextflow");
	assert_named("x", "/", "ab/cdef12", "QC:ALIGN s (1)");
	assert_named("x", "/", "00/000000", "QC");
	assert_named("x", "/", "", "");
	names__free(names);
}

static void what_is_no_log_is_left_alone(void **state)
{
	static const char *const texts[] = {"", "steps:\n- {args: a, step: rule}\n", "a\tb\n1\t2\n", "rule\n",
					    "[job \n"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		read_log(texts[i]);
		assert_null(names);
	}
}

/* A path that all jobs have does not make each look-up cost as many steps. */
static void many_jobs_are_found_soon(void **state)
{
	enum { JOBS = 20000 };
	char *log = malloc(JOBS * 80), *at = log + sprintf(log, "x\n"), line[64], named[64];

	(void)state;
	for (int i = 0; i < JOBS; i++)
		at += sprintf(at, "rule r:\n    input: ref.fa\n    output: o%d\n    wildcards: n=%d\n\n", i, i);
	read_log(log);
	free(log);
	for (int i = 0; i < JOBS; i++) {
		sprintf(line, "tool ref.fa > o%d", i);
		sprintf(named, "r n=%d", i);
		assert_named(line, "/", "", named);
	}
	for (int i = 0; i < JOBS; i++)
		assert_named("tool ref.fa", "/", "", "");
	names__free(names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_script_is_a_job_that_runs),	cmocka_unit_test(a_script_is_no_job_of_another_rule),
		cmocka_unit_test(snakemake_tells_paths),	cmocka_unit_test(snakemake_tells_lines),
		cmocka_unit_test(a_job_has_one_line),		cmocka_unit_test(the_whole_line_counts_first),
		cmocka_unit_test(a_log_is_a_job_s_own),		cmocka_unit_test(a_group_is_further_in),
		cmocka_unit_test(a_line_without_a_path),	cmocka_unit_test(a_log_comes_in_parts),
		cmocka_unit_test(cwltool_tells_folders),	cmocka_unit_test(nextflow_tells_hashes),
		cmocka_unit_test(what_is_no_log_is_left_alone), cmocka_unit_test(many_jobs_are_found_soon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
