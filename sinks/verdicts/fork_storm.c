/* SPDX-License-Identifier: BSD-2-Clause */
/* Trees of processes that fork themselves: many live, and a good part of them have forked on. One parent with a thousand
 * children is none, nor is a chain. */
#include <errno.h>
#include <stdlib.h>

#include "core/format.h"
#include "sinks/detector/detector.h"

#define DEEP 5 /* levels of forks, at least: a server and its workers have fewer */
#define PART 5 /* one in so many has forked on, and one in so many has not */

/* A tree of living processes of one program, each the child of another. */
struct storm {
	uint32_t refs;
	uint32_t living, inner; /* inner: those that have a child in it */
	uint32_t peak, peak_inner;
	uint32_t deepest; /* levels */
	uint64_t forks, since_ns, peak_ns;
	bool told;
};

struct member {
	struct storm *storm;
	uint32_t level, children; /* of its storm */
	bool left;
};

static struct member *member_of(struct track *track)
{
	return track && !track->gone ? track__has_room(track, &detector_fork_storm) : NULL;
}

static void leave(struct member *member)
{
	if (!member->storm || member->left)
		return;
	member->left = true;
	member->storm->living--;
	member->storm->inner -= member->children > 0;
}

static void unref(struct storm *storm)
{
	if (storm && !--storm->refs)
		free(storm);
}

static int enter(struct member *member, struct storm *storm, uint64_t ts)
{
	if (!storm) {
		storm = calloc(1, sizeof(*storm));
		if (!storm)
			return -ENOMEM;
		storm->since_ns = ts;
	}
	member->storm = storm;
	member->left = false;
	storm->refs++;
	storm->living++;
	return 0;
}

static int forked(struct verdicts *verdicts, struct track *track)
{
	struct track *parent = track->parent;
	struct member *own, *its = parent && !parent->gone ? track__room(parent, &detector_fork_storm) : NULL;
	struct storm *storm;

	(void)verdicts;
	if (!its)
		return parent && !parent->gone ? -ENOMEM : 0;
	own = track__room(track, &detector_fork_storm);
	if (!own || (!its->storm && enter(its, NULL, track->first_ts)) || enter(own, its->storm, track->first_ts))
		return -ENOMEM;
	storm = its->storm;
	storm->forks++;
	own->level = its->level + 1;
	if (own->level > storm->deepest)
		storm->deepest = own->level;
	if (!its->children++ && !its->left)
		storm->inner++;
	if (storm->living > storm->peak) {
		storm->peak = storm->living;
		storm->peak_inner = storm->inner;
		storm->peak_ns = track->first_ts;
	}
	return 0;
}

/* Another program is another tree. */
static int executed(struct verdicts *verdicts, struct track *track)
{
	struct member *own = member_of(track), *its = track->parent ? member_of(track->parent) : NULL;

	(void)verdicts;
	if (!own || !own->storm || !track->parent || track->parent->exe == track->exe)
		return 0;
	if (its && its->storm == own->storm && its->children && !--its->children && !its->left)
		its->storm->inner--;
	leave(own);
	unref(own->storm);
	*own = (struct member){0};
	return 0;
}

static int exited(struct verdicts *verdicts, struct track *track)
{
	struct member *own = member_of(track);

	(void)verdicts;
	if (own)
		leave(own);
	return 0;
}

static int judge(struct verdicts *verdicts, struct track *track, const struct model_row *row)
{
	uint32_t count = verdict_run__limit(verdicts, row->run, VERDICT_FORK_STORM)->count;
	struct member *own = member_of(track), *its = track ? member_of(track->parent) : NULL;
	struct storm *storm = own ? own->storm : NULL;
	char lasted[FORMAT_SIZE];
	struct draft draft;

	if (!storm || storm->told || storm->peak < count || storm->deepest < DEEP ||
	    storm->peak_inner * PART < storm->peak || (storm->peak - storm->peak_inner) * PART < storm->peak)
		return 0;
	if (its && its->storm == storm) /* reported for the first of those that are left */
		return 0;
	storm->told = true;
	draft = draft__new(VERDICT_FORK_STORM, VERDICT_LIKELY, row);
	draft.since_ns = storm->since_ns;
	text__process(&draft.evidence, row);
	text__printf(
		&draft.evidence,
		" and its forks of the same program were %u at once, %u of them with forks of their own, after %s; %llu "
		"forks in all",
		storm->peak, storm->peak_inner, format__duration(lasted, storm->peak_ns - storm->since_ns),
		(unsigned long long)storm->forks);
	text__printf(&draft.refute, "a tree of workers that is meant to be so large");
	text__printf(&draft.next, "each process forks on: look for a missing exit after fork; limit it by pids.max");
	return draft__add(verdicts, &draft);
}

static void drop(void *room)
{
	struct member *own = room;

	leave(own);
	unref(own->storm);
}

const struct detector detector_fork_storm = {
	.index = DETECT_FORK_STORM,
	.about =
		{
			.kinds = "fork_storm",
			.needs = "lifecycle.fork, lifecycle.exit",
			.certainty = "likely",
			.text = "a tree of processes that fork themselves: `count` live at once, and many of them have forked on",
		},
	.room = sizeof(struct member),
	.forked = forked,
	.executed = executed,
	.exited = exited,
	.row = judge,
	.drop = drop,
};
