/* SPDX-License-Identifier: BSD-2-Clause */
/* What the collector said of every process, put together from its events. */
#ifndef TESTS_TRUTH_EVENTS_H
#define TESTS_TRUTH_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum seen_stream { SEEN_LIFECYCLE, SEEN_CPU, SEEN_MEM, SEEN_IO, SEEN_STREAMS };
enum seen_number {
	SEEN_PPID,
	SEEN_EXIT_CODE,
	SEEN_SIGNAL,
	SEEN_CORE_DUMPED,
	SEEN_DURATION,
	SEEN_THREADS_PEAK,
	SEEN_SENDER_PID,
	SEEN_CPU_NS,
	SEEN_USER_NS,
	SEEN_SYSTEM_NS,
	SEEN_RUN_DELAY,
	SEEN_QUOTA, /* of its last sample under a quota, up to the cgroup */
	SEEN_PERIOD,
	SEEN_PERIODS,
	SEEN_THROTTLED_PERIODS,
	SEEN_THROTTLED,
	SEEN_QUOTA_CGROUP,
	SEEN_FINAL,
	SEEN_PEAK,
	SEEN_MAXRSS,
	SEEN_SWAP,
	SEEN_READ_CHARS,
	SEEN_WRITE_CHARS,
	SEEN_READ_SYSCALLS,
	SEEN_WRITE_SYSCALLS,
	SEEN_READ_BYTES,
	SEEN_WRITE_BYTES,
	SEEN_CHILDREN_READ_CHARS,
	SEEN_CHILDREN_WRITE_CHARS,
	SEEN_CHILDREN_READ_SYSCALLS,
	SEEN_CHILDREN_WRITE_SYSCALLS,
	SEEN_CHILDREN_READ_BYTES,
	SEEN_CHILDREN_WRITE_BYTES,
	SEEN_IMAGE_PEAK, /* of the program that its last exec replaced; not names of fields, as are the others */
	SEEN_IMAGE_CPU,
	SEEN_NUMBERS
};
extern const char *const seen_names[SEEN_NUMBERS]; /* as the fields are called in the events */

/* A thread, and a descriptor, of a process that stood still. */
struct seen_thread {
	pid_t tid;
	char state[4], channel[80], call[24], args[160], opening[512], missing[256]; /* empty: null */
	uint64_t word, owner, blocker;
	struct seen_thread *next;
};
struct seen_descriptor {
	uint64_t fd, device, inode;
	char locked[8];
	struct seen_descriptor *next;
};

struct seen {
	pid_t pid;
	uint64_t start;
	unsigned alive, forks, execs, oom_kills, ends[SEEN_STREAMS];
	pid_t exec_tid;		       /* of its last exec */
	pid_t born_of;		       /* by its fork */
	pid_t ns_pid;		       /* by its fork and its execs; -1: they differ */
	uint64_t account_ts, exited;   /* of its cpu.exit: when it came, when it says that the process exited */
	size_t child, sibling;	       /* index + 1; 0: none */
	uint64_t number[SEEN_NUMBERS]; /* of its `exit` events; JSON_NULL: null, or there was none */
	bool final[SEEN_STREAMS];
	uint64_t args_length, args_hash;	  /* of its last exec */
	uint64_t cwd_length, cwd_hash;		  /* likewise */
	uint64_t oom_limit, oom_rss, oom_trigger; /* of its oom_kill */
	char oom_cgroup[128];
	char comm[16]; /* of its exit */
	char exec_error[16];
	char sender[16], signal_code[16]; /* of its exit; empty: null */
	char missing[512];		  /* "field=reason," of all its events */
	struct seen_thread *threads;
	struct seen_descriptor *descriptors;
	uint64_t zombie_of; /* the parent by stall.zombie; 0: there was none */
	size_t older;	    /* index + 1 of one whose pid has the same hash; 0: none */
};

#define EVENTS_HASH 65536

struct events {
	struct seen *seen;
	size_t count, room;
	size_t newest[EVENTS_HASH]; /* index + 1, by pid */
	uint64_t lost[SEEN_STREAMS], lines;
};

int events__read(struct events *events, const char *path);

/* The process with this pid that started between the two times; NULL: there is none. */
const struct seen *events__find(const struct events *events, pid_t pid, uint64_t after, uint64_t before);

#endif
