/* SPDX-License-Identifier: BSD-2-Clause */
/* A probe that greets: everything about it is data. */
#include "core/probe.h"

#include "probes/hello/hello.h"
#include "probes/hello/hello.skel.h"

static const struct schema_field greeting[] = {
	FIELD(struct hello_greeting, comm, NULL, "name of the program"),
	FIELD(struct hello_greeting, uptime_ns, "ns", "since the process was born"),
	FIELD(struct hello_greeting, answer, NULL, "to everything"),
	{0},
};

static const struct schema_event events[] = {
	EVENT(HELLO_GREETING, struct hello_greeting, "greeting", "a program was run", greeting),
};

PROBE(hello, "greets every program", events);
