/* SPDX-License-Identifier: BSD-2-Clause */
/* sinks/model: programs that were called to say how they are called, or their version. */
#include "tests/unit/model_seen.h"

/* tool 2>&1 | grep -i version */
static void what_says_how_it_is_called(void **state)
{
	static const char own[] = "type=pipe|device=14|inode=7|";
	static const struct {
		const char *what, *args, *stderr_is;
		int status, parents_status;
		uint64_t cpu;
		bool question;
	} cases[] = {
		{"without arguments", "tool|", own, 1, 0, MS, true},
		{"its version", "tool|--version|", own, 1, 0, MS, true},
		{"its work", "tool|bad|", own, 1, 0, MS, false},
		{"make 2>&1 | tee log", "tool|", own, 2, 0, 50 * MS, false},
		{"by a signal", "tool|", own, -11, 0, MS, false},
		{"by a signal, and its version", "tool|--version|", own, -11, 0, MS, false},
		{"its words are seen", "tool|", "type=tty|", 1, 0, MS, false},
		{"its script ends by it", "tool|", own, 1, 1, MS, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct seen *s = begin("exits: [{command: [none], is: answer}]", ALL);

		EXEC(.at = S, .pid = 9, .exe = "/bin/nice", .args = "nice|");
		FORK(.at = S, .pid = 10, .parent = 9, .comm = "nice");
		EXEC(.at = S, .pid = 10, .exe = "/bin/sh", .args = "sh|x|", .stderr_is = "type=tty|");
		FORK(.at = S + MS, .pid = 11, .parent = 10, .comm = "sh");
		EXEC(.at = S + MS, .pid = 11, .exe = "/bin/tool", .args = cases[i].args,
		     .stderr_is = cases[i].stderr_is);
		program(S + 2 * MS, 12, 10, "grep|version|");
		END(.at = S + 60 * MS, .pid = 11, STATUS(cases[i].status), .cpu = cases[i].cpu, .bytes = 1);
		END(.at = S + 61 * MS, .pid = 12, .cpu = 1, .bytes = 1);
		END(.at = S + 70 * MS, .pid = 10, .code = cases[i].parents_status, .cpu = 1, .bytes = 1);
		END(.at = S + 80 * MS, .pid = 9, .cpu = 1, .bytes = 1);
		assert_int_equal(model__finish(s->model), 0);
		if (s->ignored_count != cases[i].question || is_hidden(s, 11) == cases[i].question)
			fail_msg("%s", cases[i].what);
		end(s);
	}
}

/* tool >/dev/null 2>&1; tool >version.txt 2>&1 || true; x=$(java -jar x.jar Tool --version 2>&1) */
static void what_says_so_apart(void **state)
{
	static const char null[] = "type=null|", file[] = "type=file|path=/x/err|", tty[] = "type=tty|";
	static const char pipe[] = "type=pipe|device=14|inode=7|";
	static const struct {
		const char *what, *args, *stderr_is, *parents_stderr;
		uint64_t ms, cpu, chars; /* chars: NOT_COUNTED: nothing has counted them */
		bool other, question;	 /* other: the next child has the same descriptor 2 */
	} cases[] = {
#define NOT_COUNTED UINT64_MAX
#define JAVA "java|-jar|x.jar|Tool|--version|"
		{"to /dev/null", "tool|", null, tty, 9, MS, 900, false, true},
		{"to a file", "tool|", file, tty, 9, MS, 900, false, true},
		{"nothing counts what it writes", "tool|", null, tty, 9, MS, NOT_COUNTED, false, true},
		{"a JVM", JAVA, pipe, tty, 1400, 1200 * MS, 31, false, true},
		{"a JVM, to /dev/null", JAVA, null, tty, 1400, 1200 * MS, 0, false, true},
		{"nothing records it", "tool|", file, tty, 9, MS, NOT_COUNTED, false, false},
		{"to the log of all", "tool|", file, tty, 9, MS, 900, true, false},
		{"to the script's own log", "tool|", file, file, 9, MS, 900, false, false},
		{"all is silent", "tool|", null, null, 9, MS, 900, false, false},
		{"it has a message only", "tool|", null, tty, 9, MS, 60, false, false},
		{"the pipeline's own", "./tool|", null, tty, 9, MS, 900, false, false},
		{"a script of that name", "/x/tool|", null, tty, 9, MS, NOT_COUNTED, false, false},
		{"it has worked", "tool|", null, tty, 900, 500 * MS, 900, false, false},
		{"it has waited", "tool|", null, tty, 1400, MS, 900, false, false},
		{"its work", "tool|sort|", null, tty, 9, MS, 900, false, false},
		{"its work, with an option", "tool|--version|a.bam|", null, tty, 9, MS, 900, false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct seen *s = begin("exits: [{command: [none], is: answer}]", ALL | 1U << IO);
		uint64_t end_of = S + cases[i].ms * MS, last = end_of + 9 * MS, written[MADE_IO] = {0, cases[i].chars};

		EXEC(.at = S, .pid = 10, .exe = "/bin/sh", .args = "sh|x|", .stderr_is = cases[i].parents_stderr);
		FORK(.at = S, .pid = 11, .parent = 10, .comm = "sh");
		EXEC(.at = S, .pid = 11, .exe = "/bin/tool", .args = cases[i].args, .stderr_is = cases[i].stderr_is);
		END(.at = end_of, .pid = 11, .code = 1, .cpu = cases[i].cpu, .bytes = 1);
		if (cases[i].chars != NOT_COUNTED)
			IO_CLOSED(.at = end_of, .pid = 11, .io = written);
		FORK(.at = end_of + MS, .pid = 12, .parent = 10, .comm = "sh");
		EXEC(.at = end_of + MS, .pid = 12, .exe = "/bin/date", .args = "date|",
		     .stderr_is = cases[i].other ? cases[i].stderr_is : tty);
		END(.at = end_of + 2 * MS, .pid = 12, .cpu = 1, .bytes = 1);
		END(.at = last, .pid = 10, .cpu = 1, .bytes = 1);
		assert_int_equal(model__finish(s->model), 0);
		if (s->ignored_count != cases[i].question || is_hidden(s, 11) == cases[i].question)
			fail_msg("%s", cases[i].what);
		end(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_says_how_it_is_called),
		cmocka_unit_test(what_says_so_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
