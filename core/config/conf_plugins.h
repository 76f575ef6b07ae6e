/* SPDX-License-Identifier: BSD-2-Clause */
/* The keys `probes` and `sinks` of the configuration, whose options are those of the plugins. */
#ifndef CORE_CONFIG_CONF_PLUGINS_H
#define CORE_CONFIG_CONF_PLUGINS_H

#include "core/config/conf.h"
#include "core/config/tree.h"

/* Load the value of the key; errors are reported by `tree`. */
void conf_plugins__probes(struct conf *conf, struct tree *tree, const struct tree_entry *entry,
			  const struct conf_finder *finder);
void conf_plugins__sinks(struct conf *conf, struct tree *tree, const struct tree_entry *entry,
			 const struct conf_finder *finder);

/* Adds every installed probe with its defaults. Probes that cannot be loaded are reported and left out; having none is
 * an error. 0 or -errno, reported. */
int conf_plugins__all_probes(struct conf *conf, const struct conf_finder *finder);

/* Adds this probe with its defaults, if it is installed and not yet there. 0 or -errno, reported. */
int conf_plugins__add_installed(struct conf *conf, const struct conf_finder *finder, const char *name);

/* Whether all options are the same. 1, 0, or -ENOMEM. */
int conf_plugins__same_probe(const struct conf_probe *a, const struct conf_probe *b);

void conf_plugins__free(struct conf *conf);

#endif
