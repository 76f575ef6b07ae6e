/* SPDX-License-Identifier: BSD-2-Clause */
/* The clock that the kernel's events are stamped by. */
#ifndef CORE_CLOCK_H
#define CORE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* CLOCK_BOOTTIME in nanoseconds: what bpf_ktime_get_boot_ns() says. */
static inline uint64_t clock__boot(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

#endif
