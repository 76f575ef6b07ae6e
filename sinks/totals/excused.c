/* SPDX-License-Identifier: BSD-2-Clause */
/* Failures that were tried again with success, or ignored, and limits of time: by whose they were, and how they ended. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/base.h"
#include "sinks/totals/tally.h"

static struct tally_excused *find(const struct tally *tally, uint64_t key, const char *shown, enum tally_excuse as)
{
	struct hash_node *node = hash__first(&tally->excused, key);

	for (; node; node = hash__next(node))
		if (tally_excused__of(node)->as == as && !strcmp(tally_excused__of(node)->shown, shown))
			return tally_excused__of(node);
	return NULL;
}

int excused__count(struct tally *tally, const struct model_row *row, const struct text *shown, enum tally_excuse as)
{
	uint64_t key = hash__number(hash__bytes(row->exit_code, shown->data, shown->size), row->signal);
	struct tally_excused *excused = find(tally, key, shown->data, as);

	if (!excused && tally->excused.count < TALLY_KINDS_MAX) {
		excused = calloc(1, sizeof(*excused) + shown->size + 1);
		if (!excused || hash__add(&tally->excused, &excused->node, key)) {
			free(excused);
			return -ENOMEM;
		}
		excused->row = *row;
		excused->as = as;
		memcpy(excused->shown, shown->data, shown->size + 1);
	}
	if (excused) {
		excused->count++;
		excused->unsure |= row->ending && row->ending->unsure;
	}
	return 0;
}
