/* SPDX-License-Identifier: BSD-2-Clause */
/* The configuration: what is wrong is reported exactly, with its place; what is expensive is refused. */
#include <sys/resource.h>
#include <time.h>

#include "tests/unit/conf_fixture.h"

#define KEYS "run, scope, probes, args, redact, sinks, limits, verdicts"
#define TIME_HOW "write a whole number and ns, us, ms, s, m, h or d, as in 500ms\n"
#define BEGIN "start with /, as in /usr/bin/NAME or /**/NAME\n"
#define UTF8 "write the file in UTF-8, without control characters\n"
#define OPTIONS_OF_RUN "name, tags, output, grace, max_processes, latency, followers"
#define MAPPING "must be a mapping: write {NAME: VALUE}, or one NAME: VALUE per line\n"
#define LIST "must be a list: write [ITEM, ITEM], or one \"- ITEM\" per line\n"
#define SIZE_HOW "write a whole number and KiB, MiB, GiB, or nothing for bytes, as in 8MiB\n"
#define EMPTY "x.yaml:1:1: document: is empty: write at least one of " KEYS "\n"
#define REFERENCE "is not a valid reference: write ${env:NAME} or ${env:NAME:-default}, or $${\n"

static const char *const bad[][2] = {
	/* keys */
	{"filter: x\n", "x.yaml:1:1: filter: unknown key: choose from " KEYS "\n"},
	{"probs:\n  cpu: {}\n", "x.yaml:1:1: probs: unknown key: did you mean \"probes\"?\n"},
	{"run:\n  nmae: x\n", "x.yaml:2:3: run.nmae: unknown option: did you mean \"name\"?\n"},
	{"run: {zzz: x}\n", "x.yaml:1:7: run.zzz: unknown option: choose from " OPTIONS_OF_RUN "\n"},
	{"probes:\n  cpu: {intervall: 1s}\n",
	 "x.yaml:2:9: probes.cpu.intervall: unknown option: did you mean \"interval\"?\n"},
	{"probes:\n  lifecycle: {interval: 1s}\n",
	 "x.yaml:2:15: probes.lifecycle.interval: unknown option: choose from required, ring, events, env\n"},
	{"probes: {cpuu: {}}", "x.yaml:1:10: probes.cpuu: no probe \"cpuu\" here\n"},
	{"sinks: {jsnol: {}}", "x.yaml:1:9: sinks.jsnol: no sink \"jsnol\" here\n"},
	{"sinks: {summary: {a: 1}}", "x.yaml:1:19: sinks.summary.a: unknown option: there are none\n"},
	{"run:\n  name: a\nscope: []\nrun:\n  name: b\n",
	 "x.yaml:4:1: run: duplicate key, first on line 1: remove one\n"},
	{"run:\n  name: a\n  name: b\n", "x.yaml:3:3: run.name: duplicate key, first on line 2: remove one\n"},
	{"run: {tags: {a: 1, a: 2}}", "x.yaml:1:20: run.tags.a: duplicate key, first on line 1: remove one\n"},
	{"probes: {cpu: {}, cpu: {}}", "x.yaml:1:19: probes.cpu: duplicate key, first on line 1: remove one\n"},
	{"[a]: b\n", "x.yaml:1:1: key is not a word: write KEY: VALUE\n"},
	{"run: {tags: {'': x}}", "x.yaml:1:14: run.tags: key is not a word: write KEY: VALUE\n"},
	{"run: {tags: {a=b: x}}", "x.yaml:1:14: run.tags.a=b: name contains \"=\": choose another\n"},
	/* types */
	{"run: 5\n", "x.yaml:1:6: run: " MAPPING},
	{"run: [a]\n", "x.yaml:1:6: run: " MAPPING},
	{"run:\n", "x.yaml:1:1: run: has no value: write one, or remove the key\n"},
	{"probes:\n", "x.yaml:1:1: probes: has no value: write one, or remove the key\n"},
	{"probes: {}", "x.yaml:1:9: probes: is empty: name a probe, or remove the key for all probes\n"},
	{"probes: [cpu]", "x.yaml:1:9: probes: " MAPPING},
	{"probes: {cpu: off}", "x.yaml:1:15: probes.cpu: " MAPPING},
	{"sinks: {summary: [a]}", "x.yaml:1:18: sinks.summary: " MAPPING},
	{"run: {name: [a]}", "x.yaml:1:13: run.name: must be a single value, not a list\n"},
	{"run: {name: {a: b}}", "x.yaml:1:13: run.name: must be a single value, not a mapping\n"},
	{"run: {name: }", "x.yaml:1:13: run.name: has no value: write one, or remove the key\n"},
	{"run: {name: null}", "x.yaml:1:13: run.name: has no value: write one, or remove the key\n"},
	{"run: {tags: [a]}", "x.yaml:1:13: run.tags: " MAPPING},
	{"probes: {lifecycle: {env: HOME}}", "x.yaml:1:27: probes.lifecycle.env: " LIST},
	{"probes: {lifecycle: {env: [[HOME]]}}",
	 "x.yaml:1:28: probes.lifecycle.env[0]: must be a single value, not a list\n"},
	{"probes: {lifecycle: {env: [A, '']}}", "x.yaml:1:31: probes.lifecycle.env[1]: empty item: remove it\n"},
	{"redact: x", "x.yaml:1:9: redact: " LIST},
	{"args: some", "x.yaml:1:7: args: \"some\": use none, program, redacted or full\n"},
	{"args: [none]", "x.yaml:1:7: args: must be a single value, not a list\n"},
	{"args: full\nredact: [default]", "x.yaml:2:9: redact: has no effect, as args is full: remove one of them\n"},
	{"redact: [x]\nargs: full", "x.yaml:1:9: redact: has no effect, as args is full: remove one of them\n"},
	{"scope: {exe: /x}", "x.yaml:1:8: scope: " LIST},
	{"run: {name: !secret x}", "x.yaml:1:13: unknown tag !secret: remove it\n"},
	{"run: {name: \"a\\0b\"}", "x.yaml:1:13: run.name: contains a NUL character: remove it\n"},
	/* values */
	{"run: {name: a/b}",
	 "x.yaml:1:13: run.name: \"a/b\" is not a valid run name: use 1 to 64 letters, digits, dots, - or _\n"},
	{"run: {name: ''}",
	 "x.yaml:1:13: run.name: \"\" is not a valid run name: use 1 to 64 letters, digits, dots, - or _\n"},
	{"run: {output: ''}", "x.yaml:1:15: run.output: is empty: name a folder, or remove the key\n"},
	{"run: {grace: 25h}", "x.yaml:1:14: run.grace: 25h is out of range: write 0s to 1d\n"},
	{"run: {max_processes: 1k}", "x.yaml:1:22: run.max_processes: \"1k\" is not a number: write a whole number\n"},
	{"run: {max_processes: 1023}", "x.yaml:1:22: run.max_processes: 1023 is out of range: write 1024 to 4194304\n"},
	{"limits: {runs: -1}", "x.yaml:1:16: limits.runs: \"-1\" is not a number: write a whole number\n"},
	{"limits: {runs: 5000000000}", "x.yaml:1:16: limits.runs: 5000000000 is out of range: write 0 to 4294967295\n"},
	{"limits: {segment: 255KiB}", "x.yaml:1:9: limits.segment: is too small: write 0, or 256KiB or more\n"},
	{"limits: {total: 5d}", "x.yaml:1:17: limits.total: \"5d\" is not a size: " SIZE_HOW},
	{"limits: {age: 30}", "x.yaml:1:15: limits.age: \"30\" is not a duration: " TIME_HOW},
	{"limits: {totl: 1G}", "x.yaml:1:10: limits.totl: unknown option: did you mean \"total\"?\n"},
	{"limits: 5\n", "x.yaml:1:9: limits: " MAPPING},
	{"verdicts: 5\n", "x.yaml:1:11: verdicts: " MAPPING},
	{"verdicts: {after: 60}", "x.yaml:1:19: verdicts.after: \"60\" is not a duration: " TIME_HOW},
	{"verdicts: {after: 1ms}", "x.yaml:1:19: verdicts.after: 1ms is out of range: write 100ms to 1d\n"},
	{"verdicts: {leek: {}}", "x.yaml:1:12: verdicts.leek: unknown key: did you mean \"leak\"?\n"},
	{"verdicts: {leak: {flor: 1}}", "x.yaml:1:19: verdicts.leak.flor: unknown limit: did you mean \"floor\"?\n"},
	{"verdicts: {leak: {floor: big}}", "x.yaml:1:26: verdicts.leak.floor: \"big\" is not a size: " SIZE_HOW},
	{"verdicts: {leak: 5}", "x.yaml:1:18: verdicts.leak: " MAPPING},
	{"verdicts: {ignore: spin}", "x.yaml:1:20: verdicts.ignore: " LIST},
	{"verdicts: {ignore: [spin]}", "x.yaml:1:21: verdicts.ignore[0]: " MAPPING},
	{"verdicts: {ignore: [{kind: spim}]}", "x.yaml:1:28: verdicts.ignore[0]: \"spim\" is not a kind of verdict\n"},
	{"verdicts: {ignore: [{step: A}]}",
	 "x.yaml:1:21: verdicts.ignore[0]: has no kind: write {kind: KIND} or {kind: KIND, step: STEP}\n"},
	{"probes: {cpu: {required: yes}}",
	 "x.yaml:1:26: probes.cpu.required: \"yes\" is not a bool: write true or false\n"},
	{"probes: {cpu: {events: [exit, smaple]}}",
	 "x.yaml:1:24: probes.cpu.events: no event \"smaple\": did you mean \"sample\"?\n"},
	{"probes: {cpu: {events: [fork]}}",
	 "x.yaml:1:24: probes.cpu.events: no event \"fork\": choose from sample, exit\n"},
	{"probes: {mem: {events: [exit]}}", "x.yaml:1:24: probes.mem.events: no event \"exit\": there are none\n"},
	{"probes: {cpu: {events: []}}",
	 "x.yaml:1:24: probes.cpu.events: is empty: name an event, or remove the key for all events\n"},
	{"probes: {cpu: {ring: 100KiB}}",
	 "x.yaml:1:22: probes.cpu.ring: is not a power of two: write 64KiB or 128KiB\n"},
	{"probes: {cpu: {ring: 1000000000}}",
	 "x.yaml:1:22: probes.cpu.ring: is not a power of two: write 512MiB or 1GiB\n"},
	{"probes: {cpu: {ring: 32KiB}}", "x.yaml:1:22: probes.cpu.ring: 32KiB is out of range: write 64KiB to 1GiB\n"},
	{"probes: {cpu: {ring: 2GiB}}", "x.yaml:1:22: probes.cpu.ring: 2GiB is out of range: write 64KiB to 1GiB\n"},
	{"probes: {cpu: {ring: big}}", "x.yaml:1:22: probes.cpu.ring: \"big\" is not a size: " SIZE_HOW},
	{"probes: {cpu: {interval: 9ms}}", "x.yaml:1:26: probes.cpu.interval: 9ms is out of range: write 10ms to 1h\n"},
	{"probes: {cpu: {interval: 2h}}", "x.yaml:1:26: probes.cpu.interval: 2h is out of range: write 10ms to 1h\n"},
	{"sinks: {jsonl: {rows: 0}}", "x.yaml:1:23: sinks.jsonl.rows: 0 is out of range: write 1 to 1000\n"},
	{"redact: [ok, '(']",
	 "x.yaml:1:14: redact[1]: \"(\" is not a valid regular expression: missing closing parenthesis, "
	 "at character 2\n"},
	/* scope */
	{"scope:\n  - exe: nextflow\n", "x.yaml:2:10: scope[0].exe: \"nextflow\" is not absolute: " BEGIN},
	{"scope: [{cwd: /a//b}]",
	 "x.yaml:1:15: scope[0].cwd: \"/a//b\" never matches: remove empty, . and .. components\n"},
	{"scope: [{cwd: /a/..}]",
	 "x.yaml:1:15: scope[0].cwd: \"/a/..\" never matches: remove empty, . and .. components\n"},
	{"scope: [{pid: 0}]", "x.yaml:1:15: scope[0].pid: 0 is out of range: write 1 to 4194304\n"},
	{"scope: [{pid: init}]", "x.yaml:1:15: scope[0].pid: \"init\" is not a number: write a whole number\n"},
	{"scope: [{all: false}]", "x.yaml:1:15: scope[0].all: must be true: remove the rule instead\n"},
	{"scope: [{user: me}]",
	 "x.yaml:1:10: scope[0].user: unknown kind of rule: choose from exe, cgroup, cwd, pid, all\n"},
	{"scope:\n  - exe: /a\n    cwd: /b\n",
	 "x.yaml:2:5: scope[0]: must be a single rule: write one \"- KIND: VALUE\" per rule\n"},
	{"scope: [{exe: /a, name: \"b c\"}]",
	 "x.yaml:1:25: scope[0].name: \"b c\" is not a valid run name: use 1 to 64 letters, digits, dots, - or _\n"},
	{"scope: [{name: x}]",
	 "x.yaml:1:9: scope[0]: must be a single rule: write one \"- KIND: VALUE\" per rule, with its name\n"},
	{"scope: [{exe: /a, pid: 1, name: x}]",
	 "x.yaml:1:9: scope[0]: must be a single rule: write one \"- KIND: VALUE\" per rule, with its name\n"},
	{"scope: [{}]", "x.yaml:1:9: scope[0]: must be a single rule: write one \"- KIND: VALUE\" per rule\n"},
	{"scope: [/usr/bin/x]", "x.yaml:1:9: scope[0]: " MAPPING},
	/* references */
	{"run: {name: '${env:TEST_CONF_NONE}'}",
	 "x.yaml:1:13: run.name: environment variable TEST_CONF_NONE is not set: set it, or write "
	 "${env:TEST_CONF_NONE:-default}\n"},
	{"run: {name: '${env:1A}'}", "x.yaml:1:13: run.name: \"${env:1A}\" " REFERENCE},
	{"run: {name: '${}'}", "x.yaml:1:13: run.name: \"${}\" " REFERENCE},
	{"run: {name: '${env:A B}'}", "x.yaml:1:13: run.name: \"${env:A B}\" " REFERENCE},
	{"run: {name: '${file:x}'}", "x.yaml:1:13: run.name: \"${file:x}\" " REFERENCE},
	{"run: {name: '${env:A-b}'}", "x.yaml:1:13: run.name: \"${env:A-b}\" " REFERENCE},
	{"run: {name: 'x${env:A'}", "x.yaml:1:13: run.name: \"${env:A\" is not closed: add }, or write $${\n"},
	/* documents */
	{"", EMPTY},
	{"# only a comment\n", EMPTY},
	{"---\n", EMPTY},
	{"~", EMPTY},
	{"just text\n", "x.yaml:1:1: document: must be a mapping: write KEY: VALUE lines\n"},
	{"- a\n", "x.yaml:1:1: document: must be a mapping: write KEY: VALUE lines\n"},
	{"run: {}\n---\nrun: {}\n", "x.yaml:2:1: document: second document: only one is allowed, remove the ---\n"},
	/* syntax */
	{"run:\n\tname: x\n", "x.yaml:2:1: syntax: tab in indentation: use spaces\n"},
	{"run: {name: x\n", "x.yaml:2:1: syntax: while parsing a flow mapping from line 1 on: "
			    "did not find expected ',' or '}'\n"},
	{"run:\n  name: x\n grace: 1s\n", "x.yaml:3:2: syntax: while parsing a block mapping from line 1 on: "
					  "did not find expected key\n"},
	{"run: {name: 'x\n", "x.yaml:2:1: syntax: while scanning a quoted scalar from line 1 on: "
			     "found unexpected end of stream\n"},
	{"run: *nobody\n", "x.yaml:1:6: syntax: found undefined alias\n"},
	{"run: {}\n---\n{\n", "x.yaml:4:1: syntax: while parsing a flow node from line 4 on: "
			      "did not find expected node content\n"},
	{"run:\n  name: a\xff\n", "x.yaml:2:10: encoding: invalid leading UTF-8 octet: " UTF8},
	{"run:\n  name: \xc3\xa9\x01\n", "x.yaml:2:10: encoding: control characters are not allowed: " UTF8},
};

