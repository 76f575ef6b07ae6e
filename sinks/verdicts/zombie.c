/* SPDX-License-Identifier: BSD-2-Clause */
/* Children that have ended and for which their parent does not wait: it has no other, or starts more without a wait. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "core/format.h"
#include "sinks/detector/detector.h"

#define TOLD_MAX 8	   /* pids in the sentence */
#define BATCH_NS 100000000 /* children that are waited for in so short a time are one batch */
#define ODD_RELEASES \
	10 /* of so many children that were waited for, the kernel's closing of one account may not be seen */

struct zombie {
	uint32_t pid;
	uint64_t start, exited_ns;
	uint64_t forks, reaped, rounds, cpu_ns; /* of its parent then */
	bool seen;				/* the kernel's list of processes had it long after */
};

/* Of a parent. */
struct brood {
	struct zombie *list; /* ended, not yet waited for */
	uint32_t count;
	uint64_t forks, reaped;
	uint64_t rounds, round_ns; /* children one after the other: started, ended and waited for; the last one's end */
	uint64_t batch_ns, reaped_before; /* the last batch began then; what had been reaped by then */
	uint64_t alone_ns;		  /* since when no child of it lives; 0: one does */
	uint64_t ready_ns; /* since when each sample has met it on a CPU, or waiting for one; 0: the last did not */
	/* Those that it let be. */
	uint64_t told, told_seen, longest_ns, since_ns, until_ns;
	bool alone, more; /* it had no other child that lived; it started more without a wait. Neither: passed over */
	struct text pids;
};

static struct brood *brood_of(struct track *parent)
{
	return parent ? track__has_room(parent, &detector_zombie) : NULL;
}

#define STARVED_PERCENT 5 /* of the time since the child's end */

/* Most of the time it has wanted to run and got no CPU, on a busy machine or by a quota: how could it wait for its child? */
static bool is_starved(const struct track *parent, const struct brood *brood, const struct zombie *zombie, uint64_t now)
{
	uint64_t cpu_ns = parent->figure[TRACK_CPU], before = EVENT_IS_NULL(zombie->cpu_ns) ? 0 : zombie->cpu_ns;
	uint64_t age = now - zombie->exited_ns;

	return brood->ready_ns && now - brood->ready_ns >= age / 2 && !EVENT_IS_NULL(cpu_ns) &&
	       cpu_ns - before < age / 100 * STARVED_PERCENT;
}

/* A busy kernel may close the account long after the parent has waited: where the stall probe lists zombies, those count. */
static bool is_there(const struct verdicts *verdicts, const struct track *parent, const struct zombie *zombie)
{
	return zombie->seen || !verdicts__has_event(verdicts, parent->run, "stall", "zombie");
}

#define PASSED_ROUNDS 5
#define PASSED_LEAST 3 /* zombies */

/* It was seen as a zombie, and its parent has started others since, one after the other, and waited for these. */
static bool is_passed_over(const struct brood *brood, const struct zombie *zombie)
{
	return zombie->seen && brood->rounds - zombie->rounds > PASSED_ROUNDS;
}

/* While another child lives, its parent may mean to wait for all of them once that has ended, whatever it does meanwhile; but
 * not one that goes on and starts others without a wait for any. */
static bool lets_be(const struct verdicts *verdicts, const struct track *parent, const struct zombie *zombie,
		    uint64_t now, uint64_t after)
{
	struct brood *brood = track__has_room(parent, &detector_zombie);
	bool alone, more;
	uint64_t all = now > brood->batch_ns + BATCH_NS ? brood->reaped : brood->reaped_before;
	uint64_t reaped = all > zombie->reaped ? all - zombie->reaped : 0;
	uint64_t alone_ns = brood->alone_ns > zombie->exited_ns ? brood->alone_ns : zombie->exited_ns;

	if (now < zombie->exited_ns + after || is_starved(parent, brood, zombie, now))
		return false;
	alone = brood->alone_ns && now >= alone_ns + after;
	more = brood->forks - zombie->forks >= 2 * reaped + 2;
	if ((!alone && !more && !is_passed_over(brood, zombie)) || !is_there(verdicts, parent, zombie))
		return false;
	brood->alone |= alone;
	brood->more |= more;
	return true;
}

static void tell(struct brood *brood, const struct zombie *zombie, uint64_t now)
{
	if (!brood->told || zombie->exited_ns < brood->since_ns)
		brood->since_ns = zombie->exited_ns;
	if (now - zombie->exited_ns > brood->longest_ns)
		brood->longest_ns = now - zombie->exited_ns;
	if (now > brood->until_ns)
		brood->until_ns = now;
	brood->told_seen += zombie->seen;
	if (brood->told++ < TOLD_MAX)
		text__member(&brood->pids, zombie->pid, 0);
}

/* Those that it has let be by now, if there is one such: the others of the same age too. */
static void look(const struct verdicts *verdicts, struct track *parent, uint64_t now)
{
	uint64_t after = verdict_run__limit(verdicts, parent->run, VERDICT_ZOMBIE)->after;
	struct brood *brood = brood_of(parent);
	bool any = false;

	for (uint32_t i = 0; i < brood->count && !any; i++)
		any = lets_be(verdicts, parent, &brood->list[i], now, after);
	for (uint32_t i = 0; i < brood->count && any; i++)
		if (now >= brood->list[i].exited_ns + after && is_there(verdicts, parent, &brood->list[i]))
			tell(brood, &brood->list[i], now);
}

