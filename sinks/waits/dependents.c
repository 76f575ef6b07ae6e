/* SPDX-License-Identifier: BSD-2-Clause */
/* What else waits for a set of waiters, and is not part of it: it may end by a time limit, so that it is not hung itself. */
#include "sinks/waits/finding.h"

#define EDGES_MAX 10000 /* looked at: more than that many locks or waiters need no words of their own */
#define STEPS 3		/* edges from a wait for a lock to its holder: the lock, its open file, the process */

struct search {
	const struct wakers *wakers;
	const struct waiter *first, *second; /* of a set that is not closed; second: NULL: it has one */
	uint32_t process;		     /* a member's */
	struct dependent *found;
	uint32_t count, edges;
};

static bool is_member(const struct search *search, const struct waiter *waiter)
{
	const struct graph_node *nodes = search->wakers->graph.nodes;
	const struct graph_node *first = &nodes[search->first->node];

	if (waiter->process == search->process)
		return true;
	if (!first->live)
		return !nodes[waiter->node].live && nodes[waiter->node].component == first->component;
	return waiter->process == search->first->process ||
	       (search->second && waiter->process == search->second->process);
}

/* Processes joined by a pipe, and parents, wait for each other in any pipeline. */
static bool is_for_service(const struct search *search, const struct waiter *waiter)
{
	enum resource_kind kind;

	if (waiter->resource == GRAPH_NONE || !waiter->at)
		return false;
	kind = search->wakers->resources[waiter->resource].key.kind;
	return kind == RESOURCE_LOCK || kind == RESOURCE_SOCKET || kind == RESOURCE_TCP;
}

static void add(struct search *search, uint32_t index)
{
	const struct waiter *waiter = &search->wakers->waiters[index];

	if (is_member(search, waiter) || !is_for_service(search, waiter))
		return;
	for (uint32_t i = 0; i < search->count; i++)
		if (search->wakers->waiters[search->found[i].waiter].process == waiter->process)
			return;
	search->found[search->count++] = (struct dependent){index, search->process};
}

/* Those that wait for this node. */
static void climb(struct search *search, uint32_t node, unsigned steps)
{
	const struct wakers *wakers = search->wakers;
	uint32_t e = wakers->graph.nodes[node].waiters;

	for (; e != GRAPH_NONE && search->count < DEPENDENTS_MAX && search->edges++ < EDGES_MAX;
	     e = wakers->graph.edges[e].next_waiter) {
		uint32_t from = wakers->graph.edges[e].from, index = from - wakers->waiters[0].node;

		/* Nodes of waiters follow each other. */
		if (from >= wakers->waiters[0].node && index < wakers->waiters_count)
			add(search, index);
		else if (steps > 1)
			climb(search, from, steps - 1);
	}
}

uint32_t dependents__find(const struct wakers *wakers, uint32_t first, const uint32_t *next,
			  struct dependent found[DEPENDENTS_MAX])
{
	struct search search = {.wakers = wakers,
				.first = &wakers->waiters[first],
				.second = next[first] == GRAPH_NONE ? NULL : &wakers->waiters[next[first]],
				.process = GRAPH_NONE,
				.found = found};

	for (uint32_t i = first; i != GRAPH_NONE && search.count < DEPENDENTS_MAX; i = next[i]) {
		if (wakers->waiters[i].process == search.process)
			continue;
		search.process = wakers->waiters[i].process;
		climb(&search, wakers->processes[search.process].node, STEPS);
	}
	return search.count;
}
