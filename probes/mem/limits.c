/* SPDX-License-Identifier: BSD-2-Clause */
/* What limits the run's cgroup, and how often it met that. */
#include "core/probe.h"

#include <stdlib.h>
#include <string.h>

#include "probes/mem/limits.h"
#include "probes/mem/mem.h"
#include "probes/mem/together.h"

#define US 1000 /* ns */

static uint64_t times(uint64_t value, uint64_t unit)
{
	return EVENT_IS_NULL(value) ? value : value * unit;
}

/* Version 2: "cpu_max 50000 100000", or "max 100000" without a limit; version 1 has two files, and -1 without. */
static void take_quota(struct mem_together *e, const char *text)
{
	const char *line = strstr(text, "cpu_max ");
	const char *second = line ? line + strcspn(line + 8, " \n") + 8 : NULL;

	e->quota_ns = times(together__number(text, "cpu_max"), US);
	e->period_ns = times(together__number(text, "cpu_period"), US);
	if (second && *second == ' ')
		e->period_ns = strtoull(second + 1, NULL, 10) * US;
}

void limits__take(struct mem_together *e, const char *text, enum event_reason reason)
{
	uint64_t us = together__number(text, "cpu_throttled_usec");
	__u64 *const values[] = {&e->cgroup_limit_hits, &e->cgroup_oom_kills, &e->periods,   &e->throttled_periods,
				 &e->throttled_ns,	&e->quota_ns,	      &e->period_ns, &e->pids,
				 &e->pids_limit,	&e->pids_refused};

	e->cgroup_limit_hits = together__number(text, "memory_max");
	e->cgroup_oom_kills = together__number(text, "memory_oom_kill");
	e->periods = together__number(text, "cpu_nr_periods");
	e->throttled_periods = together__number(text, "cpu_nr_throttled");
	e->throttled_ns = EVENT_IS_NULL(us) ? together__number(text, "cpu_throttled_time") : us * US;
	take_quota(e, text);
	e->pids = together__number(text, "pids_current");
	e->pids_limit = together__number(text, "pids_limit");
	e->pids_refused = together__number(text, "pids_events_max");
	for (size_t i = 0; reason && i < sizeof(values) / sizeof(values[0]); i++)
		*values[i] = EVENT_NULL(reason);
}
