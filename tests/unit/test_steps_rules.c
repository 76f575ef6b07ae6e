/* SPDX-License-Identifier: BSD-2-Clause */
/* sinks/model: rules of steps: what they may say, and which programs they match. */
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

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
		{"steps:\n- file: {a/b: x}\n  step: x\n", ":2:10: steps[0].file.a/b: files are read from the working"},
		{"steps:\n- file: {a: x, b: y}\n  step: x\n", ":2:16: steps[0].file.b: a rule can read only one file"},
		{"steps:\n- {args: a, engine: maybe}\n",
		 "steps[0].engine: \"maybe\" is neither true, false, forks nor above"},
		{"steps:\n- {args: a, engine: true, step: x}\n",
		 ":2:3: steps[0]: is of the engine itself, which begins no step"},
		{"steps:\n- {args: a, engine: above, step: x}\n",
		 ":2:3: steps[0]: is of the engine itself, which begins no step"},
		{"steps:\n- {args: a, engine: true, id: x}\n", ":2:3: steps[0]: has an id, and begins no task"},
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
	assert_string_equal(err.text, "steps: \"snakemaek\" is neither a file nor a ready-made set: did you mean "
				      "\"snakemake\"?");
	assert_int_equal(steps__load("none", &steps, &err), 0);
	assert_int_equal(steps__count(steps), 0);
	steps__free(steps);
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

/* What would have been executed first, had it been there. */
static void what_was_to_be_executed(void **state)
{
	static const struct {
		const char *args, *name;
		enum steps_called called;
	} cases[] = {
		{"/usr/bin/env|Rscript4|./report.R|--in|", "Rscript4", STEPS_CALLED_PROGRAM},
		{"/usr/bin/env|-S|Rscript4 --x|./report.R|", "Rscript4", STEPS_CALLED_PROGRAM},
		{"env|-u|A|B=c|tool|x|", "tool", STEPS_CALLED_PROGRAM},
		{"chroot|root|/bin/bash|-c|true|", "/bin/bash", STEPS_CALLED_PROGRAM},
		{"nice|-n|5|./tool|", "./tool", STEPS_CALLED_PROGRAM},
		{"sh|-c|tscc -p . && echo ok|", "tscc", STEPS_CALLED_FIRST},
		{"sh|-c|cd /x && A=b /opt/tool x|", "/opt/tool", STEPS_CALLED_FIRST},
		{"sh|-c|exec tool|", "tool", STEPS_CALLED_FIRST},
		{"busybox|sh|-c|tool x|", "tool", STEPS_CALLED_FIRST},
		{"sh|-c|test ! -x a && exit 127; b|", "", STEPS_CALLED_NOTHING},
		{"sh|-c|exit 127|", "", STEPS_CALLED_NOTHING},
		{"sh|-c|$TOOL x|", "", STEPS_CALLED_NOTHING},
		{"sh|-c|f() { tool; }; f|", "tool", STEPS_CALLED_FIRST},
		{"bash|p.sh|", "", STEPS_CALLED_NOTHING},
		{"env|", "", STEPS_CALLED_NOTHING},
		{"python3|call.py|", "", STEPS_CALLED_NOTHING},
		{"busybox|", "", STEPS_CALLED_NOTHING},
	};
	char name[STEPS_NAME_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct model_command *command = make_command("/bin/exe", cases[i].args, "/", "");
		enum steps_called called = steps_tool__called(command, name);

		if (called != cases[i].called || (called && strcmp(name, cases[i].name) != 0))
			fail_msg("%s: %d %s", cases[i].args, called, called ? name : "");
		free(command);
	}
	assert_int_equal(steps_tool__called(NULL, name), STEPS_CALLED_NOTHING);
}

