/* SPDX-License-Identifier: BSD-2-Clause */
/* Events from the ring buffers to disk, and lost events. */
#include "core/daemon/daemon.h"

#include <string.h>

#include "core/base/base.h"
#include "core/bpf/bpf.h"
#include "core/daemon/loop.h"
#include "core/daemon/run.h"
#include "core/log.h"

/* From the wakeup for the first event to the drain, to batch events. */
#define DRAIN_NS 50000000ull
#define MISSES_NS 1000000000ull /* between two reads of the recursion misses */

void drain__event(void *arg, struct probe_unit *unit, const struct event *event, size_t size)
{
	struct collector *c = arg;
	struct run *run = runs__find(c, event->run);

	if (!run) {
		/* The note of a run that a rule has just started may be pending. */
		runs__notes(c);
		run = runs__find(c, event->run);
	}
	if (run)
		stream_writer__event(run->writers[unit->index], event, size);
}

static void on_loss(void *arg, struct probe_unit *unit, int kind, uint64_t count, const char *cause)
{
	struct collector *c = arg;

	for (struct run *run = c->runs; run; run = run->next)
		stream_writer__lost(run->writers[unit->index], count, run->losses_read_at, kind, cause);
}

/* Lost events of processes that had no room in the scope map. */
static void refused_losses(struct collector *c)
{
	for (int what = 0; what < SCOPE_REFUSED_COUNTS; what++) {
		uint64_t lost = scope__refused(c->scope, what) - c->refused_seen[what];

		c->refused_seen[what] += lost;
		for (size_t i = 0; lost && i < probes__count(c->probes); i++) {
			struct probe_unit *unit = probes__unit(c->probes, i);
			int kind = probe_unit__role(unit, SCHEMA_FORK + what);

			if (kind >= 0)
				on_loss(c, unit, kind, lost, "scope_full");
		}
	}
}

/* A process that is neither in the scope map nor among the refused is missing in every stream, and so may be the run of
 * a skipped exec. Of a child that entered the scope at its exec, only the fork is missing. */
static void scope_losses(struct collector *c, bool misses)
{
	uint64_t missed = misses ? scope__new_misses(c->scope) : 0;
	uint64_t full = scope__full(c->scope) - c->full_seen, adopted = scope__adopted(c->scope) - c->adopted_seen;

	c->full_seen += full;
	c->adopted_seen += adopted;
	for (size_t i = 0; i < probes__count(c->probes); i++) {
		struct probe_unit *unit = probes__unit(c->probes, i);
		int fork = probe_unit__role(unit, SCHEMA_FORK), exit = probe_unit__role(unit, SCHEMA_EXIT);
		uint64_t unreported = exit < 0 ? 0 : scope__unreported(c->scope, unit->slot) - unit->unreported_seen;

		unit->unreported_seen += unreported;
		if (full)
			on_loss(c, unit, -1, full, "scope_full");
		if (missed)
			on_loss(c, unit, -1, missed, "recursion");
		if (adopted && fork >= 0)
			on_loss(c, unit, fork, adopted, "unseen");
		if (unreported)
			on_loss(c, unit, exit, unreported, "unseen");
	}
}

void drain__losses(struct collector *c, bool misses)
{
	uint64_t now = clock__boot();

	for (size_t i = 0; i < probes__count(c->probes); i++)
		probe_unit__losses(probes__unit(c->probes, i), misses, on_loss, c);
	scope_losses(c, misses);
	refused_losses(c);
	for (struct run *run = c->runs; run; run = run->next)
		run->losses_read_at = now;
}

void drain__all(struct collector *c)
{
	uint64_t now = clock__boot();
	bool misses = now - c->misses_read_at >= MISSES_NS || runs__over(c);

	runs__notes(c);
	for (size_t i = 0; i < probes__count(c->probes); i++)
		probe_unit__drain(probes__unit(c->probes, i));
	drain__losses(c, misses);
	if (misses)
		c->misses_read_at = now;
	for (struct run *run = c->runs; run; run = run->next) {
		int err = run__flush(run);

		if (err && !c->disk_error) {
			c->disk_error = err;
			log__error("%s: cannot write: %s; continuing, events not written are counted as lost",
				   run->path, strerror(-err));
		}
	}
	runs__end_over(c);
}

void drain__on_drain(void *arg)
{
	struct collector *c = arg;

	c->draining = false;
	/* An exit that was missed is likely near others that were not: sweep soon. */
	runs__sweep_later(c);
	for (size_t i = 0; i < probes__count(c->probes); i++)
		c->rings[i].woken = false;
	drain__all(c);
}

static void drain_soon(struct collector *c)
{
	if (c->draining)
		return;
	c->draining = true;
	loop__arm(c->drain_timer, DRAIN_NS, 0);
}

/* The first wakeup starts the timer. A second one before the drain means that the ring buffer fills up. */
void drain__on_ring(void *arg)
{
	struct ring *ring = arg;

	if (ring->woken)
		drain__all(ring->collector);
	ring->woken = true;
	drain_soon(ring->collector);
}

void drain__on_sample(void *arg)
{
	struct ring *ring = arg;

	probe_unit__sample(ring->unit);
	drain_soon(ring->collector);
}

void drain__on_scope_ring(void *arg)
{
	runs__notes(arg);
	if (runs__over(arg))
		drain__all(arg);
}
