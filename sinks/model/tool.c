/* SPDX-License-Identifier: BSD-2-Clause */
/* What shells and make say in their last lines: the tool that one could not execute, and the failures that make has ignored.
 *
 * The tool. The evidence is that the shell, or a fork of it, ended with 126 or 127, make with 2 and that number in its last line;
 * the message only names the tool, by the place where it stands, as the words are in the user's language:
 *
 *	bash: line 3: samtoolz: command not found
 *	bash: line 3: ./tool.py: cannot execute: required file not found
 *	bash: ./tool.py: /opt/python: bad interpreter: No such file or directory
 *	./p.sh: Zeile 3: samtoolz: Kommando nicht gefunden.
 *	bash: ligne 3 : samtoolz : commande introuvable
 *	sh: 1: samtoolz: not found
 *	zsh:1: command not found: samtoolz
 *	zsh:1: ./tool.py: bad interpreter: /opt/python: no such file or directory
 *	make: samtoolz: No such file or directory
 *	make: *** [Makefile:2: all] Error 127
 *
 * What make has ignored: failures of recipes' lines that begin with -. Each line has to fit a child that ended so; what is cut
 * off or redirected ignores nothing:
 *
 *	make: *** [Makefile:5: bad] Error 3
 *	make: [Makefile:3: ignored] Error 1 (ignored) */
#include "sinks/model/again.h"

#include <stdlib.h>
#include <string.h>

#include "sinks/steps/steps.h"

#define PARTS_MAX 8
#define ERROR ": *** " /* of make, not only of a recipe */
#define FATAL ERROR "["

struct part {
	const char *at;
	size_t length;
};

/* The parts of a line between colons, without the blanks around them. Returns how many, 0 if there are too many. */
static size_t split(struct part line, struct part parts[PARTS_MAX])
{
	const char *end = line.at + line.length;
	size_t n = 0;

	for (const char *at = line.at; at <= end; n++) {
		const char *colon = memchr(at, ':', end - at), *stop = colon ? colon : end, *next = stop + 1;

		if (n == PARTS_MAX)
			return 0;
		while (at < stop && (*at == ' ' || *at == '\t'))
			at++;
		while (at < stop && (stop[-1] == ' ' || stop[-1] == '\t' || stop[-1] == '\r'))
			stop--;
		/* a no-break space in UTF-8, as French has it before a colon */
		while (stop - at >= 2 && !memcmp(stop - 2, "\xc2\xa0", 2))
			stop -= 2;
		parts[n] = (struct part){at, stop - at};
		at = next;
	}
	return n;
}

static bool is_word(struct part part)
{
	return part.length && !memchr(part.at, ' ', part.length) && !memchr(part.at, '\t', part.length) &&
	       !memchr(part.at, '\xa0', part.length);
}

static bool is_same(struct part part, const char *text)
{
	return strlen(text) == part.length && !memcmp(text, part.at, part.length);
}

/* Whether a message begins with the shell's own name: one of its arguments, as "bash", "./p.sh"; make also says its
 * level, "make[1]". */
static bool is_shell(struct part part, const struct model_command *shell)
{
	const char *bracket = memchr(part.at, '[', part.length);
	const char *arg = shell->args.data, *end = arg ? arg + shell->args.length : NULL;

	if (bracket)
		part.length = bracket - part.at;
	for (; arg && arg < end; arg += strlen(arg) + 1)
		if (is_same(part, arg) || is_same(part, basename(arg)))
			return true;
	return shell->exe.data && (is_same(part, shell->exe.data) || is_same(part, basename(shell->exe.data)));
}

bool tool__is_make(const struct model_command *command)
{
	const char *name = model_command__name(command, "");

	return !strcmp(name, "make") || !strcmp(name, "gmake");
}

/* "line 3", "3": the number comes last in all languages. */
static bool is_line_number(struct part part)
{
	size_t digits = 0;

	while (digits < part.length && part.at[part.length - digits - 1] >= '0' &&
	       part.at[part.length - digits - 1] <= '9')
		digits++;
	return digits && (digits == part.length || strchr(" \t\xa0", part.at[part.length - digits - 1]));
}

/* The tool in one line; false: it is another message. Shells name it first, but for zsh if it is not found, make last. */
static bool tool_of(struct part line, const struct model_command *shell, struct part *tool)
{
	struct part parts[PARTS_MAX];
	size_t n = split(line, parts), at;

	if (n < 3 || !is_shell(parts[0], shell) || !parts[n - 1].length)
		return false;
	at = tool__is_make(shell) ? n - 2 : n > 3 && is_line_number(parts[1]) ? 2 : 1;
	if (!is_word(parts[at]) && n == 4)
		at = 3;
	*tool = parts[at];
	return is_word(*tool);
}

bool tool__may_be_missing(const struct model_command *shell, uint64_t exit_code)
{
	return shell && (exit_code == 127 || exit_code == 126 || (exit_code == 2 && tool__is_make(shell)));
}

/* Takes the last line off a text. */
static struct part take_line(struct part *text)
{
	struct part line;
	const char *nl;

	while (text->length && (text->at[text->length - 1] == '\n' || text->at[text->length - 1] == '\r'))
		text->length--;
	nl = memrchr(text->at, '\n', text->length);
	line = nl ? (struct part){nl + 1, text->at + text->length - nl - 1} : *text;
	text->length -= line.length;
	return line;
}

