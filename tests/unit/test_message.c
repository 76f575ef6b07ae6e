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
	 "Exception in thread \"main\" java.lang.RuntimeException: x\n"
	 "Caused by: java.io.IOException: gone\n\tat P.c(P.java:9)\n"},
	/* where it was in its own code, and only that */
	{"Exception in thread \"main\" java.io.IOException: gone\n\tat java.base/java.io.F.open0(Native Method)\n"
	 "\tat java.base/java.io.F.<init>(F.java:112)\n\tat org.lab.P.read(P.java:9)\n\tat org.lab.P.main(P.java:3)\n",
	 "Exception in thread \"main\" java.io.IOException: gone\n\tat org.lab.P.read(P.java:9)\n"},
	{"started\n\tat org.lab.P.read(P.java:9)\nlog4j: no appender\n", "started\nlog4j: no appender\n"},
	/* Rust, with a backtrace and without */
	{"\nthread 'main' panicked at m.rs:1:71:\nindex out of bounds\nstack backtrace:\n   0: rust_begin_unwind\n"
	 "             at /rustc/5/panicking.rs:689:5\n   1: m::main\nnote: Some details are omitted, run with more.\n",
	 "thread 'main' panicked at m.rs:1:71:\nindex out of bounds\n"},
	{"thread 'main' panicked at m.rs:1:71:\nboom\nnote: run with `RUST_BACKTRACE=1` environment variable\n",
	 "thread 'main' panicked at m.rs:1:71:\nboom\n"},
	/* Go */
	{"panic: no reads\n\ngoroutine 1 [running]:\nmain.f(...)\n\t/a.go:5\nmain.main()\n\t/a.go:9 +0x1d\nexit status 2\n",
	 "panic: no reads\nmain.f(...)\nexit status 2\n"},
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
	{"a\n \n\t\n", "a\n"},
	/* TAP: counts say nothing, and the last test that failed comes first; one that may fail is none */
	{"not ok 1 - adds\n  ---\n  duration_ms: 1.5\n  error: '4 == 5'\n  stack: |-\n    T.run (node:internal/test:1:2)\n"
	 "  ...\nok 2 - b\nok 3 - c\n1..3\n# tests 3\n# fail 1\n# todo 0\n# duration_ms 1.2\n",
	 "not ok 1 - adds\n  error: '4 == 5'\nok 3 - c\n"},
	{"not ok 1 - a # TODO later\nb\nc\nd\n# fail 0\n", "b\nc\nd\n"},
	{"# retried twice\n# rows left 3\n# pass 3\n", "# retried twice\n# rows left 3\n"},
	{"# pass 3\n# fail 1\n", "# pass 3\n# fail 1\n"},
	/* Python: the first frames of the thread that crashed */
	{".Fatal Python error: Segmentation fault\n\nThread 0x1 (most recent call first):\n  File \"a.py\", line 1 in a\n\n"
	 "Current thread 0x2 (most recent call first):\n  File \"b.py\", line 2 in b\n  File \"c.py\", line 3 in c\n"
	 "  File \"d.py\", line 4 in d\nrun.sh: line 6: 13 Segmentation fault\n",
	 ".Fatal Python error: Segmentation fault\n  File \"b.py\", line 2 in b\nrun.sh: line 6: 13 Segmentation fault\n"},
	/* a sanitizer */
	{"==7==ERROR: AddressSanitizer: heap-use-after-free on 0x1\nREAD of size 4\n    #0 0x5 in f a.c:3\n"
	 "    #1 0x6 in main a.c:9\n    #2 0x7 (/lib/libc.so)\nSUMMARY: AddressSanitizer: heap-use-after-free a.c:3 in f\n"
	 "Shadow bytes around the buggy address:\n  0x0c04: fa fa 00 fa\n=>0x0c14: fa fa[fd]fd\n  Left alloca redzone:  ca\n"
	 "==7==ABORTING\n",
	 "==7==ERROR: AddressSanitizer: heap-use-after-free on 0x1\nREAD of size 4\n"
	 "SUMMARY: AddressSanitizer: heap-use-after-free a.c:3 in f\n"},
	/* after the head another error: both */
	{"panic: old\nmain.f()\nb\nc\nd\nError: no table\n", "panic: old\nd\nError: no table\n"},
	/* Maven's help, Snakemake's farewell */
	{"Failed tests: adds: expected 5\n[ERROR] Failed to execute goal test\n[ERROR] \n[ERROR] -> [Help 1]\n"
	 "[ERROR] Re-run Maven using the -X switch.\n[ERROR] [Help 1] http://x\n",
	 "Failed tests: adds: expected 5\n[ERROR] Failed to execute goal test\n"},
	{"RuleException:\nKeyError in file \"S\", line 11:\n'C'\n  File \"S\", line 11, in __rule_s\n  File \"t.py\", line 5, in r\n"
	 "Shutting down, this might take some time.\nExiting because a job execution failed. Look above for messages\n"
	 "WorkflowError:\nAt least one job did not complete successfully.\n",
	 "KeyError in file \"S\", line 11:\n'C'\n  File \"t.py\", line 5, in r\n"},
	{"MissingOutputException in rule index in file \"S\", line 6:\nJob 1 completed, but\nx.bai (missing)\ny (missing)\n"
	 "Complete log(s): /x\n",
	 "MissingOutputException in rule index in file \"S\", line 6:\nJob 1 completed, but\ny (missing)\n"},
	/* a page of usage: the message before it, and how to call */
	{"sort: unrecognized option '--threds'\nUsage: tool sort [options...] [in]\nOptions:\n  -l INT     level\n"
	 "  -u         plain\n      --index\n               makes one\n  -?, --help\n",
	 "sort: unrecognized option '--threds'\nUsage: tool sort [options...] [in]\n"},
	{"/bin/tool: Cannot open x.fa.\n\n-----------\n  TOOL v7\n--order :  by name\n--quiet :  no words\n--dash :  more\n",
	 "/bin/tool: Cannot open x.fa.\n"},
	/* a log with a list, options that are printed before the message, and a message after the usage */
	{"tool: starting\n- a: read\n- b: read\n- c: read\n  done\n", "- b: read\n- c: read\n  done\n"},
	{"tool: options are\n  -a 1\n  -b 2\n  -c 3\ntool: cannot open x\n", "  -b 2\n  -c 3\ntool: cannot open x\n"},
	{"usage: tool [-h]\n  -a  x\n  -b  y\n  -c  z\ntool: error: no input\n",
	 "  -b  y\n  -c  z\ntool: error: no input\n"},
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
