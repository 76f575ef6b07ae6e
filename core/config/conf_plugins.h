/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of the configuration whose grammar comes from plugins: `probes` and `sinks`. */
#ifndef CORE_CONFIG_CONF_PLUGINS_H
#define CORE_CONFIG_CONF_PLUGINS_H

#include "core/config/conf.h"
#include "core/config/tree.h"

/* Take the node of the key and tell what is wrong with it. */
void conf_plugins__probes(struct conf *conf, struct tree *tree, const struct tree_entry *entry,
			  const struct conf_finder *finder);
void conf_plugins__sinks(struct conf *conf, struct tree *tree, const struct tree_entry *entry,
			 const struct conf_finder *finder);

/* Every probe that is installed, by its defaults. One that cannot be loaded is told of and left out; that
 * none is left is an error. 0 or -errno, having told. */
int conf_plugins__all_probes(struct conf *conf, const struct conf_finder *finder);

void conf_plugins__free(struct conf *conf);

#endif
