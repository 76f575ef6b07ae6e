/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Common part of every probe's BPF object: the scope map, the probe's ring buffer, its counters of lost
 * events, and the functions to use them. Include it once, first, in X.bpf.c.
 *
 *	ON_EXEC(my_exec, task, w, filename)
 *	{
 *		struct my_exec *e = event__reserve(struct my_exec, MY_EXEC, task, w);
 *
 *		if (!e)
 *			return;			// counted as lost
 *		...
 *		event__submit(e);
 *	}
 *
 * Programs at other hooks filter first: `w = scope__find(task)`, and return 0 if that is NULL. For forks use
 * "tp_btf/sched_wakeup_new", where the child is already in the scope and its parent is the current task.
 *
 * Never share a scratch buffer between programs: sched_process_free runs in softirq and can interrupt any
 * other program. */
#ifndef CORE_PROBE_BPF_H
#define CORE_PROBE_BPF_H

#include "core/kernel.bpf.h"

#include "core/event.h"
#include "core/kfix.bpf.h"
#include "core/path.bpf.h"
#include "core/scope.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Return value of classic tracepoint programs: with 0, perf events on that tracepoint would be suppressed. */
#define PASS 1

/* The core replaces this map by its own before the object is loaded. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct scope_key);
	__type(value, struct scope_entry);
} scope SEC(".maps");

/* The core sets the size. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536);
} events SEC(".maps");

/* Set by the core: this probe's index into scope_entry.seen and .reported; whether sched_process_exit says which thread
 * is the last one (since 6.16); the fill level of the ring buffer at which the reader is to hurry. */
const volatile __u32 scope_slot;
const volatile bool exit_is_marked;
const volatile __u32 ring_hurry;

/* Set by the core: core_api.only_user; ONLY_USER_ANY: NULL. */
const volatile __u32 only_user = ONLY_USER_ANY;

/* Events lost because the ring buffer was full, by kind; the core writes each increase as a `lost` record. */
__u64 lost[EVENT_KIND_INTERNAL] SEC(".data.lost");

static __always_inline void lost__count(__u32 kind)
{
	__sync_fetch_and_add(&lost[kind & (EVENT_KIND_INTERNAL - 1)], 1);
}

static __always_inline struct scope_key scope__key(struct task_struct *task)
{
	struct scope_key key = {.pid = task->tgid, .start = task->group_leader->start_boottime};

	return key;
}

/* The process's entry in the scope; NULL: not watched. */
static __always_inline struct scope_entry *scope__find(struct task_struct *task)
{
	struct scope_key key = scope__key(task);

	return bpf_map_lookup_elem(&scope, &key);
}

/* The same for a task that is known to be the thread group leader, as every task is that has just executed a program. Saves a
 * load of a pointer. For each that a task's pointer is followed by, the verifiers of 6.2 to 6.19 search all types of the kernel
 * four times, 1 to 2 ms, and do it again for each state in which they reach it: load such pointers once, before the first branch
 * after the filter. */
static __always_inline struct scope_key scope__key_of_leader(struct task_struct *leader)
{
	struct scope_key key = {.pid = leader->tgid, .start = leader->start_boottime};

	return key;
}

static __always_inline struct scope_entry *scope__find_leader(struct task_struct *leader)
{
	struct scope_key key = scope__key_of_leader(leader);

	return bpf_map_lookup_elem(&scope, &key);
}

/* Once in an object, and only where it is asked: with ONLY_USER_ANY the verifier does not see it. */
static __noinline __attribute__((unused)) bool process__is_others(struct task_struct *task)
{
	const struct cred *cred = BPF_CORE_READ(task, cred);

	return BPF_CORE_READ(cred, uid.val) != only_user || BPF_CORE_READ(cred, euid.val) != only_user ||
	       BPF_CORE_READ(cred, suid.val) != only_user || !kfix__is_dumpable(task);
}

/* Whether /proc would deny core_api.only_user what the process has open, waits for and is called with: it runs as another
 * user, has gained rights by an exec, or had them before. */
static __always_inline bool process__is_denied(struct task_struct *task)
{
	return only_user != ONLY_USER_ANY && process__is_others(task);
}

