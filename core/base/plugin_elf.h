/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether a shared library is whole: dlopen() maps what its headers say and dies of SIGBUS if the file is shorter. */
#ifndef CORE_BASE_PLUGIN_ELF_H
#define CORE_BASE_PLUGIN_ELF_H

#include <stdint.h>

/* `size`: of the file. NULL, or what is wrong with it. */
const char *plugin_elf__fault(int fd, uint64_t size);

#endif
