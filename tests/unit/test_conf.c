/* SPDX-License-Identifier: BSD-2-Clause */
/* The configuration: what is right is loaded exactly, what is wrong is told exactly, with its place. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/conf_fixture.h"

/* ---- what is right ---- */
static void test_full(void **state)
{
	struct conf conf;

	(void)state;
	load_good(&conf, "run:\n"
			 "  name: variant-calling.v2_1\n"
			 "  tags: {team: genomics, batch: 7}\n"
			 "  output: runs\n"
			 "  grace: 5s\n"
			 "  max_processes: 4096\n"
			 "scope:\n"
			 "  - exe: /usr/bin/nextflow\n"
			 "  - cgroup: /system.slice/docker-*.scope\n"
			 "  - cwd: /data/work/**/\n"
			 "  - pid: 4711\n"
			 "  - all: true\n"
			 "probes:\n"
			 "  lifecycle: {required: true, env: [NXF_TASK_WORKDIR, \"SLURM,ID\"], ring: 16MiB}\n"
			 "  cpu: {interval: 100ms}\n"
			 "  mem:\n"
			 "redact: ['(x=)\\S+', y]\n"
			 "sinks:\n"
			 "  summary: {}\n"
			 "  jsonl: {file: 'a,b\\c', pretty: true, columns: [ts, 'x,y'], "
			 "labels: {a: b}, rows: 0010}\n");
	assert_string_equal(told, "");
	assert_string_equal(conf.run.name, "variant-calling.v2_1");
	assert_int_equal(conf.run.tags.n, 2);
	assert_string_equal(conf.run.tags.items[0], "team=genomics");
	assert_string_equal(conf.run.tags.items[1], "batch=7");
	assert_null(conf.run.tags.items[2]);
	assert_string_equal(conf.run.output, "runs");
	assert_int_equal(conf.run.grace, 5000000000);
	assert_int_equal(conf.run.max_processes, 4096);

	assert_int_equal(conf.rules_count, 5);
	assert_int_equal(conf.rules[0].kind, CONF_RULE_EXE);
	assert_string_equal(conf.rules[0].pattern, "/usr/bin/nextflow");
	assert_int_equal(conf.rules[0].line, 8);
	assert_int_equal(conf.rules[0].column, 5);
	assert_int_equal(conf.rules[1].kind, CONF_RULE_CGROUP);
	assert_string_equal(conf.rules[1].pattern, "/system.slice/docker-*.scope");
	assert_int_equal(conf.rules[2].kind, CONF_RULE_CWD);
	assert_string_equal(conf.rules[2].pattern, "/data/work/**");
	assert_int_equal(conf.rules[3].kind, CONF_RULE_PID);
	assert_int_equal(conf.rules[3].pid, 4711);
	assert_null(conf.rules[3].pattern);
	assert_int_equal(conf.rules[4].kind, CONF_RULE_ALL);

	assert_int_equal(conf.redact.n, 2);
	assert_string_equal(conf.redact.items[0], "(x=)\\S+");
	assert_int_equal(conf.sinks_count, 2);
	assert_string_equal(conf.sinks[0].name, "summary");
	assert_string_equal(conf.sinks[0].text, "");
	assert_int_equal(conf.sinks[0].line, 19);
	assert_string_equal(conf.sinks[1].text,
			    "file=a\\,b\\\\c,rows=10,pretty=true,columns=ts\\,x\\\\\\,y,labels=a=b");
	conf__free(&conf);
	conf__free(&conf);
	conf__free(NULL);
}

