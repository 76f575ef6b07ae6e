/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The mem probe's events, shared by its BPF programs and user space. Includes nothing. */
#ifndef PROBES_MEM_H
#define PROBES_MEM_H

enum mem_kind { MEM_SAMPLE = 0, MEM_EXIT = 1, MEM_OOM_KILL = 2 };

/* sample and exit; the two peaks are of exit only. */
struct mem_event {
	struct event head;
	__u64 peak_rss_bytes;	   /* of the image that exits */
	__u64 rusage_maxrss_bytes; /* as wait4 says: with what the process was before its exec */
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
	__u64 limit_bytes;   /* of the cgroup that was full; null: the host's memory was, or it is not known */
	__u64 trigger_start; /* the process whose allocation found no memory */
	__u32 trigger_pid;
	char comm[EVENT_COMM];
	char trigger_comm[EVENT_COMM];
	char limit[8];		    /* "cgroup", "host" or "unknown" */
	struct event_string cgroup; /* that was full */
	char text[MEM_CGROUP_BYTES];
};

#endif
