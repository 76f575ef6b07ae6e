/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether a process had to be ended from outside, and whether anything else had got on until then. */
#include <stdlib.h>

#include "sinks/verdicts/detector.h"

bool ended__by_signal(const struct model_row *row)
{
	if (model_row__is_killed(row))
		return true;
	return row->sender && !EVENT_IS_NULL(row->exit_code) && row->exit_code;
}

bool ended__outside(const struct verdicts *verdicts, const struct model_row *row)
{
	const struct verdict_run *run = verdicts->runs[row->run->index];

	if (row->outcome == MODEL_RUNNING || row->outcome == MODEL_UNKNOWN)
		return run->outside && row->run->life != STREAM_RUNNING;
	return ended__by_signal(row) && row->sender_is == MODEL_RELATION_OUTSIDE;
}

uint64_t ended__used_by_others(const struct verdicts *verdicts, const struct track *track, enum track_used what)
{
	uint64_t used = verdicts->runs[track->run->index]->used[what];

	for (; track; track = track->parent)
		used -= track->used[what];
	return used;
}

static bool is_above(const struct track *track, const struct track *other)
{
	while (track && track != other)
		track = track->parent;
	return track;
}

bool ended__idle(const struct verdicts *verdicts, const struct track *track, uint64_t since_ns)
{
	const struct verdict_run *run = verdicts->runs[track->run->index];
	size_t count;
	struct track **tracks = tracks__sorted(verdicts, &count);
	bool idle = tracks;

	for (size_t i = 0; i < count && idle; i++) {
		const struct track *other = tracks[i];

		if (other->run == track->run && other->active_ns > since_ns && !is_above(track, other) &&
		    !is_above(other, track))
			idle = false;
	}
	for (uint32_t i = 0; i < GONE_ACTIVE && idle; i++) {
		const struct gone_active *gone = &run->gone[i];

		if (gone->active_ns > since_ns && !(gone->pid == track->pid && gone->start == track->start))
			idle = false;
	}
	free(tracks);
	return idle;
}
