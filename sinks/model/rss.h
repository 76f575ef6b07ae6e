/* SPDX-License-Identifier: BSD-2-Clause */
/* What is known of the memory that processes hold together. Private to sinks/model. */
#ifndef SINKS_MODEL_RSS_H
#define SINKS_MODEL_RSS_H

#include <stdbool.h>
#include <stdint.h>

struct process;
struct task;

/* Memory that a process holds: all of it, at most what it has apart from what it inherited at its fork, what surely is in
 * no other's count, files and shared memory, and what it inherited, all forks of one process the same. */
struct held {
	uint64_t rss, bytes, own, shared, inherited;
	uint64_t file; /* of `shared` */
};

/* Its proportional set size, as last read; null: not read. */
struct pss {
	uint64_t bytes, anon, file, shmem;
};

/* That of several processes in one round, and the most that one of them holds. */
struct pss_sum {
	struct pss of;
	uint64_t file_most, shmem_most;
	uint64_t unread; /* the reason why that of some process is null; else 0 */
	uint32_t count;
};

/* The forks of a process that hold memory: what they inherited counts once, beside what their parent holds by now. */
struct family {
	struct process *forker; /* NULL: freed */
	uint32_t count;
	uint64_t inherited; /* the most of any */
	struct task *task;  /* of them all, each of which has a reference */
	bool in_job;	    /* as they all */
};

#define RSS_CLASSES 64

/* At most so much is held by now; and since a round of Pss the most of it, and all that was freed. */
struct rss_bound {
	uint64_t now, high, freed;
};

/* A round of Pss, until the next samples show whether anything moved while it was read. */
struct rss_round {
	bool open, sampled; /* sampled: the next samples have begun */
	uint64_t ts, pss;
	uint64_t moved;		/* by so much its figures may be wrong */
	uint64_t upper;		/* at most so much until then */
	struct rss_bound bound; /* from then on */
};

/* Memory that several processes hold, by their last samples: at most their sum, at least what is each one's own and the
 * greatest that may be shared. Where their Pss was read, that is the least; the most is what it shows, each page once, with
 * all that was added since then, or that was freed before, whichever is less. */
struct rss {
	uint64_t bytes, own;
	struct {
		uint64_t least; /* of those that were in it together */
		uint32_t count;
	} shared[RSS_CLASSES]; /* by size */
	uint64_t tick;	       /* when the round of samples began */
	struct pss_sum sum;
	struct rss_bound bound;
	uint64_t upper;	   /* at most so much until the last round of Pss */
	uint64_t moved_ts; /* when the last process was sampled with another value */
	uint64_t dropped;  /* of processes that have ended since `tick` */
	struct rss_round round;
	uint64_t *peak, *lower, *pss; /* null: no sample; that nothing was read */
};

#endif
