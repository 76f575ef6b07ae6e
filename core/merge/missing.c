/* SPDX-License-Identifier: BSD-2-Clause */
/* What a merge says in the end about what is missing. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/log.h"
#include "core/merge/merge.h"

/* Whether the stream is the first of its run that is still written. */
static bool is_first_running(const struct merge *merge, size_t i)
{
	if (merge__state(merge, i)->life != STREAM_RUNNING)
		return false;
	for (size_t j = 0; j < i; j++)
		if (merge__state(merge, j)->life == STREAM_RUNNING &&
		    !strcmp(merge__info(merge, i)->run.id, merge__info(merge, j)->run.id))
			return false;
	return true;
}

static bool is_whole(const struct stream_state *state)
{
	return (state->complete || state->life == STREAM_RUNNING) && !state->lost && !state->uncounted &&
	       !state->damaged_bytes;
}

/* Why a stream's last events are missing, if they are. */
static const char *missing_end(const struct stream_state *state)
{
	if (state->complete || state->life == STREAM_RUNNING)
		return "";
	return state->life == STREAM_CRASHED
		       ? "the collector was killed or could not write, the last events are missing"
		       : "the stream has no end record, its last events are missing";
}

/* Of a collector that was killed, all streams lack the end, and no more is known of them: said once for the run. */
static bool is_only_cut(const struct stream_state *state)
{
	return state->life == STREAM_CRASHED && !state->complete && !state->lost && !state->damaged_bytes;
}

static bool is_first_cut(const struct merge *merge, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (is_only_cut(merge__state(merge, j)) &&
		    !strcmp(merge__info(merge, i)->run.id, merge__info(merge, j)->run.id))
			return false;
	return true;
}

static void say_losses(const struct merge *merge, size_t i)
{
	const struct stream_info *info = merge__info(merge, i);
	const struct stream_state *state = merge__state(merge, i);
	char lost[64] = "", damaged[64] = "";

	if (is_only_cut(state)) {
		if (is_first_cut(merge, i))
			log__warn(
				"%s: the collector was killed or could not write: the last events are missing; how many is "
				"not known",
				info->run.id);
		return;
	}
	if (state->lost)
		snprintf(lost, sizeof(lost), "%s%" PRIu64 " events lost", state->uncounted ? "more than " : "",
			 state->lost);
	else if (state->uncounted && state->complete)
		snprintf(lost, sizeof(lost), "an unknown number of events lost");
	if (state->damaged_bytes)
		snprintf(damaged, sizeof(damaged), "%" PRIu64 " bytes damaged", state->damaged_bytes);
	log__warn("%s: %s%s%s%s%s", info->path, missing_end(state),
		  *missing_end(state) && (*lost || *damaged) ? "; " : "", lost, *lost && *damaged ? ", " : "", damaged);
}

/* Reports streams that lack ends of processes, though they say nothing of losses. Returns whether there are any. */
static bool say_ends(const struct merge *merge, const struct ends *ends)
{
	bool lacks = false;

	for (size_t i = 0; ends && i < merge__streams(merge); i++) {
		uint64_t missing = ends__missing(ends, i);

		if (!missing || merge__state(merge, i)->life == STREAM_RUNNING)
			continue;
		lacks = true;
		log__warn("%s: the end of %" PRIu64 " process%s is missing, which other streams have",
			  merge__info(merge, i)->path, missing, missing == 1 ? "" : "es");
	}
	return lacks;
}

/* Reports streams that are not there. Returns whether there are any. */
static bool say_missing(const struct merge *merge, const struct filter *filter)
{
	const char *const *last = NULL; /* streams of a run are neighbours, and have one list */
	bool any = false;

	for (size_t i = 0; i < merge__streams(merge); i++) {
		const struct stream_info *info = merge__info(merge, i);

		if (!info->missing || info->missing == last || !filter__stream(filter, info))
			continue;
		last = info->missing;
		any = true;
		for (const char *const *name = info->missing; *name; name++)
			log__warn("%s: the stream %s is missing: the run was recorded with it", info->run.id, *name);
	}
	return any;
}

bool missing__say(const struct merge *merge, const struct filter *filter, const struct ends *ends)
{
	const struct stream_state *state;
	const struct stream_info *info;
	bool losses = say_missing(merge, filter);
	size_t i;

	for (i = 0; i < merge__streams(merge); i++) {
		info = merge__info(merge, i);
		state = merge__state(merge, i);
		if (!filter__stream(filter, info))
			continue;
		if (is_first_running(merge, i))
			log__info("%s: still running: this is what has been written so far", info->run.id);
		if (is_whole(state))
			continue;
		losses = true;
		if (state->invalid)
			log__warn("%s: %" PRIu64 " records contradict the header, the first at byte %" PRIu64
				  "; they are left out and counted as lost",
				  info->path, state->invalid, state->invalid_at);
		say_losses(merge, i);
	}
	return say_ends(merge, ends) || losses;
}
