/* SPDX-License-Identifier: BSD-2-Clause */
/* The open runs: start and end. */
#include "core/daemon/daemon.h"

#include "core/base/base.h"
#include "core/bpf/bpf.h"
#include "core/config/config.h"
#include "core/daemon/loop.h"
#include "core/daemon/rules.h"
#include "core/daemon/run.h"
#include "core/log.h"

struct run *runs__find(struct collector *c, uint32_t number)
{
	struct run *run = c->runs;

	while (run && run->number != number)
		run = run->next;
	return run;
}

static void arm_samplers(struct collector *c, bool on)
{
	for (size_t i = 0; i < probes__count(c->probes); i++) {
		uint64_t ns = probes__unit(c->probes, i)->conf->interval;

		if (c->sample_timers[i] >= 0)
			loop__arm(c->sample_timers[i], on ? ns : 0, on ? ns : 0);
	}
}

int runs__open(struct collector *c, uint32_t number, const char *name)
{
	struct run_opts opts = {
		.output = c->opts->output,
		.name = name,
		.number = number,
		.tags = (const char *const *)c->shown_tags,
		.command = (const char *const *)c->shown_command,
		.uid = c->owner ? c->owner->pw_uid : (uid_t)-1,
		.gid = c->owner ? c->owner->pw_gid : (gid_t)-1,
		.streams = c->streams,
		.streams_count = probes__count(c->probes),
	};
	struct error error;
	struct run *run;
	int err = run__open(&run, &opts, &error);

	if (err) {
		log__error("%s", error.text);
		return err;
	}
	if (!c->runs)
		arm_samplers(c, true);
	run->losses_read_at = clock__boot();
	run->next = c->runs;
	c->runs = run;
	return 0;
}

void runs__end(struct collector *c, struct run *run)
{
	struct run **link = &c->runs;
	uint32_t number = run->number;
	int err;

	while (*link != run)
		link = &(*link)->next;
	*link = run->next;
	err = run__close(run, &c->dropped);
	if (err && !c->disk_error)
		c->disk_error = err;
	scope__forget_run(c->scope, number);
	if (!c->runs)
		arm_samplers(c, false);
}

bool runs__is_empty(struct collector *c, const struct run *run)
{
	return scope__alive(c->scope, run->number) <= run->swept;
}

/* A run of the daemon ends with its last process, except that of `all`; the run of a command or of --pid ends the
 * loop. Only marks it as over: this may be called while a ring buffer is being drained. */
void runs__empty(struct collector *c, uint32_t number)
{
	bool daemon = !c->opts->command && !c->opts->pids_count;
	struct run *run = runs__find(c, number);

	if (!run || !runs__is_empty(c, run))
		return;
	if (daemon)
		run->over = number != RUN_FIRST;
	else if (c->ending || !c->opts->command)
		loop__stop(c->loop);
}

bool runs__over(const struct collector *c)
{
	for (const struct run *run = c->runs; run; run = run->next)
		if (run->over)
			return true;
	return false;
}

void runs__end_over(struct collector *c)
{
	struct run *run, *next;

	for (run = c->runs; run; run = next) {
		next = run->next;
		if (!run->over)
			continue;
		log__info("run %s: ended", run->id);
		runs__end(c, run);
	}
}

static void on_note(void *arg, const struct scope_note *note)
{
	struct collector *c = arg;

	if (note->kind == SCOPE_NOTE_EMPTY) {
		runs__empty(c, note->run);
	} else if (note->kind == SCOPE_NOTE_ENTER) {
		if (!rules__match(c->conf, note) || runs__open(c, note->run, c->conf->run.name))
			scope__forget_run(c->scope, note->run);
		else
			log__info("run %s: started by PID %u", c->runs->id, note->key.pid);
	}
}

void runs__notes(struct collector *c)
{
	scope__notes(c->scope, on_note, c);
}

void runs__sweep_later(struct collector *c)
{
	if (c->sweeping)
		return;
	c->sweeping = true;
	loop__arm(c->sweep_timer, RUNS_SWEEP_NS, 0);
}
