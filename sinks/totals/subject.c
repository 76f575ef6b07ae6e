/* SPDX-License-Identifier: BSD-2-Clause */
/* What failed, as it is named first: a command, or the program that could not be started, by the words of what wanted to. */
#include <stdio.h>
#include <string.h>

#include "core/base/base.h"
#include "sinks/totals/form.h"
#include "sinks/totals/story.h"

/* What a runtime, or its fork, writes when that could not execute the program, with its name:
 *
 *	FileNotFoundError: [Errno 2] No such file or directory: 'samtoolz'
 *	Error: spawnSync samtoolz ENOENT
 *	bwrap: execvp samtoolz: No such file or directory
 *	unable to start container process: exec: \"samtoolz\": executable file not found in $PATH" */
static const struct runtime {
	uint64_t exit_code;   /* of the fork */
	const char *evidence; /* elsewhere in the text: that it was about to start one */
	const char *before, *between, *after;
	bool name_first; /* the reason comes after it */
	bool own;	 /* the fork itself writes it */
} runtimes[] = {
	{255, ", in _execute_child\n", "Error: [Errno ", ": '", "'", false, false},
	{127, "", "Error: spawn ", " E", "", true, false},
	{127, "", "Error: spawnSync ", " E", "", true, false},
	{1, "", "bwrap: execvp ", ": ", "", true, true},
	{1, "", "unable to start container process: exec: \\\"", "\\\": ", "", true, false},
};

/* Forms of what they say, in words as those for a shell's. */
static const struct {
	const char *reason, *words;
} reasons[] = {
	{"*o such file or directory*", "not found"},
	{"*executable file not found*", "not found"},
	{"ENOENT", "not found"},
	{"*ermission denied*", "not executable"},
	{"EACCES", "not executable"},
};

#define BY_INTERPRETER "not found: the interpreter of its first line (a line end of CR LF?), or its loader"
#define BY_PATH "not found: the file, or the interpreter of its first line"
#define BY_NAME "not found: the command, or its interpreter or loader" /* sh: 1: tool: not found */

struct wanted {
	struct story_line name, reason;
};

static const char *find(struct story_line in, const char *text)
{
	return memmem(in.at, in.length, text, strlen(text));
}

/* The last part that begins with `text`, after that; false: there is none. */
static bool after_last(struct story_line *in, const char *text)
{
	const char *at, *end = in->at + in->length;
	bool found = false;

	while ((at = find(*in, text))) {
		in->at = at + strlen(text);
		in->length = (size_t)(end - in->at);
		found = true;
	}
	return found;
}

static bool is_wanted(const struct runtime *runtime, struct story_line text, struct wanted *wanted)
{
	const char *end, *between;

	if (*runtime->evidence && !find(text, runtime->evidence))
		return false;
	if (!after_last(&text, runtime->before))
		return false;
	end = memchr(text.at, '\n', text.length);
	text.length = end ? (size_t)(end - text.at) : text.length;
	between = find(text, runtime->between);
	if (!between)
		return false;
	wanted->name = (struct story_line){.at = text.at, .length = (size_t)(between - text.at)};
	wanted->reason =
		(struct story_line){.at = between + 1, .length = (size_t)(text.at + text.length - between) - 1};
	if (!runtime->name_first) {
		size_t after = strlen(runtime->after);

		wanted->reason = wanted->name;
		wanted->name.at = between + strlen(runtime->between);
		wanted->name.length = (size_t)(text.at + text.length - wanted->name.at);
		if (wanted->name.length < after)
			return false;
		wanted->name.length -= after;
		if (memcmp(wanted->name.at + wanted->name.length, runtime->after, after) != 0) /* it was cut off */
			return false;
	}
	return wanted->name.length && wanted->reason.length;
}

static const struct model_said *said_by(const struct model_row *row)
{
	return row->run ? model_run__said(row->run, row->pid, row->start) : NULL;
}

/* The words that name the tool which a shell could not execute: its own last lines, or those of what passed that on, where they
 * name the shell. NULL: none do. */
