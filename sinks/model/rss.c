/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that the processes of a run and of a task hold together. */
#include "sinks/model/process.h"

static void note_peak(struct rss *rss)
{
	if (EVENT_IS_NULL(*rss->peak) || rss->bytes > *rss->peak)
		*rss->peak = rss->bytes;
}

/* A round of samples takes a while; what all hold together is looked at between two rounds. */
static void change(struct rss *rss, uint64_t ts, uint64_t interval_ns, uint64_t less, uint64_t more)
{
	if (ts - rss->tick > interval_ns / 2) {
		note_peak(rss);
		rss->tick = ts;
	}
	rss->bytes += more - less;
}

static void drop(struct rss *rss, uint64_t bytes)
{
	note_peak(rss);
	rss->bytes -= bytes;
}

void rss__set(struct process *p, uint64_t ts, uint64_t bytes)
{
	uint64_t interval_ns = p->run->pub.rss_interval_ns;

	change(&p->run->rss, ts, interval_ns, p->rss_bytes, bytes);
	if (p->task)
		change(&p->task->rss, ts, interval_ns, p->rss_bytes, bytes);
	p->rss_bytes = bytes;
}

void rss__drop(struct process *process)
{
	if (!process->rss_bytes)
		return;
	drop(&process->run->rss, process->rss_bytes);
	if (process->task)
		drop(&process->task->rss, process->rss_bytes);
	process->rss_bytes = 0;
}
