/* SPDX-License-Identifier: BSD-2-Clause */
/* Scope rules of the daemon: what the kernel looks up, what user space decides. */
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

/* Gives the kernel each pattern's literal beginning. 0 or -errno, having logged why. */
int rules__install(const struct conf *conf, struct scope *scope);

/* Whether what the kernel found is really meant by a rule. */
bool rules__match(const struct conf *conf, const struct scope_note *note);

/* Whether a present process matches a rule, by what /proc shows of it. */
bool rules__find(const struct conf *conf, uint32_t pid);

#endif
