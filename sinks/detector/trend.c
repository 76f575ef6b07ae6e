/* SPDX-License-Identifier: BSD-2-Clause */
/* Statistics of a short series: whether it grows, and how fast. */
#include "sinks/detector/trend.h"

#include <math.h>
#include <stdlib.h>

#define SIGNIFICANT 1.96 /* two-sided, 5 % */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

double trend__slope(const double *values, size_t count)
{
	double slopes[TREND_MAX * TREND_MAX / 2];
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		for (size_t k = i + 1; k < count; k++)
			slopes[n++] = (values[k] - values[i]) / (double)(k - i);
	qsort(slopes, n, sizeof(*slopes), compare);
	return n ? slopes[n / 2] : 0;
}

static void rank(const double *values, size_t count, double *ranks)
{
	for (size_t i = 0; i < count; i++) {
		ranks[i] = 0.5;
		for (size_t k = 0; k < count; k++)
			ranks[i] += values[k] < values[i] ? 1 : values[k] == values[i] ? 0.5 : 0;
	}
}

/* By how much fewer independent values there are than values. */
static double correction(const double *values, size_t count)
{
	double slope = trend__slope(values, count), rest[TREND_MAX], ranks[TREND_MAX], mean = ((double)count + 1) / 2;
	double n = (double)count, sum = 0, variance = 0;

	for (size_t i = 0; i < count; i++)
		rest[i] = values[i] - slope * (double)i;
	rank(rest, count, ranks);
	for (size_t i = 0; i < count; i++)
		variance += (ranks[i] - mean) * (ranks[i] - mean);
	for (size_t lag = 1; lag + 2 < count && variance > 0; lag++) {
		double r = 0, left = n - (double)lag;

		for (size_t i = 0; i + lag < count; i++)
			r += (ranks[i] - mean) * (ranks[i + lag] - mean);
		r /= variance;
		if (fabs(r) > SIGNIFICANT / sqrt(n))
			sum += left * (left - 1) * (left - 2) * r;
	}
	sum = 1 + 2 * sum / (n * (n - 1) * (n - 2));
	return sum < 1 ? 1 : sum;
}

double trend__z(const double *values, size_t count)
{
	double n = (double)count, s = 0, variance = n * (n - 1) * (2 * n + 5) / 18;

	if (count < 4 || count > TREND_MAX)
		return 0;
	for (size_t i = 0; i < count; i++)
		for (size_t k = i + 1; k < count; k++)
			s += values[k] > values[i] ? 1 : values[k] < values[i] ? -1 : 0;
	s -= s > 0 ? 1 : s < 0 ? -1 : 0;
	return s / sqrt(variance * correction(values, count));
}
