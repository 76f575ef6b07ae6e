/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds and loads plugins: PLUGINDIR/probes/NAME.so, PLUGINDIR/sinks/NAME.so.
 *
 * A plugin runs with the core's privileges. When the core is root, the file and every folder above it must
 * belong to root and not be writable by others (a sticky folder such as /tmp is safe: others cannot replace
 * root's files in it). The file is opened once and loaded through its descriptor. */
#ifndef CORE_BASE_PLUGIN_H
#define CORE_BASE_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"

struct plugin {
	char *name, *path;
	void *handle; /* of dlopen() */
	void *table;  /* the core's copy of the plugin's struct, zeroed beyond the plugin's own size */
	int fd;	      /* of the file; stays open: dlopen() identifies it by its path in /proc/self/fd */
	bool tried;   /* in a child */
	int fault;    /* of rehearse__run(): what it did there; 0: nothing */
};

/* A kind of plugin; both ABIs begin `uint32_t abi, size; const char *name`. */
struct plugin_kind {
	const char *folder; /* "probes" */
	const char *symbol; /* PROBE_SYMBOL */
	uint32_t abi;
	size_t size;	 /* of the core's struct */
	size_t size_min; /* up to the last member of the ABI's first version */
};

/* Names of all plugins of a kind in `dir`, sorted; *names is a NULL-terminated array, freed by
 * plugin__names_free(). 0 or -errno. */
int plugin__names(const struct plugin_kind *kind, const char *dir, char ***names);
void plugin__names_free(char **names);

/* Finds one and opens its file, without running any of its code. 0, or -errno with a sentence in `err`: -ENOENT if there is none
 * of that name (the sentence names the nearest), -EPERM for an unsafe path. */
int plugin__find(const struct plugin_kind *kind, const char *dir, const char *name, struct plugin *plugin,
		 struct error *err);

/* Loads those not tried yet in a child process, one for all, and notes what has become of each: plugin__start() does that for
 * a single one. */
void plugin__rehearse(const struct plugin_kind *kind, struct plugin *plugins, size_t count);

/* Loads what was found, by its descriptor: a process that has dropped its rights since can do that. 0, or -ENOEXEC with a
 * sentence for a wrong ABI, symbol or name. */
int plugin__start(const struct plugin_kind *kind, struct plugin *plugin, struct error *err);

/* Both. After a failure there is nothing to unload. */
int plugin__load(const struct plugin_kind *kind, const char *dir, const char *name, struct plugin *plugin,
		 struct error *err);
void plugin__unload(struct plugin *plugin); /* takes a zeroed one */

/* Loads a library, for as long as this process lives, and finds its functions by their names. 0, or -ENOENT with a sentence. */
int library__load(const char *file, const char *const *names, size_t count, void **functions, struct error *err);

#endif
