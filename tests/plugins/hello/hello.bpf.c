/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Greets every program that a watched process runs. */
#include "core/probe.bpf.h"
#include "probes/hello/hello.h"

ON_EXEC(hello_greeting, task, w, filename)
{
	struct hello_greeting *e = event__reserve(struct hello_greeting, HELLO_GREETING, task, w);

	if (!e)
		return;
	e->uptime_ns = e->head.ts - e->head.start;
	e->answer = 42;
	e->zero = 0;
	__builtin_memcpy(e->comm, task->comm, EVENT_COMM);
	event__submit(e);
}
