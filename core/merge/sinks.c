/* SPDX-License-Identifier: BSD-2-Clause */
/* Loads, configures and calls sinks. */
#include "core/merge/merge.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/log.h"

struct sinks_entry {
	struct plugin plugin;
	const struct sink *sink;
	void *conf, *state;
	struct sink_api api;
	struct place place;
	uint64_t written, delivered; /* records */
	bool open, reports;	     /* reports: it calls delivered() itself */
};

const struct plugin_kind sink_kind = {
	.folder = "sinks",
	.symbol = SINK_SYMBOL,
	.abi = SINK_ABI,
	.size = sizeof(struct sink),
	.size_min = offsetof(struct sink, close) + sizeof(((struct sink *)0)->close),
};

static const struct opt no_options[] = {{0}};

static const struct opt *sink__options(const struct sink *sink)
{
	return sink->options ? sink->options : no_options;
}

static void entry__free(struct sinks_entry *entry)
{
	if (entry->open)
		entry->sink->close(entry->state);
	place__close(&entry->place);
	if (entry->sink)
		opt__free(sink__options(entry->sink), entry->conf);
	free(entry->conf);
	plugin__unload(&entry->plugin);
}

static int entry__load(struct sinks_entry *entry, const char *dir, const char *spec, struct error *err)
{
	struct error why;
	char *name = strndup(spec, strcspn(spec, ":"));
	const char *options = strchr(spec, ':');
	int rc;

	if (!name)
		return error__set(err, -ENOMEM, "%s", strerror(ENOMEM));
	rc = plugin__load(&sink_kind, dir, name, &entry->plugin, err);
	if (rc)
		goto out;
	entry->sink = entry->plugin.table;
	if (!entry->sink->open || !entry->sink->write || !entry->sink->close) {
		rc = error__set(err, -ENOEXEC, "sink %s: it lacks open, write or close", name);
		goto out;
	}
	entry->conf = calloc(1, entry->sink->conf_size ? entry->sink->conf_size : 1);
	if (!entry->conf) {
		rc = error__set(err, -ENOMEM, "%s", strerror(ENOMEM));
		goto out;
	}
	rc = opt__defaults(sink__options(entry->sink), entry->conf);
	if (rc) {
		error__set(err, rc, "sink %s: a default that its own table refuses", name);
		goto out;
	}
	rc = opt__parse(sink__options(entry->sink), entry->conf, options ? options + 1 : NULL, &why);
	if (rc)
		error__set(err, rc, "--sink %s: %s", name, why.text);
out:
	free(name);
	return rc;
}

int sinks__add(struct sinks *sinks, const char *dir, const char *spec, struct error *err)
{
	struct sinks_entry *entries = reallocarray(sinks->entries, sinks->count + 1, sizeof(*entries));

	if (!entries)
		return error__set(err, -ENOMEM, "%s", strerror(ENOMEM));
	sinks->entries = entries;
	entries[sinks->count] = (struct sinks_entry){.place = {.to = -1, .made = -1}};
	return entry__load(&entries[sinks->count++], dir, spec, err);
}

/* An option that sinks of files have by contract; NULL for one that lacks it. */
static void *entry__option(const struct sinks_entry *entry, const char *name)
{
	const struct opt *opt = opt__find(sink__options(entry->sink), name);

	return opt ? (char *)entry->conf + opt->offset : NULL;
}

int sinks__output(struct sinks *sinks, const char *path, struct error *err)
{
	int rc = 0, bytes = 0;

	for (size_t i = 0; i < sinks->count && !rc; i++) {
		struct sinks_entry *entry = &sinks->entries[i];
		char **own = entry__option(entry, "output");

		if (entry->sink->output == SINK_BYTES)
			bytes = 1;
		else if (path && own && !*own)
			rc = opt__set(opt__find(sink__options(entry->sink), "output"), entry->conf, path, err);
	}
	return rc ? rc : bytes;
}

static int entry__streams(struct sinks_entry *entry, const struct merge *merge, const struct filter *filter)
{
	const struct stream_info *info;
	size_t i;
	int rc = 0;

	for (i = 0; entry->sink->stream && i < merge__streams(merge) && !rc; i++) {
		info = merge__info(merge, i);
		if (filter__stream(filter, info))
			rc = entry->sink->stream(entry->state, info);
	}
	return rc;
}

