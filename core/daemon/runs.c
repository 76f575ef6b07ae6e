/* SPDX-License-Identifier: BSD-2-Clause */
/* The open runs: start and end. */
#include "core/daemon/recorder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/base.h"
#include "core/bpf/bpf.h"
#include "core/config/config.h"
#include "core/daemon/channel.h"
#include "core/daemon/loop.h"
#include "core/daemon/rules.h"
#include "core/daemon/run.h"
#include "core/log.h"

/* From the wakeup for the first event to the drain, to batch events: at most. */
#define DRAIN_NS 50000000ull
#define REFUSALS_NS 60000000000ull /* between two messages about runs that are not recorded */
#define SPACE_NS 500000000ull	   /* between two requests to clear segments of a run */
#define FULL_NS 5000000000ull	   /* between two requests for space */

void runs__drain_soon(struct recorder *r)
{
	if (r->draining)
		return;
	r->draining = true;
	loop__arm(r->drain_timer, r->conf->run.latency / 4 < DRAIN_NS ? r->conf->run.latency / 4 : DRAIN_NS, 0);
}

struct run *runs__find(struct recorder *r, uint32_t number)
{
	struct run *run = r->runs;

	while (run && run->number != number)
		run = run->next;
	return run;
}

static void arm_samplers(struct recorder *r, bool on)
{
	for (size_t i = 0; i < probes__count(r->probes); i++) {
		uint64_t ns = probes__unit(r->probes, i)->conf->interval;

		if (r->sample_timers[i] >= 0)
			loop__arm(r->sample_timers[i], on ? ns : 0, on ? ns : 0);
	}
}

/* Has the keeper make the folder: reply with its descriptors. 0, or -errno with `err` set. */
static int ask_folder(struct recorder *r, uint32_t number, uint32_t uid, const struct conf_rule *rule,
		      struct channel_message *m, struct error *err)
{
	int code;

	*m = (struct channel_message){.kind = CHANNEL_MAKE_RUN, .run = number, .number = uid};
	m->size = snprintf(m->text, sizeof(m->text), "%td\n", rule ? rule - r->conf->rules : -1);
	for (const char **name = r->stream_names; *name && m->size < sizeof(m->text); name++)
		m->size += snprintf(m->text + m->size, sizeof(m->text) - m->size, "%s\n", *name);
	code = m->size < sizeof(m->text) ? channel__send(r->channel, m) : -E2BIG;
	if (!code)
		code = ask__await(r, CHANNEL_RUN, number, m);
	if (!code && m->fds_count != RUN_FOLDERS + probes__count(r->probes))
		code = -EBADMSG;
	if (!code)
		return 0;
	if (code == -ETIMEDOUT || code == -EMFILE || code == -EBADMSG || code == -EPIPE || !m->size)
		return error__set(err, code, "cannot get the run's folder: %s", strerror(-code));
	return error__set(err, code, "%s", m->text);
}

static int open_folder(struct recorder *r, uint32_t number, uint32_t uid, const struct conf_rule *rule,
		       struct run **run, struct error *err)
{
	struct channel_message m;
	char path[2 * CHANNEL_TEXT];
	struct run_opts opts = {
		.id = m.text,
		.path = path,
		.name = rule && rule->name ? rule->name : r->conf->run.name,
		.number = number,
		.uid = uid,
		.user = "",
		.job = r->job,
		.limit = r->conf->limits.run,
		.segment = r->conf->limits.segment,
		.tags = (const char *const *)r->shown_tags,
		.command = (const char *const *)r->shown_command,
		.streams = r->streams,
		.streams_count = probes__count(r->probes),
		.fds = m.fds,
	};
	int code = ask_folder(r, number, uid, rule, &m, err);
	char *user = code ? NULL : strchr(m.text, '\n');

	if (user) {
		*user = '\0';
		opts.user = user + 1;
	}
	snprintf(path, sizeof(path), "%s/%s", r->opts->output, m.text);
	if (!code)
		code = run__open(run, &opts, err);
	channel__drop(&m);
	channel__tell(r->channel, code ? CHANNEL_REMOVE_RUN : CHANNEL_KEEP_RUN, number, 0);
	return code;
}

static bool is_full(int err)
{
	return err == -ENOSPC || err == -EDQUOT;
}

/* ---- runs that are not recorded ---- */

/* Each process may be one: after the first of a while they are only counted. */
static void refuse(struct recorder *r, enum log_level level, const char *text)
{
	uint64_t now = clock__boot();

	if (now < r->refusals_until) {
		if (!r->refusals++)
			loop__arm(r->refusals_timer, r->refusals_until - now, 0);
		return;
	}
	log__print(level, "%s; the run is not recorded", text);
	r->refusals_until = now + REFUSALS_NS;
}

