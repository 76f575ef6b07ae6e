/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory held at once by all processes of a run or task: an upper and a lower bound. */
#include "sinks/model/process.h"

#include <stdlib.h>

#define MOVED_SHARE 20 /* a round of Pss in which more than this part moved says nothing */

/* Two classes for each power of two from 2^12 on. */
static unsigned class_of(uint64_t bytes)
{
	unsigned bits = 63 - __builtin_clzll(bytes | 1), size_class;

	if (bits < 12)
		return 0;
	size_class = 2 * (bits - 12) + (bytes >> (bits - 1) & 1);
	return size_class < RSS_CLASSES ? size_class : RSS_CLASSES - 1;
}

static void add(struct rss *rss, const struct held *held)
{
	unsigned size_class = class_of(held->shared);

	if (!held->bytes)
		return;
	rss->bytes += held->bytes;
	rss->own += held->own;
	if (!rss->shared[size_class].count++ || held->shared < rss->shared[size_class].least)
		rss->shared[size_class].least = held->shared;
}

static void subtract(struct rss *rss, const struct held *held)
{
	if (!held->bytes)
		return;
	rss->bytes -= held->bytes;
	rss->own -= held->own;
	rss->shared[class_of(held->shared)].count--;
}

static void note_peak(struct rss *rss)
{
	unsigned size_class = RSS_CLASSES - 1;

	while (size_class && !rss->shared[size_class].count)
		size_class--;
	figure__set_greater(rss->peak, rss->bytes);
	figure__set_greater(rss->lower, rss->own + (rss->shared[size_class].count ? rss->shared[size_class].least : 0));
}

/* ---- an upper bound, from one round of Pss to the next ---- */

