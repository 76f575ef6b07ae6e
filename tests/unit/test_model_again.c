/* SPDX-License-Identifier: BSD-2-Clause */
/* sinks/model: what was tried again, and what is the next turn of a loop. */
#include "tests/unit/model_seen.h"

/* A child is NAME:STATUS, or NAME-ARGUMENT:STATUS. It begins 5 ms after the end of the one before, and takes 10 ms, or as
 * :MS says; what :MS:IDLE adds, the shell waits before it. `again`: those that were tried again; what else failed is hidden. */
static const struct {
	const char *what, *children, *again;
} stories[] = {
	{"tool || tool", "tool:3 tool:0", "11"},
	{"until tool; do sleep 1; done", "tool:3 sleep:0 tool:3 sleep:0 tool:0", "11 13"},
	{"for f in a b c; do tool <$f; done", "tool:3 tool:0 tool:0", ""},
	{"the second fails", "tool:0 tool:3 tool:0", ""},
	{"the first and the third fail", "tool:3 tool:0 tool:3 tool:0", ""},
	{"the first two fail", "tool:3 tool:4 tool:0 tool:0", ""},
	{"the loop does other things, too", "prep-a:0 tool:3 prep-b:0 tool:0 prep-c:0 tool:0", ""},
	{"tool <$f || rm out", "tool:3 rm-out:0 tool:0 tool:0", ""},
	{"sleep in each turn", "tool:3 sleep:0:1000 tool:0 sleep:0:1000 tool:0", ""},
	{"a lock by mkdir, twice", "mk:1 sleep:0 mk:0 work:0 mk:1 sleep:0 mk:0", "11 15"},
	{"for s in a b c; do until s=$s tool; do sleep 1; done; done", "tool:3 sleep:0:1000 tool:0 tool:0", "11"},
	{"it asks every ten seconds", "squeue:0 squeue:1:10:10000 squeue:0:10:10000", "12"},
	{"something else after it", "tool-a:3 tool-a:0 tool-b:0 tool-b:0", "11"},
	{"for i in 1 2 3; do tool $i && break; sleep 1; done; work",
	 "tool-1:1 sleep:0:700 tool-2:1 sleep:0:700 tool-3:0 work:0", "11 13"},
	{"for i in range(3): tool i; time.sleep(1)", "tool-0:1 tool-1:1:10:1000 tool-2:0:10:1000", "11 12"},
	{"for i in 1 2 3; do tool $i; sleep 1; done",
	 "tool-1:1 sleep:0:1000 tool-2:1 sleep:0:1000 tool-3:0 sleep:0:1000", ""},
	{"for i in 1 2; do sleep 1; tool $i; done", "sleep:0:1000 tool-1:1 sleep:0:1000 tool-2:0", ""},
	{"the parent works before each", "work:0 tool-1:1:10:1000 tool-2:0:10:1000", ""},
	{"it does not wait", "tool-1:1 tool-2:1 tool-3:0", ""},
	{"it goes on after the success", "tool-1:1 sleep:0:1000 tool-2:0 tool-3:0", ""},
	{"not one more", "tool-1:1 sleep:0:1000 tool-3:0", ""},
	{"a year", "tool-2019:1 sleep:0:1000 tool-2020:0", ""},
};

static uint64_t at;

static void run(uint32_t pid, int status, unsigned ms, const char *args, const char *env, const char *errors)
{
	char exe[32];

	snprintf(exe, sizeof(exe), "/bin/%.*s", (int)strcspn(args, "|"), args);
	FORK(.at = at, .pid = pid, .parent = 10, .comm = "sh");
	EXEC(.at = at + MS, .pid = pid, .exe = exe, .args = args, .env = env, .stderr_is = errors, .cwd = "/x");
	at += ms * MS;
	END(.at = at, .pid = pid, STATUS(status), .cpu = 1, .bytes = 1);
}

static struct seen *began(void)
{
	struct seen *s = begin(NULL, ALL);

	at = S;
	EXEC(.at = at, .pid = 10, .exe = "/bin/sh", .args = "sh|x|");
	return s;
}

static void ended(void)
{
	END(.at = at + MS, .pid = 10, .cpu = 1, .bytes = 1);
}

static void tell(const char *children, int statuses[8])
{
	char name[32], args[40];
	unsigned ms, idle;
	int n = 0;

	for (uint32_t i = 0; sscanf(children += n, " %31[^:]:%d%n", name, &statuses[i], &n) == 2; i++) {
		children += n;
		ms = 10;
		idle = n = 0;
		(void)sscanf(children, ":%u%n:%u%n", &ms, &n, &idle, &n);
		snprintf(args, sizeof(args), "%s|", name);
		if (strchr(args, '-'))
			*strchr(args, '-') = '|';
		at += (5 + idle) * MS;
		run(11 + i, statuses[i], ms, args, NULL, NULL);
	}
}

