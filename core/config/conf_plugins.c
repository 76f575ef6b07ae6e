/* SPDX-License-Identifier: BSD-2-Clause */
/* Probes and sinks in the configuration, checked by their own option tables. */
#include "core/config/conf_plugins.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/base.h"

#define MS 1000000ULL
#define HOUR (3600000 * MS)

/* Options of every probe, and of those that sample. */
static const struct opt common_options[] = {
	OPT(struct conf_probe, required, OPT_BOOL, "false", 0, 0, "whether the start is aborted if it cannot run"),
	OPT(struct conf_probe, ring, OPT_SIZE, NULL, 64 << 10, 1 << 30, "size of its ring buffer, a power of two"),
	OPT(struct conf_probe, events, OPT_LIST, NULL, 0, 0, "names of the events to record"),
	{.name = NULL},
};
static const struct opt sampler_options[] = {
	OPT(struct conf_probe, interval, OPT_DURATION, NULL, 10 * MS, HOUR, "time between samples"),
	{.name = NULL},
};

/* The argument of the visits. */
struct naming {
	struct conf *conf;
	const struct conf_finder *finder;
};

/* Appends a probe with its defaults; NULL: out of memory, or its table has an invalid default. */
static struct conf_probe *add_probe(struct conf *conf, const char *name, const struct probe *probe)
{
	struct conf_probe *probes, *added;

	probes = realloc(conf->probes, (conf->probes_count + 1) * sizeof(*probes));
	if (!probes)
		return NULL;
	conf->probes = probes;
	added = &probes[conf->probes_count++];
	memset(added, 0, sizeof(*added));
	added->probe = probe;
	added->ring = probe->ring_bytes ? probe->ring_bytes : 1 << 20;
	added->interval = probe->interval_ns;
	added->name = strdup(name);
	added->conf = calloc(1, probe->conf_size ? probe->conf_size : 1);
	if (!added->name || !added->conf || opt__defaults(probe->options, added->conf))
		return NULL;
	return added;
}

static void check_ring(struct tree *tree, yaml_node_t *node, const char *key, uint64_t ring)
{
	char low[32], high[32];
	uint64_t power = 1;

	if ((ring & (ring - 1)) == 0)
		return;
	while (power * 2 < ring)
		power *= 2;
	opt_type__format(OPT_SIZE, power, low, sizeof(low));
	opt_type__format(OPT_SIZE, power * 2, high, sizeof(high));
	tree__error(tree, node, key, "is not a power of two: write %s or %s", low, high);
}

/* The list must have at least one event, and only events of the probe. */
static void check_events(struct tree *tree, yaml_node_t *node, const char *key, const struct conf_probe *conf)
{
	const struct probe *probe = conf->probe;

	if (!conf->events.n)
		tree__error(tree, node, key, "is empty: name an event, or remove the key for all events");
	for (size_t i = 0; i < conf->events.n; i++) {
		struct nearest nearest = {.name = conf->events.items[i]};
		struct error err;
		bool known = false;

		for (size_t kind = 0; kind < probe->events_count && !known; kind++) {
			if (!probe->events[kind].name)
				continue;
			known = !strcmp(probe->events[kind].name, nearest.name);
			nearest__offer(&nearest, probe->events[kind].name);
		}
		if (known)
			continue;
		error__set(&err, 0, "no event \"%.64s\"", nearest.name);
		nearest__append(&nearest, &err);
		tree__error(tree, node, key, "%s", err.text);
	}
}

static void visit_probe(struct tree *tree, const struct tree_entry *entry, void *arg)
{
	const struct naming *naming = arg;
	struct tree_table tables[3] = {{common_options, NULL}};
	const struct probe *probe;
	struct conf_probe *added;
	struct error err;
	char key[TREE_KEY_MAX + 8];
	yaml_node_t *ring, *events;
	size_t n = 1;

	probe = naming->finder->probe(naming->finder->arg, entry->name, &err);
	if (!probe) {
		tree__error(tree, entry->name_node, entry->key, "%s", err.text);
		return;
	}
	added = add_probe(naming->conf, entry->name, probe);
	if (!added) {
		tree__error(tree, entry->name_node, entry->key, "out of memory, or its default values are invalid");
		return;
	}
	added->line = entry->name_node->start_mark.line + 1;
	added->column = entry->name_node->start_mark.column + 1;
	tables[0].conf = added;
	if (probe->interval_ns)
		tables[n++] = (struct tree_table){sampler_options, added};
	tables[n++] = (struct tree_table){probe->options, added->conf};
	tree__options(tree, entry->node, entry->key, tables, n);
	ring = tree__find(tree, entry->node, "ring");
	snprintf(key, sizeof(key), "%s.ring", entry->key);
	if (ring)
		check_ring(tree, ring, key, added->ring);
	events = tree__find(tree, entry->node, "events");
	snprintf(key, sizeof(key), "%s.events", entry->key);
	if (events)
		check_events(tree, events, key, added);
}

/* Those of a mapping; NULL: all. */
static void expect_probes(struct tree *tree, yaml_node_t *mapping, const struct conf_finder *finder)
{
	char *const *name = finder->expect ? finder->probe_names(finder->arg) : NULL;

	for (; name && *name; name++)
		if (!mapping || tree__find(tree, mapping, *name))
			finder->expect(finder->arg, *name);
}

