/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The cpu probe's events, shared by its BPF program and user space. Includes nothing. */
#ifndef PROBES_CPU_H
#define PROBES_CPU_H

enum cpu_kind { CPU_SAMPLE = 0, CPU_EXIT = 1 };

/* Both kinds. The BPF programs set user_ns and system_ns to the tick-sampled utime and stime; user space scales
 * them to the sum cpu_ns, as the kernel does for wait4(). */
struct cpu_event {
	struct event head;
	__u64 cpu_ns; /* the scheduler's exact run time, of live and exited threads */
	__u64 user_ns;
	__u64 system_ns;
	__u64 voluntary_switches;
	__u64 involuntary_switches;
	__u64 threads;
	__u64 prev_user, prev_system; /* last reported by the kernel (prev_cputime), which never reports less */
	char comm[EVENT_COMM];
	char state[2];
	bool final;
	__u8 zero[5];
};

#endif
