/* SPDX-License-Identifier: BSD-2-Clause */
/* A pass over all that stands still: what could end each wait, as a graph. Linear in threads and descriptors. */
#ifndef SINKS_WAITS_WAKERS_H
#define SINKS_WAITS_WAKERS_H

#include "sinks/waits/graph.h"
#include "sinks/waits/stand.h"

/* A wait that something outside may end, for as long as it lasts. */
enum waiter_class {
	WAITER_WAITS, /* for something certain: had it to be ended, it hung */
	WAITER_CHILD, /* it merely waits for a child */
	WAITER_IDLE,  /* for a signal, a change of files, or it is not known for what */
	WAITER_FACT,  /* it ends by itself, or is stopped or read from by a user or debugger: nothing is wrong */
};

/* A thread that stands still. */
struct waiter {
	const struct stand_thread *thread;
	struct wait wait;
	uint32_t node, process;
	enum waiter_class class;
	const struct stand_descriptor *at; /* what it waits on; NULL: no descriptor, or not known which */
	uint32_t resource;		   /* GRAPH_NONE: none */
	uint32_t owner;			   /* waiter that owns the futex or lock; GRAPH_NONE: not known */
	uint32_t terminal; /* the process that has the other end of the terminal it reads; GRAPH_NONE: not in the run */
	uint32_t child;	   /* the process whose end alone it waits for; GRAPH_NONE: any child's */
	bool joins;	   /* it waits for the end of thread `owner` */
	bool outside;	   /* something that is not watched may end it */
	const char *open;  /* what of its wakers could not be looked at; NULL: all are known */
};

/* A living process, stuck or not. */
struct waker_process {
	struct track *track;
	struct stand *stand; /* NULL: it never stood still, nor held what others wait for */
	uint64_t host;	     /* a number for its boot: pids and inodes of two hosts have nothing in common */
	uint32_t node;
	uint32_t waiters, waiters_count; /* the first one; 0 threads: it goes on */
	uint32_t children, polls;	 /* nodes; GRAPH_NONE: not waited for */
	enum waiter_class polls_class;
	uint32_t children_known; /* not yet waited for, those that have ended included */
	bool children_open;	 /* it has more, or how many is not known */
	bool listens;		 /* clients may come */
	bool serves; /* a server that is left to itself: what started it has ended by itself, and it waits for clients */
};

enum resource_kind {
	RESOURCE_READERS, /* of a pipe: what a writer waits for */
	RESOURCE_WRITERS,
	RESOURCE_SOCKET, /* by inode */
	RESOURCE_TCP,	 /* by its two addresses */
	RESOURCE_EVENT,
	RESOURCE_LOCK,
};

/* A descriptor by which a process can end the waits for a resource. */
struct hold {
	uint32_t resource, process;
	const struct stand_descriptor *by;
};

struct resource {
	struct hash_node hashed; /* first */
	struct resource_key {
		enum resource_kind kind;
		uint64_t host, device, inode;
	} key;
	uint64_t look; /* the latest that lists holders */
	uint32_t node;
	uint32_t holds, holds_count; /* the first one */
	bool unseen;		     /* there are none, or the kernel counts more than were seen */
	bool outsider;		     /* one of them is not watched */
	bool open;		     /* it is not certain that each holder keeps the waiters waiting */
};

struct wakers {
	const struct verdicts *verdicts;
	const struct detector *detector;
	const struct track *ending; /* a process that is just ending, but counts as alive; NULL: none */
	struct graph graph;
	struct waker_process *processes; /* that live, in order of start */
	struct waiter *waiters;		 /* in order of process */
	struct resource *resources;
	struct hold *holds; /* in order of resource */
	struct hash by_key;
	uint32_t processes_count, waiters_count, resources_count, resources_room, holds_count;
	uint32_t outside; /* node: what is not watched, live */
	uint32_t
		sharers; /* node: what may share memory with those that wait there, live; GRAPH_NONE: none waits there */
	bool supposed;	 /* it is solved for sharers that are all watched */
	uint32_t *by_tid; /* waiters in order of tid */
};

/* ---- resource.c ---- */

/* Makes `node` wait for it; *resource, which may be NULL, is its number. 0 or -ENOMEM. */
int resource__await(struct wakers *wakers, uint32_t node, struct resource_key key, uint32_t *resource);

/* The number of an address of two ends, or of the same seen from the other one; 0: it has not two. */
uint64_t address__number(const char *address, bool reversed);

/* After all waits: finds the holders of what is waited for. 0 or -ENOMEM. */
int resources__find_holds(struct wakers *wakers);

/* Makes `node`, a wait of the process for its terminal, wait for what has the other end, if that is in the run: *master is the
 * process that has opened it, or GRAPH_NONE: it is not known to be there. 0 or -ENOMEM. */
int terminal__await(struct wakers *wakers, uint32_t node, uint32_t process, const struct stand_descriptor *at,
		    uint32_t *master);

/* ---- waiter.c ---- */

/* What could end the wait, but for holders of resources. 0 or -ENOMEM. */
int waiter__connect(struct wakers *wakers, struct waiter *waiter);

/* After resources__find_holds(): a lock whose only holder is the waiter, by the same descriptor, is not what it waits for, and
 * what polls only itself waits for a signal. 0 or -ENOMEM. */
int waiter__check(struct wakers *wakers, struct waiter *waiter);

/* The waiter of this thread; NULL: it goes on, or is not watched. */
struct waiter *waiter__of_thread(const struct wakers *wakers, uint64_t host, uint64_t tid);

/* ---- wakers.c ---- */

/* Solves it again, as if only watched processes shared memory or not. 0 or -ENOMEM. */
int wakers__suppose(struct wakers *wakers, bool supposed);

/* Builds and solves it. wakers__free() in any case. 0 or -ENOMEM. */
int wakers__build(struct wakers *wakers, const struct verdicts *verdicts, const struct track *ending,
		  const struct detector *detector);
void wakers__free(struct wakers *wakers);

/* ---- culprits.c: where waiting begins, not what merely waits for that ---- */

/* More of a pass say nothing that these do not. */
#define CULPRITS_CLOSED_MAX 1000
#define CULPRITS_OUTSIDE_MAX 64

/* Gets waiters that belong together, as finding__new() does. Returns 0 or -ENOMEM. */
typedef int (*culprits_found)(void *arg, const struct wakers *wakers, uint32_t first, const uint32_t *next);

/* Calls `found` for each closed set, then for waits that only something outside may end: or instead of those, if there is no
 * closed set, for sets that only unwatched processes with shared memory could open. 0, -ENOMEM, or what `found` returned. Linear,
 * as the graph is. */
int culprits__find(struct wakers *wakers, culprits_found found, void *arg);

#endif
