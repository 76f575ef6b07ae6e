/* SPDX-License-Identifier: BSD-2-Clause */
/* What the keeper does about the daemon's runs on disk: when it is looked after, and what the recorder has to know. */
#include "core/daemon/keeper.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/base.h"
#include "core/config/config.h"
#include "core/daemon/loop.h"
#include "core/log.h"
#include "core/resume/resume.h"
#include "core/rotate/rotate.h"
#include "core/runs/runs.h"

#define SAY_NS 60000000000ull /* between two messages that limits.total is reached */

/* A sink that is slow reaches the limit again and again. */
static void say_full(struct keeper *k)
{
	const char *sink = store__waits_for(k->store);
	uint64_t now = clock__boot();

	if (!k->full && k->full_said)
		log__warn("%s: limits.total holds again: recording goes on", k->opts->output);
	if (!k->full || now < k->full_until) {
		k->full_said = false;
		return;
	}
	k->full_said = true;
	k->full_until = now + SAY_NS;
	if (sink)
		log__warn(
			"%s: limits.total is reached by runs that sink %s has not delivered: nothing is recorded until it has",
			k->opts->output, sink);
	else
		log__warn(
			"%s: limits.total is reached by runs that are still recorded: nothing is recorded until they end",
			k->opts->output);
}

static void on_timer(void *arg)
{
	struct keeper *k = arg;
	uint64_t pause = store__work(k->store);
	bool full = store__is_full(k->store);

	k->store_soon = false;
	loop__arm(k->store_timer, pause, 0);
	if (full == k->full || channel__tell(k->channel, full ? CHANNEL_SUSPEND : CHANNEL_RESUME, 0, 0))
		return; /* the next time */
	k->full = full;
	say_full(k);
}

static void work_soon(struct keeper *k)
{
	if (k->store_soon)
		return;
	k->store_soon = true;
	loop__arm(k->store_timer, STORE_SOON_NS, 0);
}

/* All sinks of the configuration: one that no follower serves waits for nothing. */
static int find_sinks(struct keeper *k)
{
	const char **names = calloc(k->conf->sinks_count + 1, sizeof(*names));

	if (!names)
		return -ENOMEM;
	for (size_t i = 0; i < k->conf->sinks_count; i++)
		names[i] = k->conf->sinks[i].name;
	free((void *)k->delivered.sinks);
	k->delivered = (struct delivered){k->opts->conf->run.followers, names, k->conf->sinks_count, false};
	return 0;
}

static struct retention_limits limits_of(const struct keeper *k)
{
	const struct conf_limits *limits = &k->conf->limits;

	return (struct retention_limits){limits->total, limits->age, limits->runs, limits->runs_per_user,
					 limits->drop_undelivered};
}

int keeper_store__start(struct keeper *k)
{
	const struct retention_limits kept = limits_of(k);

	if (!collector__is_daemon(k->opts))
		return 0;
	if (find_sinks(k))
		return -ENOMEM;
	k->store = store__new(k->opts->output, &kept, &k->delivered);
	if (!k->store)
		return -ENOMEM;
	k->store_timer = loop__timer(k->loop, on_timer, k);
	return k->store_timer < 0 ? k->store_timer : loop__arm(k->store_timer, 1, 0);
}

int keeper_store__allow(struct keeper *k, uint32_t uid, struct error *err)
{
	const char *limit;

	if (k->full)
		return error__set(err, -EDQUOT, "limits.total is reached");
	limit = k->store ? store__refuses(k->store, uid) : NULL;
	if (!limit)
		return 0;
	return error__set(err, -EUSERS, "%s is reached by runs that sink %s has not delivered", limit,
			  store__waits_for(k->store));
}

void keeper_store__free(struct keeper *k)
{
	uint64_t undelivered = k->store ? store__undelivered(k->store) : 0;

	if (undelivered)
		log__warn("%llu runs were removed before sinks had delivered them, because of limits",
			  (unsigned long long)undelivered);
	rotate__free(k->rotated);
	store__free(k->store);
	free((void *)k->delivered.sinks);
}

/* ---- any run ---- */

struct folder_opts keeper_store__folder_opts(const struct keeper *k)
{
	return (struct folder_opts){
		.output = k->opts->output,
		.name = k->name ? k->name : k->conf->run.name,
		.uid = k->owner ? k->owner->pw_uid : (uid_t)-1,
		.gid = k->owner ? k->owner->pw_gid : (gid_t)-1,
		/* A service's runs are for its group; those of a command are its user's alone. */
		.group_reads = collector__is_daemon(k->opts),
	};
}

/* ---- segments, also of a command's run ---- */

static void rotate(struct keeper *k, uint32_t run)
{
	const char *const *streams = (const char *const *)k->streams;
	int err = k->conf->limits.segment
			  ? rotate__add(&k->rotated, run, k->folder.id, k->folder.dirfd, streams, k->folder.count)
			  : 0;

	if (err)
		log__warn("%s: each of its streams will have one file: %s", k->folder.path, strerror(-err));
}

/* Replies with the descriptor of an empty file. */
static void make_segment(struct keeper *k, struct channel_message *m)
{
	const struct folder_opts opts = keeper_store__folder_opts(k);
	const struct rotate_owner owner = {opts.uid, opts.gid, opts.group_reads ? 0640 : 0600};
	unsigned long segment = strtoul(m->text, NULL, 10);
	int fd = m->number < 0 || segment > UINT32_MAX ? -EINVAL
						       : rotate__make(k->rotated, m->run, m->number, segment, &owner);

	m->kind = CHANNEL_SEGMENT;
	m->size = fd < 0 ? snprintf(m->text, sizeof(m->text), "%s", strerror(-fd)) : 0;
	m->fds_count = fd >= 0;
	m->fds[0] = fd;
	channel__send(k->channel, m); /* what does not arrive is asked for again */
	channel__drop(m);
}

/* Replies with the bytes. */
static void free_segments(struct keeper *k, struct channel_message *m)
{
	uint64_t freed = 0;

	if (k->store && k->delivered.count)
		freed = rotate__free_space(k->rotated, m->run, &k->delivered, strtoull(m->text, NULL, 10));
	m->kind = CHANNEL_FREED;
	m->size = snprintf(m->text, sizeof(m->text), "%llu", (unsigned long long)freed);
	channel__send(k->channel, m);
}

void keeper_store__segment(struct keeper *k, struct channel_message *m)
{
	if (m->kind == CHANNEL_FREE)
		free_segments(k, m);
	else
		make_segment(k, m);
}

/* ---- runs ---- */

void keeper_store__kept(struct keeper *k, uint32_t run)
{
	rotate(k, run);
	if (!k->store)
		return;
	store__made(k->store, k->folder.id, run, k->uid);
	work_soon(k);
}

void keeper_store__ended(struct keeper *k, uint32_t run)
{
	rotate__end(&k->rotated, run);
	if (!k->store)
		return;
	store__ended(k->store, run);
	work_soon(k);
}

void keeper_store__disk_is_full(struct keeper *k)
{
	if (k->store)
		store__free_space(k->store);
}

int keeper_store__reload(struct keeper *k)
{
	const struct retention_limits kept = limits_of(k);

	if (!k->store)
		return 0;
	if (find_sinks(k))
		return -ENOMEM;
	store__reload(k->store, &kept);
	work_soon(k);
	return 0;
}
