// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* CPU time of a process: sampled by a task iterator, and exact when the thread group leader is freed.
 *
 * At the exit a task's run time is stale by up to a tick and the teardown is still to come: that event is provisional,
 * the one at sched_process_free of the leader is final. */
#include "core/probe.bpf.h"
#include "probes/cpu/cpu.h"

/* Sums over the threads of a process. */
struct sums {
	__u64 run, user, system, voluntary, involuntary;
	__u64 states; /* union of the threads' states; STATE_RUNNING for a state of 0 */
	__u64 threads;
};

/* Bits of a task's state: the kernel's own, the same in all supported versions. */
enum { STATE_SLEEPING = 0x1, STATE_WAITING = 0x2, STATE_STOPPED = 0x4, STATE_TRACED = 0x8 };
#define STATE_RUNNING (1ULL << 63)

/* Branchless: a branch in the loop over all threads would multiply the verifier's states. */
static __always_inline __u64 state_bits(unsigned int state, int exit_state)
{
	__u64 bits = (unsigned int)exit_state;

	bits |= state;
	return (bits & 0xf) | ((bits - 1) & STATE_RUNNING);
}

/* The state of the most active thread, as in ps(1). No bit set: every thread has exited. */
static __always_inline char state_of(__u64 states)
{
	if (states & STATE_RUNNING)
		return 'R';
	if (states & STATE_WAITING)
		return 'D';
	if (states & STATE_SLEEPING)
		return 'S';
	if (states & STATE_STOPPED)
		return 'T';
	return states & STATE_TRACED ? 't' : 'Z';
}

static __always_inline void add_dead(struct sums *s, struct signal_struct *signal)
{
	s->run = signal->sum_sched_runtime;
	s->user = signal->utime;
	s->system = signal->stime;
	s->voluntary = signal->nvcsw;
	s->involuntary = signal->nivcsw;
}

static __always_inline void add_task(struct sums *s, struct task_struct *task)
{
	s->states |= state_bits(kfix__known_task_state(task), task->exit_state);
	s->run += task->se.sum_exec_runtime;
	s->user += task->utime;
	s->system += task->stime;
	s->voluntary += task->nvcsw;
	s->involuntary += task->nivcsw;
}

/* The same as add_task() for a thread found by its list node: an untyped pointer, which needs BPF_CORE_READ. */
static __always_inline void add_thread(struct sums *s, struct task_struct *task)
{
	s->states |= state_bits(kfix__task_state(task), BPF_CORE_READ(task, exit_state));
	s->run += BPF_CORE_READ(task, se.sum_exec_runtime);
	s->user += BPF_CORE_READ(task, utime);
	s->system += BPF_CORE_READ(task, stime);
	s->voluntary += BPF_CORE_READ(task, nvcsw);
	s->involuntary += BPF_CORE_READ(task, nivcsw);
}

static __always_inline void fill(struct cpu_event *e, const struct sums *s, struct task_struct *task)
{
	e->cpu_ns = s->run;
	e->user_ns = s->user;
	e->system_ns = s->system;
	e->voluntary_switches = s->voluntary;
	e->involuntary_switches = s->involuntary;
	e->threads = s->threads;
	e->state[0] = state_of(s->states);
	e->state[1] = 0;
	e->prev_user = task->signal->prev_cputime.utime;
	e->prev_system = task->signal->prev_cputime.stime;
	__builtin_memset(e->zero, 0, sizeof(e->zero));
	e->final = false;
	__builtin_memcpy(e->comm, task->group_leader->comm, EVENT_COMM);
}

ON_PROCESS_EXIT(cpu_exit, task, w)
{
	struct cpu_event *e = event__reserve_provisional(struct cpu_event, CPU_EXIT, task, w);
	struct sums s = {};

	if (!e)
		return;
	add_dead(&s, task->signal);
	add_task(&s, task);
	s.states = 0; /* still running; only samples have a state field */
	s.threads = scope__threads_peak(w);
	fill(e, &s, task);
	event__submit(e);
}

SEC("tp_btf/sched_process_free")
int BPF_PROG(cpu_exit_final, struct task_struct *task)
{
	struct scope_entry *w = scope__closed(task);
	struct sums s = {};
	struct cpu_event *e;

	if (!w)
		return 0;
	e = event__reserve_exit(struct cpu_event, CPU_EXIT, task, w);
	if (!e)
		return 0;
	add_dead(&s, task->signal);
	s.threads = scope__threads_peak(w);
	fill(e, &s, task);
	e->final = true;
	event__submit(e);
	return 0;
}

/* Adds every thread of the process; false: it has more than THREADS_MAX. */
static __always_inline bool add_threads(struct sums *s, struct signal_struct *signal)
{
	struct list_head *node = threads__first(signal);
	int i;

	for (i = 0; i < THREADS_MAX && !threads__end(signal, node); i++, node = threads__next(node))
		add_thread(s, thread__of(node));
	return i < THREADS_MAX;
}

SCRATCH(sample, struct sums);

SEC("iter/task")
int cpu_sample(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct sums *s = scratch__get(&sample);
	struct cpu_event e;
	__u64 fingerprint;
	struct scope_entry *w;

	if (!s || !task || task->pid != task->tgid)
		return 0;
	w = scope__find(task);
	if (!w)
		return 0;
	s->states = 0;
	add_dead(s, task->signal);
	s->threads = task->signal->nr_threads;
	if (s->threads <= 1)
		add_task(s, task);
	else if (!add_threads(s, task->signal))
		s->run = s->user = s->system = s->voluntary = s->involuntary = EVENT_NULL(EVENT_REASON_BOUND);
	fingerprint = s->run ^ s->states << 59 ^ s->states;
	if (!scope__changed(w, fingerprint))
		return 0;
	event__head(&e.head, CPU_SAMPLE, task, w);
	fill(&e, s, task);
	if (event__close(&e.head, CPU_EXIT, w, task)) {
		e.threads = scope__threads_peak(w);
		e.final = true;
	}
	if (event__sample(ctx, &e))
		scope__sampled(w, fingerprint);
	return 0;
}