static void test_probes(void **state)
{
	const struct fixture_lifecycle *lifecycle;
	struct conf conf;

	(void)state;
	load_good(&conf, "probes:\n"
			 "  mem: ~\n"
			 "  lifecycle: {required: true, env: [A, \"B,C\"], ring: 16MiB}\n"
			 "  cpu: {interval: 100ms, ring: 65536}\n");
	assert_int_equal(conf.probes_count, 3);
	assert_string_equal(conf.probes[0].name, "mem");
	assert_false(conf.probes[0].required);
	assert_int_equal(conf.probes[0].ring, 1 << 20);
	assert_int_equal(conf.probes[0].interval, 2000000000);
	assert_ptr_equal(conf.probes[1].probe, &fixture_probes[2]);
	assert_true(conf.probes[1].required);
	assert_int_equal(conf.probes[1].ring, 16 << 20);
	assert_int_equal(conf.probes[1].interval, 0);
	assert_int_equal(conf.probes[1].line, 3);
	assert_int_equal(conf.probes[1].column, 3);
	lifecycle = conf.probes[1].conf;
	assert_int_equal(lifecycle->env.n, 2);
	assert_string_equal(lifecycle->env.items[1], "B,C");
	assert_int_equal(conf.probes[2].interval, 100000000);
	assert_int_equal(conf.probes[2].ring, 65536);
	conf__free(&conf);
}

static void check_defaults(const struct conf *conf)
{
	assert_string_equal(conf->run.name, "run");
	assert_int_equal(conf->run.tags.n, 0);
	assert_null(conf->run.output);
	assert_int_equal(conf->run.grace, 2000000000);
	assert_int_equal(conf->run.max_processes, 131072);
	assert_int_equal(conf->limits.run, CONF_LIMIT_DEFAULT);
	assert_int_equal(conf->limits.segment, 0);
	assert_int_equal(conf->limits.total, 10ULL << 30);
	assert_int_equal(conf->limits.age, 30 * 86400000000000);
	assert_int_equal(conf->limits.runs, 10000);
	assert_int_equal(conf->limits.runs_per_user, 5000);
	assert_int_equal(conf->limits.open, 1000);
	assert_int_equal(conf->limits.open_per_user, 500);
	assert_false(conf->limits.drop_undelivered);
	assert_string_equal(conf->run.followers, "/var/lib/collector-follow");
	assert_int_equal(conf->rules_count, 0);
	assert_int_equal(conf->sinks_count, 0);
	assert_true(conf->redact_default);
	assert_int_equal(conf->args, RECORD_ARGS_REDACTED);
	assert_int_equal(conf->probes_count, 5); /* one of the six cannot be loaded */
	assert_string_equal(conf->probes[3].name, "mem");
	assert_int_equal(conf->probes[3].interval, 2000000000);
	assert_int_equal(conf->probes[3].line, 0);
	assert_string_equal(told, "warning: no probe \"broken\" here\n");
}

static void test_limits(void **state)
{
	struct conf conf;

	(void)state;
	load_good(&conf,
		  "limits: {run: 1MiB, total: 2GiB, age: 90d, runs: 7, runs_per_user: 6, open: 5, open_per_user: 4,\n"
		  "  drop_undelivered: true, segment: 256KiB}\n"
		  "run: {followers: /srv/follow}\n");
	assert_int_equal(conf.limits.run, 1 << 20);
	assert_int_equal(conf.limits.segment, 256 << 10);
	assert_int_equal(conf.limits.total, 2ULL << 30);
	assert_int_equal(conf.limits.age, 90 * 86400000000000);
	assert_int_equal(conf.limits.runs, 7);
	assert_int_equal(conf.limits.runs_per_user, 6);
	assert_int_equal(conf.limits.open, 5);
	assert_int_equal(conf.limits.open_per_user, 4);
	assert_true(conf.limits.drop_undelivered);
	assert_string_equal(conf.run.followers, "/srv/follow");
	conf__free(&conf);
	load_good(&conf, "limits: {run: 0, segment: 0, total: 0, age: 0s}\n");
	assert_int_equal(conf.limits.run, 0);
	assert_int_equal(conf.limits.total, 0);
	assert_int_equal(conf.limits.age, 0);
	assert_int_equal(conf.limits.runs, 10000);
	conf__free(&conf);
}

static char *const *no_names(void *arg)
{
	(void)arg;
	return NULL;
}

