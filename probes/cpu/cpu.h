/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The cpu probe's events, shared by its BPF program and user space. Includes nothing. */
#ifndef PROBES_CPU_H
#define PROBES_CPU_H

enum cpu_kind { CPU_SAMPLE = 0, CPU_EXIT = 1, CPU_IMAGE = 2 };

/* All kinds. The BPF programs set user_ns and system_ns to the tick-sampled utime and stime; user space scales
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
	__u64 exited_ns;	      /* boot clock; exit only */
	__u64 run_delay_ns;	      /* of live and exited threads */
	__u64 cpus_allowed;
	__u64 samples, iowait_samples;
	__u64 in_iowait; /* sample only */
	char comm[EVENT_COMM];
	char state[2];
	bool final;
	__u8 zero[5];
};

/* CPU_SAMPLE: the tightest quota that holds for it, its cgroup's or that of one above; null without one. */
struct cpu_sample {
	struct cpu_event cpu; /* first */
	__u64 quota_ns, period_ns;
	__u64 periods, throttled_periods, throttled_ns; /* of that cgroup, since it has the quota */
	__u64 quota_cgroup_id;
};

#endif
