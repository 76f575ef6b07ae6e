/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes that still worked when what had started them had ended well: what they wrote is not whole, or may come too late.
 * Either they wrote after the end of the run's first process, or the end of their container's first process ended them too.
 *
 * In a container most of what is ended so are servers, which wait for requests, relays, which write what they read, and what only
 * sleeps: they have done all that was asked of them. */
#include <errno.h>
#include <string.h>

#include "core/format.h"
#include "sinks/detector/detector.h"

#define SETTLED_NS 100000000ULL /* what happened since a sample is known if that is so old */
#define ALONE_NS 200000000ULL	/* or since its start, without one */
#define BUSY_PERCENT 90		/* of that time it ran, or could have */

struct writing {
	uint64_t grown;	     /* written since the run's first process has ended */
	uint64_t cpu, delay; /* at its exit; null: not known */
	bool sampled, works; /* its last sample did not find it waiting for another */
};

static int exited(struct verdicts *verdicts, struct track *track)
{
	const struct model_row *row = track__row(verdicts, track);

	if (row && row->root)
		verdicts->runs[track->run->index]->root_ended_ns = track->exited_ns;
	return 0;
}

static int sampled(struct verdicts *verdicts, struct track *track, enum track_event event)
{
	uint64_t ended_ns = verdicts->runs[track->run->index]->root_ended_ns;
	struct writing *writing;

	if (event != TRACK_IO_SAMPLE || !ended_ns || !track__grown(track, TRACK_WRITE_CHARS))
		return 0;
	writing = track__room(track, &detector_outlived);
	if (!writing)
		return -ENOMEM;
	if (track->before_ns[event] < ended_ns)
		return 0; /* some of it may be from before */
	writing->grown += track__grown(track, TRACK_WRITE_CHARS);
	return 0;
}

/* ---- what its last records say ---- */

enum { SYSCALL };
enum { CPU, DELAY };

static int take_sample(const struct seen *seen)
{
	static const char *const own[] = {"clock_nanosleep", "nanosleep",      "wait4",	   "waitid",
					  "write",	     "writev",	       "pwrite64", "pwritev",
					  "fsync",	     "fdatasync",      "sendfile", "splice",
					  "copy_file_range", "sync_file_range"};
	const struct value *call = seen->field[SYSCALL];
	struct writing *writing = seen->track ? track__room(seen->track, &detector_outlived) : NULL;

	if (!writing)
		return seen->track ? -ENOMEM : 0;
	writing->sampled = true;
	writing->works = call->type != VALUE_STRING && (seen->track->state == 'R' || seen->track->state == 'D');
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		writing->works = writing->works || value__is(call, own[i]);
	return 0;
}

static int take_exit(const struct seen *seen)
{
	struct writing *writing = seen->track ? track__room(seen->track, &detector_outlived) : NULL;

	if (!writing)
		return seen->track ? -ENOMEM : 0;
	writing->cpu = value__number(seen->field[CPU]);
	writing->delay = value__number(seen->field[DELAY]);
	return 0;
}

/* Its figures at its last sample, or at the one before. */
struct past {
	uint64_t ns;
	const uint64_t *figure; /* NULL: at its start, when all were 0 */
};

static struct past last_of(const struct track *track, enum track_event event)
{
	if (track->sampled_ns[event])
		return (struct past){track->sampled_ns[event], track->figure};
	return (struct past){track->first_ts, NULL};
}

static struct past before_of(const struct track *track, enum track_event event)
{
	if (track->before_ns[event] > track->first_ts)
		return (struct past){track->before_ns[event], track->before};
	return (struct past){track->first_ts, NULL};
}

/* The last one, or the one before where that has hardly gone by. */
static struct past settled_of(const struct track *track, enum track_event event, uint64_t ended_ns)
{
	struct past last = last_of(track, event);

	return ended_ns < last.ns + SETTLED_NS ? before_of(track, event) : last;
}

static uint64_t grown(const struct past *past, enum track_figure figure, uint64_t now)
{
	uint64_t then = past->figure ? past->figure[figure] : 0;

	return EVENT_IS_NULL(now) || EVENT_IS_NULL(then) || now < then ? 0 : now - then;
}

/* Whether it ran until its end, or could have; since when. */
static bool ran(const struct track *track, const struct writing *writing, uint64_t ended_ns, uint64_t *since_ns)
{
	struct past past = settled_of(track, TRACK_CPU_SAMPLE, ended_ns);
	uint64_t busy = grown(&past, TRACK_CPU, writing->cpu) + grown(&past, TRACK_RUN_DELAY, writing->delay);

	*since_ns = past.ns;
	return ended_ns >= past.ns + (past.figure ? SETTLED_NS : ALONE_NS) &&
	       busy >= (ended_ns - past.ns) / 100 * BUSY_PERCENT;
}