/* When it exited. */
static __always_inline __u64 scope__exit_ts(struct scope_entry *w)
{
	if (!w->exit_ts)
		w->exit_ts = bpf_ktime_get_boot_ns();
	return w->exit_ts;
}

/* For an event that comes later: when the process exited; null if that was not seen. */
static __always_inline __u64 scope__exited_ns(const struct scope_entry *w)
{
	return w->exit_ts ? w->exit_ts : EVENT_NULL(EVENT_REASON_UNSEEN);
}

/* In sched_process_exit: the process's entry if this is the exit of its last thread, true for exactly one exit per
 * process; else NULL. Where the kernel does not mark it, the core's program before this one has found out. */
static __always_inline struct scope_entry *scope__ending(struct task_struct *task, bool marked)
{
	struct scope_entry *w = exit_is_marked && !marked ? NULL : scope__find(task);

	if (w && exit_is_marked)
		w->exit_tid = task->pid;
	return w && w->exit_tid == (__u32)task->pid ? w : NULL;
}

/* In sched_process_free: the process's entry if the task is the thread group leader, after which the kernel adds
 * nothing to the process's accounting; else NULL. By then the task is no longer in the caches, so that each of its
 * lines that is not read is a gain. */
static __always_inline struct scope_entry *scope__closed(struct task_struct *task)
{
	return task->pid == task->tgid ? scope__find_leader(task) : NULL;
}

/* The process's pid in the namespace of this level. */
static __always_inline __u32 process__pid_at(struct task_struct *leader, __u32 level)
{
	__u32 number = 0;
	struct upid *upid;
	struct pid *pid;

	if (!level)
		return leader->tgid;
	BPF_CORE_READ_INTO(&pid, leader, thread_pid); /* untyped: the verifier forbids arithmetic on a typed one */
	upid = kfix__upid(pid, level);
	BPF_CORE_READ_INTO(&number, upid, nr);
	__asm__ volatile("" : "+r"(number)); /* or clang loads both results by one instruction, which is rejected */
	return number;
}

/* The process's pid in its own pid namespace: the same as its tgid, unless it runs in a container. */
static __always_inline __u32 process__ns_pid(struct task_struct *leader)
{
	return process__pid_at(leader, leader->thread_pid->level);
}

/* The level of the current process's PID namespace, in an iterator the collector's; 0: the initial one, with all processes. */
static __always_inline __u32 process__level(void)
{
	struct task_struct *own = (void *)bpf_get_current_task();

	return BPF_CORE_READ(own, thread_pid, level);
}

/* A process's pid in the namespace of the current one: in an iterator the collector's, which lists no others. */
static __always_inline __u32 process__local_pid(struct task_struct *task)
{
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	struct upid *upid = kfix__upid(pid, process__level());

	return pid ? BPF_CORE_READ(upid, nr) : 0;
}

/* Peak number of live threads; null for an existing process, whose earlier peak is unknown. */
static __always_inline __u64 scope__threads_peak(const struct scope_entry *w)
{
	return w->flags & SCOPE_EXISTING ? EVENT_NULL(EVENT_REASON_UNSEEN) : w->threads_peak;
}

/* How many programs this process has executed since its fork, the one that it executes right now included. More with
 * CLONE_PARENT, whose child counts its creator's. */
static __always_inline __u64 process__execs(struct task_struct *task)
{
	return task->self_exec_id - task->parent_exec_id;
}

/* As wait() has it. Never the exiting thread's own exit code: the process has one for all its threads. */
static __always_inline int process__exit_status(struct task_struct *leader)
{
	struct signal_struct *signal = leader->signal;

	return signal->flags & SIGNAL_GROUP_EXIT ? signal->group_exit_code : leader->exit_code;
}

static __always_inline __u32 fingerprint__hash(__u64 fingerprint)
{
	return fingerprint * 0x9e3779b97f4a7c15 >> 32;
}

/* Whether this fingerprint differs from that of the last sample output. */
static __always_inline bool scope__changed(const struct scope_entry *w, __u64 fingerprint)
{
	return w->seen[scope_slot & (SCOPE_SLOTS - 1)] != fingerprint__hash(fingerprint);
}

/* Call only after the sample was output: the iterator repeats a process whose sample did not fit. */
static __always_inline void scope__sampled(struct scope_entry *w, __u64 fingerprint)
{
	w->seen[scope_slot & (SCOPE_SLOTS - 1)] = fingerprint__hash(fingerprint);
}

