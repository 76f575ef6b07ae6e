/* SPDX-License-Identifier: BSD-2-Clause */
/* Becoming another user, for a process that is about to execute a program. */
#ifndef CORE_ACCOUNT_USER_H
#define CORE_ACCOUNT_USER_H

#include <sys/types.h>

struct passwd;

/* A copy of a user's entry, by name, or if that is NULL by id; the caller frees it as a whole. NULL: there is none. */
struct passwd *user__find(const char *name, uid_t uid);

/* Takes the user's ids and groups and gives up all capabilities, the priority limits, the session keyring and a umask
 * that lets others write. The process can then not be traced by that user until it executes a program. 0 or -errno. */
int user__become(const struct passwd *user);

/* Has all descriptors above 2 closed by a successful exec. */
void user__close_on_exec(void);

/* Closes all descriptors above 2 but those in `keep`, terminated by -1. */
void user__close_but(const int *keep);

#endif
