/* SPDX-License-Identifier: BSD-2-Clause */
/* sinks/model: rules of steps, and the tasks that come of them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "sinks/model/process.h"
#include "sinks/steps/steps_rule.h"
#include "tests/unit/model_events.h"

/* ---- rules ---- */

/* Loads rules from a file of that text. */
static int load(const char *text, struct steps **steps, struct error *err)
{
	char path[] = "/tmp/steps.XXXXXX";
	int fd = mkstemp(path), rc;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	rc = steps__load(path, steps, err);
	unlink(path);
	return rc;
}

static struct steps *loaded(const char *text)
{
	struct steps *steps;
	struct error err = {0};

	if (load(text, &steps, &err))
		fail_msg("%s", err.text);
	return steps;
}

static void errors_tell_where_and_what_instead(void **state)
{
	static const struct {
		const char *text, *sentence;
	} cases[] = {
		{"", "document: is empty: write at least one of steps"},
		{"rules: []", ":1:1: rules: unknown key: choose from steps"},
		{"steps: {a: b}", ":1:8: steps: must be a list"},
		{"steps:\n- arg: x\n  step: y\n", ":2:3: steps[0].arg: unknown key: did you mean \"args\"?"},
		{"steps:\n- args: x\n", ":2:3: steps[0]: has no step"},
		{"steps:\n- step: x\n", ":2:3: steps[0]: has no condition"},
		{"steps:\n- args: 'a(b'\n  step: y\n",
		 ":2:9: steps[0].args: is no regular expression: missing closing parenthesis, at its character 4"},
		{"steps:\n- args: x\n  step: ${nme}\n",
		 ":3:9: steps[0].step: no pattern of this rule captures ${nme}: write (?<nme>...) in one"},
		{"steps:\n- args: (a)\n  step: ${2}\n", ":3:9: steps[0].step: no pattern of this rule captures ${2}"},
		{"steps:\n- {args: (a), cwd: (b), step: '${1}'}\n", "more than one pattern of this rule captures ${1}"},
		{"steps:\n- args: (?<n>a)\n  step: x${n\n", ":3:9: steps[0].step: \"${n\" has no end"},
		{"steps:\n- depth: -1\n  step: x\n", ":2:10: steps[0].depth: \"-1\" is no depth"},
		{"steps:\n- outside: 1\n  step: x\n", ":2:12: steps[0].outside: \"1\" is neither true nor false"},
		{"steps:\n- env: [A]\n  step: x\n", ":2:8: steps[0].env: must be a mapping"},
		{"steps:\n- args: [a]\n  step: x\n", ":2:9: steps[0].args: must be one value, not a list"},
		{"steps:\n- args: a\n  args: b\n  step: x\n", ":3:3: steps[0].args: is there twice"},
		{"steps:\n- file: {a/b: x}\n  step: x\n",
		 ":2:10: steps[0].file.a/b: a file is looked for in the working"},
		{"steps:\n- file: {a: x, b: y}\n  step: x\n", ":2:16: steps[0].file.b: a rule can look into one file"},
		{"steps:\n\t- a", "a tab cannot indent"},
	};
	struct steps *steps;
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(load(cases[i].text, &steps, &err), -EINVAL);
		if (!strstr(err.text, cases[i].sentence))
			fail_msg("\"%s\" is not in: %s", cases[i].sentence, err.text);
		assert_null(steps);
	}
	assert_int_equal(steps__load("snakemaek", &steps, &err), -ENOENT);
	assert_string_equal(err.text, "steps: \"snakemaek\" is neither a file nor ready-made: did you mean "
				      "\"snakemake\"?");
	assert_int_equal(steps__load("none", &steps, &err), 0);
	assert_null(steps);
}

/* Items ended by '|'. */
static struct model_command *make_command(const char *exe, const char *args, const char *cwd, const char *env)
{
	struct model_command *command = calloc(1, sizeof(*command) + strlen(args) + strlen(env) + 2);
	char *at = (char *)(command + 1);

	assert_non_null(command);
	command->exe = (struct model_text){exe, (uint32_t)strlen(exe), 0};
	command->cwd = (struct model_text){cwd, (uint32_t)strlen(cwd), 0};
	command->args = (struct model_list){at, (uint32_t)strlen(args), 0, 0};
	for (; *args; args++) {
		command->args.count += *args == '|';
		*at++ = *args == '|' ? '\0' : *args;
	}
	command->env = (struct model_list){at, (uint32_t)strlen(env), 0, 0};
	for (; *env; env++) {
		command->env.count += *env == '|';
		*at++ = *env == '|' ? '\0' : *env;
	}
	return command;
}

