// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Finds the watched processes that stand still, and what each of their threads waits for.
 *
 * stall_look runs at each interval: a process whose threads have neither switched nor used CPU time since the look before
 * stands still. The other programs run only if it has found one that has done so for long enough. */
#include "core/probe.bpf.h"
#include "probes/stall/stall.h"

const volatile __u64 after_ns;	  /* for so long a process stands still before it is reported */
const volatile __u64 salt;	  /* of open_file */
const volatile __u64 stack_bytes; /* core_api.stack_bytes() */
const volatile bool has_snprintf, has_words;

struct stall_look look SEC(".data.look");

/* Bits of a task's state: the kernel's own, the same in all supported versions. */
enum { STATE_SLEEPING = 0x1, STATE_WAITING = 0x2, STATE_STOPPED = 0x4, STATE_TRACED = 0x8 };

/* What the probe keeps for each process: since when it stands still, in units of 2^26 ns (67 ms; 31 bits are 4 years), and
 * whether that was reported. */
#define KEPT_REPORTED (1U << 31)
#define KEPT_ZOMBIE ~0U /* it is a zombie, which was reported */
#define KEPT_SHIFT 26

/* A process that this look reports. */
struct still {
	__u64 since;
	__u64 threads, descriptors; /* reported */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, STALL_PROCESSES);
	__type(key, struct scope_key);
	__type(value, struct still);
} stuck SEC(".maps");

/* Of pointers, only ctx->task and its like are typed here, and read through BPF_CORE_READ: each typed one that a program
 * follows costs 2 ms of the start on kernels 6.2 to 6.19. */
static __always_inline struct scope_key key_of(struct task_struct *task)
{
	struct scope_key key = {.pid = task->tgid, .start = BPF_CORE_READ(task, group_leader, start_boottime)};

	return key;
}

static __always_inline void put_head(struct event *e, __u8 kind, const struct scope_key *process, __u32 tid, __u32 run)
{
	*e = (struct event){.ts = bpf_ktime_get_boot_ns(),
			    .start = process->start,
			    .pid = process->pid,
			    .tid = tid,
			    .run = run,
			    .cpu = bpf_get_smp_processor_id(),
			    .kind = kind};
}

static __always_inline struct still *still__find(struct scope_key *key)
{
	return bpf_map_lookup_elem(&stuck, key);
}

/* The same, with what the scope knows of it; NULL if it has left the scope meanwhile. */
static __always_inline struct still *still__watched(struct scope_key *key, struct scope_entry **w)
{
	struct still *still = still__find(key);

	*w = still ? bpf_map_lookup_elem(&scope, key) : NULL;
	return *w ? still : NULL;
}

/* ---- what stands still ---- */

/* Of all threads of a process: it changes whenever one of them runs. */
struct motion {
	__u64 moved;
	__u64 running; /* 0: none runs or could */
};

static __always_inline __u64 switches(__u64 voluntary, __u64 involuntary)
{
	return (voluntary + involuntary) * 0x9e3779b97f4a7c15;
}

/* Branchless, see state_bits() of the cpu probe. */
static __always_inline void add_thread(struct motion *m, struct task_struct *task)
{
	__u64 bits = (__u32)BPF_CORE_READ(task, exit_state);

	bits |= kfix__task_state(task);
	m->running |= (bits - 1) >> 63;
	m->moved += switches(BPF_CORE_READ(task, nvcsw), BPF_CORE_READ(task, nivcsw));
	m->moved += BPF_CORE_READ(task, se.sum_exec_runtime);
}

static __noinline long add_next(__u32 round, struct threads *threads)
{
	if (threads__done(threads))
		return 1;
	add_thread(threads->sums, threads__next(threads));
	return 0;
}

