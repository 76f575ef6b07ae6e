/* SPDX-License-Identifier: BSD-2-Clause */
/* Capabilities: what is needed, said before anything starts; what is not needed any more, dropped. */
#ifndef CORE_DAEMON_CAPS_H
#define CORE_DAEMON_CAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"

/* 0, or -EPERM with a sentence in `err`: which of `needed` (1ULL << CAP_...) this process lacks, what each
 * is for, and how to give it. */
int caps__check(uint64_t needed, struct error *err);

/* The names of a set of capabilities, "none" for an empty one. */
void caps__names(uint64_t set, char *out, size_t size);

bool caps__have(int cap); /* effective */

/* Gives up all capabilities of this process for good, but for those of `keep`, and those of `more` if
 * suffices() finds that it cannot do without. 0 or -errno. */
int caps__drop(uint64_t keep, bool (*suffices)(void *arg), void *arg, uint64_t more);

#endif
