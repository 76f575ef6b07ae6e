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

/* CPU_SAMPLE. The quota is the tightest that holds for it, its cgroup's or that of one above; null without one. */
struct cpu_sample {
	struct cpu_event cpu; /* first */
	__u64 quota_ns, period_ns;
	__u64 periods, throttled_periods, throttled_ns; /* of that cgroup, since it has the quota */
	__u64 quota_cgroup_id;
	__u64 syscall;	  /* number of the one that its leader sleeps in; null: in none */
	__u64 descriptor; /* that it reads or writes: kind, and number of the device above it */
};

#define CPU_TRANSFERS 512

/* Kinds: the type of stat(2)'s mode, and a pipe. */
#define CPU_TYPE_SHIFT 12
#define CPU_DEVICE_SHIFT 32
enum { CPU_FIFO = 1, CPU_CHAR = 2, CPU_DIRECTORY = 4, CPU_BLOCK = 6, CPU_FILE = 8, CPU_SOCKET = 12, CPU_PIPE = 16 };

#endif
