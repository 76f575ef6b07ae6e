/* SPDX-License-Identifier: BSD-2-Clause */
/* The recorder's system calls: those of its loop, and those that a probe declares (core/probe.h). Others fail with EPERM. */
#ifndef CORE_ACCOUNT_SECCOMP_H
#define CORE_ACCOUNT_SECCOMP_H

#include <stddef.h>

/* NULL if seccomp__install() can work here, else the reason. */
const char *seccomp__unavailable(void);

/* Restricts all threads of this process for good, to the loop's system calls and `more`; needs NO_NEW_PRIVS.
 * 0 or -errno. */
int seccomp__install(const int *more, size_t count);

#endif
