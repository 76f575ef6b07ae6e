/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The scope map: the watched processes. Shared by the core, its BPF object and every probe's.
 *
 * The core owns it: a fork adds the child, sched_process_free of the thread group leader removes the entry.
 * Probes look entries up and write only their own slot of `seen`, `kept` and `reported`, and ON_PROCESS_EXIT notes the
 * exit.
 * In BPF programs __u64 etc. are those of core/kernel.bpf.h, which comes first. */
#ifndef CORE_SCOPE_H
#define CORE_SCOPE_H

#ifndef __bpf__
#include <linux/types.h>
#endif

/* A pid alone does not identify a process: pids are reused before the old task is freed. An exec by a
 * thread other than the leader replaces the leader; start_boottime survives it. */
struct scope_key {
	__u32 pid; /* tgid */
	__u32 zero;
	__u64 start; /* group leader's start_boottime, ns */
};

/* Slots for probes that sample or report process exits; a power of two. Others need none. */
#define SCOPE_SLOTS 8

/* Descriptor 2 of a process, a regular file: at its fork, then at its last exec. A program may close it before it exits. */
struct scope_stderr {
	__u64 inode;
	__u64 from;	   /* where the next write goes */
	__u64 vfs, dentry; /* addresses, perhaps of what has been freed; 0: not known */
	__u32 device, zero;
};

struct scope_entry {
	__u32 run;
	__u32 exit_tid;		    /* the last thread to exit; 0 while the process lives */
	__u32 threads_peak;	    /* most threads alive at once */
	__u32 flags;		    /* SCOPE_EXISTING */
	__u64 exit_ts;		    /* of its exit, the same in all streams; 0 while the process lives */
	__u32 seen[SCOPE_SLOTS];    /* hash of the fingerprint of each sampling probe's last sample */
	__u32 kept[SCOPE_SLOTS];    /* a number of each probe's own */
	__u8 reported[SCOPE_SLOTS]; /* enum scope_report: whether each probe reported the exit */
	struct scope_stderr error;  /* written by the probe lifecycle */
	__u64 ended_delay;	    /* by cpu, like the next: what its threads that have ended waited for a CPU, ns */
	__u64 sampled_delay;	    /* the last sample's */
	__u32 samples, waits;	    /* how often it was sampled, and found in I/O wait */
};

/* What the variable only_user of a probe's BPF object is when all may be described. */
#define ONLY_USER_ANY 0xffffffffu

#define SCOPE_EXISTING 0x1 /* an existing process: entered by the scan */

enum scope_report {
	SCOPE_UNREPORTED = 0,
	SCOPE_REPORTED = 1, /* the event was submitted, or counted as lost */
	SCOPE_NO_ROOM = 2,  /* the ring buffer was full; sched_process_free gets a second chance */
};

/* ---- between the core and its own BPF object ---- */

/* Processes of a run that entered and left the scope; equal: the run is empty. */
struct scope_run {
	__u64 entered, left;
	__u32 closed; /* no more processes enter */
	__u32 zero;
};

/* Lost events of processes that had no room in the scope map, by role (enum schema_role minus one). */
enum scope_refused { SCOPE_REFUSED_FORK, SCOPE_REFUSED_EXEC, SCOPE_REFUSED_EXIT, SCOPE_REFUSED_COUNTS };

/* Set in the numbers of runs that a rule starts in the kernel; the rest is the CPU and a counter. */
#define SCOPE_RUN_RULE 0x80000000u

/* What a rule matches. The kernel looks up its literal prefix, user space matches the whole pattern. */
enum scope_rule_kind { SCOPE_RULE_EXE = 1, SCOPE_RULE_CWD = 2, SCOPE_RULE_CGROUP = 3 };

#define SCOPE_TEXT 252
struct scope_rule_key {
	__u32 bits; /* prefix length, as BPF_MAP_TYPE_LPM_TRIE requires */
	__u8 kind;
	char text[SCOPE_TEXT];
	__u8 zero[3];
};

/* Notes from the kernel to the core, in the core's own ring buffer. */
enum scope_note_kind { SCOPE_NOTE_ENTER = 1, SCOPE_NOTE_EMPTY = 2 };
struct scope_note {
	__u32 kind;
	__u32 run;
	struct scope_key key; /* enter: the process whose exec matched */
	__u64 ts;
	__u32 rule;   /* enter: enum scope_rule_kind */
	__u32 length; /* enter: of text */
	__u32 uid;    /* enter: the user of that process */
	__u32 zero;
	char text[SCOPE_TEXT + 4]; /* enter: what was matched, possibly truncated */
};

/* One process found by the scan of the task list. */
struct scope_process {
	__u64 ts;
	__u64 start, parent_start;
	__u32 pid, ppid;
	__u32 run;    /* 0: not watched; also of a process that had no room */
	__u8 dead;    /* zombie */
	__u8 entered; /* entered the scope by this scan */
	__u8 no_room; /* should have entered, but the scope map is full */
	__u8 zero;
	__u32 local_pid; /* pid in the collector's own pid namespace */
	__u32 zero2;
};

#endif
