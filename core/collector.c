/* SPDX-License-Identifier: BSD-2-Clause */
/* The daemon: the stages in their order, and the loop in which everything meets. */
#include "core/collector.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/bpf.h"
#include "core/caps.h"
#include "core/clock.h"
#include "core/command.h"
#include "core/conf.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/probes.h"
#include "core/redact.h"
#include "core/rules.h"
#include "core/run.h"
#include "core/scope.h"

#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#define CAP_BPF 39
#endif

#define MS 1000000ull
#define SEC 1000000000ull

/* The kernel wakes us for the first event; what comes in this time is taken along. */
#define DRAIN_NS (50 * MS)
#define SWEEP_ENDING_NS (100 * MS)
#define SWEEP_NS (10 * SEC)
#define RUN_FIRST 1 /* number of the run that we start ourselves */

/* One probe's ring, as the loop sees it. */
struct ring {
	struct collector *collector;
	struct probe_unit *unit;
	bool woken; /* since the last drain */
};

struct collector {
	const struct collector_opts *opts;
	const struct conf *conf;
	const struct passwd *user;  /* --user */
	const struct passwd *owner; /* of the run's folder, and of the summary's process */
	struct loop *loop;
	struct scope *scope;
	struct probes *probes;
	struct stream_writer_opts *streams;
	struct run *runs;
	struct command command;
	struct command *reports; /* one per sink that is fed at the end */
	size_t reports_count;
	char path[COMMAND_PATH]; /* of the command */
	sigset_t mask; /* as we found it */
	int signals;   /* signalfd */
	int drain_timer, sweep_timer, grace_timer;
	struct ring *rings; /* per probe */
	int *sample_timers; /* per probe; -1: takes no samples */
	bool draining;	    /* the drain timer is armed */
	bool sweeping;	    /* the sweep timer is */
	bool ending;	    /* the command has ended: descendants are waited for */
	bool misses_asked;
	unsigned asked;	  /* times that somebody asked us to end */
	uint64_t misses_at; /* when recursion misses were last asked for */
	uint64_t full_seen, adopted_seen;
	uint64_t dropped; /* events no disk took */
	int disk_error;
	int code;
};

static struct run *find_run(struct collector *c, uint32_t number)
{
	struct run *run = c->runs;

	while (run && run->number != number)
		run = run->next;
	return run;
}

/* ---- events on their way to disk ---- */

static void take_notes(struct collector *c);

static void on_event(void *arg, struct probe_unit *unit, const struct event *event, size_t size)
{
	struct collector *c = arg;
	struct run *run = find_run(c, event->run);

	if (!run) {
		/* A run that a rule has just opened: its note may still wait. */
		take_notes(c);
		run = find_run(c, event->run);
	}
	if (run)
		stream_writer__event(run->writers[unit->index], event, size);
}

static void on_loss(void *arg, struct probe_unit *unit, int kind, uint64_t count, const char *cause)
{
	struct collector *c = arg;

	for (struct run *run = c->runs; run; run = run->next)
		stream_writer__lost(run->writers[unit->index], count, run->looked, kind, cause);
}

/* The kind of a probe's event by its name, or -1. */
static int kind_of(const struct probe *probe, const char *name)
{
	for (size_t i = 0; i < probe->events_count; i++)
		if (probe->events[i].name && !strcmp(probe->events[i].name, name))
			return i;
	return -1;
}

/* Processes that found no room in the scope are missing in every stream; of those that entered late, as
 * children of watched ones, only the fork is. */
static void scope_losses(struct collector *c)
{
	uint64_t full = scope__full(c->scope) - c->full_seen, adopted = scope__adopted(c->scope) - c->adopted_seen;

	c->full_seen += full;
	c->adopted_seen += adopted;
	for (size_t i = 0; (full || adopted) && i < probes__count(c->probes); i++) {
		struct probe_unit *unit = probes__unit(c->probes, i);
		int fork_kind = kind_of(unit->probe, "fork");

		if (full)
			on_loss(c, unit, -1, full, "scope_full");
		if (adopted && fork_kind >= 0)
			on_loss(c, unit, fork_kind, adopted, "unseen");
	}
}

static void take_losses(struct collector *c, bool misses)
{
	uint64_t now = clock__boot();

	for (size_t i = 0; i < probes__count(c->probes); i++)
		probe_unit__losses(probes__unit(c->probes, i), misses, on_loss, c);
	scope_losses(c);
	for (struct run *run = c->runs; run; run = run->next)
		run->looked = now;
}