/* make: *** [FILE:LINE: TARGET] WORD 127 */
static bool is_of_recipe(struct part line)
{
	return memmem(line.at, line.length, ": *** [", 7) && line.length > 4 &&
	       (!memcmp(line.at + line.length - 4, " 127", 4) || !memcmp(line.at + line.length - 4, " 126", 4));
}

bool model_said__tool(const struct model_said *said, const struct model_command *shell, uint64_t exit_code, char *name,
		      size_t size)
{
	struct part text = {said->text, said->length}, line = take_line(&text), tool;

	if (exit_code == 2 && !is_of_recipe(line))
		return false;
	if (exit_code == 2)
		line = take_line(&text);
	if (!tool_of(line, shell, &tool) || tool.length >= size)
		return false;
	memcpy(name, tool.at, tool.length);
	name[tool.length] = '\0';
	return true;
}

bool said__own_message(const struct model_said *said, const struct model_command *shell)
{
	struct part text = {said->text, said->length}, parts[PARTS_MAX];

	return split(take_line(&text), parts) >= 3 && is_shell(parts[0], shell);
}

/* ---- make ---- */

/* The beginning of its messages, "make" or "make[1]": that of the last one that is not ignored. */
static struct part name_in(struct part text)
{
	while (text.length) {
		struct part line = take_line(&text);
		const char *error = memmem(line.at, line.length, ERROR, strlen(ERROR));

		if (error)
			return (struct part){line.at, (size_t)(error - line.at)};
	}
	return text;
}

/* The code of "NAME: *** [TARGET] WORD CODE" or "NAME: [TARGET] WORD CODE (WORD)"; 0: it is another message. */
static uint32_t code_of(struct part line, struct part name, bool *ignored)
{
	const char *end = line.at + line.length, *at = line.at + name.length, *close;

	if (line.length <= name.length + 3 || memcmp(line.at, name.at, name.length))
		return 0;
	*ignored = !memcmp(at, ": [", 3);
	if (!*ignored && ((size_t)(end - at) < strlen(FATAL) || memcmp(at, FATAL, strlen(FATAL)) != 0))
		return 0;
	close = memmem(at, end - at, "] ", 2);
	for (at = close ? close : end; at < end && (*at < '0' || *at > '9');)
		at++;
	return at < end ? (uint32_t)strtoul(at, NULL, 10) : 0;
}

/* Its messages come in the order in which it waited: the latest that ended so, of those that no line was for. */
static struct ending *child_of(const struct brood *brood, const bool *used, uint32_t code, uint32_t *at)
{
	for (*at = brood->count; (*at)-- > 0;)
		if (!used[*at] && model_row__status(&brood->bad[*at]->pub.row) == code)
			return brood->bad[*at];
	return NULL;
}

bool recipe__is_told(const struct model_command *command, uint64_t exit_code)
{
	return exit_code == 2 && tool__is_make(command);
}

/* Short options stand together up to one that has a value: -ki, but not -Cdist. */
static bool is_option(const char *option, char letter, const char *name)
{
	const char *at = option + 1;

	if (*option != '-')
		return false;
	if (*at == '-')
		return !strncmp(option, name, strlen(name));
	while (*at && *at != letter && !strchr("CEfIijloOW", *at))
		at++;
	return *at == letter;
}

static bool has_option(const struct model_command *command, char letter, const char *name)
{
	const char *arg = command ? command->args.data : NULL, *end = arg ? arg + command->args.length : NULL;

	while (arg < end && !is_option(arg, letter, name))
		arg += strlen(arg) + 1;
	return arg < end;
}

bool recipe__keeps_going(const struct model_command *command)
{
	return has_option(command, 'k', "--keep-going");
}

bool recipe__may_ignore(const struct model_command *command)
{
	return command && command->args.data && tool__is_make(command) && !has_option(command, 'i', "--ig");
}

void recipe__ignored(const struct model_said *said, const struct brood *brood)
{
	struct part text = {said->text, said->length}, name = name_in(text);
	bool used[BROOD_MAX] = {false}, ignored;
	uint32_t code, at;

	while (text.length) {
		struct part line = take_line(&text);
		struct ending *ending;

		code = name.length ? code_of(line, name, &ignored) : 0;
		ending = code ? child_of(brood, used, code, &at) : NULL;
		if (!ending)
			continue;
		used[at] = true;
		ending->fate->ignored = ignored;
	}
}

/* ---- by the arguments of the program that it still was when it ended ---- */

_Static_assert(MODEL_WANTED_NAME == STEPS_NAME_MAX, "a name of sinks/steps fits");

enum model_wanted model_row__wanted(const struct model_row *row, const struct model_command *command,
				    char name[MODEL_WANTED_NAME])
{
	bool not_executed = model_row__exited_as_shells_do(row) && !*row->tried_error;

	/* What has forked passes on the status of another, perhaps. */
	if (!not_executed || (!row->forked && row->has_forked))
		return MODEL_WANTED_UNKNOWN;
	switch (steps_tool__called(command, name)) {
	case STEPS_CALLED_PROGRAM:
		return MODEL_WANTED_SURE;
	case STEPS_CALLED_FIRST:
		return row->forked ? MODEL_WANTED_UNKNOWN : MODEL_WANTED_LIKELY;
	default:
		return MODEL_WANTED_UNKNOWN;
	}
}
