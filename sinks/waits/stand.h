/* SPDX-License-Identifier: BSD-2-Clause */
/* What the stall probe reported of a process that stands still, or that holds what such a process waits for. Its records
 * may be of any content: numbers are only compared, and how many are kept is limited. */
#ifndef SINKS_WAITS_STAND_H
#define SINKS_WAITS_STAND_H

#include "sinks/detector/detector.h"

#define STAND_THREADS_MAX 32768
#define STAND_DESCRIPTORS_MAX 32768 /* of a process; more make its picture incomplete */
#define STAND_CALL 24
#define STAND_ARGS 6

enum stand_type {
	STAND_OTHER, /* also one of a name that this version does not know */
	STAND_FILE,
	STAND_DIRECTORY,
	STAND_PIPE,
	STAND_FIFO,
	STAND_SOCKET,
	STAND_TTY,
	STAND_NULL,
	STAND_EVENTFD,
	STAND_EPOLL,
	STAND_TIMERFD,
	STAND_SIGNALFD,
	STAND_INOTIFY,
	STAND_PIDFD,
};

enum stand_lock { STAND_UNLOCKED, STAND_FLOCK, STAND_POSIX, STAND_OFD };

/* Numbers may be null, as in the record. */
struct stand_thread {
	uint32_t tid;
	char state;
	bool timer;		  /* one of the process is armed */
	char syscall[STAND_CALL]; /* empty: in none */
	char channel[40];
	uint32_t args_count;
	uint64_t args[STAND_ARGS];
	uint64_t word, owner, blocker, ptracer, children;
	char *opening; /* path of a FIFO; NULL: it opens none, or it is not known */
};

struct stand_descriptor {
	uint64_t look;
	uint64_t fd, device, inode, peer, open_file, readers, writers;
	uint64_t owner_start;
	uint32_t owner_pid;
	bool outsider; /* its owner is not watched: kept with the process that shares it */
	bool reads, writes;
	uint8_t type, locked; /* enum stand_type, stand_lock */
	char comm[EVENT_COMM];
	char *address, *path; /* NULL: none */
};

struct finding; /* hang.c */

/* The room of a process. */
struct stand {
	uint64_t look, since_ns;
	bool stuck, complete;
	bool described; /* the picture that ends its look has come */
	char incomplete[16];
	struct stand_thread *threads;
	struct stand_descriptor *descriptors;
	uint32_t threads_count, threads_room, descriptors_count, descriptors_room;
	uint32_t index;		 /* of a pass: its process there */
	struct finding *finding; /* of the last pass, if this process is its subject */
	uint64_t subject_start;	 /* of the finding that it is a member of; pid 0: of none */
	uint32_t subject_pid;
};

/* In this order detector_graph's roles name the fields. */
#define STAND_STUCK_FIELDS                                                                                           \
	"look", "since", "state", "wait_channel", "syscall", "syscall_args", "futex_word", "futex_owner", "blocker", \
		"ptracer", "children", "timer", "opening"
#define STAND_DESCRIPTOR_FIELDS                                                                                        \
	"look", "fd", "type", "device", "inode", "mode", "peer", "address", "path", "open_file", "readers", "writers", \
		"locked", "owner_pid", "owner_start", "owner_comm", "watched"
#define STAND_PICTURE_FIELDS "look", "since", "threads", "descriptors", "complete", "incomplete"

/* ---- stand.c ---- */

/* Each takes a record of the process. 0 or -ENOMEM. */
int stand__stuck(struct stand *stand, const struct seen *seen);
int stand__descriptor(struct stand *stand, const struct seen *seen);
void stand__picture(struct stand *stand, const struct seen *seen);
void stand__moving(struct stand *stand);

/* Whether all its threads stand still, as far as a look saw it to the end. */
static inline bool stand__is_stuck(const struct stand *stand)
{
	return stand && stand->stuck && stand->described && stand->threads_count;
}

/* Of the process itself; NULL: it has none of this number. */
const struct stand_descriptor *stand__fd(const struct stand *stand, uint64_t fd);

void stand__clear(struct stand *stand); /* frees what it holds but the finding */

/* ---- wait.c: what a thread waits for, by its system call and arguments alone ---- */

enum wait_how {
	WAIT_UNKNOWN, /* anything else: something outside may end it */
	WAIT_TIMED,   /* it ends by itself */
	WAIT_TRACED,
	WAIT_STOPPED,
	WAIT_KERNEL_LOCK,
	WAIT_READ,  /* of descriptor `from` */
	WAIT_WRITE, /* of descriptor `to` */
	WAIT_MOVE,  /* both: splice */
	WAIT_ACCEPT,
	WAIT_CONNECT,
	WAIT_CHILD, /* of number `pid`; 0: of any */
	WAIT_VFORK,
	WAIT_FUTEX,
	WAIT_FLOCK, /* of descriptor `from` */
	WAIT_FCNTL,
	WAIT_POLL, /* any of its descriptors: which ones is in its memory */
	WAIT_SIGNAL,
	WAIT_OPEN, /* a FIFO that no other process opens */
	WAIT_IPC,  /* System V or POSIX messages, semaphores */
	WAIT_DISK, /* not to be interrupted, for no lock that is known */
};

struct wait {
	enum wait_how how;
	uint64_t from, to; /* descriptors; ~0: none */
	uint32_t pid;
	bool limited;	   /* WAIT_FLOCK, WAIT_FCNTL: a timer of the process may end it */
	bool private;	   /* WAIT_FUTEX: of its own process only */
	uint64_t expected; /* WAIT_FUTEX: the value with which it began to wait */
};

struct wait wait__of(const struct stand_thread *thread);

#endif
