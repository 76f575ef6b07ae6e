/* SPDX-License-Identifier: BSD-2-Clause */
/* A heap of changes, and curves that they are applied to. */
#include "sinks/perfetto/gauges.h"

#include <errno.h>
#include <stdlib.h>

struct change {
	uint64_t ts;
	uint64_t sequence;
	int64_t more;
	struct gauges *gauges;
	enum gauge_kind kind;
};

/* ---- the heap ---- */

/* At equal times, ends come before begins: the two did not overlap. */
static bool before(const struct change *a, const struct change *b)
{
	if (a->ts != b->ts)
		return a->ts < b->ts;
	if ((a->more < 0) != (b->more < 0))
		return a->more < 0;
	return a->sequence < b->sequence;
}

static void sift_up(struct change *heap, size_t at)
{
	struct change change = heap[at];

	for (; at > 0 && before(&change, &heap[(at - 1) / 2]); at = (at - 1) / 2)
		heap[at] = heap[(at - 1) / 2];
	heap[at] = change;
}

static void sift_down(struct change *heap, size_t count, const struct change *change)
{
	size_t at = 0, child;

	while ((child = 2 * at + 1) < count) {
		if (child + 1 < count && before(&heap[child + 1], &heap[child]))
			child++;
		if (!before(&heap[child], change))
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = *change;
}

/* ---- a curve ---- */

static void show(struct packets *packets, struct gauge *gauge, enum gauge_kind kind, double value)
{
	if (value == gauge->shown)
		return;
	gauge->shown = value;
	if (kind == GAUGE_CORES)
		packets__cores(packets, gauge->point, gauge->track, value);
	else
		packets__bytes(packets, gauge->point, gauge->track, (uint64_t)value);
}

/* The average of cores, the most of bytes, between the point and here. */
static double value_of(const struct gauge *gauge, enum gauge_kind kind)
{
	if (kind == GAUGE_BYTES)
		return (double)gauge->most;
	return gauge->at > gauge->point ? gauge->area / (double)(gauge->at - gauge->point) / 1e9 : 0;
}

static void move_to(struct gauge *gauge, uint64_t ts)
{
	gauge->area += (double)gauge->level * (double)(ts - gauge->at);
	gauge->at = ts;
}

static void new_point(struct gauge *gauge, uint64_t ts)
{
	gauge->point = gauge->at = ts;
	gauge->area = 0;
	gauge->most = gauge->level;
}

/* Sums up until `ts`, and puts out the points that are complete by then. */
static void advance(const struct timeline *timeline, struct gauge *gauge, enum gauge_kind kind, uint64_t ts)
{
	uint64_t step = timeline->point_ns;

	if (ts <= gauge->at)
		return;
	if (ts - gauge->point >= step) {
		move_to(gauge, gauge->point + step);
		show(timeline->packets, gauge, kind, value_of(gauge, kind));
		new_point(gauge, gauge->at);
		if (ts - gauge->point >= step) { /* no change for a while */
			show(timeline->packets, gauge, kind,
			     kind == GAUGE_CORES ? (double)gauge->level / 1e9 : (double)gauge->level);
			new_point(gauge, gauge->point + (ts - gauge->point) / step * step);
		}
	}
	move_to(gauge, ts);
}

static void apply(const struct timeline *timeline, struct gauge *gauge, enum gauge_kind kind, uint64_t ts, int64_t more)
{
	if (!gauge->begun) {
		gauge->begun = true;
		new_point(gauge, ts);
	}
	advance(timeline, gauge, kind, ts);
	gauge->level += more;
	if (gauge->level > gauge->most)
		gauge->most = gauge->level;
}

static void end(const struct timeline *timeline, struct gauge *gauge, enum gauge_kind kind, uint64_t ts)
{
	if (!gauge->begun)
		return;
	advance(timeline, gauge, kind, ts);
	if (gauge->at > gauge->point)
		show(timeline->packets, gauge, kind, value_of(gauge, kind));
	gauge->point = gauge->at;
	show(timeline->packets, gauge, kind, 0);
}

/* ---- curves of a run or a step ---- */

struct gauges *gauges__new(struct gauges *around, const uint64_t tracks[GAUGE_KINDS])
{
	struct gauges *gauges = calloc(1, sizeof(*gauges));

	if (!gauges)
		return NULL;
	gauges->refs = 1;
	gauges->around = around;
	for (int i = 0; i < GAUGE_KINDS; i++) {
		gauges->of[i].track = tracks[i];
		gauges->of[i].shown = -1; /* the first point is shown even if it is 0 */
	}
	if (around)
		around->refs++;
	return gauges;
}

static void unref(const struct timeline *timeline, struct gauges *gauges)
{
	while (gauges && !--gauges->refs) {
		struct gauges *around = gauges->around;

		for (int i = 0; gauges->closed && i < GAUGE_KINDS; i++)
			end(timeline, &gauges->of[i], (enum gauge_kind)i, gauges->end_ns);
		free(gauges);
		gauges = around;
	}
}

void gauges__close(struct timeline *timeline, struct gauges *gauges, uint64_t end_ns)
{
	if (!gauges)
		return;
	gauges->closed = true;
	gauges->end_ns = end_ns;
	unref(timeline, gauges);
}

/* ---- the timeline ---- */

int timeline__add(struct timeline *timeline, struct gauges *gauges, enum gauge_kind kind, uint64_t ts, int64_t more)
{
	size_t capacity = timeline->capacity ? timeline->capacity * 2 : 1024;
	struct change *heap;

	if (timeline->count == timeline->capacity) {
		heap = reallocarray(timeline->heap, capacity, sizeof(*heap));
		if (!heap)
			return -ENOMEM;
		timeline->heap = heap;
		timeline->capacity = capacity;
	}
	gauges->refs++;
	timeline->heap[timeline->count] = (struct change){
		.ts = ts > timeline->now ? ts : timeline->now,
		.sequence = timeline->sequence++,
		.more = more,
		.gauges = gauges,
		.kind = kind,
	};
	sift_up(timeline->heap, timeline->count++);
	return 0;
}

void timeline__advance(struct timeline *timeline, uint64_t ts)
{
	while (timeline->count && timeline->heap[0].ts < ts) {
		struct change change = timeline->heap[0];

		sift_down(timeline->heap, timeline->count - 1, &timeline->heap[timeline->count - 1]);
		timeline->count--;
		for (struct gauges *gauges = change.gauges; gauges; gauges = gauges->around)
			apply(timeline, &gauges->of[change.kind], change.kind, change.ts, change.more);
		unref(timeline, change.gauges);
	}
	if (ts > timeline->now)
		timeline->now = ts;
}

void timeline__free(struct timeline *timeline)
{
	for (size_t i = 0; i < timeline->count; i++)
		unref(timeline, timeline->heap[i].gauges);
	free(timeline->heap);
}
