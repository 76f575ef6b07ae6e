/* SPDX-License-Identifier: BSD-2-Clause */
/* The environment of a command that runs as another user. */
#ifndef CORE_ACCOUNT_ENVIRONMENT_H
#define CORE_ACCOUNT_ENVIRONMENT_H

#include <stdbool.h>

struct passwd;

/* Makes the environment of a command for `user` from `from`: sets what names the user, leaves out what changes how a
 * program is loaded and what is the collector's own; the rest passes. With `clean` only the terminal's type, the
 * language and PATH pass. Returns an array terminated by NULL that is freed by environment__free(); NULL: no memory. */
char **environment__of(const struct passwd *user, char *const *from, bool clean);

void environment__free(char **environment); /* takes NULL */

#endif
