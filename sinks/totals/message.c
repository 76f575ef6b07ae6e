/* SPDX-License-Identifier: BSD-2-Clause */
/* A process's last lines, and which of them say what was wrong: not the calls that led there, nor what its runtime adds. */
#include <ctype.h>
#include <string.h>

#include "core/base/base.h"
#include "sinks/totals/line_kind.h"

#define LINES 200      /* of a text of 4 KiB that are looked at */
#define FIRST_FRAMES 2 /* after the head of a message, where the last call comes first */

/* Where the part of the text after the last `c` begins. */
static const char *after_last(const char *text, const char *end, char c)
{
	while (end > text && end[-1] != c)
		end--;
	return end;
}

static bool is_blank(const char *at, const char *stop)
{
	while (at < stop && isspace((unsigned char)*at))
		at++;
	return at == stop;
}

bool story__is_blank(const struct model_said *said)
{
	return said->text && is_blank(said->text, said->text + said->length);
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
		if (at < stop && !is_blank(at, stop))
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

/* "10: 0x195e476  [node]" */
static bool is_native_frame(const struct story_line *rest, size_t digits)
{
	return digits && rest->length > digits + 4 && !memcmp(rest->at + digits, ": 0x", 4) &&
	       isxdigit((unsigned char)rest->at[digits + 4]);
}

/* "    at f (a.js:1:2)", "\tat P.main(P.java:1)", "        at src/main.rs:1:5", in a backtrace of Rust "   0: m::main". */
static bool is_frame(const struct story_line *line, bool numbered)
{
	struct story_line rest = without_indent(line);
	size_t digits = 0;

	while (digits < rest.length && isdigit((unsigned char)rest.at[digits]))
		digits++;
	if (is_native_frame(&rest, digits))
		return true;
	if (rest.length == line->length)
		return false;
	if (numbered && digits && rest.length > digits && rest.at[digits] == ':')
		return true;
	if (!begins(&rest, "at "))
		return false;
	for (size_t i = 0; i + 1 < rest.length; i++)
		if (rest.at[i] == ':' && isdigit((unsigned char)rest.at[i + 1]))
			return true;
	return rest.at[rest.length - 1] == ')';
}

/* npm begins each line of its help with "npm error", too: with a code it says what happened. */
static bool is_of_npm(const struct story_line *line)
{
	return begins(line, "npm error ") || begins(line, "npm ERR! ");
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

	if (is_of_npm(line))
		return begins(line, "npm error code ") || begins(line, "npm ERR! code ");
	return !is_indented(line) &&
	       (has(line, "rror:") || has(line, "Error [") || has(line, "Error at ") || has(line, "Error in ") ||
		has(line, "ERROR") || has(line, "Exception:") || has(line, "panicked") || begins_with_any(line, first));
}

/* The same for one of the last: "samtools: cannot open x" as well. */
static bool is_message(const struct story_line *line)
{
	return is_error(line) || (!is_indented(line) && !is_of_npm(line) &&
				  (has(line, ": ") || has(line, "rror") || has(line, "Exception")));
}

/* The lines of a text that may say what was wrong. */
struct chosen {
	struct story_line line[LINES];
	size_t count, head; /* LINES: no head */
	size_t frames;	    /* after the head */
	bool placed;	    /* the last one is the place of what happened */
};

/* Where it was: that of a cause takes the place of that of what it caused. */
static bool is_place(const struct chosen *chosen, enum line_kind kind)
{
	return kind == LINE_CALL && chosen->count && chosen->line[chosen->count - 1].error;
}

static void choose(struct chosen *chosen, const struct story_line *line, bool numbered)
{
	enum line_kind kind = line_kind__of(line);
	bool error = kind == LINE_HEAD || is_error(line), place = is_place(chosen, kind);

	if (kind == LINE_CURRENT && chosen->frames) {
		chosen->count = chosen->head + 1;
		chosen->frames = 0;
	}
	if (!place && (kind == LINE_CURRENT || kind == LINE_CALL || kind == LINE_NOTHING ||
		       (kind != LINE_HEAD && is_frame(line, numbered))))
		return;
	if (kind == LINE_FRAME && (chosen->head == LINES || chosen->frames == FIRST_FRAMES))
		return;
	chosen->count -= error && chosen->placed;
	chosen->placed = place;
	chosen->frames += kind == LINE_FRAME;
	if (kind == LINE_HEAD) {
		chosen->head = chosen->count;
		chosen->frames = 0;
	}
	chosen->line[chosen->count] = *line;
	chosen->line[chosen->count++].error = error;
}

static bool has_stack_of_rust(const struct story_line *lines, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct story_line rest = without_indent(&lines[i]);

		if (begins(&rest, "stack backtrace:"))
			return true;
	}
	return false;
}

