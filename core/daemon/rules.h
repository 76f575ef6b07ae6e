/* SPDX-License-Identifier: BSD-2-Clause */
/* Scope rules of the daemon: installed in the kernel, matched in user space. */
#ifndef CORE_DAEMON_RULES_H
#define CORE_DAEMON_RULES_H

#include <linux/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/scope.h"

struct conf;
struct scope;

bool rules__all(const struct conf *conf);	/* whether there is an `all: true` */
uint32_t rules__kinds(const struct conf *conf); /* bit per scope_rule_kind */

/* Installs the literal prefix of each pattern in the kernel. 0 or -errno, logged. */
int rules__install(const struct conf *conf, struct scope *scope);

/* Whether a rule matches the text that the kernel found by a prefix. */
bool rules__match(const struct conf *conf, const struct scope_note *note);

/* Whether an existing process matches a rule, by /proc/PID. */
bool rules__find(const struct conf *conf, uint32_t pid);

#endif
