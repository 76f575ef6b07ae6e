/* SPDX-License-Identifier: BSD-2-Clause */
/* SIGHUP: reads the configuration again, and has the recorder take over what it can. */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "core/base/base.h"
#include "core/config/config.h"
#include "core/daemon/channel.h"
#include "core/daemon/keeper.h"
#include "core/log.h"

#define ROOM_MS 1000 /* that the recorder has to make room for a message */

static void refuse(struct keeper *k, struct conf *conf, const char *why)
{
	log__error("%s: not reloaded%s%s: what was read before stays", k->opts->config, *why ? ": " : "", why);
	k->reload.refused_at = clock__ns(CLOCK_REALTIME);
	k->opts->drop(conf);
}

/* Messages are limited: in parts. */
static int send_parts(const struct keeper *k, const struct buffer *all)
{
	struct pollfd room = {.fd = k->channel, .events = POLLOUT};
	int err = 0;

	for (size_t at = 0; at < all->size && !err;) {
		struct channel_message m = {.kind = CHANNEL_RELOAD, .run = at, .number = all->size};

		m.size = all->size - at < CHANNEL_TEXT ? all->size - at : CHANNEL_TEXT;
		memcpy(m.text, all->data + at, m.size);
		err = channel__send(k->channel, &m);
		if (err == -EAGAIN && poll(&room, 1, ROOM_MS) > 0)
			err = channel__send(k->channel, &m);
		at += m.size;
	}
	return err;
}

static int offer(const struct keeper *k, const struct conf *conf)
{
	struct buffer all = {0};
	int err = conf_reload__pack(conf, &all);

	if (!err)
		err = send_parts(k, &all);
	buffer__free(&all);
	return err;
}

void keeper_reload__start(struct keeper *k)
{
	struct conf *conf;
	int err;

	k->reload.again = !k->ready || k->reload.offered;
	if (k->reload.again || k->ending)
		return;
	conf = k->opts->reload(k->opts->reload_arg);
	err = conf ? offer(k, conf) : 0;
	if (!conf || err)
		refuse(k, conf, err ? strerror(-err) : "");
	else
		k->reload.offered = conf;
}

/* ---- it is in use ---- */

static void say_fixed(void *arg, const char *key)
{
	const struct keeper *k = arg;

	log__warn("%s: %s: differs from what this daemon was started with, and takes effect at a restart",
		  k->opts->config, key);
}

static const struct conf_sink *find_sink(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->sinks_count; i++)
		if (!strcmp(conf->sinks[i].name, name))
			return &conf->sinks[i];
	return NULL;
}

/* Followers are processes of their own, which read the file when they start. */
static void say_sinks(const struct conf *old, const struct conf *conf)
{
	for (size_t i = 0; i < conf->sinks_count; i++) {
		const struct conf_sink *sink = &conf->sinks[i], *was = find_sink(old, sink->name);

		if (!was || strcmp(was->text, sink->text))
			log__warn("sink %s: %s: %s its follower", sink->name, was ? "changed" : "new",
				  was ? "restart" : "start");
	}
	for (size_t i = 0; i < old->sinks_count; i++)
		if (!find_sink(conf, old->sinks[i].name))
			log__warn("sink %s: removed: stop its follower", old->sinks[i].name);
}

static void use(struct keeper *k, struct conf *conf)
{
	say_sinks(k->conf, conf);
	if (conf_reload__fixed(k->opts->conf, conf, say_fixed, k))
		log__warn("%s: no memory to compare it", k->opts->config);
	k->own.limits = conf->limits;
	k->own.rules = conf->rules;
	k->own.rules_count = conf->rules_count;
	k->own.sinks = conf->sinks;
	k->own.sinks_count = conf->sinks_count;
	k->name = NULL; /* of a rule that has gone */
	/* else the names of the old sinks are still in use */
	if (keeper_store__reload(k))
		log__error("no memory: what is kept for sinks is that of the last configuration");
	else
		k->opts->drop(k->reload.used);
	k->reload.used = conf;
	k->reload.at = clock__ns(CLOCK_REALTIME);
	log__info("reloaded: %zu rules, %zu sinks, from %s", conf->rules_count, conf->sinks_count, k->opts->config);
}

/* From now on, the numbers of rules in the recorder's messages are those of the new ones. */
void keeper_reload__done(struct keeper *k, int err)
{
	struct conf *conf = k->reload.offered;

	if (!conf)
		return;
	k->reload.offered = NULL;
	if (err)
		refuse(k, conf, strerror(err < 0 ? -err : err));
	else
		use(k, conf);
	if (k->reload.again)
		keeper_reload__start(k);
}

void keeper_reload__free(struct keeper *k)
{
	k->opts->drop(k->reload.offered);
	k->opts->drop(k->reload.used);
}
