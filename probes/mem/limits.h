/* SPDX-License-Identifier: BSD-2-Clause */
/* Limits of cgroups, from the keeper's answer. */
#ifndef PROBES_MEM_LIMITS_H
#define PROBES_MEM_LIMITS_H

struct mem_together;

/* reason: of the answer's error, for what is missing. */
void limits__take(struct mem_together *e, const char *text, enum event_reason reason);

#endif
