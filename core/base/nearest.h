/* SPDX-License-Identifier: BSD-2-Clause */
/* "Unknown option: did you mean ...?": the candidate nearest to a name that is not known. */
#ifndef CORE_BASE_NEAREST_H
#define CORE_BASE_NEAREST_H

#include <stddef.h>

#include "core/error.h"

/* Start with { .name = NAME }, offer every candidate, then read `best` or call nearest__append(). */
struct nearest {
	const char *name;      /* as the user wrote it */
	const char *best;      /* the likely candidate, or NULL */
	unsigned int distance; /* of best, in edits */
	char known[256];       /* all candidates: "a, b, c" */
	size_t known_length;
};

void nearest__offer(struct nearest *nearest, const char *candidate);

/* Appends `: did you mean "best"?`, or the names of the candidates, or that there are none. */
void nearest__append(const struct nearest *nearest, struct error *err);

#endif
