/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers for people: about three digits and a fitting unit. */
#include "core/format.h"

#include <stdio.h>
#include <string.h>

static unsigned long long rounded(uint64_t value, uint64_t unit)
{
	return value / unit + (value % unit >= unit - unit / 2);
}

char *format__duration(char *out, uint64_t ns)
{
	unsigned long long tenths = rounded(ns, 100000000), s = rounded(ns, 1000000000);
	unsigned long long us = rounded(ns, 1000), ms_tenths = rounded(ns, 100000);

	if (!ns)
		strcpy(out, "0 s");
	else if (us < 1000)
		snprintf(out, FORMAT_SIZE, "%llu us", us);
	else if (ms_tenths < 100)
		snprintf(out, FORMAT_SIZE, "%llu.%llu ms", ms_tenths / 10, ms_tenths % 10);
	else if (rounded(ns, 1000000) < 1000)
		snprintf(out, FORMAT_SIZE, "%llu ms", rounded(ns, 1000000));
	else if (tenths < 600)
		snprintf(out, FORMAT_SIZE, "%llu.%llu s", tenths / 10, tenths % 10);
	else if (s < 3600)
		snprintf(out, FORMAT_SIZE, "%llum %02llus", s / 60, s % 60);
	else if (s < 86400)
		snprintf(out, FORMAT_SIZE, "%lluh %02llum", s / 3600, s / 60 % 60);
	else
		snprintf(out, FORMAT_SIZE, "%llud %02lluh", s / 86400, s / 3600 % 24);
	return out;
}

char *format__bytes(char *out, uint64_t bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	uint64_t unit = 1;
	int i = 0;

	while (i < 6 && rounded(bytes, unit) >= 1024) {
		unit *= 1024;
		i++;
	}
	if (i && bytes < UINT64_MAX / 10 && rounded(bytes * 10, unit) < 100)
		snprintf(out, FORMAT_SIZE, "%llu.%llu %s", rounded(bytes * 10, unit) / 10,
			 rounded(bytes * 10, unit) % 10, units[i]);
	else
		snprintf(out, FORMAT_SIZE, "%llu %s", rounded(bytes, unit), units[i]);
	return out;
}

char *format__count(char *out, uint64_t count)
{
	char digits[FORMAT_SIZE];
	int n = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)count), at = 0;

	for (int i = 0; i < n; i++) {
		if (i && (n - i) % 3 == 0)
			out[at++] = ',';
		out[at++] = digits[i];
	}
	out[at] = '\0';
	return out;
}
