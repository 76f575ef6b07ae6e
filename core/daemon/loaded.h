/* SPDX-License-Identifier: BSD-2-Clause */
/* Loaded probes, and what sinks say of themselves: none of their code runs here. */
#ifndef CORE_DAEMON_LOADED_H
#define CORE_DAEMON_LOADED_H

#include "core/config/config.h"

struct plugin;
struct sink_about;

extern const struct plugin_kind probe_kind;

struct loaded {
	const char *dir;
	const struct loaded *base; /* where to look first; NULL: nowhere */
	struct plugin *plugins;
	size_t count;
	struct sink_about *sinks;
	char **names; /* of all installed probes; NULL: not read yet */
};

/* Loads what a configuration asks for, and keeps it there. */
struct conf_finder loaded__finder(struct loaded *loaded);
void loaded__free(struct loaded *loaded);

#endif