static void a_tool_is_what_a_line_is_about(void **state)
{
	static const struct {
		const char *args, *tool;
	} cases[] = {
		{"bwa|mem|-t|8|ref.fa|", "bwa mem"},
		{"/opt/bin/bwa|", "bwa"},
		{"samtools|--version|", "samtools"},
		{"bwa|ref.fa|", "bwa"},
		{"gzip|-k|a|", "gzip"},
		{"mkdir|-p|out|", "mkdir"},
		{"sh|-c|bwa mem a b > c|", "bwa mem"},
		{"/usr/bin/bash|-c|set -euo pipefail;  mkdir -p out && sort -u x ; head -1 > y|", "sort"},
		{"bash|-c|set -e; \n  # a comment; not a program\n cd /x\n FOO=bar N=2 gzip -c x|", "gzip"},
		{"bash|-c|A='b c' \"/opt/my tools/x y\" z|", "x y"},
		{"sh|-c|( if [ -f x ]; then samtools index x; fi )|", "samtools index"},
		{"sh|-c|for i in a b; do bcftools call $i; done|", "bcftools call"},
		{"sh|-c|x=$(date +%s; (tr a b)) sort|", "sort"},
		{"sh|-c|> out 2>&1 < in cut -f1|", "cut"},
		{"sh|-c|mkdir -p a; mkdir b|", "mkdir"},
		{"sh|-c||", "sh"},
		{"sh|-c|bash -c 'cd x && bwa index y'|", "bwa index"},
		{"sh|-c|sh -c \"sh -c 'sh -c \\\"sh -c a\\\"'\"|", "sh"},
		{"timeout|-k|5|10s|sort|x|", "sort"},
		{"env|A=b|nice|-n|5|/usr/bin/bwa|aln|", "bwa aln"},
		{"nohup|sh|-c|time -p bwa mem|", "bwa mem"},
		{"python3|/opt/plot.py|--x|", "plot.py"},
		{"python3.11|-u|-m|pytest|tests|", "pytest"},
		{"python3|-c|import os|", "python3"},
		{"perl|-ne|print|", "perl"},
		{"/usr/bin/perl|/usr/bin/parallel|-j2|", "parallel"},
		{"Rscript|--vanilla|fit.R|", "fit.R"},
		{"java|-Xmx4g|-jar|/opt/picard.jar|", "picard.jar"},
		{"/bin/bash|./par.sh|x|", "par.sh"},
		{"bash|-euo|pipefail|.command.sh|", ".command.sh"},
		{"sh|-c|singularity exec -B /x --home /y img.sif bash -c 'set -euo pipefail;  bwa mem a'|", "bwa mem"},
		{"docker|run|--rm|img|/bin/sh|-c|cd /x && gzip y|", "gzip"},
		{"docker|run|--rm|img|tool|", "docker run"},
		{"bash|", "bash"},
		{"", "exe"},
	};
	char tool[STEPS_NAME_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct model_command *command = make_command("/bin/exe", cases[i].args, "/", "");

		if (!strncmp(cases[i].args, "sh|", 3))
			command->exe = (struct model_text){"/bin/sh", 7, 0};
		if (!strcmp(cases[i].args, "bash|"))
			command->exe = (struct model_text){"/bin/bash", 9, 0};
		steps_tool__name(command, "comm", tool);
		assert_string_equal(tool, cases[i].tool);
		free(command);
	}
	steps_tool__name(NULL, "comm", tool);
	assert_string_equal(tool, "comm");
}

