/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs that start themselves without an end, by the chain of their ancestors or in the same process, and stacks that ran
 * into their limit. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "core/format.h"
#include "sinks/detector/detector.h"

#define PERIODS 4	      /* sh -c make, make sh -c: a level may be so many programs */
#define GROWS_LEVELS 12	      /* what still grows after `after` has at least so many */
#define TURN_NS 1000000000ULL /* what executes itself without an end does so more often */

/* Of each process: how many times its program stands above it, with so many programs between. */
struct level {
	uint32_t levels[PERIODS];
	/* Of the first of a chain. */
	uint32_t deepest, deepest_pid, count;
	uint64_t since_ns, until_ns;
	bool failed;			   /* one of the chain below it has */
	uint64_t stack_bytes, stack_limit; /* at its exit; 0: not known; a limit of UINT64_MAX: none */
	bool stack_fault;		   /* a thread's was full */
	/* The last programs of the process itself, and for how many of them in a row the one `period` before was the same. */
	uint64_t exes[PERIODS];
	uint32_t images, period, same;
	uint64_t turns_since_ns, turn_ns; /* the first and the last of them */
};

static struct level *level_of(struct track *track)
{
	return track && !track->gone ? track__has_room(track, &detector_recursion) : NULL;
}

/* The first of the chain, as far as it still exists. */
static struct track *first_of(struct track *track, uint32_t steps)
{
	while (steps-- && track->parent && !track->parent->gone)
		track = track->parent;
	return track;
}

static int note(struct track *track, uint32_t levels, uint32_t period)
{
	struct track *first = first_of(track, levels * period);
	struct level *of = track__room(first, &detector_recursion);

	if (!of)
		return -ENOMEM;
	if (levels <= of->deepest)
		return 0;
	of->deepest = levels;
	of->deepest_pid = track->pid;
	of->until_ns = track->image_ns ? track->image_ns : track->first_ts;
	if (!of->since_ns)
		of->since_ns = first->first_ts;
	return 0;
}

static int descended(struct verdicts *verdicts, struct track *track)
{
	struct track *above = track->parent;
	struct level *own, *its;

	(void)verdicts;
	if (!track->exe || !above)
		return 0;
	own = track__room(track, &detector_recursion);
	if (!own)
		return -ENOMEM;
	for (uint32_t period = 1; period <= PERIODS && above && !above->gone; period++, above = above->parent) {
		its = level_of(above);
		own->levels[period - 1] = above->exe != track->exe ? 0 : its ? its->levels[period - 1] + 1 : 1;
		if (!own->levels[period - 1])
			continue;
		/* a chain of one period is one of its multiples too */
		memset(own->levels + period, 0, (PERIODS - period) * sizeof(*own->levels));
		return own->levels[period - 1] + 1 < GROWS_LEVELS ? 0 : note(track, own->levels[period - 1], period);
	}
	return 0;
}

static uint64_t exe_before(const struct level *level, uint32_t count)
{
	return count <= level->images ? level->exes[(level->images - count) % PERIODS] : 0;
}

static void replaced(struct level *level, const struct track *track)
{
	bool same = level->period && exe_before(level, level->period) == track->exe;

	if (!same) {
		level->same = level->period = 0;
		level->turns_since_ns = track->image_ns;
		for (uint32_t period = 1; period <= PERIODS && !level->period; period++)
			if (exe_before(level, period) == track->exe)
				level->period = period;
	}
	level->same += level->period != 0;
	level->turn_ns = track->image_ns;
	level->exes[level->images++ % PERIODS] = track->exe;
}

static int executed(struct verdicts *verdicts, struct track *track)
{
	struct level *own = track->exe ? track__room(track, &detector_recursion) : NULL;

	if (!own)
		return track->exe ? -ENOMEM : 0;
	replaced(own, track);
	return descended(verdicts, track);
}

/* ---- the stack ---- */