static void test_bad(void **state)
{
	size_t i;

	(void)state;
	unsetenv("TEST_CONF_NONE");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		check_bad(bad[i][0], bad[i][1]);
}

static void test_all_errors(void **state)
{
	char text[4096] = "run: {tags: {", *at = text + strlen(text);
	struct conf conf;
	const char *line;
	int i, n = 0;

	(void)state;
	check_bad("run: {nam: x, grace: soon}\n"
		  "scope: [{exe: x}, {pid: 0}]\n"
		  "filter: {}\n"
		  "probes: {cpu: {ring: 1, interval: 1}}\n",
		  "x.yaml:1:7: run.nam: unknown option: did you mean \"name\"?\n"
		  "x.yaml:1:22: run.grace: \"soon\" is not a duration: " TIME_HOW
		  "x.yaml:2:15: scope[0].exe: \"x\" is not absolute: " BEGIN
		  "x.yaml:2:25: scope[1].pid: 0 is out of range: write 1 to 4194304\n"
		  "x.yaml:3:1: filter: unknown key: choose from " KEYS "\n"
		  "x.yaml:4:22: probes.cpu.ring: 1 is out of range: write 64KiB to 1GiB\n"
		  "x.yaml:4:35: probes.cpu.interval: \"1\" is not a duration: " TIME_HOW);
	for (i = 0; i < 30; i++)
		at += sprintf(at, "t%d: [], ", i);
	strcpy(at, "}}");
	assert_int_equal(load_bytes(&conf, text, strlen(text)), -EINVAL);
	for (line = told; *line; line = strchr(line, '\n') + 1)
		n++;
	assert_int_equal(n, 21);
	assert_non_null(strstr(told, "\nx.yaml: too many errors: fix these first\n"));
}

