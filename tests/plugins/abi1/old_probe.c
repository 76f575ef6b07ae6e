/* SPDX-License-Identifier: BSD-2-Clause */
/* A probe that was built for version 1 of the ABI: it must be refused before any of its code runs. */
#include <stdlib.h>

#include "core/probe.h"

static const char *const hooks[] = {"tp_btf/sched_process_exec", NULL};

static int old__open(const struct core_api *api, const void *conf, struct bpf_object_skeleton **skel, void **state)
{
	(void)api;
	(void)conf;
	(void)skel;
	(void)state;
	abort();
}

static const struct probe old = {
	.abi = PROBE_ABI,
	.size = sizeof(struct probe),
	.name = "old_probe",
	.help = "was built long ago",
	.hooks = hooks,
	.ring_bytes = 1 << 20,
	.open = old__open,
	.close = free,
};

PROBE_EXPORT const struct probe *const collector_probe;
const struct probe *const collector_probe = &old;
