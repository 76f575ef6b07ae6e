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
		if (s->hidden[0].expected != stories[i].expected)
			fail_msg("%s", stories[i].what);
		end(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_script_tests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
