/* SPDX-License-Identifier: BSD-2-Clause */
/* Folders by descriptor: a path that another user can change is not used twice. */
#ifndef CORE_BASE_DIR_H
#define CORE_BASE_DIR_H

#include <stddef.h>

/* Opens a folder below another one, or below AT_FDCWD, that is not a link. A descriptor or -errno. */
int dir__open(int folder, const char *name);

/* Calls `call` for each entry of the folder, which stays open. 0, -errno, or what the call returned. */
int dir__each(int folder, int (*call)(int folder, const char *name, void *arg), void *arg);

/* mkdtemp() below a descriptor: makes PREFIX-XXXXXX with mode 0700 and opens it. A descriptor with its name in `name`, or
 * -errno with an empty one. */
int dir__make(int folder, const char *prefix, char *name, size_t size);

/* Removes all that is in the folder, as far as that is possible. */
void dir__empty(int folder);

/* Copies the files of one folder into another, with the folders below it: without links, what is hidden, and files that neither
 * root nor the owner of the folder can have put there, as hard links. 0 or -errno. */
int dir__copy(int from, int to);
int dir__copy_file(int from, int to, const char *name); /* an open file */

/* The folder $VARIABLE or, unless that is set, BELOW in HOME, if it belongs to this user or to root: sudo may keep the HOME of
 * its caller. Allocated; NULL if there is none. */
char *dir__of_user(const char *variable, const char *below);

#endif