static const struct model_said *tool_of(const struct model_row *row, const struct model_command *command,
					char name[MODEL_WANTED_NAME])
{
	const struct model_ending *e = row->run && model_row__exited_as_shells_do(row) ? row->run->ending : NULL;
	const struct model_said *said = said_by(row), *found = NULL;

	*name = '\0';
	if (said && said->tool)
		snprintf(name, MODEL_WANTED_NAME, "%s", said->tool);
	if (said || !command)
		return *name ? said : NULL;
	for (; e && (e->row.pid != row->pid || e->row.start != row->start); e = e->cause) {
		said = said_by(&e->row);
		if (said && said->text)
			found = model_said__tool(said, command, row->exit_code, name, MODEL_WANTED_NAME) ? said : NULL;
	}
	return e ? found : NULL;
}

static const struct model_said *said_above(const struct model_row *row)
{
	bool known = row->run && !EVENT_IS_NULL(row->parent_start);

	return known ? model_run__said(row->run, row->ppid, row->parent_start) : NULL;
}

/* By the last lines of its parent, or its own, that of a fork which executed nothing. */
static bool wanted_by_runtime(const struct model_row *row, struct wanted *wanted)
{
	const struct model_said *above = said_above(row), *own = said_by(row);

	for (size_t i = 0; i < sizeof(runtimes) / sizeof(*runtimes); i++) {
		const struct model_said *said = runtimes[i].own ? own : above;

		if (said && said->text && row->forked && !*row->tried_error &&
		    row->exit_code == runtimes[i].exit_code &&
		    is_wanted(&runtimes[i], (struct story_line){.at = said->text, .length = said->length}, wanted))
			return true;
	}
	return false;
}

static void put_reason(struct text *text, const struct story_line *reason)
{
	const char *blank = memchr(reason->at, ' ', reason->length);
	size_t number = blank && reason->at[0] >= '0' && reason->at[0] <= '9' ? (size_t)(blank + 1 - reason->at) : 0;

	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (form__fits(reasons[i].reason, reason->at, reason->at + reason->length)) {
			text__printf(text, "%s", reasons[i].words);
			return;
		}
	text__safe(text, reason->at + number, reason->length - number);
}

/* Whether a shell says that the file is there: bash 5.2, older ones and zsh. `said`: NULL: no words are known. */
static bool lacks_interpreter(const struct model_said *said)
{
	static const char *const words[] = {"required file not found", "bad interpreter: "};
	bool found = false;

	for (size_t i = 0; said && said->text && i < sizeof(words) / sizeof(*words); i++)
		found = found || find((struct story_line){.at = said->text, .length = said->length}, words[i]);
	return found;
}

static void put_name(struct text *text, const struct model_row *row, const char *name, const struct model_said *said)
{
	text__argument(text, name, strlen(name));
	text__printf(text, ": %s",
		     lacks_interpreter(said) ? "its interpreter is missing"
		     : row->exit_code == 126 ? "could not be executed"
					     : "not found");
}

/* "samtools: not found", if words of it, or of its parent, or its arguments name what it could not execute. Whether its
 * parent did. `command`: NULL: not known. */
static bool name_wanted(struct text *text, const struct model_row *row, const struct model_command *command)
{
	const struct model_said *said;
	char name[MODEL_WANTED_NAME];
	struct wanted wanted;

	said = *row->tried_error ? NULL : tool_of(row, command, name);
	if (said) {
		put_name(text, row, name, said);
		return false;
	}
	if (model_row__wanted(row, command, name) == MODEL_WANTED_SURE) {
		put_name(text, row, name, NULL);
		return false;
	}
	if (!wanted_by_runtime(row, &wanted))
		return false;
	text__argument(text, wanted.name.at, wanted.name.length);
	text__printf(text, ": ");
	put_reason(text, &wanted.reason);
	return true;
}

void story__wanted(struct text *text, const struct model_row *row, const struct model_command *command)
{
	name_wanted(text, row, command);
}

/* The same, before what it was to be executed in. */
static bool put_wanted(struct text *text, const struct model_row *row, const struct model_command *command)
{
	size_t before = text->size;
	bool by_parent = name_wanted(text, row, command);

	if (text->size > before)
		text__printf(text, ", in ");
	return by_parent;
}

