/* SPDX-License-Identifier: BSD-2-Clause */
/* A bounded choice of many items. It grows a quarter beyond its limit before it is cut back, for a low cost per
 * item. */
#include "sinks/report/keep.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint64_t weight_of(const struct keep *keep, size_t i)
{
	return *(uint64_t *)keep__item(keep, i);
}

static int descending(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x < *y) - (*x > *y);
}

/* Drops the lightest, the latest of them first. */
static int cut(struct keep *keep)
{
	uint64_t *weights = calloc(keep->count + 1, sizeof(*weights)), least;
	size_t equal = 0, to = 0;

	if (!weights)
		return -ENOMEM;
	for (size_t i = 0; i < keep->count; i++)
		weights[i] = weight_of(keep, i);
	qsort(weights, keep->count, sizeof(*weights), descending);
	least = weights[keep->limit - 1];
	keep->below = weights[keep->limit];
	while (equal < keep->limit && weights[keep->limit - 1 - equal] == least)
		equal++;
	free(weights);

	for (size_t i = 0; i < keep->count; i++) {
		uint64_t weight = weight_of(keep, i);

		if (weight < least || (weight == least && !equal)) {
			keep->drop(keep->arg, keep__item(keep, i));
			continue;
		}
		equal -= weight == least;
		if (to != i)
			memcpy(keep__item(keep, to), keep__item(keep, i), keep->item_size);
		to++;
	}
	keep->dropped += keep->count - to;
	keep->count = to;
	return 0;
}

bool keep__wants(struct keep *keep, uint64_t weight)
{
	/* Items below the greatest weight dropped so far are dropped at once. */
	if (!keep->dropped || weight > keep->below)
		return true;
	keep->dropped++;
	return false;
}

static int grow(struct keep *keep)
{
	size_t most = keep->limit + keep->limit / 4 + 1;
	size_t capacity = keep->capacity ? keep->capacity * 2 : 256;
	char *items;

	if (capacity > most)
		capacity = most;
	items = reallocarray(keep->items, capacity, keep->item_size);
	if (!items)
		return -ENOMEM;
	keep->items = items;
	keep->capacity = capacity;
	return 0;
}

int keep__add(struct keep *keep, const void *item)
{
	int err = 0;

	if (keep->count > keep->limit + keep->limit / 4)
		err = cut(keep);
	if (!err && keep->count == keep->capacity)
		err = grow(keep);
	if (err)
		return err;
	memcpy(keep__item(keep, keep->count++), item, keep->item_size);
	return 0;
}

int keep__finish(struct keep *keep)
{
	return keep->count > keep->limit ? cut(keep) : 0;
}

void keep__free(struct keep *keep)
{
	for (size_t i = 0; i < keep->count; i++)
		keep->drop(keep->arg, keep__item(keep, i));
	free(keep->items);
	keep->items = NULL;
	keep->count = 0;
}
