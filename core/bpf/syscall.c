/* SPDX-License-Identifier: BSD-2-Clause */
/* Looks system calls up in the table that the build makes. */
#include "core/bpf/syscall.h"

#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>

#include "core/bpf/syscalls.h"

#define COUNT (sizeof(syscall_names) / sizeof(syscall_names[0]))

int syscall__number(const char *name)
{
	for (size_t i = 0; i < COUNT; i++)
		if (!strcmp(syscall_names[i].name, name))
			return syscall_names[i].number;
	return -1;
}

const char *syscall__name(int number)
{
	for (size_t i = 0; i < COUNT; i++)
		if (syscall_names[i].number == number)
			return syscall_names[i].name;
	return NULL;
}
