/* SPDX-License-Identifier: BSD-2-Clause */
/* The daemon: check, start, event loop, end. */
#include "core/daemon/collector.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <malloc.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/bpf/bpf.h"
#include "core/config/config.h"
#include "core/daemon/caps.h"
#include "core/daemon/command.h"
#include "core/daemon/daemon.h"
#include "core/daemon/loop.h"
#include "core/daemon/rules.h"
#include "core/daemon/run.h"
#include "core/log.h"

#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#define CAP_BPF 39
#endif

/* ---- the stages ---- */

/* Checks all that can be checked before anything is started. 0 or the exit code. */
static int check(struct collector *c)
{
	const struct collector_opts *opts = c->opts;
	uint64_t needed = 1ULL << CAP_BPF | 1ULL << CAP_PERFMON;
	const char *unusable;
	struct error err;
	int code;

	if (opts->user) {
		c->user = getpwnam(opts->user);
		if (!c->user) {
			log__error("--user: unknown user \"%s\"", opts->user);
			return 2;
		}
		needed |= 1ULL << CAP_SETUID | 1ULL << CAP_SETGID | 1ULL << CAP_CHOWN | 1ULL << CAP_KILL;
	}
	for (size_t i = 0; i < c->conf->probes_count; i++)
		needed |= c->conf->probes[i].probe->capabilities;
	if (caps__check(needed, &err)) {
		log__error("%s", err.text);
		return COMMAND_FAILED;
	}
	unusable = bpf__unusable();
	if (unusable) {
		log__error("%s", unusable);
		return COMMAND_FAILED;
	}
	if (run__check_output(opts->output, &err)) {
		log__error("%s", err.text);
		return COMMAND_FAILED;
	}
	code = opts->command ? command__find(opts->command[0], c->path) : 0;
	if (code)
		log__error("%s: %s", opts->command[0],
			   code == COMMAND_NOT_FOUND ? "command not found"
						     : "cannot execute: permission denied, or a directory");
	return code;
}

/* The run belongs to the user who called sudo, who can then read it without root. */
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
			.interval_ns = probe_unit__samples(unit) ? unit->conf->interval : 0,
			.unavailable = unit->unavailable,
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
		.all_run = c->opts->command || c->opts->pids_count ? 0
			   : rules__all(c->conf)		   ? RUN_FIRST
								   : 0,
		.rule_kinds = c->opts->command || c->opts->pids_count ? 0 : rules__kinds(c->conf),
	};
	int err = scope__open(&c->scope, &scope);

	if (!err)
		err = probes__open(&c->probes, c->conf->probes, c->conf->probes_count, scope__map_fd(c->scope),
				   drain__event, c);
	if (!err)
		err = scope__attach_first(c->scope);
	if (!err)
		err = probes__attach(c->probes);
	for (size_t i = 0; !err && i < probes__count(c->probes); i++)
		if (probe_unit__role(probes__unit(c->probes, i), SCHEMA_EXIT) >= 0)
			scope__expect_exit(c->scope, probes__unit(c->probes, i)->slot);
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
	c->drain_timer = loop__timer(c->loop, drain__on_drain, c);
	c->sweep_timer = loop__timer(c->loop, exit__on_sweep, c);
	c->grace_timer = loop__timer(c->loop, exit__on_grace, c);
	if (c->drain_timer < 0 || c->sweep_timer < 0 || c->grace_timer < 0)
		return -EMFILE;
	err = loop__watch(c->loop, c->signals, false, exit__on_signal, c);
	if (!err)
		err = loop__watch(c->loop, scope__ring_fd(c->scope), true, drain__on_scope_ring, c);
	for (size_t i = 0; i < probes__count(c->probes) && !err; i++) {
		struct probe_unit *unit = probes__unit(c->probes, i);

		c->rings[i] = (struct ring){.collector = c, .unit = unit};
		err = loop__watch(c->loop, unit->bpf.ring_fd, true, drain__on_ring, &c->rings[i]);
		c->sample_timers[i] =
			probe_unit__samples(unit) ? loop__timer(c->loop, drain__on_sample, &c->rings[i]) : -1;
	}
	return err;
}

static int block_signals(struct collector *c)
{
	static const int taken[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGCHLD, SIGPIPE, SIGXFSZ};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		sigaddset(&set, taken[i]);
	if (sigprocmask(SIG_BLOCK, &set, &c->mask))
		return -errno;
	/* These are only blocked, which makes write() fail with EPIPE or EFBIG instead. */
	sigdelset(&set, SIGPIPE);
	sigdelset(&set, SIGXFSZ);
	c->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return c->signals < 0 ? -errno : 0;
}
static int prepare_command(struct collector *c)
{
	struct command_opts opts = {
		.path = c->path, .argv = c->opts->command, .user = c->user, .mask = &c->mask, .out = -1};
	int err;

	/* The BPF program adds the child to the scope at its fork. */
	scope__launch(c->scope, RUN_FIRST);
	err = command__fork(&c->command, &opts);
	scope__launch(c->scope, 0);
	return err;
}

