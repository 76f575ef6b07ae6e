/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the leader of a process that sleeps waits for. Includes nothing: after core/probe.bpf.h and cpu.h. */
#ifndef PROBES_CPU_ASLEEP_BPF_H
#define PROBES_CPU_ASLEEP_BPF_H

const volatile __u64 stack_bytes;		    /* core_api.stack_bytes() */
const volatile __u64 transfers[CPU_TRANSFERS / 64]; /* a bitmap of the system calls that read or write a descriptor */

/* Kind of the file that a descriptor of the task is. A descriptor may be closed meanwhile: every read may fail. */
static __always_inline __u64 asleep__descriptor(struct task_struct *task, __u64 descriptor)
{
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd), *file = NULL;
	struct inode *inode;
	__u32 type;

	if (descriptor >= BPF_CORE_READ(table, max_fds) ||
	    bpf_probe_read_kernel(&file, sizeof(file), &files[descriptor]) || !file)
		return EVENT_NULL(EVENT_REASON_NONE);
	inode = BPF_CORE_READ(file, f_inode);
	type = BPF_CORE_READ(inode, i_mode) & S_IFMT;
	if (type == S_IFIFO && BPF_CORE_READ(inode, i_sb, s_magic) == MAGIC_PIPE)
		return CPU_PIPE;
	return type == S_IFCHR ? CPU_CHAR | (__u64)BPF_CORE_READ(inode, i_rdev) << CPU_DEVICE_SHIFT
			       : type >> CPU_TYPE_SHIFT;
}

static __always_inline bool transfers_data(__u64 number)
{
	return number < CPU_TRANSFERS && transfers[number / 64 % (CPU_TRANSFERS / 64)] & 1ULL << number % 64;
}

static __always_inline void asleep__fill(struct cpu_sample *e, struct task_struct *task, bool sleeps)
{
	struct pt_regs *regs;
	__s64 number;

	e->syscall = e->descriptor = EVENT_NULL(EVENT_REASON_NONE);
	if (!sleeps || task->exit_state)
		return;
	if (process__is_denied(task)) {
		e->syscall = e->descriptor = EVENT_NULL(EVENT_REASON_DENIED);
		return;
	}
	if (kfix__is_32_bit(task)) {
		e->syscall = e->descriptor = EVENT_NULL(EVENT_REASON_UNSUPPORTED);
		return;
	}
	regs = kfix__registers(task, stack_bytes);
	number = kfix__syscall_number(regs);
	if (number < 0)
		return;
	e->syscall = number;
	if (transfers_data(number))
		e->descriptor = asleep__descriptor(task, kfix__syscall_first(regs));
}

#endif
