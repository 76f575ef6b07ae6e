/* SPDX-License-Identifier: BSD-2-Clause */
/* Capabilities: checked before the start, dropped after it. */
#ifndef CORE_DAEMON_CAPS_H
#define CORE_DAEMON_CAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"

/* 0, or -EPERM with `err` set: which of `needed` (1ULL << CAP_*) this process lacks, their purpose, and how to
 * grant them. */
int caps__check(uint64_t needed, struct error *err);

/* Formats the names of a set of capabilities, "none" for the empty set. */
void caps__names(uint64_t set, char *out, size_t size);

bool caps__have(int cap); /* effective */

/* Drops all capabilities of this process permanently except `keep`, and `more` if suffices() returns false without
 * them. 0 or -errno. */
int caps__drop(uint64_t keep, bool (*suffices)(void *arg), void *arg, uint64_t more);

#endif
