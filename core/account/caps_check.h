/* SPDX-License-Identifier: BSD-2-Clause */
/* The capabilities that are needed, and how to grant them. */
#ifndef CORE_ACCOUNT_CAPS_CHECK_H
#define CORE_ACCOUNT_CAPS_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"

/* 0, or -EPERM with `err` set: which of `needed` (1ULL << CAP_*) this process lacks, their purpose, and how to
 * grant them; or that it is in a user namespace, where none counts. */
int caps__check(uint64_t needed, struct error *err);

/* Whether this process is in a PID namespace of its own, as in a container. */
bool caps__in_container(void);

/* Formats the names of a set of capabilities, "none" for the empty set. */
void caps__names(uint64_t set, char *out, size_t size);

#endif