bool story__names_wanted(const struct model_row *row, const struct model_command *command)
{
	char name[MODEL_WANTED_NAME];
	struct wanted wanted;

	return said_by(row) || tool_of(row, command, name) || wanted_by_runtime(row, &wanted) ||
	       model_row__wanted(row, command, name) == MODEL_WANTED_SURE;
}

/* dash and busybox say the same where the command is there, and what its first line or its ELF header names is not. */
static bool is_vague(const struct model_said *said)
{
	static const char sure[] = "command not found";

	return said && said->text && !memmem(said->text, said->length, sure, strlen(sure));
}

bool story__not_found(struct text *text, const struct model_row *row)
{
	const struct model_said *said = said_by(row), *by_shell;
	char name[MODEL_WANTED_NAME], tool[MODEL_WANTED_NAME];
	enum model_wanted by_arguments = model_row__wanted(row, row->command, name);
	struct wanted wanted;
	bool by_runtime = wanted_by_runtime(row, &wanted);

	if (row->exit_code != 127 || *row->tried_error || row->silenced || !row->runs_others)
		return false;
	by_shell = tool_of(row, row->command, tool);
	if (by_shell)
		text__printf(text, lacks_interpreter(by_shell) ? BY_INTERPRETER
				   : strchr(tool, '/')	       ? BY_PATH
				   : is_vague(by_shell)	       ? BY_NAME
							       : "command not found");
	else if (by_arguments == MODEL_WANTED_SURE || by_runtime)
		text__printf(text, by_runtime || !strchr(name, '/') ? "command not found" : BY_PATH);
	else if (said)
		return false;
	else if (by_arguments == MODEL_WANTED_LIKELY) {
		text__printf(text, "command not found, likely ");
		text__argument(text, name, strlen(name));
	} else {
		text__printf(text, "not found: a command, or the interpreter of a file");
	}
	return true;
}

void story__command(struct text *text, const struct model_ending *ending)
{
	const struct model_row *row = &ending->row;
	bool tried = row->forked && ending->tried;

	text__all_arguments_of(text, tried ? ending->tried : ending->command, row->comm, row->forked && !tried);
}

void story__subject(struct text *text, const struct model_ending *ending)
{
	if (put_wanted(text, &ending->row, ending->command))
		text__all_arguments_of(text, ending->command, ending->row.comm, false);
	else
		story__command(text, ending);
}

void story__kind_subject(struct text *text, const struct tally *tally, const struct tally_failure *kind)
{
	struct tally_process first = story__beside(tally, kind);
	struct model_row row = story__row_beside(kind, &first);
	/* without a shell it begins with these words, and put_wanted() has said them */
	size_t fork = put_wanted(text, &row, NULL) ? strlen("fork of ") : 0;

	text__printf(text, "%s", (first.pid ? first.shown : kind->shown) + fork);
}

/* Where the last words that fit begin; within one, if that is long. */
static size_t tail_of(const char *safe, size_t from, size_t columns)
{
	size_t length = strlen(safe), tail = from, word;

	while (text__fit(safe + tail, columns) < length - tail)
		tail++;
	while (((unsigned char)safe[tail] & 0xc0) == 0x80)
		tail++;
	for (word = tail; safe[word] && safe[word - 1] != ' ';)
		word++;
	return safe[word] && word - tail <= columns / 2 ? word : tail;
}

bool story__shorten(struct text *text, const char *safe, size_t columns)
{
	size_t head = text__fit(safe, columns / 2), tail;

	if (text__fit(safe, columns) == strlen(safe)) {
		text__printf(text, "%s", safe);
		return false;
	}
	tail = tail_of(safe, head, columns - columns / 2 - 3);
	if (head < columns / 4) {
		text__cut(text, safe, columns / 2);
	} else {
		text__put(text, safe, head);
		text__printf(text, " " TEXT_ELLIPSIS);
	}
	/* within a word, no blank: of a path, ".../x.py" is one argument */
	text__printf(text, "%s%s", safe[tail - 1] == ' ' ? " " : "", safe + tail);
	return true;
}
