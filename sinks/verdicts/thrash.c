/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages that are read again and again, as there is no room to keep them: major faults by which memory does not grow. */
#include <errno.h>
#include <unistd.h>

#include "core/format.h"
#include "sinks/detector/detector.h"

struct thrash {
	uint64_t since_ns, until_ns, faults, held; /* since_ns 0: not now */
	uint64_t told_since_ns, told_until_ns, told_faults;
};

static uint64_t held(const struct track *track)
{
	static const enum track_figure of[] = {TRACK_ANON, TRACK_FILE, TRACK_SHMEM};
	uint64_t sum = 0;

	for (size_t i = 0; i < sizeof(of) / sizeof(*of); i++)
		sum += EVENT_IS_NULL(track->figure[of[i]]) ? 0 : track->figure[of[i]];
	return sum;
}

static bool is_longest(const struct thrash *thrash)
{
	return thrash->until_ns - thrash->since_ns > thrash->told_until_ns - thrash->told_since_ns;
}

static int sampled(struct verdicts *verdicts, struct track *track, enum track_event event)
{
	const struct verdict_limit *limit = verdict_run__limit(verdicts, track->run, VERDICT_THRASH);
	uint64_t span = track->sampled_ns[TRACK_MEM_SAMPLE] - track->before_ns[TRACK_MEM_SAMPLE];
	uint64_t grown = track__grown(track, TRACK_MAJOR_FAULTS), now = held(track), faults;
	struct thrash *thrash = track__has_room(track, &detector_thrash);

	if (event != TRACK_MEM_SAMPLE || (!thrash && !grown))
		return 0;
	if (grown * 1000000000 < limit->count * span) {
		if (thrash)
			thrash->since_ns = 0;
		return 0;
	}
	thrash = track__room(track, &detector_thrash);
	if (!thrash)
		return -ENOMEM;
	if (!thrash->since_ns) {
		thrash->since_ns = track->before_ns[TRACK_MEM_SAMPLE];
		thrash->faults = track->before[TRACK_MAJOR_FAULTS];
		thrash->held = now;
	}
	thrash->until_ns = track->sampled_ns[TRACK_MEM_SAMPLE];
	faults = track->figure[TRACK_MAJOR_FAULTS] - thrash->faults;
	/* pages that come for the first time make it grow */
	if (now > thrash->held && (now - thrash->held) * 2 > faults * (uint64_t)sysconf(_SC_PAGESIZE))
		return 0;
	if (thrash->until_ns >= thrash->since_ns + limit->after && is_longest(thrash)) {
		thrash->told_since_ns = thrash->since_ns;
		thrash->told_until_ns = thrash->until_ns;
		thrash->told_faults = faults;
	}
	return 0;
}

static int judge(struct verdicts *verdicts, struct track *track, const struct model_row *row)
{
	struct thrash *thrash = track ? track__has_room(track, &detector_thrash) : NULL;
	char count[FORMAT_SIZE], span[FORMAT_SIZE], size[FORMAT_SIZE];
	struct draft draft;
	uint64_t lasted;

	if (!thrash || !thrash->told_faults)
		return 0;
	lasted = thrash->told_until_ns - thrash->told_since_ns;
	draft = draft__new(VERDICT_THRASH, VERDICT_LIKELY, row);
	draft.since_ns = thrash->told_since_ns;
	draft.ended_ns = row->outcome == MODEL_RUNNING && thrash->since_ns ? draft.ended_ns : thrash->told_until_ns;
	text__process(&draft.evidence, row);
	text__printf(&draft.evidence, " had %s major page faults in %s, %llu/s, while its memory stayed at %s",
		     format__count(count, thrash->told_faults), format__duration(span, lasted),
		     (unsigned long long)((double)thrash->told_faults / ((double)lasted / 1e9)),
		     format__bytes(size, thrash->held));
	text__printf(&draft.missing, "reclaim and pressure of its cgroup: no record has them");
	text__printf(&draft.refute, "a large file that is mapped and read once, in which case its memory grows");
	text__printf(&draft.next, "more memory for it, or less that it maps at once: see memory.max of its cgroup");
	return draft__add(verdicts, &draft);
}

const struct detector detector_thrash = {
	.index = DETECT_THRASH,
	.about =
		{
			.kinds = "thrash",
			.needs = "lifecycle.fork, mem.sample.major_faults",
			.certainty = "likely",
			.text = "`count` major page faults per second or more for so long, by which its memory does not grow",
		},
	.room = sizeof(struct thrash),
	.sampled = sampled,
	.row = judge,
};
