/* SPDX-License-Identifier: BSD-2-Clause */
/* A bounded choice of many items: those of the greatest weight, in order of arrival. */
#ifndef SINKS_REPORT_KEEP_H
#define SINKS_REPORT_KEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An item begins with its weight. */
struct keep {
	size_t item_size, limit;
	void (*drop)(void *arg, void *item); /* frees what the item owns */
	void *arg;

	char *items;
	size_t count, capacity;
	uint64_t dropped; /* number of dropped items */
	uint64_t below;	  /* and their greatest weight */
};

#define KEEP_ALWAYS UINT64_MAX /* the greatest weight, dropped last */

/* Whether an item of this weight can be kept; counts it as dropped if not. */
bool keep__wants(struct keep *keep, uint64_t weight);

/* Adds a copy of the item. 0, or -ENOMEM: then the caller still owns its contents. */
int keep__add(struct keep *keep, const void *item);

/* Cuts down to the limit, after the last item. 0 or -ENOMEM. */
int keep__finish(struct keep *keep);

static inline void *keep__item(const struct keep *keep, size_t i)
{
	return keep->items + i * keep->item_size;
}

void keep__free(struct keep *keep);

#endif