/* False: it has too many threads. */
static __always_inline bool motion__read(struct motion *m, struct task_struct *leader, bool loop)
{
	struct signal_struct *signal = BPF_CORE_READ(leader, signal);
	struct threads threads = {.sums = m};

	m->running = 0;
	m->moved = switches(BPF_CORE_READ(signal, nvcsw), BPF_CORE_READ(signal, nivcsw)) +
		   BPF_CORE_READ(signal, sum_sched_runtime);
	threads__begin(&threads, signal);
	EACH_ROUND(loop, THREADS_MAX, add_next, &threads);
	return threads__done(&threads);
}

/* Whether no thread has run since the look before. */
static __always_inline bool motion__none(struct motion *m, const struct scope_entry *w, struct task_struct *leader,
					 bool loop)
{
	return motion__read(m, leader, loop) && !m->running && !scope__changed(w, m->moved);
}

SCRATCH(looked, struct motion);

static __always_inline __u64 kept_since(__u32 kept)
{
	return (__u64)(kept & ~KEPT_REPORTED) << KEPT_SHIFT;
}

static __always_inline bool put_moving(struct bpf_iter__task *ctx, struct task_struct *task, struct scope_key *key,
				       struct scope_entry *w)
{
	struct stall_moving e = {.look = look.number, .since = kept_since(scope__kept(w))};

	put_head(&e.head, STALL_MOVING, key, key->pid, w->run);
	e.stuck_ns = e.head.ts - e.since;
	__builtin_memcpy(e.comm, task->comm, EVENT_COMM);
	return event__sample(ctx, &e);
}

/* Whether nothing is left of the process but its leader, for its parent to wait for. */
static __always_inline bool is_zombie(struct task_struct *leader)
{
	return leader->exit_state && BPF_CORE_READ(leader, signal, nr_threads) <= 1;
}

static __always_inline void look_at_zombie(struct bpf_iter__task *ctx, struct task_struct *task, struct scope_key *key,
					   struct scope_entry *w, __u64 now)
{
	struct stall_zombie e = {.look = look.number, .since = w->exit_ts};
	struct task_struct *parent = BPF_CORE_READ(task, real_parent);

	if (!w->exit_ts || now < w->exit_ts + after_ns || scope__kept(w) == KEPT_ZOMBIE)
		return;
	put_head(&e.head, STALL_ZOMBIE, key, key->pid, w->run);
	e.parent_pid = BPF_CORE_READ(parent, tgid);
	e.parent_start = BPF_CORE_READ(parent, group_leader, start_boottime);
	__builtin_memcpy(e.comm, task->comm, EVENT_COMM);
	BPF_CORE_READ_INTO(&e.parent_comm, parent, group_leader, comm);
	if (event__sample(ctx, &e))
		scope__keep(w, KEPT_ZOMBIE);
}

static __always_inline void note_stuck(struct scope_key *key, __u64 since)
{
	struct still still = {.since = since};

	if (bpf_map_update_elem(&stuck, key, &still, BPF_ANY)) /* no room: the next look reports it */
		return;
	look.processes++;
	look.outside = process__level() != 0;
}

static __always_inline int look_at(struct bpf_iter__task *ctx, bool loop)
{
	struct motion *m = scratch__get(&looked);
	struct task_struct *task = ctx->task;
	__u64 now = bpf_ktime_get_boot_ns();
	struct scope_entry *w;
	struct scope_key key;
	__u32 kept;

	if (!m || !task || task->pid != task->tgid)
		return 0;
	key = scope__key_of_leader(task);
	w = bpf_map_lookup_elem(&scope, &key);
	if (!w)
		return 0;
	if (is_zombie(task)) {
		look_at_zombie(ctx, task, &key, w, now);
		return 0;
	}
	kept = scope__kept(w);
	if (kept && motion__none(m, w, task, loop)) {
		if (!(kept & KEPT_REPORTED) && now - kept_since(kept) >= after_ns && now > kept_since(kept))
			note_stuck(&key, kept_since(kept));
		return 0;
	}
	if (!kept && !motion__read(m, task, loop))
		return 0;
	if (kept & KEPT_REPORTED && !put_moving(ctx, task, &key, w))
		return 0;
	scope__sampled(w, m->moved);
	scope__keep(w, (now + (1 << KEPT_SHIFT) - 1) >> KEPT_SHIFT);
	return 0;
}

