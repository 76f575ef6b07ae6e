/* SPDX-License-Identifier: BSD-2-Clause */
/* The recorder: starts everything, gives up its privileges, and records until the end. */
#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <malloc.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/account/account.h"
#include "core/base/base.h"
#include "core/bpf/bpf.h"
#include "core/config/config.h"
#include "core/daemon/channel.h"
#include "core/daemon/command.h"
#include "core/daemon/recorder.h"
#include "core/daemon/loop.h"
#include "core/daemon/rules.h"
#include "core/daemon/run.h"
#include "core/daemon/syncer.h"
#include "core/log.h"

#define RECORDER_NICE -10
#define PROGRAMS_US 20000 /* more than any BPF program takes */

/* ---- the stages ---- */

/* For a stage that says nothing itself. Returns `err`. */
static int say(const char *what, int err)
{
	if (err)
		log__error("cannot %s: %s", what, strerror(-err));
	return err;
}

static int prepare_streams(struct recorder *r)
{
	size_t n = probes__count(r->probes);

	r->streams = calloc(n + 1, sizeof(*r->streams));
	r->stream_names = calloc(n + 1, sizeof(*r->stream_names));
	r->rings = calloc(n + 1, sizeof(*r->rings));
	r->sample_timers = calloc(n + 1, sizeof(*r->sample_timers));
	if (!r->streams || !r->stream_names || !r->rings || !r->sample_timers ||
	    verdict_limits__list(&r->conf->verdicts, &r->verdicts))
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct probe_unit *unit = probes__unit(r->probes, i);

		r->stream_names[i] = unit->probe->name;
		r->streams[i] = (struct stream_writer_opts){
			.stream = unit->probe->name,
			.help = unit->probe->help,
			.events = unit->probe->events,
			.events_count = unit->probe->events_count,
			.abi = unit->probe->abi,
			.verdicts = r->verdicts.n ? (const char *const *)r->verdicts.items : NULL,
			.interval_ns = probe_unit__samples(unit) ? unit->conf->interval : 0,
			.unavailable = unit->unavailable,
			.streams = r->stream_names,
			.privacy = r->privacy,
			.privileges = r->privileges.remain,
			.marks = true,
		};
	}
	return 0;
}

static int start_bpf(struct recorder *r)
{
	static const struct probes_calls calls = {.event = drain__event, .ask = ask_keeper__ask};
	bool daemon = collector__is_daemon(r->opts);
	struct probes_limits limits = {.only_user = r->only_uid ? &r->only_uid : NULL, .lent = r->lent};
	struct scope_opts scope = {
		.max_processes = r->conf->run.max_processes,
		.all_run = daemon && rules__all(r->conf) ? RUN_FIRST : 0,
		.by_rules = daemon,
	};
	int err = scope__open(&r->scope, &scope);

	if (!err)
		err = probes__open(&r->probes, r->conf->probes, r->conf->probes_count, scope__map_fd(r->scope), &limits,
				   &calls, r);
	if (!err)
		err = probes__load(r->probes, scope__unit(r->scope));
	if (!err)
		err = scope__attach_first(r->scope);
	if (!err)
		err = probes__attach(r->probes);
	for (size_t i = 0; !err && i < probes__count(r->probes); i++)
		if (probe_unit__role(probes__unit(r->probes, i), SCHEMA_EXIT) >= 0)
			scope__expect_exit(r->scope, probes__unit(r->probes, i)->slot);
	if (!err)
		err = scope__attach_last(r->scope);
	return err;
}

static int start_loop(struct recorder *r)
{
	const int *const timers[] = {&r->drain_timer, &r->mark_timer,	  &r->sweep_timer, &r->grace_timer,
				     &r->sync_timer,  &r->refusals_timer, &r->reload.timer};
	int err;

	r->loop = loop__new();
	if (!r->loop)
		return -errno;
	r->drain_timer = loop__timer(r->loop, drain__on_drain, r);
	r->mark_timer = loop__timer(r->loop, drain__on_mark, r);
	r->sweep_timer = loop__timer(r->loop, exit__on_sweep, r);
	r->grace_timer = loop__timer(r->loop, exit__on_grace, r);
	r->sync_timer = loop__timer(r->loop, runs__on_sync, r);
	r->refusals_timer = loop__timer(r->loop, runs__on_refusals, r);
	r->reload.timer = loop__timer(r->loop, recorder_reload__on_timer, r);
	for (size_t i = 0; i < sizeof(timers) / sizeof(timers[0]); i++)
		if (*timers[i] < 0)
			return *timers[i];
	err = loop__watch(r->loop, r->channel, false, exit__on_message, r);
	if (!err)
		err = loop__watch(r->loop, scope__ring_fd(r->scope), true, drain__on_scope_ring, r);
	for (size_t i = 0; i < probes__count(r->probes) && !err; i++) {
		struct probe_unit *unit = probes__unit(r->probes, i);

		r->rings[i] = (struct ring){.recorder = r, .unit = unit};
		err = loop__watch(r->loop, unit->bpf.ring_fd, true, drain__on_ring, &r->rings[i]);
		r->sample_timers[i] = -1;
		if (err || !probe_unit__samples(unit))
			continue;
		r->sample_timers[i] = loop__timer(r->loop, drain__on_sample, &r->rings[i]);
		err = r->sample_timers[i] < 0 ? r->sample_timers[i] : 0;
	}
	return err;
}

