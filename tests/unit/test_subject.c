/* SPDX-License-Identifier: BSD-2-Clause */
/* What failed, as it is named first: a fork that could not execute its program, by what its parent has said of that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sinks/model/process.h"
#include "sinks/totals/story.h"

#define POPEN \
	"  File \"/usr/lib/python3.11/subprocess.py\", line 1901, in _execute_child\n    raise child_exception_type(\n"

static const struct {
	uint64_t code;
	const char *text, *shown; /* of the parent */
	bool own;		  /* the fork itself said it */
} cases[] = {
	{255, POPEN "FileNotFoundError: [Errno 2] No such file or directory: 'bcftolls'\n",
	 .shown = "bcftolls: not found, in tool a.x"},
	{255, POPEN "PermissionError: [Errno 13] Permission denied: '/opt/t'\nlater\n",
	 .shown = "/opt/t: not executable, in tool a.x"},
	{255, POPEN "OSError: [Errno 26] Text file busy: './fresh'\n", .shown = "./fresh: Text file busy, in tool a.x"},
	{255, POPEN "FileNotFoundError: [Errno 2] x: 'a'\n\n" POPEN "FileNotFoundError: [Errno 2] x: 'b'\n",
	 .shown = "b: x, in tool a.x"},
	{127, "events:1\n\nError: spawn bcftolls ENOENT\n    at f (x.js:1:2) {\n  errno: -2,\n",
	 .shown = "bcftolls: not found, in tool a.x"},
	{127, "<ref *1> Error: spawnSync ./a b EACCES\n", .shown = "'./a b': not executable, in tool a.x"},
	{127, "Error: spawn x ETXTBSY\n", .shown = "x: ETXTBSY, in tool a.x"},
	{1,
	 "level=error msg=\"runc run failed: unable to start container process: exec: \\\"/bin/b\\\": stat /bin/b: no such "
	 "file or directory\"\n",
	 .shown = "/bin/b: not found, in tool a.x"},
	{1,
	 "level=error msg=\"unable to start container process: exec: \\\"b\\\": executable file not found in $PATH\"\n",
	 .shown = "b: not found, in tool a.x"},
	{1, "level=error msg=\"unable to start container process: waiting for init preliminary setup\"\n",
	 .shown = "fork of tool a.x"},
	{1, "bwrap: execvp notool: No such file or directory\n", .shown = "fork of tool a.x"}, /* of another fork */
	{1, "bwrap: execvp notool: No such file or directory\n", "notool: not found, in tool a.x", true},
	/* another status, another error: of a file that was to be opened, of a child that has ended with 255 itself */
	{1, POPEN "FileNotFoundError: [Errno 2] No such file or directory: 'bcftolls'\n", .shown = "fork of tool a.x"},
	{127, POPEN "FileNotFoundError: [Errno 2] No such file or directory: 'bcftolls'\n",
	 .shown = "fork of tool a.x"},
	{255, "  File \"a.py\", line 1, in <module>\nFileNotFoundError: [Errno 2] No such file: 'a.bam'\n",
	 .shown = "fork of tool a.x"},
	{255, "  File \"p.py\", line 9, in _execute_child\nValueError: [Errno: 'a'\n", .shown = "fork of tool a.x"},
	{255, "Error: spawn x ENOENT\n", .shown = "fork of tool a.x"},
	/* cut off */
	{255, POPEN "FileNotFoundError: [Errno 2] x: '\n", .shown = "fork of tool a.x"},
	{255, POPEN "FileNotFoundError: [Errno 2] x: 'bcfto\n", .shown = "fork of tool a.x"},
	{127, "Error: spawning failed\n", .shown = "fork of tool a.x"},
	{127, "Error: spawn  ENOENT\n", .shown = "fork of tool a.x"},
	{127, "", .shown = "fork of tool a.x"},
};

static void has_written(struct run *run, const char *words, bool own)
{
	const struct record record = {.pid = own ? 4 : 3, .start = own ? 8 : 7};
	struct value null = {.type = VALUE_NULL, .reason = EVENT_REASON_GONE};
	struct value value = {.type = VALUE_STRING, .string = words, .length = strlen(words)};
	const struct feed feed = {.run = run, .record = &record, .field = {&value, &null, &null}};

	assert_int_equal(said__take(&feed), 0);
}

static void what_a_runtime_could_not_start(void **state)
{
	const struct model_command command = {.args = {.data = "tool\0a.x", .length = 9, .count = 2}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct run run = {0};
		const struct model_ending ending = {.row = {.run = &run.pub,
							    .pid = 4,
							    .start = 8,
							    .ppid = 3,
							    .parent_start = 7,
							    .forked = true,
							    .exit_code = cases[i].code},
						    .command = &command};
		struct text text = {0};
		bool named = strncmp(cases[i].shown, "fork", 4) != 0;

		has_written(&run, cases[i].text, cases[i].own);
		story__subject(&text, &ending);
		if (!text.data || strcmp(text.data, cases[i].shown) != 0)
			fail_msg("%s: %s", cases[i].text, text.data ? text.data : "");
		assert_int_equal(story__names_wanted(&ending.row, NULL), named);
		text__free(&text);
		said__free_all(&run);
	}
}

/* The words of its shell are in a file that an ancestor writes: as of a task, .command.err. */
static void what_a_shell_could_not_find(void **state)
{
	static const struct {
		const char *text, *shown; /* of an ancestor */
	} lines[] = {
		{"run.sh: line 2: fastqc: command not found\n", "fastqc: not found, in a subshell of bash run.sh"},
		{"run.sh: line 2: ./qc.py: cannot execute: required file not found\n",
		 "./qc.py: its interpreter is missing, in a subshell of bash run.sh"},
		{"run.sh: line 2: ./qc.py: /opt/py: bad interpreter: No such file\n",
		 "./qc.py: its interpreter is missing, in a subshell of bash run.sh"},
		{"other.sh: line 2: fastqc: command not found\n", "a subshell of bash run.sh"},
		{"run.sh: line 2: fastqc: command not found\nremoved x\n", "a subshell of bash run.sh"},
	};
	const struct model_command command = {.exe = {.data = "/bin/bash", .length = 9},
					      .args = {.data = "bash\0run.sh", .length = 12, .count = 2}};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct run run = {0};
		const struct model_ending began = {.row = {.run = &run.pub,
							   .pid = 4,
							   .start = 8,
							   .forked = true,
							   .runs_others = true,
							   .exit_code = 127},
						   .command = &command};
		const struct model_ending above = {.row = {.run = &run.pub, .pid = 3, .start = 7, .exit_code = 127},
						   .cause = &began};
		struct text text = {0};

		run.pub.ending = &above;
		has_written(&run, lines[i].text, false);
		story__subject(&text, &began);
		assert_string_equal(text.data, lines[i].shown);
		assert_int_equal(story__names_wanted(&began.row, &command), strstr(lines[i].shown, ", in ") != NULL);
		text__free(&text);
		said__free_all(&run);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(what_a_runtime_could_not_start),
					   cmocka_unit_test(what_a_shell_could_not_find)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
