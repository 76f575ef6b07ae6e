/* SPDX-License-Identifier: BSD-2-Clause */
/* A sink that was built for version 1 of the ABI: it must be refused before any of its code runs. */
#include <stdlib.h>

#include "core/sink.h"

static int old__open(const struct sink_api *api, const void *conf, void **state)
{
	(void)api;
	(void)conf;
	(void)state;
	abort();
}

static int old__write(void *state, const struct record *record)
{
	(void)state;
	(void)record;
	abort();
}

static const struct sink old = {
	.abi = SINK_ABI,
	.size = sizeof(struct sink),
	.name = "old_sink",
	.help = "was built long ago",
	.open = old__open,
	.write = old__write,
	.close = free,
};

SINK_EXPORT const struct sink *const collector_sink;
const struct sink *const collector_sink = &old;
