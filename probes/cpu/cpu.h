/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The cpu probe's events, shared by its BPF program and user space. Includes nothing. */
#ifndef PROBES_CPU_H
#define PROBES_CPU_H

enum cpu_kind { CPU_SAMPLE = 0, CPU_EXIT = 1 };

/* Both kinds. user_ns and system_ns leave the kernel as its tick-sampled utime and stime: user space
 * scales them so that their sum is cpu_ns, as the kernel does for wait4(). */
struct cpu_event {
	struct event head;
	__u64 cpu_ns; /* the scheduler's exact run time: threads that live, and those that died */
	__u64 user_ns;
	__u64 system_ns;
	__u64 voluntary_switches;
	__u64 involuntary_switches;
	__u64 threads;
	__u64 told_user, told_system; /* what the kernel said when it was last asked: it takes nothing back */
	char comm[EVENT_COMM];
	char state[2];
	bool final;
	__u8 zero[5];
};

#endif
