/* SPDX-License-Identifier: BSD-2-Clause */
/* What a process executes: read from a record's values, named, and formatted as text. */
#ifndef SINKS_PROGRAM_PROGRAM_H
#define SINKS_PROGRAM_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "core/record.h"
#include "core/text.h"

/* Bytes as the kernel gave them, ended by a NUL that `length` does not count. */
struct model_text {
	const char *data; /* NULL: not known, see `reason` */
	uint32_t length;
	uint8_t reason; /* reason of a null, or EVENT_REASON_TRUNCATED */
};

/* Consecutive strings, each ended by a NUL. */
struct model_list {
	const char *data;
	uint32_t length; /* bytes, including the NULs */
	uint32_t count;
	uint8_t reason;
};

/* The result of an exec. Shared by the process, its children and kept rows. */
struct model_command {
	uint32_t refs;
	uint32_t size; /* total bytes */
	struct model_text exe, cwd, cgroup;
	struct model_text errors; /* path of its descriptor 2, if that was a file */
	struct model_list args;
	struct model_list env; /* NAME=value, those selected by the configuration; count 0: none */
	uint64_t uid;
	uint64_t pipe; /* inode of its descriptor 2, if that was a pipe; else 0 */
	bool silent;   /* it was /dev/null */
};

/* ---- program.c ---- */

enum {
	COMMAND_EXE,
	COMMAND_ARGS,
	COMMAND_CWD,
	COMMAND_UID,
	COMMAND_CGROUP,
	COMMAND_ENV,
	COMMAND_STDERR,
	COMMAND_FIELDS
};

/* From the values of an exec record; NULL: out of memory. */
struct model_command *model_command__new(const struct value *const fields[COMMAND_FIELDS], const uint8_t *end);
struct model_command *model_command__ref(struct model_command *command); /* takes NULL, as unref */
void model_command__unref(struct model_command *command);

/* A number of a record; else null with its reason. */
uint64_t value__number(const struct value *value);

/* Whether a value of a record is this text. */
bool value__is(const struct value *value, const char *text);

/* An item of a map, as of those for descriptor 2; a null: it has none. */
struct value value__item_of(const struct value *map, const uint8_t *end, const char *key);

bool value__is_true(const struct value *value);

/* The name of a command: the last part of its path, else `comm`. That of argv[0] if it was executed by a descriptor
 * (fexecve of a memfd) or as /proc/self/exe; busybox and its like are what they are called. NUL-terminated, any bytes. */
const char *model_command__name(const struct model_command *command, const char *comm);

/* The value of a variable of its environment; NULL: it has none, or the configuration did not select it. */
const char *model_command__variable(const struct model_command *command, const char *name);

/* Its arguments as it was called: a script's without the interpreter. Valid as long as the command. */
struct model_list model_command__called(const struct model_command *command);

/* Whether a name is in a list. */
bool program__is_one_of(const char *name, const char *const *names, size_t count);

/* Whether it is a shell, whose forks are subshells. */
bool model_command__is_shell(const struct model_command *command, const char *comm);

/* Whether it is a shell that reads its commands, as from a terminal: called with -i, or without a script and -c. */
bool model_command__is_interactive(const struct model_command *command, const char *comm);

/* The command line that a shell was called with, by -c, and goes through whatever fails of it: without set -e. NULL: none. */
const char *model_command__shell_line(const struct model_command *command, const char *comm);

/* Whether it was called for its version or its help: tool --version, java -jar x.jar Tool --version. */
bool model_command__asks(const struct model_command *command);

/* The same, or without an argument. */
bool model_command__asks_little(const struct model_command *command);

/* ---- timeout.c ---- */

/* Whether a timeout(1) that ran so long, and exited 124, has ended its command: else that exited 124. True as well if it is not
 * known, as when `wall_ns` is null. */
bool model_command__timed_out(const struct model_command *command, uint64_t wall_ns);

/* ---- command_text.c ---- */

#define TEXT_COMMAND_MAX 600 /* more than a person reads */

/* What stands before the command of a process that executed nothing: "a subshell of ", "fork of ". */
const char *model_command__forked(const struct model_command *command, const char *comm);

/* Appends arguments in shell syntax, safe to show, cut after about `max` bytes; `folders`: keep those of argv[0].
 * TEXT_ALL_ARGUMENTS: each of them, but of one that is longer than TEXT_ARGUMENT_MAX bytes the first and the last part. */
#define TEXT_ALL_ARGUMENTS (SIZE_MAX - 1)
#define TEXT_ARGUMENT_MAX 2000 /* a script of sh -c, or a recipe of make, is shorter: it is to be run again */
void text__arguments(struct text *text, const struct model_list *args, bool folders, size_t max);

bool model_list__has_long(const struct model_list *args); /* whether it has an argument longer than that */

/* Appends a task as its engine would: "ALIGN (bee)"; "ALIGN 3f/ab12cd" without a tag. Both may be NULL; an id
 * that only repeats the step is left out. */
void text__step(struct text *text, const char *step, const char *tag, const char *id);

/* The same, but nothing if it only repeats the name of a program; then the steps around it, safe to show, or NULL. */
void text__steps(struct text *text, const char *program, const char *step, const char *tag, const char *id,
		 const char *within);

/* Appends what a process executes: its arguments, a script's without the interpreter; "[comm]" if they are not known;
 * "a subshell of ..." or "fork of ..." if it executed nothing. */
void text__command(struct text *text, const struct model_command *command, const char *comm, bool forked);
void text__replaced(struct text *text, const struct model_command *next); /* "replaced by seq" */
void text__whole_command(struct text *text, const struct model_command *command, const char *comm,
			 bool forked); /* uncut */
void text__all_arguments_of(struct text *text, const struct model_command *command, const char *comm,
			    bool forked); /* as TEXT_ALL_ARGUMENTS has it */

#endif
