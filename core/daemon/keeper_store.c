/* SPDX-License-Identifier: BSD-2-Clause */
/* What the keeper does about the daemon's runs on disk: when it is looked after, and what the recorder has to know. */
#include "core/daemon/keeper.h"

#include <errno.h>
#include <stdlib.h>

#include "core/base/base.h"
#include "core/config/config.h"
#include "core/daemon/loop.h"
#include "core/log.h"
#include "core/resume/resume.h"
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
	store__free(k->store);
	free((void *)k->delivered.sinks);
}

void keeper_store__kept(struct keeper *k, uint32_t run)
{
	if (!k->store)
		return;
	store__made(k->store, k->folder.id, run, k->uid);
	work_soon(k);
}

void keeper_store__ended(struct keeper *k, uint32_t run)
{
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
