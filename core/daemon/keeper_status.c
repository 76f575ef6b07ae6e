/* SPDX-License-Identifier: BSD-2-Clause */
/* Answers `collector status`: what the keeper knows, and what the recorder says when it is asked. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/config/config.h"
#include "core/daemon/channel.h"
#include "core/daemon/keeper.h"
#include "core/daemon/loop.h"
#include "core/log.h"
#include "core/runs/runs.h"
#include "core/status/status.h"
#include "core/text.h"

#define STATE_NS 1000000000ull /* for the recorder's answer */

/* ---- the answer ---- */

static void fill_limits(struct status_daemon *d, const struct conf_limits *limits)
{
	d->limit_run = limits->run;
	d->limit_total = limits->total;
	d->limit_age = limits->age;
	d->limit_runs = limits->runs;
	d->limit_runs_per_user = limits->runs_per_user;
	d->limit_open = limits->open;
	d->limit_open_per_user = limits->open_per_user;
}

/* From the root on. */
static void fill_path(char *to, size_t size, const char *path)
{
	char *whole = realpath(path, NULL);

	snprintf(to, size, "%s", whole ? whole : path);
	free(whole);
}

static void fill_daemon(const struct keeper *k, struct status_daemon *d)
{
	struct statvfs disk;

	*d = (struct status_daemon){
		.pid = getpid(),
		.since = k->status.since,
		.rules = k->conf->rules_count,
		.reloaded = k->reload.at,
		.refused = k->reload.refused_at,
	};
	snprintf(d->version, sizeof(d->version), "%s", PACKAGE_VERSION);
	fill_path(d->config, sizeof(d->config), k->opts->config);
	fill_path(d->output, sizeof(d->output), k->opts->output);
	if (k->store) {
		const char *sink = store__waits_for(k->store);

		d->kept = store__used(k->store, &d->disk_used);
		d->undelivered = store__undelivered(k->store);
		snprintf(d->waits_for, sizeof(d->waits_for), "%s", sink ? sink : "");
	}
	snprintf(d->followers, sizeof(d->followers), "%s", k->delivered.folder ? k->delivered.folder : "");
	if (!statvfs(k->opts->output, &disk))
		d->disk_free = (uint64_t)disk.f_bavail * disk.f_frsize;
	fill_limits(d, &k->conf->limits);
}

/* Bytes of NAME in NAME-20261122T031500Z-PID. */
static int name_length(const char *run)
{
	const char *stamp = run;

	for (const char *at = run; (at = strchr(at, '-')); at++)
		if (strspn(at + 1, "0123456789") == 8 && at[9] == 'T')
			stamp = at;
	return stamp > run ? stamp - run : (int)strlen(run);
}

static void fill_run(struct status_run *run, const struct channel_run *state)
{
	uint64_t now = clock__boot();

	*run = (struct status_run){
		.uid = state->uid,
		.wall_ns = now > state->began ? now - state->began : 0,
		.watched = state->watched,
		.processes = state->processes,
		.bytes = state->bytes,
		.lost = state->lost,
	};
	run->began = clock__ns(CLOCK_REALTIME) - run->wall_ns;
	snprintf(run->run, sizeof(run->run), "%.*s", (int)sizeof(state->id), state->id);
	snprintf(run->name, sizeof(run->name), "%.*s", name_length(run->run), run->run);
}

/* The message is the recorder's, which may have been attacked: its size says how many there are. */
static void fill_state(struct status *status, const struct channel_message *m)
{
	size_t count = m->size < sizeof(struct channel_state)
			       ? 0
			       : (m->size - sizeof(struct channel_state)) / sizeof(struct channel_run);
	struct status_daemon *d = &status->daemon;
	struct channel_state state;

	if (m->size < sizeof(state))
		return;
	memcpy(&state, m->text, sizeof(state));
	d->recorder = true;
	d->open = state.open;
	d->watched = state.watched;
	d->suspended = state.suspended;
	d->over_limit = state.over_limit;
	d->unrecorded = state.unrecorded;
	d->dropped = state.dropped;
	if (state.disk_error < 0 && state.disk_error > -4096)
		snprintf(d->disk_error, sizeof(d->disk_error), "%s", strerror(-state.disk_error));
	status->runs = calloc(count + 1, sizeof(*status->runs));
	for (size_t i = 0; status->runs && i < count; i++) {
		struct channel_run run;

		memcpy(&run, m->text + sizeof(state) + i * sizeof(run), sizeof(run));
		fill_run(&status->runs[status->runs_count++], &run);
	}
}

static void fill_sinks(struct status *status, const struct conf *conf)
{
	status->sinks = calloc(conf->sinks_count + 1, sizeof(*status->sinks));
	for (size_t i = 0; status->sinks && i < conf->sinks_count; i++)
		snprintf(status->sinks[status->sinks_count++].sink, sizeof(status->sinks->sink), "%s",
			 conf->sinks[i].name);
}

/* `m`: NULL: the recorder does not answer. */
static void answer(struct keeper *k, const struct channel_message *m)
{
	struct status status = {0};
	struct text text = {0};

	k->status.waiting = false;
	loop__arm(k->status.timer, 0, 0);
	fill_daemon(k, &status.daemon);
	if (m)
		fill_state(&status, m);
	fill_sinks(&status, k->conf);
	status__write(&text, &status);
	status_server__answer(k->status.server, &text, m);
	text__free(&text);
	status__free(&status);
}

void keeper_status__state(struct keeper *k, const struct channel_message *m)
{
	if (k->status.waiting)
		answer(k, m);
}

static void on_timer(void *arg)
{
	struct keeper *k = arg;

	if (k->status.waiting)
		answer(k, NULL);
}

static void on_ask(void *arg)
{
	struct keeper *k = arg;

	if (!k->ready || channel__tell(k->channel, CHANNEL_ASK_STATE, 0, 0)) {
		answer(k, NULL);
		return;
	}
	k->status.waiting = true;
	loop__arm(k->status.timer, STATE_NS, 0);
}

/* ---- the socket ---- */

static void on_client(void *arg)
{
	struct keeper *k = arg;

	status_server__work(k->status.server);
}

static int start(struct keeper *k, const char *path, const char *name, struct error *err)
{
	int folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC), rc;

	if (folder < 0)
		return error__set(err, -errno, "%s", strerror(errno));
	rc = status_server__open(&k->status.server, folder, name, on_ask, k, err);
	close(folder);
	if (rc)
		return rc;
	k->status.timer = loop__timer(k->loop, on_timer, k);
	rc = k->status.timer < 0 ? k->status.timer
				 : loop__watch(k->loop, status_server__fd(k->status.server), false, on_client, k);
	return rc ? error__set(err, rc, "%s", strerror(-rc)) : 0;
}

void keeper_status__start(struct keeper *k)
{
	const char *path = k->opts->runtime ? k->opts->runtime : k->opts->output;
	struct error err;

	k->status.since = clock__ns(CLOCK_REALTIME);
	if (!collector__is_daemon(k->opts))
		return;
	if (start(k, path, k->opts->runtime ? STATUS_SOCKET : STATUS_HIDDEN, &err)) {
		log__warn("%s: %s; `collector status` does not reach this daemon", path, err.text);
		keeper_status__stop(k);
	}
}

void keeper_status__stop(struct keeper *k)
{
	status_server__close(k->status.server);
	k->status.server = NULL;
}
