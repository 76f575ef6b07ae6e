/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The stall probe's events, shared by its BPF programs and user space. Includes nothing.
 *
 * What a look finds of one process, in this order: `stuck` of each thread, `descriptor` of each of its descriptors and of
 * those of other processes that hold the same pipe or the other end, `picture`. That one counts the others, and says
 * whether any was left out. It holds until a `moving` of that process, or its exit. A process that becomes stuck later
 * has a picture of its own, with all holders of its pipes and sockets at that time: it replaces what an earlier look said
 * of these. */
#ifndef PROBES_STALL_H
#define PROBES_STALL_H

enum stall_kind { STALL_STUCK = 0, STALL_DESCRIPTOR = 1, STALL_PICTURE = 2, STALL_MOVING = 3, STALL_ZOMBIE = 4 };

#define STALL_PROCESSES 4096 /* that one look reports; the next one reports the others */
#define STALL_WANTED 65536   /* pipes, sockets... whose holders a look looks for */
#define STALL_ARGS 6
#define STALL_CHANNEL 64
#define STALL_PATH 512
#define STALL_ADDRESS 108 /* of a Unix socket */

/* A look, shared by the programs and user space, which sets it back to zero but for its number. */
struct stall_look {
	__u64 number;
	__u64 processes; /* newly stuck */
	__u64 holders;	 /* descriptors of others that were reported */
	__u64 full;	 /* there was no room for all that is wanted */
	__u64 outside;	 /* there are processes that the collector does not see */
	__u64 denied;	 /* holders of what is not a pipe were left out: core_api.only_user */
};

/* What holds a kernel lock that a thread waits for, by task->blocker. */
enum stall_lock { STALL_MUTEX = 0, STALL_SEMAPHORE = 1, STALL_RWSEM_READER = 2, STALL_RWSEM_WRITER = 3 };

/* One thread. */
struct stall_stuck {
	struct event head;
	__u64 look;
	__u64 since;
	__u64 number; /* of the system call; null: in none */
	__u64 futex_word;
	__u64 futex_owner;
	__u64 blocker;
	__u64 blocker_lock; /* enum stall_lock */
	__u64 ptracer;
	__u64 children;
	__u64 args[STALL_ARGS];
	struct event_string wait_channel;
	struct event_string syscall; /* made by user space, like syscall_args */
	struct event_list syscall_args;
	struct event_string opening;
	char comm[EVENT_COMM];
	char state[2];
	bool in_iowait;
	bool timer;
	char channel_text[STALL_CHANNEL];
	char syscall_text[STALL_CHANNEL];
	char args_text[STALL_ARGS * 20];
	char opening_text[STALL_PATH];
};

/* What the kernel gives of a socket; user space makes text of it. */
struct stall_socket {
	__u32 family, type;
	__u32 local_length, remote_length; /* of the addresses, 0: none */
	__u16 local_port, remote_port;
	__u32 state;
	__u8 local[STALL_ADDRESS], remote[STALL_ADDRESS];
};

enum stall_incomplete {
	STALL_MOVED = 0,     /* it went on while the picture was taken */
	STALL_LIMIT = 1,     /* more threads, descriptors or holders than a look has room for */
	STALL_NAMESPACE = 2, /* the collector does not see all processes of the host */
	STALL_DENIED = 3,    /* it, or a holder, is another user's: core_api.only_user */
};

/* The kernel's programs set the first ones; user space turns BY_MODE and BY_NAME into others. */
enum stall_type {
	STALL_BY_MODE,
	STALL_BY_NAME,
	STALL_PIPE,
	STALL_PIDFD,
	STALL_FILE,
	STALL_DIRECTORY,
	STALL_FIFO,
	STALL_SOCKET,
	STALL_TTY,
	STALL_NULL,
	STALL_CHAR,
	STALL_BLOCK,
	STALL_EVENTFD,
	STALL_EPOLL,
	STALL_TIMERFD,
	STALL_SIGNALFD,
	STALL_INOTIFY,
	STALL_IO_URING,
	STALL_OTHER,
	STALL_TYPES,
};
#define STALL_ANONYMOUS 16 /* of the name of an anonymous inode, "[eventfd]", for which path_text is used */

enum stall_locked { STALL_FLOCK = 0, STALL_POSIX = 1, STALL_OFD = 2 };

/* One descriptor. */
struct stall_descriptor {
	struct event head;
	__u64 look;
	__u64 fd;
	__u64 type; /* enum stall_type */
	__u64 device, inode;
	__u64 peer;
	__u64 open_file;
	__u64 readers, writers;
	__u64 locked; /* enum stall_locked */
	__u64 owner_start;
	__u32 owner_pid;
	__u32 rdev, file_mode; /* as in the kernel */
	bool watched;
	char mode[4];
	char owner_comm[EVENT_COMM];
	struct event_string address;
	struct event_string path;
	struct stall_socket socket;
	char path_text[STALL_PATH];
	char address_text[2 * STALL_ADDRESS + 40];
};

/* The end of what a look found of a process. */
struct stall_picture {
	struct event head;
	__u64 look;
	__u64 since;
	__u64 threads;
	__u64 descriptors;
	__u64 holders;
	__u64 incomplete; /* enum stall_incomplete */
	bool complete;
	__u8 zero[7];
	char comm[EVENT_COMM];
};

/* It has exited, and its parent has not waited for it. */
struct stall_zombie {
	struct event head;
	__u64 look;
	__u64 since; /* its exit */
	__u64 parent_start;
	__u32 parent_pid;
	__u32 zero;
	char comm[EVENT_COMM];
	char parent_comm[EVENT_COMM];
};

/* It goes on. */
struct stall_moving {
	struct event head;
	__u64 look;
	__u64 since;
	__u64 stuck_ns;
	char comm[EVENT_COMM];
};

#endif