/* A number that the probe keeps for this process, 0 at first; only of a probe that has a slot. */
static __always_inline __u32 scope__kept(const struct scope_entry *w)
{
	return w->kept[scope_slot & (SCOPE_SLOTS - 1)];
}

static __always_inline void scope__keep(struct scope_entry *w, __u32 number)
{
	w->kept[scope_slot & (SCOPE_SLOTS - 1)] = number;
}

/* One value per CPU, for one program. Loops accumulate here and not on the stack: the verifier does not track
 * map values, so it does not see a new state in every iteration. */
#define SCRATCH(name, of)                                \
	struct {                                         \
		__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); \
		__uint(max_entries, 1);                  \
		__type(key, __u32);                      \
		__type(value, of);                       \
	} name SEC(".maps")

static __always_inline void *scratch__get(void *map)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(map, &zero);
}

#define THREADS_MAX 1024 /* threads of one process that a walk visits */

/* A walk through the threads of a process:
 *
 *	static __noinline long add(__u32 round, struct threads *threads)
 *	{
 *		if (threads__done(threads))
 *			return 1;
 *		... threads__next(threads) ...
 *		return 0;
 *	}
 *
 *	threads__begin(&threads, task->signal);
 *	EACH_ROUND(loop, THREADS_MAX, add, &threads);
 *	... threads__done(&threads) ...		// else there are more than THREADS_MAX
 *
 * The task pointers are untyped for the verifier: read them with BPF_CORE_READ. */
struct threads {
	struct list_head *node, *end;
	void *sums; /* the caller's */
};

static __always_inline void threads__begin(struct threads *threads, struct signal_struct *signal)
{
	threads->node = BPF_CORE_READ(signal, thread_head.next);
	threads->end = (void *)signal + bpf_core_field_offset(struct signal_struct, thread_head);
}

static __always_inline bool threads__done(const struct threads *threads)
{
	return threads->node == threads->end;
}

static __always_inline struct task_struct *threads__next(struct threads *threads)
{
	struct list_head *node = threads->node;

	threads->node = BPF_CORE_READ(node, next);
	return (void *)node - bpf_core_field_offset(struct task_struct, thread_node);
}

/* Path of the executed file, from the classic tracepoint's record. */
static __always_inline const char *classic__filename(struct trace_event_raw_sched_process_exec *ctx)
{
	return (void *)ctx + (ctx->__data_loc_filename & 0xffff);
}

/* Since kernel 7.0 raw tracepoint programs can be preempted, and the recursion guard then skips them for other
 * tasks on that CPU; not with interrupts disabled (sched_wakeup_new) or in softirq (sched_process_free). Therefore
 * some hooks have two programs of which the core loads one: NAME for the raw tracepoint, NAME_classic for the
 * classic one. The macro is followed by the body of a function that both call. */

/* Every exec, of any process, with the path as executed. */
#define ON_ANY_EXEC(name, task, filename)                                                        \
	static __always_inline void name##__run(struct task_struct *task, const char *filename); \
	SEC("tp_btf/sched_process_exec")                                                         \
	int BPF_PROG(name, struct task_struct *p, pid_t old_pid, struct linux_binprm *bprm)      \
	{                                                                                        \
		name##__run(p, bprm->filename);                                                  \
		return 0;                                                                        \
	}                                                                                        \
	SEC("tp/sched/sched_process_exec")                                                       \
	int name##_classic(struct trace_event_raw_sched_process_exec *ctx)                       \
	{                                                                                        \
		name##__run(bpf_get_current_task_btf(), classic__filename(ctx));                 \
		return PASS;                                                                     \
	}                                                                                        \
	static __always_inline void name##__run(struct task_struct *task, const char *filename)

/* An exec of a watched process; `w` is its entry in the scope. */
#define ON_EXEC(name, task, w, filename)                                                                       \
	static __always_inline void name##__watched(struct task_struct *, struct scope_entry *, const char *); \
	ON_ANY_EXEC(name, task, filename)                                                                      \
	{                                                                                                      \
		struct scope_entry *entry = scope__find_leader(task);                                          \
                                                                                                               \
		if (entry)                                                                                     \
			name##__watched(task, entry, filename);                                                \
	}                                                                                                      \
	static __always_inline void name##__watched(struct task_struct *task, struct scope_entry *w,           \
						    const char *filename)

