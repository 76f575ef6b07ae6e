// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* CPU time of a process: sampled by a task iterator, and exact when the thread group leader is freed.
 *
 * At the exit a task's run time is stale by up to a tick and the teardown is still to come: that event is provisional,
 * the one at sched_process_free of the leader is final. */
#include "core/probe.bpf.h"
#include "probes/cpu/cpu.h"
#include "probes/cpu/asleep.bpf.h"

/* Sums over the threads of a process. */
struct sums {
	__u64 run, user, system, voluntary, involuntary;
	__u64 states; /* union of the threads' states; STATE_RUNNING for a state of 0 */
	__u64 threads;
	__u64 delay, ended_delay; /* of live threads; of those that have ended, or null */
	__u64 iowait;		  /* threads in I/O wait */
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

/* Of an existing process, what its threads waited for that ended before is not known. */
static __always_inline __u64 ended_delay(const struct scope_entry *w, struct signal_struct *signal)
{
	return w->flags & SCOPE_EXISTING && signal->sum_sched_runtime ? EVENT_NULL(EVENT_REASON_UNSEEN)
								      : w->ended_delay;
}

static __always_inline void add_dead(struct sums *s, struct signal_struct *signal, const struct scope_entry *w)
{
	s->iowait = s->delay = 0;
	s->ended_delay = bpf_core_field_exists(((struct task_struct *)0)->sched_info.run_delay)
				 ? ended_delay(w, signal)
				 : EVENT_NULL(EVENT_REASON_UNSUPPORTED);
	s->run = signal->sum_sched_runtime;
	s->user = signal->utime;
	s->system = signal->stime;
	s->voluntary = signal->nvcsw;
	s->involuntary = signal->nivcsw;
}

/* Its exit adds what it waited to that of the threads that have ended, perhaps already. */
static __always_inline bool is_leaving(unsigned int flags)
{
	return flags & PF_EXITING;
}

static __always_inline void add_task(struct sums *s, struct task_struct *task)
{
	s->states |= state_bits(kfix__known_task_state(task), task->exit_state);
	s->run += task->se.sum_exec_runtime;
	s->user += task->utime;
	s->system += task->stime;
	s->voluntary += task->nvcsw;
	s->involuntary += task->nivcsw;
	s->iowait += BPF_CORE_READ_BITFIELD_PROBED(task, in_iowait);
	if (bpf_core_field_exists(task->sched_info.run_delay))
		s->delay += is_leaving(task->flags) ? 0 : task->sched_info.run_delay;
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
	s->iowait += BPF_CORE_READ_BITFIELD_PROBED(task, in_iowait);
	if (bpf_core_field_exists(task->sched_info.run_delay))
		s->delay += BPF_CORE_READ(task, sched_info.run_delay) * !is_leaving(BPF_CORE_READ(task, flags));
}

static __always_inline void fill(struct cpu_event *e, const struct sums *s, const struct scope_entry *w,
				 struct task_struct *leader, struct signal_struct *signal)
{
	e->exited_ns = scope__exited_ns(w);
	e->cpu_ns = s->run;
	e->user_ns = s->user;
	e->system_ns = s->system;
	e->voluntary_switches = s->voluntary;
	e->involuntary_switches = s->involuntary;
	e->threads = s->threads;
	e->run_delay_ns = s->ended_delay + (EVENT_IS_NULL(s->ended_delay) ? 0 : s->delay);
	e->cpus_allowed = leader->nr_cpus_allowed;
	e->samples = w->samples;
	e->iowait_samples = w->waits;
	e->in_iowait = s->iowait;
	e->state[0] = state_of(s->states);
	e->state[1] = 0;
	e->prev_user = signal->prev_cputime.utime;
	e->prev_system = signal->prev_cputime.stime;
	__builtin_memset(e->zero, 0, sizeof(e->zero));
	e->final = false;
	__builtin_memcpy(e->comm, leader->comm, EVENT_COMM);
}

/* All of the process until then. Its run time is stale by up to a tick, which then counts for the next program. */
ON_REPLACED(cpu_image, task, w)
{
	struct cpu_event *e = event__reserve_leader(struct cpu_event, CPU_IMAGE, task, w);
	struct signal_struct *signal = task->signal;
	struct sums s = {};

	if (!e)
		return;
	add_dead(&s, signal, w);
	add_task(&s, task);
	fill(e, &s, w, task, signal);
	event__submit(e);
}

/* The kernel does not sum what threads that have ended waited for. */
static __always_inline void keep_delay(struct scope_entry *w, struct task_struct *task)
{
	if (bpf_core_field_exists(task->sched_info.run_delay))
		__sync_fetch_and_add(&w->ended_delay, task->sched_info.run_delay);
}

ON_THREAD_EXIT(cpu_exit, task, w, last)
{
	struct task_struct *leader = task->group_leader;
	struct signal_struct *signal = task->signal;
	struct cpu_event *e;
	struct sums s = {};

	keep_delay(w, task);
	if (!last)
		return;
	e = event__reserve_provisional_of(struct cpu_event, CPU_EXIT, task, leader, w);
	if (!e)
		return;
	add_dead(&s, signal, w);
	add_task(&s, task);
	s.delay = 0;  /* already kept */
	s.states = 0; /* still running; only samples have a state field */
	s.threads = scope__threads_peak(w);
	fill(e, &s, w, leader, signal);
	event__submit(e);
}

SEC("tp_btf/sched_process_free")
int BPF_PROG(cpu_exit_final, struct task_struct *task)
{
	struct scope_entry *w = scope__closed(task);
	struct signal_struct *signal;
	struct sums s = {};
	struct cpu_event *e;

	if (!w)
		return 0;
	signal = task->signal;
	e = event__reserve_final(struct cpu_event, CPU_EXIT, task, w);
	if (!e)
		return 0;
	add_dead(&s, signal, w);
	s.threads = scope__threads_peak(w);
	fill(e, &s, w, task, signal);
	e->final = true;
	event__submit(e);
	return 0;
}

static __noinline long add_next(__u32 round, struct threads *threads)
{
	if (threads__done(threads))
		return 1;
	add_thread(threads->sums, threads__next(threads));
	return 0;
}

/* Adds every thread of the process; false: it has more than THREADS_MAX. */
static __always_inline bool add_threads(struct sums *s, struct signal_struct *signal, bool loop)
{
	struct threads threads = {.sums = s};

	threads__begin(&threads, signal);
	EACH_ROUND(loop, THREADS_MAX, add_next, &threads);
	return threads__done(&threads);
}

#define GROUPS_MAX 16 /* a cgroup and those above it */
#define US 1000

/* Whether a quota is less of a CPU than the one found so far; in us, as the product of two in ns does not fit. */
static __always_inline bool is_tighter(__u64 quota, __u64 period, const struct cpu_sample *e)
{
	return EVENT_IS_NULL(e->quota_ns) || quota / US * (e->period_ns / US) < e->quota_ns / US * (period / US);
}

static __always_inline void fill_quota(struct cpu_sample *e, struct task_struct *task)
{
	bool has = bpf_core_field_exists(task->sched_task_group) &&
		   bpf_core_field_exists(((struct task_group *)0)->cfs_bandwidth.nr_throttled);
	struct task_group *group = has ? task->sched_task_group : NULL;

	e->quota_ns = e->period_ns = e->periods = e->throttled_periods = e->throttled_ns = e->quota_cgroup_id =
		EVENT_NULL(has ? EVENT_REASON_NONE : EVENT_REASON_UNSUPPORTED);
	for (int i = 0; i < GROUPS_MAX && has && group; i++) {
		__u64 quota = group->cfs_bandwidth.quota, period = group->cfs_bandwidth.period;

		if (quota != ~0ULL && is_tighter(quota, period, e)) {
			e->quota_ns = quota;
			e->period_ns = period;
			e->periods = (unsigned int)group->cfs_bandwidth.nr_periods;
			e->throttled_periods = (unsigned int)group->cfs_bandwidth.nr_throttled;
			e->throttled_ns = group->cfs_bandwidth.throttled_time;
			e->quota_cgroup_id = group->css.cgroup->kn->id;
		}
		group = group->parent;
	}
}

SCRATCH(sample, struct sums);

/* Asleep, each thread that has not exited. */
static __always_inline bool sleeps(const struct sums *s)
{
	return s->states & (STATE_SLEEPING | STATE_WAITING) && !(s->states & STATE_RUNNING);
}

static __always_inline int sample_process(struct bpf_iter__task *ctx, bool loop)
{
	struct task_struct *task = ctx->task;
	struct sums *s = scratch__get(&sample);
	struct signal_struct *signal;
	struct cpu_sample e;
	__u64 fingerprint;
	struct scope_entry *w;
	bool closed;

	if (!s || !task || task->pid != task->tgid)
		return 0;
	w = scope__find_leader(task);
	if (!w)
		return 0;
	signal = task->signal;
	s->states = 0;
	add_dead(s, signal, w);
	s->threads = signal->nr_threads;
	if (s->threads <= 1)
		add_task(s, task);
	else if (!add_threads(s, signal, loop))
		s->run = s->user = s->system = s->voluntary = s->involuntary = s->ended_delay =
			EVENT_NULL(EVENT_REASON_BOUND);
	if (!task->exit_state) {
		w->samples++;
		w->waits += s->iowait != 0;
	}
	/* Without a thread that leaves, it may be less than before. */
	if (s->ended_delay + s->delay < w->sampled_delay)
		s->delay = w->sampled_delay - s->ended_delay;
	fingerprint = s->run ^ s->states << 59 ^ s->states;
	if (!scope__changed(w, fingerprint))
		return 0;
	event__head_of(&e.cpu.head, CPU_SAMPLE, task, task, w, bpf_ktime_get_boot_ns());
	fill(&e.cpu, s, w, task, signal);
	closed = event__close(&e.cpu.head, CPU_EXIT, w, task);
	if (closed) {
		e.cpu.threads = scope__threads_peak(w);
		e.cpu.final = true;
	} else {
		fill_quota(&e, task);
		asleep__fill(&e, task, sleeps(s));
	}
	if (closed ? event__sample(ctx, &e.cpu) : event__sample(ctx, &e)) {
		scope__sampled(w, fingerprint);
		if (!EVENT_IS_NULL(s->ended_delay))
			w->sampled_delay = s->ended_delay + s->delay;
	}
	return 0;
}

SEC("iter/task")
int cpu_sample(struct bpf_iter__task *ctx)
{
	return sample_process(ctx, false);
}

SEC("iter/task")
int cpu_sample_loop(struct bpf_iter__task *ctx)
{
	return sample_process(ctx, true);
}
