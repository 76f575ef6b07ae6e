/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes that wait on disk until all have come: a file without a name that grows, then a mapping of it. What is kept for
 * each process of a run so takes no memory that the kernel cannot take back. */
#ifndef SINKS_TABLES_SPOOL_H
#define SINKS_TABLES_SPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "core/buffer.h"

struct spool {
	int fd; /* -1: none */
	struct buffer pending;
	uint64_t size; /* pending bytes too */
	void *map;     /* NULL: none, or empty */
};

/* In the folder, by its descriptor. 0 or -errno. */
int spool__open(struct spool *spool, int folder, const char *name);
int spool__put(struct spool *spool, const void *bytes, size_t size);

/* Maps what was put, to read and change; nothing can be put any more. 0 or -errno. */
int spool__map(struct spool *spool);
void spool__forget(const struct spool *spool); /* lets the kernel take back what was read */
void spool__free(struct spool *spool);	       /* also one that was not opened, with fd -1 */

#endif
