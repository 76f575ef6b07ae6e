/* SPDX-License-Identifier: BSD-2-Clause */
/* Events from the ring buffers to disk, and lost events. */
#include "core/daemon/recorder.h"

#include <string.h>

#include "core/base/base.h"
#include "core/bpf/bpf.h"
#include "core/config/config.h"
#include "core/daemon/loop.h"
#include "core/daemon/run.h"
#include "core/log.h"

#define HURRY_NS 5000000ull	/* at least, between two drains, so that they stay batches */
#define MARKS 3			/* of a run at most, in the time that an event may take to a follower */
#define MISSES_NS 1000000000ull /* between two reads of the recursion misses */

void drain__event(void *arg, struct probe_unit *unit, const struct event *event, size_t size)
{
	struct recorder *r = arg;
	struct run *run = runs__find(r, event->run);

	if (!run) {
		/* The note of a run that a rule has just started may be pending. */
		runs__notes(r);
		run = runs__find(r, event->run);
	}
	if (run)
		run__event(run, unit->index, event, size);
}

static void on_loss(void *arg, struct probe_unit *unit, int kind, uint64_t count, const char *cause)
{
	struct recorder *r = arg;

	for (struct run *run = r->runs; run; run = run->next)
		run__lost(run, unit->index, count, run->losses_read_at, kind, cause);
}

/* Lost events of processes that had no room in the scope map. */
static void refused_losses(struct recorder *r)
{
	for (int what = 0; what < SCOPE_REFUSED_COUNTS; what++) {
		uint64_t lost = scope__refused(r->scope, what) - r->refused_seen[what];

		r->refused_seen[what] += lost;
		for (size_t i = 0; lost && i < probes__count(r->probes); i++) {
			struct probe_unit *unit = probes__unit(r->probes, i);
			int kind = probe_unit__role(unit, SCHEMA_FORK + what);

			if (kind >= 0)
				on_loss(r, unit, kind, lost, "scope_full");
		}
	}
}

/* A process that is neither in the scope map nor among the refused is missing in every stream, and so may be the run of
 * a skipped exec. Of a child that entered the scope at its exec, only the fork is missing. */
static void scope_losses(struct recorder *r, bool misses)
{
	uint64_t missed = misses ? scope__new_misses(r->scope) : 0;
	uint64_t full = scope__full(r->scope) - r->full_seen, adopted = scope__adopted(r->scope) - r->adopted_seen;

	r->full_seen += full;
	r->adopted_seen += adopted;
	for (size_t i = 0; i < probes__count(r->probes); i++) {
		struct probe_unit *unit = probes__unit(r->probes, i);
		int fork = probe_unit__role(unit, SCHEMA_FORK), exit = probe_unit__role(unit, SCHEMA_EXIT);
		uint64_t unreported = exit < 0 ? 0 : scope__unreported(r->scope, unit->slot) - unit->unreported_seen;

		unit->unreported_seen += unreported;
		if (full)
			on_loss(r, unit, -1, full, "scope_full");
		if (missed)
			on_loss(r, unit, -1, missed, "recursion");
		if (adopted && fork >= 0)
			on_loss(r, unit, fork, adopted, "unseen");
		if (unreported)
			on_loss(r, unit, exit, unreported, "unseen");
	}
}

void drain__losses(struct recorder *r, bool misses)
{
	uint64_t now = clock__boot();

	for (size_t i = 0; i < probes__count(r->probes); i++)
		probe_unit__losses(probes__unit(r->probes, i), misses, on_loss, r);
	scope_losses(r, misses);
	refused_losses(r);
	for (struct run *run = r->runs; run; run = run->next)
		run->losses_read_at = now;
}

/* Another drain, after which the streams are marked up to the last event that is written now. */
static void mark_later(struct recorder *r)
{
	if (r->marking)
		return;
	r->marking = true;
	loop__arm(r->mark_timer, r->conf->run.latency / MARKS, 0);
}

/* A follower that reads an exec is to know already what was asked because of it: what its file begins with, which job it is. */
static void set_reached(const struct recorder *r, struct run *run, uint64_t until)
{
	for (size_t i = 0; i < run->writers_count; i++)
		stream_writer__reached(run->writers[i], ask_keeper__reached(r, run->number, i, until));
}

void drain__all(struct recorder *r)
{
	uint64_t now = clock__boot();
	bool misses = now - r->misses_read_at >= MISSES_NS || runs__over(r);

	runs__notes(r);
	ask_keeper__expire(r);
	for (size_t i = 0; i < probes__count(r->probes); i++) {
		r->rings[i].woken = false;
		probe_unit__drain(probes__unit(r->probes, i));
	}
	drain__losses(r, misses);
	if (misses)
		r->misses_read_at = now;
	if (r->conf->limits.segment)
		runs__synced(r);
	for (struct run *run = r->runs; run; run = run->next) {
		int err;

		set_reached(r, run, now - RUNS_PENDING_NS);
		err = run__flush(run, r->conf->run.latency / MARKS);
		if (err)
			runs__failed_write(r, run, err);
		if (run__lacks_mark(run))
			mark_later(r);
		runs__ask_segments(r, run);
		runs__ask_space(r, run);
		if (run__is_new(run))
			runs__sync_later(r);
	}
	r->drained_at = clock__boot();
	runs__end_over(r, now);
}

void drain__on_drain(void *arg)
{
	struct recorder *r = arg;

	r->draining = false;
	/* An exit that was missed is likely near others that were not: sweep soon. */
	runs__sweep_later(r);
	drain__all(r);
}

void drain__on_mark(void *arg)
{
	struct recorder *r = arg;

	r->marking = false;
	drain__all(r);
}

/* The first wakeup starts the timer. A second one before the drain means that the ring buffer fills up; soon after a
 * drain it can also be about an event that this drain has taken. */
void drain__on_ring(void *arg)
{
	struct ring *ring = arg;

	if (ring->woken && clock__boot() - ring->recorder->drained_at >= HURRY_NS) {
		drain__all(ring->recorder);
		return;
	}
	ring->woken = true;
	runs__drain_soon(ring->recorder);
}

void drain__on_sample(void *arg)
{
	struct ring *ring = arg;

	probe_unit__sample(ring->unit);
	runs__drain_soon(ring->recorder);
}

void drain__on_scope_ring(void *arg)
{
	runs__notes(arg);
	if (runs__over(arg))
		runs__drain_soon(arg);
}
