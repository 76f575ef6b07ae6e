// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Greets every program that a watched process runs. */
#include "core/probe.bpf.h"
#include "hello.h"

SEC("tp_btf/sched_process_exec")
int BPF_PROG(hello_exec, struct task_struct *task)
{
	struct scope_entry *w = scope__find(task);
	struct hello_greeting *e;

	if (!w)
		return 0;
	e = event__reserve(struct hello_greeting, HELLO_GREETING, task, w);
	if (!e)
		return 0;
	e->uptime_ns = e->head.ts - e->head.start;
	e->answer = 42;
	e->zero = 0;
	__builtin_memcpy(e->comm, task->comm, EVENT_COMM);
	event__submit(e);
	return 0;
}
