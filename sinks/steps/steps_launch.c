/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs that run another one, or a script: which of their arguments it is. */
#include <string.h>

#include "sinks/steps/steps_tool.h"

enum kind {
	WRAPPER,     /* runs the program that its operand names */
	SHELL,	     /* runs a script, or the line after its option for code */
	INTERPRETER, /* runs a script, or code that has no name */
	TOOL,	     /* has subcommands */
};

/* Lists of words, each with a blank before and after. An option is listed as "-x" also where it is written together with
 * others: "-euo". */
struct launcher {
	enum kind kind;
	const char *names;
	const char *valued;   /* options whose value may be the next argument */
	const char *flags;    /* instead: the options that have no value, where most have one */
	const char *attached; /* options that take the rest of their argument as value */
	const char *code;     /* options whose value is code */
	const char *module;   /* options whose value names what is run */
	const char *verbs;    /* the subcommands that run a program */
	unsigned operands;    /* before the program */
	bool whole;	      /* options of one dash are words: -cp */
	bool assignments;     /* A=b may come before the program */
	bool capital;	      /* subcommands may begin with a capital letter */
};

/* The first that has the name. */
static const struct launcher launchers[] = {
	{WRAPPER,
	 .names = " nohup setsid unbuffer catchsegv fakeroot eatmydata tini dumb-init catatonit ccache busybox "},
	{WRAPPER, .names = " exec ", .valued = " -a "},
	{WRAPPER, .names = " command ", .valued = " -v -V "}, /* only asks for it */
	{WRAPPER, .names = " builtin "},
	{WRAPPER, .names = " eval "},
	{WRAPPER, .names = " time ", .valued = " -f --format -o --output "},
	{WRAPPER, .names = " env ", .valued = " -u --unset -C --chdir ", .code = " -S --split-string ",
	 .assignments = true},
	{WRAPPER, .names = " nice ", .valued = " -n --adjustment "},
	{WRAPPER, .names = " ionice ", .valued = " -c --class -n --classdata -p -P -u "},
	{WRAPPER, .names = " choom ", .valued = " -n --adjust "},
	{WRAPPER, .names = " timeout ", .valued = " -k --kill-after -s --signal ", .operands = 1},
	{WRAPPER, .names = " stdbuf ", .valued = " -i --input -o --output -e --error "},
	{WRAPPER, .names = " sudo doas ",
	 .valued = " -u --user -g --group -h --host -p --prompt -C --close-from -T --command-timeout -r --role -t "
		   "--type -U --other-user -D --chdir -R --chroot ",
	 .assignments = true},
	{WRAPPER, .names = " su ", .valued = " -g --group -G --supp-group -s --shell -w ", .code = " -c --command ",
	 .operands = 1},
	{WRAPPER, .names = " runuser ", .valued = " -u --user -g --group -G --supp-group -s --shell -w ",
	 .code = " -c --command "},
	{WRAPPER, .names = " gosu su-exec chroot faketime ", .operands = 1},
	{WRAPPER, .names = " flock ", .valued = " -w --wait --timeout -E ", .code = " -c --command ", .operands = 1},
	{WRAPPER, .names = " taskset ", .operands = 1},
	{WRAPPER, .names = " prlimit ", .valued = " -p --pid -o --output "},
	{WRAPPER, .names = " cpulimit ", .valued = " -l --limit -p --pid -e --exe -P --path "},
	{WRAPPER, .names = " setpriv ",
	 .valued = " --ruid --euid --reuid --rgid --egid --regid --groups --securebits --pdeathsig --inh-caps "
		   "--ambient-caps --bounding-set --selinux-label --apparmor-profile "},
	{WRAPPER, .names = " numactl ",
	 .valued = " -i --interleave -p --preferred -C --physcpubind -N --cpunodebind -m --membind "},
	{WRAPPER, .names = " chrt ", .valued = " -T --sched-runtime -P --sched-period -D --sched-deadline ",
	 .operands = 1},
	{WRAPPER, .names = " unshare ", .valued = " -R --root -w --wd -S --setuid -G --setgid --kill-child "},
	{WRAPPER, .names = " nsenter ", .valued = " -t --target -S --setuid -G --setgid "},
	{WRAPPER, .names = " cgexec systemd-run ",
	 .valued = " -g -p --property --unit -u --slice --uid --gid -E --setenv "},
	{WRAPPER, .names = " xvfb-run ",
	 .valued = " -n --server-num -s --server-args -e --error-file -f --auth-file -w -p "},
	{WRAPPER, .names = " strace ltrace ",
	 .valued = " -a -b -e -E -I -o -O -p -P -s -S -u -U -X --output --trace --string-limit --attach "},
	{WRAPPER, .names = " valgrind "},
	{WRAPPER, .names = " xargs ",
	 .valued = " -a --arg-file -d --delimiter -E -I -L --max-lines -n --max-args -P --max-procs -s --max-chars ",
	 .attached = " -e -i -l "},
	{WRAPPER, .names = " mpirun mpiexec orterun ",
	 .valued = " -n -np -c -N -H -host --host -hostfile --hostfile -machinefile -x --map-by --bind-to --rank-by "
		   "-wdir --wdir -ppn -f ",
	 .whole = true},
	{WRAPPER, .names = " srun ",
	 .flags =
		 " -l --label -u --unbuffered -v --verbose -Q --quiet --exclusive -O --overcommit -s --oversubscribe -X "
		 "--disable-status -k --no-kill -K --kill-on-bad-exit -E --preserve-env -H --hold -I --immediate --pty "
		 "--overlap --exact --contiguous --multi-prog --mpi --whole --spread-job --use-min-nodes "},
	{WRAPPER, .names = " npx ", .valued = " -p --package -w --workspace "},
	{SHELL, .names = " sh bash dash zsh ksh mksh ash ", .valued = " -o -O +o +O --rcfile --init-file ",
	 .code = " -c "},
	{INTERPRETER, .names = " python pypy ipython ", .valued = " -W -X --check-hash-based-pycs ", .code = " -c ",
	 .module = " -m "},
	{INTERPRETER, .names = " perl ", .valued = " -I ", .attached = " -M -m -i -F -D -x -C -V -d ",
	 .code = " -e -E "},
	{INTERPRETER, .names = " ruby ", .valued = " -I -r -C -E ", .attached = " -W -K -T -i -x -F ", .code = " -e "},
	{INTERPRETER, .names = " node nodejs ",
	 .valued = " -r --require --loader --experimental-loader --import -C --conditions --env-file --title ",
	 .code = " -e --eval -p --print -pe ", .whole = true},
	{INTERPRETER, .names = " Rscript ", .code = " -e ", .whole = true},
	{INTERPRETER, .names = " julia ", .valued = " -J --sysimage -p --procs -t --threads -L --load -C --cpu-target ",
	 .code = " -e -E --eval --print ", .whole = true},
	{INTERPRETER, .names = " java ",
	 .valued = " -cp -classpath --class-path -p --module-path --add-modules --add-opens --add-exports --add-reads "
		   "--limit-modules --upgrade-module-path --patch-module ",
	 .module = " -jar -m --module ", .whole = true},
	{TOOL, .names = " docker podman nerdctl ",
	 .flags =
		 " -d --detach -i --interactive -t --tty --rm --init --privileged --read-only -P --publish-all -q --quiet "
		 "--no-healthcheck --oom-kill-disable --sig-proxy --disable-content-trust --replace --rmi --no-hosts "
		 "--env-host --http-proxy --passwd --debug -D --tls --tlsverify ",
	 .verbs = " run exec ", .operands = 1},
	{TOOL, .names = " singularity apptainer ",
	 .valued =
		 " -B --bind -H --home -W --workdir -S --scratch --pwd --cwd --env --env-file --overlay -o --security "
		 "--hostname --mount --no-mount --app --dns --apply-cgroups --network --network-args --add-caps "
		 "--drop-caps --pem-path ",
	 .verbs = " exec ", .operands = 1},
	{TOOL, .names = " conda mamba micromamba ", .valued = " -n --name -p --prefix --cwd -r --root-prefix ",
	 .verbs = " run "},
	{TOOL, .names = " poetry pipenv uv pixi ",
	 .valued = " --with --extra --python -p --directory -C --project --manifest-path -e --environment ",
	 .verbs = " run "},
	{TOOL, .names = " gatk ", .valued = " --java-options ", .capital = true},
	{TOOL, .names = " picard ", .capital = true},
	{TOOL, .names = " git ", .valued = " -C -c --git-dir --work-tree "},
	{TOOL, .names = " nextflow ", .valued = " -log -c -C -config -syslog ", .whole = true},
	{TOOL,
	 .names =
		 " abpoa aws az bamtools bcftools bedtools bwa bwa-mem2 cargo cellranger checkm cnvkit.py csvtk cutadapt "
		 "deeptools diamond fgbio gcloud go gsutil gtdbtk htseq kallisto kubectl medaka mmseqs nanopolish npm pip "
		 "qiime rsem salmon sambamba samtools seqkit seqtk snpEff spaceranger taxonkit umi_tools vg "},
};

