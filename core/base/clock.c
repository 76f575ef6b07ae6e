/* SPDX-License-Identifier: BSD-2-Clause */
/* The clock of the kernel's events, as user space sees it. */
#include "core/base/clock.h"

#include <stdbool.h>
#include <stdio.h>

/* What a time namespace adds to CLOCK_BOOTTIME for its processes, but not for BPF programs. */
static int64_t read_offset(void)
{
	FILE *file = fopen("/proc/self/timens_offsets", "re");
	long long seconds, ns;
	int64_t offset = 0;
	char line[128];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "boottime %lld %lld", &seconds, &ns) == 2)
			offset = seconds * 1000000000 + ns;
	if (file)
		fclose(file);
	return offset;
}

uint64_t clock__boot(void)
{
	static int64_t offset;
	static bool known;

	if (!known) {
		offset = read_offset();
		known = true;
	}
	return clock__ns(CLOCK_BOOTTIME) - offset;
}
