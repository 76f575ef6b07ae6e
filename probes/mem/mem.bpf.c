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

/* Kept for each process, in pages: before its first exec what was resident at its fork, or KEPT_SHARED; where mem_exec
 * runs, after an exec signal->maxrss at the exec. */
#define KEPT_SHARED ~0U
#define KEPT_MAX (KEPT_SHARED - 1)

#define RLIMIT_STACK 3

const volatile bool image_at_exec; /* this kernel has no sched_prepare_exec */

/* Offset of each CPU's per-CPU area, determined once by mem_cpus. */
const volatile __u32 cpus_possible;
static struct kfix_cpus cpus SEC(".data.cpus");
SCRATCH(cpu_probe, __u64);
__u32 cpu_probe_id; /* id of that map */

/* Huge pages of hugetlbfs, in pages: no RSS counter has them. 0 on a kernel without (CONFIG_HUGETLB_PAGE). */
static __always_inline __u64 hugetlb_pages(struct mm_struct *mm)
{
	return bpf_core_field_exists(mm->hugetlb_usage) ? mm->hugetlb_usage.counter : 0;
}

static __always_inline void fill_process(struct mem_event *e, struct task_struct *task, struct task_struct *leader,
					 struct signal_struct *signal)
{
	e->minor_faults = signal->min_flt + task->min_flt;
	e->major_faults = signal->maj_flt + task->maj_flt;
	__builtin_memcpy(e->comm, leader->comm, EVENT_COMM);
}

static __always_inline void fill(struct mem_event *e, const struct kfix_pages *p, struct mm_struct *mm)
{
	e->rss_bytes = (p->file + p->anon + p->shmem) * page_bytes;
	e->anon_bytes = p->anon * page_bytes;
	e->file_bytes = p->file * page_bytes;
	e->shmem_bytes = p->shmem * page_bytes;
	e->swap_bytes = p->swap * page_bytes;
	e->vm_bytes = mm->total_vm * page_bytes;
	e->stack_bytes = mm->stack_vm * page_bytes;
	e->hugetlb_bytes = hugetlb_pages(mm) * page_bytes;
}

static __always_inline void fill_null(struct mem_event *e, __u32 reason)
{
	e->rss_bytes = e->anon_bytes = e->file_bytes = e->shmem_bytes = EVENT_NULL(reason);
	e->swap_bytes = e->vm_bytes = e->stack_bytes = e->hugetlb_bytes = EVENT_NULL(reason);
}

static __always_inline __u64 memory_cgroup_id(struct task_struct *task)
{
	struct cgroup_subsys_state *css = path__memory_of(task->cgroups);

	return css ? BPF_CORE_READ(css, cgroup, kn, id) : 0;
}

static __always_inline void keep_pages(struct scope_entry *w, __u64 pages)
{
	scope__keep(w, pages < KEPT_MAX ? pages : KEPT_MAX);
}

/* A child that shares the mm of its parent (vfork, CLONE_VM) has no memory of its own until its exec. Any other begins
 * with its parent's pages: the kernel sets hiwater_rss to their number. */
SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(mem_fork, struct task_struct *child)
{
	struct task_struct *maker = (void *)bpf_get_current_task();
	struct mm_struct *mm = child->mm;
	struct scope_entry *w = child->pid == child->tgid && mm ? scope__find_leader(child) : NULL;

	if (!w)
		return 0;
	if (mm == BPF_CORE_READ(maker, mm))
		scope__keep(w, KEPT_SHARED);
	else
		keep_pages(w, mm->hiwater_rss);
	return 0;
}

/* What a fork shares with its parent, in bytes: the pages at the fork, and those of files, which the fork maps anew as
 * it touches them. 0 after an exec. */