enum { STACK, STACK_LIMIT };

static int take_stack(const struct seen *seen)
{
	uint64_t bytes = value__number(seen->field[STACK]), limit = value__number(seen->field[STACK_LIMIT]);
	struct level *level = seen->track ? track__room(seen->track, &detector_recursion) : NULL;

	if (!level)
		return seen->track ? -ENOMEM : 0;
	level->stack_bytes = EVENT_IS_NULL(bytes) ? 0 : bytes;
	level->stack_limit = limit;
	if (EVENT_IS_NULL(limit))
		level->stack_limit = EVENT_NULL_REASON(limit) == EVENT_REASON_NONE ? UINT64_MAX : 0;
	return 0;
}

static int take_exit(const struct seen *seen)
{
	struct level *level;

	if (!seen->track || !value__is_true(seen->field[0]))
		return 0;
	level = track__room(seen->track, &detector_recursion);
	if (!level)
		return -ENOMEM;
	level->stack_fault = true;
	return 0;
}

#define STACK_DEFAULT (8ULL << 20) /* bytes: what kernel and distributions give */
#define STACK_FRAMES 8		   /* a call's frame may be an eighth of the limit: it is the one that no longer fits */

static bool at_limit(uint64_t bytes, uint64_t limit)
{
	if (limit)
		return bytes >= limit - limit / STACK_FRAMES;
	/* Limits are set in whole MiB, and a stack that ran into one is as large; others hardly ever are. */
	return bytes && (bytes >= STACK_DEFAULT - STACK_DEFAULT / STACK_FRAMES || !(bytes % (1 << 20)));
}

static void put_stack(struct draft *draft, const struct level *level, bool main_thread)
{
	char size[FORMAT_SIZE], most[FORMAT_SIZE];

	text__printf(&draft->evidence, " was ended by SIGSEGV with ");
	if (!main_thread) {
		text__printf(&draft->evidence, "the stack of a thread full: it accessed what lies next to it");
		text__printf(&draft->missing, "the size of that stack");
		return;
	}
	text__printf(&draft->evidence, "a stack of %s", format__bytes(size, level->stack_bytes));
	if (level->stack_limit)
		text__printf(&draft->evidence, ", its limit being %s", format__bytes(most, level->stack_limit));
	else
		text__printf(&draft->missing, "the limit of the stack: its size is taken for one");
}

static int judge_stack(struct verdicts *verdicts, const struct level *level, const struct model_row *row)
{
	bool main_thread = at_limit(level->stack_bytes, level->stack_limit);
	struct draft draft;

	if (EVENT_IS_NULL(row->signal) || row->signal != SIGSEGV || !(main_thread || level->stack_fault))
		return 0;
	draft = draft__new(VERDICT_RECURSION, main_thread && level->stack_limit ? VERDICT_PROVEN : VERDICT_LIKELY, row);
	draft.since_ns = draft.ended_ns = row->ended_ns;
	text__process(&draft.evidence, row);
	put_stack(&draft, level, main_thread);
	text__printf(&draft.refute, "large arrays on the stack, without a recursion");
	text__printf(&draft.next, "look at the core's backtrace; ulimit -s raises the limit%s",
		     main_thread ? "" : ", also of threads whose program does not set it");
	return draft__add(verdicts, &draft);
}

/* ---- the chain ---- */

/* Not so what a signal has ended, also if that was meant. */
static bool returns(const struct model_row *row)
{
	return row->outcome == MODEL_OK && !model_row__status(row);
}