/* As they were recorded of the real tools, but for Nextflow and Slurm. */
static void ready_made_rules_hold(void **state)
{
	static const char work[] = "/data/work/3f/8a7b6c0123456789abcdef01234567";
	static const char snakemake[] = "/usr/bin/python3|/usr/bin/snakemake|-s|Snakefile|";
	static const char target[] = "/usr/bin/python3|-m|snakemake|--snakefile|/x|--target-jobs|sort:s=a|--cores|";
	static const struct {
		const char *parent, *args, *cwd, *env;
		int32_t depth;
		const char *set, *step, *id;
	} cases[] = {
		{snakemake, "bash|-c|set -euo pipefail;  bwa mem a|", "/", "", 1, "snakemake", "bwa mem", ""},
		{snakemake, "bash|-c|set -euo pipefail;  /usr/bin/python3 /x/.snakemake/scripts/tmpm9kcq07d.s.py|", "/",
		 "", 1, "snakemake", "s.py", ""},
		{snakemake,
		 "/bin/sh|-c|cd /x && /usr/bin/python3 -m snakemake --snakefile 'x' --target-jobs 'sort:s=a,t=b' "
		 "--allowed-rules 'sort'|",
		 "/", "", 1, "snakemake", "sort", "sort:s=a,t=b"},
		{"/bin/sh|-c|x|", target, "/", "", 2, "snakemake", "sort", "sort:s=a"},
		{target, "bash|-c|set -euo pipefail; sha256sum x|", "/", "", 3, NULL, NULL, NULL},
		{snakemake, "cbc|/tmp/x-pulp.mps|max|", "/", "", 1, NULL, NULL, NULL},
		{"make|-j2|", "/bin/sh|-c|sort x > y|", "/", "", 1, "make", "sort", ""},
		{"/usr/bin/gmake|", "gzip|-k|x|", "/", "", 1, "make", "gzip", ""},
		{"make|", "make|-f|Makefile.sub|", "/", "", 1, NULL, NULL, NULL},
		{"cmake|", "cc|x.c|", "/", "", 1, NULL, NULL, NULL},
		{"/usr/bin/perl|/usr/bin/parallel|-j2|gzip {}|", "/usr/bin/bash|-c|gzip x|wc|", "/", "", 2, "parallel",
		 "gzip", ""},
		{"/usr/bin/perl|/usr/bin/parallel|", "sh|-c|/usr/bin/echo ccc|", "/", "", 2, NULL, NULL, NULL},
		{"/bin/bash|./pipeline.sh|", "bwa|mem|x|", "/", "", 1, "shell", "bwa mem", ""},
		{"/bin/bash|./exe.sh|", "/bin/bash|./pipeline.sh|x|", "/", "", 1, NULL, NULL, NULL},
		{"/bin/bash|-e|./pipeline.sh|", "bwa|mem|x|", "/", "", 2, "shell", "bwa mem", ""},
		{"/bin/bash|./pipeline.sh|", "/bin/sh|/usr/bin/qualimap|x|", "/", "", 1, "shell", "qualimap", ""},
		{"/bin/sh|/usr/bin/qualimap|x|", "java|-jar|x.jar|", "/", "", 2, NULL, NULL, NULL},
		{"/bin/bash|./pipeline.sh|", "bwa|mem|x|", "/", "", 3, NULL, NULL, NULL},
		{"/usr/bin/python3|x.py|", "bwa|mem|x|", "/", "", 1, NULL, NULL, NULL},
		{"java|nextflow|", "/bin/bash|-ue|.command.run|", work, "", 1, "nextflow", "nextflow task",
		 "3f/8a7b6c"},
		{"java|nextflow|", "/bin/bash|-ue|.command.run|", work, "SLURM_JOB_NAME=nf-ALIGN_(s1)|", 1, "nextflow",
		 "ALIGN", "3f/8a7b6c"},
		{"", "bwa|", "/root", "NXF_TASK_WORKDIR=/w/3f/8a7b6c0123456789abcdef01234567|", 1, "nextflow",
		 "nextflow task", "3f/8a7b6c"},
		{"", "bwa|", "/data/3f/8a7b6c", "", 1, NULL, NULL, NULL},
		{"", "slurm_script|", "/", "SLURM_JOB_ID=17|SLURM_JOB_NAME=align|SLURM_STEP_ID=0|", -1, "slurm",
		 "align", "17.0"},
		{"", "slurm_script|", "/", "SLURM_JOB_ID=17|", -1, "slurm", "slurm job", "17"},
	};
	struct steps_matcher *matcher;
	struct steps *steps;
	struct error err = {0};

	(void)state;
	if (steps__load("auto", &steps, &err))
		fail_msg("%s", err.text);
	matcher = steps_matcher__new(steps);
	assert_non_null(matcher);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct model_command *parent = make_command("/x", cases[i].parent, "/", "");
		struct model_command *command = make_command("/x", cases[i].args, cases[i].cwd, cases[i].env);
		struct steps_program program = {command, parent, "", cases[i].depth, false};
		size_t at = steps_matcher__next(matcher, &program, 0);

		if (!cases[i].set && at < steps->count)
			fail_msg("case %zu: a rule of %s holds", i, steps->rules[at].set);
		if (cases[i].set) {
			assert_true(at < steps->count);
			assert_string_equal(steps->rules[at].set, cases[i].set);
			assert_string_equal(steps_matcher__step(matcher), cases[i].step);
			assert_string_equal(steps_matcher__id(matcher), cases[i].id);
		}
		free(parent);
		free(command);
	}
	steps_matcher__free(matcher);
	steps__free(steps);
}

