/* SPDX-License-Identifier: BSD-2-Clause */
/* Walks and sorts the tree. */
#include "sinks/live/live.h"

#include <errno.h>
#include <stdlib.h>

struct live_node *live_node__next(const struct live_node *node, bool skip)
{
	if (node->first && !skip)
		return node->first;
	while (node && !node->next)
		node = node->parent;
	return node ? node->next : NULL;
}

struct ranked {
	struct live_node *node;
	size_t order;
};

struct ranking {
	live_compare compare;
	bool reverse;
};

static int by_rank(const void *a, const void *b, void *arg)
{
	const struct ranked *x = a, *y = b;
	const struct ranking *ranking = arg;
	int order = ranking->compare(x->node, y->node);

	if (!order)
		return x->order < y->order ? -1 : 1;
	return ranking->reverse ? -order : order;
}

static void sort_list(struct live_node **list, struct ranked *ranked, struct ranking ranking)
{
	size_t n = 0;

	for (struct live_node *node = *list; node; node = node->next, n++)
		ranked[n] = (struct ranked){node, n};
	if (n > 1)
		qsort_r(ranked, n, sizeof(*ranked), by_rank, &ranking);
	for (size_t i = 0; i < n; i++) {
		*list = ranked[i].node;
		list = &ranked[i].node->next;
	}
	*list = NULL;
}

int live_tree__sort(struct live_tree *tree, live_compare compare, bool reverse)
{
	struct ranked *ranked = calloc(tree->count + 1, sizeof(*ranked));
	struct ranking ranking = {compare, reverse};

	if (!ranked)
		return -ENOMEM;
	for (size_t i = 0; i < tree->count; i++)
		sort_list(&tree->nodes[i].first, ranked, ranking);
	sort_list(&tree->runs, ranked, ranking);
	free(ranked);
	return 0;
}
