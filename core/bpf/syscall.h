/* SPDX-License-Identifier: BSD-2-Clause */
/* The names of this architecture's system calls. */
#ifndef CORE_BPF_SYSCALL_H
#define CORE_BPF_SYSCALL_H

int syscall__number(const char *name); /* -1: there is none */
const char *syscall__name(int number); /* NULL: there is none */

#endif
