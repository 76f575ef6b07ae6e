/* SPDX-License-Identifier: BSD-2-Clause */
/* What the keeper does about the daemon's runs on disk: when it is looked after, and what the recorder has to know. */
#include "core/daemon/keeper.h"

#include <errno.h>

#include "core/config/config.h"
#include "core/daemon/loop.h"
#include "core/log.h"
#include "core/runs/runs.h"

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
	if (full)
		log__warn(
			"%s: limits.total is reached by runs that are still recorded: nothing is recorded until they end",
			k->opts->output);
	else
		log__warn("%s: limits.total holds again: recording goes on", k->opts->output);
}

static void work_soon(struct keeper *k)
{
	if (k->store_soon)
		return;
	k->store_soon = true;
	loop__arm(k->store_timer, STORE_SOON_NS, 0);
}

int keeper_store__start(struct keeper *k)
{
	const struct conf_limits *limits = &k->conf->limits;
	const struct retention_limits kept = {limits->total, limits->age, limits->runs, limits->runs_per_user};

	if (!collector__is_daemon(k->opts))
		return 0;
	k->store = store__new(k->opts->output, &kept);
	if (!k->store)
		return -ENOMEM;
	k->store_timer = loop__timer(k->loop, on_timer, k);
	return k->store_timer < 0 ? k->store_timer : loop__arm(k->store_timer, 1, 0);
}

int keeper_store__allow(const struct keeper *k, struct error *err)
{
	return k->full ? error__set(err, -EDQUOT, "limits.total is reached") : 0;
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