static void a_turn_of_a_loop_is_no_other_try(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(stories) / sizeof(*stories); i++) {
		struct seen *s = began();
		int statuses[8] = {0};
		char pid[12];

		tell(stories[i].children, statuses);
		ended();
		for (uint32_t c = 0; c < 8; c++) {
			snprintf(pid, sizeof(pid), "%u", (unsigned)(11 + c));
			if (is_hidden(s, 11 + c) != (statuses[c] && !strstr(stories[i].again, pid)))
				fail_msg("%s: %s", stories[i].what, pid);
		}
		end(s);
	}
}

static void of_two_turns_it_may_not_be_known(void **state)
{
	static const struct {
		const char *what, *children;
		size_t unsure;
	} cases[] = {
		{"tool || tool", "tool:3 tool:0", 1},
		{"until tool; do sleep 1; done", "tool:3 sleep:0:1000 tool:0", 0},
		{"for f in a b; do tool <$f; sleep 1; done", "tool:3 sleep:0:1000 tool:0 sleep:0:1000", 1},
		{"for f in a b; do cp $f in; tool; done", "cp-a:0 tool:3 cp-b:0 tool:0", 1},
		{"for f in a b; do tool <$f; gzip out.$f; done", "tool:3 gzip-a:0 tool:0 gzip-b:0", 1},
		{"tool || { rm out; tool; }", "tool:3 rm-out:0 tool:0 work:0", 0},
		{"sleep 2; until tool; do sleep 1; done", "sleep-2:0 tool:3 sleep-1:0:1000 tool:0", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct seen *s = began();
		int statuses[8] = {0};

		tell(cases[i].children, statuses);
		ended();
		if (s->retried_count != 1 || s->unsure_count != cases[i].unsure)
			fail_msg("%s: %zu retried", cases[i].what, s->retried_count);
		end(s);
	}
}

/* Two at the same time: of a shell they are a pipe, for which the first one has the data. */
static void with_another_input(void **state)
{
	static const struct {
		const char *parent, *first, *second;
		bool again;
	} cases[] = {
		{"sh|x|", "cat|a|", "cat|b|", false},	   {"sh|x|", "cat|a|", "cat|a|", true},
		{"sh|x|", "cat|a|", "zcat|a|", true},	   {"sh|x|", NULL, "cat|b|", true},
		{"parallel|x|", "job|1|", "job|2|", true}, {"sh|x|", "fetch|1|", "fetch|2|", true},
		{"sh|x|", "fetch|a|", "fetch|b|", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct seen *s = begin(NULL, ALL);
		char exe[32];

		snprintf(exe, sizeof(exe), "/bin/%.*s", (int)strcspn(cases[i].parent, "|"), cases[i].parent);
		EXEC(.at = S, .pid = 10, .exe = exe, .args = cases[i].parent);
		for (uint32_t turn = 0; turn < 2; turn++) {
			const char *beside = turn ? cases[i].second : cases[i].first;
			uint64_t from = (2 + turn) * S;

			if (beside)
				program(from, 20 + turn, 10, beside);
			program(from + MS, 11 + turn, 10, "tool|");
			if (beside)
				END(.at = from + 5 * MS, .pid = 20 + turn, .cpu = 1, .bytes = 1);
			END(.at = from + 9 * MS, .pid = 11 + turn, .code = turn ? 0 : 3, .cpu = 1, .bytes = 1);
		}
		END(.at = 4 * S, .pid = 10, .cpu = 1, .bytes = 1);
		if (is_hidden(s, 11) == cases[i].again)
			fail_msg("case %zu", i);
		end(s);
	}
}

/* What differs says that the data do. */
static void of_other_data(void **state)
{
	static const struct {
		const char *env, *other_env, *errors, *other_errors;
		bool again;
	} cases[] = {
		{"SAMPLE=a|", "SAMPLE=b|", NULL, NULL, false},
		{"SAMPLE=a|", "SAMPLE=a|", NULL, NULL, true},
		{"SAMPLE=1|", "SAMPLE=2|", NULL, NULL, false},
		{"ATTEMPT=1|", "ATTEMPT=2|", NULL, NULL, true},
		{NULL, NULL, "type=file|path=/x/a.log|", "type=file|path=/x/b.log|", false},
		{NULL, NULL, "type=file|path=/x/a.log|", "type=file|path=/x/a.log|", true},
		{NULL, NULL, "type=file|path=/x/log.1|", "type=file|path=/x/log.2|", true},
		{NULL, NULL, "type=file|path=/tmp/pA3.par|", "type=file|path=/tmp/p2x.par|", true}, /* temporary ones */
		{NULL, NULL, "type=pipe|", "type=file|path=/x/a.log|", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct seen *s = began();

		run(11, 3, 10, "tool|", cases[i].env, cases[i].errors);
		run(12, 0, 10, "tool|", cases[i].other_env, cases[i].other_errors);
		ended();
		if (is_hidden(s, 11) == cases[i].again)
			fail_msg("case %zu", i);
		end(s);
	}
}

/* Chunks of one input, two at a time: a success beside a failure is not after it. */
static void beside_each_other(void **state)
{
	struct seen *s = begin(NULL, ALL);

	(void)state;
	EXEC(.at = S, .pid = 10, .exe = "/bin/parallel", .args = "parallel|--pipe|tool|");
	for (uint32_t i = 0; i < 4; i++) {
		FORK(.at = (10 + i) * S, .pid = 11 + i, .parent = 10, .comm = "x");
		EXEC(.at = (10 + i) * S, .pid = 11 + i, .exe = "/bin/tool", .args = "tool|");
		if (i)
			END(.at = (10 + i) * S + MS, .pid = 10 + i, STATUS(i == 2 ? 3 : 0), .cpu = 1, .bytes = 1);
	}
	END(.at = 14 * S, .pid = 14, .cpu = 1, .bytes = 1);
	END(.at = 15 * S, .pid = 10, .cpu = 1, .bytes = 1);
	assert_int_equal(s->retried_count, 0);
	assert_true(is_hidden(s, 12));
	end(s);
}

/* More turns than are kept. */
static void of_a_long_loop(void **state)
{
	struct seen *s = began();

	(void)state;
	for (uint32_t i = 0; i < 1000; i++)
		run(11 + i, i % 25 == 7 ? 3 : 0, 2, "tool|", NULL, NULL);
	ended();
	assert_int_equal(s->retried_count, 0);
	assert_int_equal(s->hidden_count, 40);
	end(s);
}

/* What a runner started, and another run of it: NAME:STATUS each; the first one ends with 1, the other well. */
static const struct {
	const char *first, *first_ran, *other, *other_ran, *again;
} reruns[] = {
	{"parallel|a|", "job-1:0 job-2:3 job-3:4", "parallel|--resume-failed|a|", "job-2:0 job-3:0", "20 22 23"},
	{"make|-j2|", "sh-1:0 sh-2:2", "make|", "sh-2:0", "20 22"},
	{"timeout|1|job|", "job:-15", "timeout|9|job|", "job:0", "20 21"},
	{"parallel|a|", "job-1:0 job-2:3 job-3:4", "parallel|b|", "job-3:0", "20 23"}, /* not all */
	{"parallel|a|", "job-1:3", "parallel|b|", "job-2:0", ""},		       /* others */
	{"parallel|a|", "job-1:3", "make|", "job-1:0", ""},			       /* another program */
	{"engine|a|", "job-1:3", "engine|b|", "job-1:0", ""},			       /* of which nothing is known */
	{"parallel|a|", "job-1:3", "parallel|b|", "job-1:3 job-1:5", ""},	       /* again without success */
};

static void ran(uint32_t pid, const char *args, const char *children, int status)
{
	char exe[32], name[32], of[40];
	int code, n = 0;

	snprintf(exe, sizeof(exe), "/bin/%.*s", (int)strcspn(args, "|"), args);
	FORK(.at = at, .pid = pid, .parent = 10, .comm = "sh");
	EXEC(.at = at, .pid = pid, .exe = exe, .args = args, .cwd = "/x");
	for (uint32_t i = 1; sscanf(children += n, " %31[^:]:%d%n", name, &code, &n) == 2; i++) {
		snprintf(of, sizeof(of), "%s|", name);
		at += MS;
		FORK(.at = at, .pid = pid + i, .parent = pid, .comm = "sh");
		EXEC(.at = at, .pid = pid + i, .exe = "/bin/job", .args = of, .cwd = "/x");
		at += MS;
		END(.at = at, .pid = pid + i, STATUS(code), .cpu = 1, .bytes = 1);
	}
	END(.at = at, .pid = pid, STATUS(status), .cpu = 1, .bytes = 1);
	at += MS;
}

/* As of a parallel --resume-failed: the jobs have the same arguments, it has not. */
static void by_another_run_of_the_same_program(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(reruns) / sizeof(*reruns); i++) {
		struct seen *s = begin(
			"exits: [{command: [parallel, make], is: runner}, {command: [timeout], is: wrapper}]", ALL);
		size_t again = 0;

		at = S;
		EXEC(.at = at, .pid = 10, .exe = "/bin/sh", .args = "sh|x|");
		ran(20, reruns[i].first, reruns[i].first_ran, 1);
		ran(30, reruns[i].other, reruns[i].other_ran, strstr(reruns[i].other_ran, ":3") ? 1 : 0);
		ended();
		for (const char *pid = reruns[i].again; *pid; pid += strcspn(pid, " "), pid += *pid == ' ', again++)
			if (is_hidden(s, (uint32_t)atoi(pid)))
				fail_msg("case %zu: %s", i, pid);
		if (s->retried_count != again)
			fail_msg("case %zu: %zu", i, s->retried_count);
		end(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_turn_of_a_loop_is_no_other_try),
		cmocka_unit_test(of_two_turns_it_may_not_be_known),
		cmocka_unit_test(with_another_input),
		cmocka_unit_test(of_other_data),
		cmocka_unit_test(by_another_run_of_the_same_program),
		cmocka_unit_test(beside_each_other),
		cmocka_unit_test(of_a_long_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
