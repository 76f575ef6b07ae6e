/* SPDX-License-Identifier: BSD-2-Clause */
/* What a process executes: made of the values of a record, named, and written as text. */
#ifndef SINKS_PROGRAM_PROGRAM_H
#define SINKS_PROGRAM_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "core/record.h"
#include "core/text.h"

/* Bytes as the kernel gave them, ended by a NUL that `length` does not count. */
struct model_text {
	const char *data; /* NULL: not known, see why */
	uint32_t length;
	uint8_t reason; /* reason of a null, or EVENT_REASON_TRUNCATED */
};

/* Consecutive strings, each ended by a NUL. */
struct model_list {
	const char *data;
	uint32_t length; /* bytes, with the NULs */
	uint32_t count;
	uint8_t reason;
};

/* What an exec made of a process. Shared by the process, its children and kept rows. */
struct model_command {
	uint32_t refs;
	uint32_t size; /* bytes in all */
	struct model_text exe, cwd;
	struct model_list args;
	struct model_list env; /* NAME=value, those that the configuration asked for; count 0: none */
	uint64_t uid;
};

/* ---- program.c ---- */

enum { COMMAND_EXE, COMMAND_ARGS, COMMAND_CWD, COMMAND_UID, COMMAND_ENV, COMMAND_FIELDS };

/* From the values of an exec; NULL: out of memory. */
struct model_command *model_command__new(const struct value *const fields[COMMAND_FIELDS], const uint8_t *end);
struct model_command *model_command__ref(struct model_command *command); /* takes NULL, as unref */
void model_command__unref(struct model_command *command);

/* A number of a record; null with its reason if it is not one. */
uint64_t value__number(const struct value *value);

/* The name a command is known by: the last part of its path, else `comm`. NUL-terminated, any bytes. */
const char *model_command__name(const struct model_command *command, const char *comm);

/* ---- command_text.c ---- */

#define TEXT_COMMAND_MAX 600 /* more than a person reads */

/* Appends arguments as a shell would take them, safe to show, cut after about `max` bytes; `folders`: with
 * those of argv[0]. */
void text__arguments(struct text *text, const struct model_list *args, bool folders, size_t max);

/* Appends what a process executes: its arguments, a script's without the interpreter; "[comm]" where
 * nothing better is known; "fork of ..." for one that executed nothing of its own. */
void text__command(struct text *text, const struct model_command *command, const char *comm, bool forked);

#endif
