/* SPDX-License-Identifier: BSD-2-Clause */
/* Device numbers as the kernel has them, for probes. */
#ifndef CORE_DEVICE_H
#define CORE_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/sysmacros.h>

#define DEVICE_MINOR_BITS 20
#define DEVICE_NULL (1U << DEVICE_MINOR_BITS | 3) /* /dev/null */

/* As stat() shows it. */
static inline uint64_t device__shown(uint32_t device)
{
	return makedev(device >> DEVICE_MINOR_BITS, device & ((1U << DEVICE_MINOR_BITS) - 1));
}

/* The numbers of terminals, from the kernel's list of devices: pty, console, tty, USB, serial, Unix98 pty, hypervisor. */
static inline bool device__is_terminal(uint32_t device)
{
	static const unsigned char first[] = {3, 4, 5, 136, 166, 188, 204, 229},
				   last[] = {3, 4, 5, 143, 166, 188, 204, 229};
	uint32_t major = device >> DEVICE_MINOR_BITS;

	for (size_t i = 0; i < sizeof(first); i++)
		if (major >= first[i] && major <= last[i])
			return true;
	return false;
}

#endif
