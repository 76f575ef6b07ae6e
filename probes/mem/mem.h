/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The mem probe's events, shared by its BPF programs and user space. Includes nothing. */
#ifndef PROBES_MEM_H
#define PROBES_MEM_H

enum mem_kind { MEM_SAMPLE = 0, MEM_EXIT = 1, MEM_OOM_KILL = 2 };

/* sample and exit; the two peaks are set in exit only. */
struct mem_event {
	struct event head;
	__u64 peak_rss_bytes;	   /* since the last exec */
	__u64 rusage_maxrss_bytes; /* as wait4() reports it: includes the peak before the exec */
	__u64 rss_bytes;
	__u64 anon_bytes;
	__u64 file_bytes;
	__u64 shmem_bytes;
	__u64 swap_bytes;
	__u64 vm_bytes;
	__u64 stack_bytes;
	__u64 minor_faults;
	__u64 major_faults;
	char comm[EVENT_COMM];
};

#define MEM_CGROUP_BYTES 1024

struct mem_oom_kill {
	struct event head;
	__u64 rss_bytes;
	__u64 limit_bytes;   /* of the cgroup at its limit; null: the host is out of memory, or unknown */
	__u64 trigger_start; /* the process whose allocation failed */
	__u32 trigger_pid;
	char comm[EVENT_COMM];
	char trigger_comm[EVENT_COMM];
	char limit[8];		    /* "cgroup", "host" or "unknown" */
	struct event_string cgroup; /* the one at its limit */
	char text[MEM_CGROUP_BYTES];
};

#endif
