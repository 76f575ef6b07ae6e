/* SPDX-License-Identifier: BSD-2-Clause */
/* A probe that is built outside of the tree, from the installed headers alone. */
#include "core/probe.h"

#include <errno.h>

#include "hello.h"
#include "hello.skel.h"

static const struct schema_field greeting_fields[] = {
	FIELD(struct hello_greeting, comm, NULL, "name of the program"),
	FIELD(struct hello_greeting, uptime_ns, "ns", "since the process was born"),
	FIELD(struct hello_greeting, answer, NULL, "to everything"),
	{0},
};

static const struct schema_event events[] = {
	[HELLO_GREETING] = {"greeting", "a program was run", greeting_fields, sizeof(struct hello_greeting)},
};

static const char *const hooks[] = {"tp_btf/sched_process_exec", NULL};

static int hello__open(const struct core_api *api, const void *conf, struct bpf_object_skeleton **skel, void **state)
{
	struct hello_bpf *bpf = hello_bpf__open_opts(api->bpf_opts);

	(void)conf;
	if (!bpf)
		return -errno;
	bpf->rodata->scope_slot = api->scope_slot;
	*skel = bpf->skeleton;
	*state = bpf;
	return 0;
}

static void hello__close(void *state)
{
	hello_bpf__destroy(state);
}

static const struct probe hello = {
	.abi = PROBE_ABI,
	.size = sizeof(hello),
	.name = "hello",
	.help = "greets every program",
	.events = events,
	.events_count = sizeof(events) / sizeof(events[0]),
	.hooks = hooks,
	.ring_bytes = 1 << 20,
	.open = hello__open,
	.close = hello__close,
};

PROBE_EXPORT const struct probe *const collector_probe;
const struct probe *const collector_probe = &hello;