const struct launcher *launcher__find(const char *name)
{
	char plain[STEPS_NAME_MAX];
	size_t n = strnlen(name, sizeof(plain) - 1);

	memcpy(plain, name, n);
	plain[n] = '\0';
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < sizeof(launchers) / sizeof(*launchers); i++)
			if (words__listed(launchers[i].names, plain))
				return &launchers[i];
		while (n && strchr("0123456789.", plain[n - 1])) /* python3.11 */
			plain[--n] = '\0';
	}
	return NULL;
}

bool launcher__is_wrapper(const struct launcher *launcher)
{
	return launcher->kind == WRAPPER;
}

enum { FLAG = 0, VALUE = 1, CODE = 2, MODULE = 4 };

static bool has_value(const struct launcher *launcher, const char *option)
{
	return launcher->flags ? !words__listed(launcher->flags, option) : words__listed(launcher->valued, option);
}

/* What comes after this option: bits, as the last of -ceuo may have a value of its own. */
static unsigned after_option(const struct launcher *launcher, const char *word)
{
	char option[] = {*word, '\0', '\0'};
	unsigned after = FLAG;

	if (words__listed(launcher->code, word))
		return CODE;
	if (words__listed(launcher->module, word))
		return MODULE;
	if (word[1] == '-' || launcher->whole)
		return !strchr(word, '=') && has_value(launcher, word) ? VALUE : FLAG;
	for (const char *at = word + 1; *at; at++) {
		option[1] = *at;
		if (words__listed(launcher->attached, option))
			return after;
		if (words__listed(launcher->code, option))
			after |= CODE;
		else if (words__listed(launcher->module, option))
			return at[1] ? after : MODULE;
		else if (has_value(launcher, option))
			return after | (at[1] ? FLAG : VALUE);
	}
	return after;
}

