/* SPDX-License-Identifier: BSD-2-Clause */
/* Limits of verdicts from the configuration. */
#ifndef CORE_CONFIG_CONF_VERDICTS_H
#define CORE_CONFIG_CONF_VERDICTS_H

#include "core/config/tree.h"
#include "core/config/verdict_limits.h"

/* Loads the value of the key `verdicts`; errors are reported. `limits` has the defaults. */
void conf_verdicts__load(struct verdict_limits *limits, struct tree *tree, const struct tree_entry *entry);

/* The same from a whole file, of which nothing else is looked at. Fills `list`, which must be zeroed, with what differs from the
 * defaults; verdict_limits__free_list() frees it. 0, -EINVAL, reported, or -ENOMEM. */
int conf_verdicts__load_file(struct opt_list *list, const char *path, tree_error report, void *arg);

#endif
