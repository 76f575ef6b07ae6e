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
};

/* A run in the output folder. */
struct stored {
	char *id;	  /* name of its folder */
	uint32_t number;  /* as the recorder knows it; 0: of another process */
	uint32_t uid;	  /* whose it is; STREAM_NO_UID: unknown */
	uint64_t ended;	  /* last write, ns of real time */
	uint64_t bytes;	  /* on the disk */
	uint64_t looked;  /* when that was found out, boot clock, ns */
	bool open;	  /* it is recorded, or may be */
	bool measured;	  /* what is above is known */
	bool kept;	  /* its folder holds something else, or is none of a run: neither counted nor removed */
	bool seen;	  /* by the scan under way */
	const char *goes; /* name of the limit for which it goes; NULL: it stays */
};

/* Sorts by the end, open runs last, and sets `goes`: the oldest ended runs first, and no more than the limits ask for.
 * `now`: ns of real time. Returns how many go, or -ENOMEM. */
int retention__choose(struct stored *runs, size_t count, const struct retention_limits *limits, uint64_t now);

/* Whether an open run has to stop: what is left exceeds limits.total, and nothing can go. After retention__choose(). */
bool retention__exceeds(const struct stored *runs, size_t count, const struct retention_limits *limits);

/* When the next run goes for its age, ns of real time; 0: none does. */
uint64_t retention__next(const struct stored *runs, size_t count, const struct retention_limits *limits);

#endif
