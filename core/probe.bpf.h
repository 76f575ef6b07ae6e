/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What every probe's BPF object begins with: the scope map, its own ring, its loss counters, and the
 * few calls that go with them. Include it first, once, in X.bpf.c.
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
 * Programs at other hooks filter first: `w = scope__find(task)`, and return 0 if that is NULL. Births are seen
 * at "tp_btf/sched_wakeup_new", where the child is in the scope already and its parent is the current task.
 *
 * A scratch buffer serves one program only: sched_process_free runs in softirq, between two instructions of
 * any other. */
#ifndef CORE_PROBE_BPF_H
#define CORE_PROBE_BPF_H

#include "core/kernel.bpf.h"

#include "core/event.h"
#include "core/kfix.bpf.h"
#include "core/path.bpf.h"
#include "core/scope.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* What a program of a classic tracepoint returns: with 0, perf events on that tracepoint would get nothing. */
#define PASS 1

/* The core puts its own map in this one's place before the object is loaded. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct scope_key);
	__type(value, struct scope_entry);
} scope SEC(".maps");

/* The core sets its size. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536);
} events SEC(".maps");

const volatile __u32 scope_slot; /* this probe's index into scope_entry.seen */

/* Events that found no room, by kind; the core turns every move into a `lost` record. */
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

/* The process's entry in the scope, or NULL: not watched. */
static __always_inline struct scope_entry *scope__find(struct task_struct *task)
{
	struct scope_key key = scope__key(task);

	return bpf_map_lookup_elem(&scope, &key);
}

/* The process's entry if this thread's exit is its end: for exactly one exit a process. Or NULL. */
static __always_inline struct scope_entry *scope__ending(struct task_struct *task)
{
	struct scope_entry *w = scope__find(task);

	return w && w->exit_tid == (__u32)task->pid ? w : NULL;
}

/* The process's entry if this task's free closes its account: nothing is added after. Or NULL. */
static __always_inline struct scope_entry *scope__closed(struct task_struct *task)
{
	return task->pid == task->tgid ? scope__find(task) : NULL;
}

/* Most threads alive at once, where it was watched all its life. */
static __always_inline __u64 scope__threads_peak(const struct scope_entry *w)
{
	return w->flags & SCOPE_EXISTING ? EVENT_NULL(EVENT_REASON_UNSEEN) : w->threads_peak;
}

/* Whether a sample with this fingerprint differs from the last one that left the kernel. */
static __always_inline bool scope__changed(const struct scope_entry *w, __u64 fingerprint)
{
	return w->seen[scope_slot & (SCOPE_SLOTS - 1)] != fingerprint;
}

/* To be called only when the sample really left: the iterator repeats a process that found no room. */
static __always_inline void scope__sampled(struct scope_entry *w, __u64 fingerprint)
{
	w->seen[scope_slot & (SCOPE_SLOTS - 1)] = fingerprint;
}

/* One value per CPU, for one program. A walk in a loop sums up here and not on the stack: what the verifier
 * does not track in memory, it does not have to tell apart in every round. */
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

#define THREADS_MAX 1024 /* of one process, that a walk visits */

/* Walks the threads of a process:
 *
 *	struct list_head *node = threads__first(signal);
 *
 *	for (int i = 0; i < THREADS_MAX && !threads__end(signal, node); i++, node = threads__next(node))
 *		... thread__of(node) ...
 *
 * There is no typed pointer to what is found: every read of it is a probe's (BPF_CORE_READ). */
static __always_inline struct list_head *threads__first(struct signal_struct *signal)
{
	return BPF_CORE_READ(signal, thread_head.next);
}

static __always_inline struct list_head *threads__next(struct list_head *node)
{
	return BPF_CORE_READ(node, next);
}

static __always_inline bool threads__end(struct signal_struct *signal, struct list_head *node)
{
	return node == (void *)signal + bpf_core_field_offset(struct signal_struct, thread_head);
}

static __always_inline struct task_struct *thread__of(struct list_head *node)
{
	return (void *)node - bpf_core_field_offset(struct task_struct, thread_node);
}

/* The file that an exec runs, as the classic tracepoint has it. */
static __always_inline const char *classic__filename(struct trace_event_raw_sched_process_exec *ctx)
{
	return (void *)ctx + (ctx->__data_loc_filename & 0xffff);
}

/* From kernel 7.0 programs of raw tracepoints can be preempted, and the recursion guard then skips them for other
 * tasks on that CPU; not where interrupts are off (sched_wakeup_new) nor in softirq (sched_process_free). So some
 * hooks have two programs, and the core loads the one that serves best: NAME of the raw tracepoint, NAME_classic
 * of the classic one. What follows the macro is the body of a function that both call. */

/* Every exec, of watched processes or not, with the path as executed. */
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

/* An exec of a watched process, whose entry in the scope is `w`. */
#define ON_EXEC(name, task, w, filename)                                                                       \
	static __always_inline void name##__watched(struct task_struct *, struct scope_entry *, const char *); \
	ON_ANY_EXEC(name, task, filename)                                                                      \
	{                                                                                                      \
		struct scope_entry *entry = scope__find(task);                                                 \
                                                                                                               \
		if (entry)                                                                                     \
			name##__watched(task, entry, filename);                                                \
	}                                                                                                      \
	static __always_inline void name##__watched(struct task_struct *task, struct scope_entry *w,           \
						    const char *filename)

