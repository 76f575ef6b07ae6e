/* SPDX-License-Identifier: BSD-2-Clause */
/* A configuration that is read again while the daemon runs: what takes effect, as bytes for the process that cannot read
 * the file, and what does not. */
#ifndef CORE_CONFIG_CONF_RELOAD_H
#define CORE_CONFIG_CONF_RELOAD_H

#include <stddef.h>

#include "core/buffer.h"
#include "core/config/conf.h"

/* Calls say() with the key of each value in which `conf` differs from `old` and that needs a restart. 0, or -ENOMEM. */
int conf_reload__fixed(const struct conf *old, const struct conf *conf, void (*say)(void *arg, const char *key),
		       void *arg);

/* Appends the rest: the limits and the rules. Returns out->error. */
int conf_reload__pack(const struct conf *conf, struct buffer *out);

/* The rules' strings remain in `data`, which must outlive them. Sets only limits, rules and rules_count of `conf`. 0, -ENOMEM, or
 * -EBADMSG. The caller frees conf->rules. */
int conf_reload__unpack(struct conf *conf, const void *data, size_t size);

#endif