/* Everything that waits goes to disk. */
static void drain(struct collector *c)
{
	uint64_t now = clock__boot();
	bool misses = now - c->misses_at >= SEC;

	take_notes(c);
	for (size_t i = 0; i < probes__count(c->probes); i++)
		probe_unit__drain(probes__unit(c->probes, i));
	take_losses(c, misses);
	if (misses)
		c->misses_at = now;
	for (struct run *run = c->runs; run; run = run->next) {
		int err = run__flush(run);

		if (err && !c->disk_error) {
			c->disk_error = err;
			log__error("%s: cannot write: %s; what is not written is counted, the pipeline goes on", run->path,
				   strerror(-err));
		}
	}
}

static void sweep_later(struct collector *c)
{
	if (c->sweeping)
		return;
	c->sweeping = true;
	loop__arm(c->sweep_timer, SWEEP_NS, 0);
}

static void on_drain(void *arg)
{
	struct collector *c = arg;

	c->draining = false;
	/* An end that the kernel does not tell is near others that it does. */
	sweep_later(c);
	for (size_t i = 0; i < probes__count(c->probes); i++)
		c->rings[i].woken = false;
	drain(c);
}

static void drain_soon(struct collector *c)
{
	if (c->draining)
		return;
	c->draining = true;
	loop__arm(c->drain_timer, DRAIN_NS, 0);
}

/* The first wakeup starts the clock. Another one of the same ring means that it fills up. */
static void on_ring(void *arg)
{
	struct ring *ring = arg;

	if (ring->woken)
		drain(ring->collector);
	ring->woken = true;
	drain_soon(ring->collector);
}

static void on_sample(void *arg)
{
	struct ring *ring = arg;

	probe_unit__sample(ring->unit);
	drain_soon(ring->collector);
}

/* ---- runs ---- */

static void arm_samplers(struct collector *c, bool on)
{
	for (size_t i = 0; i < probes__count(c->probes); i++) {
		uint64_t ns = probes__unit(c->probes, i)->conf->interval;

		if (c->sample_timers[i] >= 0)
			loop__arm(c->sample_timers[i], on ? ns : 0, on ? ns : 0);
	}
}

static int open_run(struct collector *c, uint32_t number, const char *name)
{
	struct run_opts opts = {
		.output = c->opts->output,
		.name = name,
		.number = number,
		.tags = (const char *const *)c->conf->run.tags.items,
		.command = (const char *const *)c->opts->command,
		.uid = c->owner ? c->owner->pw_uid : (uid_t)-1,
		.gid = c->owner ? c->owner->pw_gid : (gid_t)-1,
		.streams = c->streams,
		.streams_count = probes__count(c->probes),
	};
	char why[1024];
	struct run *run;
	int err = run__open(&run, &opts, why, sizeof(why));

	if (err) {
		log__error("%s", why);
		return err;
	}
	if (!c->runs)
		arm_samplers(c, true);
	run->looked = clock__boot();
	run->next = c->runs;
	c->runs = run;
	return 0;
}

static void end_run(struct collector *c, struct run *run)
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

static bool is_empty(struct collector *c, const struct run *run)
{
	return scope__alive(c->scope, run->number) <= run->swept;
}

/* A run of the daemon ends with its last process; ours ends the loop. */
static void on_empty(struct collector *c, uint32_t number)
{
	struct run *run = find_run(c, number);

	if (!run || !is_empty(c, run))
		return;
	if (number & WATCH_RUN_RULE) {
		for (size_t i = 0; i < probes__count(c->probes); i++)
			probe_unit__drain(probes__unit(c->probes, i));
		take_losses(c, true);
		log__info("run %s: ended", run->id);
		end_run(c, run);
	} else if (c->ending || !c->opts->command) {
		loop__stop(c->loop);
	}
}

static void on_note(void *arg, const struct watch_note *note)
{
	struct collector *c = arg;

	if (note->kind == WATCH_NOTE_EMPTY) {
		on_empty(c, note->run);
	} else if (note->kind == WATCH_NOTE_ENTER) {
		if (!rules__match(c->conf, note) || open_run(c, note->run, c->conf->run.name))
			scope__forget_run(c->scope, note->run);
		else
			log__info("run %s: pid %u started it", c->runs->id, note->key.pid);
	}
}

