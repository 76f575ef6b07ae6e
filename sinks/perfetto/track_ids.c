/* SPDX-License-Identifier: BSD-2-Clause */
/* Ids of tracks, and times on the time axis shared by all runs. */
#include "sinks/perfetto/tracer.h"

uint64_t tracer__number(enum tracer_of what, const struct model_run *run, uint64_t a, uint64_t b)
{
	uint64_t key = hash__mix(hash__mix(hash__mix((uint64_t)what << 32 | (run->index + 1)) ^ (a + 1)) ^ (b + 1));

	return key ? key : 1;
}

uint64_t tracer__lane(const struct trace_run *run, enum lane lane)
{
	return tracer__number(OF_LANE, run->run, lane, 0);
}

uint64_t tracer__process(const struct model_run *run, uint32_t pid, uint64_t start)
{
	return tracer__number(OF_PROCESS, run, pid, start);
}

uint64_t tracer__task(const struct model_run *run, uint32_t task)
{
	return tracer__number(OF_TASK, run, task, 0);
}

uint64_t tracer__counter(uint64_t track, enum gauge_kind kind)
{
	return hash__mix(track ^ (OF_COUNTER + kind));
}

uint64_t tracer__time(const struct trace_run *run, uint64_t ts)
{
	return ts + run->shift;
}
