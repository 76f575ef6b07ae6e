/* SPDX-License-Identifier: BSD-2-Clause */
/* Provisional events, held until a better one of the same kind and process comes, or none will. */
#ifndef CORE_BPF_SETTLE_H
#define CORE_BPF_SETTLE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/schema.h"

struct settle;

struct settle *settle__new(void); /* NULL: out of memory */

/* Holds a copy; one that was held for the same kind and process is let go. 0 or -ENOMEM. */
int settle__hold(struct settle *settle, const struct event *event, size_t size);

/* Lets go what is held for the kind and process of `event`. Whether there was something. */
bool settle__drop(struct settle *settle, const struct event *event);

/* Gives out, and lets go, what is held for a process (pid 0: for all), whatever its kind. */
void settle__give(struct settle *settle, __u32 pid, __u64 start,
		  void (*give)(void *arg, struct event *event, size_t size), void *arg);

size_t settle__count(const struct settle *settle);
void settle__free(struct settle *settle); /* takes NULL */

#endif
