/* SPDX-License-Identifier: BSD-2-Clause */
/* The end of a run: the keeper says that the command has exited or a signal arrived, or a sweep finds processes whose
 * exit was never seen. */
#include "core/daemon/recorder.h"

#include "core/bpf/bpf.h"
#include "core/config/config.h"
#include "core/daemon/channel.h"
#include "core/daemon/loop.h"
#include "core/daemon/run.h"
#include "core/log.h"

#define SWEEP_ENDING_NS 100000000ull

/* Writes the provisional events of a process; a probe that did not report its exit has lost that event. */
static void on_gone(void *arg, const struct scope_key *key, const struct scope_entry *w)
{
	struct recorder *r = arg;
	struct run *run = runs__find(r, w->run);

	for (size_t i = 0; i < probes__count(r->probes); i++) {
		struct probe_unit *unit = probes__unit(r->probes, i);
		int exit = probe_unit__role(unit, SCHEMA_EXIT);
		unsigned report = exit < 0 ? SCOPE_REPORTED : w->reported[unit->slot];

		probe_unit__settle(unit, key->pid, key->start);
		if (run && report != SCOPE_REPORTED)
			run__lost(run, unit->index, 1, run->losses_read_at, exit,
				  report == SCOPE_NO_ROOM ? "ring_full" : "unseen");
	}
	if (run)
		run->swept++;
}

void exit__on_sweep(void *arg)
{
	struct recorder *r = arg;
	int gone = scope__sweep(r->scope, r->ending ? 2 * SWEEP_ENDING_NS : RUNS_SWEEP_NS, on_gone, r);

	if (!r->ending) {
		r->sweeping = false;
		if (scope__missing(r->scope))
			runs__sweep_later(r);
	}
	if (gone < 0)
		return;
	/* Even if none was removed: the note that a run is empty may have been lost in a full ring buffer. */
	for (struct run *run = r->runs; run; run = run->next)
		runs__empty(r, run->number);
	if (runs__over(r))
		drain__all(r);
}

void exit__on_grace(void *arg)
{
	struct recorder *r = arg;
	struct run *run = runs__find(r, RUN_FIRST);
	uint64_t alive = run ? scope__alive(r->scope, RUN_FIRST) - run->swept : 0;

	if (alive)
		log__info("%llu processes of the run still exist; not waiting any longer (run.grace)",
			  (unsigned long long)alive);
	loop__stop(r->loop);
}

static void on_command_ended(struct recorder *r)
{
	struct run *run = runs__find(r, RUN_FIRST);

	if (r->ending)
		return;
	r->ending = true;
	if (!r->conf->run.grace || (run && runs__is_empty(r, run))) {
		exit__on_grace(r);
		return;
	}
	loop__arm(r->grace_timer, r->conf->run.grace, 0);
	r->sweeping = true;
	loop__arm(r->sweep_timer, SWEEP_ENDING_NS, SWEEP_ENDING_NS);
}

/* Nothing waits for the command any more, or says when to end. */
static void on_keeper_ended(struct recorder *r)
{
	if (!r->orphaned)
		log__error("the process that started the recorder was killed: the record ends here");
	r->orphaned = true;
	loop__stop(r->loop);
}

void exit__notified(struct recorder *r, struct channel_message *m)
{
	if (!m)
		on_keeper_ended(r);
	else if (m->kind == CHANNEL_ENDED)
		on_command_ended(r);
	else if (m->kind == CHANNEL_STOP)
		loop__stop(r->loop);
	else if (m->kind == CHANNEL_SUSPEND || m->kind == CHANNEL_RESUME)
		runs__suspend(r, m->kind == CHANNEL_SUSPEND);
	else if (m->kind == CHANNEL_RELOAD)
		recorder_reload__take(r, m);
	else if (m->kind == CHANNEL_ASK_STATE)
		recorder_state__send(r);
	else if (m->kind == CHANNEL_SEGMENT)
		runs__take_segment(r, m);
	else if (m->kind == CHANNEL_FREED)
		runs__take_space(r, m);
	if (!m || m->kind != CHANNEL_ANSWER)
		return;
	ask_keeper__answer(r, m);
	runs__drain_soon(r);
}

void exit__on_message(void *arg)
{
	ask__any(arg, 0);
}
