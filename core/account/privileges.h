/* SPDX-License-Identifier: BSD-2-Clause */
/* What the recorder gives up once everything is attached, for good; and what remains, with the reason. */
#ifndef CORE_ACCOUNT_PRIVILEGES_H
#define CORE_ACCOUNT_PRIVILEGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct probes;

#define PRIVILEGES_REMAIN 5
#define PRIVILEGES_TEXT 256

struct privileges {
	uid_t uid; /* of the account to change to */
	gid_t gid;
	bool changes;  /* the account can be changed */
	bool empties;  /* the bounding set can be emptied */
	bool filters;  /* a seccomp filter can be installed */
	uint64_t keep; /* capabilities */
	int *syscalls; /* of the probes, beside the loop's; owned */
	size_t syscalls_count;
	char account[64]; /* its name and number */
	char text[PRIVILEGES_REMAIN][PRIVILEGES_TEXT];
	const char
		*remain[PRIVILEGES_REMAIN + 1]; /* what remains: "account: ...", "capabilities: ..."; ended by NULL */
};

/* Finds what can be given up, without giving up anything. `watched`: the account of the command, which is
 * not taken. `probes`: NULL: none. `works`: whether the loop works with the capabilities that are left. 0 or -errno,
 * logged. */
int privileges__plan(struct privileges *p, uid_t watched, struct probes *probes, bool (*works)(void *arg), void *arg);

/* The caller's limits on the size of files, CPU time and memory are for the command: raises what is this process's, as far as
 * it may. What is left is logged. */
void privileges__raise_limits(void);

/* Gives up all but system calls: account, capabilities, core dumps, being traced, gaining by exec. Threads come after
 * it. 0 or -errno, logged. */
int privileges__drop(const struct privileges *p);

/* Restricts the system calls of all threads. 0 or -errno, logged. */
int privileges__filter(const struct privileges *p);

void privileges__free(struct privileges *p);

#endif
