// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Memory of a process: sampled by a task iterator, and its peak at the exit.
 *
 * signal->maxrss, which wait4() reports, survives an exec: /bin/true started by a process of 400 MB has a maxrss of
 * 400 MB. The peak since the exec is in the mm, which is still set at the exit tracepoint since 6.16. Before, it is
 * read at taskstats_exit(), which the kernel calls earlier. Without fentry there, the peak is known only if it raised
 * maxrss above its value at the exec. */
#include "core/probe.bpf.h"
#include "probes/mem/mem.h"

const volatile __u64 page_bytes = 4096;
const volatile bool use_maxrss; /* the mm is not available at the exit */

#define MAXRSS_SHARED ~0ULL

/* signal->maxrss at exec, for use_maxrss. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct scope_key);
	__type(value, __u64);
} exec_maxrss SEC(".maps");

/* Offset of each CPU's per-CPU area, determined once by mem_cpus. */
const volatile __u32 cpus_possible;
static struct kfix_cpus cpus SEC(".data.cpus");
SCRATCH(cpu_probe, __u64);
__u32 cpu_probe_id; /* id of that map */

static __always_inline void fill(struct mem_event *e, const struct kfix_pages *p, struct mm_struct *mm,
				 struct task_struct *task)
{
	e->rss_bytes = (p->file + p->anon + p->shmem) * page_bytes;
	e->anon_bytes = p->anon * page_bytes;
	e->file_bytes = p->file * page_bytes;
	e->shmem_bytes = p->shmem * page_bytes;
	e->swap_bytes = p->swap * page_bytes;
	e->vm_bytes = mm->total_vm * page_bytes;
	e->stack_bytes = mm->stack_vm * page_bytes;
	e->minor_faults = task->signal->min_flt + task->min_flt;
	e->major_faults = task->signal->maj_flt + task->maj_flt;
	__builtin_memcpy(e->comm, task->group_leader->comm, EVENT_COMM);
}