/* The exit of a watched process: called for exactly one of its threads, the last. Its CPU time and I/O are not final
 * yet: those are at "tp_btf/sched_process_free", by scope__closed(). */
#define ON_PROCESS_EXIT(name, task, w)                                                       \
	static __always_inline void name##__run(struct task_struct *, struct scope_entry *); \
	static __always_inline void name##__filter(struct task_struct *p)                    \
	{                                                                                    \
		struct scope_entry *entry = scope__ending(p);                                \
                                                                                             \
		if (entry)                                                                   \
			name##__run(p, entry);                                               \
	}                                                                                    \
	SEC("tp_btf/sched_process_exit")                                                     \
	int BPF_PROG(name, struct task_struct *p)                                            \
	{                                                                                    \
		name##__filter(p);                                                           \
		return 0;                                                                    \
	}                                                                                    \
	SEC("tp/sched/sched_process_exit")                                                   \
	int name##_classic(void *ctx)                                                        \
	{                                                                                    \
		name##__filter(bpf_get_current_task_btf());                                  \
		return PASS;                                                                 \
	}                                                                                    \
	static __always_inline void name##__run(struct task_struct *task, struct scope_entry *w)

static __always_inline void event__head(struct event *e, __u8 kind, struct task_struct *task,
					const struct scope_entry *w)
{
	e->ts = bpf_ktime_get_boot_ns();
	e->start = task->group_leader->start_boottime;
	e->pid = task->tgid;
	e->tid = task->pid;
	e->run = w->run;
	e->cpu = bpf_get_smp_processor_id();
	e->kind = kind;
	e->flags = 0;
}

/* The kernel wakes the reader for the first event after it caught up; the reader then lets some time
 * pass before it drains. It is hurried only when so much waits: a quarter of the smallest ring that a
 * probe asks for. A smaller ring is drained by time alone. */
#define RING_HURRY (1 << 20)

static __always_inline __u64 event__wake(void)
{
	return bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) > RING_HURRY ? BPF_RB_FORCE_WAKEUP : 0;
}

/* Room in the ring for one event, its head filled; NULL: no room, and counted. */
#define event__reserve(type, kind, task, w)                               \
	({                                                                \
		type *e_ = bpf_ringbuf_reserve(&events, sizeof(type), 0); \
		if (e_)                                                   \
			event__head(&e_->head, kind, task, w);            \
		else                                                      \
			lost__count(kind);                                \
		e_;                                                       \
	})

/* The same for the event that a probe reports once for each process (role SCHEMA_EXIT): the core counts the processes
 * for which it did not. It may be reported provisionally before, at the exit: then a full ring is not a loss, as
 * sched_process_free gets a second chance, and vice versa. */
#define event__reserve_exit(type, kind, task, w)                                          \
	({                                                                                \
		type *e_ = bpf_ringbuf_reserve(&events, sizeof(type), 0);                 \
		if (e_)                                                                   \
			event__head(&e_->head, kind, task, w);                            \
		else if ((w)->reported[scope_slot & (SCOPE_SLOTS - 1)] != SCOPE_REPORTED) \
			lost__count(kind);                                                \
		(w)->reported[scope_slot & (SCOPE_SLOTS - 1)] = SCOPE_REPORTED;           \
		e_;                                                                       \
	})

#define event__reserve_provisional(type, kind, task, w)                                              \
	({                                                                                           \
		type *e_ = bpf_ringbuf_reserve(&events, sizeof(type), 0);                            \
		if (e_) {                                                                            \
			event__head(&e_->head, kind, task, w);                                       \
			e_->head.flags = EVENT_PROVISIONAL;                                          \
		}                                                                                    \
		(w)->reported[scope_slot & (SCOPE_SLOTS - 1)] = e_ ? SCOPE_REPORTED : SCOPE_NO_ROOM; \
		e_;                                                                                  \
	})

/* Turns a sample of a zombie into its provisional exit event: the kernel adds nothing to a zombie's account any
 * more. False: the process lives. */
static __always_inline bool event__close(struct event *e, __u8 kind, struct scope_entry *w, struct task_struct *task)
{
	if (!w->exit_tid || !task->exit_state)
		return false;
	e->kind = kind;
	e->flags = EVENT_PROVISIONAL;
	w->reported[scope_slot & (SCOPE_SLOTS - 1)] = SCOPE_REPORTED;
	return true;
}

#define event__submit(e) bpf_ringbuf_submit(e, event__wake())

/* Copies an event of any size into the ring. */
static __always_inline long event__output(void *e, __u64 size, __u32 kind)
{
	long err = bpf_ringbuf_output(&events, e, size, event__wake());

	if (err)
		lost__count(kind);
	return err;
}

/* Hands a sample out through the iterator's file. False: no room now, the kernel will come again. */
#define event__sample(ctx, e) (bpf_seq_write((ctx)->meta->seq, e, sizeof(*(e))) == 0)

#endif
