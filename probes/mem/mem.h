/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The mem probe's events, shared by its BPF programs and user space. Includes nothing. */
#ifndef PROBES_MEM_H
#define PROBES_MEM_H

enum mem_kind { MEM_SAMPLE = 0, MEM_EXIT = 1, MEM_OOM_KILL = 2, MEM_IMAGE = 3, MEM_PSS = 4, MEM_TOGETHER = 5 };

/* sample, exit and image; the first three figures are not set in sample. */
struct mem_event {
	struct event head;
	__u64 peak_rss_bytes;	   /* since the last exec */
	__u64 rusage_maxrss_bytes; /* as wait4() reports it: includes the peak before the exec */
	__u64 inherited_rss_bytes; /* of a process that has executed nothing: resident at its fork */
	__u64 rss_bytes;
	__u64 anon_bytes;
	__u64 file_bytes;
	__u64 shmem_bytes;
	__u64 swap_bytes;
	__u64 vm_bytes;
	__u64 stack_bytes;
	__u64 minor_faults;
	__u64 major_faults;
	__u64 hugetlb_bytes;	 /* in no RSS counter */
	__u64 stack_limit_bytes; /* exit only */
	__u64 cgroup_id;	 /* of a sample, not recorded, as the next: of its memory cgroup; 0: not known */
	__u32 local_pid;	 /* in the collector's PID namespace */
	__u32 zero;
	char comm[EVENT_COMM];
};

/* From /proc/PID/smaps_rollup. */
struct mem_pss {
	struct event head;
	__u64 pss_bytes;
	__u64 pss_anon_bytes;
	__u64 pss_file_bytes;
	__u64 pss_shmem_bytes;
	__u64 private_bytes;
	__u64 shared_bytes;
	__u64 swap_pss_bytes;
};

#define MEM_CGROUP_BYTES 1024

/* All processes of a run, and the cgroup that holds most of their memory. */
struct mem_together {
	struct event head;
	__u64 pss_bytes; /* of those that were read */
	__u64 processes;
	__u64 processes_read;
	__u64 read_ns; /* how long that took */
	__u64 cgroup_bytes;
	__u64 cgroup_limit_bytes;
	__u64 cgroup_peak_bytes;
	__u64 cgroup_anon_bytes;
	__u64 cgroup_page_cache_bytes;
	__u64 cgroup_shmem_bytes;
	__u64 cgroup_processes;
	__u64 cgroup_run_processes;
	__u64 cgroup_limit_hits, cgroup_oom_kills;
	__u64 periods, throttled_periods, throttled_ns;
	__u64 quota_ns, period_ns;
	__u64 pids, pids_limit, pids_refused;
	struct event_string cgroup;
	char text[MEM_CGROUP_BYTES];
};

enum mem_oom_scope { MEM_OOM_CGROUP, MEM_OOM_HOST };

struct mem_oom_kill {
	struct event head;
	__u64 rss_bytes;
	__u64 limit_bytes;   /* of the cgroup at its limit; null: the host is out of memory, or unknown */
	__u64 usage_bytes;   /* of that cgroup */
	__u64 oom_scope;     /* enum mem_oom_scope; null: unknown */
	__u64 trigger_start; /* the process whose allocation failed */
	__u32 trigger_pid;
	char comm[EVENT_COMM];
	char trigger_comm[EVENT_COMM];
	char limit[8];		    /* "cgroup", "host" or "unknown" */
	struct event_string cgroup; /* the one at its limit */
	char text[MEM_CGROUP_BYTES];
};

#endif
