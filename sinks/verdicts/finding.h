/* SPDX-License-Identifier: BSD-2-Clause */
/* A wait that may be a verdict once its process ends, or once the run is asked: the sentences are made while what they
 * name is there. */
#ifndef SINKS_VERDICTS_FINDING_H
#define SINKS_VERDICTS_FINDING_H

#include "sinks/verdicts/wakers.h"

/* ---- wait_text.c ---- */

/* "python3 join.py (pid 4711)" */
void text__waker(struct text *text, const struct wakers *wakers, uint32_t process);

/* What it waits for, after "waits since 10 s". */
void text__wait(struct text *text, const struct wakers *wakers, const struct waiter *waiter);

/* ---- finding.c ---- */

struct finding {
	enum verdict_kind kind;
	bool closed; /* only a signal, or what is not watched, can end it; else something that lives might */
	bool proven;
	bool stopped; /* one of its members is */
	bool broken;  /* a member was ended by a signal: that it goes on then refutes nothing */
	bool stale;   /* of a pass that is over, if the current one does not find it again */
	uint64_t since_ns;
	uint64_t moved_ns; /* its process was seen to go on: perhaps only to its end, by a signal; 0: it was not */
	const char *waits; /* "waits", "is stopped" */
	struct text rest;  /* of the evidence, after the time */
	struct text refute, next, members, missing;
};

/* Of a set of waiters that `next` links, GRAPH_NONE ends it; the first one is its subject. NULL: out of memory. */
struct finding *finding__new(const struct wakers *wakers, uint32_t first, const uint32_t *next);
void finding__free(struct finding *finding); /* takes NULL */

#endif
