/* SPDX-License-Identifier: BSD-2-Clause */
/* An output file, under a temporary name until it is complete. */
#ifndef CORE_BASE_OUTFILE_H
#define CORE_BASE_OUTFILE_H

#include <stddef.h>

#include "core/base/apart.h"
#include "core/error.h"

struct outfile {
	int fd;
	const char *path; /* NULL: stdout */
	char *temporary;  /* NULL: written in place */
};

/* `path` NULL: stdout. A terminal, FIFO or device is written in place. 0, or -errno with a sentence in `err`;
 * outfile__close() is not needed then. */
int outfile__open(struct outfile *out, const char *path, struct error *err);

/* Appends to what is there, and does not remove it: for a regular file, also stdout, it can be read back, too. */
int outfile__append(struct outfile *out, const char *path, struct error *err);

/* Calls `work` by a process of the account, which owns the file meanwhile. Returns its exit code. */
int outfile__work(struct outfile *out, const struct account *account, int (*work)(void *arg), void *arg);

/* `keep`: renames it to its path, replacing an existing file; else removes it. 0, or -errno with a sentence. */
int outfile__close(struct outfile *out, int keep, struct error *err);

#endif
