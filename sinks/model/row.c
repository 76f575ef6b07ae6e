/* SPDX-License-Identifier: BSD-2-Clause */
/* Finishes rows: values, and reasons for those that are missing. */
#include "sinks/model/process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint64_t explained(const struct process *p, enum model_source source, uint64_t value)
{
	if (p->given_up && p->run->pub.has[source] && value == EVENT_NULL(MODEL_REASON_ABSENT))
		return EVENT_NULL(MODEL_REASON_LATE);
	return reason__explained(p->run, source, value, p->row.outcome == MODEL_RUNNING);
}

/* The image's share of a figure: the process's total less the shares of earlier rows. */
static uint64_t share(struct process *p, enum model_source source, int figure, uint64_t why_not)
{
	uint64_t total = p->total[figure], part;

	if (!p->sampled[source])
		return explained(p, source, p->run->pub.has[source] ? why_not : EVENT_NULL(MODEL_REASON_ABSENT));
	if (EVENT_IS_NULL(total))
		return explained(p, source, total);
	part = total > p->given[figure] ? total - p->given[figure] : 0;
	p->given[figure] = total;
	return part;
}

/* Why the share is not all that the image used. */
static uint8_t partial(const struct process *p, enum model_source source)
{
	if (!p->sampled[source])
		return 0; /* null, which has its own reason */
	if (!p->row.last)
		return p->imaged[source] ? 0 : MODEL_REASON_REPLACED;
	if (!p->reported[source])
		return EVENT_NULL_REASON(explained(p, source, EVENT_NULL(MODEL_REASON_ABSENT)));
	return p->provisional[source] ? EVENT_REASON_BOUND : 0;
}

static void set_figures(struct process *p, uint64_t why_not)
{
	struct model_row *row = &p->row;

	row->cpu_ns = share(p, MODEL_CPU, FIGURE_CPU, why_not);
	row->user_ns = share(p, MODEL_CPU, FIGURE_USER, why_not);
	row->system_ns = share(p, MODEL_CPU, FIGURE_SYSTEM, why_not);
	for (int i = 0; i < MODEL_IO_FIGURES; i++)
		row->io[i] = share(p, MODEL_IO, FIGURE_IO + i, why_not);
	row->cpu_partial = partial(p, MODEL_CPU);
	row->io_partial = partial(p, MODEL_IO);
}

/* Whether the final account includes its children's: not if it ignores SIGCHLD and so never waits for them. */
static bool holds_others(const struct process *p)
{
	for (int i = 0; i < MODEL_IO_FIGURES; i++)
		if (!EVENT_IS_NULL(p->total[FIGURE_IO + i]) && p->total[FIGURE_IO + i] < p->others_io[i])
			return false;
	return true;
}

/* The row's I/O without that of children. A sample may be older than a child's I/O that was added since. */
static void set_own_io(struct process *p, uint64_t own[MODEL_IO_FIGURES])
{
	bool all = p->row.last && p->io_final && !holds_others(p);

	for (int i = 0; i < MODEL_IO_FIGURES; i++) {
		uint64_t total = p->total[FIGURE_IO + i], others = all ? 0 : p->others_io[i];

		own[i] = p->row.io[i];
		if (EVENT_IS_NULL(own[i]))
			continue;
		total = total > others ? total - others : 0;
		own[i] = total > p->own_io[i] ? total - p->own_io[i] : 0;
		p->own_io[i] += own[i];
	}
}

static void raise_to(uint64_t *peak, uint64_t value)
{
	if (!EVENT_IS_NULL(*peak) && !EVENT_IS_NULL(value) && value > *peak)
		*peak = value;
}

/* The first program's row begins with the process. */
static void add_growth(struct process *p)
{
	if (p->row.image > 1)
		return;
	raise_to(&p->row.peak_rss_bytes, p->grown_bytes);
	if (p->grown_bytes)
		figure__set_greater(&p->row.sampled_rss_bytes, p->grown_bytes);
}

static void set_wall(struct model_row *row)
{
	const struct model_run *run = row->run;
	uint64_t until = row->outcome != MODEL_RUNNING	? row->ended_ns
			 : run->until_ns > run->last_ts ? run->until_ns
							: run->last_ts;

	if (EVENT_IS_NULL(until))
		row->wall_ns = until;
	else
		row->wall_ns = until > row->began_ns ? until - row->began_ns : 0;
}

