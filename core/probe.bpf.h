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

const volatile __u32 scope_slot; /* this probe's index into scope_entry.seen and .reported */

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

/* The process's entry if this is the exit of its last thread, true for exactly one exit per process; else NULL. */
static __always_inline struct scope_entry *scope__ending(struct task_struct *task)
{
	struct scope_entry *w = scope__find(task);

	return w && w->exit_tid == (__u32)task->pid ? w : NULL;
}

/* In sched_process_free: the process's entry if the task is the thread group leader, after which the kernel adds
 * nothing to the process's accounting; else NULL. */
static __always_inline struct scope_entry *scope__closed(struct task_struct *task)
{
	return task->pid == task->tgid ? scope__find(task) : NULL;
}

/* Peak number of live threads; null for an existing process, whose earlier peak is unknown. */
static __always_inline __u64 scope__threads_peak(const struct scope_entry *w)
{
	return w->flags & SCOPE_EXISTING ? EVENT_NULL(EVENT_REASON_UNSEEN) : w->threads_peak;
}

/* Whether this fingerprint differs from that of the last sample output. */
static __always_inline bool scope__changed(const struct scope_entry *w, __u64 fingerprint)
{
	return w->seen[scope_slot & (SCOPE_SLOTS - 1)] != fingerprint;
}

/* Call only after the sample was output: the iterator repeats a process whose sample did not fit. */
static __always_inline void scope__sampled(struct scope_entry *w, __u64 fingerprint)
{
	w->seen[scope_slot & (SCOPE_SLOTS - 1)] = fingerprint;
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

/* Walks the threads of a process:
 *
 *	struct list_head *node = threads__first(signal);
 *
 *	for (int i = 0; i < THREADS_MAX && !threads__end(signal, node); i++, node = threads__next(node))
 *		... thread__of(node) ...
 *
 * The task pointers are untyped for the verifier: read them with BPF_CORE_READ. */
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
		struct scope_entry *entry = scope__find(task);                                                 \
                                                                                                               \
		if (entry)                                                                                     \
			name##__watched(task, entry, filename);                                                \
	}                                                                                                      \
	static __always_inline void name##__watched(struct task_struct *task, struct scope_entry *w,           \
						    const char *filename)

/* The exit of a watched process: called once, for its last thread. CPU time and I/O are not final yet; they are at
 * "tp_btf/sched_process_free" (scope__closed()). */
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

/* The kernel wakes the reader for the first event after it caught up, and the reader delays the drain to batch
 * events. Force a wakeup above this fill level: a quarter of the smallest ring buffer that a probe asks for.
 * A smaller ring buffer is drained by the timer only. */
#define RING_HURRY (1 << 20)

static __always_inline __u64 event__wake(void)
{
	return bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) > RING_HURRY ? BPF_RB_FORCE_WAKEUP : 0;
}

/* Reserves one event in the ring buffer and fills its head. NULL: the ring buffer is full, counted as lost. */
#define event__reserve(type, kind, task, w)                               \
	({                                                                \
		type *e_ = bpf_ringbuf_reserve(&events, sizeof(type), 0); \
		if (e_)                                                   \
			event__head(&e_->head, kind, task, w);            \
		else                                                      \
			lost__count(kind);                                \
		e_;                                                       \
	})

/* The same for the event that a probe reports once per process (role SCHEMA_EXIT): the core counts the processes
 * for which it did not. A probe may report it provisionally at the exit and finally at sched_process_free; a full
 * ring buffer is a loss only if it was full for both. */
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

#define event__submit(e) bpf_ringbuf_submit(e, event__wake())

/* Copies an event of any size into the ring buffer. */
static __always_inline long event__output(void *e, __u64 size, __u32 kind)
{
	long err = bpf_ringbuf_output(&events, e, size, event__wake());

	if (err)
		lost__count(kind);
	return err;
}

/* Writes a sample to the iterator's file. False: the buffer is full, the kernel calls again for this task. */
#define event__sample(ctx, e) (bpf_seq_write((ctx)->meta->seq, e, sizeof(*(e))) == 0)

#endif