SEC("iter/task")
int stall_look(struct bpf_iter__task *ctx)
{
	return look_at(ctx, false);
}

SEC("iter/task")
int stall_look_loop(struct bpf_iter__task *ctx)
{
	return look_at(ctx, true);
}

/* ---- what each thread waits for ---- */

#include "probes/stall/place.bpf.h"

#include "probes/stall/wait.bpf.h"

SCRATCH(stuck_event, struct stall_stuck);

static __always_inline int put_thread(struct bpf_iter__task *ctx, bool loop)
{
	struct stall_stuck *e = scratch__get(&stuck_event);
	struct task_struct *task = ctx->task;
	struct scope_entry *w;
	struct scope_key key;
	struct still *still;

	if (!e || !task || task->exit_state)
		return 0;
	key = key_of(task);
	still = still__watched(&key, &w);
	if (!still || process__is_denied(task))
		return 0;
	put_head(&e->head, STALL_STUCK, &key, task->pid, w->run);
	e->look = look.number;
	e->since = still->since;
	__builtin_memcpy(e->comm, task->comm, EVENT_COMM);
	wait__state(e, task);
	wait__channel(e, task);
	wait__syscall(e, task);
	wait__blocker(e, task);
	wait__children(e, task, loop);
	wait__opening(e, task, loop);
	if (event__sample(ctx, e))
		still->threads++;
	return 0;
}

SEC("iter/task")
int stall_stuck(struct bpf_iter__task *ctx)
{
	return put_thread(ctx, false);
}

SEC("iter/task")
int stall_stuck_loop(struct bpf_iter__task *ctx)
{
	return put_thread(ctx, true);
}

/* ---- its descriptors, and the holders of the other ends ---- */

#include "probes/stall/socket.bpf.h"

#include "probes/stall/descriptor.bpf.h"

/* ---- the end ---- */

SCRATCH(checked, struct motion);

static __always_inline int put_picture(struct bpf_iter__task *ctx, bool loop)
{
	struct motion *m = scratch__get(&checked);
	struct task_struct *task = ctx->task;
	struct stall_picture e = {};
	struct scope_entry *w;
	struct scope_key key;
	struct still *still;

	if (!m || !task || task->pid != task->tgid)
		return 0;
	key = scope__key_of_leader(task);
	still = still__watched(&key, &w);
	if (!still)
		return 0;
	put_head(&e.head, STALL_PICTURE, &key, key.pid, w->run);
	e.look = look.number;
	e.since = still->since;
	e.threads = still->threads;
	e.descriptors = still->descriptors;
	e.holders = look.holders;
	e.incomplete = EVENT_NULL(EVENT_REASON_NONE);
	if (!motion__none(m, w, task, loop))
		e.incomplete = STALL_MOVED;
	else if (look.full)
		e.incomplete = STALL_LIMIT;
	else if (look.denied || process__is_denied(task))
		e.incomplete = STALL_DENIED;
	else if (look.outside)
		e.incomplete = STALL_NAMESPACE;
	e.complete = EVENT_IS_NULL(e.incomplete);
	__builtin_memcpy(e.comm, task->comm, EVENT_COMM);
	if (event__sample(ctx, &e))
		scope__keep(w, scope__kept(w) | KEPT_REPORTED);
	return 0;
}

SEC("iter/task")
int stall_picture(struct bpf_iter__task *ctx)
{
	return put_picture(ctx, false);
}

SEC("iter/task")
int stall_picture_loop(struct bpf_iter__task *ctx)
{
	return put_picture(ctx, true);
}
