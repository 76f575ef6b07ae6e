/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs that could not be executed, where the process that wanted them failed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/model/ending.h"
#include "sinks/detector/detector.h"

#define FOUND 126     /* what shells exit with for a program that is there, and could not be executed */
#define NOT_FOUND 127 /* what shells exit with, and env, nice, xargs */
#define MAKE_FAILED 2 /* also of what finds by itself that a tool is missing, and says so */

enum { MARK_FOUND = 1, MARK_SILENCED = 2, MARK_LOOKED_FOR = 4, MARK_BY_MESSAGE = 8 };

static bool is_missing(const struct model_row *row)
{
	if (!model_outcome__bad(row->outcome) || row->propagated || row->benign)
		return false;
	return model_row__exited_as_shells_do(row) || row->exit_code == MAKE_FAILED ||
	       (*row->tried_error && !EVENT_IS_NULL(row->exit_code));
}

/* It ran itself: its loader exits so, and what it may have called by way of a shell. */
static bool ran_itself(const struct model_row *row)
{
	return row->exit_code == NOT_FOUND && !row->runs_others;
}

/* Suspected: only what the process has said can show it. */
static enum verdict_certainty certainty_of(const struct model_row *row)
{
	if (*row->tried_error)
		return VERDICT_PROVEN;
	return model_row__exited_as_shells_do(row) && !ran_itself(row) ? VERDICT_LIKELY : VERDICT_SUSPECTED;
}

#define INSTALL "install it, or put its folder into PATH"
#define LIBRARY_NEXT "install what has it, or put its folder into LD_LIBRARY_PATH: ldd shows which are missing"

/* By the error of the exec. Only what was called by its name alone is looked for in PATH. */
static const struct {
	const char *error, *next, *by_path; /* by_path: NULL: the same */
} remedies[] = {
	{"ENOENT", INSTALL,
	 "see whether that file exists: if it does, what its first line calls, or its loader, does not (a line end of CR LF?)"},
	{"EACCES", "chmod +x it; see also whether its file system is mounted noexec", NULL},
	{"ENOEXEC",
	 "see what file(1) says of it: a program for another CPU, a damaged one, or a script without a #! line", NULL},
	{"E2BIG", "pass fewer arguments at once, as xargs does, or by a file", NULL},
	{"EISDIR", "call a program: this is a folder", NULL},
	{"ETXTBSY", "wait until what writes it has closed it", NULL},
	{"ENOTDIR", INSTALL, "see whether its path is right"},
};

/* Of `env` too, which a first line with a CR at its end calls with that name. */
static bool has_line_end(const char *called)
{
	size_t length = strlen(called);

	return length && called[length - 1] == '\r';
}

static const char *remedy(const char *called, const char *error)
{
	if (has_line_end(called))
		return "write the line ends of the script that calls it as LF, without a CR";
	for (size_t i = 0; i < sizeof(remedies) / sizeof(*remedies); i++)
		if (!strcmp(error, remedies[i].error))
			return strchr(called, '/') && remedies[i].by_path ? remedies[i].by_path : remedies[i].next;
	return "see what this error means for an exec: man 2 execve";
}

static void put_tried(struct draft *draft, const struct model_row *row)
{
	const char *called = row->tried && row->tried->args.length ? row->tried->args.data : "";

	text__printf(&draft->evidence, " could not execute ");
	text__command(&draft->evidence, row->tried, "a program", false);
	text__printf(&draft->evidence, ": %s, and exited %u", row->tried_error, (unsigned)row->exit_code);
	text__printf(&draft->refute, "a caller that was prepared for it");
	text__printf(&draft->next, "%s", remedy(called, row->tried_error));
}

static uint8_t mark_of(const struct model_row *row)
{
	return (row->exit_code == FOUND ? MARK_FOUND : 0) | (row->silenced ? MARK_SILENCED : 0) |
	       (model_row__looked_for(row, row->command) ? MARK_LOOKED_FOR : 0) |
	       (model_row__exited_as_shells_do(row) ? 0 : MARK_BY_MESSAGE);
}

static void put_untried(struct draft *draft, const struct model_row *row)
{
	bool itself = ran_itself(row);

	text__printf(&draft->evidence, " exited %u", (unsigned)row->exit_code);
	text__printf(&draft->refute, "a program that exits so for another reason");
	text__printf(&draft->next, itself ? "see which library ldd does not find, or which program it calls" : INSTALL);
}

static int judge(struct verdicts *verdicts, struct track *track, const struct model_row *row)
{
	struct draft draft;

	(void)track;
	if (!is_missing(row))
		return 0;
	draft = draft__new(VERDICT_MISSING_TOOL, certainty_of(row), row);
	draft.since_ns = draft.ended_ns = row->ended_ns;
	text__process(&draft.evidence, row);
	if (*row->tried_error) {
		put_tried(&draft, row);
	} else {
		put_untried(&draft, row);
		draft.head = draft.evidence.size;
		draft.mark = mark_of(row);
		text__printf(&draft.evidence, ran_itself(row) ? ", as where a shared library, or a command, is missing"
							      : ", as it could not execute a program");
	}
	return draft__add(verdicts, &draft);
}

/* The verdict on a process; NULL: none. */
static struct verdict *verdict_on(const struct verdicts *verdicts, const struct model_row *row)
{
	for (size_t i = verdicts->count; i-- > 0;) {
		struct verdict *verdict = verdicts->list[i];

		if (verdict->kind == VERDICT_MISSING_TOOL && verdict->run == row->run && verdict->pid == row->pid &&
		    verdict->start == row->start)
			return verdict;
	}
	return NULL;
}