void runs__on_refusals(void *arg)
{
	struct recorder *r = arg;

	if (r->refusals)
		log__warn("%llu more runs were not recorded", (unsigned long long)r->refusals);
	r->refusals = 0;
	r->refusals_until = clock__boot() + REFUSALS_NS;
}

/* Of a daemon's runs; a command has one, and --pid too. What is kept bounds what is open. */
static int check_open(struct recorder *r, uint32_t uid, struct error *err)
{
	const struct conf_limits *limits = &r->conf->limits;
	const struct {
		const char *name;
		uint64_t limit;
		bool per_user;
	} checks[] = {
		{"open", limits->open, false},
		{"runs", limits->runs, false},
		{"open_per_user", limits->open_per_user, true},
		{"runs_per_user", limits->runs_per_user, true},
	};
	uint64_t open, own = 0;

	if (!collector__is_daemon(r->opts))
		return 0;
	runs__synced(r);
	open = r->closing;
	for (const struct run *run = r->runs; run; run = run->next) {
		open++;
		own += run->uid == uid;
	}
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		if (checks[i].limit && (checks[i].per_user ? own : open) >= checks[i].limit)
			return error__set(err, -EUSERS, "limits.%s: %llu runs are open (UID %u has %llu)",
					  checks[i].name, (unsigned long long)open, uid, (unsigned long long)own);
	return 0;
}

static int open_run(struct recorder *r, uint32_t number, uint32_t uid, const struct conf_rule *rule, struct run **run,
		    struct error *err)
{
	int code = check_open(r, uid, err);

	if (code)
		return code;
	code = open_folder(r, number, uid, rule, run, err);
	/* The folder had room, its streams had not: again, when the oldest runs have made some. */
	if (is_full(code) && !r->suspended) {
		channel__tell(r->channel, CHANNEL_FULL, 0, 0);
		code = open_folder(r, number, uid, rule, run, err);
	}
	return code;
}

int runs__open(struct recorder *r, uint32_t number, uint32_t uid, const struct conf_rule *rule)
{
	struct error error;
	struct run *run;
	int err = open_run(r, number, uid, rule, &run, &error);

	if (err == -EUSERS || (err == -EDQUOT && r->suspended)) {
		refuse(r, LOG_WARN, error.text);
		r->over_limit++;
		return err;
	}
	if (err) {
		if (err == -EMFILE)
			error__set(&error, err, "%s; raise the limit of open files (systemd: LimitNOFILE=)",
				   strerror(EMFILE));
		refuse(r, LOG_ERROR, error.text);
		r->unrecorded++;
		return err;
	}
	if (!r->runs)
		arm_samplers(r, true);
	run->began_at = run->losses_read_at = clock__boot();
	run->next = r->runs;
	r->runs = run;
	runs__sync_later(r);
	return 0;
}

void runs__ask_segments(struct recorder *r, struct run *run)
{
	size_t stream;

	while (run__wants_segment(run, &stream)) {
		struct channel_message m = {.kind = CHANNEL_MAKE_SEGMENT, .run = run->number, .number = stream};
		int err;

		m.size = snprintf(m.text, sizeof(m.text), "%u", stream_writer__segment(run->writers[stream]) + 1);
		err = channel__send(r->channel, &m);
		if (err)
			run__refuse_segment(run, stream, strerror(-err));
	}
	if (run__has_last(run))
		run__sync(run, r->syncer);
}

void runs__take_segment(struct recorder *r, struct channel_message *m)
{
	struct run *run = runs__find(r, m->run);

	if (!run || m->number < 0 || (size_t)m->number >= run->writers_count)
		return;
	if (m->fds_count != 1)
		run__refuse_segment(run, m->number, m->text);
	else if (run__take_segment(run, m->number, m->fds[0]))
		m->fds_count = 0;
	runs__drain_soon(r);
}

/* What it needs, what sinks have delivered: both change meanwhile. */
void runs__ask_space(struct recorder *r, struct run *run)
{
	uint64_t bytes = collector__is_daemon(r->opts) ? run__needs_space(run) : 0;
	struct channel_message m = {.kind = CHANNEL_FREE, .run = run->number};
	uint64_t now = clock__boot();

	if (!bytes || now - run->asked_space_at < SPACE_NS)
		return;
	run->asked_space_at = now;
	m.size = snprintf(m.text, sizeof(m.text), "%llu", (unsigned long long)bytes);
	channel__send(r->channel, &m);
}

void runs__take_space(struct recorder *r, const struct channel_message *m)
{
	struct run *run = runs__find(r, m->run);
	uint64_t freed = strtoull(m->text, NULL, 10);

	if (!run || !freed)
		return;
	log__info("run %s: %llu bytes of segments removed that all sinks have delivered (limits.run)", run->id,
		  (unsigned long long)freed);
	run__freed(run, freed);
}

