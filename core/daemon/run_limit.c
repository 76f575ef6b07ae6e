/* SPDX-License-Identifier: BSD-2-Clause */
/* What a run does not record because of a limit: counted, and said by `lost` records at the place in time. A count that
 * still grows is written at intervals that double, so that the streams do not. */
#include "core/daemon/run.h"

#include "core/base/base.h"
#include "core/log.h"

#define FIRST_NS 1000000000ull /* from a limit to the first count of what is missing */

static void leave_out(struct run *run, size_t stream, uint64_t count, uint64_t since, int kind)
{
	struct run_left *left = &run->left[stream];
	bool first = !left->count && !left->unknown;

	if (EVENT_IS_NULL(count))
		left->unknown = true;
	else
		left->count += count;
	if (first || since < left->since)
		left->since = since;
	left->kind = first || left->kind == kind ? kind : -1;
}

uint64_t run__bytes(const struct run *run)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < run->writers_count; i++)
		bytes += stream_writer__size(run->writers[i]);
	return bytes > run->freed ? bytes - run->freed : 0;
}

static bool has_room(const struct run *run)
{
	return !run->limit || run__bytes(run) < run->limit;
}

static void check_size(struct run *run)
{
	if (has_room(run))
		return;
	run->limited = true;
	log__warn("%s: limits.run is reached: further events are counted as lost", run->path);
}

static bool is_limited(const struct run *run)
{
	return run->limited || run->suspended;
}

void run__event(struct run *run, size_t stream, const struct event *event, size_t size)
{
	if (is_limited(run)) {
		run->lost++;
		leave_out(run, stream, 1, event->ts, event->kind);
		return;
	}
	stream_writer__event(run->writers[stream], event, size);
	if (run->limit)
		check_size(run);
}

void run__lost(struct run *run, size_t stream, uint64_t count, uint64_t since, int kind, const char *cause)
{
	run->lost += EVENT_IS_NULL(count) ? 0 : count;
	if (is_limited(run))
		leave_out(run, stream, count, since, kind);
	else
		stream_writer__lost(run->writers[stream], count, since, kind, cause);
}

static void report(struct run *run, size_t stream)
{
	struct run_left *left = &run->left[stream];

	if (left->count)
		stream_writer__lost(run->writers[stream], left->count, left->since, left->kind, "limit");
	if (left->unknown)
		stream_writer__lost(run->writers[stream], EVENT_NULL(EVENT_REASON_LOST), left->since, left->kind,
				    "limit");
	*left = (struct run_left){0};
}

void run__report_left(struct run *run, bool all)
{
	uint64_t now = clock__boot();
	bool any = false;

	for (size_t i = 0; i < run->writers_count; i++)
		any = any || run->left[i].count || run->left[i].unknown;
	if (!any)
		return;
	if (!run->left_wait) {
		run->left_wait = FIRST_NS;
		run->left_due = now + FIRST_NS;
	}
	if (!all && now < run->left_due)
		return;
	for (size_t i = 0; i < run->writers_count; i++)
		report(run, i);
	run->left_due = now + run->left_wait;
	run->left_wait *= 2;
}

static void go_on(struct run *run)
{
	run__report_left(run, true);
	run->left_wait = 0;
}

void run__limit(struct run *run, uint64_t bytes)
{
	run->limit = bytes;
	if (!run->limited || !has_room(run))
		return;
	run->limited = false;
	if (!run->suspended)
		go_on(run);
}

uint64_t run__needs_space(const struct run *run)
{
	uint64_t bytes = run->limit && run->segment ? run__bytes(run) : 0;

	return bytes > run->limit / 4 * 3 ? bytes - run->limit / 2 : 0;
}

void run__freed(struct run *run, uint64_t bytes)
{
	run->freed += bytes;
	run__limit(run, run->limit);
}

void run__suspend(struct run *run, bool on)
{
	run->suspended = on;
	if (!on)
		go_on(run);
}
