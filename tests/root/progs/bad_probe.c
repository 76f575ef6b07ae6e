/* SPDX-License-Identifier: BSD-2-Clause */
/* A probe with one fault, chosen when it is compiled: -DBAD_ABI, -DBAD_SIZE, -DBAD_NAME, -DNO_SYMBOL,
 * -DNO_LIBRARY (needs a function that nobody has), -DCRASH, -DREFUSE (its open() says no). */
#include <errno.h>
#include <stdlib.h>

#include "core/probe.h"

void nobody_has_this(void);

static int bad__open(const struct core_api *api, const void *conf, struct bpf_object_skeleton **skel, void **state)
{
	(void)api;
	(void)conf;
	(void)skel;
	(void)state;
#ifdef CRASH
	*(volatile int *)8 = 0;
#endif
#ifdef NO_LIBRARY
	nobody_has_this();
#endif
	return -EOPNOTSUPP;
}

static void bad__close(void *state)
{
	(void)state;
}

static const struct probe bad = {
#ifdef BAD_ABI
	.abi = PROBE_ABI + 1,
#else
	.abi = PROBE_ABI,
#endif
#ifdef BAD_SIZE
	.size = 16,
#else
	.size = sizeof(bad),
#endif
#ifdef BAD_NAME
	.name = "good",
#else
	.name = "bad",
#endif
	.help = "has a fault",
	.ring_bytes = 65536,
	.open = bad__open,
	.close = bad__close,
};

#ifdef NO_SYMBOL
PROBE_EXPORT const struct probe *const other_symbol;
const struct probe *const other_symbol = &bad;
#else
PROBE_EXPORT const struct probe *const collector_probe;
const struct probe *const collector_probe = &bad;
#endif