void runs__suspend(struct recorder *r, bool on)
{
	r->suspended = on;
	for (struct run *run = r->runs; run; run = run->next)
		run__suspend(run, on);
	runs__drain_soon(r);
}

void runs__failed_write(struct recorder *r, struct run *run, int err)
{
	uint64_t now = clock__boot();

	if (!r->disk_error)
		r->disk_error = err;
	if (!run->failed_write && now >= r->failures_until) {
		log__error("%s: cannot write: %s; continuing, events not written are counted as lost", run->path,
			   strerror(-err));
		r->failures_until = now + REFUSALS_NS;
	}
	run->failed_write = true;
	if (!is_full(err) || now - r->space_asked_at < FULL_NS)
		return;
	r->space_asked_at = now;
	channel__tell(r->channel, CHANNEL_FULL, 0, 0);
}

void runs__synced(struct recorder *r)
{
	struct syncer_job *job;

	while ((job = syncer__done(r->syncer))) {
		const struct run *run = job->arg;
		bool closed = job == &run->close;
		int err = run__synced(job);

		r->closing -= closed;
		if (err && !r->disk_error)
			r->disk_error = err;
	}
}

void runs__sync_later(struct recorder *r)
{
	if (r->sync_armed)
		return;
	r->sync_armed = true;
	loop__arm(r->sync_timer, RUNS_SYNC_NS, 0);
}

void runs__on_sync(void *arg)
{
	struct recorder *r = arg;

	r->sync_armed = false;
	runs__synced(r);
	for (struct run *run = r->runs; run; run = run->next)
		run__sync(run, r->syncer);
}

void runs__end(struct recorder *r, struct run *run)
{
	struct run **link = &r->runs;
	uint32_t number = run->number;
	int err;

	while (*link != run)
		link = &(*link)->next;
	*link = run->next;
	r->closing++;
	err = run__end(run, r->syncer, r->orphaned, &r->dropped);
	channel__tell(r->channel, CHANNEL_END_RUN, number, 0);
	runs__sync_later(r);
	if (err && err != -ENOENT && !r->disk_error)
		log__error("a stream of the run cannot be closed: %s", strerror(-err));
	if (err && !r->disk_error)
		r->disk_error = err;
	scope__forget_run(r->scope, number);
	if (!r->runs)
		arm_samplers(r, false);
}

bool runs__is_empty(struct recorder *r, const struct run *run)
{
	return scope__alive(r->scope, run->number) <= run->swept;
}

static void mark_over(struct run *run)
{
	if (run->number != RUN_FIRST && !run->over_at)
		run->over_at = clock__boot();
}

/* A run of the daemon ends with its last process, except that of `all`; the run of a command or of --pid ends the
 * loop. Only marks it as over: this may be called while a ring buffer is being drained. */
void runs__empty(struct recorder *r, uint32_t number)
{
	struct run *run = runs__find(r, number);

	if (!run || !runs__is_empty(r, run))
		return;
	if (collector__is_daemon(r->opts))
		mark_over(run);
	else if (r->ending || !r->opts->command)
		loop__stop(r->loop);
}

bool runs__over(const struct recorder *r)
{
	for (const struct run *run = r->runs; run; run = run->next)
		if (run->over_at)
			return true;
	return false;
}

/* Events of a run that is over may still be on their way: in a ring buffer that was drained before the note that it is
 * over was read, or after an event of another process that a program has not submitted yet; or with the keeper. */
void runs__end_over(struct recorder *r, uint64_t drained_at)
{
	struct run *run, *next;

	for (run = r->runs; run; run = next) {
		next = run->next;
		if (!run->over_at)
			continue;
		if (drained_at < run->over_at + RUNS_OVER_NS || ask_keeper__waits(r, run->number)) {
			runs__drain_soon(r);
			continue;
		}
		log__info("run %s: ended", run->id);
		runs__end(r, run);
	}
}

static void on_note(void *arg, const struct scope_note *note)
{
	struct recorder *r = arg;

	if (note->kind == SCOPE_NOTE_EMPTY) {
		runs__empty(r, note->run);
	} else if (note->kind == SCOPE_NOTE_ENTER) {
		const struct conf_rule *rule = rules__match(r->conf, note);

		if (!rule || runs__open(r, note->run, note->uid, rule))
			scope__forget_run(r->scope, note->run);
		else
			log__info("run %s: started by PID %u: %.*s, rule on line %d", r->runs->id, note->key.pid,
				  (int)note->length, note->text, rule->line);
	}
}

void runs__notes(struct recorder *r)
{
	scope__notes(r->scope, on_note, r);
}

void runs__sweep_later(struct recorder *r)
{
	if (r->sweeping)
		return;
	r->sweeping = true;
	loop__arm(r->sweep_timer, RUNS_SWEEP_NS, 0);
}
