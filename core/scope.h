/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The scope map: which processes are watched. Shared by the core, its BPF object and every probe's.
 *
 * The core owns it: fork inherits, sched_process_free of the leader removes. Probes look up, and use their own
 * slot of `seen` and `reported`; they change nothing else. Includes nothing, as core/event.h. */
#ifndef CORE_SCOPE_H
#define CORE_SCOPE_H

/* A pid alone names nothing: pids are reused before the kernel has freed the old task, and an exec by
 * a thread that is not the leader swaps leaders. start_boottime survives that exec. */
struct scope_key {
	__u32 pid; /* tgid */
	__u32 zero;
	__u64 start; /* group leader's start_boottime, ns */
};

/* Slots for probes that sample or report the exit of a process; a power of two. Others need none. */
#define SCOPE_SLOTS 8

struct scope_entry {
	__u32 run;
	__u32 exit_tid;		    /* the thread whose exit ended the process; 0 while it lives */
	__u32 threads_peak;	    /* most threads alive at once */
	__u32 flags;		    /* SCOPE_EXISTING */
	__u64 seen[SCOPE_SLOTS];    /* fingerprint of each sampling probe's last sample */
	__u8 reported[SCOPE_SLOTS]; /* enum scope_report: whether each probe reported the exit */
};

#define SCOPE_EXISTING 0x1 /* it existed before it was watched */

enum scope_report {
	SCOPE_UNREPORTED = 0,
	SCOPE_REPORTED = 1, /* the event is on its way, or counted as lost */
	SCOPE_NO_ROOM = 2,  /* it did not fit in the ring; sched_process_free gets a second chance */
};

/* ---- between the core and its own BPF object ---- */

/* How many processes of a run entered and left; equal: the run is empty. */
struct scope_run {
	__u64 entered, left;
	__u32 closed; /* children of its processes do not enter any more */
	__u32 zero;
};

/* Events lost of processes that did not fit into the scope map, by their role (enum schema_role less one). */
enum scope_refused { SCOPE_REFUSED_FORK, SCOPE_REFUSED_EXEC, SCOPE_REFUSED_EXIT, SCOPE_REFUSED_COUNTS };

/* Runs that the kernel opens by a rule bear a number with this bit, made of the CPU and a counter. */
#define SCOPE_RUN_RULE 0x80000000u

/* What a rule looks at; its literal beginning is looked up in the kernel, the whole in user space. */
enum scope_rule_kind { SCOPE_RULE_EXE = 1, SCOPE_RULE_CWD = 2, SCOPE_RULE_CGROUP = 3 };

#define SCOPE_TEXT 252
struct scope_rule_key {
	__u32 bits; /* of what follows, as a trie of prefixes has it */
	__u8 kind;
	char text[SCOPE_TEXT];
	__u8 zero[3];
};

/* What the core's own ring carries. */
enum scope_note_kind { SCOPE_NOTE_ENTER = 1, SCOPE_NOTE_EMPTY = 2 };
struct scope_note {
	__u32 kind;
	__u32 run;
	struct scope_key key; /* enter: the process whose exec matched */
	__u64 ts;
	__u32 rule;		   /* enter: index of the rule */
	__u32 length;		   /* enter: of text */
	char text[SCOPE_TEXT + 4]; /* enter: what was matched, perhaps cut */
};

/* One process, as the scan of the task list tells. */
struct scope_process {
	__u64 ts;
	__u64 start, parent_start;
	__u32 pid, ppid;
	__u32 run;    /* 0: not watched */
	__u8 dead;    /* a zombie */
	__u8 entered; /* by this scan */
	__u8 no_room; /* it should have */
	__u8 zero;
};

#endif
