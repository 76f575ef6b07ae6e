/* SPDX-License-Identifier: BSD-2-Clause */
/* The end of a run: the command exits, a signal arrives, or a sweep finds processes whose exit was never seen. */
#include "core/daemon/daemon.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "core/bpf/bpf.h"
#include "core/config/config.h"
#include "core/daemon/loop.h"
#include "core/daemon/run.h"
#include "core/log.h"

#define SWEEP_ENDING_NS 100000000ull

/* Writes the provisional events of a process; a probe that did not report its exit has lost that event. */
static void on_gone(void *arg, const struct scope_key *key, const struct scope_entry *w)
{
	struct collector *c = arg;
	struct run *run = runs__find(c, w->run);

	for (size_t i = 0; i < probes__count(c->probes); i++) {
		struct probe_unit *unit = probes__unit(c->probes, i);
		int exit = probe_unit__role(unit, SCHEMA_EXIT);
		unsigned report = exit < 0 ? SCOPE_REPORTED : w->reported[unit->slot];

		probe_unit__settle(unit, key->pid, key->start);
		if (run && report != SCOPE_REPORTED)
			stream_writer__lost(run->writers[unit->index], 1, run->losses_read_at, exit,
					    report == SCOPE_NO_ROOM ? "ring_full" : "unseen");
	}
	if (run)
		run->swept++;
}

void exit__on_sweep(void *arg)
{
	struct collector *c = arg;
	int gone = scope__sweep(c->scope, c->ending ? 2 * SWEEP_ENDING_NS : RUNS_SWEEP_NS, on_gone, c);

	if (!c->ending) {
		c->sweeping = false;
		if (scope__missing(c->scope))
			runs__sweep_later(c);
	}
	if (gone < 0)
		return;
	/* Even if none was removed: the note that a run is empty may have been lost in a full ring buffer. */
	for (struct run *run = c->runs; run; run = run->next)
		runs__empty(c, run->number);
	if (runs__over(c))
		drain__all(c);
}

void exit__on_grace(void *arg)
{
	struct collector *c = arg;
	struct run *run = runs__find(c, RUN_FIRST);
	uint64_t alive = run ? scope__alive(c->scope, RUN_FIRST) - run->swept : 0;

	if (alive)
		log__info("%llu processes of the run still exist; not waiting any longer (run.grace)",
			  (unsigned long long)alive);
	loop__stop(c->loop);
}

static void on_command_ended(struct collector *c)
{
	struct run *run = runs__find(c, RUN_FIRST);

	c->ending = true;
	c->code = command__code(c->command.status);
	if (!c->conf->run.grace || (run && runs__is_empty(c, run))) {
		exit__on_grace(c);
		return;
	}
	loop__arm(c->grace_timer, c->conf->run.grace, 0);
	c->sweeping = true;
	loop__arm(c->sweep_timer, SWEEP_ENDING_NS, SWEEP_ENDING_NS);
}

void exit__on_signal(void *arg)
{
	struct signalfd_siginfo info;
	struct collector *c = arg;
	bool ends;

	if (read(c->signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGCHLD) {
		if (!c->ending && command__ended(&c->command))
			on_command_ended(c);
		return;
	}
	ends = info.ssi_signo == SIGINT || info.ssi_signo == SIGTERM;
	if (!c->opts->command || c->ending) {
		if (ends)
			loop__stop(c->loop);
		return;
	}
	/* The terminal sends its signals to the command itself. */
	if (info.ssi_code != SI_KERNEL)
		kill(c->command.pid, info.ssi_signo);
	if (ends && ++c->stop_signals > 1) {
		log__warn("second signal: exiting now; the command keeps running unwatched");
		c->code = 128 + info.ssi_signo;
		loop__stop(c->loop);
	}
}
