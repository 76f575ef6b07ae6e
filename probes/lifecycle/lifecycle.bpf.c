// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Fork, exec and exit of every watched process. */
#include "core/probe.bpf.h"
#include "probes/lifecycle/lifecycle.h"

#define PARTS_MAX 206 /* just over 6 MiB: more than the kernel allows for arguments and environment */
#define TEXT_BYTES 24576

const volatile bool want_env;

struct text_buffer {
	struct lifecycle_exec event;
	char text[TEXT_BYTES];
};

/* A path of the last exec on this CPU, cached: the next exec usually has the same. */
struct last_path {
	struct path_stamp of;
	struct path_buffer path;
};

SCRATCH(exec_text, struct text_buffer);
SCRATCH(exec_part, struct lifecycle_part);
SCRATCH(exec_cwd, struct last_path);
SCRATCH(exec_cgroup, struct last_path);

static __always_inline void parent_of(struct task_struct *task, __u32 *ppid, __u64 *start)
{
	struct task_struct *parent = task->real_parent;

	*ppid = parent->tgid;
	*start = parent->group_leader->start_boottime;
}

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(lifecycle_fork, struct task_struct *child)
{
	struct lifecycle_fork *e;
	struct scope_entry *w;

	if (child->pid != child->tgid)
		return 0;
	w = scope__find(child);
	if (!w)
		return 0;
	e = event__reserve(struct lifecycle_fork, LIFECYCLE_FORK, child, w);
	if (!e)
		return 0;
	parent_of(child, &e->ppid, &e->parent_start);
	__builtin_memcpy(e->comm, child->comm, EVENT_COMM);
	e->zero = 0;
	event__submit(e);
	return 0;
}

/* Whether `bytes` more fit after the event. */
static __always_inline bool room(__u64 used, __u64 bytes)
{
	return used <= TEXT_BYTES - bytes;
}

static __always_inline __u64 put_path(struct text_buffer *b, __u64 used, const struct path_buffer *path,
				      struct event_string *string)
{
	__u64 length = path__length(path);

	string->offset = sizeof(b->event) + used;
	string->reason = path->reason;
	string->length = 0;
	if (!room(used, PATH_BYTES) || length > PATH_BYTES ||
	    bpf_probe_read_kernel(&b->text[used], length, &path->text[path->at & (PATH_BYTES - 1)])) {
		string->reason = EVENT_REASON_FAULT;
		return used;
	}
	string->length = length;
	return used + length;
}

static __always_inline __u64 put_cwd(struct text_buffer *b, __u64 used, struct path *cwd, struct event_string *string)
{
	struct last_path *last = scratch__get(&exec_cwd);
	__u64 stamp;

	if (!last)
		return used;
	stamp = path__stamp(cwd, &last->of);
	if (!stamp || last->of.stamp != stamp) {
		path__of(&last->path, cwd);
		last->of.stamp = path__is_whole(&last->of) ? stamp : 0;
	}
	return put_path(b, used, &last->path, string);
}

static __always_inline __u64 put_cgroup(struct text_buffer *b, __u64 used, struct cgroup *cgroup,
					struct event_string *string)
{
	struct last_path *last = scratch__get(&exec_cgroup);
	__u64 stamp = path__cgroup_stamp(cgroup);

	if (!last)
		return used;
	if (!stamp || last->of.stamp != stamp) {
		path__of_cgroup(&last->path, cgroup);
		last->of.stamp = stamp;
	}
	return put_path(b, used, &last->path, string);
}

/* Sends the user memory from `from` to `to` in parts; returns the number of bytes sent. */
static __always_inline __u32 send_parts(struct task_struct *task, struct scope_entry *w, __u64 from, __u64 to,
					__u32 area, __u32 *reason)
{
	__u32 sent = 0;
	struct lifecycle_part *part = scratch__get(&exec_part);

	if (!part)
		return 0;
	event__head(&part->head, LIFECYCLE_PART, task, w);
	part->area = area;
	part->zero = 0;
	for (int i = 0; i < PARTS_MAX; i++) {
		__u64 length = to - from;

		if (from >= to)
			return sent;
		if (length > LIFECYCLE_PART_BYTES)
			length = LIFECYCLE_PART_BYTES;
		if (bpf_probe_read_user(part->bytes, length, (void *)from)) {
			*reason = EVENT_REASON_TRUNCATED;
			return sent;
		}
		part->offset = sent;
		part->length = length;
		if (bpf_ringbuf_output(&events, part, __builtin_offsetof(struct lifecycle_part, bytes) + length,
				       BPF_RB_FORCE_WAKEUP)) {
			*reason = EVENT_REASON_TRUNCATED;
			return sent;
		}
		from += length;
		sent += length;
	}
	*reason = EVENT_REASON_TRUNCATED;
	return sent;
}

