/* SPDX-License-Identifier: BSD-2-Clause */
/* sinks/model: rules of steps: what they may say, and which programs they match. */
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "tests/unit/model_seen.h"

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
		 ":2:9: steps[0].args: is not a valid regular expression: missing closing parenthesis, at its character 4"},
		{"steps:\n- args: x\n  step: ${nme}\n",
		 ":3:9: steps[0].step: no pattern of this rule captures ${nme}: write (?<nme>...) in one"},
		{"steps:\n- args: (a)\n  step: ${2}\n", ":3:9: steps[0].step: no pattern of this rule captures ${2}"},
		{"steps:\n- {args: (a), cwd: (b), step: '${1}'}\n", "more than one pattern of this rule captures ${1}"},
		{"steps:\n- args: (?<n>a)\n  step: x${n\n", ":3:9: steps[0].step: \"${n\" has no end"},
		{"steps:\n- depth: -1\n  step: x\n", ":2:10: steps[0].depth: \"-1\" is not a depth"},
		{"steps:\n- outside: 1\n  step: x\n", ":2:12: steps[0].outside: \"1\" is neither true nor false"},
		{"steps:\n- env: [A]\n  step: x\n", ":2:8: steps[0].env: must be a mapping"},
		{"steps:\n- args: [a]\n  step: x\n", ":2:9: steps[0].args: must be a single value, not a list"},
		{"steps:\n- args: a\n  args: b\n  step: x\n", ":3:3: steps[0].args: duplicate key"},
		{"steps:\n- file: {a/b: x}\n  step: x\n",
		 ":2:10: steps[0].file.a/b: a file is looked for in the working"},
		{"steps:\n- file: {a: x, b: y}\n  step: x\n", ":2:16: steps[0].file.b: a rule can look into one file"},
		{"steps:\n\t- a", "tab in indentation"},
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_tell_where_and_what_instead),
		cmocka_unit_test(a_tool_is_what_a_line_is_about),
		cmocka_unit_test(ready_made_rules_hold),
		cmocka_unit_test(templates_take_what_patterns_captured),
		cmocka_unit_test(files_are_looked_into_if_they_are_files),
		cmocka_unit_test(hostile_arguments_cost_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
