/* SPDX-License-Identifier: BSD-2-Clause */
/* Looks system calls up in the table that the build makes: names by their numbers, NULL where there is none. */
#include "core/bpf/syscall.h"

#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>

#include "core/bpf/syscalls.h"

#define COUNT (sizeof(syscall_names) / sizeof(syscall_names[0]))

int syscall__number(const char *name)
{
	for (size_t i = 0; i < COUNT; i++)
		if (syscall_names[i] && !strcmp(syscall_names[i], name))
			return (int)i;
	return -1;
}

const char *syscall__name(int number)
{
	return number >= 0 && (size_t)number < COUNT ? syscall_names[number] : NULL;
}