/* The kernel's work after the exit is in the final account: it took at least the rest of the CPU time on all threads. */
static uint64_t least_span(const struct process *p, uint64_t span)
{
	const struct model_row *row = &p->row;
	bool known = row->last && p->reported[MODEL_CPU] && !EVENT_IS_NULL(p->threads_peak) && p->threads_peak;
	uint64_t least = known ? row->cpu_ns / p->threads_peak : 0;

	return least > span ? least : span;
}

/* After wall_ns is set. */
static void set_cpu_span(struct process *p)
{
	struct model_row *row = &p->row;
	uint64_t until = p->cpu_seen_ns;

	row->cpu_from_ns = row->cpu_span_ns = row->cpu_ns;
	if (EVENT_IS_NULL(row->cpu_ns))
		return;
	row->cpu_from_ns = p->cpu_given_ns ? p->cpu_given_ns : p->row.start;
	row->cpu_span_ns = row->wall_ns;
	if (EVENT_IS_NULL(row->wall_ns))
		return;
	if ((row->last && p->reported[MODEL_CPU]) || until > row->began_ns + row->wall_ns)
		until = row->began_ns + row->wall_ns;
	row->cpu_span_ns = least_span(p, until > row->cpu_from_ns ? until - row->cpu_from_ns : 0);
	p->cpu_given_ns = until;
}

static int report_process(struct model *model, struct process *p)
{
	struct sums first = {0}, *sums = p->sums ? p->sums : &first;
	struct model_process process;

	if (!p->row.last && !p->sums)
		sums = p->sums = calloc(1, sizeof(*sums));
	if (!sums)
		return -ENOMEM;
	sums__add(sums, &p->row);
	if (!p->row.last)
		return 0;
	process = sums__process(sums, &p->row);
	return model->calls.process(model->arg, &process);
}

static int emit(struct model *model, struct process *p, uint64_t why_not)
{
	const struct model_row *row = process__row(p);
	uint64_t own_io[MODEL_IO_FIGURES];
	int err;

	set_figures(p, why_not);
	add_growth(p);
	set_wall(&p->row);
	set_cpu_span(p);
	asleep__settle(p);
	err = sample__last(model, p);
	if (!err)
		err = model->calls.row(model->arg, row);
	if (model->calls.process && !err)
		err = report_process(model, p);
	if (p->task) {
		set_own_io(p, own_io);
		task__row(p->task, row, process__counted_in(p) ? own_io : NULL);
	}
	return err;
}

int row__replaced(struct model *model, struct process *process, uint64_t ts, const struct model_command *next)
{
	struct model_row *row = &process->row, ending = *row;
	const bool *has = process->run->pub.has, held_reported = process->held_reported;
	int err;

	row->ended_ns = ts;
	row->next = next;
	row->outcome = MODEL_OK;
	row->exit_code = row->signal = EVENT_NULL(MODEL_REASON_REPLACED);
	row->sender_start = EVENT_NULL(MODEL_REASON_REPLACED);
	if (process->imaged[MODEL_MEM])
		row->peak_rss_bytes = process->image_peak_bytes;
	else if (has[MODEL_MEM])
		row->peak_rss_bytes = EVENT_NULL(MODEL_REASON_REPLACED);
	else
		row->peak_rss_bytes = explained(process, MODEL_MEM, EVENT_NULL(MODEL_REASON_ABSENT));
	row->sampled_rss_bytes = explained(process, MODEL_MEM, row->sampled_rss_bytes);
	err = emit(model, process, EVENT_NULL(MODEL_REASON_REPLACED));

	/* Values reported at the exit, if that came first, belong to the next image. */
	ending.sampled_rss_bytes = EVENT_NULL(MODEL_REASON_ABSENT);
	ending.hugetlb_bytes = 0;
	*row = ending;
	memset(process->sampled, 0, sizeof(process->sampled));
	memset(process->imaged, 0, sizeof(process->imaged));
	process->sampled_ns[MODEL_MEM] = 0;
	asleep__drop(process);
	process->held_reported = held_reported;
	rss__drop(process);
	return err;
}

/* No exit record: in complete streams, the process had not exited. The streams of a run that is running are not read at
 * the same instant: another one may be ahead. */
