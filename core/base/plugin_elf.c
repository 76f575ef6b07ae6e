/* SPDX-License-Identifier: BSD-2-Clause */
/* Compares the headers of a shared library with the size of its file. The rest is left to dlopen(). */
#include "core/base/plugin_elf.h"

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#define TRUNCATED "is truncated: install it again"
#define NO_LIBRARY "is not a shared library"

static bool is_within(uint64_t offset, uint64_t bytes, uint64_t size)
{
	return offset <= size && bytes <= size - offset;
}

static bool is_library(const Elf64_Ehdr *head)
{
	return !memcmp(head->e_ident, ELFMAG, SELFMAG) && head->e_ident[EI_CLASS] == ELFCLASS64 &&
	       head->e_type == ET_DYN && head->e_phentsize == sizeof(Elf64_Phdr) && head->e_phnum;
}

const char *plugin_elf__fault(int fd, uint64_t size)
{
	Elf64_Ehdr head;
	Elf64_Phdr segment;

	if (pread(fd, &head, sizeof(head), 0) != sizeof(head) || !is_library(&head))
		return NO_LIBRARY;
	if (!is_within(head.e_shoff, (uint64_t)head.e_shnum * head.e_shentsize, size))
		return TRUNCATED;
	for (unsigned i = 0; i < head.e_phnum; i++) {
		uint64_t at = head.e_phoff + i * sizeof(segment);

		if (!is_within(at, sizeof(segment), size) ||
		    pread(fd, &segment, sizeof(segment), at) != sizeof(segment) ||
		    !is_within(segment.p_offset, segment.p_filesz, size))
			return TRUNCATED;
		if (segment.p_type == PT_LOAD && segment.p_memsz < segment.p_filesz)
			return NO_LIBRARY;
	}
	return NULL;
}
