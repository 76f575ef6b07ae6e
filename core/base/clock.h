/* SPDX-License-Identifier: BSD-2-Clause */
/* Clocks in nanoseconds, above all the one that stamps the kernel's events. */
#ifndef CORE_BASE_CLOCK_H
#define CORE_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock__ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* The clock of bpf_ktime_get_boot_ns(): CLOCK_BOOTTIME of the initial time namespace. */
uint64_t clock__boot(void);

#endif
