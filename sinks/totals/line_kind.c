/* SPDX-License-Identifier: BSD-2-Clause */
/* The forms of lines by which programs begin and end their messages. */
#include "sinks/totals/line_kind.h"

#include "sinks/totals/form.h"

#include <ctype.h>

/* The first form that fits holds. */
static const struct {
	enum line_kind kind;
	const char *form;
} forms[] = {
	/* TAP, and what Node.js and Jest print instead of it */
	{LINE_PLAIN, "not ok * # TODO*"},
	{LINE_PLAIN, "not ok * # SKIP*"},
	{LINE_HEAD, "not ok *"},
	{LINE_HEAD, "✖ *ms)"},
	{LINE_HEAD, "● *"},
	{LINE_NOTHING, "✖ failing tests:"},
	{LINE_NOTHING, "# @ %"},
	{LINE_NOTHING, "# duration_ms *"},
	{LINE_NOTHING, "ℹ @ %"},
	{LINE_NOTHING, "ℹ duration_ms *"},
	{LINE_NOTHING, "duration_ms: *"},
	{LINE_NOTHING, "failureType: *"},
	{LINE_NOTHING, "stack: |-"},
	{LINE_NOTHING, "%..%"},
	{LINE_NOTHING, "---"},
	{LINE_NOTHING, "..."},
	{LINE_NOTHING, "Snapshots: * total"},
	{LINE_NOTHING, "Ran all test suites*"},
	/* Node.js and npm */
	{LINE_NOTHING, "* (node:*:%)"},
	{LINE_NOTHING, "node:*:%:%"},
	{LINE_NOTHING, "Node.js v*"},
	{LINE_NOTHING, "----- Native stack trace*"},
	{LINE_NOTHING, "<--- *"},
	{LINE_NOTHING, "npm error"},
	{LINE_NOTHING, "npm ERR!"},
	{LINE_NOTHING, "npm error A complete log*"},
	{LINE_NOTHING, "npm ERR! A complete log*"},
	/* Python, by its faulthandler, and pip */
	{LINE_HEAD, "*Fatal Python error: *"},
	{LINE_CURRENT, "Current thread 0x* (most recent call first):"},
	{LINE_NOTHING, "Thread 0x* (most recent call first):"},
	{LINE_NOTHING, "Extension modules: *"},
	{LINE_FRAME, "File \"*\", line % in *"},
	{LINE_NOTHING, "note: This is an issue with the package mentioned above*"},
	{LINE_NOTHING, "note: This error originates from a subprocess*"},
	{LINE_NOTHING, "hint: See above for *"},
	{LINE_NOTHING, "*See above for output."},
	/* sanitizers: LLVM's and GCC's */
	{LINE_HEAD, "*ERROR: *Sanitizer: *"},
	{LINE_HEAD, "*WARNING: *Sanitizer: *"},
	{LINE_HEAD, "*: runtime error: *"},
	{LINE_FRAME, "#% 0x*"},
	{LINE_NOTHING, "==%==ABORTING"},
	{LINE_NOTHING, "Shadow byte*"},
	{LINE_NOTHING, "0x*: ?? ?? ?? *"},
	{LINE_NOTHING, "=>0x*"},
	{LINE_NOTHING, "* redzone: *"},
	{LINE_NOTHING, "Addressable: *"},
	{LINE_NOTHING, "Partially addressable: *"},
	{LINE_NOTHING, "Freed heap region: *"},
	{LINE_NOTHING, "Stack after return: *"},
	{LINE_NOTHING, "Stack use after scope: *"},
	{LINE_NOTHING, "Global init order: *"},
	{LINE_NOTHING, "Poisoned by user: *"},
	{LINE_NOTHING, "Container overflow: *"},
	{LINE_NOTHING, "Array cookie: *"},
	{LINE_NOTHING, "ASan internal: *"},
	{LINE_NOTHING, "Shadow gap: *"},
	/* Java and its kin: frames of the runtime, and of others */
	{LINE_NOTHING, "at java*(*)"},
	{LINE_NOTHING, "at jdk.*(*)"},
	{LINE_NOTHING, "at sun.*(*)"},
	{LINE_NOTHING, "at com.sun.*(*)"},
	{LINE_NOTHING, "at groovy.*(*)"},
	{LINE_NOTHING, "at org.codehaus.groovy.*(*)"},
	{LINE_NOTHING, "at org.apache.groovy.*(*)"},
	{LINE_NOTHING, "at kotlin*(*)"},
	{LINE_NOTHING, "at scala.*(*)"},
	{LINE_NOTHING, "at clojure.*(*)"},
	{LINE_NOTHING, "... % more"},
	{LINE_CALL, "at *(*.java:%)"},
	{LINE_CALL, "at *(*.kt:%)"},
	{LINE_CALL, "at *(*.scala:%)"},
	{LINE_CALL, "at *(*.groovy:%)"},
	{LINE_CALL, "at *(*.clj:%)"},
	/* Go */
	{LINE_HEAD, "panic: *"},
	{LINE_HEAD, "--- FAIL: *"},
	{LINE_NOTHING, "goroutine % [*]:"},
	{LINE_NOTHING, "FAIL"},
	/* Rust */
	{LINE_HEAD, "error[E%]: *"},
	{LINE_HEAD, "thread '*' panicked at *"},
	{LINE_NOTHING, "|"},
	{LINE_NOTHING, "note: run with *"},
	{LINE_NOTHING, "note: Some details are omitted*"},
	{LINE_NOTHING, "stack backtrace:"},
	{LINE_NOTHING, "For more information about this error, try `rustc *"},
	{LINE_NOTHING, "Some errors have detailed explanations: *"},
	{LINE_NOTHING, "error: could not compile * due to *"},
	{LINE_NOTHING, "error: aborting due to *"},
	{LINE_NOTHING, "error: test failed, to rerun pass *"},
	/* Maven and Gradle */
	{LINE_HEAD, "\\* What went wrong:"},
	{LINE_NOTHING, "[ERROR]"},
	{LINE_NOTHING, "[ERROR] [Help *"},
	{LINE_NOTHING, "[ERROR] -> [Help *"},
	{LINE_NOTHING, "[ERROR] To see the full stack trace*"},
	{LINE_NOTHING, "[ERROR] Re-run Maven *"},
	{LINE_NOTHING, "[ERROR] For more information about the errors*"},
	{LINE_NOTHING, "[ERROR] After correcting the problems*"},
	{LINE_NOTHING, "[ERROR]   mvn <args> *"},
	{LINE_NOTHING, "[INFO]"},
	{LINE_NOTHING, "[INFO] ----*"},
	{LINE_NOTHING, "[INFO] Total time: *"},
	{LINE_NOTHING, "[INFO] Finished at: *"},
	{LINE_NOTHING, "\\* Try:"},
	{LINE_NOTHING, "> Run with --*"},
	{LINE_NOTHING, "*Get more help at http*"},
	{LINE_NOTHING, "Results :"},
	/* workflow engines */
	{LINE_HEAD, "*Exception in rule *"},
	{LINE_HEAD, "*Error in file *, line %:"},
	{LINE_NOTHING, "Exiting because a job execution failed. Look above *"},
	{LINE_NOTHING, "Shutting down, this might take some time."},
	{LINE_NOTHING, "Complete log: *"},
	{LINE_NOTHING, "Complete log(s): *"},
	{LINE_NOTHING, "Elapsed time: *"},
	{LINE_NOTHING, "WorkflowError:"},
	{LINE_NOTHING, "At least one job did not complete successfully."},
	/* others */
	{LINE_NOTHING, "Execution halted"},
	{LINE_NOTHING, "-- Configuring incomplete, errors occurred!"},
	{LINE_NOTHING, "See also \"*\"."},
};

enum line_kind line_kind__of(const struct story_line *line)
{
	const char *at = line->at, *end = line->at + line->length;

	while (at < end && isspace((unsigned char)*at))
		at++;
	while (end > at && isspace((unsigned char)end[-1]))
		end--;
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
		if (form__fits(forms[i].form, at, end))
			return forms[i].kind;
	return LINE_PLAIN;
}
