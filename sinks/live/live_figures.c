/* SPDX-License-Identifier: BSD-2-Clause */
/* Figures of now: rates from samples, sums of what is known. */
#include "sinks/live/live.h"

#define MILLI 1000
#define SECOND 1000000000ULL

void live_sum__add(uint64_t *sum, uint64_t value)
{
	if (EVENT_IS_NULL(*sum))
		*sum = value;
	else if (!EVENT_IS_NULL(value))
		*sum += value;
}

void live_figures__add(struct live_figures *to, const struct live_figures *more)
{
	live_sum__add(&to->cpu_ns, more->cpu_ns);
	live_sum__add(&to->rss_bytes, more->rss_bytes);
	live_sum__add(&to->cpu_milli, more->cpu_milli);
	live_sum__add(&to->read_rate, more->read_rate);
	live_sum__add(&to->written_rate, more->written_rate);
}

struct live_figures live_figures__none(void)
{
	uint64_t null = EVENT_NULL(EVENT_REASON_NONE);

	return (struct live_figures){null, null, null, null, null};
}

/* The collector's clock, and this one's, may differ: never before the last record. */
uint64_t live_run__now(const struct model_run *run, bool live)
{
	uint64_t now = clock__ns(CLOCK_REALTIME), began = (uint64_t)run->real_ns;

	if (!live || !run->begun || now < began)
		return run->last_ts;
	now = run->first_ts + (now - began);
	return now > run->last_ts ? now : run->last_ts;
}

/* Whether it has used nothing of late: others were sampled since, or time enough has passed for what is written and followed
 * to arrive. */
static bool is_idle(const struct model_live *live, uint64_t until_ns, enum model_source source, uint64_t now)
{
	const struct model_run *run = live->row->run;
	uint64_t interval_ns = run->interval_ns[source], last_ns = until_ns ? until_ns : live->row->start;

	if (!run->has[source] || !interval_ns)
		return false;
	return live__since(run->sampled_ns[source], last_ns) > interval_ns + interval_ns / 2 ||
	       live__since(now, last_ns) > 3 * interval_ns + 2 * SECOND;
}

/* How much a second, times `unit`. */
static uint64_t rate(const struct model_live *live, enum model_paced paced, enum model_source source, uint64_t now,
		     uint64_t unit)
{
	const struct model_pace *pace = &live->pace[paced];
	uint64_t span = pace->until_ns - pace->from_ns;

	if (is_idle(live, pace->until_ns, source, now))
		return 0;
	if (EVENT_IS_NULL(pace->amount) || !span)
		return pace->amount;
	return (uint64_t)((double)pace->amount / (double)span * (double)unit);
}

struct live_figures live_figures__of(const struct model_live *live, uint64_t now)
{
	return (struct live_figures){
		.cpu_ns = live->cpu_ns,
		.rss_bytes = live->rss_bytes,
		.cpu_milli = rate(live, MODEL_PACE_CPU, MODEL_CPU, now, MILLI),
		.read_rate = rate(live, MODEL_PACE_READ, MODEL_IO, now, SECOND),
		.written_rate = rate(live, MODEL_PACE_WRITE, MODEL_IO, now, SECOND),
	};
}

uint64_t live_figures__disk(const struct live_figures *figures)
{
	uint64_t sum = figures->read_rate;

	live_sum__add(&sum, figures->written_rate);
	return sum;
}
