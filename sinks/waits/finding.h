/* SPDX-License-Identifier: BSD-2-Clause */
/* A wait that may be a verdict once its process ends, or once the run is asked: the sentences are made while what they
 * name is there. */
#ifndef SINKS_WAITS_FINDING_H
#define SINKS_WAITS_FINDING_H

#include "sinks/waits/wakers.h"

/* ---- wait_text.c ---- */

/* "python3 join.py (pid 4711)" */
void text__waker(struct text *text, const struct wakers *wakers, uint32_t process);

/* What it waits for, after "has waited 10 s". */
void text__wait(struct text *text, const struct wakers *wakers, const struct waiter *waiter);

/* Whether nothing but itself has the other ends of what it polls. */
bool waiter__polls_itself(const struct wakers *wakers, const struct waiter *waiter);

/* What it waits for that this process holds, or owes: "the lock of file x that pid 12 holds". */
void text__service(struct text *text, const struct wakers *wakers, const struct waiter *waiter, uint32_t holder);

/* ---- dependents.c ---- */

#define DEPENDENTS_MAX 2

struct dependent {
	uint32_t waiter;
	uint32_t process; /* the member that it waits for */
};

/* Waiters of other processes that wait for a lock or an answer of a member. Returns how many, at most DEPENDENTS_MAX. */
uint32_t dependents__find(const struct wakers *wakers, uint32_t first, const uint32_t *next,
			  struct dependent found[DEPENDENTS_MAX]);

/* ---- finding.c ---- */

struct finding {
	enum verdict_kind kind;
	bool closed; /* only a signal, or what is not watched, can end it; else something that lives might */
	bool proven;
	bool stopped;	    /* one of its members is */
	bool limited;	    /* what waits for it has a time limit */
	bool limits_itself; /* its subject's wait for a lock has one: flock -w */
	bool listens; /* its process waits for clients, and none of the run waits for an answer: as healthy servers do */
	bool goes_on; /* what holds the lock that it waits for does, and may release it */
	bool broken;  /* a member was ended by a signal: that it goes on then refutes nothing */
	bool stale;   /* of a pass that is over, if the current one does not find it again */
	uint64_t since_ns;
	uint64_t moved_ns;  /* its process was seen to go on: perhaps only to its end, by a signal; 0: it was not */
	const char *waited; /* "has waited", "has been stopped for" */
	struct text rest;   /* of the evidence, after the time */
	struct text refute, members, missing;
	struct text next, again; /* what to do: while it waits, and once it has ended */
};

/* Of a set of waiters that `next` links, GRAPH_NONE ends it; the first one is its subject. NULL: out of memory. */
struct finding *finding__new(const struct wakers *wakers, uint32_t first, const uint32_t *next);
void finding__free(struct finding *finding); /* takes NULL */

#endif
