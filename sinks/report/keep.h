/* SPDX-License-Identifier: BSD-2-Clause */
/* A bounded choice of many items: those of the greatest weight, in the order in which they came. */
#ifndef SINKS_REPORT_KEEP_H
#define SINKS_REPORT_KEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An item begins with its weight. */
struct keep {
	size_t item_size, limit;
	void (*drop)(void *arg, void *item); /* what the item owns */
	void *arg;

	char *items;
	size_t count, capacity;
	uint64_t dropped; /* items in all that are not there */
	uint64_t below;	  /* and the greatest weight of them */
};

#define KEEP_ALWAYS UINT64_MAX /* weight of what goes last */

/* Whether an item of this weight can stay; it counts as dropped if not. */
bool keep__wants(struct keep *keep, uint64_t weight);

/* Takes a copy of the item. 0 or -ENOMEM, and then what it owns is still the caller's. */
int keep__add(struct keep *keep, const void *item);

/* Brings it down to the limit, once all are there. 0 or -ENOMEM. */
int keep__finish(struct keep *keep);

static inline void *keep__item(const struct keep *keep, size_t i)
{
	return keep->items + i * keep->item_size;
}

void keep__free(struct keep *keep);

#endif
