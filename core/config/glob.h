/* SPDX-License-Identifier: BSD-2-Clause */
/* Path patterns. */
#ifndef CORE_CONFIG_GLOB_H
#define CORE_CONFIG_GLOB_H

#include <stdbool.h>
#include <stddef.h>

/* Whether `text` matches a pattern as a whole. `?` and `*` stop at a slash and `**` does not, [a-z] and
 * [!a-z] are sets of characters other than a slash, a backslash takes the next character as it is. */
bool glob__match(const char *pattern, const char *text);

/* How many characters of the pattern stand for themselves before the first that does not. */
size_t glob__literal(const char *pattern);

#endif
