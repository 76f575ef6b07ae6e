/* SPDX-License-Identifier: BSD-2-Clause */
/* Sums over many processes as they change with time: the cores that a run or a step keeps busy, the memory that its
 * processes hold. Samples come roughly in order of time and are sorted here; changes close together make one point of
 * the curve. */
#ifndef SINKS_PERFETTO_GAUGES_H
#define SINKS_PERFETTO_GAUGES_H

#include "sinks/perfetto/packets.h"

enum gauge_kind { GAUGE_CORES, GAUGE_BYTES, GAUGE_KINDS };

/* The curves of one run or one step. */
struct gauges {
	struct gauges *around; /* also gets all changes; NULL: none */
	uint64_t refs;	       /* of the owner, and of each pending change */
	bool closed;
	uint64_t end_ns;
	struct gauge {
		uint64_t track;
		bool begun;
		int64_t level;	/* nanocores or bytes */
		uint64_t at;	/* the point is summed up until here */
		uint64_t point; /* begin of the point not yet written */
		double area;	/* cores: level * ns since then */
		int64_t most;	/* bytes: the highest level since then */
		double shown;	/* value of the last point written */
	} of[GAUGE_KINDS];
};

/* Pending changes, in order of time. */
struct timeline {
	struct packets *packets;
	uint64_t point_ns; /* between two points of a curve, at least */
	uint64_t now;	   /* everything before it has been applied */
	struct change *heap;
	size_t count, capacity;
	uint64_t sequence;
};

/* Two tracks, `tracks` and the next. NULL: out of memory. */
struct gauges *gauges__new(struct gauges *around, const uint64_t tracks[GAUGE_KINDS]);

/* No more changes follow; the curve falls to 0 at `end_ns`. The last pending change frees it. Takes NULL. */
void gauges__close(struct timeline *timeline, struct gauges *gauges, uint64_t end_ns);

/* Adds `more` to the gauge from `ts` on. 0 or -ENOMEM. */
int timeline__add(struct timeline *timeline, struct gauges *gauges, enum gauge_kind kind, uint64_t ts, int64_t more);

/* Applies changes before `ts`; one that comes too late counts from `ts` on. */
void timeline__advance(struct timeline *timeline, uint64_t ts);
void timeline__free(struct timeline *timeline);

#endif