/* Lines as people write them in Snakefiles, Makefiles and scripts, and what they would call each. */
static const struct {
	const char *line, *tool;
} lines[] = {
	{"set -euo pipefail; samtools --version >/dev/null", "samtools"},
	{"(bwa 2>&1 || true) | head -1", "bwa"},
	{"export LC_ALL=C; samtools --version", "samtools"},
	{"time samtools --version >/dev/null 2>&1", "samtools"},
	{"time -p { sort a; }", "sort"},
	{"time (sort a)", "sort"},
	{"/usr/bin/time -v -o t.log samtools --version", "samtools"},
	{"/usr/bin/time --output=t.log -f '%e %M' sort a", "sort"},
	{"nice -n 5 sort a", "sort"},
	{"nice -5 sort a", "sort"},
	{"ionice -c 2 -n 7 sort a", "sort"},
	{"timeout --foreground -k 5 -s INT 2h sort a", "sort"},
	{"stdbuf -o L -eL sort a", "sort"},
	{"nohup setsid -w sort a &", "sort"},
	{"env -i -u HOME A=b sort a", "sort"},
	{"env -S 'A=b sort -r' a", "sort"},
	{"sudo -u nobody -E A=b sort a", "sort"},
	{"su - user -c 'cd x && sort a'", "sort"},
	{"runuser -u user -- sort a", "sort"},
	{"taskset -c 0,1 sort a", "sort"},
	{"taskset 0x3 sort a", "sort"},
	{"numactl -N 0 --membind=0 sort a", "sort"},
	{"chrt -b 0 sort a", "sort"},
	{"strace -f -o t.log -e trace=open,close -tt sort a", "sort"},
	{"flock -x lock sort a", "sort"},
	{"flock lock -c 'sort a > b'", "sort"},
	{"printf 'a\n' | xargs -P2 -n1 samtools --version", "samtools"},
	{"ls -1 | xargs -I{} -P 4 sh -c 'bwa mem ref {} > {}.sam'", "ls"},
	{"xargs -a list -0 -I {} sh -c 'bwa mem ref {} > {}.sam'", "bwa mem"},
	{"mpirun -np 4 --bind-to core sort a", "sort"},
	{"srun --exclusive -n 1 --mem 4G -c2 sort a", "sort"},
	{"OMP_NUM_THREADS=4 timeout 5 nice sort a", "sort"},
	{"command sort a", "sort"},
	{"command -v zsort >/dev/null && gzip a", "gzip"},
	{"exec > log 2>&1; sort a", "sort"},
	{"exec sort a", "sort"},
	{"eval sort a", "sort"},
	{"eval \"cd x; sort a\"", "sort"},
	{"trap 'rm -f x' EXIT; sort a", "sort"},
	{"if [[ -f x && -s y ]]; then sort a; fi", "sort"},
	{"if ((a > b)); then sort a; fi", "sort"},
	{"for ((i = 0; i < 3; i++)); do sort a; done", "sort"},
	{"case 2 in 1) exit 3;; 2 | 3) kill -9 $$;; 4) sort a;; esac", "sort"},
	{"case $x in\n  a) sort a;;\nesac", "sort"},
	{"work() { gzip \"$1\"; }; work a", "gzip"},
	{"while read l; do sort a; done < x", "sort"},
	{"x=`date +%s` sort a", "sort"},
	{"x=$(date +%s) && sort a", "sort"},
	{"paste <(sort a) <(cut -f1 b)", "paste"},
	{"$(which sort) a; cut -f1", "cut"},
	{"samtools \\\n  view -b a", "samtools view"},
	{"umask 022; set -x; cp a b && sort b", "sort"},
	{"bash -c 'sort a'", "sort"},
	{"bash -ceuo pipefail 'sort a'", "sort"},
	{"sh -x d/x.sh", "x.sh"},
	{"bash +e --norc -O extglob d/x.sh", "x.sh"},
	{"python3 -u -W ignore d/x.py --in a", "x.py"},
	{"python3 -X dev d/x.py", "x.py"},
	{"python3.11 -Werror -um json.tool a", "json.tool"},
	{"python3 - a.txt < x.py", "python3"},
	{"python3 -c 'import x' a.txt", "python3"},
	{"perl -w -I lib d/x.pl", "x.pl"},
	{"perl -Ilib -MList::Util=sum d/x.pl", "x.pl"},
	{"perl -i.bak -pe 's/a/b/' a.txt", "perl"},
	{"perl -F: -lane 'print' a.txt", "perl"},
	{"ruby -I lib -rjson d/x.rb", "x.rb"},
	{"node --max-old-space-size=4096 -r ./hook.js d/x.js", "x.js"},
	{"node -e 'x' a.txt", "node"},
	{"Rscript --vanilla d/x.R a", "x.R"},
	{"Rscript -e 'x' a.txt", "Rscript"},
	{"julia --project=. -t 4 d/x.jl", "x.jl"},
	{"java -Xmx64m -cp /none -jar d/x.jar 2>/dev/null || true", "x.jar"},
	{"java -cp a.jar:b.jar -Dx=y org.x.Main a.txt", "org.x.Main"},
	{"conda run --no-capture-output -n base samtools view a", "samtools view"},
	{"conda install x", "conda install"},
	{"docker run --rm -it -v /a:/b -e X=y --user 1:1 img:1 bwa mem a", "bwa mem"},
	{"docker run -u 1 img:1", "docker run"},
	{"docker run -u 1 img:1 --help", "docker run"},
	{"su daemon -s /bin/sh -c 'sort a'", "sort"},
	{"su -s /bin/sh daemon -c 'exit 3'", "su"},
	{"su - daemon -c 'sort a'", "sort"},
	{"su daemon", "su"},
	{"flock -n l -c 'sort a'", "sort"},
	{"flock l sort a", "sort"},
	{"cat b | base64 -d | /bin/sh -e", "sh"},
	{"base64 a > b", "base64"},
	{"podman exec -w /x box sort a", "sort"},
	{"singularity -s exec --nv -B /x --home /y img.sif samtools sort a", "samtools sort"},
	{"singularity run img.sif a", "singularity run"},
	{"gatk --java-options '-Xmx4g' HaplotypeCaller -R x", "gatk HaplotypeCaller"},
	{"git -C x log", "git log"},
	/* Where nothing but preparations is there, a program before what the shell does itself; never its syntax. */
	{"echo working; (sleep 8 &) ; exit 0", "sleep"},
	{"for i in 1 2; do /bin/true; done; exit 6", "true"},
	{"trap : TERM; while :; do sleep 0.1; done", "sleep"},
	{"mkdir a; rm b", "mkdir"},
	{"mount -t tmpfs none t && sortbig x", "sortbig"},
	{"echo a > b", "echo"},
	{"case $x in esac", "sh"},
	{"trim () \\\n{\n  x=`echo \"$1\" | sed s/a//`;\n}; for f in a b; do case $f in -*I) trim 'I'; skip=yes;; esac; done; ls",
	 "ls"},
	{"report () { count \"$1\" 5; }; count () { if test x$1 = x; then c=y; fi; shift; }; test -n x && cat f",
	 "cat"},
	{"f() { sort $1; }; f a", "sort"},
	{"function f { sort $1; }; f a", "sort"},
	{"function f() { :; }; f a; gzip b", "gzip"},
	{"zcat x | samtools sort - | gzip > y", "samtools sort"},
	{"zcat x > y", "zcat"},
	{"cat x | gzip > y", "gzip"},
	{"head -n 1 x | while read l; do sort $l; done", "sort"},
	{"mkfifo p; sort a > p & tool < p", "sort"},
	{"prlimit --nofile=99 sort a", "sort"},
	{"cpulimit -l 50 -- sort a", "sort"},
	{"setpriv --reuid 1000 --clear-groups sort a", "sort"},
	{"exit 2", "sh"},
	{"kill -9 $$", "sh"},
	{"read x; exit 1", "sh"},
	{"mkdir out; f() { :; }; f", "mkdir"},
	{"xf() { :; }; f a", "f"},
	{":", "sh"},
	{": > out", "sh"},
	{": ${X:=1}; cd y", "cd"},
};