static void take_notes(struct collector *c)
{
	scope__notes(c->scope, on_note, c);
}

static void on_scope_ring(void *arg)
{
	take_notes(arg);
}

/* ---- the end of processes that the kernel did not tell of, and of the command ---- */

static void on_gone(void *arg, const struct watch_key *key, uint32_t number)
{
	struct collector *c = arg;
	struct run *run = find_run(c, number);

	for (size_t i = 0; i < probes__count(c->probes); i++)
		probe_unit__settle(probes__unit(c->probes, i), key->pid, key->start);
	if (run)
		run->swept++;
}

static void on_sweep(void *arg)
{
	struct collector *c = arg;
	struct run *run, *next;
	int gone = scope__sweep(c->scope, c->ending ? 2 * SWEEP_ENDING_NS : SWEEP_NS, on_gone, c);

	if (!c->ending) {
		c->sweeping = false;
		if (scope__missing(c->scope))
			sweep_later(c);
	}
	if (gone <= 0)
		return;
	for (run = c->runs; run; run = next) {
		next = run->next;
		on_empty(c, run->number);
	}
}

static void on_grace(void *arg)
{
	struct collector *c = arg;
	struct run *run = find_run(c, RUN_FIRST);
	uint64_t alive = run ? scope__alive(c->scope, RUN_FIRST) - run->swept : 0;

	if (alive)
		log__info("%llu of its processes are still there; they are not waited for any longer (run.grace)",
			  (unsigned long long)alive);
	loop__stop(c->loop);
}

static void on_command_ended(struct collector *c)
{
	struct run *run = find_run(c, RUN_FIRST);

	c->ending = true;
	c->code = command__code(c->command.status);
	if (!c->conf->run.grace || (run && is_empty(c, run))) {
		on_grace(c);
		return;
	}
	loop__arm(c->grace_timer, c->conf->run.grace, 0);
	c->sweeping = true;
	loop__arm(c->sweep_timer, SWEEP_ENDING_NS, SWEEP_ENDING_NS);
}

static void on_signal(void *arg)
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
	/* What the terminal sends, it sends to the command as well. */
	if (info.ssi_code != SI_KERNEL)
		kill(c->command.pid, info.ssi_signo);
	if (ends && ++c->asked > 1) {
		log__warn("asked twice: not waiting for the command, which goes on unwatched");
		c->code = 128 + info.ssi_signo;
		loop__stop(c->loop);
	}
}

/* ---- the stages ---- */

/* Everything that can be known to fail before anything is started. 0 or the exit code. */
static int check(struct collector *c)
{
	const struct collector_opts *opts = c->opts;
	uint64_t needed = 1ULL << CAP_BPF | 1ULL << CAP_PERFMON;
	const char *unusable;
	char why[1024];
	int code;

	if (opts->user) {
		c->user = getpwnam(opts->user);
		if (!c->user) {
			log__error("--user: there is no user \"%s\"", opts->user);
			return 2;
		}
		needed |= 1ULL << CAP_SETUID | 1ULL << CAP_SETGID | 1ULL << CAP_CHOWN | 1ULL << CAP_KILL;
	}
	for (size_t i = 0; i < c->conf->probes_count; i++)
		needed |= c->conf->probes[i].probe->capabilities;
	if (caps__check(needed, why, sizeof(why))) {
		log__error("%s", why);
		return COMMAND_FAILED;
	}
	unusable = bpf__unusable();
	if (unusable) {
		log__error("%s", unusable);
		return COMMAND_FAILED;
	}
	if (run__check_output(opts->output, why, sizeof(why))) {
		log__error("%s", why);
		return COMMAND_FAILED;
	}
	code = opts->command ? command__find(opts->command[0], c->path) : 0;
	if (code)
		log__error("%s: %s", opts->command[0],
			   code == COMMAND_NOT_FOUND ? "command not found" : "cannot be executed (no permission, or a folder)");
	return code;
}

/* Who called sudo owns the run: he is to read it without root. */
static void find_owner(struct collector *c)
{
	const char *uid = getenv("SUDO_UID");

	c->owner = c->user;
	if (!c->owner && uid && !geteuid() && strtoul(uid, NULL, 10))
		c->owner = getpwuid(strtoul(uid, NULL, 10));
}

