/* SPDX-License-Identifier: BSD-2-Clause */
/* How many cores a task kept busy in its busiest interval. */
#ifndef SINKS_ADVISE_BUSY_H
#define SINKS_ADVISE_BUSY_H

#include "sinks/model/model.h"

#define BUSY_BINS 32 /* what an account adds later than that, long after the exit, is in no interval */

struct busy {
	uint64_t began_ns, width_ns;
	uint64_t first; /* number of the oldest interval in `cpu_ns` */
	uint64_t cpu_ns[BUSY_BINS];
	double most; /* of the intervals before */
};

uint64_t busy__width(uint64_t interval_ns); /* of an interval: that of samples, at least 1 s */
void busy__init(struct busy *busy, uint64_t began_ns, uint64_t interval_ns);
void busy__add(struct busy *busy, uint64_t from_ns, uint64_t until_ns, uint64_t cpu_ns);

/* Over complete intervals until then; 0: none. */
double busy__most(const struct busy *busy, uint64_t ended_ns);

#endif