/* An exec of a watched process that has executed a program before, which is replaced. Its threads have ended by now, its
 * memory and its name are gone. The event belongs before the exec itself: the core attaches a probe whose events have
 * the role SCHEMA_EXEC after the others. */
#define ON_REPLACED(name, task, w)                                                                      \
	static __always_inline void name##__replaced(struct task_struct *, struct scope_entry *);       \
	ON_ANY_EXEC(name, task, filename)                                                               \
	{                                                                                               \
		struct scope_entry *entry = process__execs(task) > 1 ? scope__find_leader(task) : NULL; \
                                                                                                        \
		if (entry)                                                                              \
			name##__replaced(task, entry);                                                  \
	}                                                                                               \
	static __always_inline void name##__replaced(struct task_struct *task, struct scope_entry *w)

/* The two programs for sched_process_exit, which call filter(task, marked): whether the kernel marks this thread as the
 * last one of its process. The verifier forbids the second argument where the kernel has only one. */
#define ON_SCHED_PROCESS_EXIT(name, filter)                                          \
	SEC("tp_btf/sched_process_exit")                                             \
	int name(__u64 *ctx)                                                         \
	{                                                                            \
		filter((void *)ctx[0], exit_is_marked &&*(volatile __u64 *)&ctx[1]); \
		return 0;                                                            \
	}                                                                            \
	SEC("tp/sched/sched_process_exit")                                           \
	int name##_classic(struct trace_event_raw_sched_process_exit *ctx)           \
	{                                                                            \
		filter(bpf_get_current_task_btf(), ctx->group_dead);                 \
		return PASS;                                                         \
	}

/* The exit of a watched process: called once, for its last thread. CPU time and I/O are not final yet; they are at
 * "tp_btf/sched_process_free" (scope__closed()). */