/* What a header has of limits is what a reader sets again. */
static void test_verdicts(void **state)
{
	static const char *const expected[] = {"after=2s", "spin.after=10s", "leak.floor=8MiB", "ignore=zombie:daemon",
					       "ignore=hang"};
	struct opt_list list = {0};
	struct conf conf;

	(void)state;
	load_good(&conf, "verdicts:\n"
			 "  after: 2s\n"
			 "  leak: {floor: 8MiB}\n"
			 "  spin: {after: 10s}\n"
			 "  ignore: [{kind: zombie, step: daemon}, {kind: hang}]\n");
	assert_int_equal(conf.verdicts.kind[VERDICT_LEAK].floor, 8 << 20);
	assert_int_equal(conf.verdicts.kind[VERDICT_LEAK].after, 2000000000);
	assert_int_equal(conf.verdicts.kind[VERDICT_SPIN].after, 10000000000);
	assert_true(verdict_limits__ignored(&conf.verdicts, VERDICT_ZOMBIE, "daemon"));
	assert_false(verdict_limits__ignored(&conf.verdicts, VERDICT_ZOMBIE, "other"));
	assert_false(verdict_limits__ignored(&conf.verdicts, VERDICT_ZOMBIE, NULL));
	assert_true(verdict_limits__ignored(&conf.verdicts, VERDICT_HANG, NULL));
	assert_int_equal(verdict_limits__list(&conf.verdicts, &list), 0);
	assert_int_equal(list.n, 5);
	for (size_t i = 0; i < list.n; i++)
		assert_string_equal(list.items[i], expected[i]);
	verdict_limits__free_list(&list);
	conf__free(&conf);
	load_good(&conf, "run: {}\n");
	assert_int_equal(verdict_limits__list(&conf.verdicts, &list), 0);
	assert_int_equal(list.n, 0);
	conf__free(&conf);
}

