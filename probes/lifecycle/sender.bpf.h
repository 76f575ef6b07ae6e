/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The senders of fatal signals to watched processes, and of requests to end: noted when the signal is generated, reported
 * if the process ends by it, or exits after it. Includes nothing: after core/probe.bpf.h and lifecycle.h. */
#ifndef PROBES_LIFECYCLE_SENDER_BPF_H
#define PROBES_LIFECYCLE_SENDER_BPF_H

enum {
	SIGINT_ = 2,
	SIGKILL_ = 9,
	SIGSEGV_ = 11,
	SIGPIPE_ = 13,
	SIGALRM_ = 14,
	SIGTERM_ = 15,
	SIGCHLD_ = 17,
	SIGCONT_ = 18,
	SIGSTOP_ = 19,
	SIGTSTP_ = 20,
	SIGTTIN_ = 21,
	SIGTTOU_ = 22,
	SIGURG_ = 23,
	SIGXFSZ_ = 25,
	SIGVTALRM_ = 26,
	SIGPROF_ = 27,
	SIGWINCH_ = 28,
	SIGNALS_STANDARD = 31,
};

/* Signals that end no process by default. */
#define HARMLESS                                                                                               \
	(1U << SIGCHLD_ | 1U << SIGCONT_ | 1U << SIGSTOP_ | 1U << SIGTSTP_ | 1U << SIGTTIN_ | 1U << SIGTTOU_ | \
	 1U << SIGURG_ | 1U << SIGWINCH_)
/* Which write() sends to its caller without a siginfo. Since 7.x kill() does so too, and looks the same. */
#define FROM_WRITE (1U << SIGPIPE_ | 1U << SIGXFSZ_)
#define FROM_TIMERS (1U << SIGALRM_ | 1U << SIGVTALRM_ | 1U << SIGPROF_)

/* Requests to end: what exits after it has handled one did so because of it. Not SIGHUP, by which daemons read their
 * configuration again, nor SIGQUIT, by which a JVM prints its threads. */
#define REQUESTS (1U << SIGINT_ | 1U << SIGTERM_)
/* The number under which the last request that was handled is noted: no other sender of this signal is. */
#define HANDLED SIGCHLD_

const volatile __u64 stack_bytes; /* core_api.stack_bytes() */

/* kernel_siginfo pointers that are none, and si_code. */
#define INFO_USER 0ULL
#define INFO_KERNEL 1ULL
enum { CODE_USER = 0, CODE_KERNEL = 0x80, CODE_TIMER = -2 };

enum { GENERATED = 0 }; /* result of signal_generate: neither ignored nor pending already */

struct sender {
	__u64 start;
	__u32 pid;
	__s32 code;
	__u32 kind; /* enum lifecycle_sender */
	char comm[EVENT_COMM];
	__u32 when; /* in units of 2^30 ns */
	__u64 stack_fault;
};

#define SIGINFO_ADDRESS 16 /* of si_addr: ABI, the same on all architectures of 64 bits */
#define STACK_NEAR (64 << 10)

#define WHEN_SHIFT 30
#define REQUEST_HOLDS 64 /* units: what exits later than that after a request to end has other reasons */

/* By process and, in scope_key.zero, signal: of several that are blocked any may be delivered first. The oldest are
 * evicted: a process that was sent one may handle it after all. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct scope_key);
	__type(value, struct sender);
} senders SEC(".maps");

/* What the probe keeps for each process: bit N, standard signal N was noted; bit 0, the process ends by a signal that
 * was noted: later ones change nothing. */
#define KEPT_ENDING 1U

/* Whether the thread will run a handler, or ignores the signal, by its action and mask now. */
static __always_inline bool is_handled(struct task_struct *task, __u32 number)
{
	__u64 at = bpf_core_field_offset(struct sighand_struct, action) +
		   (number - 1) * bpf_core_type_size(struct k_sigaction) +
		   bpf_core_field_offset(struct k_sigaction, sa.sa_handler);
	__u64 handler = 0;

	if (task->blocked.sig[0] >> (number - 1) & 1)
		return false;
	bpf_probe_read_kernel(&handler, sizeof(handler), (void *)task->sighand + at);
	return handler != 0;
}

/* rt_sigqueueinfo() lets a process choose si_code. The siginfo that the kernel made of it is on that process's kernel
 * stack, a real timer's is in its sigqueue. */