static void set_most(uint64_t *most, uint64_t value)
{
	if (value > *most)
		*most = value;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void grow_bound(struct rss_bound *bound, uint64_t bytes)
{
	bound->now += bytes;
	set_most(&bound->high, bound->now);
}

/* The figures of a round are right but for what moved meanwhile. */
static void settle(struct rss *rss)
{
	struct rss_round *round = &rss->round;

	if (round->open && round->moved <= round->pss / MOVED_SHARE) {
		figure__set_greater(rss->pss, round->pss);
		set_most(&rss->upper, round->upper + round->moved);
		rss->bound = round->bound;
		grow_bound(&rss->bound, round->moved);
	} else if (round->open && EVENT_IS_NULL(*rss->pss)) {
		*rss->pss = EVENT_NULL(EVENT_REASON_BOUND);
	}
	round->open = false;
}

/* What a process has freed others may still hold, unless no other can have had it. */
static void shrink_bound(struct rss_bound *bound, uint64_t freed, uint64_t own)
{
	bound->freed += freed;
	bound->now -= least(own, bound->now);
}

static void move_bound(struct rss *rss, const struct process *p, const struct held *more)
{
	const struct held *less = &p->held;
	uint64_t own = p->forks || less->own <= more->own ? 0 : less->own - more->own;

	if (more->bytes >= less->bytes) {
		grow_bound(&rss->bound, more->bytes - less->bytes);
		grow_bound(&rss->round.bound, more->bytes - less->bytes);
	} else {
		shrink_bound(&rss->bound, less->bytes - more->bytes, own);
		shrink_bound(&rss->round.bound, less->bytes - more->bytes, own);
	}
}

/* ---- samples ---- */

static void begin_tick(struct rss *rss, uint64_t ts, uint64_t interval_ns)
{
	note_peak(rss);
	rss->tick = ts;
	rss->dropped = 0;
	if (rss->round.sampled ||
	    ts - rss->round.ts > interval_ns * 3 / 2) /* samples without a change are not recorded */
		settle(rss);
	rss->round.sampled = true;
}

/* A round of samples takes a while: the sum is compared with the peak only between two rounds. */
static void change(struct rss *rss, uint64_t ts, const struct process *p, const struct held *more)
{
	uint64_t before = p->held.bytes, interval_ns = p->run->pub.interval_ns[MODEL_MEM];

	if (ts - rss->tick > interval_ns / 2)
		begin_tick(rss, ts, interval_ns);
	subtract(rss, &p->held);
	add(rss, more);
	move_bound(rss, p, more);
	rss->round.moved += before > more->bytes ? before - more->bytes : more->bytes - before;
	if (before != more->bytes)
		rss->moved_ts = ts;
}

static void drop(struct rss *rss, const struct process *p)
{
	note_peak(rss);
	subtract(rss, &p->held);
	move_bound(rss, p, &(struct held){0});
	rss->dropped += p->held.bytes;
}

static void release(struct rss *rss, uint64_t bytes)
{
	rss->bytes -= bytes;
	shrink_bound(&rss->bound, bytes, 0);
	shrink_bound(&rss->round.bound, bytes, 0);
}

static void leave_family(struct process *p)
{
	struct family *family = p->member;

	p->member = NULL;
	if (!family || --family->count)
		return;
	release(&p->run->rss, family->inherited);
	if (task__counts(family->task, family->in_job))
		release(&family->task->rss, family->inherited);
	if (family->forker)
		family->forker->forks = NULL;
	free(family);
}

static void grow(struct rss *rss, uint64_t bytes)
{
	rss->bytes += bytes;
	grow_bound(&rss->bound, bytes);
	grow_bound(&rss->round.bound, bytes);
}

/* False: it is of another task than the others, or there is no memory. */
static bool join_family(struct process *p, uint64_t inherited, struct process *forker)
{
	struct family *family = forker->forks ? forker->forks : calloc(1, sizeof(*family));
	uint64_t more;

	if (!family || (family->count && (family->task != p->task || family->in_job != p->in_job)))
		return false;
	family->forker = forker;
	family->task = p->task;
	family->in_job = p->in_job;
	family->count++;
	forker->forks = p->member = family;
	more = inherited > family->inherited ? inherited - family->inherited : 0;
	family->inherited += more;
	grow(&p->run->rss, more);
	if (process__counted_in(p))
		grow(&p->task->rss, more);
	return true;
}

void rss__set(struct process *p, uint64_t ts, struct held held, struct process *forker)
{
	if (!held.inherited)
		leave_family(p);
	if (held.inherited && !p->member && (!forker || !join_family(p, held.inherited, forker)))
		held.bytes += held.inherited;
	change(&p->run->rss, ts, p, &held);
	if (process__counted_in(p))
		change(&p->task->rss, ts, p, &held);
	p->held = held;
}

void rss__drop(struct process *process)
{
	if (process->held.bytes)
		drop(&process->run->rss, process);
	if (process->held.bytes && process__counted_in(process))
		drop(&process->task->rss, process);
	leave_family(process);
	process->held = (struct held){0};
	process->pss.bytes = EVENT_NULL(MODEL_REASON_ABSENT);
}

/* ---- Pss ---- */

static void add_pss(struct rss *rss, const struct process *p, uint64_t began, uint64_t ts)
{
	struct pss_sum *sum = &rss->sum;

	(void)began;
	(void)ts;
	sum->count++;
	if (EVENT_IS_NULL(p->pss.bytes)) {
		sum->unread = p->pss.bytes;
		return;
	}
	sum->of.bytes += p->pss.bytes;
	sum->of.anon += p->pss.anon;
	sum->of.file += p->pss.file;
	sum->of.shmem += p->pss.shmem;
	set_most(&sum->file_most, p->held.file);
	set_most(&sum->shmem_most, p->held.shared - p->held.file);
}

static uint64_t greater(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* So much was held at the end of the round. At any time since the last one it was not more than the bound then, and not more
 * than this with all that was freed since then. */
static void begin_round(struct rss *rss, uint64_t bytes, uint64_t ts)
{
	settle(rss);
	rss->round = (struct rss_round){
		.open = true,
		.ts = ts,
		.pss = rss->sum.of.bytes,
		.moved = rss->dropped,
		.upper = least(rss->bound.high, bytes + rss->bound.freed),
		.bound = {.now = bytes, .high = bytes},
	};
}

/* Anonymous memory is shared by forks only, all of which are here; others may map the same files and shared memory, of
 * which the largest process shows more then. */
static void end_pss(struct rss *rss, const struct process *p, uint64_t began, uint64_t ts)
{
	const struct pss_sum *sum = &rss->sum;

	(void)p;
	if (sum->count && !sum->unread && rss->moved_ts < began)
		begin_round(rss,
			    sum->of.anon + greater(sum->of.file, sum->file_most) +
				    greater(sum->of.shmem, sum->shmem_most),
			    ts);
	else if (sum->count && EVENT_IS_NULL(*rss->pss))
		*rss->pss = sum->unread ? sum->unread : EVENT_NULL(EVENT_REASON_BOUND);
	rss->sum = (struct pss_sum){0};
}

typedef void (*pss_call)(struct rss *rss, const struct process *process, uint64_t began, uint64_t ts);

static void each_process(struct model *model, struct run *run, pss_call call, uint64_t began, uint64_t ts)
{
	const struct hash *all = &model->processes;

	for (struct hash_node *node = hash__any(all, NULL); node; node = hash__any(all, node)) {
		struct process *p = process__of(node);

		if (p->run != run || !p->held.bytes)
			continue;
		call(&p->run->rss, p, began, ts);
		if (process__counted_in(p))
			call(&p->task->rss, p, began, ts);
	}
}

void rss__total(struct model *model, struct run *run, uint64_t began, uint64_t ts)
{
	each_process(model, run, add_pss, began, ts);
	each_process(model, run, end_pss, began, ts);
}

void rss__restart(struct rss *rss)
{
	*rss = (struct rss){.peak = rss->peak, .lower = rss->lower, .pss = rss->pss};
	*rss->peak = *rss->lower = *rss->pss = EVENT_NULL(MODEL_REASON_ABSENT);
}

void rss__close(struct rss *rss)
{
	if (EVENT_IS_NULL(*rss->peak))
		return;
	settle(rss);
	if (EVENT_IS_NULL(*rss->pss))
		return;
	set_most(&rss->upper, rss->bound.high);
	figure__set_greater(rss->lower, *rss->pss);
	if (rss->upper < *rss->peak)
		*rss->peak = greater(rss->upper, *rss->lower);
}