static __always_inline __u64 inherited(struct task_struct *task, const struct scope_entry *w, __u64 file)
{
	__u32 kept = scope__kept(w);

	if (process__execs(task))
		return 0;
	if (w->flags & SCOPE_EXISTING)
		return EVENT_NULL(EVENT_REASON_UNSEEN);
	return kept == KEPT_SHARED ? EVENT_NULL(EVENT_REASON_SHARED) : (kept + file) * page_bytes;
}

/* wait4() includes the children that the process has waited for. */
static __always_inline __u64 rusage_maxrss(struct signal_struct *signal)
{
	__u64 own = signal->maxrss, children = signal->cmaxrss;

	return own > children ? own : children;
}

/* The peak of the program after which maxrss has this value, by the value before it: exact if it rose. `execs`: before
 * that program's exec there were none, and the value kept is that of the fork. */
static __always_inline __u64 peak_of_maxrss(struct signal_struct *signal, const struct scope_entry *w, __u64 execs)
{
	__u64 before = scope__kept(w), maxrss = signal->maxrss;

	if (!before && w->flags & SCOPE_EXISTING)
		return EVENT_NULL(EVENT_REASON_UNSEEN);
	if (before == KEPT_SHARED)
		return EVENT_NULL(EVENT_REASON_SHARED);
	if (!execs)
		before = 0; /* a fork begins with a maxrss of 0 */
	return maxrss > before ? maxrss * page_bytes : EVENT_NULL(EVENT_REASON_BOUND);
}

/* A fork that has not grown by so much before its exec has no event. Without the mm, file pages count as growth. */
#define GROWTH_BYTES (1 << 20)
#define GROWTH_BYTES_LATE (8 << 20)

static __always_inline void put_image(struct task_struct *task, struct task_struct *leader,
				      struct signal_struct *signal, struct scope_entry *w, __u64 peak,
				      __u64 inherited_bytes, struct mm_struct *mm, const struct kfix_pages *pages)
{
	struct mem_event *e;

	if (inherited_bytes && !EVENT_IS_NULL(peak) && peak < inherited_bytes + (mm ? GROWTH_BYTES : GROWTH_BYTES_LATE))
		return;
	e = event__reserve_of(struct mem_event, MEM_IMAGE, task, leader, w);
	if (!e)
		return;
	if (mm)
		fill(e, pages, mm);
	else
		fill_null(e, EVENT_REASON_RELEASED);
	fill_process(e, task, leader, signal);
	e->peak_rss_bytes = peak;
	e->inherited_rss_bytes = inherited_bytes;
	e->rusage_maxrss_bytes = rusage_maxrss(signal) * page_bytes;
	event__submit(e);
}

/* Before 6.10: the mm is gone, but the kernel has added its peak to maxrss. */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(mem_exec, struct task_struct *task)
{
	struct scope_entry *w = scope__find_leader(task);
	struct signal_struct *signal = task->signal;
	__u64 execs = process__execs(task) - 1; /* without this one */
	__u32 kept;

	if (!w)
		return 0;
	kept = scope__kept(w);
	if (image_at_exec && kept != KEPT_SHARED)
		put_image(task, task, signal, w, peak_of_maxrss(signal, w, execs), execs ? 0 : kept * page_bytes, NULL,
			  NULL);
	keep_pages(w, signal->maxrss);
	return 0;
}

/* Whether a fork may have grown, without a look at every CPU's part of its counters. */
static __always_inline bool may_have_grown(struct mm_struct *mm, __u64 kept)
{
	__u64 grown = kept + (GROWTH_BYTES >> 13); /* half of it, in the smallest pages */

	return kept != KEPT_SHARED && (mm->hiwater_rss >= grown || kfix__own_pages(mm) >= grown);
}

