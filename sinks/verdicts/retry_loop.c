/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes that start the same few children again and again, each of which ends as the last time, and do nothing else: a wait
 * for something that does not come. At a high rate that is a storm of forks. */
#include <errno.h>
#include <inttypes.h>

#include "core/format.h"
#include "sinks/detector/detector.h"

#define SHAPES 12	 /* children of a round: 48 bytes each, of each process that has had children */
#define ROUNDS 5	 /* at least */
#define ROUND_BYTES 4096 /* that it may read or write itself in a round: a line of its log */
#define ROUND_GROWS 4096 /* that its memory may grow by in a round, and in all: */
#define GROWS (1 << 20)
#define STORM_PER_SECOND 20
#define WORK_PERCENT 25		 /* of the time: so much CPU of its children is work */
#define WORK_BYTES (64ULL << 10) /* and so much written in a round */

struct shape {
	uint64_t shape, last; /* last: number of the child */
	uint64_t exact, count;
	uint32_t status;
	bool differs; /* in the numbers of its arguments */
};

/* What children used and wrote. */
struct work {
	uint64_t cpu_ns, chars;
};

/* Of a parent. */
struct loop {
	struct shape shapes[SHAPES];
	uint64_t children;	     /* that have ended */
	uint64_t since_ns, until_ns; /* since when there is no new one; the last one's end */
	uint64_t first;		     /* number of the first child since then */
	uint64_t chars;		     /* its own I/O then */
	uint64_t anon;		     /* its memory then; null: not known yet */
	char name[EVENT_COMM];	     /* of a child, for the sentence: that failed, if one did */
	uint32_t status;
	struct work done, items; /* of the children that ended with 0; of those whose numbers differ */
};

static uint64_t chars_of(const struct track *track)
{
	uint64_t in = track->figure[TRACK_READ_CHARS], out = track->figure[TRACK_WRITE_CHARS];

	return (EVENT_IS_NULL(in) ? 0 : in) + (EVENT_IS_NULL(out) ? 0 : out);
}

static void begin(struct loop *loop, const struct track *parent, uint64_t ts)
{
	loop->since_ns = ts;
	loop->first = loop->children;
	loop->chars = chars_of(parent);
	loop->anon = parent->figure[TRACK_ANON];
	loop->status = 0;
	loop->done = loop->items = (struct work){0};
	for (int i = 0; i < SHAPES; i++) {
		loop->shapes[i].count = 0;
		loop->shapes[i].differs = false;
	}
}

/* The child's shape and end among the last ones; else in place of the oldest. */
static struct shape *shape_of(struct loop *loop, uint64_t shape, uint32_t status, bool *known)
{
	struct shape *oldest = loop->shapes;

	for (int i = 0; i < SHAPES; i++) {
		struct shape *at = &loop->shapes[i];

		*known = at->last && at->shape == shape && at->status == status &&
			 loop->children - at->last <= (uint64_t)2 * SHAPES;
		if (*known)
			return at;
		if (at->last < oldest->last)
			oldest = at;
	}
	return oldest;
}

static void add_work(struct work *work, const struct model_row *row)
{
	uint64_t out = row->io[MODEL_IO_WRITE_CHARS];

	work->cpu_ns += EVENT_IS_NULL(row->cpu_ns) ? 0 : row->cpu_ns;
	work->chars += EVENT_IS_NULL(out) ? 0 : out;
}

/* Another number may be another item, unless it is a time to sleep. */
static void note(struct loop *loop, struct shape *shape, const struct track *child, const struct model_row *row,
		 bool known)
{
	uint32_t status = model_row__status(row);
	bool differs = known && (shape->differs || (shape->exact != child->exact && !child->asked_ns));

	*shape = (struct shape){child->shape, loop->children, child->exact, shape->count + 1, status, differs};
	if (!status)
		add_work(&loop->done, row);
	if (differs)
		add_work(&loop->items, row);
	if (status || !loop->status) {
		memcpy(loop->name, row->comm, EVENT_COMM);
		loop->status = status;
	}
}

static int child_ended(struct track *parent, const struct track *child, const struct model_row *row)
{
	struct loop *loop = track__room(parent, &detector_retry_loop);
	struct shape *shape;
	bool known;

	if (!loop)
		return -ENOMEM;
	loop->children++;
	shape = shape_of(loop, child->shape, model_row__status(row), &known);
	if (!known)
		begin(loop, parent, child->exited_ns);
	note(loop, shape, child, row, known);
	loop->until_ns = child->exited_ns;
	if (EVENT_IS_NULL(loop->anon))
		loop->anon = parent->figure[TRACK_ANON];
	return 0;
}

static uint64_t rounds_of(const struct loop *loop)
{
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < SHAPES; i++)
		if (loop->shapes[i].count && loop->shapes[i].count < least)
			least = loop->shapes[i].count;
	return least == UINT64_MAX ? 0 : least;
}

/* What it keeps in memory. */
static bool has_grown(const struct loop *loop, const struct track *track, uint64_t rounds)
{
	uint64_t now = track->figure[TRACK_ANON];

	return !EVENT_IS_NULL(now) && !EVENT_IS_NULL(loop->anon) && now > loop->anon + GROWS + rounds * ROUND_GROWS;
}