/* ---- from start to end ---- */

/* The stream headers contain the command and the tags: redact them like the records. */
static int hide_secrets(struct recorder *r)
{
	const struct collector_opts *opts = r->opts;
	const char *const *tags = (const char *const *)r->conf->run.tags.items;
	const char *program[] = {opts->command ? opts->command[0] : NULL, NULL};
	const char *const *command = (const char *const *)opts->command;

	r->privacy = (struct record_privacy){
		.filter = opts->redact ? redact__text : NULL,
		.filter_arg = opts->redact,
		.args = r->conf->args,
	};
	if (r->privacy.args == RECORD_ARGS_PROGRAM)
		command = program;
	if (opts->command && r->privacy.args != RECORD_ARGS_NONE) {
		r->shown_command = redact__list(opts->redact, RECORD_LIST_FIRST, command, &r->privacy.redacted);
		if (!r->shown_command)
			return -ENOMEM;
	}
	if (tags) {
		r->shown_tags = redact__list(opts->redact, RECORD_PAIR, tags, &r->privacy.redacted);
		if (!r->shown_tags)
			return -ENOMEM;
	}
	return 0;
}

/* Starts the first run: that of the command, of --pid, or of `all`. Rules start the daemon's other runs later. */
static int start_runs(struct recorder *r)
{
	const struct collector_opts *opts = r->opts;
	int err;

	if (collector__is_daemon(opts) && !rules__all(r->conf))
		return 0;
	err = say("add the run to the scope", scope__open_run(r->scope, RUN_FIRST));
	return err ? err
		   : runs__open(r, RUN_FIRST, r->user ? r->user->pw_uid : getuid(),
				collector__is_daemon(r->opts) ? rules__all(r->conf) : NULL);
}

static bool maps_work(void *arg)
{
	struct recorder *r = arg;

	return scope__works(r->scope);
}

/* The keeper forks the command, or the leader of its session does; the BPF program adds it to the scope at its fork. */
static int fork_command(struct recorder *r)
{
	struct channel_message m;
	pid_t parent = 0;
	int err = channel__tell(r->channel, CHANNEL_PREPARE, 0, 0);

	if (!err)
		parent = ask__await(r, CHANNEL_PREPARED, 0, &m);
	if (err || parent < 0)
		return err ? err : parent;
	scope__launch(r->scope, parent, RUN_FIRST);
	err = channel__tell(r->channel, CHANNEL_FORK, 0, 0);
	if (!err)
		err = ask__await(r, CHANNEL_FORKED, 0, &m);
	scope__launch(r->scope, 0, 0);
	return err;
}

/* What remains is in the headers of the streams. */
static int plan_privileges(struct recorder *r)
{
	uid_t watched = r->user ? r->user->pw_uid : getuid();
	int err = privileges__plan(&r->privileges, watched, r->probes, maps_work, r);

	for (const char *const *text = r->privileges.remain; !err && *text; text++)
		log__info("the recorder keeps %s", *text);
	return err;
}

static int give_up_privileges(struct recorder *r)
{
	int err;

	stream_writer__prepare();
	err = privileges__drop(&r->privileges);

	if (!err)
		err = say("start the thread that waits for the disk", syncer__start(r->syncer));
	return err ? err : privileges__filter(&r->privileges);
}

static int start(struct recorder *r)
{
	int err = start_bpf(r);

	if (!err)
		err = plan_privileges(r);
	if (!err)
		err = say("redact the command", hide_secrets(r));
	if (!err)
		err = say("prepare the streams", prepare_streams(r));
	if (!err)
		err = say("wait for events", start_loop(r));
	r->syncer = err ? NULL : syncer__new();
	if (!err && !r->syncer)
		err = say("prepare to sync", -ENOMEM);
	if (!err)
		err = start_runs(r);
	if (err)
		return err;
	if (r->opts->command)
		err = say("start the command", fork_command(r));
	else if (!r->opts->pids_count)
		err = rules__replace(r->scope, NULL, r->conf);
	/* Before the capabilities are dropped: /proc of other users' processes needs CAP_SYS_PTRACE. */
	if (!err && !r->opts->command)
		err = existing__enter(r);
	bpf__forget();
	relocation__forget();
	/* Loading needs tens of MiB, mostly for the kernel's BTF: return them to the system. */
	malloc_trim(0);
	if (!err)
		err = give_up_privileges(r);
	if (!err && collector__is_daemon(r->opts))
		log__info("started: %zu rules, %zu probes, runs in %s", r->conf->rules_count, probes__count(r->probes),
			  r->opts->output);
	return err ? err : say("reach the keeper", channel__tell(r->channel, CHANNEL_READY, 0, 0));
}

/* Waits until every program that runs now is through: they are RCU readers, all of one hook together. */
static void wait_for_programs(void)
{
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
		usleep(PROGRAMS_US); /* refused with nohz_full= */
}

