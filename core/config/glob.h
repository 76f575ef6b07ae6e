/* SPDX-License-Identifier: BSD-2-Clause */
/* Path patterns. */
#ifndef CORE_CONFIG_GLOB_H
#define CORE_CONFIG_GLOB_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the whole of `text` matches. `?` and `*` do not match a slash, `**` does; [a-z] and [!a-z] are sets of
 * characters other than a slash; a backslash escapes the next character. */
bool glob__match(const char *pattern, const char *text);

/* Length of the pattern's literal prefix. */
size_t glob__literal(const char *pattern);

#endif