/* The NUL-terminated strings between two user addresses. */
static __always_inline __u64 put_list(struct task_struct *task, struct scope_entry *w, struct text_buffer *b,
				      __u64 used, __u64 from, __u64 to, __u32 area, struct event_list *list)
{
	__u64 length = to - from;

	list->offset = sizeof(b->event) + used;
	list->length = 0;
	list->reason = 0;
	if (from >= to)
		return used;
	if (length > LIFECYCLE_INLINE || !room(used, LIFECYCLE_INLINE)) {
		list->offset = LIFECYCLE_PARTS;
		list->length = send_parts(task, w, from, to, area, &list->reason);
		return used;
	}
	if (bpf_probe_read_user(&b->text[used], length, (void *)from)) {
		list->reason = EVENT_REASON_FAULT;
		return used;
	}
	list->length = length;
	return used + length;
}

ON_EXEC(lifecycle_exec, task, w, filename)
{
	struct mm_struct *mm = task->mm;
	struct lifecycle_exec *e;
	struct text_buffer *b;
	__u64 used; /* not 32 bits: the verifier of 5.10 loses the bounds of a register on truncation */
	long length;

	if (!mm)
		return;
	b = scratch__get(&exec_text);
	if (!b)
		return;
	e = &b->event;
	event__head(&e->head, LIFECYCLE_EXEC, task, w);
	parent_of(task, &e->ppid, &e->parent_start);
	e->uid = task->cred->uid.val;
	e->gid = task->cred->gid.val;
	__builtin_memcpy(e->comm, task->comm, EVENT_COMM);

	e->exe.offset = sizeof(*e);
	e->exe.reason = 0;
	length = bpf_probe_read_kernel_str(b->text, PATH_BYTES, filename);
	used = length > 0 ? (length - 1) & (PATH_BYTES - 1) : 0; /* the mask is for 5.10's verifier */
	e->exe.length = used;

	used = put_cwd(b, used, &task->fs->pwd, &e->cwd);
	used = put_cgroup(b, used, path__task_cgroup(task), &e->cgroup);

	used = put_list(task, w, b, used, mm->arg_start, mm->arg_end, LIFECYCLE_ARGS, &e->args);
	e->env.offset = e->env.length = e->env.reason = 0;
	if (want_env)
		used = put_list(task, w, b, used, mm->env_start, mm->env_end, LIFECYCLE_ENV,
				(struct event_list *)&e->env);
	if (used <= TEXT_BYTES)
		event__output(b, sizeof(*e) + used, LIFECYCLE_EXEC);
}

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
	if (!w || !b)
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

ON_PROCESS_EXIT(lifecycle_exit, task, w)
{
	struct lifecycle_exit *e = event__reserve_exit(struct lifecycle_exit, LIFECYCLE_EXIT, task, w);
	struct signal_struct *signal;
	int code, number;

	if (!e)
		return;
	/* Never the exiting thread's own exit code: the process has one for all its threads. */
	signal = task->signal;
	code = signal->flags & SIGNAL_GROUP_EXIT ? signal->group_exit_code : task->group_leader->exit_code;
	number = code & 0x7f;
	e->signal = number ? (__u64)number : EVENT_NULL(EVENT_REASON_NONE);
	e->exit_code = number ? EVENT_NULL(EVENT_REASON_NONE) : (__u64)((code >> 8) & 0xff);
	e->core_dumped = (code & 0x80) != 0;
	e->duration_ns = e->head.ts - e->head.start;
	e->threads_peak = scope__threads_peak(w);
	parent_of(task, &e->ppid, &e->parent_start);
	__builtin_memcpy(e->comm, task->group_leader->comm, EVENT_COMM);
	__builtin_memset(e->zero, 0, sizeof(e->zero));
	event__submit(e);
}
