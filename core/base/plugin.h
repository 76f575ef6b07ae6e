/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds and loads plugins: PLUGINDIR/probes/NAME.so, PLUGINDIR/sinks/NAME.so.
 *
 * A plugin runs with the core's rights, so when that is root the file and every folder above it must
 * belong to root and not be writable by others (a sticky folder such as /tmp counts as safe: others
 * cannot replace what is root's in it). The file is opened once and loaded through its descriptor. */
#ifndef CORE_BASE_PLUGIN_H
#define CORE_BASE_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#include "core/error.h"

struct plugin {
	char *name, *path;
	void *handle; /* of dlopen() */
	void *table;  /* the core's own copy of the plugin's struct, zeroed after the plugin's own size */
	int fd;	      /* of the file; stays open: dlopen() knows it by its name in /proc/self/fd */
};

/* What a kind of plugin has in common: both ABIs begin `uint32_t abi, size; const char *name`. */
struct plugin_kind {
	const char *folder; /* "probes" */
	const char *symbol; /* PROBE_SYMBOL */
	uint32_t abi;
	size_t size;	 /* of the core's struct */
	size_t size_min; /* up to the last member of the ABI's first version */
};

/* Names of all plugins of a kind in `dir`, sorted; *names is an array ended by NULL, freed by
 * plugin__names_free(). 0 or -errno. */
int plugin__names(const struct plugin_kind *kind, const char *dir, char ***names);
void plugin__names_free(char **names);

/* Loads one. 0, or -errno with a sentence in `err`: -ENOENT for none of that name (the sentence names
 * the nearest that is there), -EPERM for an unsafe path, -ENOEXEC for a wrong ABI, symbol or name. */
int plugin__load(const struct plugin_kind *kind, const char *dir, const char *name, struct plugin *plugin,
		 struct error *err);
void plugin__unload(struct plugin *plugin); /* takes a zeroed one */

#endif