static void templates_take_what_patterns_captured(void **state)
{
	struct steps *steps = loaded("steps:\n"
				     "- {args: '^a (b)?(?<n>c+)?', step: '$${n} ${n} $x ${1}', id: '${command}'}\n"
				     "- {args: '^a', step: '${tool}${command}'}\n"
				     "- {exe: '/(.)$', cwd: '^/', env: {E: '^$'}, step: '${1}'}\n");
	struct steps_matcher *matcher = steps_matcher__new(steps);
	struct model_command *command = make_command("/bin/d", "a|ccc|", "/", "E=|");
	struct steps_program program = {command, NULL, "", 0, false};

	(void)state;
	assert_int_equal(steps_matcher__next(matcher, &program, 0), 0);
	assert_string_equal(steps_matcher__step(matcher), "${n} ccc $x");
	assert_string_equal(steps_matcher__id(matcher), "d");
	assert_int_equal(steps_matcher__next(matcher, &program, 1), 1);
	assert_string_equal(steps_matcher__step(matcher), "ad");
	assert_string_equal(steps_matcher__id(matcher), "");
	assert_int_equal(steps_matcher__next(matcher, &program, 2), 2);
	assert_string_equal(steps_matcher__step(matcher), "d");
	assert_int_equal(steps_matcher__next(matcher, &program, 3), 3);
	steps_matcher__free(matcher);
	free(command);
	steps__free(steps);
}

