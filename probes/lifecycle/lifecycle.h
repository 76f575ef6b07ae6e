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
	LIFECYCLE_FAILURE = 5,
	LIFECYCLE_PART = EVENT_KIND_INTERNAL,
};

struct lifecycle_fork {
	struct event head;
	__u64 parent_start;
	__u32 ppid, ns_pid;
	char comm[EVENT_COMM];
};

/* Descriptor 2, for the field `stderr`: a map, which user space makes of the numbers. The kernel leaves room for them in
 * front of the path. */
#define LIFECYCLE_STDERR_ROOM 128
struct lifecycle_stderr {
	__u64 inode, offset,
		size;	    /* of a regular file; offset: where the next write goes; at the end, where the first went */
	__u32 device, rdev; /* as in the kernel */
	__u32 mode;	    /* 0: it is closed */
	struct event_map map;
};

/* alive and exec. A list longer than LIFECYCLE_INLINE is sent by the kernel in parts before its exec, and its offset
 * is LIFECYCLE_PARTS. */
struct lifecycle_exec {
	struct event head;
	__u64 parent_start;
	__u64 stdin_pipe, stdout_pipe; /* inodes of descriptors 0 and 1; null: not a pipe, or closed */
	__u32 ppid, ns_pid;
	__u32 uid, gid, euid, egid;
	char comm[EVENT_COMM];
	struct lifecycle_stderr error;
	struct event_string exe, cwd, cgroup;
	struct event_list args;
	struct event_map env;
	__u32 zero;
};

/* Before the exit of a process that fails. */
struct lifecycle_failure {
	struct event head;
	__u64 stdin_pipe, stdout_pipe;
	struct lifecycle_stderr error;
	struct event_string cwd;
	__u32 uid, euid;
	__u32 programs;
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

/* The sender of the signal that ended a process, or asked it to end before it exited. Written by name. */
enum lifecycle_sender {
	LIFECYCLE_SENDER_USER = 0,	   /* a process, by a system call */
	LIFECYCLE_SENDER_KERNEL = 1,	   /* a fault, a terminal, a broken pipe... */
	LIFECYCLE_SENDER_TIMER = 2,	   /* alarm(), setitimer(), timer_create() */
	LIFECYCLE_SENDER_OOM = 3,	   /* the OOM killer: the host was out of memory */
	LIFECYCLE_SENDER_MEMORY_LIMIT = 4, /* the OOM killer: a cgroup was at its limit */
};

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
	bool stack_fault;
	__u8 zero[2];
	__u64 signal_code; /* signal << 32 | si_code; null like the others: no signal, or the sender is not known */
	__u64 sender;	   /* enum lifecycle_sender */
	__u64 sender_pid;  /* null: not a process */
	__u64 sender_start;
	struct event_string sender_comm; /* refers to sender_name */
	char sender_name[EVENT_COMM];
	__u32 zero2;
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
