/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes that still wrote when the first process of the run had ended well, and were ended while they did: what they wrote is
 * not whole. */
#include <errno.h>

#include "core/format.h"
#include "sinks/detector/detector.h"

struct writing {
	uint64_t grown; /* written since the run's first process has ended */
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

static int judge(struct verdicts *verdicts, struct track *track, const struct model_row *row)
{
	struct writing *writing = track ? track__has_room(track, &detector_outlived) : NULL;
	const struct verdict_run *run = verdicts->runs[row->run->index];
	char size[FORMAT_SIZE], span[FORMAT_SIZE];
	struct draft draft;

	if (!writing || !writing->grown || run->root_failed || !model_row__is_killed(row))
		return 0;
	draft = draft__new(VERDICT_OUTLIVED, VERDICT_PROVEN, row);
	draft.since_ns = run->root_ended_ns;
	text__process(&draft.evidence, row);
	text__printf(&draft.evidence,
		     " wrote %s after the run's first process had exited 0, and was ended by %s %s after that",
		     format__bytes(size, writing->grown), row->signal_name,
		     format__duration(span, row->ended_ns - run->root_ended_ns));
	text__printf(&draft.refute, "output that is not needed");
	text__printf(&draft.next, "wait for it before the end: what it wrote may not be whole");
	return draft__add(verdicts, &draft);
}

const struct detector detector_outlived = {
	.index = DETECT_OUTLIVED,
	.about =
		{
			.kinds = "outlived",
			.needs = "lifecycle.fork, lifecycle.exit, io.sample",
			.certainty = "proven",
			.text = "a process that wrote when the run's first one had ended well, and was then ended by a signal",
		},
	.room = sizeof(struct writing),
	.exited = exited,
	.sampled = sampled,
	.row = judge,
};
