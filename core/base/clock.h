/* SPDX-License-Identifier: BSD-2-Clause */
/* Clocks in nanoseconds, above all the one that the kernel's events are stamped by. */
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

/* What bpf_ktime_get_boot_ns() says. */
static inline uint64_t clock__boot(void)
{
	return clock__ns(CLOCK_BOOTTIME);
}

#endif