/* Files made to be expensive are refused, and quickly. */
static void test_bombs(void **state)
{
	size_t size = 1000000, i, used;
	char *text = malloc(size + 100);
	struct conf conf;
	clock_t from = clock();

	(void)state;
	/* One long text, meant many times. */
	used = sprintf(text, "run: {tags: {a: &a ");
	memset(text + used, 'x', 500000);
	used += 500000;
	used += sprintf(text + used, "}}\nprobes: {lifecycle: {env: [");
	for (i = 0; i < 9000; i++)
		used += sprintf(text + used, "*a,");
	used += sprintf(text + used, "]}}\n");
	assert_int_equal(load_bytes(&conf, text, used), -EINVAL);
	assert_non_null(strstr(told, "document: aliases (*NAME) expand to too much: write the values instead\n"));

	check_bad("a: &a [*a, *a]\nrun: &r\n  tags: *r\n",
		  "x.yaml:1:1: a: unknown key: choose from " KEYS "\n"
		  "x.yaml:2:6: run.tags.tags: must be a single value, not a mapping\n");

	memset(text, '[', size);
	assert_int_equal(load_bytes(&conf, text, size), -EINVAL);
	assert_string_equal(told, "x.yaml:1:1001: document: more than 1000 levels of nesting: write fewer\n");
	memset(text + 1000, ',', size - 1000);
	assert_int_equal(load_bytes(&conf, text, size), -EINVAL);
	for (i = 0; i + 1 < size; i += 2)
		memcpy(text + i, "- ", 2);
	assert_int_equal(load_bytes(&conf, text, size), -EINVAL);
	memset(text, '\n', size);
	assert_int_equal(load_bytes(&conf, text, size), -EINVAL);
	memset(text, '&', size);
	assert_int_equal(load_bytes(&conf, text, size), -EINVAL);

	used = sprintf(text, "run: {tags: {");
	for (i = 0; i < 50000; i++)
		used += sprintf(text + used, "k%zu: v, ", i);
	used += sprintf(text + used, "}}");
	assert_int_equal(load_bytes(&conf, text, used), -EINVAL);
	assert_string_equal(told, "x.yaml:1:1: document: has more than 10000 values: split it\n");
	/* Each anchor is compared with all before. */
	used = sprintf(text, "run: {tags: {");
	for (i = 0; i < 60000; i++)
		used += sprintf(text + used, "&%zu a,", i);
	assert_int_equal(load_bytes(&conf, text, used), -EINVAL);
	assert_string_equal(told,
			    "x.yaml:1:6904: document: more than 1000 anchors (&NAME): write the values instead\n");
	used = sprintf(text, "run: {tags: {&a a,");
	for (i = 0; i < 300000; i++)
		used += sprintf(text + used, "*a,");
	assert_int_equal(load_bytes(&conf, text, used), -EINVAL);
	assert_string_equal(told,
			    "x.yaml:1:30019: document: more than 10000 aliases (*NAME): write the values instead\n");
	for (i = used = 0; i < 60000; i++)
		used += sprintf(text + used, "%%TAG !%zu! x\n", i);
	assert_int_equal(load_bytes(&conf, text, used), -EINVAL);
	assert_string_equal(told, "x.yaml:1:1: document: %TAG directive: remove it, no tag is known\n");
	free(text);
	assert_true((clock() - from) / CLOCKS_PER_SEC < 20);
}

