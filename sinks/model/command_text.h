/* SPDX-License-Identifier: BSD-2-Clause */
/* What a process executes, as text for people. */
#ifndef SINKS_MODEL_COMMAND_TEXT_H
#define SINKS_MODEL_COMMAND_TEXT_H

#include "core/text.h"
#include "sinks/model/model.h"

/* Appends arguments as a shell would take them, safe as above, cut after about `max` bytes; `folders`: with
 * those of argv[0]. */
#define TEXT_COMMAND_MAX 600 /* more than anyone reads */
void text__arguments(struct text *text, const struct model_list *args, bool folders, size_t max);

/* Appends what a process executes: its arguments, a script's without the interpreter; "[comm]" where
 * nothing better is known; "fork of ..." for one that executed nothing of its own. */
void text__command(struct text *text, const struct model_command *command, const char *comm, bool forked);

#endif