static void end_unseen(struct process *p)
{
	struct model_row *row = &p->row;
	bool ahead = p->wait_since && p->run->pub.life == STREAM_RUNNING;

	if (p->oom)
		row->outcome = MODEL_OOM;
	else if (p->run->pub.lossy[MODEL_LIFECYCLE] || !p->run->pub.has[MODEL_LIFECYCLE] || (p->wait_since && !ahead) ||
		 p->standing != LIVES)
		row->outcome = MODEL_UNKNOWN;
	else
		row->outcome = MODEL_RUNNING;
	row->ended_ns = row->outcome == MODEL_RUNNING ? EVENT_NULL(MODEL_REASON_RUNNING) : p->exited_ns;
	if (EVENT_IS_NULL(row->ended_ns))
		row->ended_ns = explained(p, MODEL_LIFECYCLE, EVENT_NULL(MODEL_REASON_ABSENT));
	row->exit_code = explained(p, MODEL_LIFECYCLE, row->exit_code);
	row->signal = explained(p, MODEL_LIFECYCLE, row->signal);
	row->sender_start = explained(p, MODEL_LIFECYCLE, row->sender_start);
}

/* Its parent's account includes its own if the parent waited for it. Nearly all do: assumed also if no final account
 * shows it. */
static void give_to_reaper(struct process *p)
{
	for (int i = 0; i < MODEL_IO_FIGURES; i++)
		if (!EVENT_IS_NULL(p->total[FIGURE_IO + i]))
			p->reaper->others_io[i] += p->total[FIGURE_IO + i];
}

/* The process that waits for this one's last row, unless it waits for others too. */
static struct process *let_go_reaper(struct process *p)
{
	struct process *reaper = p->reaper;
	bool next;

	if (!reaper)
		return NULL;
	give_to_reaper(p);
	p->reaper = NULL;
	next = !--reaper->owing && reaper->ready;
	process__unref(reaper); /* if it is ready, the table has a reference too */
	return next ? reaper : NULL;
}

static int settle(struct model *model, struct process *p)
{
	int err = 0;

	if (model_outcome__bad(p->row.outcome))
		err = failure__keep(model, p, &p->row);
	if (p->standing == LIVES) {
		p->standing = ENDED_OTHER;
		task__ended(model, p->task);
		if (!err && p->row.outcome != MODEL_RUNNING)
			err = failure__settle(model, p);
	}
	failure__drop(model, p); /* too late to be hidden */
	return err;
}

/* Counts the streams that should have reported its end, as collector-merge --strict does. */
static void note_endless(const struct process *p)
{
	struct model_run *run = &p->run->pub;
	bool reported = false;

	for (int i = 0; i < MODEL_SOURCES; i++)
		reported |= p->reported[i];
	for (int i = 0; reported && !p->given_up && i < MODEL_SOURCES; i++)
		run->endless[i] += run->has[i] && !run->lossy[i] && !p->reported[i];
}

static int last(struct model *model, struct process *p)
{
	struct model_row *row = &p->row;
	struct task *task = task__ref(p->task);
	int err, left;

	row->last = true;
	if (!p->reported[MODEL_LIFECYCLE])
		end_unseen(p);
	note_endless(p);
	if (p->imaged[MODEL_MEM]) /* an exec that failed when there was no way back */
		raise_to(&row->peak_rss_bytes, p->image_peak_bytes);
	row->peak_rss_bytes = explained(p, MODEL_MEM, row->peak_rss_bytes);
	row->sampled_rss_bytes = explained(p, MODEL_MEM, row->sampled_rss_bytes);
	err = emit(model, p, EVENT_NULL(MODEL_REASON_ABSENT));
	if (!err)
		err = settle(model, p);
	else
		failure__drop(model, p);
	p->ready = false;
	process__remove(model, p);
	left = task__leave(model, task);
	task__unref(task);
	return err ? err : left;
}

int row__last(struct model *model, struct process *process)
{
	struct process *next;
	int err = 0;

	for (; process && !err; process = next) {
		next = let_go_reaper(process);
		err = last(model, process);
	}
	return err;
}

int row__give_up(struct model *model, struct process *process)
{
	for (int i = 0; i < MODEL_SOURCES; i++)
		process->run->given_up += process->run->pub.has[i] && !process->reported[i];
	process->given_up = true;
	return row__last(model, process);
}

int row__close_outlived(struct model *model, const struct process *process)
{
	struct process *old;
	int err;

	while ((old = process__outlived(model, process))) {
		process__wait(model, old);
		err = row__last(model, old);
		if (err)
			return err;
	}
	return 0;
}

int row__end_seen(const struct feed *feed, struct process *process)
{
	process->reported[feed->source] = true;
	process__wait(feed->model, process);
	for (int i = 0; i < MODEL_SOURCES; i++)
		if (feed->run->pub.has[i] && !process->reported[i])
			return 0;
	process->ready = process->owing;
	return process->ready ? 0 : row__last(feed->model, process);
}
