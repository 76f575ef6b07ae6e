/* SPDX-License-Identifier: BSD-2-Clause */
/* The processes that have not ended, as their last samples show them. */
#include "sinks/model/process.h"

#include <errno.h>
#include <stdlib.h>

struct now {
	struct model_pace pace[MODEL_PACES];
	uint64_t threads; /* null: not known */
	char state;	  /* 0: not known */
};

static const struct paced {
	enum model_source source;
	int figure;
} paced_by[MODEL_PACES] = {
	[MODEL_PACE_CPU] = {MODEL_CPU, FIGURE_CPU},
	[MODEL_PACE_READ] = {MODEL_IO, FIGURE_IO + MODEL_IO_READ_BYTES},
	[MODEL_PACE_WRITE] = {MODEL_IO, FIGURE_IO + MODEL_IO_WRITE_BYTES},
};

static const struct now unknown = {
	.pace = {[0 ... MODEL_PACES - 1] = {.amount = EVENT_NULL(MODEL_REASON_ABSENT)}},
	.threads = EVENT_NULL(MODEL_REASON_ABSENT),
};

/* Makes room, if it is of use. 0 or -ENOMEM. */
static int reserve(const struct model *model, struct process *process)
{
	if (!model->calls.live || process->now || process->wait_since)
		return 0;
	process->now = malloc(sizeof(*process->now));
	if (!process->now)
		return -ENOMEM;
	*process->now = unknown;
	return 0;
}

/* A probe samples only what has used something: without a sample an interval ago it had used nothing since. */
static void set_pace(struct model_pace *pace, const struct process *p, uint64_t ts, uint64_t interval_ns)
{
	pace->from_ns = pace->until_ns ? pace->until_ns : p->row.start;
	if (interval_ns && ts - pace->from_ns > interval_ns + interval_ns / 2)
		pace->from_ns = ts - interval_ns;
	pace->until_ns = ts;
}

int pace__take(const struct feed *feed, struct process *p, enum model_paced paced, uint64_t before)
{
	const struct paced *by = &paced_by[paced];
	uint64_t total = p->total[by->figure];
	int err = reserve(feed->model, p);
	struct model_pace *pace;
	bool first;

	if (err || !p->now)
		return err;
	pace = &p->now->pace[paced];
	first = !pace->until_ns && p->row.preexisting;
	p->run->pub.sampled_ns[by->source] = feed->record->ts;
	set_pace(pace, p, feed->record->ts, p->run->pub.interval_ns[by->source]);
	pace->amount = total;
	if (first) /* it includes what was used before recording began */
		pace->amount = EVENT_NULL(EVENT_REASON_UNSEEN);
	else if (!EVENT_IS_NULL(total) && !EVENT_IS_NULL(before))
		pace->amount = total - before;
	return 0;
}

int now__set_state(const struct feed *feed, struct process *p, const struct value *state, const struct value *threads)
{
	int err = reserve(feed->model, p);

	if (err || !p->now)
		return err;
	p->now->state = state->type == VALUE_STRING && state->length ? *state->string : 0;
	p->now->threads = value__number(threads);
	return 0;
}

static uint64_t unreported(const struct process *p)
{
	uint64_t total = p->total[FIGURE_CPU], given = p->given[FIGURE_CPU];

	return EVENT_IS_NULL(total) || total < given ? 0 : total - given;
}

static struct model_live live_of(struct process *p)
{
	const struct now *now = p->now ? p->now : &unknown;
	const struct run *run = p->run;
	uint64_t rss = EVENT_IS_NULL(p->row.sampled_rss_bytes) ? p->row.sampled_rss_bytes : p->held.rss;
	struct model_live live = {
		.row = process__row(p),
		.ended = p->wait_since || p->standing != LIVES,
		.state = now->state,
		.threads = reason__explained(run, MODEL_CPU, now->threads, false),
		.rss_bytes = reason__explained(run, MODEL_MEM, rss, false),
		.cpu_ns = reason__explained(run, MODEL_CPU, p->total[FIGURE_CPU], false),
		.cpu_unreported_ns = unreported(p),
	};

	for (int i = 0; i < MODEL_IO_FIGURES; i++)
		live.io[i] = reason__explained(run, MODEL_IO, p->total[FIGURE_IO + i], false);
	for (int i = 0; i < MODEL_PACES; i++) {
		live.pace[i] = now->pace[i];
		live.pace[i].amount = reason__explained(run, paced_by[i].source, now->pace[i].amount, false);
	}
	return live;
}

int model__each_live(struct model *model, int (*call)(void *arg, const struct model_live *live), void *arg)
{
	const struct hash *all = &model->processes;
	int rc = task__executed(model);

	for (struct hash_node *node = hash__any(all, NULL); node && !rc; node = hash__any(all, node)) {
		struct model_live live = live_of(process__of(node));

		rc = call(arg, &live);
	}
	return rc;
}

size_t model__live(const struct model *model)
{
	return model->processes.count;
}

static uint64_t now_of(const struct rss *rss, const struct run *run)
{
	return rss->tick ? rss->bytes : reason__explained(run, MODEL_MEM, EVENT_NULL(MODEL_REASON_ABSENT), false);
}

uint64_t model_run__rss(const struct model_run *run)
{
	const struct run *own = (const struct run *)run;

	return now_of(&own->rss, own);
}

uint64_t model_task__rss(const struct model_task *task)
{
	const struct task *own = (const struct task *)task;

	return now_of(&own->rss, own->run);
}
