/* SPDX-License-Identifier: BSD-2-Clause */
/* What the streams of cpu, mem and io say of a process. */
#include <errno.h>

#include "sinks/model/process.h"

/* ---- records ---- */

/* The process of a record; NULL where lifecycle should have reported it and has not. */
static int process_of(const struct feed *f, struct process **process, const struct value *comm)
{
	*process = process__find(f->model, f->run, f->record->pid, f->record->start);
	if (*process || f->run->pub.has[MODEL_LIFECYCLE])
		return 0;
	*process = process__new(f->model, f->run, f->record->pid, f->record->start, 0, EVENT_NULL(MODEL_REASON_OFF));
	if (!*process)
		return -ENOMEM;
	process__set_comm((*process)->row.comm, comm);
	return row__close_outlived(f->model, *process);
}

/* Finds the process whose exit the record reports; *process NULL: unknown. */
static int end_of(const struct feed *f, struct process **process, const struct value *comm)
{
	int err = process_of(f, process, comm);

	if (!err && !*process)
		f->run->pub.unmatched++;
	return err;
}

/* ---- cpu ---- */

enum { CPU_COMM = FIGURE_IO };

/* Samples and the end come by different ways: the greatest is the latest. */
static void set_cpu(const struct feed *f, struct process *p)
{
	uint64_t cpu_ns = value__number(f->field[FIGURE_CPU]);

	if (EVENT_IS_NULL(p->total[FIGURE_CPU]) || (!EVENT_IS_NULL(cpu_ns) && cpu_ns >= p->total[FIGURE_CPU]))
		for (int i = 0; i < FIGURE_IO; i++)
			p->total[i] = value__number(f->field[i]);
	p->sampled[MODEL_CPU] = true;
}

int usage__cpu(const struct feed *feed)
{
	struct process *p;
	int err = process_of(feed, &p, feed->field[CPU_COMM]);

	if (err || !p)
		return err;
	set_cpu(feed, p);
	return sample__taken(feed->model, p, MODEL_CPU, feed->record->ts);
}

int usage__cpu_end(const struct feed *feed)
{
	struct process *p;
	int err = end_of(feed, &p, feed->field[CPU_COMM]);

	if (err || !p)
		return err;
	set_cpu(feed, p);
	return row__end_seen(feed, p);
}

/* ---- io ---- */

enum { IO_COMM = MODEL_IO_FIGURES, IO_FINAL };

static void set_io(const struct feed *f, struct process *p)
{
	for (int i = 0; i < MODEL_IO_FIGURES; i++) {
		uint64_t value = value__number(f->field[i]), *total = &p->total[FIGURE_IO + i];

		if (EVENT_IS_NULL(*total) || (!EVENT_IS_NULL(value) && value > *total))
			*total = value;
	}
	p->sampled[MODEL_IO] = true;
}

int usage__io(const struct feed *feed)
{
	struct process *p;
	int err = process_of(feed, &p, feed->field[IO_COMM]);

	if (!err && p)
		set_io(feed, p);
	return err;
}

int usage__io_end(const struct feed *feed)
{
	const struct value *final = feed->field[IO_FINAL];
	struct process *p;
	int err = end_of(feed, &p, feed->field[IO_COMM]);

	if (err || !p)
		return err;
	set_io(feed, p);
	p->io_final = final->type == VALUE_BOOL && final->boolean;
	return row__end_seen(feed, p);
}

/* ---- mem ---- */

enum { MEM_BYTES, MEM_COMM };

int usage__mem(const struct feed *feed)
{
	uint64_t rss = value__number(feed->field[MEM_BYTES]);
	struct process *p;
	int err = process_of(feed, &p, feed->field[MEM_COMM]);

	if (err || !p || EVENT_IS_NULL(rss))
		return err;
	if (EVENT_IS_NULL(p->row.sampled_rss_bytes) || rss > p->row.sampled_rss_bytes)
		p->row.sampled_rss_bytes = rss;
	if (p->wait_since)
		return 0;
	rss__set(p, feed->record->ts, rss);
	return sample__taken(feed->model, p, MODEL_MEM, feed->record->ts);
}

int usage__mem_end(const struct feed *feed)
{
	struct process *p;
	int err = end_of(feed, &p, feed->field[MEM_COMM]);

	if (err || !p)
		return err;
	p->row.peak_rss_bytes = value__number(feed->field[MEM_BYTES]);
	rss__drop(p);
	return row__end_seen(feed, p);
}

int usage__oom_kill(const struct feed *feed)
{
	struct process *p;
	int err = process_of(feed, &p, feed->field[MEM_COMM]);

	if (err || !p)
		return err;
	p->row.oom_killed = true;
	if (p->row.outcome == MODEL_KILLED)
		p->row.outcome = MODEL_OOM;
	return 0;
}
