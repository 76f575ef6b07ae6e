/* SPDX-License-Identifier: BSD-2-Clause */
/* sinks/model: hidden failures that their caller may have expected, as a script does that tests a tool. */
#include <errno.h>

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
	{"git tag v1 2>/dev/null || true", TO_NULL, "type=tty|", 128, 10, NULL, 0, false, true},
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
		{"a child of Node has, before its exec", 1, 10, 1, false, false, true},
		{"./sync; case $? in 3) echo nothing to do", 3, 10, 0, false, false, true},
		{"a test that is skipped", 77, 10, 0, false, false, true},
		{"what could not be executed", 126, 10, 0, false, false, false},
		{"a signal", -11, 10, 0, false, false, false},
		{"it worked for long", 1, 5000, 0, false, false, false},
		{"what it has started may have said it", 1, 10, 0, true, false, false},
		{"in a pipe nobody looks at its code", 1, 10, 0, false, true, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct seen *s = begin("exits: [{command: [grep], code: [1], is: answer}]", ALL | 1U << IO);
		uint64_t end_of = S + cases[i].ms * MS, last = end_of + 5 * MS, written[MADE_IO] = {0, cases[i].chars};

		EXEC(.at = S, .pid = 10, .exe = "/bin/sh", .args = "sh|x|");
		FORK(.at = S, .pid = 11, .parent = 10, .comm = "sh");
		EXEC(.at = S, .pid = 11, .exe = "/x/is_cached", .args = "./is_cached|b|");
		if (cases[i].forks || cases[i].beside)
			program(S + MS, 12, cases[i].forks ? 11 : 10, "cat|");
		if (cases[i].forks || cases[i].beside)
			END(.at = end_of - MS, .pid = 12, .cpu = 1, .bytes = 1);
		END(.at = end_of, .pid = 11, STATUS(cases[i].status), .cpu = 1, .bytes = 1);
		IO_CLOSED(.at = end_of, .pid = 11, .io = written);
		END(.at = last, .pid = 10, .cpu = 1, .bytes = 1);
		IO_CLOSED(.at = last, .pid = 10);
		assert_int_equal(model__finish(s->model), 0);
		if (!is_hidden(s, 11) || (s->hidden[0].expected == MODEL_EXPECTED_ANSWER) != cases[i].answers)
			fail_msg("%s", cases[i].what);
		end(s);
	}
}

