/* SPDX-License-Identifier: BSD-2-Clause */
/* sinks/model: hidden failures that their caller may have expected, as a script does that tests a tool. */
#include "tests/unit/model_seen.h"

#define TO_NULL "type=null|"
#define TO_FILE "type=file|path=/x/err|"

static const struct story {
	const char *what, *stderr_is, *parents_stderr; /* of the tool */
	int status;
	uint64_t ms;	   /* that it takes */
	const char *after; /* what runs after it; NULL: nothing */
	int after_status;
	bool beside, expected; /* beside: `after` begins before its end */
} stories[] = {
	{"if tool 2>/dev/null", TO_NULL, "type=tty|", 2, 10, NULL, 0, false, true},
	{"its caller is silent, too", TO_NULL, TO_NULL, 2, 10, NULL, 0, false, false},
	{"it worked for long", TO_NULL, "type=tty|", 2, 5000, NULL, 0, false, false},
	{"a signal", TO_NULL, "type=tty|", -11, 10, NULL, 0, false, false},
	{"a signal, by a shell", TO_NULL, "type=tty|", 139, 10, NULL, 0, false, false},
	{"in a pipe", TO_NULL, "type=tty|", 2, 10, "sort|", 0, true, false},
	{"it may be seen", "type=tty|", "type=tty|", 2, 10, NULL, 0, false, false},
	{"tool 2>err; grep -q usage err", TO_FILE, "type=tty|", 2, 10, "grep|-q|usage|err|", 0, false, true},
	{"grep -q usage ./err", TO_FILE, "type=tty|", 2, 10, "grep|-q|usage|./err|", 0, false, true},
	{"grep -q usage /x/err", TO_FILE, "type=tty|", 2, 10, "grep|-q|usage|/x/err|", 0, false, true},
	{"it found nothing", TO_FILE, "type=tty|", 2, 10, "grep|-q|usage|err|", 1, false, false},
	{"another file", TO_FILE, "type=tty|", 2, 10, "grep|-q|usage|out|", 0, false, false},
	{"what only shows it", TO_FILE, "type=tty|", 2, 10, "cat|err|", 0, false, false},
	{"it is written to a log", TO_FILE, "type=tty|", 2, 10, NULL, 0, false, false},
};

static void tell(const struct story *of)
{
	uint64_t at = S, end = at + of->ms * MS, next = of->beside ? at + MS : end + MS;

	EXEC(.at = at, .pid = 10, .exe = "/bin/sh", .args = "sh|test.sh|", .cwd = "/x",
	     .stderr_is = of->parents_stderr);
	FORK(.at = at, .pid = 11, .parent = 10, .comm = "sh");
	EXEC(.at = at, .pid = 11, .exe = "/bin/tool", .args = "tool|bad|", .cwd = "/x", .stderr_is = of->stderr_is);
	if (!of->beside)
		END(.at = end, .pid = 11, STATUS(of->status), .cpu = 1, .bytes = 1);
	if (of->after) {
		char exe[16];

		snprintf(exe, sizeof(exe), "/bin/%.*s", (int)strcspn(of->after, "|"), of->after);
		FORK(.at = next, .pid = 12, .parent = 10, .comm = "sh");
		EXEC(.at = next, .pid = 12, .exe = exe, .args = of->after, .cwd = "/x");
		if (of->beside)
			END(.at = end, .pid = 11, STATUS(of->status), .cpu = 1, .bytes = 1);
		END(.at = end + 2 * MS, .pid = 12, STATUS(of->after_status), .cpu = 1, .bytes = 1);
	}
	END(.at = end + 3 * MS, .pid = 10, .cpu = 1, .bytes = 1);
}

static void what_a_script_tests(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(stories) / sizeof(*stories); i++) {
		struct seen *s = begin("exits: [{command: [grep], code: [1], is: answer}]", ALL);

		tell(&stories[i]);
		if (s->hidden_count != 1 || s->hidden[0].pid != 11)
			fail_msg("%s: %zu hidden", stories[i].what, s->hidden_count);
		if (!s->hidden[0].expected == stories[i].expected)
			fail_msg("%s", stories[i].what);
		end(s);
	}
}