static void a_line_is_called_as_people_would(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		char args[512], tool[STEPS_NAME_MAX];
		struct model_command *command = make_command("/bin/sh", "", "/", "");
		size_t size = sprintf(args, "sh%c-c%c%s", '\0', '\0', lines[i].line) + 1;

		command->args = (struct model_list){args, (uint32_t)size, 3, 0};
		steps_tool__name(command, "sh", tool);
		if (strcmp(tool, lines[i].tool))
			fail_msg("%s: is called %s, not %s", lines[i].line, tool, lines[i].tool);
		free(command);
	}
}

static const char work[] = "/data/work/3f/8a7b6c0123456789abcdef01234567";
static const char snakemake[] = "/usr/bin/python3|/usr/bin/snakemake|-s|Snakefile|";
static const char snakemake_job[] = "/usr/bin/python3|-m|snakemake|--snakefile|/x|--target-jobs|sort:s=a|--cores|";

/* As they were recorded of the real tools, but for Nextflow and Slurm. */
static const struct {
	const char *parent, *args, *cwd, *env;
	int32_t depth;
	const char *set, *step, *id;
} executed[] = {
	{snakemake, "bash|-c|set -euo pipefail;  bwa mem a|", "/", "", 1, "snakemake", "bwa mem", ""},
	{snakemake, "bash|-c|set -euo pipefail;  /usr/bin/python3 /x/.snakemake/scripts/tmpm9kcq07d.s.py|", "/", "", 1,
	 "snakemake", "s.py", ""},
	{snakemake,
	 "/bin/sh|-c|cd /x && /usr/bin/python3 -m snakemake --snakefile 'x' --target-jobs 'sort:s=a,t=b' "
	 "--allowed-rules 'sort'|",
	 "/", "", 1, "snakemake", "sort", "sort:s=a,t=b"},
	{"/bin/sh|-c|x|", snakemake_job, "/", "", 2, "snakemake", "sort", "sort:s=a"},
	{snakemake_job, "bash|-c|set -euo pipefail; sha256sum x|", "/", "", 3, NULL, NULL, NULL},
	{snakemake, "cbc|/tmp/x-pulp.mps|max|", "/", "", 1, NULL, NULL, NULL},
	{"make|-j2|", "/bin/sh|-c|sort x > y|", "/", "", 1, "make", "sort", ""},
	{"/usr/bin/gmake|", "gzip|-k|x|", "/", "", 1, "make", "gzip", ""},
	{"make|", "make|-f|Makefile.sub|", "/", "", 1, NULL, NULL, NULL},
	{"cmake|", "cc|x.c|", "/", "", 1, NULL, NULL, NULL},
	{"/usr/bin/perl|/usr/bin/parallel|-j2|gzip {}|", "/usr/bin/bash|-c|gzip x|wc|", "/", "", 2, "parallel", "gzip",
	 ""},
	{"/usr/bin/perl|/usr/bin/parallel|", "sh|-c|/usr/bin/echo ccc|", "/", "", 2, NULL, NULL, NULL},
	{"/bin/bash|./pipeline.sh|", "bwa|mem|x|", "/", "", 1, "shell", "bwa mem", ""},
	{"/bin/bash|./exe.sh|", "/bin/bash|./pipeline.sh|x|", "/", "", 1, NULL, NULL, NULL},
	{"/bin/bash|-e|./pipeline.sh|", "bwa|mem|x|", "/", "", 2, "shell", "bwa mem", ""},
	{"/bin/bash|./pipeline.sh|", "/bin/sh|/usr/bin/qualimap|x|", "/", "", 1, "shell", "qualimap", ""},
	{"/bin/sh|/usr/bin/qualimap|x|", "java|-jar|x.jar|", "/", "", 2, NULL, NULL, NULL},
	{"/bin/bash|./pipeline.sh|", "bwa|mem|x|", "/", "", 3, NULL, NULL, NULL},
	{"/usr/bin/python3|x.py|", "bwa|mem|x|", "/", "", 1, NULL, NULL, NULL},
	{"java|nextflow|", "/bin/bash|-ue|.command.run|", work, "", 1, "nextflow", "nextflow task", "3f/8a7b6c"},
	{"/bin/bash|nextflow.sh|", "/bin/bash|-ue|.command.run|", work, "", 1, "nextflow", "nextflow task",
	 "3f/8a7b6c"},
	{"bash|/x/.command.sh|", "bash|/w/3f/8a7b6c0123456789abcdef01234567/.command.run|",
	 "/w/a0/00000c0123456789abcdef0123456f", "", 1, "nextflow", "nextflow task", "3f/8a7b6c"},
	{"/bin/bash|-ue|.command.run|", "cp|-fRL|/x/in.txt|in.txt|", work, "", 2, NULL, NULL, NULL},
	{"/bin/bash|-ue|.command.run|", "/bin/bash|/x/.command.run|nxf_trace|", work, "", 2, "nextflow", "", ""},
	{"/bin/bash|/x/.command.run|nxf_trace|", "ps|-e|", work, "", 3, "nextflow", "", ""},
	{"/bin/bash|/x/.command.run|nxf_trace|", "/bin/bash|-ue|/x/.command.sh|", work, "", 3, "nextflow",
	 "nextflow task", "3f/8a7b6c"},
	{"/bin/bash|-ue|.command.run|", "/bin/bash|-C|-e|-u|-o|pipefail|/x/.command.sh|", work, "", 2, "nextflow",
	 "nextflow task", "3f/8a7b6c"},
	{"/bin/bash|/x/.command.run|nxf_trace|", "/usr/bin/env|python3|/x/.command.sh|", work, "", 3, "nextflow",
	 "nextflow task", "3f/8a7b6c"},
	{"/bin/bash|/x/.command.run|nxf_trace|", "docker|run|img|/bin/bash|-c|/bin/bash -ue /x/.command.sh|", work, "",
	 2, NULL, NULL, NULL},
	{"/bin/bash|.command.run|", "/bin/bash|-ue|/x/.command.sh|", work, "SLURM_JOB_NAME=nf-ALIGN_(s1)|", 1,
	 "nextflow", "ALIGN", "3f/8a7b6c"},
	{"", "bash|-ue|/w/.command.sh|", "/root", "NXF_TASK_WORKDIR=/w/3f/8a7b6c0123456789abcdef01234567|", 1,
	 "nextflow", "nextflow task", "3f/8a7b6c"},
	{"/bin/bash|-ue|.command.run|", "/bin/bash|-ue|/w/3f/8a7b6c0123456789abcdef01234567/.command.sh|",
	 "/tmp/nxf.1234", "", 2, "nextflow", "nextflow task", "3f/8a7b6c"},
	{"", "cat|/w/3f/8a7b6c0123456789abcdef01234567/.command.err|", "/tmp", "", 2, NULL, NULL, NULL},
	{"", "bwa|", "/data/3f/8a7b6c", "", 1, NULL, NULL, NULL},
	{"", "slurm_script|", "/", "SLURM_JOB_ID=17|SLURM_JOB_NAME=align|SLURM_STEP_ID=0|", -1, "slurm", "align",
	 "17.0"},
	{"", "slurm_script|", "/", "SLURM_JOB_ID=17|", -1, "slurm", "slurm job", "17"},
	{"/usr/bin/perl|/usr/bin/parallel|", "sh|-c|tput el </dev/tty|", "/", "", 2, "parallel", "", ""},
	{"/usr/bin/perl|/usr/bin/parallel|", "sleep|10101|", "/", "", 2, "parallel", "", ""},
	{"/usr/bin/perl|/usr/bin/parallel|", "sh|-c|sh -c \"tput el </dev/tty\" 2>/dev/null|", "/", "", 2, "parallel",
	 "", ""},
	{"/x/python3|/x/cwltool|a.cwl|", "bash|-c|sort a | head|", "/tmp/a1b2c3d4", "", 1, "cwltool", "sort",
	 "a1b2c3d4"},
	{"/x/python3|/x/cwltool|a.cwl|", "nodejs|--eval|x|", "/tmp/a1b2c3d4", "", 1, "cwltool", "", ""},
	{"/x/python3|/x/cwltool|a.cwl|", "docker|run|-i|--mount=type=bind,source=/a,target=/b|img|bwa|mem|", "/tmp/x",
	 "", 1, "cwltool", "bwa mem", "x"},
	{"/x/python3|/x/_toil_worker|CWLJob|file:/x/js|kind-CWLJob/instance-a|", "sort|x|", "/tmp/x", "", 3, "toil",
	 "sort", "instance-a"},
	{"/x/python3|/x/_toil_worker|CWLJob|file:/x/js|kind-CWLJob/instance-a|", "du|-s|/x|", "/tmp/x", "", 3, "toil",
	 "", ""},
	{"/x/python3|/x/miniwdl|run|w.wdl|",
	 "singularity|exec|--bind|/x/call-align-1-wasp/stdout2.txt:/mnt/stdout.txt|x.sif|/bin/sh|-c|x|", "/x", "", 1,
	 "miniwdl", "align", "call-align-1-wasp/2"},
	{"/x/python3|/x/miniwdl|run|w.wdl|", "singularity|pull|x.sif|docker://x|", "/x", "", 1, "miniwdl", "", ""},
};

