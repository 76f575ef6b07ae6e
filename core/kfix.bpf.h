/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Differences between kernel versions, one function each. libbpf ignores the suffix "___x" of a type name when it
 * looks the type up in the kernel's BTF, which allows several definitions of one type. */
#ifndef CORE_KFIX_BPF_H
#define CORE_KFIX_BPF_H

#include "core/kernel.bpf.h" /* first: libbpf's headers need its types */

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

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

/* The same with direct loads, for a BTF-typed pointer. */
static __always_inline unsigned int kfix__known_task_state(struct task_struct *task)
{
	if (bpf_core_field_exists(task->__state))
		return task->__state;
	return ((struct task_struct___old_state *)task)->state;
}

/* 6.18 made mm->flags a struct; by 7.3 whether a process is dumpable is in task->exec_state. */
struct mm_struct___flags {
	unsigned long flags;
} S_KERNEL;
struct mm_flags___6_18 {
	unsigned long __mm_flags[1];
} S_KERNEL;
struct mm_struct___6_18 {
	struct mm_flags___6_18 flags;
} S_KERNEL;
enum task_dumpable { TASK_DUMPABLE_OWNER = 1 };
struct task_exec_state {
	enum task_dumpable dumpable;
} S_KERNEL;
struct task_struct___7_3 {
	struct task_exec_state *exec_state;
} S_KERNEL;

/* Whether a process may be read by its user: not once it has gained rights by an exec or has changed its user, until its next
 * exec. */
static __always_inline bool kfix__is_dumpable(struct task_struct *task)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	unsigned long flags = 1; /* SUID_DUMP_USER; the mask is MMF_DUMPABLE_MASK */

	if (bpf_core_field_exists(((struct task_struct___7_3 *)0)->exec_state))
		return BPF_CORE_READ((struct task_struct___7_3 *)task, exec_state, dumpable) == TASK_DUMPABLE_OWNER;
	if (mm && bpf_core_field_exists(((struct mm_struct___flags *)0)->flags))
		flags = BPF_CORE_READ((struct mm_struct___flags *)mm, flags);
	else if (mm && bpf_core_field_exists(((struct mm_struct___6_18 *)0)->flags))
		flags = BPF_CORE_READ((struct mm_struct___6_18 *)mm, flags.__mm_flags[0]);
	return (flags & 3) == 1;
}

/* 6.2 made mm->rss_stat an array of percpu_counters (f1a7941243c1); before it was a struct of atomics.
 * Index: 0 file, 1 anonymous, 2 swap, 3 shared memory. */
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

/* Offset of each CPU's per-CPU area; determined once by a probe that needs exact counts. `possible` is a
 * constant of the program: the verifier then walks only as many CPUs as the machine has. */
#define KFIX_CPUS 1024
struct kfix_cpus {
	__u64 known; /* 0: offsets unknown, only the shared part of a counter can be read */
	__u64 offset[KFIX_CPUS];
};

static __always_inline bool kfix__rss_percpu(void)
{
	return bpf_core_type_exists(struct percpu_counter___6_2) &&
	       bpf_core_field_exists(((struct mm_struct___6_2 *)0)->rss_stat[0].counters);
}

/* Resident pages of a process by type, and swapped-out pages. */
struct kfix_pages {
	__u64 file, anon, swap, shmem;
};

static __always_inline __u64 kfix__not_negative(__s64 pages)
{
	return pages > 0 ? pages : 0;
}

/* Adds what one CPU has not yet folded into the shared counts. The four counters are adjacent since 6.6
 * (c439d5e8a0ea). */
static __always_inline void kfix__add_cpu(__s64 sum[4], const __u64 counters[4], bool adjacent, __u64 offset)
{
	__s32 part[4] = {};

	if (adjacent) {
		bpf_probe_read_kernel(part, sizeof(part), (void *)(counters[0] + offset));
	} else {
		bpf_probe_read_kernel(&part[0], sizeof(part[0]), (void *)(counters[0] + offset));
		bpf_probe_read_kernel(&part[1], sizeof(part[1]), (void *)(counters[1] + offset));
		bpf_probe_read_kernel(&part[2], sizeof(part[2]), (void *)(counters[2] + offset));
		bpf_probe_read_kernel(&part[3], sizeof(part[3]), (void *)(counters[3] + offset));
	}
	sum[0] += part[0];
	sum[1] += part[1];
	sum[2] += part[2];
	sum[3] += part[3];
}

/* Sums the shared part and that of every CPU. Indices must be literals: clang 14 miscompiles a relocated array
 * access with a variable index. */
static __always_inline void kfix__pages_percpu(struct kfix_pages *pages, struct mm_struct___6_2 *mm,
					       const struct kfix_cpus *cpus, __u32 possible)
{
	__s64 sum[4] = {mm->rss_stat[0].count, mm->rss_stat[1].count, mm->rss_stat[2].count, mm->rss_stat[3].count};
	__u64 counters[4] = {(__u64)mm->rss_stat[0].counters, (__u64)mm->rss_stat[1].counters,
			     (__u64)mm->rss_stat[2].counters, (__u64)mm->rss_stat[3].counters};
	bool adjacent =
		counters[1] == counters[0] + 4 && counters[2] == counters[0] + 8 && counters[3] == counters[0] + 12;

	for (__u32 cpu = 0; cpu < KFIX_CPUS && cpu < possible && cpus->known; cpu++)
		kfix__add_cpu(sum, counters, adjacent, cpus->offset[cpu]);
	pages->file = kfix__not_negative(sum[0]);
	pages->anon = kfix__not_negative(sum[1]);
	pages->swap = kfix__not_negative(sum[2]);
	pages->shmem = kfix__not_negative(sum[3]);
}

