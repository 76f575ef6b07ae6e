/* SPDX-License-Identifier: BSD-2-Clause */
/* What passed hidden failures on, up to the process that hides them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/totals/tally.h"

#define PASSERS_MAX 1000

static struct tally_passer *passer_of(struct hash_node *node)
{
	return (struct tally_passer *)((char *)node - offsetof(struct tally_passer, node));
}

static uint64_t key_of(const struct model_row *began)
{
	return hash__number(began->start, began->pid);
}

int tally__passed(struct tally *tally, const struct model_row *row)
{
	const struct model_ending *began = row->ending;
	struct tally_passer *passer;
	bool tried = row->forked && row->tried;
	struct text shown = {0};
	uint32_t above = 0;

	for (; began && began->cause; began = began->cause)
		above++;
	if (!above || tally->passers.count == PASSERS_MAX)
		return 0;
	text__all_arguments_of(&shown, tried ? row->tried : row->command, row->comm, row->forked && !tried);
	passer = shown.error ? NULL : calloc(1, sizeof(*passer) + shown.size + 1);
	if (passer) {
		*passer = (struct tally_passer){
			.row = *row, .above = above, .pid = began->row.pid, .start = began->row.start};
		memcpy(passer->shown, shown.data, shown.size);
	}
	text__free(&shown);
	if (!passer || hash__add(&tally->passers, &passer->node, key_of(&began->row))) {
		free(passer);
		return -ENOMEM;
	}
	return 0;
}

size_t tally__passers(const struct tally *tally, const struct model_row *began,
		      const struct tally_passer *chain[TALLY_CHAIN])
{
	struct hash_node *node = hash__first(&tally->passers, key_of(began));
	size_t n = 0, i;

	for (; node && n < TALLY_CHAIN; node = hash__next(node)) {
		const struct tally_passer *p = passer_of(node);

		if (p->pid != began->pid || p->start != began->start)
			continue;
		for (i = n++; i > 0 && chain[i - 1]->above > p->above; i--)
			chain[i] = chain[i - 1];
		chain[i] = p;
	}
	return n;
}
