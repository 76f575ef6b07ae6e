/* SPDX-License-Identifier: BSD-2-Clause */
/* Provisional events, held until the final event of the same kind and process arrives, or none will follow.
 * Not thread-safe. */
#ifndef CORE_BPF_SETTLE_H
#define CORE_BPF_SETTLE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/schema.h"

struct settle;

struct settle *settle__new(void); /* NULL: out of memory */

/* Holds a copy, replacing the event held for the same kind and process. 0 or -ENOMEM. */
int settle__hold(struct settle *settle, const struct event *event, size_t size);

/* Frees the event held for the kind and process of `event`. Returns whether there was one. */
bool settle__drop(struct settle *settle, const struct event *event);

/* Calls give() for all events held for a process (pid 0: for all processes) and frees them. */
void settle__give(struct settle *settle, __u32 pid, __u64 start,
		  void (*give)(void *arg, struct event *event, size_t size), void *arg);

size_t settle__count(const struct settle *settle);
void settle__free(struct settle *settle); /* takes NULL */

#endif