static __always_inline void kfix__pages(struct kfix_pages *pages, struct mm_struct *mm, const struct kfix_cpus *cpus,
					__u32 possible)
{
	struct mm_struct___old_rss *old = (void *)mm;
	__u64 count[4] = {};

	if (kfix__rss_percpu()) {
		kfix__pages_percpu(pages, (void *)mm, cpus, possible);
		return;
	}
	/* No direct load: before 6.2 the verifier cannot resolve an array of typedefs. */
	bpf_probe_read_kernel(count, sizeof(count), &old->rss_stat.count);
	pages->file = count[0];
	pages->anon = count[1];
	pages->swap = count[2];
	pages->shmem = count[3];
}

/* Anonymous and shared memory by the shared part of the counters alone, since 6.2. */
static __always_inline __u64 kfix__own_pages(struct mm_struct *mm)
{
	struct mm_struct___6_2 *counters = (void *)mm;

	return kfix__not_negative(counters->rss_stat[1].count) + kfix__not_negative(counters->rss_stat[3].count);
}

/* 6.15 renamed kernfs_node.parent to __parent, under RCU (633488947ef6). */
struct kernfs_node___old {
	struct kernfs_node *parent;
} S_KERNEL;
struct kernfs_node___6_15 {
	struct kernfs_node *__parent;
} S_KERNEL;

/* A task's number in the pid namespace of this level, of those that it is in. */
static __always_inline struct upid *kfix__upid(struct pid *pid, __u32 level)
{
	return (void *)pid + bpf_core_field_offset(struct pid, numbers) + level * bpf_core_type_size(struct upid);
}

/* Calls step(round, state) until it returns other than 0, at most `rounds` times. The verifier checks every round of a
 * loop, but a step of bpf_loop() (since 5.17) once, which takes a tenth of the time. A program that has such a loop
 * comes twice, with `loop` a constant: NAME, and NAME_loop, which the core loads instead where it can. The step is a
 * static __noinline function: 5.10 rejects the loops that the compiler makes of inlined ones, entered in the middle. */
#define EACH_ROUND(loop, rounds, step, state)                                               \
	do {                                                                                \
		if (loop) {                                                                 \
			bpf_loop(rounds, step, state, 0);                                   \
			break;                                                              \
		}                                                                           \
		for (__u32 round_ = 0; round_ < (rounds) && !step(round_, state); round_++) \
			;                                                                   \
	} while (0)

#define SYSCALLS_MAX 1023

/* A system call that a task is in, by the registers that its entry saved. */
struct kfix_syscall {
	__s64 number; /* -1: it is in none */
	__u64 args[6];
};

/* Tasks of 32-bit programs have other numbers of system calls. */
static __always_inline bool kfix__is_32_bit(struct task_struct *task)
{
#if defined(__TARGET_ARCH_arm64)
	return BPF_CORE_READ(task, thread_info.flags) & 1 << 22;
#else
	return BPF_CORE_READ(task, thread_info.status) & 2;
#endif
}

/* -1: it is in none. What entered the kernel in another way may have left anything there. */
static __always_inline __s64 kfix__syscall_number(struct pt_regs *regs)
{
#if defined(__TARGET_ARCH_arm64)
	__s64 number = BPF_CORE_READ(regs, syscallno);
#else
	__s64 number = (__s64)BPF_CORE_READ(regs, orig_ax);
#endif

	return number >= 0 && number <= SYSCALLS_MAX ? number : -1;
}

static __always_inline __u64 kfix__syscall_first(struct pt_regs *regs)
{
#if defined(__TARGET_ARCH_arm64)
	return BPF_CORE_READ(regs, orig_x0); /* the result is in its register */
#else
	return BPF_CORE_READ(regs, di);
#endif
}

static __always_inline void kfix__syscall(struct kfix_syscall *call, struct pt_regs *regs)
{
	call->number = kfix__syscall_number(regs);
#if defined(__TARGET_ARCH_arm64)
	BPF_CORE_READ_INTO(&call->args, regs, regs);
#else
	call->args[1] = BPF_CORE_READ(regs, si);
	call->args[2] = BPF_CORE_READ(regs, dx);
	call->args[3] = BPF_CORE_READ(regs, r10);
	call->args[4] = BPF_CORE_READ(regs, r8);
	call->args[5] = BPF_CORE_READ(regs, r9);
#endif
	call->args[0] = kfix__syscall_first(regs);
}

/* Where a sleeping task's registers are saved. stack_bytes: what core_api.stack_bytes() says. */
static __always_inline struct pt_regs *kfix__registers(struct task_struct *task, __u64 stack_bytes)
{
	if (!stack_bytes)
		return (void *)bpf_task_pt_regs(task);
	return (void *)task->stack + stack_bytes - bpf_core_type_size(struct pt_regs);
}

/* The offset of the member. Call it before a loop, not in it: clang hoists both offsets out of the loop and above
 * the condition, and the relocation that fails on this kernel is an invalid instruction. */
static __always_inline __u64 kfix__kernfs_parent_at(void)
{
	__u64 at;

	if (bpf_core_field_exists(((struct kernfs_node___6_15 *)0)->__parent)) {
		at = bpf_core_field_offset(((struct kernfs_node___6_15 *)0)->__parent);
		__asm__ volatile("" : "+r"(at));
		return at;
	}
	at = bpf_core_field_offset(((struct kernfs_node___old *)0)->parent);
	__asm__ volatile("" : "+r"(at));
	return at;
}

static __always_inline struct kernfs_node *kfix__kernfs_parent(struct kernfs_node *kn, __u64 at)
{
	return *(struct kernfs_node **)((void *)kn + at);
}

#endif