static __always_inline bool is_on_stack(__u64 info)
{
	struct task_struct *current = (void *)bpf_get_current_task();

	return info - (__u64)BPF_CORE_READ(current, stack) < 1 << 16;
}

static __always_inline __u32 kernel_kind(struct task_struct *task, __u32 number)
{
	struct memory_limit limit;

	if (number <= SIGNALS_STANDARD && FROM_TIMERS >> number & 1)
		return LIFECYCLE_SENDER_TIMER;
	/* The exit decides whether it was the OOM killer; by then the limit is not reached any more. */
	return number == SIGKILL_ && path__memory_limit(task, &limit) ? LIFECYCLE_SENDER_MEMORY_LIMIT
								      : LIFECYCLE_SENDER_KERNEL;
}

/* Whether the access that failed was next to the stack pointer: that stack is full. The kernel knows the size of only the main
 * thread's. */
static __always_inline bool is_stack_fault(__u64 info, struct task_struct *task)
{
	struct pt_regs *regs = kfix__registers(task, stack_bytes);
	__u64 address = 0;

	bpf_probe_read_kernel(&address, sizeof(address), (void *)info + SIGINFO_ADDRESS);
	return address - BPF_CORE_READ(regs, sp) + STACK_NEAR < 2 * STACK_NEAR;
}

static __always_inline void note_sender(struct sender *s, __u64 info, struct task_struct *task, __u32 number)
{
	struct task_struct *current = (void *)bpf_get_current_task();
	bool own = bpf_get_current_pid_tgid() >> 32 == (__u32)task->tgid;
	struct kernel_siginfo *siginfo = (void *)info;

	s->when = bpf_ktime_get_boot_ns() >> WHEN_SHIFT;
	s->code = info == INFO_KERNEL ? CODE_KERNEL : CODE_USER;
	if (info > INFO_KERNEL)
		s->code = BPF_CORE_READ(siginfo, si_code);
	if (number == SIGSEGV_ && s->code > 0)
		s->stack_fault = is_stack_fault(info, task);
	if (s->code == CODE_TIMER && !is_on_stack(info))
		s->kind = LIFECYCLE_SENDER_TIMER;
	else if (s->code > 0)
		s->kind = kernel_kind(task, number);
	else if (info == INFO_USER && own && number <= SIGNALS_STANDARD && FROM_WRITE >> number & 1)
		s->kind = LIFECYCLE_SENDER_KERNEL;
	else
		s->kind = LIFECYCLE_SENDER_USER;
	if (s->kind != LIFECYCLE_SENDER_USER)
		return;
	s->pid = BPF_CORE_READ(current, tgid);
	s->start = BPF_CORE_READ(current, group_leader, start_boottime);
	BPF_CORE_READ_INTO(&s->comm, current, group_leader, comm);
}

/* A program that handles a request to end sends it to itself then, to end by it. */
static __always_inline bool is_own_request(const struct sender *s, const struct scope_key *process, __u32 number)
{
	return number <= SIGNALS_STANDARD && REQUESTS >> number & 1 && s->kind == LIFECYCLE_SENDER_USER &&
	       s->pid == process->pid && s->start == process->start;
}

/* Runs with interrupts disabled, under the lock of the target's signals: never preempted, nor twice at once for one
 * target. */
SEC("tp_btf/signal_generate")
int BPF_PROG(lifecycle_exit_signal, int number, struct kernel_siginfo *siginfo, struct task_struct *task, int group,
	     int result)
{
	__u64 info = INFO_USER;
	struct signal_struct *signal;
	struct sender s = {};
	struct scope_key key;
	__u32 kept, sent = number;
	struct scope_entry *w;

	if ((number <= SIGNALS_STANDARD && HARMLESS >> number & 1) || result != GENERATED)
		return 0;
	w = scope__find(task);
	if (!w)
		return 0;
	kept = scope__kept(w);
	signal = task->signal;
	if (kept & KEPT_ENDING)
		return 0;
	if (is_handled(task, number)) {
		if (number > SIGNALS_STANDARD || !(REQUESTS >> number & 1) || signal->flags & SIGNAL_GROUP_EXIT)
			return 0;
		number = HANDLED;
	} else if (signal->flags & SIGNAL_GROUP_EXIT) {
		if ((signal->group_exit_code & 0x7f) != number) /* it was ending already */
			return 0;
		kept |= KEPT_ENDING;
	}
	/* Untyped: the verifier forbids arithmetic on a typed pointer, and this one may be none. */
	bpf_probe_read_kernel(&info, sizeof(info), &ctx[1]);
	note_sender(&s, info, task, number);
	key = scope__key(task);
	/* The sender that has asked it is noted already, when it had the signal blocked, or handled it. */
	if (is_own_request(&s, &key, sent) && kept >> number & 1)
		return 0;
	key.zero = number;
	bpf_map_update_elem(&senders, &key, &s, BPF_ANY);
	scope__keep(w, kept | (number <= SIGNALS_STANDARD ? 1U << number : 0));
	return 0;
}