void conf_plugins__probes(struct conf *conf, struct tree *tree, const struct tree_entry *entry,
			  const struct conf_finder *finder)
{
	struct naming naming = {conf, finder};
	const yaml_node_t *node = entry->node;

	expect_probes(tree, entry->node, finder);
	tree__mapping(tree, entry->node, entry->key, visit_probe, &naming);
	if (node->type == YAML_MAPPING_NODE && node->data.mapping.pairs.top == node->data.mapping.pairs.start)
		tree__error(tree, node, entry->key, "is empty: name a probe, or remove the key for all probes");
}

/* One that cannot be loaded is left out. */
static int add_default(struct conf *conf, const struct conf_finder *finder, const char *name)
{
	const struct probe *probe;
	struct error err;

	probe = finder->probe(finder->arg, name, &err);
	if (!probe) {
		finder->report(finder->arg, LOG_WARN, err.text);
		return 0;
	}
	if (add_probe(conf, name, probe))
		return 0;
	finder->report(finder->arg, LOG_ERROR, "out of memory, or a probe's default values are invalid");
	return -ENOMEM;
}

int conf_plugins__add_installed(struct conf *conf, const struct conf_finder *finder, const char *name)
{
	char *const *installed = finder->probe_names(finder->arg);

	for (size_t i = 0; i < conf->probes_count; i++)
		if (!strcmp(conf->probes[i].name, name))
			return 0;
	while (installed && *installed && strcmp(*installed, name))
		installed++;
	if (!installed || !*installed)
		return 0;
	if (finder->expect)
		finder->expect(finder->arg, name);
	return add_default(conf, finder, name);
}

int conf_plugins__all_probes(struct conf *conf, const struct conf_finder *finder)
{
	char *const *name = finder->probe_names(finder->arg);
	int err;

	expect_probes(NULL, NULL, finder);
	for (; name && *name; name++) {
		err = add_default(conf, finder, *name);
		if (err)
			return err;
	}
	if (conf->probes_count)
		return 0;
	finder->report(finder->arg, LOG_ERROR, "no probe is installed: install one, or use --plugin-dir");
	return -EINVAL;
}

/* The options set in the file, as `k=v,k=v`. */
static char *sink_text(struct tree *tree, yaml_node_t *node, const struct sink *sink, const void *conf)
{
	char *text = strdup("");
	const struct opt *opt;

	for (opt = sink->options; text && opt && opt->name; opt++) {
		if (!tree__find(tree, node, opt->name) || opt__unparse(opt, conf, &text) == 0)
			continue;
		free(text);
		return NULL;
	}
	return text;
}

static void add_sink(struct naming *naming, struct tree *tree, const struct tree_entry *entry, const struct sink *sink,
		     const void *conf)
{
	struct conf *all = naming->conf;
	struct conf_sink *sinks, *added;

	sinks = realloc(all->sinks, (all->sinks_count + 1) * sizeof(*sinks));
	if (sinks) {
		all->sinks = sinks;
		added = &sinks[all->sinks_count++];
		added->line = entry->name_node->start_mark.line + 1;
		added->column = entry->name_node->start_mark.column + 1;
		added->name = strdup(entry->name);
		added->sink = sink;
		added->text = sink_text(tree, entry->node, sink, conf);
	}
	if (!sinks || !added->name || !added->text)
		tree__error(tree, entry->name_node, entry->key, "out of memory");
}

static void visit_sink(struct tree *tree, const struct tree_entry *entry, void *arg)
{
	struct naming *naming = arg;
	struct tree_table table;
	const struct sink *sink;
	struct error err;
	void *conf;

	sink = naming->finder->sink(naming->finder->arg, entry->name, &err);
	if (!sink) {
		tree__error(tree, entry->name_node, entry->key, "%s", err.text);
		return;
	}
	conf = calloc(1, sink->conf_size ? sink->conf_size : 1);
	if (!conf || opt__defaults(sink->options, conf)) {
		tree__error(tree, entry->name_node, entry->key, "out of memory, or its default values are invalid");
	} else {
		table = (struct tree_table){sink->options, conf};
		tree__options(tree, entry->node, entry->key, &table, 1);
		add_sink(naming, tree, entry, sink, conf);
	}
	opt__free(sink->options, conf);
	free(conf);
}

void conf_plugins__sinks(struct conf *conf, struct tree *tree, const struct tree_entry *entry,
			 const struct conf_finder *finder)
{
	struct naming naming = {conf, finder};

	tree__mapping(tree, entry->node, entry->key, visit_sink, &naming);
}

static int same_options(const struct opt *opt, const void *a, const void *b)
{
	int same = 1;

	for (; same > 0 && opt && opt->name; opt++)
		same = opt__same(opt, a, b);
	return same;
}

int conf_plugins__same_probe(const struct conf_probe *a, const struct conf_probe *b)
{
	const struct opt *options = a->probe->options;
	int same = same_options(common_options, a, b);

	if (same > 0)
		same = same_options(sampler_options, a, b);
	return same > 0 && a->probe == b->probe ? same_options(options, a->conf, b->conf) : same;
}

void conf_plugins__free(struct conf *conf)
{
	size_t i;

	for (i = 0; i < conf->probes_count; i++) {
		if (conf->probes[i].conf)
			opt__free(conf->probes[i].probe->options, conf->probes[i].conf);
		free(conf->probes[i].conf);
		opt__free(common_options, &conf->probes[i]);
		free(conf->probes[i].name);
	}
	free(conf->probes);
	for (i = 0; i < conf->sinks_count; i++) {
		free(conf->sinks[i].name);
		free(conf->sinks[i].text);
	}
	free(conf->sinks);
}
