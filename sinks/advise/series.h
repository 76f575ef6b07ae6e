/* SPDX-License-Identifier: BSD-2-Clause */
/* Values of many tasks: the greatest of all, and the one that 95 of 100 do not exceed. */
#ifndef SINKS_ADVISE_SERIES_H
#define SINKS_ADVISE_SERIES_H

#include <stddef.h>
#include <stdint.h>

#define SERIES_KEPT 4096 /* of more values, a random sample of this size is kept */

struct series {
	uint64_t count, random;
	double most;
	double *kept;
	size_t capacity;
};

int series__add(struct series *series, double value); /* 0 or -ENOMEM */
double series__p95(struct series *series);	      /* of one value or more */
void series__free(struct series *series);

/* Without its fraction; a forged record may give more than any number holds, which is the most that there can be. */
static inline uint64_t series__whole(double value)
{
	const uint64_t most = 1ULL << 62;

	return value >= (double)most ? most : (uint64_t)value;
}

#endif
