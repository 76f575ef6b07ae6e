/* SPDX-License-Identifier: BSD-2-Clause */
/* A sample of a series of unknown length: every value has the same chance to be kept. */
#include "sinks/advise/series.h"

#include <errno.h>
#include <stdlib.h>

static size_t kept(const struct series *series)
{
	return series->count < SERIES_KEPT ? (size_t)series->count : SERIES_KEPT;
}

/* Seeded: the same values give the same result. */
static uint64_t next_random(struct series *series)
{
	series->random = series->random * 6364136223846793005ULL + 1442695040888963407ULL;
	return series->random >> 33;
}

int series__add(struct series *series, double value)
{
	size_t capacity = series->capacity ? series->capacity * 2 : 8, at = kept(series);
	double *values;

	if (at == series->capacity && capacity <= SERIES_KEPT) {
		values = reallocarray(series->kept, capacity, sizeof(*values));
		if (!values)
			return -ENOMEM;
		series->kept = values;
		series->capacity = capacity;
	}
	if (!series->count++ || value > series->most)
		series->most = value;
	if (at == SERIES_KEPT)
		at = next_random(series) % series->count;
	if (at < SERIES_KEPT)
		series->kept[at] = value;
	return 0;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double series__p95(struct series *series)
{
	size_t count = kept(series);

	qsort(series->kept, count, sizeof(*series->kept), by_value);
	return series->kept[(count * 95 + 99) / 100 - 1];
}

void series__free(struct series *series)
{
	free(series->kept);
}
