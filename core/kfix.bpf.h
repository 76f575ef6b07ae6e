/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What differs between kernels, each in one function that says since when. "___x" is libbpf's mark for
 * a second shape of the same type: it is dropped when the type is looked up in the kernel's BTF. */
#ifndef CORE_KFIX_BPF_H
#define CORE_KFIX_BPF_H

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "core/kernel.bpf.h"

/* 5.14 renamed task_struct.state to __state (2f064a59a11f). */
struct task_struct___old_state {
	long state;
} S_KERNEL;

static __always_inline unsigned int kfix__task_state(struct task_struct *task)
{
	if (bpf_core_field_exists(task->__state))
		return BPF_CORE_READ(task, __state);
	return BPF_CORE_READ((struct task_struct___old_state *)task, state);
}

/* 6.2 made mm->rss_stat an array of percpu_counters (f1a7941243c1); before, it was a struct of plain
 * atomics. The index is the kernel's: 0 file, 1 anonymous, 2 swap, 3 shared memory. */
struct percpu_counter___6_2 {
	__s64 count;
	__s32 *counters;
} S_KERNEL;
struct mm_struct___6_2 {
	struct percpu_counter___6_2 rss_stat[4];
} S_KERNEL;
struct mm_rss_stat___old {
	atomic_long_t count[4];
} S_KERNEL;
struct mm_struct___old_rss {
	struct mm_rss_stat___old rss_stat;
} S_KERNEL;

/* What each CPU adds to a per-CPU pointer; found once by the probe that wants exact counts. `possible`
 * is a constant of the program, so that the verifier walks no more CPUs than the machine has. */
#define KFIX_CPUS 1024
struct kfix_cpus {
	__u64 known; /* 0: not yet, the shared part of a counter is all there is */
	__u64 offset[KFIX_CPUS];
};

static __always_inline bool kfix__rss_percpu(void)
{
	return bpf_core_type_exists(struct percpu_counter___6_2) &&
	       bpf_core_field_exists(((struct mm_struct___6_2 *)0)->rss_stat[0].counters);
}

/* The sum of one counter over the shared part and every CPU's. */
static __always_inline __s64 kfix__percpu_sum(const struct percpu_counter___6_2 *counter,
					      const struct kfix_cpus *cpus, __u32 possible)
{
	__s64 sum = BPF_CORE_READ(counter, count);
	__u64 counters = (__u64)BPF_CORE_READ(counter, counters);

	for (__u32 cpu = 0; cpu < KFIX_CPUS && cpu < possible && cpus->known; cpu++) {
		__s32 part = 0;

		bpf_probe_read_kernel(&part, sizeof(part), (void *)(counters + cpus->offset[cpu]));
		sum += part;
	}
	return sum > 0 ? sum : 0;
}

/* Pages of one kind; `index` must be a literal: clang 14 compiles a relocated array access by a variable
 * to garbage. */
#define kfix__rss(mm, index, cpus, possible)                                                                           \
	(kfix__rss_percpu()                                                                                  \
		 ? (__u64)kfix__percpu_sum(&((struct mm_struct___6_2 *)(mm))->rss_stat[index], cpus, possible)         \
		 : (__u64)BPF_CORE_READ((struct mm_struct___old_rss *)(mm), rss_stat.count[index].counter))

/* 6.15 renamed kernfs_node.parent to __parent, under RCU (633488947ef6). */
struct kernfs_node___old {
	struct kernfs_node *parent;
} S_KERNEL;
struct kernfs_node___6_15 {
	struct kernfs_node *__parent;
} S_KERNEL;

static __always_inline struct kernfs_node *kfix__kernfs_parent(struct kernfs_node *kn)
{
	if (bpf_core_field_exists(((struct kernfs_node___6_15 *)kn)->__parent))
		return BPF_CORE_READ((struct kernfs_node___6_15 *)kn, __parent);
	return BPF_CORE_READ((struct kernfs_node___old *)kn, parent);
}

#endif