static __always_inline void fill_null(struct mem_event *e, __u32 reason, struct task_struct *task)
{
	e->rss_bytes = e->anon_bytes = e->file_bytes = e->shmem_bytes = EVENT_NULL(reason);
	e->swap_bytes = e->vm_bytes = e->stack_bytes = EVENT_NULL(reason);
	e->minor_faults = task->signal->min_flt + task->min_flt;
	e->major_faults = task->signal->maj_flt + task->maj_flt;
	__builtin_memcpy(e->comm, task->group_leader->comm, EVENT_COMM);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(mem_exec, struct task_struct *task)
{
	struct scope_key key = scope__key(task);
	__u64 maxrss = task->signal->maxrss;

	if (bpf_map_lookup_elem(&scope, &key))
		bpf_map_update_elem(&exec_maxrss, &key, &maxrss, BPF_ANY);
	return 0;
}

/* A child that shares the mm of its parent (vfork, CLONE_VM): until its exec it has no peak of its own. */
SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(mem_fork, struct task_struct *child)
{
	struct task_struct *maker = (void *)bpf_get_current_task();
	struct scope_key key = scope__key(child);
	__u64 shared = MAXRSS_SHARED;

	if (child->pid == child->tgid && child->mm && child->mm == BPF_CORE_READ(maker, mm) &&
	    bpf_map_lookup_elem(&scope, &key))
		bpf_map_update_elem(&exec_maxrss, &key, &shared, BPF_ANY);
	return 0;
}

/* wait4() includes the children that the process has waited for. */
static __always_inline __u64 rusage_maxrss(struct signal_struct *signal)
{
	__u64 own = signal->maxrss, children = signal->cmaxrss;

	return own > children ? own : children;
}

/* The peak without the mm: exact if maxrss rose above its value at the exec. */
static __always_inline __u64 peak_of_maxrss(struct task_struct *task, const struct scope_entry *w)
{
	struct scope_key key = scope__key(task);
	__u64 *at_exec = bpf_map_lookup_elem(&exec_maxrss, &key);
	__u64 maxrss = task->signal->maxrss, before = 0;

	if (at_exec) {
		before = *at_exec;
		bpf_map_delete_elem(&exec_maxrss, &key);
		if (before == MAXRSS_SHARED)
			return EVENT_NULL(EVENT_REASON_SHARED);
	} else if (w->flags & SCOPE_EXISTING) {
		return EVENT_NULL(EVENT_REASON_UNSEEN);
	}
	return maxrss > before ? maxrss * page_bytes : EVENT_NULL(EVENT_REASON_BOUND);
}

static __always_inline void report(struct task_struct *task, struct scope_entry *w)
{
	struct mm_struct *mm;
	struct mem_event *e;
	__u64 peak, now;
	struct kfix_pages p;

	if (w->reported[scope_slot & (SCOPE_SLOTS - 1)])
		return;
	e = event__reserve_exit(struct mem_event, MEM_EXIT, task, w);
	if (!e)
		return;
	e->rusage_maxrss_bytes = rusage_maxrss(task->signal) * page_bytes;
	mm = task->mm;
	if (!mm) {
		fill_null(e, EVENT_REASON_RELEASED, task);
		e->peak_rss_bytes = use_maxrss ? peak_of_maxrss(task, w) : EVENT_NULL(EVENT_REASON_LOST);
	} else if (task->real_parent->mm == mm) {
		fill_null(e, EVENT_REASON_SHARED, task);
		e->peak_rss_bytes = EVENT_NULL(EVENT_REASON_SHARED);
	} else {
		kfix__pages(&p, mm, &cpus, cpus_possible);
		fill(e, &p, mm, task);
		now = p.file + p.anon + p.shmem;
		peak = mm->hiwater_rss;
		e->peak_rss_bytes = (peak > now ? peak : now) * page_bytes;
	}
	event__submit(e);
}

/* Has the mm like the tracepoint since 6.16, but may be skipped: then mem_exit reports what is still available. */
SEC("fentry/taskstats_exit")
int BPF_PROG(mem_exit_early, struct task_struct *task, int group_dead)
{
	struct scope_entry *w = group_dead ? scope__find(task) : NULL;

	if (w)
		report(task, w);
	return 0;
}

ON_PROCESS_EXIT(mem_exit, task, w)
{
	report(task, w);
}

/* The nearest cgroup whose memory usage is at its limit, within a batch of charges. If none is but one has failed
 * charges before, it may be that one, after a first victim has begun to free memory: *limit is then null with
 * EVENT_REASON_GONE. */
static __always_inline struct cgroup *full_cgroup(struct task_struct *task, __u64 *limit)
{
	struct cgroup_subsys_state *css = path__task_memory(task);

	for (int i = 0; i < 16 && css; i++) {
		struct mem_cgroup *memcg = (void *)css - bpf_core_field_offset(struct mem_cgroup, css);
		__u64 usage = BPF_CORE_READ(memcg, memory.usage.counter);
		__u64 max = BPF_CORE_READ(memcg, memory.max);

		if (usage + 512 >= max) {
			*limit = max * page_bytes;
			return css->cgroup;
		}
		if (BPF_CORE_READ(memcg, memory.failcnt))
			*limit = EVENT_NULL(EVENT_REASON_GONE);
		css = css->parent;
	}
	return NULL;
}

SCRATCH(oom_path, struct path_buffer);

/* Runs in the process whose allocation failed. */
SEC("tp_btf/mark_victim")
int BPF_PROG(mem_oom_kill, struct task_struct *victim)
{
	struct task_struct *trigger = (void *)bpf_get_current_task();
	struct scope_entry *w = scope__find(victim);
	struct path_buffer *path;
	struct mem_oom_kill *e;
	struct cgroup *cgroup;
	__u32 length;
	struct mm_struct *mm;
	struct kfix_pages p;

	path = scratch__get(&oom_path);
	if (!w || !path)
		return 0;
	e = event__reserve(struct mem_oom_kill, MEM_OOM_KILL, victim, w);
	if (!e)
		return 0;
	__builtin_memset(e->text, 0, sizeof(e->text));
	__builtin_memset(e->limit, 0, sizeof(e->limit));
	e->limit_bytes = EVENT_NULL(EVENT_REASON_NONE);
	e->cgroup.offset = __builtin_offsetof(struct mem_oom_kill, text);
	e->cgroup.length = 0;
	e->cgroup.reason = EVENT_REASON_RELEASED;
	cgroup = full_cgroup(victim, &e->limit_bytes);
	if (cgroup)
		__builtin_memcpy(e->limit, "cgroup", sizeof("cgroup"));
	else if (e->limit_bytes == EVENT_NULL(EVENT_REASON_GONE))
		__builtin_memcpy(e->limit, "unknown", sizeof("unknown"));
	else
		__builtin_memcpy(e->limit, "host", sizeof("host"));
	if (cgroup) {
		path__of_cgroup(path, cgroup);
		length = path__length(path);
		if (length > MEM_CGROUP_BYTES)
			length = MEM_CGROUP_BYTES;
		if (!bpf_probe_read_kernel(e->text, length, &path->text[path->at & (PATH_BYTES - 1)])) {
			e->cgroup.length = length;
			e->cgroup.reason = path->reason;
		}
	}
	mm = victim->mm;
	e->rss_bytes = EVENT_NULL(EVENT_REASON_RELEASED);
	if (mm) {
		kfix__pages(&p, mm, &cpus, cpus_possible);
		e->rss_bytes = (p.file + p.anon + p.shmem) * page_bytes;
	}
	e->trigger_pid = BPF_CORE_READ(trigger, tgid);
	e->trigger_start = BPF_CORE_READ(trigger, group_leader, start_boottime);
	BPF_CORE_READ_INTO(&e->trigger_comm, trigger, comm);
	__builtin_memcpy(e->comm, victim->group_leader->comm, EVENT_COMM);
	event__submit(e);
	return 0;
}

SEC("iter/task")
int mem_sample(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct mm_struct *mm;
	struct mem_event e;
	__u64 fingerprint;
	struct scope_entry *w;
	struct kfix_pages p;

	if (!task || task->pid != task->tgid)
		return 0;
	w = scope__find(task);
	if (!w)
		return 0;
	mm = task->mm;
	if (!mm)
		return 0;
	kfix__pages(&p, mm, &cpus, cpus_possible);
	fingerprint = (p.file + p.anon + p.shmem) << 32 ^ p.anon << 8 ^ p.swap << 48 ^
		      (task->signal->min_flt + task->min_flt);
	if (!scope__changed(w, fingerprint))
		return 0;
	event__head(&e.head, MEM_SAMPLE, task, w);
	fill(&e, &p, mm, task);
	e.peak_rss_bytes = e.rusage_maxrss_bytes = 0;
	if (event__sample(ctx, &e))
		scope__sampled(w, fingerprint);
	return 0;
}

/* Runs once: determines the offsets of the per-CPU areas from a per-CPU map of our own. */
SEC("iter/bpf_map")
int mem_cpus(struct bpf_iter__bpf_map *ctx)
{
	struct bpf_map *map = ctx->map;
	__u32 zero = 0;
	void *base;

	if (!map || map->id != cpu_probe_id || !kfix__rss_percpu())
		return 0;
	bpf_probe_read_kernel(&base, sizeof(base), (void *)map + bpf_core_field_offset(struct bpf_array, pptrs));
	if (cpus_possible > KFIX_CPUS)
		return 0;
	for (__u32 cpu = 0; cpu < KFIX_CPUS && cpu < cpus_possible; cpu++) {
		__u64 address;
		void *here;

		here = bpf_map_lookup_percpu_elem(&cpu_probe, &zero, cpu);
		if (!here)
			return 0;
		/* As a number: the verifier forbids arithmetic on this pointer. */
		bpf_probe_read_kernel(&address, sizeof(address), &here);
		cpus.offset[cpu] = address - (__u64)base;
	}
	cpus.known = 1;
	return 0;
}
