/* SPDX-License-Identifier: BSD-2-Clause */
/* Finishes rows: what is known of a process's image, and for what is not, why. */
#include "sinks/model/process.h"

#include <string.h>

static uint64_t explained(const struct process *p, enum model_source source, uint64_t value)
{
	return reason__explained(p->run, source, value, p->row.outcome == MODEL_RUNNING);
}

/* The image's share of one figure: what the process has used up and no row has got. */
static uint64_t share(struct process *p, enum model_source source, int figure, uint64_t why_not)
{
	uint64_t total = p->total[figure], part;

	if (!p->sampled[source])
		return p->run->pub.has[source] ? explained(p, source, why_not) : EVENT_NULL(MODEL_REASON_OFF);
	if (EVENT_IS_NULL(total))
		return explained(p, source, total);
	part = total > p->given[figure] ? total - p->given[figure] : 0;
	p->given[figure] = total;
	return part;
}

static void set_figures(struct process *p, uint64_t why_not)
{
	struct model_row *row = &p->row;

	row->cpu_ns = share(p, MODEL_CPU, FIGURE_CPU, why_not);
	row->user_ns = share(p, MODEL_CPU, FIGURE_USER, why_not);
	row->system_ns = share(p, MODEL_CPU, FIGURE_SYSTEM, why_not);
	for (int i = 0; i < MODEL_IO_FIGURES; i++)
		row->io[i] = share(p, MODEL_IO, FIGURE_IO + i, why_not);
}

/* Whether the final account has taken in what its children's accounts say: not so where it did not wait
 * for them, because it ignores SIGCHLD. */
static bool holds_others(const struct process *p)
{
	for (int i = 0; i < MODEL_IO_FIGURES; i++)
		if (!EVENT_IS_NULL(p->total[FIGURE_IO + i]) && p->total[FIGURE_IO + i] < p->others_io[i])
			return false;
	return true;
}

/* Of the row's I/O, what the process did itself. A sample may be older than what it took in since. */
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

static void set_wall(struct model_row *row)
{
	uint64_t until = row->outcome == MODEL_RUNNING ? row->run->last_ts : row->ended_ns;

	if (EVENT_IS_NULL(until))
		row->wall_ns = until;
	else
		row->wall_ns = until > row->began_ns ? until - row->began_ns : 0;
}

static int emit(struct model *model, struct process *p, uint64_t why_not)
{
	const struct model_row *row = process__row(p);
	uint64_t own_io[MODEL_IO_FIGURES];
	int err;

	set_figures(p, why_not);
	set_wall(&p->row);
	err = sample__last(model, p);
	if (!err)
		err = model->calls.row(model->arg, row);
	if (p->task) {
		set_own_io(p, own_io);
		task__row(p->task, row, own_io);
	}
	return err;
}

int row__replaced(struct model *model, struct process *process, uint64_t ts)
{
	struct model_row *row = &process->row, ending = *row;
	const bool *has = process->run->pub.has;
	int err;

	row->ended_ns = ts;
	row->outcome = MODEL_OK;
	row->exit_code = row->signal = EVENT_NULL(MODEL_REASON_REPLACED);
	row->peak_rss_bytes = EVENT_NULL(has[MODEL_MEM] ? MODEL_REASON_REPLACED : MODEL_REASON_OFF);
	row->sampled_rss_bytes = explained(process, MODEL_MEM, row->sampled_rss_bytes);
	err = emit(model, process, EVENT_NULL(MODEL_REASON_REPLACED));

	/* What the exit has reported, if it came first, is the next image's. */
	ending.sampled_rss_bytes = EVENT_NULL(MODEL_REASON_ABSENT);
	*row = ending;
	memset(process->sampled, 0, sizeof(process->sampled));
	memset(process->looked_ns, 0, sizeof(process->looked_ns));
	rss__drop(process);
	return err;
}

/* No exit record: in streams that are whole, the process had not exited. */
static void end_unseen(struct process *p)
{
	struct model_row *row = &p->row;

	if (row->oom_killed)
		row->outcome = MODEL_OOM;
	else if (p->run->pub.lossy[MODEL_LIFECYCLE] || !p->run->pub.has[MODEL_LIFECYCLE] || p->wait_since ||
		 p->standing != LIVES)
		row->outcome = MODEL_UNKNOWN;
	else
		row->outcome = MODEL_RUNNING;
	row->ended_ns = explained(p, MODEL_LIFECYCLE, row->ended_ns);
	row->exit_code = explained(p, MODEL_LIFECYCLE, row->exit_code);
	row->signal = explained(p, MODEL_LIFECYCLE, row->signal);
}

/* Its parent's account has taken its own in, if that has waited for it: so nearly all do, also where no record has
 * seen it (the account is not final). */
static void give_to_reaper(struct process *p)
{
	for (int i = 0; i < MODEL_IO_FIGURES; i++)
		if (!EVENT_IS_NULL(p->total[FIGURE_IO + i]))
			p->reaper->others_io[i] += p->total[FIGURE_IO + i];
}

/* The process that has waited for this one's last row, if it is the last that it waited for. */
static struct process *let_go_reaper(struct process *p)
{
	struct process *reaper = p->reaper;
	bool next;

	if (!reaper)
		return NULL;
	give_to_reaper(p);
	p->reaper = NULL;
	next = !--reaper->owing && reaper->ready;
	process__unref(reaper); /* if it is ready, the table has it too */
	return next ? reaper : NULL;
}

static int settle(struct model *model, struct process *p)
{
	int err = 0;

	if (model_outcome__bad(p->row.outcome))
		err = failure__keep(model, p, &p->row);
	if (p->standing == LIVES) {
		p->standing = ENDED_OTHER;
		if (!err && p->row.outcome != MODEL_RUNNING)
			err = failure__settle(model, p);
	}
	failure__drop(model, p); /* no ancestor will report it any more */
	return err;
}

static int last(struct model *model, struct process *p)
{
	struct model_row *row = &p->row;
	struct task *task = task__ref(p->task);
	int err, left;

	row->last = true;
	if (!p->told[MODEL_LIFECYCLE])
		end_unseen(p);
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

int row__close_outlived(struct model *model, const struct process *process)
{
	struct process *old;
	int err;

	while ((old = process__outlived(model, process))) {
		process__wait(old);
		err = row__last(model, old);
		if (err)
			return err;
	}
	return 0;
}

int row__end_seen(const struct feed *feed, struct process *process)
{
	process->told[feed->source] = true;
	process__wait(process);
	for (int i = 0; i < MODEL_SOURCES; i++)
		if (feed->run->pub.has[i] && !process->told[i])
			return 0;
	process->ready = process->owing;
	return process->ready ? 0 : row__last(feed->model, process);
}
