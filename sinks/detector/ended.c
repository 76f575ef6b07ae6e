/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether a process had to be ended from outside, and whether anything else had got on until then. */
#include <stdlib.h>

#include "sinks/detector/detector.h"

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

static bool is_gone_above(const struct gone_active *gone, const struct track *track)
{
	while (track && (track->pid != gone->of || track->start != gone->of_start))
		track = track->parent;
	return track;
}

static void note(uint64_t *last_ns, uint64_t active_ns)
{
	if (active_ns > *last_ns)
		*last_ns = active_ns;
}

uint64_t ended__others_got_on(const struct verdicts *verdicts, const struct track *track, bool below)
{
	const struct verdict_run *run = verdicts->runs[track->run->index];
	size_t count;
	struct track **tracks = tracks__sorted(verdicts, &count);
	uint64_t last_ns = tracks ? 0 : UINT64_MAX;

	for (size_t i = 0; tracks && i < count; i++) {
		const struct track *other = tracks[i];

		if (other->run == track->run && !is_above(track, other) && (below || !is_above(other, track)))
			note(&last_ns, other->active_ns);
	}
	for (uint32_t i = 0; i < GONE_ACTIVE; i++) {
		const struct gone_active *gone = &run->gone[i];

		if ((below || gone->pid != track->pid || gone->start != track->start) && !is_gone_above(gone, track))
			note(&last_ns, gone->active_ns);
	}
	free(tracks);
	return last_ns;
}