/* The rule after those that say that it is the job of the task with this id. */
static size_t after_job(struct steps_matcher *matcher, const struct steps_program *program, size_t at, const char *id)
{
	assert_int_equal(steps_matcher__engine(matcher), STEPS_ENGINE_ABOVE);
	while (steps_matcher__engine(matcher) == STEPS_ENGINE_ABOVE) {
		assert_string_equal(steps_matcher__id(matcher), id);
		at = steps_matcher__next(matcher, program, at + 1);
	}
	return at;
}

static void ready_made_rules_hold(void **state)
{
	struct steps_matcher *matcher;
	struct steps *steps;
	struct error err = {0};

	(void)state;
	if (steps__load("auto", &steps, &err))
		fail_msg("%s", err.text);
	matcher = steps_matcher__new(steps);
	assert_non_null(matcher);
	for (size_t i = 0; i < sizeof(executed) / sizeof(*executed); i++) {
		struct model_command *parent = make_command("/x", executed[i].parent, "/", "");
		struct model_command *command = make_command("/x", executed[i].args, executed[i].cwd, executed[i].env);
		struct steps_program program = {
			.command = command, .parent = parent, .comm = "", .depth = executed[i].depth};
		size_t at = steps_matcher__next(matcher, &program, 0);

		if (!executed[i].set && at < steps->count)
			fail_msg("case %zu: a rule of %s holds", i, steps->rules[at].set);
		if (executed[i].set) {
			assert_true(at < steps->count);
			if (strstr(executed[i].args, ".command.sh|") && *executed[i].step)
				at = after_job(matcher, &program, at, executed[i].id);
			assert_true(at < steps->count);
			assert_string_equal(steps->rules[at].set, executed[i].set);
			assert_int_equal(steps_matcher__engine(matcher), !*executed[i].step);
			assert_string_equal(steps_matcher__step(matcher), executed[i].step);
			assert_string_equal(steps_matcher__id(matcher), executed[i].id);
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
	struct steps_program program = {.command = command, .comm = ""};

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

static const char *recorded(void *files, const char *const *paths, size_t *length)
{
	const char *text = files;

	while (*paths && strcmp(*paths, "/work/ab/f"))
		paths++;
	if (!*paths)
		return NULL;
	*length = strlen(text);
	return text;
}

static void of_files_what_was_recorded_counts(void **state)
{
	struct steps *steps = loaded("steps: [{file: {f: '(?m)^name: (?<name>.+)$'}, step: '${name}'}]");
	struct steps_matcher *matcher = steps_matcher__new(steps);
	struct model_command *command = make_command("/bin/x", "x|", "/work/ab", "");
	struct model_command *elsewhere = make_command("/bin/x", "x|", "/work/cd", "");
	struct model_command *scratch = make_command("/bin/x", "x|-e|/work/ab/script|", "/tmp/1", "");
	char text[] = "first\nname: align (a)\nlast";
	struct steps_program program = {.comm = "", .command = command};

	(void)state;
	assert_int_equal(steps_matcher__next(matcher, &program, 0), 1);
	program.file = recorded;
	program.files = text;
	assert_int_equal(steps_matcher__next(matcher, &program, 0), 0);
	assert_string_equal(steps_matcher__step(matcher), "align (a)");
	program.command = elsewhere;
	assert_int_equal(steps_matcher__next(matcher, &program, 0), 1);
	program.command = scratch;
	assert_int_equal(steps_matcher__next(matcher, &program, 0), 0);
	program.files = "no name";
	program.command = command;
	assert_int_equal(steps_matcher__next(matcher, &program, 0), 1);
	free(command);
	free(elsewhere);
	free(scratch);
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
	struct steps_program program = {.command = &command, .comm = ""};
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

/* An option that goes on where the search ends, and nothing after it: the page behind cannot be read. */
static void arguments_are_not_read_beyond_their_end(void **state)
{
	size_t page = sysconf(_SC_PAGESIZE), size = STEPS_TEXT_MAX + 1, room = (size + page - 1) / page * page;
	char *map = mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *args = map + room - size, tool[STEPS_NAME_MAX];
	struct model_command command = {.exe = {"/bin/sh", 7, 0}, .args = {args, size, 2, 0}};

	(void)state;
	assert_true(map != MAP_FAILED && !mprotect(map + room, page, PROT_NONE));
	memcpy(args, "sh\0+", 4);
	memset(args + 4, 'x', size - 5);
	steps_tool__name(&command, "comm", tool);
	assert_string_equal(tool, "sh");
	munmap(map, room + page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_to_be_executed),
		cmocka_unit_test(errors_tell_where_and_what_instead),
		cmocka_unit_test(a_tool_is_what_a_line_is_about),
		cmocka_unit_test(a_line_is_called_as_people_would),
		cmocka_unit_test(ready_made_rules_hold),
		cmocka_unit_test(templates_take_what_patterns_captured),
		cmocka_unit_test(of_files_what_was_recorded_counts),
		cmocka_unit_test(hostile_arguments_cost_little),
		cmocka_unit_test(arguments_are_not_read_beyond_their_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
