/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The lifecycle probe's events, shared by its BPF programs and user space. Includes nothing. */
#ifndef PROBES_LIFECYCLE_H
#define PROBES_LIFECYCLE_H

enum lifecycle_kind {
	LIFECYCLE_ALIVE = 0,
	LIFECYCLE_FORK = 1,
	LIFECYCLE_EXEC = 2,
	LIFECYCLE_EXEC_FAILED = 3,
	LIFECYCLE_EXIT = 4,
	LIFECYCLE_PART = EVENT_KIND_INTERNAL,
};

struct lifecycle_fork {
	struct event head;
	__u64 parent_start;
	__u32 ppid;
	char comm[EVENT_COMM];
	__u32 zero;
};

/* alive and exec. A list longer than LIFECYCLE_INLINE is sent by the kernel in parts before its exec, and its offset
 * is LIFECYCLE_PARTS. */
struct lifecycle_exec {
	struct event head;
	__u64 parent_start;
	__u32 ppid;
	__u32 uid, gid;
	char comm[EVENT_COMM];
	struct event_string exe, cwd, cgroup;
	struct event_list args;
	struct event_map env;
};

struct lifecycle_exec_failed {
	struct event head;
	__u64 error; /* errno */
	struct event_string exe;
	struct event_list args;
	char comm[EVENT_COMM];
};

/* Maximum size of path and argv together. */
#define LIFECYCLE_FAILED_TEXT 8192

struct lifecycle_exit {
	struct event head;
	__u64 parent_start;
	__u64 exit_code; /* null: killed by a signal */
	__u64 signal;	 /* null: exited */
	__u64 duration_ns;
	__u64 threads_peak;
	__u32 ppid;
	char comm[EVENT_COMM];
	bool core_dumped;
	__u8 zero[3];
};

#define LIFECYCLE_INLINE 4096
#define LIFECYCLE_PARTS 0xffffffffu

/* A part of a long list; the parts precede their event, in order. */
enum lifecycle_area { LIFECYCLE_ARGS = 0, LIFECYCLE_ENV = 1 };
#define LIFECYCLE_PART_BYTES 30720
struct lifecycle_part {
	struct event head;
	__u32 area;
	__u32 length;
	__u32 offset;
	__u32 zero;
	char bytes[LIFECYCLE_PART_BYTES];
};

#endif