/* ---- from start to end ---- */

/* The stream headers contain the command and the tags: redact them like the records. */
static int hide_secrets(struct collector *c)
{
	const struct collector_opts *opts = c->opts;

	if (opts->command)
		c->shown_command = redact__list(opts->redact, (const char *const *)opts->command);
	if (c->conf->run.tags.n)
		c->shown_tags = redact__list(opts->redact, (const char *const *)c->conf->run.tags.items);
	return (opts->command && !c->shown_command) || (c->conf->run.tags.n && !c->shown_tags) ? -ENOMEM : 0;
}

/* Starts the first run: that of the command, of --pid, or of `all`. Rules start the daemon's other runs later. */
static int start_runs(struct collector *c)
{
	const struct collector_opts *opts = c->opts;
	int err;

	if (!opts->command && !opts->pids_count && !rules__all(c->conf))
		return 0;
	err = scope__open_run(c->scope, RUN_FIRST);
	return err ? err : runs__open(c, RUN_FIRST, c->conf->run.name);
}

/* Before 5.19 bpf(2) needs CAP_BPF even for a map that is already open. */
static bool maps_work(void *arg)
{
	struct collector *c = arg;

	return scope__works(c->scope);
}

static int start(struct collector *c)
{
	uint64_t keep = c->user ? 1ULL << CAP_KILL : 0;
	int err = block_signals(c);

	if (!err)
		err = start_bpf(c);
	if (!err)
		err = start_loop(c);
	if (!err)
		err = hide_secrets(c);
	if (!err)
		err = start_runs(c);
	if (err)
		return err;
	if (c->opts->reporter && c->runs)
		err = reports__prepare(c);
	if (err)
		return err;
	if (c->opts->command)
		err = prepare_command(c);
	else if (!c->opts->pids_count)
		err = rules__install(c->conf, c->scope);
	/* Before the capabilities are dropped: /proc of other users' processes needs CAP_SYS_PTRACE. */
	if (!err && !c->opts->command)
		err = existing__enter(c);
	bpf__forget();
	for (size_t i = 0; c->probes && i < probes__count(c->probes); i++)
		keep |= probes__unit(c->probes, i)->probe->keeps;
	/* Loading needs tens of MiB, mostly for the kernel's BTF: return them to the system. */
	malloc_trim(0);
	return err ? err : caps__drop(keep, maps_work, c, 1ULL << CAP_BPF);
}

/* Drains all ring buffers and takes a last sample, then closes every stream. */
static void finish(struct collector *c)
{
	runs__notes(c);
	for (size_t i = 0; i < probes__count(c->probes); i++) {
		struct probe_unit *unit = probes__unit(c->probes, i);

		probe_unit__drain(unit);
		probe_unit__sample(unit);
		probe_unit__drain(unit);
		probe_unit__settle(unit, 0, 0);
	}
	drain__losses(c, true);
	while (c->runs)
		runs__end(c, c->runs);
}
static void stop(struct collector *c)
{
	command__cancel(&c->command);
	for (size_t i = 0; i < c->reports_count; i++)
		command__cancel(&c->reports[i]);
	free(c->reports);
	while (c->runs)
		runs__end(c, c->runs);
	probes__close(c->probes);
	scope__close(c->scope);
	loop__free(c->loop);
	if (c->signals >= 0)
		close(c->signals);
	redact__list_free(c->shown_command);
	redact__list_free(c->shown_tags);
	free(c->streams);
	free(c->rings);
	free(c->sample_timers);
}

static void watch(struct collector *c)
{
	int err = 0, code = c->opts->command ? command__go(&c->command, &err) : 0;

	if (code) {
		log__error("%s: cannot execute: %s", c->opts->command[0], strerror(err));
		c->code = code;
	} else {
		err = loop__run(c->loop);
		if (err)
			log__error("cannot wait for events: %s", strerror(-err));
	}
	finish(c);
	if (c->dropped || c->disk_error) {
		log__error("%llu events could not be written%s%s", (unsigned long long)c->dropped,
			   c->disk_error ? ": " : "", c->disk_error ? strerror(-c->disk_error) : "");
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
		log__debug("start failed: %s", strerror(-err));
		c.code = COMMAND_FAILED;
	} else {
		watch(&c);
	}
	if (!err)
		reports__print(&c);
	stop(&c);
	return c.code;
}