static bool is_option(const struct launcher *launcher, const char *word)
{
	return *word == '-' || (*word == '+' && launcher->kind == SHELL);
}

/* To the next operand, which is reported as a program, or to the value of an option that says what is run. */
static enum launch take_operand(const struct launcher *launcher, struct words *words)
{
	while (words__take(words) == WORD) {
		unsigned after;

		if (launcher->assignments && words__is_assignment(words->word))
			continue;
		if (!is_option(launcher, words->word))
			return LAUNCH_PROGRAM;
		if (!strcmp(words->word, "--"))
			return words__take(words) == WORD ? LAUNCH_PROGRAM : LAUNCH_NOTHING;
		if (!words->word[1] && launcher->kind != WRAPPER) /* reads its script from standard input */
			return LAUNCH_NOTHING;
		after = after_option(launcher, words->word);
		if (after & CODE && launcher->kind == INTERPRETER)
			return LAUNCH_NOTHING;
		if (after & VALUE && words__take(words) != WORD)
			return LAUNCH_NOTHING;
		if (after & (CODE | MODULE) && words__take(words) != WORD)
			return LAUNCH_NOTHING;
		if (after & (CODE | MODULE))
			return after & CODE ? LAUNCH_LINE : LAUNCH_NAME;
	}
	return LAUNCH_NOTHING;
}

static bool is_subcommand(const struct launcher *launcher, const char *word)
{
	bool letter = (word[0] >= 'a' && word[0] <= 'z') || (launcher->capital && word[0] >= 'A' && word[0] <= 'Z');

	return letter && !strpbrk(word, "./=");
}

/* `launch` is what its first operand, or an option, is reported as. */
static enum launch pass_operands(const struct launcher *launcher, struct words *words, enum launch launch)
{
	for (unsigned i = 0; launch == LAUNCH_PROGRAM && i < launcher->operands; i++) {
		const struct words before = *words;

		launch = words__take(words) == WORD ? LAUNCH_PROGRAM : LAUNCH_NOTHING;
		if (launch == LAUNCH_NOTHING || !is_option(launcher, words->word))
			continue;
		/* One of its own, which may stand anywhere, or for what an image runs by itself. */
		*words = before;
		launch = launcher->kind == WRAPPER ? take_operand(launcher, words) : LAUNCH_NOTHING;
	}
	return launch;
}

/* A tool's first operand is its subcommand. */
static enum launch take_subcommand(const struct launcher *launcher, struct words *words)
{
	bool bare =
		!launcher->valued && !launcher->flags; /* which options have a value is not known: none may be there */
	bool found = bare ? words__take(words) == WORD : take_operand(launcher, words) == LAUNCH_PROGRAM;
	struct words verb;
	enum launch launch;

	if (!found || !is_subcommand(launcher, words->word))
		return LAUNCH_NOTHING;
	if (!words__listed(launcher->verbs, words->word))
		return LAUNCH_SUBCOMMAND;
	verb = *words;
	launch = pass_operands(launcher, words, take_operand(launcher, words));
	if (launch == LAUNCH_PROGRAM)
		return launch;
	*words = verb;
	return LAUNCH_SUBCOMMAND;
}

enum launch launcher__take(const struct launcher *launcher, struct words *words)
{
	struct words ahead = *words;
	enum launch launch;

	if (launcher->kind == TOOL)
		launch = take_subcommand(launcher, &ahead);
	else
		launch = pass_operands(launcher, &ahead, take_operand(launcher, &ahead));
	if (launch == LAUNCH_NOTHING)
		return launch;
	*words = ahead;
	if (launch == LAUNCH_PROGRAM && (launcher->kind == SHELL || launcher->kind == INTERPRETER))
		return LAUNCH_NAME;
	if (launch == LAUNCH_PROGRAM && strchr(words->word, ' ') && words__listed(launcher->names, "eval"))
		return LAUNCH_LINE;
	return launch;
}