static int prepare_streams(struct collector *c)
{
	size_t n = probes__count(c->probes);

	c->streams = calloc(n + 1, sizeof(*c->streams));
	c->rings = calloc(n + 1, sizeof(*c->rings));
	c->sample_timers = calloc(n + 1, sizeof(*c->sample_timers));
	if (!c->streams || !c->rings || !c->sample_timers)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct probe_unit *unit = probes__unit(c->probes, i);

		c->streams[i] = (struct stream_writer_opts){
			.stream = unit->probe->name,
			.help = unit->probe->help,
			.events = unit->probe->events,
			.events_count = unit->probe->events_count,
			.abi = unit->probe->abi,
			.interval_ns = unit->conf->interval,
			.unavailable = unit->probe->unavailable ? unit->probe->unavailable(unit->state) : NULL,
			.filter = c->opts->redact ? redact__text : NULL,
			.filter_arg = c->opts->redact,
		};
	}
	return 0;
}

static int start_bpf(struct collector *c)
{
	struct scope_opts scope = {
		.max_processes = c->conf->run.max_processes,
		.all_run = c->opts->command || c->opts->pids_count ? 0 : rules__all(c->conf) ? RUN_FIRST : 0,
		.rule_kinds = c->opts->command || c->opts->pids_count ? 0 : rules__kinds(c->conf),
	};
	int err = scope__open(&c->scope, &scope);

	if (!err)
		err = probes__open(&c->probes, c->conf->probes, c->conf->probes_count, scope__map_fd(c->scope), on_event,
				   c);
	if (!err)
		err = scope__attach_first(c->scope);
	if (!err)
		err = probes__attach(c->probes);
	if (!err)
		err = scope__attach_last(c->scope);
	return err ? err : prepare_streams(c);
}

static int start_loop(struct collector *c)
{
	int err;

	c->loop = loop__new();
	if (!c->loop)
		return -errno;
	c->drain_timer = loop__timer(c->loop, on_drain, c);
	c->sweep_timer = loop__timer(c->loop, on_sweep, c);
	c->grace_timer = loop__timer(c->loop, on_grace, c);
	if (c->drain_timer < 0 || c->sweep_timer < 0 || c->grace_timer < 0)
		return -EMFILE;
	err = loop__watch(c->loop, c->signals, false, on_signal, c);
	if (!err)
		err = loop__watch(c->loop, scope__ring_fd(c->scope), true, on_scope_ring, c);
	for (size_t i = 0; i < probes__count(c->probes) && !err; i++) {
		struct probe_unit *unit = probes__unit(c->probes, i);

		c->rings[i] = (struct ring){.collector = c, .unit = unit};
		err = loop__watch(c->loop, unit->bpf.ring_fd, true, on_ring, &c->rings[i]);
		c->sample_timers[i] = unit->conf->interval ? loop__timer(c->loop, on_sample, &c->rings[i]) : -1;
	}
	return err;
}

static int block_signals(struct collector *c)
{
	static const int taken[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGCHLD, SIGPIPE};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		sigaddset(&set, taken[i]);
	if (sigprocmask(SIG_BLOCK, &set, &c->mask))
		return -errno;
	/* SIGPIPE is blocked only so that a write says EPIPE. */
	sigdelset(&set, SIGPIPE);
	c->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return c->signals < 0 ? -errno : 0;
}

/* A process that will feed one sink with the run: unprivileged from its birth, held back until the end. The
 * summary goes to standard error, any other output into the run's folder. */
static void prepare_report(struct collector *c, const char *name, const char *options)
{
	bool summary = !strcmp(name, "summary");
	char *spec = NULL, *output = NULL;
	char *argv[] = {(char *)c->opts->reporter, "--quiet", "--plugin-dir", (char *)c->opts->plugin_dir, c->runs->path,
			"--sink", NULL, summary ? NULL : "--output", NULL, NULL};
	struct command_opts opts = {.path = argv[0], .argv = argv, .user = c->owner, .mask = &c->mask, .out = STDERR_FILENO};
	int err = -ENOMEM;

	if (asprintf(&spec, "%s%s%s", name, *options ? ":" : "", options) >= 0 &&
	    asprintf(&output, "%s/merged.%s", c->runs->path, name) >= 0) {
		argv[6] = spec;
		if (!summary)
			argv[8] = output;
		err = command__fork(&c->reports[c->reports_count], &opts);
	}
	if (err)
		log__warn("%s will not be fed at the end: %s", name, strerror(-err));
	else
		c->reports_count++;
	free(output);
	free(spec);
}