/* The number under which the sender of the signal was noted that made this process exit with a code; 0: none did. One that
 * the process had blocked may be read from a descriptor. */
static __always_inline __u32 request(const struct scope_entry *w)
{
	__u32 noted = scope__kept(w) & (REQUESTS | 1U << HANDLED);

	if (!noted)
		return 0;
	if (noted >> HANDLED & 1)
		return HANDLED;
	return noted >> SIGTERM_ & 1 ? SIGTERM_ : SIGINT_;
}

static __always_inline void no_sender(struct lifecycle_exit *e, __u32 reason)
{
	e->signal_code = e->sender = e->sender_pid = e->sender_start = EVENT_NULL(reason);
	e->sender_comm.offset = e->sender_comm.length = 0;
	e->sender_comm.reason = reason ? reason : EVENT_NOT_APPLICABLE;
}

/* Why no sender was noted: not every way in which the kernel ends a process by a signal generates one. */
static __always_inline __u32 why_unknown(const struct scope_entry *w, __u32 number)
{
	if (number <= SIGNALS_STANDARD && scope__kept(w) >> number & 1)
		return EVENT_REASON_LOST;
	return w->flags & SCOPE_EXISTING ? EVENT_REASON_UNSEEN : EVENT_REASON_UNSUPPORTED;
}

static __always_inline struct sender *find_sender(struct scope_key *key, __u32 number)
{
	key->zero = number;
	return bpf_map_lookup_elem(&senders, key);
}

static __always_inline bool is_old(const struct sender *s)
{
	return (__u32)(bpf_ktime_get_boot_ns() >> WHEN_SHIFT) - s->when > REQUEST_HOLDS;
}

/* Of a process that ends by a signal of that number; or by its exit, then the one of a request(). */
static __always_inline void put_sender(struct lifecycle_exit *e, struct task_struct *leader,
				       const struct scope_entry *w, __u32 number, bool request)
{
	struct scope_key key = {.pid = e->head.pid, .start = e->head.start};
	struct sender *s = find_sender(&key, number), *asked;
	long length;

	if (!s || (request && is_old(s))) {
		no_sender(e, s ? EVENT_REASON_NONE : why_unknown(w, number));
		return;
	}
	if (!request && is_own_request(s, &key, number) && scope__kept(w) >> HANDLED & 1) {
		asked = find_sender(&key, HANDLED);
		if (asked && !is_old(asked))
			s = asked;
	}
	no_sender(e, EVENT_REASON_NONE);
	e->stack_fault = s->stack_fault;
	e->signal_code = (__u64)number << 32 | (__u32)s->code;
	e->sender = s->kind;
	if (s->kind == LIFECYCLE_SENDER_USER) {
		e->sender_pid = s->pid;
		e->sender_start = s->start;
		length = bpf_probe_read_kernel_str(e->sender_name, EVENT_COMM, s->comm);
		e->sender_comm.offset = __builtin_offsetof(struct lifecycle_exit, sender_name);
		e->sender_comm.length = length > 0 ? length - 1 : 0;
		e->sender_comm.reason = EVENT_REASON_NONE;
	} else if (leader->signal->oom_mm && s->kind != LIFECYCLE_SENDER_TIMER) {
		e->sender = s->kind == LIFECYCLE_SENDER_MEMORY_LIMIT ? s->kind : LIFECYCLE_SENDER_OOM;
	} else if (s->kind == LIFECYCLE_SENDER_MEMORY_LIMIT) {
		e->sender = LIFECYCLE_SENDER_KERNEL;
	}
	bpf_map_delete_elem(&senders, &key);
}

#endif
