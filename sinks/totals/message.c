/* SPDX-License-Identifier: BSD-2-Clause */
/* A process's last lines, and which of them say what was wrong: not the calls that led there, nor what its runtime adds. */
#include <ctype.h>
#include <string.h>

#include "core/base/base.h"
#include "sinks/totals/story.h"

#define LINES 200 /* of a text of 4 KiB that are looked at */

/* Where the part of the text after the last `c` begins. */
static const char *after_last(const char *text, const char *end, char c)
{
	while (end > text && end[-1] != c)
		end--;
	return end;
}

static struct story_line line_between(const char *at, const char *stop)
{
	return (struct story_line){.at = at, .length = (size_t)(stop - at)};
}

size_t story__said(const struct model_said *said, struct story_line *lines, size_t most)
{
	const char *text = said ? said->text : NULL, *end = text ? text + said->length : NULL, *at, *stop;
	size_t n = 0;

	for (; end > text && n<most; end = at> text ? at - 1 : text) {
		at = after_last(text, end, '\n');
		for (stop = end; stop > at && stop[-1] == '\r'; stop--)
			;
		if (at < stop)
			lines[most - ++n] = line_between(after_last(at, stop, '\r'), stop);
	}
	memmove(lines, lines + most - n, n * sizeof(*lines));
	return n;
}

static bool begins(const struct story_line *line, const char *text)
{
	return line->length >= strlen(text) && !memcmp(line->at, text, strlen(text));
}

static bool has(const struct story_line *line, const char *text)
{
	return memmem(line->at, line->length, text, strlen(text));
}

static bool begins_with_any(const struct story_line *line, const char *const *texts)
{
	while (*texts && !begins(line, *texts))
		texts++;
	return *texts;
}

static struct story_line without_indent(const struct story_line *line)
{
	size_t n = 0;

	while (n < line->length && isspace((unsigned char)line->at[n]))
		n++;
	return line_between(line->at + n, line->at + line->length);
}

/* "    at f (a.js:1:2)", "\tat P.main(P.java:1)", "        at src/main.rs:1:5", in a backtrace of Rust "   0: m::main". */
static bool is_frame(const struct story_line *line, bool numbered)
{
	struct story_line rest = without_indent(line);
	size_t digits = 0;

	if (rest.length == line->length)
		return false;
	while (digits < rest.length && isdigit((unsigned char)rest.at[digits]))
		digits++;
	if (numbered && digits && rest.length > digits && rest.at[digits] == ':')
		return true;
	if (!begins(&rest, "at "))
		return false;
	for (size_t i = 0; i + 1 < rest.length; i++)
		if (rest.at[i] == ':' && isdigit((unsigned char)rest.at[i + 1]))
			return true;
	return rest.at[rest.length - 1] == ')';
}

static bool is_added(const struct story_line *line)
{
	static const char *const added[] = {"Node.js v", "note: run with ", "note: Some details are omitted",
					    "stack backtrace:", NULL};

	return begins_with_any(line, added);
}

static bool is_indented(const struct story_line *line)
{
	return without_indent(line).length != line->length;
}

/* A line that says what happened, also further up, where much that does not looks like it: "panic: ...", "Error in f(x)". */
static bool is_error(const struct story_line *line)
{
	static const char *const first[] = {"fatal",	   "Fatal", "FATAL", "panic", "Exception in thread",
					    "Caused by: ", NULL};

	return !is_indented(line) &&
	       (has(line, "rror:") || has(line, "Error [") || has(line, "Error at ") || has(line, "Error in ") ||
		has(line, "ERROR") || has(line, "Exception:") || has(line, "panicked") || begins_with_any(line, first));
}

/* The same for one of the last: "samtools: cannot open x" as well. */
static bool is_message(const struct story_line *line)
{
	return is_error(line) ||
	       (!is_indented(line) && (has(line, ": ") || has(line, "rror") || has(line, "Exception")));
}

size_t story__message(const struct model_said *said, struct story_line *lines, size_t most)
{
	struct story_line all[LINES];
	size_t count = story__said(said, all, LINES), n = 0, kept = 0;
	bool numbered = false, told = false;

	for (size_t i = 0; i < count; i++)
		numbered = numbered || begins(&all[i], "stack backtrace:");
	for (size_t i = 0; i < count; i++)
		if (!is_frame(&all[i], numbered) && !is_added(&all[i]))
			all[kept++] = all[i];
	if (!kept)
		return story__said(said, lines, most);
	n = kept < most ? kept : most;
	memcpy(lines, all + kept - n, n * sizeof(*lines));
	for (size_t i = 0; i < n; i++)
		told = told || is_message(&lines[i]);
	for (size_t i = kept - n; i > 0 && !told; i--) {
		told = is_error(&all[i - 1]);
		if (told)
			lines[0] = all[i - 1];
	}
	for (size_t i = 0; i < n; i++)
		lines[i].error = is_error(&lines[i]);
	return n;
}
