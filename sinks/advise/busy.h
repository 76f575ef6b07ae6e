/* SPDX-License-Identifier: BSD-2-Clause */
/* How many cores a task kept busy in its busiest interval. */
#ifndef SINKS_ADVISE_BUSY_H
#define SINKS_ADVISE_BUSY_H

#include "sinks/model/model.h"

#define BUSY_BINS 32 /* the model reports an exit within ten seconds */

struct busy {
	uint64_t began_ns, width_ns;
	uint64_t first; /* number of the oldest interval in `cpu_ns` */
	uint64_t cpu_ns[BUSY_BINS];
	double most; /* of those before */
};

uint64_t busy__width(uint64_t interval_ns); /* of its intervals: that of looks at processes, 1 s at least */
void busy__init(struct busy *busy, uint64_t began_ns, uint64_t interval_ns);
void busy__add(struct busy *busy, uint64_t from_ns, uint64_t until_ns, uint64_t cpu_ns);

/* Over whole intervals until then; 0: there was none. */
double busy__most(const struct busy *busy, uint64_t ended_ns);

#endif