static void files_are_looked_into_if_they_are_files(void **state)
{
	struct steps *steps = loaded("steps: [{file: {f: '(?m)^name: (?<name>.+)$'}, step: '${name}'}]");
	struct steps_matcher *matcher = steps_matcher__new(steps);
	char folder[] = "/tmp/steps.XXXXXX", path[64], target[64];
	struct model_command *command;
	struct steps_program program = {.comm = ""};
	FILE *file;

	(void)state;
	assert_non_null(mkdtemp(folder));
	command = make_command("/bin/x", "x|", folder, "");
	program.command = command;
	snprintf(path, sizeof(path), "%s/f", folder);
	snprintf(target, sizeof(target), "%s/other", folder);
	assert_int_equal(steps_matcher__next(matcher, &program, 0), 1);

	file = fopen(target, "w");
	assert_non_null(file);
	fprintf(file, "first\nname: align (a)\n%*s", 10000, "");
	fclose(file);
	assert_int_equal(symlink(target, path), 0);
	assert_int_equal(steps_matcher__next(matcher, &program, 0), 1);
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(steps_matcher__next(matcher, &program, 0), 1);
	unlink(path);
	assert_int_equal(rename(target, path), 0);
	assert_int_equal(steps_matcher__next(matcher, &program, 0), 0);
	assert_string_equal(steps_matcher__step(matcher), "align (a)");
	unlink(path);
	rmdir(folder);
	assert_int_equal(steps_matcher__next(matcher, &program, 0), 1);
	free(command);
	steps_matcher__free(matcher);
	steps__free(steps);
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Patterns that explode, and arguments of megabytes: no match, or a match in what is looked at, soon. */
static void hostile_arguments_cost_little(void **state)
{
	struct steps *steps = loaded("steps:\n"
				     "- {args: '(a+)+$', step: boom}\n"
				     "- {args: '^(?:(?:a|aa)*)*b', step: boom}\n"
				     "- {args: 'needle', step: beyond}\n"
				     "- {args: '^(a{100})', step: '${1}'}\n");
	struct steps_matcher *matcher = steps_matcher__new(steps);
	struct model_command command = {.refs = 1};
	struct steps_program program = {&command, NULL, "", 0, false};
	size_t size = 2 << 20;
	char *args = malloc(size);
	double began = seconds();
	char tool[STEPS_NAME_MAX];

	(void)state;
	assert_non_null(args);
	memset(args, 'a', size);
	memcpy(args + 3000, "!", 1);
	memcpy(args + STEPS_TEXT_MAX, "needle", 6);
	args[size - 1] = '\0';
	command.args = (struct model_list){args, (uint32_t)size, 1, 0};
	for (int i = 0; i < 20; i++)
		assert_int_equal(steps_matcher__next(matcher, &program, 0), 3);
	assert_int_equal(strlen(steps_matcher__step(matcher)), 100);
	assert_true(seconds() - began < 1.0);

	memset(args, '(', size - 1);
	steps_tool__name(&command, "comm", tool);
	assert_int_equal(strlen(tool), STEPS_NAME_MAX - 1);
	memcpy(args, "sh\0-c\0", 6);
	memset(args + 6, '(', size - 7);
	command.args.count = 3;
	steps_tool__name(&command, "comm", tool);
	assert_string_equal(tool, "sh");
	free(args);
	steps_matcher__free(matcher);
	steps__free(steps);
}

/* ---- tasks ---- */

#define SEEN 32

struct seen {
	struct made made;
	struct steps *steps;
	struct model *model;
	size_t tasks_count, rows_count, hidden_count, samples_count;
	struct {
		struct model_task task;
		char step[64], id[64], rules[64];
		size_t rows; /* that had come before */
	} tasks[SEEN];
	struct {
		struct model_row row;
		uint32_t task;
		uint64_t sampled_cpu_ns; /* sum */
		uint64_t held_ns;	 /* time that samples of memory cover */
	} rows[SEEN];
	uint64_t sampled_cpu_ns, held_ns; /* since the last row, of one process at a time */
	uint64_t rss[SEEN];
};

static int on_row(void *arg, const struct model_row *row)
{
	struct seen *s = arg;

	if (s->rows_count < SEEN) {
		s->rows[s->rows_count].row = *row;
		s->rows[s->rows_count].task = row->task ? row->task->number : 0;
		s->rows[s->rows_count].sampled_cpu_ns = s->sampled_cpu_ns;
		s->rows[s->rows_count].held_ns = s->held_ns;
	}
	s->sampled_cpu_ns = s->held_ns = 0;
	s->rows_count++;
	return 0;
}

static int on_hidden(void *arg, const struct model_row *row, uint32_t pid, const struct model_command *by)
{
	(void)row;
	(void)pid;
	(void)by;
	((struct seen *)arg)->hidden_count++;
	return 0;
}

static int on_task(void *arg, const struct model_task *task)
{
	struct seen *s = arg;

	if (s->tasks_count < SEEN) {
		s->tasks[s->tasks_count].task = *task;
		s->tasks[s->tasks_count].rows = s->rows_count;
		strncpy(s->tasks[s->tasks_count].step, task->step, 63);
		strncpy(s->tasks[s->tasks_count].id, task->id ? task->id : "", 63);
		strncpy(s->tasks[s->tasks_count].rules, task->rules, 63);
	}
	s->tasks_count++;
	return 0;
}

static int on_sample(void *arg, const struct model_sample *sample)
{
	struct seen *s = arg;

	assert_true(sample->from_ns <= sample->until_ns);
	if (sample->source == MODEL_CPU) {
		s->sampled_cpu_ns += sample->cpu_ns;
	} else {
		s->held_ns += sample->until_ns - sample->from_ns;
		if (s->samples_count < SEEN)
			s->rss[s->samples_count] = sample->rss_bytes;
		s->samples_count++;
	}
	return 0;
}

static int feed(void *arg, const struct record *record)
{
	return model__feed(((struct seen *)arg)->model, record);
}

#define ALL 15U

static struct seen *begin(const char *rules, unsigned streams)
{
	static const struct model_calls calls = {
		.row = on_row, .hidden = on_hidden, .task = on_task, .sample = on_sample};
	struct seen *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->steps = loaded(rules);
	made__init(&s->made, "run-1", feed, s);
	s->model = model__new(&calls, s, s->steps);
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
	steps__free(s->steps);
	made__free(&s->made);
	free(s);
}

/* A process under another: forked, and executed 1 ms later. It starts at `ts`. */
static void program(struct seen *s, uint64_t ts, uint32_t pid, uint32_t ppid, uint64_t parent_start, const char *args)
{
	char exe[64] = "/bin/";

	strncat(exe, args, strcspn(args, "|"));
	made__fork(&s->made, ts, pid, ppid, parent_start, "sh");
	made__exec(&s->made, ts + MS, pid, ts, exe, args);
}

static const char step_rule[] = "steps: [{args: '^step(?<n>\\w*)', step: 'step ${n}'}]";

static void children_inherit_and_a_task_sums_up(void **state)
{
	struct seen *s = begin(step_rule, 7);
	const struct model_task *task = &s->tasks[0].task;

	(void)state;
	made__exec(&s->made, 1 * S, 10, 1 * S, "/bin/run", "run|");
	program(s, 2 * S, 11, 10, 1 * S, "stepA|");
	program(s, 3 * S, 12, 11, 2 * S, "tool|");
	made__fork(&s->made, 3 * S, 13, 12, 3 * S, "tool");
	made__end(&s->made, 4 * S, 13, 3 * S, 0, 10 * MS, 1000);
	made__end(&s->made, 5 * S, 12, 3 * S, 3, 20 * MS, 5000);
	assert_int_equal(s->tasks_count, 0);
	made__end(&s->made, 6 * S, 11, 2 * S, 0, 40 * MS, 3000);
	assert_int_equal(s->tasks_count, 1);
	made__end(&s->made, 9 * S, 10, 1 * S, 0, 80 * MS, 9000);

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

static void tasks_nest_and_a_rule_holds_once_a_process(void **state)
{
	struct seen *s = begin(step_rule, 1U << LIFECYCLE);

	(void)state;
	made__exec(&s->made, 1 * S, 10, 1 * S, "/bin/run", "run|");
	program(s, 2 * S, 11, 10, 1 * S, "stepA|");
	made__exec(&s->made, 3 * S, 11, 2 * S, "/bin/stepB", "stepB|"); /* goes on: the same task */
	program(s, 4 * S, 12, 11, 2 * S, "stepC|");			/* its child: one inside */
	made__exit(&s->made, 5 * S, 12, 4 * S, 1);
	made__exit(&s->made, 6 * S, 11, 2 * S, 2);
	assert_int_equal(s->tasks_count, 2);
	assert_string_equal(s->tasks[0].step, "step C");
	assert_int_equal(s->tasks[0].task.parent, 1);
	assert_int_equal(s->tasks[0].task.outcome, MODEL_FAILED);
	assert_int_equal(s->tasks[0].task.hidden, 0);
	assert_string_equal(s->tasks[1].step, "step A");
	assert_int_equal(s->tasks[1].task.rows, 2);
	assert_int_equal(s->tasks[1].task.processes, 1);
	assert_int_equal(s->tasks[1].task.exit_code, 2);
	made__exit(&s->made, 7 * S, 10, 1 * S, 0);
	assert_int_equal(s->hidden_count, 2); /* of tasks that are closed */
	end(s);
}

static void an_exec_moves_a_process_into_another_task(void **state)
{
	struct seen *s = begin("steps:\n- {args: '^a', step: a}\n- {args: '^b', step: b}\n", 7);

	(void)state;
	made__exec(&s->made, 1 * S, 10, 1 * S, "/bin/run", "run|");
	program(s, 2 * S, 11, 10, 1 * S, "a|");
	made__cpu(&s->made, SAMPLE, 3 * S, 11, 2 * S, 10 * MS);
	made__exec(&s->made, 4 * S, 11, 2 * S, "/bin/b", "b|");
	assert_int_equal(s->tasks_count, 1);
	made__end(&s->made, 5 * S, 11, 2 * S, 7, 30 * MS, 1000);
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
	made__exec(&s->made, 1 * S, 10, 1 * S, "/bin/run", "run|");
	program(s, 2 * S, 11, 10, 1 * S, "x|");
	program(s, 3 * S, 12, 11, 2 * S, "x|");
	program(s, 4 * S, 13, 10, 1 * S, "x|");
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
	made__exec(&s->made, 1 * S, 10, 1 * S, "/bin/run", "run|");
	s->made.env = "TASK=x|";
	program(s, 2 * S, 11, 10, 1 * S, "a|");
	program(s, 2 * S, 12, 10, 1 * S, "b|");
	s->made.env = "TASK=y|";
	program(s, 2 * S, 13, 10, 1 * S, "c|");
	s->made.env = "TASK=x|";
	program(s, 3 * S, 14, 12, 2 * S, "inner|"); /* its task's rule holds too, and leaves it to the next */
	made__exit(&s->made, 4 * S, 11, 2 * S, 0);
	assert_int_equal(s->tasks_count, 0);
	made__exit(&s->made, 5 * S, 14, 3 * S, 0);
	made__exit(&s->made, 5 * S, 12, 2 * S, 9);
	assert_int_equal(s->tasks_count, 2);
	assert_string_equal(s->tasks[0].step, "inner");
	assert_int_equal(s->tasks[0].task.parent, 1);
	assert_string_equal(s->tasks[1].id, "x");
	assert_int_equal(s->tasks[1].task.rows, 2);
	assert_int_equal(s->tasks[1].task.failed, 1);
	assert_int_equal(s->tasks[1].task.hidden, 1); /* its first process ended 0 */
	assert_int_equal(s->tasks[1].task.outcome, MODEL_OK);

	program(s, 6 * S, 15, 10, 1 * S, "a|"); /* that one is closed: this is another */
	made__exit(&s->made, 7 * S, 15, 6 * S, 0);
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

static void depth_counts_programs_not_subshells(void **state)
{
	struct seen *s = begin("steps: [{depth: 1, step: '${command}'}]", 1U << LIFECYCLE);

	(void)state;
	made__exec(&s->made, 1 * S, 10, 1 * S, "/bin/sh", "sh|x|");
	made__fork(&s->made, 2 * S, 11, 10, 1 * S, "sh");
	program(s, 3 * S, 12, 11, 2 * S, "a|");
	program(s, 4 * S, 13, 12, 3 * S, "b|");
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
	made__exec(&s->made, 1 * S, 10, 1 * S, "/bin/run", "run|");
	program(s, 2 * S, 11, 10, 1 * S, "stepA|");
	program(s, 2 * S, 12, 11, 2 * S, "tool|");
	for (uint64_t ts = 3 * S; ts < 6 * S; ts += S) {
		made__mem(&s->made, SAMPLE, ts, 10, 1 * S, 1 << 20);
		made__mem(&s->made, SAMPLE, ts + MS, 11, 2 * S, 1000);
		made__mem(&s->made, SAMPLE, ts + 2 * MS, 12, 2 * S, ts == 4 * S ? 7000 : 500);
	}
	made__end(&s->made, 6 * S, 12, 2 * S, 0, 1, 9000);
	made__end(&s->made, 7 * S, 11, 2 * S, 0, 1, 2000);
	assert_int_equal(s->tasks[0].task.rss_peak_bytes, 8000);
	assert_int_equal(s->tasks[0].task.peak_rss_bytes, 9000);
	end(s);
}

/* ---- I/O ---- */

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
	made__exec(&s->made, 1 * S, 10, 1 * S, "/bin/run", "run|");
	program(s, 2 * S, 11, 10, 1 * S, "stepA|");
	program(s, 3 * S, 12, 11, 2 * S, "stepB|");
	program(s, 4 * S, 13, 12, 3 * S, "tool|");
	made__exit_under(&s->made, 5 * S, 13, 4 * S, 12, 3 * S, 0);
	made__exit_under(&s->made, 5 * S + 1, 12, 3 * S, 11, 2 * S, 0);
	made__exit_under(&s->made, 5 * S + 2, 11, 2 * S, 10, 1 * S, 0);
	made__io(&s->made, END, 5 * S + 3, 11, 2 * S, 111); /* 1 of its own */
	made__io(&s->made, END, 5 * S + 4, 12, 3 * S, 110); /* 10 of its own */
	assert_int_equal(s->rows_count, 0);
	made__io(&s->made, END, 5 * S + 5, 13, 4 * S, 100);
	assert_int_equal(s->rows_count, 3);
	assert_int_equal(s->rows[0].row.pid, 13);
	assert_io(s->rows[0].row.io, 100);
	assert_io(s->rows[1].row.io, 110);
	assert_io(s->rows[2].row.io, 111);
	assert_int_equal(s->tasks_count, 2);
	assert_string_equal(s->tasks[0].step, "step B");
	assert_io(s->tasks[0].task.io, 110);
	assert_io(s->tasks[1].task.io, 1);
	made__exit(&s->made, 6 * S, 10, 1 * S, 0);
	made__io(&s->made, END, 6 * S, 10, 1 * S, 112);
	assert_int_equal(s->rows_count, 4);
	end(s);
}

static void who_ignores_its_children_has_nothing_of_theirs(void **state)
{
	struct seen *s = begin(step_rule, 1U << LIFECYCLE | 1U << IO);

	(void)state;
	made__exec(&s->made, 1 * S, 10, 1 * S, "/bin/run", "run|");
	program(s, 2 * S, 11, 10, 1 * S, "stepA|");
	program(s, 3 * S, 12, 11, 2 * S, "tool|");
	made__exit_under(&s->made, 4 * S, 12, 3 * S, 11, 2 * S, 0);
	made__io(&s->made, END, 4 * S, 12, 3 * S, 100);
	made__exit_under(&s->made, 5 * S, 11, 2 * S, 10, 1 * S, 0);
	made__io(&s->made, END, 5 * S, 11, 2 * S, 30);
	assert_io(s->tasks[0].task.io, 130);
	end(s);
}

static void an_orphans_bytes_are_nobody_elses(void **state)
{
	struct seen *s = begin(step_rule, 1U << LIFECYCLE | 1U << IO);

	(void)state;
	made__exec(&s->made, 1 * S, 10, 1 * S, "/bin/run", "run|");
	program(s, 2 * S, 11, 10, 1 * S, "stepA|");
	program(s, 3 * S, 12, 11, 2 * S, "tool|");
	made__exit_under(&s->made, 4 * S, 11, 2 * S, 10, 1 * S, 0);
	made__io(&s->made, END, 4 * S, 11, 2 * S, 5);
	made__exit_under(&s->made, 5 * S, 12, 3 * S, 1, 0, 0); /* under init by now */
	made__io(&s->made, END, 5 * S, 12, 3 * S, 100);
	assert_int_equal(s->tasks_count, 1);
	assert_io(s->tasks[0].task.io, 105);
	end(s);
}

static void io_is_shared_among_the_rows_of_a_process(void **state)
{
	struct seen *s = begin(step_rule, 1U << LIFECYCLE | 1U << IO);

	(void)state;
	made__exec(&s->made, 1 * S, 10, 1 * S, "/bin/a", "a|");
	made__io(&s->made, SAMPLE, 2 * S, 10, 1 * S, 20);
	made__exec(&s->made, 3 * S, 10, 1 * S, "/bin/b", "b|");
	made__exec(&s->made, 4 * S, 10, 1 * S, "/bin/c", "c|");
	made__exit(&s->made, 5 * S, 10, 1 * S, 0);
	made__io(&s->made, END, 5 * S, 10, 1 * S, 50);
	assert_int_equal(s->rows_count, 3);
	assert_io(s->rows[0].row.io, 20);
	assert_int_equal(EVENT_NULL_REASON(s->rows[1].row.io[0]), MODEL_REASON_REPLACED);
	assert_io(s->rows[2].row.io, 30);
	end(s);
	s = begin(step_rule, 1U << LIFECYCLE);
	made__exec(&s->made, 1 * S, 10, 1 * S, "/bin/a", "a|");
	made__exit(&s->made, 5 * S, 10, 1 * S, 0);
	assert_int_equal(EVENT_NULL_REASON(s->rows[0].row.io[6]), MODEL_REASON_OFF);
	end(s);
}

static void the_wait_for_a_childs_account_is_bounded(void **state)
{
	struct seen *s = begin(step_rule, 1U << LIFECYCLE | 1U << IO);

	(void)state;
	made__exec(&s->made, 1 * S, 10, 1 * S, "/bin/run", "run|");
	program(s, 2 * S, 11, 10, 1 * S, "a|");
	program(s, 3 * S, 12, 11, 2 * S, "b|");
	made__exit_under(&s->made, 4 * S, 12, 3 * S, 11, 2 * S, 0);
	made__exit_under(&s->made, 5 * S, 11, 2 * S, 10, 1 * S, 0);
	made__io(&s->made, END, 5 * S, 11, 2 * S, 5);
	assert_int_equal(s->rows_count, 0);
	made__fork(&s->made, 15 * S, 13, 10, 1 * S, "x"); /* 12 is given up: 11 need not wait either */
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
	made__exec(&s->made, 1 * S, 10, 1 * S, "/bin/run", "run|");
	program(s, 2 * S, 11, 10, 1 * S, "stepA|");
	program(s, 3 * S, 12, 11, 2 * S, "stepB|");
	made__exit_under(&s->made, 4 * S, 12, 3 * S, 11, 2 * S, 1);
	made__exit_under(&s->made, 5 * S, 11, 2 * S, 10, 1 * S, 1);
	made__io(&s->made, END, 5 * S, 11, 2 * S, 5);
	assert_int_equal(s->rows_count, 0);
	end(s); /* a leak is seen by the sanitizers */
}

/* ---- looks ---- */

static void samples_add_up_to_the_row(void **state)
{
	struct seen *s = begin(step_rule, 7);

	(void)state;
	made__exec(&s->made, 1 * S, 10, 1 * S, "/bin/a", "a|");
	made__cpu(&s->made, SAMPLE, 2 * S, 10, 1 * S, 500 * MS);
	made__mem(&s->made, SAMPLE, 2 * S, 10, 1 * S, 4096);
	made__cpu(&s->made, SAMPLE, 3 * S, 10, 1 * S, 500 * MS);
	made__cpu(&s->made, SAMPLE, 4 * S, 10, 1 * S, 700 * MS);
	made__exec(&s->made, 5 * S, 10, 1 * S, "/bin/b", "b|");
	made__end(&s->made, 8 * S, 10, 1 * S, 0, 900 * MS, 8192);
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
	made__exec(&s->made, 1 * S, 1, 1 * S, "/bin/run", "run|");
	made__fork(&s->made, ts, 2, 1, 1 * S, "run");
	/* Each begins a task inside its parent's, which is over then. */
	for (uint32_t i = 0; i < 5000; i++, ts += 20 * MS) {
		made__exec(&s->made, ts + 10 * MS, i + 2, ts, i % 2 ? "/bin/x" : "/bin/y", i % 2 ? "x|" : "y|");
		made__fork(&s->made, ts + 20 * MS, i + 3, i + 2, ts, "x");
		made__exit(&s->made, ts + 20 * MS, i + 2, ts, 0);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_tell_where_and_what_instead),
		cmocka_unit_test(a_tool_is_what_a_line_is_about),
		cmocka_unit_test(ready_made_rules_hold),
		cmocka_unit_test(templates_take_what_patterns_captured),
		cmocka_unit_test(files_are_looked_into_if_they_are_files),
		cmocka_unit_test(hostile_arguments_cost_little),
		cmocka_unit_test(children_inherit_and_a_task_sums_up),
		cmocka_unit_test(tasks_nest_and_a_rule_holds_once_a_process),
		cmocka_unit_test(an_exec_moves_a_process_into_another_task),
		cmocka_unit_test(a_rule_for_outside_begins_nothing_inside),
		cmocka_unit_test(one_id_is_one_task_even_of_strangers),
		cmocka_unit_test(depth_counts_programs_not_subshells),
		cmocka_unit_test(a_tasks_memory_is_the_sum_of_samples),
		cmocka_unit_test(no_byte_is_counted_twice),
		cmocka_unit_test(who_ignores_its_children_has_nothing_of_theirs),
		cmocka_unit_test(an_orphans_bytes_are_nobody_elses),
		cmocka_unit_test(io_is_shared_among_the_rows_of_a_process),
		cmocka_unit_test(the_wait_for_a_childs_account_is_bounded),
		cmocka_unit_test(what_waits_is_let_go_when_the_reader_stops),
		cmocka_unit_test(samples_add_up_to_the_row),
		cmocka_unit_test(what_tasks_keep_is_bounded_by_what_lives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
