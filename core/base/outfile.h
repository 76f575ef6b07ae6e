/* SPDX-License-Identifier: BSD-2-Clause */
/* The file that output goes to: under a temporary name until it is whole. */
#ifndef CORE_BASE_OUTFILE_H
#define CORE_BASE_OUTFILE_H

#include <stddef.h>

#include "core/error.h"

struct outfile {
	int fd;
	const char *path; /* NULL: stdout */
	char *temporary;  /* NULL: written in place */
};

/* `path` NULL: stdout. A terminal, FIFO or device of that name is written to as it is. 0, or -errno with
 * a sentence in `err`; outfile__close() is not needed then. */
int outfile__open(struct outfile *out, const char *path, struct error *err);

/* `keep`: it gets its name, and replaces what had it; else it vanishes. 0, or -errno with a sentence. */
int outfile__close(struct outfile *out, int keep, struct error *err);

#endif
