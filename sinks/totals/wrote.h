/* SPDX-License-Identifier: BSD-2-Clause */
/* How much processes that failed have written, with all below them. The last lines of a file may be those of others that have it
 * open too. */
#ifndef SINKS_TOTALS_WROTE_H
#define SINKS_TOTALS_WROTE_H

#include "core/base/base.h"
#include "sinks/model/model.h"

/* Bounded: what is beyond that is not known. */
struct wrote {
	struct hash processes; /* that failed, and those that have not ended and have something below them that wrote */
	bool full;
};

/* For each process, when it has ended. 0 or -ENOMEM. */
int wrote__process(struct wrote *wrote, const struct model_row *last);

/* Whose the bytes are by which a file has grown while a process that failed had it open. */
enum wrote_part {
	WROTE_ALL,     /* its own, or of those below it */
	WROTE_SOME,    /* others wrote, too */
	WROTE_NONE,    /* others wrote */
	WROTE_UNKNOWN, /* others may have written, too */
};

enum wrote_part wrote__part(const struct wrote *wrote, uint32_t pid, uint64_t start, uint64_t grown);

/* Whether it is known that neither it nor anything below it wrote. */
bool wrote__nothing(const struct wrote *wrote, uint32_t pid, uint64_t start);

/* Whether it is known that it, or something below it, did. */
bool wrote__anything(const struct wrote *wrote, uint32_t pid, uint64_t start);

void wrote__free(struct wrote *wrote);

#endif