static void delivered(const struct sink_api *api, uint64_t records)
{
	struct sinks_entry *entry = (void *)((char *)api - offsetof(struct sinks_entry, api));

	entry->reports = true;
	if (records > entry->delivered && records <= entry->written)
		entry->delivered = records;
}

/* Opens what the sink makes; `out` is the merge's own output. */
static int entry__output(struct sinks_entry *entry, int out)
{
	const char *const *what =
		(const char *const[][2]){{"file", "FILE"}, {"folder", "FOLDER"}}[entry->sink->output == SINK_FOLDER];
	const char *name = entry->sink->name;
	char **path = entry__option(entry, "output");
	bool *overwrite = entry__option(entry, "overwrite");
	struct winsize window;
	struct error err;
	int rc;

	entry->api = (struct sink_api){
		sizeof(entry->api), out, log__colour(out), 80, log__print, delivered,
	};
	if (entry->sink->output == SINK_BYTES) {
		if (!ioctl(out, TIOCGWINSZ, &window) && window.ws_col)
			entry->api.columns = window.ws_col;
		return 0;
	}
	if (!path || !*path) {
		log__error("%s: into which %s? --output %s, or --sink %s:output=%s", name, what[0], what[1], name,
			   what[1]);
		return -EINVAL;
	}
	entry->place = (struct place){entry->sink->output, *path, overwrite && *overwrite, -1, -1, ""};
	rc = place__open(&entry->place, &err);
	if (rc)
		log__error("%s: %s", name, err.text);
	entry->api.out = entry->place.made;
	entry->api.colour = false;
	return rc;
}

int sinks__open(struct sinks *sinks, int out, const struct merge *merge, const struct filter *filter)
{
	struct sinks_entry *entry;
	int rc;

	for (entry = sinks->entries; entry < sinks->entries + sinks->count; entry++) {
		rc = entry__output(entry, out);
		if (!rc)
			rc = entry->sink->open(&entry->api, entry->conf, &entry->state);
		if (rc)
			return rc;
		entry->open = true;
		rc = entry__streams(entry, merge, filter);
		if (rc)
			return rc;
	}
	return 0;
}

int sinks__write(struct sinks *sinks, const struct record *record)
{
	struct sinks_entry *entry;
	size_t i;
	int rc = 0;

	for (i = 0; i < sinks->count && !rc; i++) {
		entry = &sinks->entries[i];
		entry->written++;
		rc = entry->sink->write(entry->state, record);
	}
	return rc;
}

static int entry__finish(struct sinks_entry *entry, const struct merge *merge, const struct filter *filter)
{
	const struct stream_info *info;
	struct error err;
	size_t i;
	int rc = 0;

	for (i = 0; entry->sink->ended && i < merge__streams(merge) && !rc; i++) {
		info = merge__info(merge, i);
		if (filter__stream(filter, info))
			rc = entry->sink->ended(entry->state, info, merge__state(merge, i));
	}
	if (!rc && entry->sink->flush)
		rc = entry->sink->flush(entry->state, true);
	if (!rc && entry->sink->output != SINK_BYTES) {
		rc = place__commit(&entry->place, &err);
		if (rc)
			log__error("%s: %s", entry->sink->name, err.text);
	}
	if (!rc && !entry->reports)
		entry->delivered = entry->written;
	return rc;
}

int sinks__finish(struct sinks *sinks, const struct merge *merge, const struct filter *filter)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < sinks->count && !rc; i++)
		rc = entry__finish(&sinks->entries[i], merge, filter);
	return rc;
}

uint64_t sinks__delivered(const struct sinks *sinks, size_t i)
{
	return sinks->entries[i].delivered;
}

void sinks__close(struct sinks *sinks)
{
	while (sinks->count)
		entry__free(&sinks->entries[--sinks->count]);
	free(sinks->entries);
	sinks->entries = NULL;
}

void sinks__list(FILE *out, const void *table)
{
	const struct sink *sink = table;

	fprintf(out, "sink %s: %s\n", sink->name, sink->help);
	if (sink->needs)
		fprintf(out, "  needs %s\n", sink->needs);
	if (sink->options)
		fprintf(out, "  options\n");
	list__options(out, sink->options);
	fputc('\n', out);
}