static bool is_work(const struct work *work, uint64_t span_ns, uint64_t rounds)
{
	return work->cpu_ns > span_ns / 100 * WORK_PERCENT || work->chars > rounds * WORK_BYTES;
}

static bool is_storm(const struct loop *loop)
{
	uint64_t span = loop->until_ns - loop->since_ns, children = loop->children - loop->first;

	return children * 1000000000 / (span + 1) >= STORM_PER_SECOND;
}

/* A loop over items: their numbers differ, and none fails, or there is work in them. Where none fails, each child that works
 * may have other input. */
static bool has_items(const struct loop *loop, uint64_t rounds)
{
	uint64_t span = loop->until_ns - loop->since_ns;

	for (int i = 0; i < SHAPES && !loop->status; i++)
		if (loop->shapes[i].count && loop->shapes[i].differs)
			return true;
	return is_work(&loop->items, span, rounds) ||
	       (!loop->status && !is_storm(loop) && is_work(&loop->done, span, rounds));
}

/* What it reads or writes itself is progress, but for a line now and then about a failure. */
static bool got_on(const struct loop *loop, const struct track *track, uint64_t rounds)
{
	return has_grown(loop, track, rounds) || has_items(loop, rounds) ||
	       chars_of(track) - loop->chars > (loop->status ? rounds * ROUND_BYTES : 0);
}

/* Each child that ends well and writes something may be a step of work, as of a job that adds to a log. */
static bool may_be_work(const struct loop *loop)
{
	return !loop->status && loop->done.chars && !is_storm(loop);
}

static int shapes_of(const struct loop *loop)
{
	int count = 0;

	for (int i = 0; i < SHAPES; i++)
		count += loop->shapes[i].count > 0;
	return count;
}

static int tell(struct verdicts *verdicts, const struct loop *loop, const struct model_row *row, uint64_t rounds,
		bool outside)
{
	uint64_t span = loop->until_ns - loop->since_ns;
	char lasted[FORMAT_SIZE], wrote[FORMAT_SIZE];
	struct draft draft = draft__new(is_storm(loop) ? VERDICT_FORK_STORM : VERDICT_HANG,
					outside && !may_be_work(loop) ? VERDICT_LIKELY : VERDICT_SUSPECTED, row);

	draft.since_ns = loop->since_ns;
	text__process(&draft.evidence, row);
	if (shapes_of(loop) > 1)
		text__printf(&draft.evidence, " has started the same children again and again, %" PRIu64 " rounds",
			     rounds);
	else
		text__printf(&draft.evidence, " has started the same child %" PRIu64 " times", rounds);
	text__printf(&draft.evidence, " in %s, ", format__duration(lasted, span));
	text__safe(&draft.evidence, loop->name, strlen(loop->name));
	text__printf(&draft.evidence, " ended with %u each time,", loop->status);
	if (may_be_work(loop))
		text__printf(&draft.evidence, " they wrote %s,", format__bytes(wrote, loop->done.chars));
	text__printf(&draft.evidence, " and nothing else got on%s", outside ? ", until it was ended from outside" : "");
	text__printf(&draft.refute, "a loop that polls for something that comes later");
	text__printf(&draft.next, loop->status ? "see why the child fails; give the loop a limit"
					       : "see what the loop waits for; give it a limit");
	return draft__add(verdicts, &draft);
}

static int judge(struct verdicts *verdicts, struct track *track, const struct model_row *row)
{
	uint64_t after = verdict_run__limit(verdicts, row->run, VERDICT_HANG)->after;
	uint64_t end_ns = EVENT_IS_NULL(row->ended_ns) ? row->run->last_ts : row->ended_ns;
	struct loop *loop = track ? track__has_room(track, &detector_retry_loop) : NULL;
	bool outside = ended__outside(verdicts, row);
	uint64_t rounds;
	int err = 0;

	if (track && track->parent && !track->parent->gone && !EVENT_IS_NULL(track->exited_ns) &&
	    EVENT_IS_NULL(track->parent->exited_ns))
		err = child_ended(track->parent, track, row);
	if (err || !loop || (!outside && row->outcome != MODEL_RUNNING))
		return err;
	rounds = rounds_of(loop);
	/* the child that it last started may still run, as long as those before at most */
	if (rounds < ROUNDS || loop->until_ns < loop->since_ns + after || got_on(loop, track, rounds) ||
	    end_ns - loop->until_ns > 2 * (loop->until_ns - loop->since_ns) / rounds + after)
		return 0;
	return tell(verdicts, loop, row, rounds,
		    outside && ended__others_got_on(verdicts, track, false) <= loop->since_ns);
}

const struct detector detector_retry_loop = {
	.index = DETECT_RETRY,
	.about =
		{
			.kinds = "hang",
			.needs = "lifecycle.fork, lifecycle.exec, lifecycle.exit, io.sample",
			.certainty =
				"suspected while it lasts, or if they end well and write; likely when it had to be ended from outside",
			.text = "the same children again and again, which end alike each time, and nothing else",
		},
	.room = sizeof(struct loop),
	.row = judge,
};