/* How many lines from *begin on are to come before the last `most`, of which they take the first places: of a message that
 * began further up. */
static size_t lines_before(const struct chosen *chosen, size_t most, size_t *begin)
{
	size_t last = chosen->count - most;
	bool message = false, error = false;

	for (size_t i = last; i < chosen->count; i++) {
		message = message || is_message(&chosen->line[i]);
		error = error || chosen->line[i].error;
	}
	*begin = chosen->head;
	if (chosen->head < last)
		return error ? most > 1 : most - most / 2;
	for (*begin = last; *begin > 0 && !message && !chosen->line[*begin - 1].error; --*begin)
		;
	return chosen->head == LINES && !message && (*begin)-- > 0;
}

/* ---- usage ---- */

#define USAGE_OPTIONS 3 /* fewer may stand in any text */

/* "  -l, --level INT  ..."; not "- an item". */
static bool is_option(const struct story_line *line)
{
	struct story_line rest = without_indent(line);

	return rest.length > 1 && rest.at[0] == '-' &&
	       (isalnum((unsigned char)rest.at[1]) || strchr("-@?", rest.at[1]));
}

/* A message, and then nothing but how to call the program: mostly options, and what is indented below them. */
static bool is_usage(const struct chosen *chosen)
{
	const struct story_line *last = &chosen->line[chosen->count - 1];
	size_t options = 0, below = 0;

	for (size_t i = 1; i < chosen->count; i++) {
		options += is_option(&chosen->line[i]);
		below += is_option(&chosen->line[i]) || is_indented(&chosen->line[i]);
	}
	return is_message(&chosen->line[0]) && options >= USAGE_OPTIONS && 2 * below >= chosen->count &&
	       (is_option(last) || is_indented(last));
}

/* Its message, and the line that says how. */
static size_t take_usage(const struct chosen *chosen, struct story_line *lines, size_t most)
{
	size_t n = 1;

	lines[0] = chosen->line[0];
	lines[0].error = true;
	for (size_t i = 1; i < chosen->count && n < most && n < 2; i++)
		if (begins(&chosen->line[i], "Usage:") || begins(&chosen->line[i], "usage:"))
			lines[n++] = chosen->line[i];
	return n;
}

size_t story__message(const struct model_said *said, struct story_line *lines, size_t most)
{
	struct story_line all[LINES];
	struct chosen chosen = {.head = LINES};
	size_t count = story__said(said, all, LINES), before = 0, begin, n;
	bool numbered = has_stack_of_rust(all, count);

	for (size_t i = 0; i < count; i++)
		choose(&chosen, &all[i], numbered);
	if (!chosen.count)
		return story__said(said, lines, most);
	if (!said->cut && count < LINES && chosen.count > most && is_usage(&chosen))
		return take_usage(&chosen, lines, most);
	n = chosen.count < most ? chosen.count : most;
	if (chosen.count > most)
		before = lines_before(&chosen, most, &begin);
	if (before)
		memcpy(lines, chosen.line + begin, before * sizeof(*lines));
	memcpy(lines + before, chosen.line + chosen.count - n + before, (n - before) * sizeof(*lines));
	return n;
}
