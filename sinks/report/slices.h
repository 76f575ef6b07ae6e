/* SPDX-License-Identifier: BSD-2-Clause */
/* CPU and memory over time, by name, in a fixed number of time slices: their length doubles as the run gets longer.
 * The greatest names have a series of their own, the others share one. */
#ifndef SINKS_REPORT_SLICES_H
#define SINKS_REPORT_SLICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sinks/report/intern.h"

#define SERIES_SLICES 8192
#define SERIES_MAX 48 /* kept at one time */

enum series_what { SERIES_CPU, SERIES_MEMORY, SERIES_WHATS };

struct series {
	struct series_name *owner; /* NULL: the others share it */
	double total[SERIES_WHATS];
	float slices[SERIES_WHATS][SERIES_SLICES]; /* ns of CPU; byte seconds */
};

struct series_set {
	struct intern *strings;
	struct hash names;
	struct series *all[SERIES_MAX + 1]; /* the others' first */
	size_t count;
	uint64_t slice_ns; /* 0: no data yet */
	double total[SERIES_WHATS];
};

/* Adds what was used in [from, until): ns of CPU, or the bytes held all the time. 0 or -ENOMEM. */
int series__add(struct series_set *set, const char *name, enum series_what what, uint64_t from, uint64_t until,
		uint64_t amount);

/* The greatest names first, the others last; returns the number of series, at most `most` and the others. */
size_t series__greatest(struct series_set *set, size_t most);

/* NULL: that of the others. */
const struct intern_string *series__name(const struct series *series);

/* ---- slices of equal length, also a process's ---- */

/* Adds `rate` per ns of [from, until). */
void slices__spread(float *slices, uint64_t slice_ns, uint64_t from, uint64_t until, double rate);

/* Makes half as many, twice as long. */
void slices__merge_pairs(float *slices, size_t count);

void series__free(struct series_set *set);

#endif