static int forked(struct verdicts *verdicts, struct track *child)
{
	struct brood *brood;

	(void)verdicts;
	if (!child->parent)
		return 0;
	brood = track__room(child->parent, &detector_zombie);
	if (!brood)
		return -ENOMEM;
	brood->forks++;
	brood->alone_ns = 0;
	return 0;
}

static int sampled(struct verdicts *verdicts, struct track *track, enum track_event event)
{
	struct brood *brood = brood_of(track);

	(void)verdicts;
	if (!brood || event != TRACK_CPU_SAMPLE)
		return 0;
	if (track->state != 'R')
		brood->ready_ns = 0;
	else if (!brood->ready_ns)
		brood->ready_ns = track->sampled_ns[TRACK_CPU_SAMPLE];
	return 0;
}

static int add(struct brood *brood, const struct track *child)
{
	struct zombie *list = reallocarray(brood->list, brood->count + 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	brood->list = list;
	list[brood->count++] = (struct zombie){.pid = child->pid,
					       .start = child->start,
					       .exited_ns = child->exited_ns,
					       .forks = brood->forks,
					       .reaped = brood->reaped,
					       .rounds = brood->rounds,
					       .cpu_ns = child->parent->figure[TRACK_CPU]};
	if (!child->parent->living)
		brood->alone_ns = child->exited_ns;
	return 0;
}

/* Its own children are another's now. */
static int exited(struct verdicts *verdicts, struct track *track)
{
	struct brood *brood = brood_of(track), *parents = brood_of(track->parent);

	if (brood) {
		look(verdicts, track, track->exited_ns);
		brood->count = 0;
	}
	if (!parents || !EVENT_IS_NULL(track->released_ns) || !EVENT_IS_NULL(track->parent->exited_ns))
		return 0;
	return add(parents, track);
}

static int released(struct verdicts *verdicts, struct track *track)
{
	uint64_t after = verdict_run__limit(verdicts, track->run, VERDICT_ZOMBIE)->after;
	struct brood *brood = brood_of(track->parent);

	for (uint32_t i = 0; brood && i < brood->count; i++) {
		if (brood->list[i].pid != track->pid || brood->list[i].start != track->start)
			continue;
		if (track->released_ns > brood->batch_ns + BATCH_NS) {
			brood->batch_ns = track->released_ns;
			brood->reaped_before = brood->reaped;
		}
		if (lets_be(verdicts, track->parent, &brood->list[i], track->released_ns, after))
			tell(brood, &brood->list[i], track->released_ns);
		brood->reaped++;
		brood->list[i] = brood->list[--brood->count];
		break;
	}
	if (brood && track->first_ts > brood->round_ns) {
		brood->rounds++;
		brood->round_ns = track->released_ns;
	}
	return 0;
}

static int take_zombie(const struct seen *seen)
{
	struct brood *brood = seen->track ? brood_of(seen->track->parent) : NULL;

	for (uint32_t i = 0; brood && i < brood->count; i++)
		if (brood->list[i].pid == seen->track->pid && brood->list[i].start == seen->track->start)
			brood->list[i].seen = true;
	return 0;
}

static bool is_one(const struct brood *brood)
{
	bool certain = brood->alone || brood->more;

	return (certain && brood->told * ODD_RELEASES > brood->reaped) || brood->told_seen >= PASSED_LEAST;
}

/* One or two that it waits for at its end, after what it made of their output, are a common form that harms nothing. */
static bool is_proven(const struct brood *brood)
{
	return brood->more || brood->told >= PASSED_LEAST;
}

static int judge(struct verdicts *verdicts, struct track *track, const struct model_row *row)
{
	struct brood *brood = brood_of(track);
	char age[FORMAT_SIZE];
	struct draft draft;

	if (!brood)
		return 0;
	if (EVENT_IS_NULL(track->exited_ns))
		look(verdicts, track, track->run->last_ts);
	if (!is_one(brood))
		return 0;
	draft = draft__new(VERDICT_ZOMBIE, is_proven(brood) ? VERDICT_PROVEN : VERDICT_SUSPECTED, row);
	draft.since_ns = brood->since_ns;
	if (!EVENT_IS_NULL(track->exited_ns))
		draft.ended_ns = brood->until_ns;
	text__process(&draft.evidence, row);
	text__printf(&draft.evidence,
		     " does not wait for %" PRIu64 " of its children, which have ended: ", brood->told);
	text__put(&draft.evidence, brood->pids.data, brood->pids.size);
	text__printf(&draft.evidence, "%s, the oldest %s a zombie", brood->told > TOLD_MAX ? "..." : "",
		     format__duration(age, brood->longest_ns));
	text__put(&draft.members, brood->pids.data, brood->pids.size);
	text__printf(&draft.refute, "a wait for them that comes later on purpose");
	text__printf(&draft.next, "call wait or poll for each child that it starts, or ignore SIGCHLD");
	return draft__add(verdicts, &draft);
}

static void drop(void *room)
{
	struct brood *brood = room;

	free(brood->list);
	text__free(&brood->pids);
}

static const struct detector_role roles[] = {
	{"stall", "zombie", take_zombie, {NULL}},
	{.stream = NULL},
};

const struct detector detector_zombie = {
	.index = DETECT_ZOMBIE,
	.about =
		{
			.kinds = "zombie",
			.needs = "lifecycle.fork, lifecycle.exit, cpu.exit or io.exit",
			.certainty = "proven; suspected of one or two",
			.text = "children have ended, and their parent, which has no other or starts more, does not wait for them",
		},
	.room = sizeof(struct brood),
	.roles = roles,
	.forked = forked,
	.sampled = sampled,
	.exited = exited,
	.released = released,
	.row = judge,
	.drop = drop,
};
