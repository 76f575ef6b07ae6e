/* SPDX-License-Identifier: BSD-2-Clause */
/* Which failures make has ignored, from its last lines: those of recipes' lines that begin with -. Only the words are in the
 * user's language, and each line has to fit a child that ended so; what is cut off or redirected ignores nothing.
 *
 *	make: *** [Makefile:5: bad] Error 3
 *	make: [Makefile:3: ignored] Error 1 (ignored)
 */
#include <stdlib.h>
#include <string.h>

#include "sinks/model/again.h"

#define ERROR ": *** " /* not only of a recipe */
#define FATAL ERROR "["

struct line {
	const char *at;
	size_t length;
};

/* Takes the last line off. */
static struct line take_line(struct line *text)
{
	struct line line;
	const char *nl;

	while (text->length && text->at[text->length - 1] == '\n')
		text->length--;
	nl = text->length ? memrchr(text->at, '\n', text->length) : NULL;
	line = nl ? (struct line){nl + 1, (size_t)(text->at + text->length - nl - 1)} : *text;
	text->length -= line.length;
	return line;
}

/* The beginning of its messages, "make" or "make[1]": that of the last one that is not ignored. */
static struct line name_in(struct line text)
{
	while (text.length) {
		struct line line = take_line(&text);
		const char *error = memmem(line.at, line.length, ERROR, strlen(ERROR));

		if (error)
			return (struct line){line.at, (size_t)(error - line.at)};
	}
	return text;
}

/* The code of "NAME: *** [TARGET] WORD CODE" or "NAME: [TARGET] WORD CODE (WORD)"; 0: it is another message. */
static uint32_t code_of(struct line line, struct line name, bool *ignored)
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
static bool asks_to_ignore(const char *option)
{
	if (*option != '-')
		return false;
	if (option[1] == '-')
		return !strncmp(option, "--ig", 4);
	return option[strcspn(option, "CEfIijloOW")] == 'i';
}

bool recipe__may_ignore(const struct model_command *command)
{
	const char *arg = command ? command->args.data : NULL, *end = arg ? arg + command->args.length : NULL;

	if (!arg || !tool__is_make(command))
		return false;
	while (arg < end && !asks_to_ignore(arg))
		arg += strlen(arg) + 1;
	return arg == end;
}

void recipe__ignored(const struct model_said *said, const struct brood *brood)
{
	struct line text = {said->text, said->length}, name = name_in(text);
	bool used[BROOD_MAX] = {false}, ignored;
	uint32_t code, at;

	while (text.length) {
		struct line line = take_line(&text);
		struct ending *ending;

		code = name.length ? code_of(line, name, &ignored) : 0;
		ending = code ? child_of(brood, used, code, &at) : NULL;
		if (!ending)
			continue;
		used[at] = true;
		ending->fate->ignored = ignored;
	}
}
