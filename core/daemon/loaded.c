/* SPDX-License-Identifier: BSD-2-Clause */
/* The plugins that a configuration names. */
#include "core/daemon/loaded.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/base.h"
#include "core/log.h"
#include "core/merge/merge.h"
#include "core/probe.h"

const struct plugin_kind probe_kind = {"probes", PROBE_SYMBOL, PROBE_ABI, sizeof(struct probe), sizeof(struct probe)};

static int add_probe(struct loaded *loaded, const char *name, struct error *err)
{
	struct plugin *more = reallocarray(loaded->plugins, loaded->count + 1, sizeof(*more));
	int rc;

	if (!more)
		return error__set(err, -ENOMEM, "out of memory");
	loaded->plugins = more;
	rc = plugin__find(&probe_kind, loaded->dir, name, &more[loaded->count], err);
	loaded->count += !rc;
	return rc;
}

static struct plugin *expected(struct loaded *loaded, const char *name)
{
	for (size_t i = 0; i < loaded->count; i++)
		if (!strcmp(loaded->plugins[i].name, name) && !loaded->plugins[i].handle)
			return &loaded->plugins[i];
	return NULL;
}

/* What the configuration had before it was read again: a plugin is loaded once. */
static const struct probe *loaded_probe(const struct loaded *base, const char *name)
{
	for (size_t i = 0; base && i < base->count; i++)
		if (!strcmp(base->plugins[i].name, name) && base->plugins[i].handle)
			return base->plugins[i].table;
	return NULL;
}

static const struct sink *loaded_sink(const struct loaded *base, const char *name)
{
	for (const struct sink_about *about = base ? base->sinks : NULL; about; about = about->next)
		if (!strcmp(about->name, name))
			return &about->sink;
	return NULL;
}

/* One that cannot be found is an error when it is asked for. */
static void expect_probe(void *arg, const char *name)
{
	struct loaded *loaded = arg;
	struct error err;

	if (!loaded_probe(loaded->base, name))
		add_probe(loaded, name, &err);
}

static const struct probe *find_probe(void *arg, const char *name, struct error *err)
{
	struct loaded *loaded = arg;
	const struct probe *probe = loaded_probe(loaded->base, name);
	struct plugin *plugin = expected(loaded, name);

	if (probe)
		return probe;
	if (!plugin && add_probe(loaded, name, err))
		return NULL;
	plugin = plugin ? plugin : &loaded->plugins[loaded->count - 1];
	if (!plugin->tried)
		plugin__rehearse(&probe_kind, loaded->plugins, loaded->count);
	return plugin__start(&probe_kind, plugin, err) ? NULL : plugin->table;
}

static const struct sink *find_sink(void *arg, const char *name, struct error *err)
{
	struct loaded *loaded = arg;
	const struct sink *sink = loaded_sink(loaded->base, name);
	struct sink_about *about;

	if (sink)
		return sink;
	if (sink_about__read(&about, loaded->dir, name, err))
		return NULL;
	about->next = loaded->sinks;
	loaded->sinks = about;
	return &about->sink;
}

static char *const *probe_names(void *arg)
{
	struct loaded *loaded = arg;

	if (!loaded->names && plugin__names(&probe_kind, loaded->dir, &loaded->names))
		loaded->names = NULL;
	return loaded->names;
}

static void log_sentence(void *arg, enum log_level level, const char *sentence)
{
	(void)arg;
	log__print(level, "%s", sentence);
}

void loaded__free(struct loaded *loaded)
{
	while (loaded->count)
		plugin__unload(&loaded->plugins[--loaded->count]);
	free(loaded->plugins);
	while (loaded->sinks) {
		struct sink_about *about = loaded->sinks;

		loaded->sinks = about->next;
		sink_about__free(about);
	}
	plugin__names_free(loaded->names);
}

struct conf_finder loaded__finder(struct loaded *loaded)
{
	return (struct conf_finder){find_probe, find_sink, probe_names, expect_probe, log_sentence, loaded};
}
