/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of programs, applied to shell code. */
#ifndef CORE_CONFIG_REDACT_SHELL_H
#define CORE_CONFIG_REDACT_SHELL_H

#include "core/buffer.h"
#include "core/config/redact_table.h"

#define REDACT_HIDDEN "***" /* in place of a secret */

/* Whether this is the name of a secret: the argument after it is one. */
typedef bool (*redact_is_name)(void *arg, const char *text, size_t length);

/* Appends the code to `out` with its secrets hidden. 1, 0 if it has none, or -ENOMEM. */
int redact_script__hide(const struct redact_table *table, const char *text, size_t length, struct buffer *out,
			redact_is_name is_name, void *arg);

#endif
