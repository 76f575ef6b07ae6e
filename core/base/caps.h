/* SPDX-License-Identifier: BSD-2-Clause */
/* The capabilities of this thread. */
#ifndef CORE_BASE_CAPS_H
#define CORE_BASE_CAPS_H

#include <stdbool.h>
#include <stdint.h>

int caps__get(uint64_t *effective, uint64_t *permitted); /* bits 1ULL << CAP_*; 0 or -errno */

/* Whether the file gave this process capabilities that its caller lacks: it must not do for the caller what the caller may
 * not do itself. */
bool caps__lent(void);

/* Lowers the effective set to nothing, and raises it again to all that is permitted. */
void caps__suspend(void);
void caps__resume(void);

bool caps__have(int cap); /* permitted, even if suspended */

/* Whether `test` succeeds with these capabilities alone. */
bool caps__suffice(uint64_t keep, bool (*test)(void *arg), void *arg);

/* Drops all capabilities of this thread permanently except `keep`: inheritable and ambient ones too. 0 or -errno. */
int caps__limit(uint64_t keep);

/* No exec gives any capability from now on; needs CAP_SETPCAP. 0 or -errno. */
int caps__empty_bounding_set(void);

#endif