/* Since 6.10: just before the exec, while the mm is still there. */
static __always_inline void image(struct task_struct *task)
{
	struct task_struct *leader = task->group_leader;
	struct scope_key key = {.pid = task->tgid, .start = leader->start_boottime};
	struct scope_entry *w = bpf_map_lookup_elem(&scope, &key);
	struct signal_struct *signal = task->signal;
	struct mm_struct *mm = task->mm;
	__u64 peak, now, before;
	struct kfix_pages p;

	if (!w || !mm || (!process__execs(task) && !may_have_grown(mm, scope__kept(w))))
		return;
	kfix__pages(&p, mm, &cpus, cpus_possible);
	before = inherited(task, w, p.file);
	if (EVENT_IS_NULL(before))
		return;
	peak = mm->hiwater_rss;
	now = p.file + p.anon + p.shmem;
	put_image(task, leader, signal, w, (peak > now ? peak : now) * page_bytes, before, mm, &p);
}

SEC("tp_btf/sched_prepare_exec")
int BPF_PROG(mem_image, struct task_struct *task)
{
	image(task);
	return 0;
}

SEC("tp/sched/sched_prepare_exec")
int mem_image_classic(void *ctx)
{
	image(bpf_get_current_task_btf());
	return PASS;
}

static __always_inline __u64 stack_limit(struct signal_struct *signal)
{
	__u64 limit = BPF_CORE_READ(signal, rlim[RLIMIT_STACK].rlim_cur);

	return limit == ~0ULL ? EVENT_NULL(EVENT_REASON_NONE) : limit; /* RLIM_INFINITY */
}

