/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Execs that failed, seen at the end of their system calls. Includes nothing. */
#ifndef PROBES_LIFECYCLE_EXEC_FAILED_BPF_H
#define PROBES_LIFECYCLE_EXEC_FAILED_BPF_H

/* The exec system calls and their arguments. */
#if defined(__TARGET_ARCH_arm64)
enum { NR_EXECVE = 221, NR_EXECVEAT = 281 };
#define SYSCALL_NUMBER(regs) ((regs)->syscallno)
#define SYSCALL_ARG(regs, n) ((regs)->regs[n])
#else
enum { NR_EXECVE = 59, NR_EXECVEAT = 322 };
#define SYSCALL_NUMBER(regs) ((regs)->orig_ax)
#define SYSCALL_ARG(regs, n) ((n) == 0 ? (regs)->di : (n) == 1 ? (regs)->si : (regs)->dx)
#endif

struct failed_buffer {
	struct lifecycle_exec_failed event;
	char text[LIFECYCLE_FAILED_TEXT * 2]; /* the second half is for the verifier only */
};
SCRATCH(failed_text, struct failed_buffer);

/* Copies argv, truncated to the buffer. */
static __always_inline void put_argv(struct failed_buffer *b, __u32 used, __u64 argv)
{
	struct event_list *list = &b->event.args;
	__u32 from = used;

	list->offset = sizeof(b->event) + used;
	list->reason = EVENT_REASON_TRUNCATED;
	for (int i = 0; i < 128; i++) {
		__u64 item = 0;
		long length;

		if (bpf_probe_read_user(&item, sizeof(item), (void *)(argv + i * 8)))
			break;
		if (!item) {
			list->reason = EVENT_REASON_NONE;
			break;
		}
		if (used >= LIFECYCLE_FAILED_TEXT)
			break;
		length = bpf_probe_read_user_str(&b->text[used & (LIFECYCLE_FAILED_TEXT - 1)], LIFECYCLE_FAILED_TEXT,
						 (void *)item);
		if (length <= 0 || length > LIFECYCLE_FAILED_TEXT)
			break;
		used += length;
	}
	if (used > LIFECYCLE_FAILED_TEXT)
		used = LIFECYCLE_FAILED_TEXT;
	list->length = used - from;
}

static __always_inline void fail(struct pt_regs *regs, long result)
{
	struct task_struct *task;
	struct failed_buffer *b;
	__u32 used, at;
	struct scope_key key;
	struct scope_entry *w;
	long length;

	if (result >= 0 || (SYSCALL_NUMBER(regs) != NR_EXECVE && SYSCALL_NUMBER(regs) != NR_EXECVEAT))
		return;
	task = (void *)bpf_get_current_task();
	key = (struct scope_key){.pid = BPF_CORE_READ(task, tgid),
				 .start = BPF_CORE_READ(task, group_leader, start_boottime)};
	w = bpf_map_lookup_elem(&scope, &key);
	b = scratch__get(&failed_text);
	if (!w || !b || process__is_denied(task))
		return;
	b->event.head = (struct event){
		.ts = bpf_ktime_get_boot_ns(),
		.start = key.start,
		.pid = key.pid,
		.tid = BPF_CORE_READ(task, pid),
		.run = w->run,
		.cpu = bpf_get_smp_processor_id(),
		.kind = LIFECYCLE_EXEC_FAILED,
	};
	b->event.error = -result;
	BPF_CORE_READ_INTO(&b->event.comm, task, comm);
	at = SYSCALL_NUMBER(regs) == NR_EXECVEAT;
	length = bpf_probe_read_user_str(b->text, LIFECYCLE_FAILED_TEXT,
					 (void *)(at ? SYSCALL_ARG(regs, 1) : SYSCALL_ARG(regs, 0)));
	b->event.exe.offset = sizeof(b->event);
	b->event.exe.length = length > 0 ? length - 1 : 0;
	b->event.exe.reason = length > 0 ? EVENT_REASON_NONE : EVENT_REASON_FAULT;
	used = length > 0 ? length & (LIFECYCLE_FAILED_TEXT * 2 - 1) : 0;
	put_argv(b, used, at ? SYSCALL_ARG(regs, 2) : SYSCALL_ARG(regs, 1));
	event__output(b, sizeof(b->event) + LIFECYCLE_FAILED_TEXT, LIFECYCLE_EXEC_FAILED);
}

/* Loaded only if exec_failed is recorded: this hook slows down every system call of the machine a little. */
SEC("tp_btf/sys_exit")
int BPF_PROG(lifecycle_exec_failed, struct pt_regs *regs, long result)
{
	fail(regs, result);
	return 0;
}

SEC("tp/raw_syscalls/sys_exit")
int lifecycle_exec_failed_classic(struct trace_event_raw_sys_exit *ctx)
{
	fail((void *)bpf_task_pt_regs(bpf_get_current_task_btf()), ctx->ret);
	return PASS;
}

#endif