/* What a script asks, and what only failed: ./is_cached b || build b. */
static void what_says_no_by_its_code(void **state)
{
	static const struct {
		const char *what;
		int status;
		uint64_t ms, chars; /* chars: 0: it has written nothing */
		bool forks, beside, answers;
	} cases[] = {
		{"./is_cached b || build b", 1, 10, 0, false, false, true},
		{"it has written something", 1, 10, 9, false, false, false},
		{"another code", 3, 10, 0, false, false, false},
		{"a signal", -11, 10, 0, false, false, false},
		{"it worked for long", 1, 5000, 0, false, false, false},
		{"what it has started may have said it", 1, 10, 0, true, false, false},
		{"in a pipe nobody looks at its code", 1, 10, 0, false, true, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct seen *s = begin("exits: [{command: [grep], code: [1], is: answer}]", ALL | 1U << IO);
		uint64_t end_of = S + cases[i].ms * MS, last = end_of + 5 * MS;

		EXEC(.at = S, .pid = 10, .exe = "/bin/sh", .args = "sh|x|");
		FORK(.at = S, .pid = 11, .parent = 10, .comm = "sh");
		EXEC(.at = S, .pid = 11, .exe = "/x/is_cached", .args = "./is_cached|b|");
		if (cases[i].forks || cases[i].beside)
			program(S + MS, 12, cases[i].forks ? 11 : 10, "cat|");
		if (cases[i].forks || cases[i].beside)
			END(.at = end_of - MS, .pid = 12, .cpu = 1, .bytes = 1);
		END(.at = end_of, .pid = 11, STATUS(cases[i].status), .cpu = 1, .bytes = 1);
		IO_CLOSED(.at = end_of, .pid = 11, .chars = cases[i].chars);
		END(.at = last, .pid = 10, .cpu = 1, .bytes = 1);
		IO_CLOSED(.at = last, .pid = 10);
		assert_int_equal(model__finish(s->model), 0);
		if (!is_hidden(s, 11) || (s->hidden[0].expected == MODEL_EXPECTED_ANSWER) != cases[i].answers)
			fail_msg("%s", cases[i].what);
		end(s);
	}
}

/* What could not find out may have answered so, if its parent did not end by it. */
static void what_a_rule_doubts(void **state)
{
	static const struct {
		const char *what;
		int parents_status;
		bool beside, expected;
	} cases[] = {
		{"if diff new old; then", 0, false, true},
		{"diff new old | sort", 0, true, false},
		{"set -e; diff new old", 2, false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct seen *s = begin("exits: [{command: [diff], code: [2], is: doubt}]", ALL);

		EXEC(.at = S, .pid = 9, .exe = "/bin/sh", .args = "sh|");
		program(S, 10, 9, "sh|x|");
		program(S + 2 * MS, 11, 10, "diff|new|old|");
		if (cases[i].beside)
			program(S + 3 * MS, 12, 10, "sort|");
		END(.at = S + 5 * MS, .pid = 11, .code = 2, .cpu = 1, .bytes = 1);
		if (cases[i].beside)
			END(.at = S + 5 * MS, .pid = 12, .cpu = 1, .bytes = 1);
		END(.at = S + 8 * MS, .pid = 10, .code = cases[i].parents_status, .cpu = 1, .bytes = 1);
		END(.at = S + 9 * MS, .pid = 9, .cpu = 1, .bytes = 1);
		assert_true(is_hidden(s, 11));
		if ((s->hidden[0].expected == MODEL_EXPECTED_DOUBT) != cases[i].expected)
			fail_msg("%s", cases[i].what);
		end(s);
	}
}

/* Without -i only the Makefile lets make go on. */
static void what_a_recipe_may_fail_by(void **state)
{
	static const struct {
		const char *exe, *args;
		bool expected;
	} cases[] = {
		{"/usr/bin/make", "make|all|", true},
		{"/usr/bin/gmake", "gmake|-j2|-Cdist|", true},
		{"/usr/bin/make", "make|-i|", false},
		{"/usr/bin/make", "make|-ki|all|", false},
		{"/usr/bin/make", "make|--ignore-er|", false},
		{"/usr/bin/make", "make|-fMakefile.ini|", true},
		{"/bin/sh", "sh|make|", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct seen *s = begin(NULL, ALL);

		EXEC(.at = S, .pid = 10, .exe = cases[i].exe, .args = cases[i].args);
		program(S + MS, 11, 10, "sh|-c|tool|");
		program(S + 3 * MS, 12, 11, "tool|");
		END(.at = 2 * S, .pid = 12, .code = 3, .cpu = 1, .bytes = 1);
		END(.at = 2 * S, .pid = 11, .code = 3, .cpu = 1, .bytes = 1);
		END(.at = 3 * S, .pid = 10, .cpu = 1, .bytes = 1);
		assert_int_equal(s->hidden_count, 2);
		if ((s->hidden[0].expected == MODEL_EXPECTED_RECIPE) != cases[i].expected)
			fail_msg("%s", cases[i].args);
		end(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_script_tests),
		cmocka_unit_test(what_says_no_by_its_code),
		cmocka_unit_test(what_a_rule_doubts),
		cmocka_unit_test(what_a_recipe_may_fail_by),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