static size_t peak_kib(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

/* Variables that are much longer than their names. */
static void test_references(void **state)
{
	static const char expected[] = "${env:NAME} expands to too much: use shorter variables, or fewer\n";
	char *text = malloc(1000000), *value = malloc(200001);
	size_t used, i, before = peak_kib();
	struct conf conf;

	(void)state;
	memset(value, 'x', 200000);
	value[200000] = '\0';
	setenv("TEST_CONF_A", value, 1);
	used = sprintf(text, "probes: {lifecycle: {env: [");
	for (i = 0; i < 9000; i++)
		used += sprintf(text + used, "'${env:TEST_CONF_A}',\n");
	used += sprintf(text + used, "]}}\n");
	assert_int_equal(load_bytes(&conf, text, used), -EINVAL);
	assert_string_equal(strstr(told, "${env"), expected);
	assert_memory_equal(told, "x.yaml:21:1: probes.lifecycle.env[20]: ", 39);
	used = sprintf(text, "run: {tags: {a: '");
	for (i = 0; i < 40000; i++)
		used += sprintf(text + used, "${env:TEST_CONF_A}");
	used += sprintf(text + used, "'}}\n");
	assert_int_equal(load_bytes(&conf, text, used), -EINVAL);
	assert_string_equal(strstr(told, "${env"), expected);
	assert_true(peak_kib() - before < 64 << 10);
	unsetenv("TEST_CONF_A");
	free(value);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_all_errors),
		cmocka_unit_test(test_bombs),
		cmocka_unit_test(test_references),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