/* The caller went on and ended well: it may have been prepared for that. */
static int doubt(struct verdicts *verdicts, const struct model_row *row, uint32_t pid, const struct model_command *by)
{
	struct verdict *verdict = verdict_on(verdicts, row);

	(void)pid;
	(void)by;
	if (verdict && verdict->certainty == VERDICT_PROVEN)
		verdict->certainty = VERDICT_LIKELY;
	else if (verdict && verdict->mark & MARK_LOOKED_FOR)
		verdict->certainty = VERDICT_SUSPECTED;
	return 0;
}

/* It was prepared: the same was done again, and ended well. */
static int excuse(struct verdicts *verdicts, const struct model_row *row)
{
	struct verdict *verdict = verdict_on(verdicts, row);

	if (!verdict)
		return 0;
	verdict->certainty = VERDICT_SUSPECTED;
	verdict->dropped |= verdict->head > 0; /* by its exit code alone */
	verdict->head = 0;
	return 0;
}

/* What wanted it got the error, and went on: it may only have looked for the tool. */
static int went_on(struct verdicts *verdicts, const struct model_row *row)
{
	struct verdict *verdict = verdict_on(verdicts, row);

	if (verdict && row->ending && model_expected__is_question(row->ending->expected))
		verdict->certainty = VERDICT_SUSPECTED;
	return 0;
}

/* The library that a program's loader did not find, by the last line that it wrote: in English always. NULL: none. */
static const char *library_of(const struct model_said *said, size_t *length)
{
	static const char *const messages[] = {
		"error while loading shared libraries: ", /* glibc */
		"Error loading shared library ",	  /* musl */
	};
	size_t size = said->text ? said->length : 0;
	const char *line, *at, *end;

	while (size && said->text[size - 1] == '\n')
		size--;
	line = size ? memrchr(said->text, '\n', size) : NULL;
	line = line ? line + 1 : said->text;
	for (size_t i = 0; size && i < sizeof(messages) / sizeof(*messages); i++) {
		at = memmem(line, said->text + size - line, messages[i], strlen(messages[i]));
		if (!at)
			continue;
		at += strlen(messages[i]);
		end = memchr(at, ':', said->text + size - at);
		*length = end ? (size_t)(end - at) : 0;
		return *length ? at : NULL;
	}
	return NULL;
}

static int replace(const char **string, struct text *text)
{
	if (text->error) {
		text__free(text);
		return -ENOMEM;
	}
	free((char *)*string);
	*string = text->data;
	return 0;
}

/* By its shell's message, in which the error is in the user's language: 126 is EACCES, or stands for it. */
static int name_tool(struct verdict *verdict, const char *tool)
{
	struct text text = {0}, next = {0};
	int err;

	text__printf(&text, "%s: ", verdict->evidence);
	text__safe(&text, tool, strlen(tool));
	err = replace(&verdict->evidence, &text);
	verdict->certainty = VERDICT_LIKELY;
	if (err)
		return err;
	text__printf(&next, "%s", remedy(tool, verdict->mark & MARK_FOUND ? "EACCES" : "ENOENT"));
	return replace(&verdict->next, &next);
}

static int name_library(struct verdict *verdict, const char *name, size_t length)
{
	struct text text = {0}, next = {0};
	int err;

	text__printf(&text, "%.*s: it did not find the shared library ", (int)verdict->head, verdict->evidence);
	text__safe(&text, name, length);
	err = replace(&verdict->evidence, &text);
	text__printf(&next, LIBRARY_NEXT);
	verdict->certainty = VERDICT_LIKELY;
	return err ? (text__free(&next), err) : replace(&verdict->next, &next);
}

/* A shell that found no file to execute has said so: its message names the tool. It may come after the row. */
static int ask_said(struct verdict *verdict)
{
	const struct model_said *said = model_run__said(verdict->run, verdict->pid, verdict->start);
	const char *library;
	struct text text = {0};
	size_t length;

	if (!verdict->head)
		return 0;
	library = said ? library_of(said, &length) : NULL;
	if (library)
		return name_library(verdict, library, length);
	if (said && said->tool)
		return name_tool(verdict, said->tool);
	verdict->dropped = verdict->mark & MARK_BY_MESSAGE;
	text__printf(&text, "the tool's name: no exec was tried, and %s",
		     verdict->mark & MARK_SILENCED ? "what the shell said went to /dev/null"
						   : "no message was recorded (probe output)");
	return replace(&verdict->missing, &text);
}

static int name_tools(struct verdicts *verdicts)
{
	int err = 0;

	for (size_t i = 0; i < verdicts->count && !err; i++)
		if (verdicts->list[i]->kind == VERDICT_MISSING_TOOL)
			err = ask_said(verdicts->list[i]);
	return err;
}

const struct detector detector_missing_tool = {
	.index = DETECT_MISSING_TOOL,
	.about =
		{
			.kinds = "missing_tool",
			.needs = "lifecycle.exit",
			.proof = "lifecycle.exec_failed",
			.certainty =
				"proven by the exec's error; likely where the caller ended well, and of a shell by exit 127 or 126 "
				"alone; suspected of another program by that, or where the caller had silenced it",
			.text = "a program could not be executed, and the process that wanted it failed",
		},
	.row = judge,
	.hidden = doubt,
	.retried = excuse,
	.ignored = went_on,
	.finish = name_tools,
};