static int prepare_reports(struct collector *c)
{
	const struct conf *conf = c->conf;

	c->reports = calloc(conf->sinks_count + 1, sizeof(*c->reports));
	if (!c->reports)
		return -ENOMEM;
	for (size_t i = 0; i < conf->sinks_count; i++)
		prepare_report(c, conf->sinks[i].name, conf->sinks[i].text);
	if (!conf->sinks_count)
		prepare_report(c, "summary", "");
	return 0;
}

static int prepare_command(struct collector *c)
{
	struct command_opts opts = {.path = c->path, .argv = c->opts->command, .user = c->user, .mask = &c->mask, .out = -1};
	int err;

	/* The child is in the scope from its fork on, by the kernel's own hand. */
	scope__launch(c->scope, RUN_FIRST);
	err = command__fork(&c->command, &opts);
	scope__launch(c->scope, 0);
	return err;
}

/* ---- processes that are there already ---- */

/* The processes of one scan, in the order of their start. */
struct present {
	struct watch_process *all;
	size_t count, room;
	bool failed;
};

static void note_present(void *arg, const struct watch_process *process)
{
	struct present *p = arg;

	if (p->count == p->room) {
		size_t room = p->room ? p->room * 2 : 1024;
		void *more = reallocarray(p->all, room, sizeof(*p->all));

		if (!more) {
			p->failed = true;
			return;
		}
		p->all = more;
		p->room = room;
	}
	p->all[p->count++] = *process;
}

static int compare_starts(const void *a, const void *b)
{
	const struct watch_process *p = a, *q = b;

	return (p->start > q->start) - (p->start < q->start);
}

static const struct watch_process *find_process(const struct present *p, uint32_t pid)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->all[i].pid == pid)
			return &p->all[i];
	return NULL;
}

/* Whether some ancestor has been taken as the root of a run. */
static bool below_root(const struct present *p, const struct watch_process *process)
{
	for (size_t depth = 0; depth < p->count; depth++) {
		process = find_process(p, process->ppid);
		if (!process || process->run)
			return process;
	}
	return false;
}

/* Takes each topmost process that a rule means as the root of a run of its own. */
static int want_by_rules(struct collector *c)
{
	struct present p = {0};
	uint32_t number = RUN_FIRST;
	int err = scope__scan(c->scope, false, note_present, &p);

	if (err < 0 || p.failed)
		goto out;
	qsort(p.all, p.count, sizeof(*p.all), compare_starts);
	for (size_t i = 0; i < p.count; i++) {
		if (p.all[i].dead || p.all[i].pid == (uint32_t)getpid() || below_root(&p, &p.all[i]) ||
		    !rules__find(c->conf, p.all[i].pid))
			continue;
		p.all[i].run = ++number;
		err = scope__open_run(c->scope, number);
		if (!err)
			err = open_run(c, number, c->conf->run.name);
		if (!err)
			err = scope__want(c->scope, p.all[i].pid, number);
		if (err)
			goto out;
	}
	err = 0;
out:
	free(p.all);
	return p.failed ? -ENOMEM : err < 0 ? err : 0;
}

static void tell_alive(void *arg, const struct watch_process *process)
{
	struct collector *c = arg;
	struct probe_process p = {
		.ts = process->ts,
		.start = process->start,
		.parent_start = process->parent_start,
		.pid = process->pid,
		.ppid = process->ppid,
		.run = process->run,
	};
	char path[32];

	if (!process->entered)
		return;
	snprintf(path, sizeof(path), "/proc/%u", process->pid);
	p.proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (p.proc < 0)
		return; /* gone: its end is recorded all the same */
	for (size_t i = 0; i < probes__count(c->probes); i++)
		probe_unit__alive(probes__unit(c->probes, i), &p);
	close(p.proc);
}

