/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes of which only timers tick: the threads of a runtime look around now and then, so that none of it stands still for the
 * wait graph, and it gets on with nothing. A server without clients, and a program that sleeps, look the same: suspected. */
#include <errno.h>

#include "core/format.h"
#include "sinks/waits/stand.h"

#define USED_NS 3000000ULL /* of CPU from one sample to the next: less than work takes */
#define USED_PER_SECOND_NS 3000000ULL
#define WAKES_PER_SECOND 3 /* of a thread on average; what polls wakes more often */

struct ticks {
	uint64_t since_ns, cpu_ns, wakes; /* since_ns 0: it works */
	uint32_t children;
};

static uint64_t wakes_of(const struct track *track)
{
	return track->figure[TRACK_VOLUNTARY];
}

/* Its first thread waits for another one, as that of a JVM does, and since the sample before it did next to nothing. */
static bool only_ticks(const struct seen *seen)
{
	const struct track *track = seen->track;
	uint64_t span_ns = track->sampled_ns[TRACK_CPU_SAMPLE] - track->before_ns[TRACK_CPU_SAMPLE];
	uint64_t threads = track->figure[TRACK_THREADS], used_ns = track__grown(track, TRACK_CPU);

	if (EVENT_IS_NULL(threads) || threads < 2 || EVENT_IS_NULL(track->before[TRACK_CPU]) ||
	    EVENT_IS_NULL(wakes_of(track)) || track->living)
		return false;
	/* While one of them wakes, it is not recorded in which call the first one is. */
	return (value__is(seen->field[0], "futex") || track->state == 'R') &&
	       used_ns < USED_NS + span_ns / 1000000000 * USED_PER_SECOND_NS;
}

static int take_sample(const struct seen *seen)
{
	struct ticks *ticks = seen->track ? track__has_room(seen->track, &detector_ticks) : NULL;

	if (!seen->track || !EVENT_IS_NULL(seen->track->exited_ns))
		return 0;
	if (!only_ticks(seen)) {
		if (ticks)
			ticks->since_ns = 0;
		return 0;
	}
	ticks = track__room(seen->track, &detector_ticks);
	if (!ticks)
		return -ENOMEM;
	if (!ticks->since_ns || ticks->children != seen->track->children)
		*ticks = (struct ticks){seen->track->sampled_ns[TRACK_CPU_SAMPLE], seen->track->figure[TRACK_CPU],
					wakes_of(seen->track), seen->track->children};
	return 0;
}

static int sampled(struct verdicts *verdicts, struct track *track, enum track_event event)
{
	struct ticks *ticks = track__has_room(track, &detector_ticks);

	(void)verdicts;
	if (ticks && event == TRACK_IO_SAMPLE &&
	    (track__grown(track, TRACK_READ_CHARS) || track__grown(track, TRACK_WRITE_CHARS)))
		ticks->since_ns = 0;
	return 0;
}

/* The wait graph says more of it. */
static bool stands_still(const struct track *track)
{
	const struct stand *stand = track__has_room(track, &detector_graph);

	return stand && (stand->stuck || stand->finding);
}

static void put_evidence(struct text *text, const struct track *track, const struct ticks *ticks,
			 const struct model_row *row, uint64_t end_ns)
{
	char lasted[FORMAT_SIZE], used[FORMAT_SIZE], wakes[FORMAT_SIZE];

	text__process(text, row);
	text__printf(
		text,
		" has got on with nothing for %s: its %llu threads woke %s times and used %s of CPU, it read, wrote and "
		"started nothing, and its first thread waits for another one",
		format__duration(lasted, end_ns - ticks->since_ns), (unsigned long long)track->figure[TRACK_THREADS],
		format__count(wakes, wakes_of(track) - ticks->wakes),
		format__duration(used, track->figure[TRACK_CPU] - ticks->cpu_ns));
}

/* Not of what ends by itself, or that its own run ends. */
static int judge(struct verdicts *verdicts, struct track *track, const struct model_row *row)
{
	const struct ticks *ticks = track ? track__has_room(track, &detector_ticks) : NULL;
	uint64_t end_ns = EVENT_IS_NULL(row->ended_ns) ? row->run->last_ts : row->ended_ns;
	uint64_t after = verdict_run__limit(verdicts, row->run, VERDICT_HANG)->after, seconds;
	bool lives = row->outcome == MODEL_RUNNING;
	struct draft draft;

	if (!ticks || !ticks->since_ns || end_ns < ticks->since_ns + after || stands_still(track) ||
	    (!lives && !ended__outside(verdicts, row)) || ended__others_got_on(verdicts, track, true) + after > end_ns)
		return 0;
	seconds = (end_ns - ticks->since_ns) / 1000000000 + 1;
	if (wakes_of(track) - ticks->wakes > WAKES_PER_SECOND * seconds * track->figure[TRACK_THREADS])
		return 0;
	draft = draft__new(VERDICT_HANG, VERDICT_SUSPECTED, row);
	draft.since_ns = ticks->since_ns;
	put_evidence(&draft.evidence, track, ticks, row, end_ns);
	text__printf(&draft.refute, "a server that waits for clients, or a program that sleeps: they look the same");
	text__printf(&draft.next, "what do its threads wait for? ");
	if (lives && row->run->life == STREAM_RUNNING)
		text__printf(&draft.next, "jstack %u, gdb -p %u -batch -ex 'thread apply all bt'", row->pid, row->pid);
	else
		text__printf(
			&draft.next,
			"It has ended; when it waits again: jstack PID, gdb -p PID -batch -ex 'thread apply all bt'");
	text__printf(&draft.missing, "in which calls its other threads wait");
	return draft__add(verdicts, &draft);
}

static const struct detector_role roles[] = {
	{"cpu", "sample", take_sample, {"syscall"}},
	{.stream = NULL},
};

const struct detector detector_ticks = {
	.index = DETECT_TICKS,
	.about =
		{
			.kinds = "hang",
			.needs = "lifecycle.fork, cpu.sample.syscall, io.sample",
			.certainty = "suspected: a server without clients looks the same",
			.text = "a process of several threads of which only timers tick, as a JVM whose threads wait for each other",
		},
	.room = sizeof(struct ticks),
	.roles = roles,
	.sampled = sampled,
	.row = judge,
};
