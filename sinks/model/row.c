/* SPDX-License-Identifier: BSD-2-Clause */
/* Finishes rows: what is known of a process's image, and for what is not, why. */
#include "sinks/model/process.h"

/* The true reason of a value of which no record has told. */
static uint8_t reason(const struct run *run, enum model_source source, uint64_t value, bool running)
{
	unsigned why = EVENT_NULL_WHY(value);

	if (why != MODEL_WHY_ABSENT)
		return why;
	if (!run->pub.has[source])
		return MODEL_WHY_OFF;
	if (running)
		return MODEL_WHY_RUNNING;
	return run->pub.lossy[source] ? EVENT_WHY_LOST : MODEL_WHY_ABSENT;
}

static uint64_t explained(const struct process *p, enum model_source source, uint64_t value)
{
	bool running = p->row.outcome == MODEL_RUNNING;

	return EVENT_IS_NULL(value) ? EVENT_NULL(reason(p->run, source, value, running)) : value;
}

static void set_cpu(struct process *p, uint8_t why_not)
{
	uint64_t part[FIGURES];

	for (int i = 0; i < FIGURES; i++) {
		uint64_t total = p->total[i];

		if (!p->sampled)
			part[i] = EVENT_NULL(why_not);
		else if (EVENT_IS_NULL(total))
			part[i] = total;
		else {
			part[i] = total > p->given[i] ? total - p->given[i] : 0;
			p->given[i] = total;
		}
		part[i] = explained(p, MODEL_CPU, part[i]);
	}
	p->row.cpu_ns = part[FIGURE_CPU];
	p->row.user_ns = part[FIGURE_USER];
	p->row.system_ns = part[FIGURE_SYSTEM];
}

static void set_times(struct model_row *row)
{
	if (EVENT_IS_NULL(row->ended_ns))
		row->wall_ns = row->ended_ns;
	else
		row->wall_ns = row->ended_ns > row->began_ns ? row->ended_ns - row->began_ns : 0;
}

static int emit(struct model *model, struct process *p)
{
	struct model_row *row = &p->row;

	row->command = p->command;
	row->parent = p->parent;
	row->tried = p->tried;
	set_times(row);
	return model->calls.row(model->arg, row);
}

int row__replaced(struct model *model, struct process *process, uint64_t ts)
{
	struct model_row *row = &process->row, ending = *row;
	const bool *has = process->run->pub.has;
	int err;

	row->ended_ns = ts;
	row->outcome = MODEL_OK;
	row->exit_code = row->signal = EVENT_NULL(MODEL_WHY_REPLACED);
	row->peak_rss_bytes = EVENT_NULL(has[MODEL_MEM] ? MODEL_WHY_REPLACED : MODEL_WHY_OFF);
	row->sampled_rss_bytes = explained(process, MODEL_MEM, row->sampled_rss_bytes);
	set_cpu(process, has[MODEL_CPU] ? MODEL_WHY_REPLACED : MODEL_WHY_OFF);
	err = emit(model, process);

	/* What the process's end has told already, if it came first, is the next image's. */
	ending.sampled_rss_bytes = EVENT_NULL(MODEL_WHY_ABSENT);
	*row = ending;
	process->sampled = false;
	process__drop_rss(process);
	return err;
}

/* No record told of the end. Streams that are whole say by that that it had not come. */
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

int row__last(struct model *model, struct process *process)
{
	struct model_row *row = &process->row;
	int err;

	row->last = true;
	if (!process->told[MODEL_LIFECYCLE])
		end_unseen(process);
	row->peak_rss_bytes = explained(process, MODEL_MEM, row->peak_rss_bytes);
	row->sampled_rss_bytes = explained(process, MODEL_MEM, row->sampled_rss_bytes);
	set_cpu(process, MODEL_WHY_ABSENT);
	err = emit(model, process);
	if (!err && model_outcome__bad(row->outcome))
		err = failure__keep(model, process, row);
	if (process->standing == LIVES) {
		process->standing = ENDED_OTHER;
		if (!err && row->outcome != MODEL_RUNNING)
			err = failure__settle(model, process);
	}
	failure__drop(model, process); /* what nobody will answer for any more */
	process__remove(model, process);
	return err;
}