static int judge_chain(struct verdicts *verdicts, const struct level *level, const struct model_row *row)
{
	const struct verdict_limit *limit = verdict_run__limit(verdicts, row->run, VERDICT_RECURSION);
	bool deep = level->deepest >= limit->count, returned = returns(row) && !level->failed;
	bool outside = ended__outside(verdicts, row);
	char lasted[FORMAT_SIZE];
	struct draft draft;

	if (!deep && (level->until_ns < level->since_ns + limit->after || (!outside && row->outcome != MODEL_RUNNING)))
		return 0;
	draft = draft__new(VERDICT_RECURSION,
			   deep && !returned ? VERDICT_PROVEN
			   : outside	     ? VERDICT_LIKELY
					     : VERDICT_SUSPECTED,
			   row);
	draft.since_ns = level->since_ns;
	text__process(&draft.evidence, row);
	text__printf(&draft.evidence, " has started itself %u levels deep, in %s; the deepest is pid %u",
		     level->deepest, format__duration(lasted, level->until_ns - level->since_ns), level->deepest_pid);
	text__member(&draft.members, row->pid, 0);
	text__member(&draft.members, level->deepest_pid, 0);
	text__printf(&draft.refute, "a recursion that has an end further down");
	text__printf(&draft.next, "look for the condition that ends it: each level runs the same program");
	return draft__add(verdicts, &draft);
}

/* ---- in the same process: it takes nothing but time, and may mean to end ---- */

static int judge_turns(struct verdicts *verdicts, const struct level *level, const struct model_row *row)
{
	const struct verdict_limit *limit = verdict_run__limit(verdicts, row->run, VERDICT_RECURSION);
	uint32_t turns = level->period ? level->same / level->period : 0;
	uint64_t took = level->turn_ns - level->turns_since_ns;
	bool outside = ended__outside(verdicts, row);
	char lasted[FORMAT_SIZE];
	struct draft draft;

	if (turns < limit->count || took < limit->after || took / turns > TURN_NS ||
	    (!outside && row->outcome != MODEL_RUNNING))
		return 0;
	draft = draft__new(VERDICT_RECURSION, outside ? VERDICT_LIKELY : VERDICT_SUSPECTED, row);
	draft.since_ns = level->turns_since_ns;
	text__process(&draft.evidence, row);
	text__printf(&draft.evidence, " has executed itself %u times, in %s%s", turns, format__duration(lasted, took),
		     outside ? ", until it was ended from outside" : "");
	text__member(&draft.members, row->pid, 0);
	text__printf(&draft.refute, "it ends by itself");
	text__printf(&draft.next, "look for the condition that ends it: each turn executes the same program");
	return draft__add(verdicts, &draft);
}

/* A chain of which none fails has had an end: how deep it is only is a fact. */
static void note_failure(struct track *track, const struct level *own, const struct model_row *row)
{
	struct level *of;

	for (uint32_t period = 1; period <= PERIODS; period++) {
		of = own->levels[period - 1] ? level_of(first_of(track, own->levels[period - 1] * period)) : NULL;
		if (of && !returns(row))
			of->failed = true;
	}
}

static int judge(struct verdicts *verdicts, struct track *track, const struct model_row *row)
{
	struct level *level = level_of(track);
	int err;

	if (!level)
		return 0;
	note_failure(track, level, row);
	err = judge_stack(verdicts, level, row);
	if (!err && level->deepest)
		err = judge_chain(verdicts, level, row);
	return err ? err : judge_turns(verdicts, level, row);
}

static const struct detector_role roles[] = {
	{"mem", "exit", take_stack, {"stack_bytes", "stack_limit_bytes"}},
	{"lifecycle", "exit", take_exit, {"stack_fault"}},
	{.stream = NULL},
};

const struct detector detector_recursion = {
	.index = DETECT_RECURSION,
	.about =
		{
			.kinds = "recursion",
			.needs = "lifecycle.fork, lifecycle.exec",
			.proof = "mem.exit.stack_limit_bytes",
			.certainty =
				"proven if deeper than `count` levels and one failed, or with the stack at its limit; else likely",
			.text = "a program that starts itself again and again, or calls itself until its stack is at the limit",
		},
	.room = sizeof(struct level),
	.roles = roles,
	.executed = executed,
	.forked = descended,
	.row = judge,
};
