/* SPDX-License-Identifier: BSD-2-Clause */
/* Statistics of a short series: whether it grows, and how fast. */
#ifndef SINKS_DETECTOR_TREND_H
#define SINKS_DETECTOR_TREND_H

#include <stddef.h>

#define TREND_MAX 32 /* values */

/* The median of the slopes between all pairs (Theil-Sen), per step. */
double trend__slope(const double *values, size_t count);

/* Mann-Kendall's z, its variance corrected for the autocorrelation of the ranks around the slope (Hamed and Rao 1998): the
 * plain test finds trends in any series whose values depend on each other. Above 1.96: it grows. */
double trend__z(const double *values, size_t count);

#endif