/* From now on nothing is recorded: the streams end at the same moment, also in the middle of a process's exit. */
static void cut(struct recorder *r)
{
	bool alive = false;

	probes__cut(r->probes, clock__boot());
	for (struct run *run = r->runs; run; run = run->next)
		alive |= !runs__is_empty(r, run);
	if (alive)
		wait_for_programs();
	for (struct run *run = r->runs; run; run = run->next)
		scope__forget_run(r->scope, run->number);
}

/* Drains all ring buffers and takes a last sample, then closes every stream. */
static void finish(struct recorder *r)
{
	runs__notes(r);
	/* The iterators find what zombies have used only while these are in the scope. */
	for (size_t i = 0; i < probes__count(r->probes); i++) {
		probe_unit__drain(probes__unit(r->probes, i));
		probe_unit__sample(probes__unit(r->probes, i));
	}
	cut(r);
	for (size_t i = 0; i < probes__count(r->probes); i++) {
		probe_unit__drain(probes__unit(r->probes, i));
		probe_unit__settle(probes__unit(r->probes, i), 0, 0);
	}
	drain__losses(r, true);
	ask_keeper__finish(r);
	while (r->runs) {
		if (collector__is_daemon(r->opts))
			log__info("run %s: not ended, but recorded no further: collector stops", r->runs->id);
		runs__end(r, r->runs);
	}
	if (collector__is_daemon(r->opts))
		log__info("stopped");
}

/* With exit code 0 the record is on the disk: a batch system may turn the machine off right after that. */
static void finish_syncs(struct recorder *r)
{
	if (!r->syncer)
		return;
	syncer__finish(r->syncer);
	runs__synced(r);
	if (r->disk_error)
		r->code = COMMAND_FAILED;
}

static void stop(struct recorder *r)
{
	while (r->runs)
		runs__end(r, r->runs);
	probes__close(r->probes);
	scope__close(r->scope);
	finish_syncs(r); /* the disk had all the time since the runs ended */
	syncer__free(r->syncer);
	loop__free(r->loop);
	redact__list_free(r->shown_command);
	redact__list_free(r->shown_tags);
	verdict_limits__free_list(&r->verdicts);
	privileges__free(&r->privileges);
	recorder_reload__free(r);
	free(r->streams);
	free(r->stream_names);
	free(r->rings);
	free(r->sample_timers);
}

static void record(struct recorder *r)
{
	int err = loop__run(r->loop);

	if (err) {
		log__error("cannot wait for events: %s", strerror(-err));
		r->code = COMMAND_FAILED;
	}
	finish(r);
	runs__on_refusals(r);
	if (r->over_limit)
		log__warn("%llu runs were not recorded, because of limits", (unsigned long long)r->over_limit);
	if (r->unrecorded) {
		log__error("%llu runs could not be recorded", (unsigned long long)r->unrecorded);
		r->code = COMMAND_FAILED;
	}
	if (r->dropped)
		log__error("%llu events could not be written%s%s", (unsigned long long)r->dropped,
			   r->disk_error ? ": " : "", r->disk_error ? strerror(-r->disk_error) : "");
	if (r->dropped || r->disk_error)
		r->code = COMMAND_FAILED;
	channel__tell(r->channel, CHANNEL_DONE, 0, 0);
}

/* Out of the caller's process group and without the terminal, but in its session: a session is a scheduling autogroup of
 * its own, and two of those on a busy machine leave CPUs idle, which cost a storm of short processes 8 to 10 % more. */
static void leave_group(void)
{
	int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (tty >= 0) {
		ioctl(tty, TIOCNOTTY);
		close(tty);
	}
	setpgid(0, 0);
}

/* Signals are the keeper's, also those from the terminal; of the caller's descriptors only that for messages is used. */
static void detach(int channel)
{
	const int keep[] = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, channel, -1};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t all;

	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
	}
	user__close_but(keep);

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	leave_group();
}

int recorder__run(const struct collector_opts *opts, const struct passwd *user, int channel)
{
	struct recorder r = {.opts = opts,
			     .conf = &r.own,
			     .own = *opts->conf,
			     .user = user,
			     .channel = channel,
			     .notified = exit__notified,
			     .lent = caps__lent(),
			     .only_uid = user		? user->pw_uid
					 : caps__lent() ? getuid()
							: 0};
	int err;

	r.asks.end = &r.asks.first;
	if (opts->command)
		stream_job__of_environment(r.job, environ);
	detach(channel);
	caps__resume();
	privileges__raise_limits();
	/* Beside more runnable processes than CPUs the rings would fill up before its turn. Without CAP_SYS_NICE: as is. */
	setpriority(PRIO_PROCESS, 0, RECORDER_NICE);
	prctl(PR_SET_NAME, "collector-rec", 0, 0, 0);
	err = start(&r);
	if (err) {
		log__debug("start failed: %s", strerror(-err));
		r.code = COMMAND_FAILED;
	} else {
		record(&r);
	}
	stop(&r);
	return r.code;
}
