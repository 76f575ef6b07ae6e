/* SPDX-License-Identifier: BSD-2-Clause */
/* The sinks that a merge feeds: loaded by name, configured, called in the order they were asked for. */
#ifndef CORE_SINKS_H
#define CORE_SINKS_H

#include "core/filter.h"
#include "core/plugin.h"
#include "core/sink.h"

extern const struct plugin_kind sink_kind;

struct sinks {
	struct sinks_entry *entries;
	size_t count;
	struct sink_api api;
};

/* Loads "NAME" or "NAME:k=v,k=v". 0, or -errno with a sentence in `err`. */
int sinks__add(struct sinks *sinks, const char *dir, const char *spec, char *err, size_t size);

/* `path` becomes the option `output` of the sinks that have one and were not given it: they make files of
 * their own. Returns whether there are others, which write to the merge's. 0, 1 or -errno with a sentence. */
int sinks__output(struct sinks *sinks, const char *path, char *err, size_t size);

/* Opens each and tells it of the streams. 0, or -errno; the sink has logged why. */
int sinks__open(struct sinks *sinks, int out, const struct merge *merge, const struct filter *filter);
int sinks__write(struct sinks *sinks, const struct record *record);

/* What became of the streams, then the last flush. */
int sinks__finish(struct sinks *sinks, const struct merge *merge, const struct filter *filter);
void sinks__close(struct sinks *sinks); /* whatever was loaded and opened */

#endif