/* Lets in who is to be watched of those already there, with all their descendants. */
static int enter_present(struct collector *c)
{
	const struct collector_opts *opts = c->opts;
	int entered, err = 0;

	for (size_t i = 0; i < opts->pids_count && !err; i++)
		err = scope__want(c->scope, opts->pids[i], RUN_FIRST);
	if (!err && !opts->pids_count)
		err = want_by_rules(c);
	if (err)
		return err;
	entered = scope__scan(c->scope, true, tell_alive, c);
	if (entered < 0)
		return entered;
	if (!entered && opts->pids_count) {
		log__error("--pid: none of these processes is there");
		return -ESRCH;
	}
	log__info("%d processes were there already", entered);
	return 0;
}

/* ---- from start to end ---- */

/* A run of our own: of the command, of the followed processes, or of all. The daemon's others open by
 * rules, as they come. */
static int start_runs(struct collector *c)
{
	const struct collector_opts *opts = c->opts;
	int err;

	if (!opts->command && !opts->pids_count && !rules__all(c->conf))
		return 0;
	err = scope__open_run(c->scope, RUN_FIRST);
	return err ? err : open_run(c, RUN_FIRST, c->conf->run.name);
}

static int start(struct collector *c)
{
	int err = block_signals(c);

	if (!err)
		err = start_bpf(c);
	if (!err)
		err = start_loop(c);
	if (!err)
		err = start_runs(c);
	if (err)
		return err;
	if (c->opts->reporter && c->runs)
		err = prepare_reports(c);
	if (err)
		return err;
	if (c->opts->command)
		err = prepare_command(c);
	else if (!c->opts->pids_count)
		err = rules__install(c->conf, c->scope);
	/* Before the capabilities go: /proc shows other users' processes only with CAP_SYS_PTRACE. */
	if (!err && !c->opts->command)
		err = enter_present(c);
	return err ? err : caps__drop(c->user ? 1ULL << CAP_KILL : 0);
}

/* Whatever the kernel still has to say, in its order; then every stream gets its end. */
static void finish(struct collector *c)
{
	take_notes(c);
	for (size_t i = 0; i < probes__count(c->probes); i++) {
		struct probe_unit *unit = probes__unit(c->probes, i);

		probe_unit__drain(unit);
		probe_unit__sample(unit);
		probe_unit__drain(unit);
		probe_unit__settle(unit, 0, 0);
	}
	take_losses(c, true);
	while (c->runs)
		end_run(c, c->runs);
}

/* Lets the reports go, one after the other, in the order they were asked for. */
static void print_reports(struct collector *c)
{
	for (size_t i = 0; i < c->reports_count; i++) {
		int err;

		if (command__go(&c->reports[i], &err))
			continue;
		while (!command__ended(&c->reports[i])) {
			sigset_t set;
			int number;

			sigemptyset(&set);
			sigaddset(&set, SIGCHLD);
			sigwait(&set, &number);
		}
	}
}

static void stop(struct collector *c)
{
	command__cancel(&c->command);
	for (size_t i = 0; i < c->reports_count; i++)
		command__cancel(&c->reports[i]);
	free(c->reports);
	while (c->runs)
		end_run(c, c->runs);
	probes__close(c->probes);
	scope__close(c->scope);
	loop__free(c->loop);
	if (c->signals >= 0)
		close(c->signals);
	free(c->streams);
	free(c->rings);
	free(c->sample_timers);
}

static void watch(struct collector *c)
{
	int err = 0, code = c->opts->command ? command__go(&c->command, &err) : 0;

	if (code) {
		log__error("%s: cannot be executed: %s", c->opts->command[0], strerror(err));
		c->code = code;
	} else {
		err = loop__run(c->loop);
		if (err)
			log__error("cannot wait for events: %s", strerror(-err));
	}
	finish(c);
	if (c->dropped || c->disk_error) {
		log__error("%llu events are not on disk: %s", (unsigned long long)c->dropped,
			   c->disk_error ? strerror(-c->disk_error) : "they could not be written");
		if (!c->code)
			c->code = COMMAND_FAILED;
	}
}

int collector__run(const struct collector_opts *opts)
{
	struct collector c = {.opts = opts, .conf = opts->conf, .signals = -1};
	int err;

	c.command.go = -1;
	bpf__init();
	c.code = check(&c);
	if (c.code)
		return c.code;
	find_owner(&c);
	err = start(&c);
	if (err) {
		log__debug("the start failed: %s", strerror(-err));
		c.code = COMMAND_FAILED;
	} else {
		watch(&c);
	}
	if (!err)
		print_reports(&c);
	stop(&c);
	return c.code;
}
