/* SPDX-License-Identifier: BSD-2-Clause */
/* Which of the last lines of a process are shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sinks/totals/story.h"

#define MOST 3

static const struct {
	const char *text, *shown; /* its lines, each ended by a newline */
} texts[] = {
	{"", ""},
	{"one\n", "one\n"},
	{"a\n\nb\nc\nd", "b\nc\nd\n"},
	/* a message is among the last ones: they stay as they are */
	{"Error: old\nreading\nbwa: cannot open x\nplease try\n", "reading\nbwa: cannot open x\nplease try\n"},
	{"Traceback (most recent call last):\n  File \"a.py\", line 1, in <module>\n    1 / 0\nZeroDivisionError: by zero\n",
	 "  File \"a.py\", line 1, in <module>\n    1 / 0\nZeroDivisionError: by zero\n"},
	/* Node.js */
	{"a.js:1\n  throw new E(o);\n  ^\n\nAssertionError [X]: sum is wrong\n\n2 !== 3\n\n    at Object.<anonymous> (a.js:1:40)\n"
	 "    at node:internal/main:28:49 {\n  actual: 2,\n  expected: 3\n}\n\nNode.js v20.20.2\n",
	 "AssertionError [X]: sum is wrong\n  expected: 3\n}\n"},
	/* Java: the cause of a cause is the last message */
	{"Exception in thread \"main\" java.lang.RuntimeException: x\n\tat P.a(P.java:1)\n\tat P.b(Native Method)\n"
	 "Caused by: java.io.IOException: gone\n\tat P.c(P.java:9)\n\t... 2 more\n",
	 "Exception in thread \"main\" java.lang.RuntimeException: x\nCaused by: java.io.IOException: gone\n\t... 2 more\n"},
	/* Rust, with a backtrace and without */
	{"\nthread 'main' panicked at m.rs:1:71:\nindex out of bounds\nstack backtrace:\n   0: rust_begin_unwind\n"
	 "             at /rustc/5/panicking.rs:689:5\n   1: m::main\nnote: Some details are omitted, run with more.\n",
	 "thread 'main' panicked at m.rs:1:71:\nindex out of bounds\n"},
	{"thread 'main' panicked at m.rs:1:71:\nboom\nnote: run with `RUST_BACKTRACE=1` environment variable\n",
	 "thread 'main' panicked at m.rs:1:71:\nboom\n"},
	/* Go */
	{"panic: no reads\n\ngoroutine 1 [running]:\nmain.f(...)\n\t/a.go:5\nmain.main()\n\t/a.go:9 +0x1d\nexit status 2\n",
	 "panic: no reads\n\t/a.go:9 +0x1d\nexit status 2\n"},
	/* what follows a message explains it */
	{"fatal: Unable to create 'x.lock': File exists.\n\nAnother process runs.\nPlease wait.\nThen try again.\nOr remove it.\n",
	 "fatal: Unable to create 'x.lock': File exists.\nThen try again.\nOr remove it.\n"},
	{"CMake Error at CMakeLists.txt:3 (find_package):\n  By not providing\n\n  Could not find\n\n    xConfig.cmake\n  Add it\n",
	 "CMake Error at CMakeLists.txt:3 (find_package):\n    xConfig.cmake\n  Add it\n"},
	/* Node.js, out of memory: native frames, with and without an indent */
	{"\nFATAL ERROR: Reached heap limit\n----- Native stack trace -----\n\n 1: 0xb78db3 node::OOM() [node]\n"
	 " 9: 0x15247d6 v8::f(int*) [node]\n10: 0x195e476  [node]\n",
	 "FATAL ERROR: Reached heap limit\n"},
	{"1: 0xsample\n12: 0 reads\n 3: x\n", "1: 0xsample\n12: 0 reads\n 3: x\n"},
	/* npm: its help, blank lines and the path of its log say nothing */
	{"npm error code EUSAGE\nnpm error\nnpm error Usage: npm ci\nnpm error\nnpm error Options: x\nnpm error Run it\n"
	 "npm error A complete log of this run can be found in: x\n",
	 "npm error code EUSAGE\nnpm error Options: x\nnpm error Run it\n"},
	/* lines of blanks and escape sequences only */
	{"a\n\x1b[0m\n \x1b[1;31m\t\x1b[K\n", "a\n"},
	{"\x1b[0m", ""},
	{"\x1b[31mred\x1b[0m\n\x1b\n\x1b[3\n", "\x1b[31mred\x1b[0m\n\x1b\n"},
	/* nothing looks like a message; and lines that only look like frames */
	{"a\nb\nc\nd\n", "b\nc\nd\n"},
	{"  1: sample A\n  at least one failed\nnote: see the log\n",
	 "  1: sample A\n  at least one failed\nnote: see the log\n"},
	{"    at f (a.js:1:2)\n    at g (a.js:1:2)\n", "    at f (a.js:1:2)\n    at g (a.js:1:2)\n"},
};

static void shown(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct model_said said = {.text = texts[i].text, .length = strlen(texts[i].text)};
		struct story_line lines[MOST];
		size_t n = story__message(&said, lines, MOST), at = 0;
		char found[1024] = "";

		for (size_t k = 0; k < n; k++)
			at += (size_t)snprintf(found + at, sizeof(found) - at, "%.*s\n", (int)lines[k].length,
					       lines[k].at);
		assert_string_equal(found, texts[i].shown);
	}
	assert_int_equal(story__message(NULL, (struct story_line[MOST]){{0}}, MOST), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(shown)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