#define ON_PROCESS_EXIT(name, task, w)                                                       \
	static __always_inline void name##__run(struct task_struct *, struct scope_entry *); \
	static __always_inline void name##__filter(struct task_struct *p, bool marked)       \
	{                                                                                    \
		struct scope_entry *entry = scope__ending(p, marked);                        \
                                                                                             \
		if (entry)                                                                   \
			name##__run(p, entry);                                               \
	}                                                                                    \
	ON_SCHED_PROCESS_EXIT(name, name##__filter)                                          \
	static __always_inline void name##__run(struct task_struct *task, struct scope_entry *w)

/* The exit of each thread of a watched process; `last`: it is the last one. */
#define ON_THREAD_EXIT(name, task, w, last)                                                        \
	static __always_inline void name##__run(struct task_struct *, struct scope_entry *, bool); \
	static __always_inline void name##__filter(struct task_struct *p, bool marked)             \
	{                                                                                          \
		struct scope_entry *entry = scope__find(p);                                        \
                                                                                                   \
		if (!entry)                                                                        \
			return;                                                                    \
		if (exit_is_marked && marked)                                                      \
			entry->exit_tid = p->pid;                                                  \
		name##__run(p, entry, entry->exit_tid == (__u32)p->pid);                           \
	}                                                                                          \
	ON_SCHED_PROCESS_EXIT(name, name##__filter)                                                \
	static __always_inline void name##__run(struct task_struct *task, struct scope_entry *w, bool last)

static __always_inline void event__head_of(struct event *e, __u8 kind, struct task_struct *task,
					   struct task_struct *leader, const struct scope_entry *w, __u64 ts)
{
	e->ts = ts;
	e->start = leader->start_boottime;
	e->pid = task->tgid;
	e->tid = task->pid;
	e->run = w->run;
	e->cpu = bpf_get_smp_processor_id();
	e->kind = kind;
	e->flags = 0;
}

static __always_inline void event__head(struct event *e, __u8 kind, struct task_struct *task,
					const struct scope_entry *w)
{
	event__head_of(e, kind, task, task->group_leader, w, bpf_ktime_get_boot_ns());
}

/* The kernel wakes the reader for the first event after it caught up, and the reader delays the drain to batch
 * events. Force a wakeup when a quarter of the ring buffer is full. One event in eight asks, by the bits of its time. */
static __always_inline __u64 event__wake(__u64 ts)
{
	return !(ts >> 4 & 7) && bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) > ring_hurry ? BPF_RB_FORCE_WAKEUP : 0;
}

/* Reserves one event in the ring buffer and fills its head. NULL: the ring buffer is full, counted as lost. */
#define event__reserve_of(type, kind, task, leader, w)                                             \
	({                                                                                         \
		type *e_ = bpf_ringbuf_reserve(&events, sizeof(type), 0);                          \
		if (e_)                                                                            \
			event__head_of(&e_->head, kind, task, leader, w, bpf_ktime_get_boot_ns()); \
		else                                                                               \
			lost__count(kind);                                                         \
		e_;                                                                                \
	})
#define event__reserve(type, kind, task, w) event__reserve_of(type, kind, task, (task)->group_leader, w)
#define event__reserve_leader(type, kind, task, w) event__reserve_of(type, kind, task, task, w)

/* The same for the event that a probe reports once per process (role SCHEMA_EXIT): the core counts the processes
 * for which it did not. A probe may report it provisionally at the exit and finally at sched_process_free; a full
 * ring buffer is a loss only if it was full for both. */
#define event__reserve_last(type, kind, task, leader, w, ts)                              \
	({                                                                                \
		type *e_ = bpf_ringbuf_reserve(&events, sizeof(type), 0);                 \
		if (e_)                                                                   \
			event__head_of(&e_->head, kind, task, leader, w, ts);             \
		else if ((w)->reported[scope_slot & (SCOPE_SLOTS - 1)] != SCOPE_REPORTED) \
			lost__count(kind);                                                \
		(w)->reported[scope_slot & (SCOPE_SLOTS - 1)] = SCOPE_REPORTED;           \
		e_;                                                                       \
	})
#define event__reserve_exit_of(type, kind, task, leader, w) \
	event__reserve_last(type, kind, task, leader, w, scope__exit_ts(w))
#define event__reserve_exit(type, kind, task, w) event__reserve_exit_of(type, kind, task, (task)->group_leader, w)
#define event__reserve_final(type, kind, leader, w) \
	event__reserve_last(type, kind, leader, leader, w, bpf_ktime_get_boot_ns())

#define event__reserve_provisional_of(type, kind, task, leader, w)                                   \
	({                                                                                           \
		type *e_ = bpf_ringbuf_reserve(&events, sizeof(type), 0);                            \
		if (e_) {                                                                            \
			event__head_of(&e_->head, kind, task, leader, w, scope__exit_ts(w));         \
			e_->head.flags = EVENT_PROVISIONAL;                                          \
		}                                                                                    \
		(w)->reported[scope_slot & (SCOPE_SLOTS - 1)] = e_ ? SCOPE_REPORTED : SCOPE_NO_ROOM; \
		e_;                                                                                  \
	})
#define event__reserve_provisional(type, kind, task, w) \
	event__reserve_provisional_of(type, kind, task, (task)->group_leader, w)

/* Turns the sample of a zombie into a provisional exit event: the kernel adds nothing more to a zombie's accounting.
 * False: the process is alive. */
static __always_inline bool event__close(struct event *e, __u8 kind, struct scope_entry *w, struct task_struct *task)
{
	if (!w->exit_tid || !task->exit_state)
		return false;
	e->kind = kind;
	e->flags = EVENT_PROVISIONAL;
	w->reported[scope_slot & (SCOPE_SLOTS - 1)] = SCOPE_REPORTED;
	return true;
}

#define event__submit(e) bpf_ringbuf_submit(e, event__wake((e)->head.ts))

/* Copies an event of any size into the ring buffer. */
static __always_inline long event__output(void *e, __u64 size, __u32 kind)
{
	long err = bpf_ringbuf_output(&events, e, size, event__wake(((struct event *)e)->ts));

	if (err)
		lost__count(kind);
	return err;
}

/* Writes a sample to the iterator's file. False: the buffer is full, the kernel calls again for this task. */
#define event__sample(ctx, e) (bpf_seq_write((ctx)->meta->seq, e, sizeof(*(e))) == 0)

#endif
