/* SPDX-License-Identifier: BSD-2-Clause */
/* Which runs go so that limits hold. Touches no file. */
#ifndef CORE_RUNS_RETENTION_H
#define CORE_RUNS_RETENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 0: no limit. */
struct retention_limits {
	uint64_t total;		      /* bytes */
	uint64_t age;		      /* ns since the end of a run */
	uint64_t runs, runs_per_user; /* their number */
	bool drop_undelivered;	      /* a run that waits for a sink goes too, if no other one can */
};

/* A run in the output folder. */
struct stored {
	char *id;	  /* name of its folder */
	uint32_t number;  /* as the recorder knows it; 0: of another process */
	uint32_t uid;	  /* whose it is; STREAM_NO_UID: unknown */
	uint64_t ended;	  /* last write, ns of real time */
	uint64_t bytes;	  /* on the disk */
	uint64_t looked;  /* when that was found out, boot clock, ns */
	uint64_t streams; /* stream_marker__sum() of all; 0: it has none with a header */
	bool open;	  /* it is recorded, or may be */
	bool measured;	  /* what is above is known */
	bool kept;	  /* its folder holds something else, or is none of a run: neither counted nor removed */
	bool seen;	  /* by the scan under way */
	bool delivered;	  /* all sinks have all of it: known once and for all */
	const char *sink; /* for which it waits; NULL: none, or that was not asked */
	const char *goes; /* name of the limit for which it goes; NULL: it stays */
};

/* Whether a run that has ended waits for a sink. */
struct retention_wait {
	bool (*waits)(void *arg, struct stored *run);
	void *arg;
};

/* Sorts by the end, open runs last, and sets `goes`: the oldest ended runs first, and no more than the limits ask for; those that
 * wait for a sink are left out, or come last. Asks only for runs that would go. `now`: ns of real time. Returns how many go, or
 * -ENOMEM. */
int retention__choose(struct stored *runs, size_t count, const struct retention_limits *limits, uint64_t now,
		      const struct retention_wait *wait);

/* Whether an open run has to stop: what is left exceeds limits.total, and nothing can go. After retention__choose(). */
bool retention__exceeds(const struct stored *runs, size_t count, const struct retention_limits *limits);

/* The limit that leaves no room for another run of this user, as too few of the others can go; NULL: there is room. */
const char *retention__refuses(struct stored *runs, size_t count, const struct retention_limits *limits, uint32_t uid,
			       const struct retention_wait *wait);

/* When the next run goes for its age, ns of real time; 0: none does. */
uint64_t retention__next(const struct stored *runs, size_t count, const struct retention_limits *limits);

/* The sinks are others: which run waits for one is not known any more. */
void retention__ask_again(struct stored *runs, size_t count);

/* How many runs the limits count, and the bytes that they take. */
uint64_t retention__used(const struct stored *runs, size_t count, uint64_t *bytes);

#endif
