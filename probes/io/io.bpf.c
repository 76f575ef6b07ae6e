// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* I/O of a process, from the kernel's task_io_accounting: sampled by a task iterator, and exact when the thread group
 * leader is freed. A thread's counters are added to the process's when the thread is released; so are those of a
 * child when the process has waited for it, as in /proc/PID/io. */
#include "core/probe.bpf.h"
#include "probes/io/io.h"

static __always_inline void fill(struct io_event *e, struct task_struct *task)
{
	struct task_io_accounting *dead = &task->signal->ioac;

	e->read_chars = dead->rchar;
	e->write_chars = dead->wchar;
	e->read_syscalls = dead->syscr;
	e->write_syscalls = dead->syscw;
	e->read_bytes = dead->read_bytes;
	e->write_bytes = dead->write_bytes;
	e->cancelled_write_bytes = dead->cancelled_write_bytes;
	__builtin_memcpy(e->comm, task->group_leader->comm, EVENT_COMM);
	e->final = false;
	__builtin_memset(e->zero, 0, sizeof(e->zero));
}

static __always_inline void add(struct io_event *e, struct task_struct *thread)
{
	struct task_io_accounting io;

	/* In one read: with TASK_XACCT and TASK_IO_ACCOUNTING the kernel's struct is these seven in this order. */
	bpf_core_read(&io, sizeof(io), &thread->ioac);
	e->read_chars += io.rchar;
	e->write_chars += io.wchar;
	e->read_syscalls += io.syscr;
	e->write_syscalls += io.syscw;
	e->read_bytes += io.read_bytes;
	e->write_bytes += io.write_bytes;
	e->cancelled_write_bytes += io.cancelled_write_bytes;
}

ON_PROCESS_EXIT(io_exit, task, w)
{
	struct io_event *e = event__reserve_provisional(struct io_event, IO_EXIT, task, w);

	if (!e)
		return;
	fill(e, task);
	add(e, task);
	event__submit(e);
}

SEC("tp_btf/sched_process_free")
int BPF_PROG(io_exit_final, struct task_struct *task)
{
	struct scope_entry *w = scope__closed(task);
	struct io_event *e;

	if (!w)
		return 0;
	e = event__reserve_exit(struct io_event, IO_EXIT, task, w);
	if (!e)
		return 0;
	fill(e, task);
	e->final = true;
	event__submit(e);
	return 0;
}

/* Adds every thread of the process; false: it has more than THREADS_MAX. */
static __always_inline bool add_threads(struct io_event *e, struct signal_struct *signal)
{
	struct list_head *node = threads__first(signal);
	int i;

	for (i = 0; i < THREADS_MAX && !threads__end(signal, node); i++, node = threads__next(node))
		add(e, thread__of(node));
	return i < THREADS_MAX;
}

SCRATCH(sample, struct io_event);

SEC("iter/task")
int io_sample(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct io_event *e = scratch__get(&sample);
	__u64 fingerprint;
	struct scope_entry *w;

	if (!e || !task || task->pid != task->tgid)
		return 0;
	w = scope__find(task);
	if (!w)
		return 0;
	fill(e, task);
	if (!add_threads(e, task->signal))
		e->read_chars = e->write_chars = e->read_syscalls = e->write_syscalls = e->read_bytes = e->write_bytes =
			e->cancelled_write_bytes = EVENT_NULL(EVENT_REASON_BOUND);
	fingerprint = e->read_chars + (e->write_chars << 20) + e->read_syscalls + (e->write_syscalls << 40) +
		      (e->read_bytes << 10) + (e->write_bytes << 30);
	if (!fingerprint || !scope__changed(w, fingerprint))
		return 0;
	event__head(&e->head, IO_SAMPLE, task, w);
	e->final = event__close(&e->head, IO_EXIT, w, task);
	if (event__sample(ctx, e))
		scope__sampled(w, fingerprint);
	return 0;
}