/* Some need the last words of what failed: the probe that reads them is there without a word, or as the file says. */
static void verdicts_bring_their_probe(void **state)
{
	static const struct {
		const char *text;
		size_t probes;
		bool files;
	} cases[] = {
		{"probes: {cpu: {}}\n", 1, false},
		{"probes: {cpu: {}}\nverdicts: {after: 2s}\n", 2, true},
		{"verdicts: {after: 2s}\nprobes: {cpu: {}}\n", 2, true},
		{"probes: {output: {files: false}, cpu: {}}\nverdicts: {after: 2s}\n", 2, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct fixture_output *output = NULL;
		struct conf conf;

		load_good(&conf, cases[i].text);
		assert_int_equal(conf.probes_count, cases[i].probes);
		for (size_t k = 0; k < conf.probes_count; k++)
			if (!strcmp(conf.probes[k].name, "output"))
				output = conf.probes[k].conf;
		assert_int_equal(output && output->files, cases[i].files);
		conf__free(&conf);
	}
}

static void test_defaults(void **state)
{
	struct conf_finder none = finder;
	struct conf conf;

	(void)state;
	told[0] = '\0';
	assert_int_equal(conf__load(&conf, NULL, &finder), 0);
	check_defaults(&conf);
	conf__free(&conf);
	load_good(&conf, "run: {}\nscope: []\nsinks: {}\n");
	check_defaults(&conf);
	conf__free(&conf);
	load_good(&conf, "%YAML 1.1\n---\nredact: []\n...\n");
	assert_false(conf.redact_default);
	assert_int_equal(conf.redact.n, 0);
	assert_int_equal(conf.args, RECORD_ARGS_FULL);
	conf__free(&conf);
	load_good(&conf, "redact: []\nargs: none\n");
	assert_int_equal(conf.args, RECORD_ARGS_NONE);
	conf__free(&conf);
	load_good(&conf, "redact: [x, default]\n");
	assert_true(conf.redact_default);
	assert_int_equal(conf.redact.n, 1);
	assert_string_equal(conf.redact.items[0], "x");
	assert_int_equal(conf.args, RECORD_ARGS_REDACTED);
	conf__free(&conf);
	load_good(&conf, "args: program\n");
	assert_int_equal(conf.args, RECORD_ARGS_PROGRAM);
	conf__free(&conf);

	told[0] = '\0';
	none.probe_names = no_names;
	assert_int_equal(conf__load(&conf, NULL, &none), -EINVAL);
	assert_string_equal(told, "no probe is installed: install one, or use --plugin-dir\n");
}

static void test_expansion(void **state)
{
	struct conf conf;

	(void)state;
	setenv("TEST_CONF_A", "va: [l]ue", 1);
	setenv("TEST_CONF_EMPTY", "", 1);
	unsetenv("TEST_CONF_NONE");
	load_good(&conf, "run:\n"
			 "  tags:\n"
			 "    a: ${env:TEST_CONF_A}\n"
			 "    b: \"<${TEST_CONF_A}>\"\n"
			 "    c: ${env:TEST_CONF_NONE:-def:-ault}\n"
			 "    d: ${env:TEST_CONF_EMPTY:-empty}\n"
			 "    e: x${env:TEST_CONF_EMPTY}y\n"
			 "    f: $$${env:TEST_CONF_NONE:-}$${TEST_CONF_A} $ $x 5$\n"
			 "  grace: ${env:TEST_CONF_NONE:-3s}\n"
			 "  name: '${env:TEST_CONF_NONE:-n}'\n"
			 "redact: ['a$', '\\$$']\n");
	assert_string_equal(conf.run.tags.items[0], "a=va: [l]ue");
	assert_string_equal(conf.run.tags.items[1], "b=<va: [l]ue>");
	assert_string_equal(conf.run.tags.items[2], "c=def:-ault");
	assert_string_equal(conf.run.tags.items[3], "d=empty");
	assert_string_equal(conf.run.tags.items[4], "e=xy");
	assert_string_equal(conf.run.tags.items[5], "f=$${TEST_CONF_A} $ $x 5$");
	assert_int_equal(conf.run.grace, 3000000000);
	assert_string_equal(conf.run.name, "n");
	assert_string_equal(conf.redact.items[0], "a$");
	assert_string_equal(conf.redact.items[1], "\\$");
	conf__free(&conf);
	/* What was expanded is not expanded again. */
	setenv("TEST_CONF_A", "${env:TEST_CONF_NONE}", 1);
	load_good(&conf, "run: {tags: {a: '${env:TEST_CONF_A}'}}");
	assert_string_equal(conf.run.tags.items[0], "a=${env:TEST_CONF_NONE}");
	conf__free(&conf);
}

static void test_aliases(void **state)
{
	struct conf conf;

	(void)state;
	load_good(&conf, "probes:\n  cpu: &all {interval: 2s, ring: 128KiB}\n  mem: *all\n");
	assert_int_equal(conf.probes[1].ring, 131072);
	assert_int_equal(conf.probes[1].interval, 2000000000);
	conf__free(&conf);
}

#define KEYS "run, scope, probes, args, redact, sinks, limits, verdicts"

/* ---- files ---- */

static void check_file(const char *path, const char *expected)
{
	struct conf conf;

	told[0] = '\0';
	assert_int_equal(conf__load(&conf, path, &finder), -EINVAL);
	assert_string_equal(told, expected);
}

static void test_files(void **state)
{
	char dir[] = "/tmp/test_conf.XXXXXX";
	struct conf conf;
	FILE *file;
	int i;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	check_file("none.yaml", "none.yaml: cannot open: No such file or directory\n");
	check_file(".", ".: is a directory: give a file\n");
	file = fopen("big.yaml", "w");
	for (i = 0; i < 1024 * 64; i++)
		fputs("# 15 characters\n", file);
	fclose(file);
	check_file("big.yaml", "big.yaml:1:1: document: is empty: write at least one of " KEYS "\n"); /* 1 MiB */
	file = fopen("big.yaml", "a");
	fputs("\n", file);
	fclose(file);
	check_file("big.yaml", "big.yaml: is larger than 1MiB\n");
	file = fopen("small.yaml", "w");
	fputs("run: {name: small}\n", file);
	fclose(file);
	told[0] = '\0';
	assert_int_equal(conf__load(&conf, "small.yaml", &finder), 0);
	assert_string_equal(conf.run.name, "small");
	conf__free(&conf);
	if (geteuid() != 0) {
		chmod("small.yaml", 0);
		check_file("small.yaml", "small.yaml: cannot open: Permission denied\n");
	}
	unlink("small.yaml");
	unlink("big.yaml");
	assert_int_equal(chdir("/"), 0);
	rmdir(dir);
}

static void write_later(const char *path, const char *text)
{
	FILE *file = fopen(path, "w"); /* waits for the reader */

	fputs(text, file);
	fclose(file);
	_exit(0);
}

/* A pipe has a limit in time, as it may have no writer; a device has no end. */
static void test_pipes(void **state)
{
	char path[] = "/tmp/test_conf.XXXXXX", expected[256];
	struct conf conf;
	pid_t child;
	int ends[2];

	(void)state;
	check_file("/dev/zero", "/dev/zero: is a device: give a file or a pipe\n");
	close(mkstemp(path));
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	child = fork();
	if (!child)
		write_later(path, "run: {name: fifo}\n");
	told[0] = '\0';
	assert_int_equal(conf__load(&conf, path, &finder), 0);
	assert_string_equal(conf.run.name, "fifo");
	conf__free(&conf);
	assert_int_equal(waitpid(child, NULL, 0), child);
	snprintf(expected, sizeof(expected), "%s: the writer of this pipe has not ended within 10 s: give a file\n",
		 path);
	check_file(path, expected);
	unlink(path);
	/* As a shell's <(...), whose writer has gone. */
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "run: {name: gone}\n", 18), 18);
	close(ends[1]);
	snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
	assert_int_equal(conf__load(&conf, path, &finder), 0);
	assert_string_equal(conf.run.name, "gone");
	conf__free(&conf);
	close(ends[0]);
}

