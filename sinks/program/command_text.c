/* SPDX-License-Identifier: BSD-2-Clause */
/* Formats what a process executes as a shell command. */
#include "sinks/program/program.h"

#include <string.h>

#include "core/format.h"

#define FIRST_PART 400 /* bytes of a long argument */
#define LAST_PART 200

/* Not within a character: moves back to its first byte. */
static size_t at_character(const char *arg, size_t at)
{
	for (int i = 0; i < 3 && at && ((unsigned char)arg[at] & 0xc0) == 0x80; i++)
		at--;
	return at;
}

static bool is_long(size_t bytes)
{
	return bytes > TEXT_ARGUMENT_MAX;
}

/* Its first and its last part, and how much is between them. */
static void put_parts(struct text *text, const char *arg, size_t length)
{
	size_t first = at_character(arg, FIRST_PART), last = at_character(arg, length - LAST_PART);
	uint64_t left_out = 0;
	char number[FORMAT_SIZE];

	for (size_t i = first; i < last; i++)
		left_out += ((unsigned char)arg[i] & 0xc0) != 0x80;
	text__argument(text, arg, first);
	text__printf(text, "[%s characters]", format__count(number, left_out));
	text__argument(text, arg + last, length - last);
}

bool model_list__has_long(const struct model_list *args)
{
	size_t n = 0;

	for (size_t at = 0; at < args->length && !is_long(n); at += n + 1)
		n = strnlen(args->data + at, args->length - at);
	return is_long(n);
}

static void put_argument(struct text *text, const char *arg, size_t length, size_t max)
{
	if (max == TEXT_ALL_ARGUMENTS && is_long(length)) {
		put_parts(text, arg, length);
		return;
	}
	text__argument(text, arg, length < max ? length : max);
	if (length > max)
		text__put(text, TEXT_ELLIPSIS, strlen(TEXT_ELLIPSIS));
}

void text__arguments(struct text *text, const struct model_list *args, bool folders, size_t max)
{
	size_t start = text->size;

	for (size_t at = 0, n; at < args->length; at += n + 1) {
		const char *arg = args->data + at, *slash;

		if (text->size - start > max) {
			text__printf(text, " " TEXT_ELLIPSIS);
			return;
		}
		n = strnlen(arg, args->length - at);
		slash = at || folders ? NULL : memrchr(arg, '/', n);
		if (slash && slash[1]) {
			n -= (size_t)(slash + 1 - arg);
			at += (size_t)(slash + 1 - arg);
			arg = slash + 1;
		}
		if (text->size > start)
			text__put(text, " ", 1);
		put_argument(text, arg, n, max);
	}
}

const char *model_command__forked(const struct model_command *command, const char *comm)
{
	return model_command__is_shell(command, comm) ? "a subshell of " : "fork of ";
}

static void put_command(struct text *text, const struct model_command *command, const char *comm, bool forked,
			size_t max)
{
	struct model_list args;

	if (forked)
		text__printf(text, "%s", model_command__forked(command, comm));
	if (command && command->args.length) {
		args = model_command__called(command);
		text__arguments(text, &args, false, max);
		if (args.reason == EVENT_REASON_TRUNCATED)
			text__printf(text, " " TEXT_ELLIPSIS);
	} else if (command && command->exe.data) {
		text__argument(text, command->exe.data, command->exe.length);
	} else {
		text__put(text, "[", 1);
		text__safe(text, comm, strlen(comm));
		text__put(text, "]", 1);
	}
}

void text__command(struct text *text, const struct model_command *command, const char *comm, bool forked)
{
	put_command(text, command, comm, forked, TEXT_COMMAND_MAX);
}

void text__whole_command(struct text *text, const struct model_command *command, const char *comm, bool forked)
{
	put_command(text, command, comm, forked, SIZE_MAX);
}

void text__all_arguments_of(struct text *text, const struct model_command *command, const char *comm, bool forked)
{
	put_command(text, command, comm, forked, TEXT_ALL_ARGUMENTS);
}

void text__replaced(struct text *text, const struct model_command *next)
{
	const char *name = model_command__name(next, "another program");

	text__printf(text, "replaced by ");
	text__safe(text, name, strlen(name));
}

/* "sort:" is Snakemake's for a job of the rule "sort" without wildcards. */
static bool repeats(const char *id, const char *step)
{
	size_t length = strlen(step);

	return !strncmp(id, step, length) && (!id[length] || !strcmp(id + length, ":"));
}

void text__step(struct text *text, const char *step, const char *tag, const char *id)
{
	text__safe(text, step, strlen(step));
	if (tag) {
		text__printf(text, " (");
		text__safe(text, tag, strlen(tag));
		text__printf(text, ")");
	} else if (id && !repeats(id, step)) {
		text__printf(text, " ");
		text__safe(text, id, strlen(id));
	}
}

void text__steps(struct text *text, const char *program, const char *step, const char *tag, const char *id,
		 const char *within)
{
	size_t before = text->size;

	if (tag || id || strcmp(step, program) != 0)
		text__step(text, step, tag, id);
	if (within)
		text__printf(text, "%s%s", text->size > before ? ", within " : "", within);
}
