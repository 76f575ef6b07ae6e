/* SPDX-License-Identifier: BSD-2-Clause */
/* Sums over many processes as they change with time: the cores that a run or a step keeps busy, the memory
 * that its processes hold. Samples of single processes come about in order of time, and is put in
 * order here; changes that follow close on each other make one point of the curve. */
#ifndef SINKS_PERFETTO_GAUGES_H
#define SINKS_PERFETTO_GAUGES_H

#include "sinks/perfetto/packets.h"

enum gauge_kind { GAUGE_CORES, GAUGE_BYTES, GAUGE_KINDS };

/* The curves of one run or one step. */
struct gauges {
	struct gauges *around; /* what is added here is added there too; NULL: nothing */
	uint64_t refs;	       /* the owner's, and one for each change that is to come */
	bool closed;
	uint64_t end_ns;
	struct gauge {
		uint64_t track;
		bool begun;
		int64_t level;	/* nanocores or bytes */
		uint64_t at;	/* up to here the point is summed up */
		uint64_t point; /* the curve's point that is not out begins here */
		double area;	/* cores: level * ns since then */
		int64_t most;	/* bytes: the highest level since then */
		double shown;	/* the value of the last point that is out */
	} of[GAUGE_KINDS];
};

/* Changes that are to come, in order of time. */
struct timeline {
	struct packets *packets;
	uint64_t point_ns; /* between two points of a curve, at least */
	uint64_t now;	   /* everything before is applied */
	struct change *heap;
	size_t count, capacity;
	uint64_t sequence;
};

/* Two tracks, `tracks` and the next. NULL: out of memory. */
struct gauges *gauges__new(struct gauges *around, const uint64_t tracks[GAUGE_KINDS]);

/* Nothing is added any more; the curve falls to 0 at `end_ns`. The last change frees it. Takes NULL. */
void gauges__close(struct timeline *timeline, struct gauges *gauges, uint64_t end_ns);

/* From `ts` on it is so much more. 0 or -ENOMEM. */
int timeline__add(struct timeline *timeline, struct gauges *gauges, enum gauge_kind kind, uint64_t ts, int64_t more);

/* Applies what is before `ts`: nothing that comes is older, or else it counts from there. */
void timeline__advance(struct timeline *timeline, uint64_t ts);
void timeline__free(struct timeline *timeline);

#endif