/* How much it wrote of its own after a sample: all programs say something as they start. */
static uint64_t wrote_since(const struct past *past, const struct model_row *row)
{
	uint64_t written = grown(past, TRACK_WRITE_CHARS, row->io[MODEL_IO_WRITE_CHARS]);

	return past->figure && written > grown(past, TRACK_READ_CHARS, row->io[MODEL_IO_READ_CHARS]) ? written : 0;
}

static uint64_t wrote(const struct track *track, const struct writing *writing, const struct model_row *row,
		      uint64_t *since_ns)
{
	struct past past = last_of(track, TRACK_IO_SAMPLE);

	if (!writing->works)
		return 0;
	if (!wrote_since(&past, row))
		past = settled_of(track, TRACK_IO_SAMPLE, row->ended_ns);
	*since_ns = past.ns;
	return wrote_since(&past, row);
}

/* ---- the verdicts ---- */

static int add(struct verdicts *verdicts, struct draft *draft)
{
	text__printf(&draft->refute, "output that is not needed");
	text__printf(&draft->next, "wait for it before the end: what it wrote may not be whole");
	return draft__add(verdicts, draft);
}

static int judge_cut_off(struct verdicts *verdicts, const struct track *track, const struct writing *writing,
			 const struct model_row *row)
{
	uint64_t since_ns, written = wrote(track, writing, row, &since_ns);
	char size[FORMAT_SIZE], span[FORMAT_SIZE];
	struct draft draft;

	if (!written && !ran(track, writing, row->ended_ns, &since_ns))
		return 0;
	draft = draft__new(VERDICT_OUTLIVED, VERDICT_PROVEN, row);
	draft.since_ns = since_ns;
	text__process(&draft.evidence, row);
	text__printf(&draft.evidence, " was killed when PID 1 of its container ended 0, while it ");
	format__duration(span, row->ended_ns - since_ns);
	if (written)
		text__printf(&draft.evidence, "wrote: %s in the last %s", format__bytes(size, written), span);
	else
		text__printf(&draft.evidence, "ran, without a wait in the last %s", span);
	return add(verdicts, &draft);
}

/* What has another parent by then was to go on, as a daemon is. */
static bool is_left(const struct track *track, const struct writing *writing, uint64_t root_ended_ns)
{
	return writing->works && track->parent &&
	       (EVENT_IS_NULL(track->parent->exited_ns) || track->parent->exited_ns >= root_ended_ns);
}

static int judge(struct verdicts *verdicts, struct track *track, const struct model_row *row)
{
	struct writing *writing = track ? track__has_room(track, &detector_outlived) : NULL;
	const struct verdict_run *run = verdicts->runs[row->run->index];
	bool killed = model_row__is_killed(row), running = row->outcome == MODEL_RUNNING;
	char size[FORMAT_SIZE], span[FORMAT_SIZE];
	struct draft draft;

	if (writing && row->cut_off)
		return judge_cut_off(verdicts, track, writing, row);
	if (!writing || !writing->grown || run->root_failed ||
	    !(killed || (running && is_left(track, writing, run->root_ended_ns))))
		return 0;
	draft = draft__new(VERDICT_OUTLIVED, killed ? VERDICT_PROVEN : VERDICT_LIKELY, row);
	draft.since_ns = run->root_ended_ns;
	text__process(&draft.evidence, row);
	text__printf(&draft.evidence, " wrote %s after the run's first process had exited 0, and ",
		     format__bytes(size, writing->grown));
	if (killed)
		text__printf(&draft.evidence, "was ended by %s %s after that", row->signal_name,
			     format__duration(span, row->ended_ns - run->root_ended_ns));
	else
		text__printf(&draft.evidence, "went on when the recording ended");
	return add(verdicts, &draft);
}

static const struct detector_role roles[] = {
	{"cpu", "sample", take_sample, {"syscall"}},
	{"cpu", "exit", take_exit, {"cpu_ns", "run_delay_ns"}},
	{.stream = NULL},
};

const struct detector detector_outlived = {
	.index = DETECT_OUTLIVED,
	.about =
		{
			.kinds = "outlived",
			.needs = "lifecycle.fork, lifecycle.exit, io.sample or cpu.exit",
			.certainty = "proven if a signal ended it; likely if it still runs",
			.text = "a process that still wrote, or ran, when the run's or its container's first one had ended well",
		},
	.room = sizeof(struct writing),
	.roles = roles,
	.exited = exited,
	.sampled = sampled,
	.row = judge,
};