/* A script that asks by other programs: what says no is it, where none of those has failed. */
static void what_a_script_says_no_by(void **state)
{
	static const struct {
		const char *exe, *args;
		int childs_status;
		bool answers;
	} cases[] = {
		{"/bin/sh", "sh|./more|", 0, true},
		{"/bin/sh", "sh|./more|", 4, false},
		{"/x/more", "./more|", 0, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct seen *s = begin("exits: [{command: [grep], code: [1], is: answer}]", ALL | 1U << IO);

		EXEC(.at = S, .pid = 10, .exe = "/bin/sh", .args = "sh|x|");
		FORK(.at = S + MS, .pid = 11, .parent = 10, .comm = "sh");
		EXEC(.at = S + MS, .pid = 11, .exe = cases[i].exe, .args = cases[i].args);
		program(S + 2 * MS, 12, 11, "wc|-l|");
		END(.at = S + 4 * MS, .pid = 12, .code = cases[i].childs_status, .cpu = 1, .bytes = 1);
		IO_CLOSED(.at = S + 4 * MS, .pid = 12, .chars = 9);
		END(.at = S + 5 * MS, .pid = 11, .code = 1, .cpu = 1, .bytes = 1);
		IO_CLOSED(.at = S + 5 * MS, .pid = 11);
		END(.at = S + 9 * MS, .pid = 10, .cpu = 1, .bytes = 1);
		IO_CLOSED(.at = S + 9 * MS, .pid = 10);
		assert_int_equal(model__finish(s->model), 0);
		for (size_t k = 0; k < s->hidden_count; k++)
			if ((s->hidden[k].pid == 11 && s->hidden[k].expected == MODEL_EXPECTED_ANSWER) !=
			    cases[i].answers)
				fail_msg("case %zu", i);
		assert_int_not_equal(s->hidden_count, 0);
		end(s);
	}
}

/* out=$(tool 2>&1) */
static void what_its_shell_has_read(void **state)
{
	static const char own[] = "type=pipe|device=14|inode=7|", other[] = "type=pipe|device=14|inode=3|";
	static const struct {
		const char *what, *parent, *parents_stderr, *stderr_is,
			*others_stderr; /* the last of what runs after it */
		int status;
		bool beside, expected; /* beside: not after it */
	} cases[] = {
		{"out=$(tool 2>&1)", "/bin/sh|./run|", "type=tty|", own, other, 2, false, true},
		{"of a script that writes to another pipe", "/bin/sh|./run|", other, own, other, 2, false, true},
		{"a signal, which $? tells", "/bin/sh|./run|", other, own, other, -6, false, true},
		{"what is missing", "/bin/sh|./run|", other, own, other, 127, false, false},
		{"its shell's pipe", "/bin/sh|./run|", own, own, other, 2, false, false},
		{"another one writes there, too: exec | tee log", "/bin/sh|./run|", other, own, own, 2, false, false},
		{"tool 2>&1 | tee log", "/bin/sh|./run|", other, own, other, 2, true, false},
		{"subprocess.run(..., capture_output=True)", "/bin/python3.11|./run|", other, own, other, 2, false,
		 true},
		{"one that always has a pipe there", "/bin/node|./run|", other, own, other, 2, false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct seen *s = begin(NULL, ALL);
		uint64_t next = S + (cases[i].beside ? 2 : 9) * MS;

		EXEC(.at = S, .pid = 10, .exe = "/x/run", .args = cases[i].parent,
		     .stderr_is = cases[i].parents_stderr);
		FORK(.at = S + MS, .pid = 11, .parent = 10, .comm = "sh");
		EXEC(.at = S + MS, .pid = 11, .exe = "/bin/tool", .args = "tool|bad|", .stderr_is = cases[i].stderr_is);
		if (cases[i].beside)
			FORK(.at = next, .pid = 12, .parent = 10, .comm = "sh");
		END(.at = S + 5 * MS, .pid = 11, STATUS(cases[i].status), .cpu = 1, .bytes = 1);
		if (!cases[i].beside)
			FORK(.at = next, .pid = 12, .parent = 10, .comm = "sh");
		EXEC(.at = S + 10 * MS, .pid = 12, .exe = "/bin/cat", .args = "cat|",
		     .stderr_is = cases[i].others_stderr);
		END(.at = S + 11 * MS, .pid = 12, .cpu = 1, .bytes = 1);
		END(.at = S + 19 * MS, .pid = 10, .cpu = 1, .bytes = 1);
		if (s->hidden_count != 1 || (s->hidden[0].expected == MODEL_EXPECTED_CAPTURED) != cases[i].expected)
			fail_msg("%s", cases[i].what);
		end(s);
	}
}

/* if git commit 2>/dev/null, which a hook refuses; make's tool; test $? -eq 3 */
static void what_is_passed_on_was_expected_below(void **state)
{
	static const struct {
		const char *args, *stderr_is;
		enum model_expected expected;
	} cases[] = {
		{"sh|x|", TO_NULL, MODEL_EXPECTED_SILENCED},
		{"sh|x|", "type=tty|", MODEL_EXPECTED_NOT},
		{"sh|-c|git commit; test $? -eq 4|", "type=tty|", MODEL_EXPECTED_STATUS},
		{"sh|-c|git commit; true|", "type=tty|", MODEL_EXPECTED_NOT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct seen *s = begin(NULL, ALL);

		EXEC(.at = S, .pid = 10, .exe = "/bin/sh", .args = cases[i].args, .stderr_is = "type=tty|");
		FORK(.at = S, .pid = 11, .parent = 10, .comm = "sh");
		EXEC(.at = S, .pid = 11, .exe = "/bin/git", .args = "git|commit|", .stderr_is = cases[i].stderr_is);
		FORK(.at = S, .pid = 12, .parent = 11, .comm = "git");
		EXEC(.at = S, .pid = 12, .exe = "/x/hook", .args = "hook|", .stderr_is = cases[i].stderr_is);
		END(.at = S + MS, .pid = 12, .code = 4, .cpu = 1, .bytes = 1);
		END(.at = S + 2 * MS, .pid = 11, .code = 4, .cpu = 1, .bytes = 1);
		END(.at = S + 9 * MS, .pid = 10, .cpu = 1, .bytes = 1);
		assert_true(s->hidden_count && s->hidden[0].pid == 12);
		if (s->hidden[0].expected != cases[i].expected)
			fail_msg("case %zu: %u", i, s->hidden[0].expected);
		end(s);
	}
}

/* tool --bad 2>a; tool --worse 2>b; grep -q usage a */
static void what_was_searched_for_another_run(void **state)
{
	static const struct {
		const char *args;
		int code;
		const char *stderr_is;
		bool expected;
	} cases[] = {
		{"tool|--worse|", 2, "type=file|path=/x/b|", true},
		{"tool|--worse|", 3, "type=file|path=/x/b|", false},
		{"other|", 2, "type=file|path=/x/b|", false},
		{"tool|--worse|", 2, "type=tty|", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct seen *s = begin("exits: [{command: [grep], code: [1], is: answer}]", ALL);

		EXEC(.at = S, .pid = 10, .exe = "/bin/sh", .args = "sh|x|", .cwd = "/x");
		FORK(.at = S, .pid = 11, .parent = 10, .comm = "sh");
		EXEC(.at = S, .pid = 11, .exe = "/bin/tool", .args = "tool|--bad|", .cwd = "/x",
		     .stderr_is = "type=file|path=/x/a|");
		END(.at = S + MS, .pid = 11, .code = 2, .cpu = 1, .bytes = 1);
		FORK(.at = S + 2 * MS, .pid = 12, .parent = 10, .comm = "sh");
		EXEC(.at = S + 2 * MS, .pid = 12, .exe = "/bin/x", .args = cases[i].args, .cwd = "/x",
		     .stderr_is = cases[i].stderr_is);
		END(.at = S + 3 * MS, .pid = 12, .code = (uint64_t)cases[i].code, .cpu = 1, .bytes = 1);
		program(S + 4 * MS, 13, 10, "grep|-q|usage|/x/a|");
		END(.at = S + 6 * MS, .pid = 13, .cpu = 1, .bytes = 1);
		END(.at = S + 9 * MS, .pid = 10, .cpu = 1, .bytes = 1);
		assert_int_equal(s->hidden_count, 2);
		assert_int_equal(s->hidden[0].expected, MODEL_EXPECTED_SEARCHED);
		if ((s->hidden[1].expected == MODEL_EXPECTED_ALIKE) != cases[i].expected)
			fail_msg("case %zu", i);
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

/* ---- questions, which are no failures ---- */

enum taken_as { HIDDEN, QUESTION, CAUSE, PASSED_BY };

/* A fork of `parent` that could not execute a program. */
static const struct look {
	const char *what, *parent, *tried; /* tried: NULL: it is not recorded */
	int error, code;
	uint64_t ms; /* that it takes */
	bool heard, goes_on;
	int parents_status;
	enum taken_as fate;
} looks[] = {
	{"Python", "python3|x.py|", NULL, 0, 255, 5, false, false, 0, QUESTION},
	{"Go", "p|", NULL, 0, 253, 5, false, false, 0, QUESTION},
	{"Node", "node|x.js|", NULL, 0, 127, 5, false, false, 0, QUESTION},
	{"a shell says so itself", "sh|x|", NULL, 0, 127, 5, false, false, 0, HIDDEN},
	{"so does make", "make|-i|", NULL, 0, 127, 5, false, false, 0, HIDDEN},
	{"a worker", "python3|x.py|", NULL, 0, 3, 5, false, false, 0, HIDDEN},
	{"it has worked", "python3|x.py|", NULL, 0, 255, 3000, false, false, 0, HIDDEN},
	{"it has executed nothing", "python3|x.py|", NULL, 0, 255, 5, true, false, 0, HIDDEN},
	{"its version", "python3|x.py|", "uv|--version|", ENOENT, 255, 5, true, false, 0, QUESTION},
	{"its work", "python3|x.py|", "uv|sync|", ENOENT, 255, 5, true, false, 0, HIDDEN},
	{"it is there", "python3|x.py|", "uv|--version|", EACCES, 255, 5, true, false, 0, HIDDEN},
	{"its parent ends by that", "python3|x.py|", NULL, 0, 255, 5, false, false, 1, CAUSE},
	{"it ends by something else", "python3|x.py|", NULL, 0, 255, 5, false, true, 1, PASSED_BY},
	{"a runner of workflows, too", "cwltool|x.cwl|", NULL, 0, 255, 5, false, true, 1, PASSED_BY},
};

static void what_looks_for_a_program(void **state)
{
	static const char *const lacks[] = {"exec_failed: off", NULL};

	(void)state;
	for (const struct look *look = looks; look < looks + sizeof(looks) / sizeof(*looks); look++) {
		struct seen *s;
		uint64_t at = S + look->ms * MS;
		char exe[32];
		const struct model_row *last;

		seen_lacks = look->heard ? NULL : lacks;
		s = begin("exits: [{command: [make, cwltool], is: runner}]", ALL);
		snprintf(exe, sizeof(exe), "/x/%.*s", (int)strcspn(look->parent, "|"), look->parent);
		EXEC(.at = S, .pid = 10, .exe = exe, .args = look->parent);
		FORK(.at = S, .pid = 11, .parent = 10, .comm = "p");
		if (look->tried)
			EXEC_FAILED(.at = S, .pid = 11, .exe = "/x/uv", .args = look->tried, .error = look->error);
		END(.at = at, .pid = 11, .code = look->code, .cpu = 1, .bytes = 1);
		if (look->goes_on)
			program(at + MS, 12, 10, "sort|");
		if (look->goes_on)
			END(.at = at + 5 * MS, .pid = 12, .cpu = 1, .bytes = 1);
		END(.at = at + 9 * MS, .pid = 10, .code = look->parents_status, .cpu = 1, .bytes = 1);
		assert_int_equal(model__finish(s->model), 0);
		seen_lacks = NULL;
		last = &s->rows[s->rows_count - 1].row;
		if (s->hidden_count != (look->fate == HIDDEN) ||
		    s->ignored_count != (look->fate == QUESTION || look->fate == PASSED_BY) ||
		    last->cause_pid != (look->fate == CAUSE ? 11 : 0))
			fail_msg("%s", look->what);
		end(s);
	}
}

/* What cargo's build script tries out, by the rules that all have. */
static void what_a_build_script_tries(void **state)
{
	static const struct {
		const char *parent;
		int status, parents_status;
		enum taken_as fate;
	} cases[] = {
		{"/x/debug/build/app-1f/build-script-build|", 1, 0, QUESTION},
		{"/x/debug/build/app-1f/build-script-build|", 1, 101, CAUSE},
		{"/x/debug/build/app-1f/build-script-build|", -11, 0, HIDDEN},
		{"/x/debug/build/app-1f/other|", 1, 0, HIDDEN},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct seen *s = begin(NULL, ALL);

		EXEC(.at = S, .pid = 10, .exe = "/x/p", .args = cases[i].parent);
		program(S, 11, 10, "gcc|-c|a.c|");
		program(S + 2 * MS, 12, 11, "cc1|a.c|");
		END(.at = 2 * S, .pid = 12, STATUS(cases[i].status), .cpu = 1, .bytes = 1);
		END(.at = 2 * S + MS, .pid = 11, .code = 1, .cpu = 1, .bytes = 1);
		END(.at = 2 * S + 2 * MS, .pid = 10, .code = cases[i].parents_status, .cpu = 1, .bytes = 1);
		assert_int_equal(model__finish(s->model), 0);
		if (s->hidden_count != 2 * (cases[i].fate == HIDDEN) ||
		    s->ignored_count != 2 * (cases[i].fate == QUESTION) ||
		    s->rows[s->rows_count - 1].row.cause_pid != (cases[i].fate == CAUSE ? 12 : 0))
			fail_msg("case %zu", i);
		end(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_script_tests),
		cmocka_unit_test(what_says_no_by_its_code),
		cmocka_unit_test(what_a_script_says_no_by),
		cmocka_unit_test(what_its_shell_has_read),
		cmocka_unit_test(what_is_passed_on_was_expected_below),
		cmocka_unit_test(what_was_searched_for_another_run),
		cmocka_unit_test(what_a_rule_doubts),
		cmocka_unit_test(what_a_recipe_may_fail_by),
		cmocka_unit_test(what_looks_for_a_program),
		cmocka_unit_test(what_a_build_script_tries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