/* What is installed as an example loads. */
static void test_examples(void **state)
{
	static const char *const names[] = {"pipeline", "daemon", "nextflow", "snakemake", "ci"};
	const char *srcdir = getenv("srcdir");
	struct conf conf;
	char path[4096];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/conf/%s.yaml", srcdir ? srcdir : ".", names[i]);
		told[0] = '\0';
		if (conf__load(&conf, path, &finder))
			fail_msg("%s", told);
		assert_true(conf.probes_count > 0);
		assert_true(conf.probes[0].required);
		/* A daemon needs to be told what to watch; whoever starts a command has said so. */
		assert_int_equal(conf.rules_count > 0, strcmp(names[i], "daemon") == 0);
		conf__free(&conf);
	}
}

static void test_names(void **state)
{
	struct error err;
	char name[66];

	(void)state;
	assert_int_equal(conf__check_name("a.B-9_", &err), 0);
	assert_int_equal(conf__check_name("a b", &err), -EINVAL);
	assert_string_equal(err.text, "\"a b\" is not a valid run name: use 1 to 64 letters, digits, dots, - or _");
	memset(name, 'a', 65);
	name[65] = '\0';
	assert_int_equal(conf__check_name(name, &err), -EINVAL);
	assert_int_equal(conf__check_name(name + 1, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full),	 cmocka_unit_test(test_probes),
		cmocka_unit_test(test_verdicts), cmocka_unit_test(verdicts_bring_their_probe),
		cmocka_unit_test(test_defaults), cmocka_unit_test(test_expansion),
		cmocka_unit_test(test_aliases),	 cmocka_unit_test(test_examples),
		cmocka_unit_test(test_names),	 cmocka_unit_test(test_files),
		cmocka_unit_test(test_pipes),	 cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
