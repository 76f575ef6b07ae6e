/* SPDX-License-Identifier: BSD-2-Clause */
/* The account that parses what other users wrote when root asks for it: it has no right that it could give away. */
#ifndef CORE_BASE_APART_H
#define CORE_BASE_APART_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "core/error.h"

struct account {
	bool apart; /* a process of its own is needed: this one has rights */
	uid_t uid;
	gid_t gid;
	bool shared;   /* other processes may have its group */
	char name[64]; /* for its other groups; "": it has none */
};

/* For root: the caller of sudo, else the account `collector`, else UID 65534 with a group of its own. For an ordinary user with
 * capabilities, and in a user namespace or container that does not allow another UID: the same one without capabilities. */
void account__find(struct account *account);

/* Forks a process that has the account, no capability and no way to get one, and that ends with this one. Call it while this
 * process has one thread. 0 in the child, its PID in the parent, or -errno; a child that cannot drop its rights logs
 * why and exits with EXIT_FAILED. */
pid_t account__fork(const struct account *account);

/* Waits for it. Its exit code, or minus the signal that killed it. */
int account__wait(pid_t pid);

/* Calls `work` by such a process, or by this one if that has no rights. Returns its exit code. */
int account__call(const struct account *account, int (*work)(void *arg), void *arg);

/* Gives a folder or file that this process has made to the account. 0 or -errno. */
int account__give(const struct account *account, int fd);

/* Takes it with all that is in it back, once the account's process has ended: the account then has no way to change it. 0, or
 * -EPERM if there is anything but folders and files in it. */
int account__take(const struct account *account, int fd);

/* Lets the account read what is in a folder of this process's, and only read. 0 or -errno. */
int account__share(const struct account *account, int folder);

/* Whether it can list a folder, by its mode. */
bool account__can_list(const struct account *account, const struct stat *folder);

/* Whether it can read a folder with all that is in it, or a file. What is hidden, such as .compact in a lake, does not count. */
bool account__can_read(const struct account *account, int fd);

#endif