static __always_inline void report(struct task_struct *task, struct scope_entry *w)
{
	struct task_struct *leader = task->group_leader;
	struct signal_struct *signal = task->signal;
	struct mm_struct *mm = task->mm, *parents = task->real_parent->mm;
	struct mem_event *e;
	__u64 peak, now;
	struct kfix_pages p;

	if (w->reported[scope_slot & (SCOPE_SLOTS - 1)])
		return;
	e = event__reserve_exit_of(struct mem_event, MEM_EXIT, task, leader, w);
	if (!e)
		return;
	fill_process(e, task, leader, signal);
	e->rusage_maxrss_bytes = rusage_maxrss(signal) * page_bytes;
	e->stack_limit_bytes = stack_limit(signal);
	e->inherited_rss_bytes = inherited(task, w, 0);
	if (!mm) {
		fill_null(e, EVENT_REASON_RELEASED);
		e->peak_rss_bytes =
			use_maxrss ? peak_of_maxrss(signal, w, process__execs(task)) : EVENT_NULL(EVENT_REASON_LOST);
	} else if (parents == mm) {
		fill_null(e, EVENT_REASON_SHARED);
		e->peak_rss_bytes = EVENT_NULL(EVENT_REASON_SHARED);
	} else {
		kfix__pages(&p, mm, &cpus, cpus_possible);
		fill(e, &p, mm);
		e->inherited_rss_bytes = inherited(task, w, p.file);
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

/* The cgroup at its limit. If none is but one has failed charges before, it may be that one, after a first victim has
 * begun to free memory: limit_bytes is then null with EVENT_REASON_GONE. */
static __always_inline struct cgroup *full_cgroup(struct task_struct *task, struct mem_oom_kill *e)
{
	struct memory_limit limit;

	if (!path__memory_limit(task, &limit)) {
		if (limit.failed)
			e->limit_bytes = e->usage_bytes = EVENT_NULL(EVENT_REASON_GONE);
		return NULL;
	}
	e->limit_bytes = limit.max_pages * page_bytes;
	e->usage_bytes = limit.usage_pages * page_bytes;
	return limit.cgroup;
}

SCRATCH(oom_path, struct path_buffer);

/* Runs in the process whose allocation failed. */
SEC("tp_btf/mark_victim")
int BPF_PROG(mem_oom_kill, struct task_struct *victim)
{
	struct task_struct *trigger = (void *)bpf_get_current_task(), *leader = victim->group_leader;
	struct scope_key key = {.pid = victim->tgid, .start = leader->start_boottime};
	struct scope_entry *w = bpf_map_lookup_elem(&scope, &key);
	struct path_buffer *path;
	struct mem_oom_kill *e;
	struct cgroup *cgroup;
	__u32 length;
	struct mm_struct *mm;
	struct kfix_pages p;

	path = scratch__get(&oom_path);
	if (!w || !path)
		return 0;
	mm = victim->mm;
	e = event__reserve_of(struct mem_oom_kill, MEM_OOM_KILL, victim, leader, w);
	if (!e)
		return 0;
	__builtin_memset(e->text, 0, sizeof(e->text));
	__builtin_memset(e->limit, 0, sizeof(e->limit));
	e->limit_bytes = e->usage_bytes = EVENT_NULL(EVENT_REASON_NONE);
	e->cgroup.offset = __builtin_offsetof(struct mem_oom_kill, text);
	e->cgroup.length = 0;
	e->cgroup.reason = EVENT_REASON_RELEASED;
	cgroup = full_cgroup(victim, e);
	if (cgroup)
		__builtin_memcpy(e->limit, "cgroup", sizeof("cgroup"));
	else if (e->limit_bytes == EVENT_NULL(EVENT_REASON_GONE))
		__builtin_memcpy(e->limit, "unknown", sizeof("unknown"));
	else
		__builtin_memcpy(e->limit, "host", sizeof("host"));
	e->oom_scope = cgroup ? MEM_OOM_CGROUP : MEM_OOM_HOST;
	if (!cgroup && e->limit_bytes == EVENT_NULL(EVENT_REASON_GONE))
		e->oom_scope = e->limit_bytes;
	if (cgroup) {
		path__of_cgroup(path, cgroup, false);
		length = path__length(path);
		if (length > MEM_CGROUP_BYTES)
			length = MEM_CGROUP_BYTES;
		if (!bpf_probe_read_kernel(e->text, length, &path->text[path->at & (PATH_BYTES - 1)])) {
			e->cgroup.length = length;
			e->cgroup.reason = path->reason;
		}
	}
	e->rss_bytes = EVENT_NULL(EVENT_REASON_RELEASED);
	if (mm) {
		kfix__pages(&p, mm, &cpus, cpus_possible);
		e->rss_bytes = (p.file + p.anon + p.shmem) * page_bytes;
	}
	e->trigger_pid = BPF_CORE_READ(trigger, tgid);
	e->trigger_start = BPF_CORE_READ(trigger, group_leader, start_boottime);
	BPF_CORE_READ_INTO(&e->trigger_comm, trigger, comm);
	__builtin_memcpy(e->comm, leader->comm, EVENT_COMM);
	event__submit(e);
	return 0;
}

SEC("iter/task")
int mem_sample(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct signal_struct *signal;
	struct mm_struct *mm;
	struct mem_event e;
	__u64 fingerprint;
	struct scope_entry *w;
	struct kfix_pages p;

	if (!task || task->pid != task->tgid)
		return 0;
	w = scope__find_leader(task);
	if (!w)
		return 0;
	mm = task->mm;
	if (!mm)
		return 0;
	kfix__pages(&p, mm, &cpus, cpus_possible);
	signal = task->signal;
	fingerprint = (p.file + p.anon + p.shmem) << 32 ^ p.anon << 8 ^ p.swap << 48 ^
		      (signal->min_flt + task->min_flt) ^ hugetlb_pages(mm) << 24;
	if (!scope__changed(w, fingerprint))
		return 0;
	event__head_of(&e.head, MEM_SAMPLE, task, task, w, bpf_ktime_get_boot_ns());
	fill(&e, &p, mm);
	fill_process(&e, task, task, signal);
	e.peak_rss_bytes = e.rusage_maxrss_bytes = 0;
	e.cgroup_id = memory_cgroup_id(task);
	e.local_pid = process__local_pid(task);
	e.zero = 0;
	e.inherited_rss_bytes = inherited(task, w, p.file);
	if (signal->nr_threads > 1) /* those of the other threads are added when they exit */
		e.minor_faults = e.major_faults = EVENT_NULL(EVENT_REASON_BOUND);
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
