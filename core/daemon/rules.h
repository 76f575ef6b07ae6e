/* SPDX-License-Identifier: BSD-2-Clause */
/* Scope rules of the daemon: installed in the kernel, matched in user space. */
#ifndef CORE_DAEMON_RULES_H
#define CORE_DAEMON_RULES_H

#include <linux/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/scope.h"

struct conf;
struct conf_rule;
struct scope;

const struct conf_rule *rules__all(const struct conf *conf); /* `all: true`; NULL: there is none */

/* Installs the literal prefix of each pattern in the kernel, in place of those of `old`, which may be NULL. 0, or -errno,
 * logged: then those of `old` stay. */
int rules__replace(struct scope *scope, const struct conf *old, const struct conf *conf);

/* The rule that matches the text that the kernel found by a prefix; NULL: none does. */
const struct conf_rule *rules__match(const struct conf *conf, const struct scope_note *note);

/* The rule that an existing process matches, by /proc/PID; NULL: none. */
const struct conf_rule *rules__find(const struct conf *conf, uint32_t pid);

/* The user of a process, by /proc/PID; STREAM_NO_UID: it has gone. */
uint32_t rules__user(uint32_t pid);

#endif
