/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds the sets and waits that a verdict may name. */
#include <errno.h>
#include <stdlib.h>

#include "sinks/waits/wakers.h"

/* Where sets and waits are reported, and how many were. */
struct finder {
	const struct wakers *wakers;
	culprits_found found;
	void *arg;
	uint32_t *next; /* per waiter */
	uint32_t count;
};

static int tell(struct finder *finder, uint32_t first)
{
	finder->count++;
	return finder->found(finder->arg, finder->wakers, first, finder->next);
}

/* ---- sets that nothing ends ---- */

/* A component's first waiter, and its last. */
struct set {
	uint32_t first, last;
};

static void link_waiter(const struct wakers *wakers, struct set *set, uint32_t *next, uint32_t index)
{
	next[index] = GRAPH_NONE;
	if (set->first == GRAPH_NONE) {
		set->first = set->last = index;
	} else if (wakers->waiters[index].wait.how == WAIT_STOPPED &&
		   wakers->waiters[set->first].wait.how != WAIT_STOPPED) {
		next[index] = set->first; /* the others wait for what is stopped */
		set->first = index;
	} else {
		next[set->last] = index;
		set->last = index;
	}
}

/* Of a set that is only supposed to be closed, what merely waits for a child says nothing. */
static bool is_member(const struct wakers *wakers, const struct waiter *waiter)
{
	const struct graph_node *node = &wakers->graph.nodes[waiter->node];

	return !node->live && wakers->graph.components[node->component].closed &&
	       !(wakers->supposed && waiter->wait.how == WAIT_CHILD);
}

/* A set that is only supposed to be closed may be a service that a signal ends. */
static bool waits_for_signal(const struct wakers *wakers, uint32_t first, const uint32_t *next)
{
	for (uint32_t i = first; i != GRAPH_NONE; i = next[i])
		if (wakers->waiters[i].wait.how == WAIT_SIGNAL)
			return true;
	return false;
}

static int find_closed(struct finder *finder)
{
	const struct wakers *wakers = finder->wakers;
	const struct graph *graph = &wakers->graph;
	struct set *sets = calloc(graph->components_count + 1, sizeof(*sets));
	int err = sets ? 0 : -ENOMEM;

	for (uint32_t i = 0; i < graph->components_count && !err; i++)
		sets[i].first = GRAPH_NONE;
	for (uint32_t i = 0; i < wakers->waiters_count && !err; i++)
		if (is_member(wakers, &wakers->waiters[i]))
			link_waiter(wakers, &sets[graph->nodes[wakers->waiters[i].node].component], finder->next, i);
	for (uint32_t i = 0; i < wakers->waiters_count && !err && finder->count < CULPRITS_CLOSED_MAX; i++) {
		const struct graph_node *node = &graph->nodes[wakers->waiters[i].node];

		if (node->live || sets[node->component].first != i ||
		    (wakers->supposed && waits_for_signal(wakers, i, finder->next)))
			continue;
		err = tell(finder, i);
	}
	free(sets);
	return err;
}

/* ---- waits that only something outside may end ---- */

#define MANY (GRAPH_NONE - 1)

/* Which processes with such a wait each node waits for: none, this one, or several. */
struct reach {
	const struct wakers *wakers;
	uint32_t *from; /* per node: GRAPH_NONE, a process, MANY */
	struct reach_step {
		uint32_t node, process;
	} * queue; /* a node passes on itself, and twice what reaches it */
	size_t head, tail;
};

static void pass_on(struct reach *reach, uint32_t node, uint32_t process)
{
	reach->queue[reach->tail++] = (struct reach_step){node, process};
}

static void spread(struct reach *reach)
{
	const struct graph *graph = &reach->wakers->graph;

	while (reach->head < reach->tail) {
		struct reach_step step = reach->queue[reach->head++];
		bool sharers = step.node == reach->wakers->sharers; /* which of them matters is not known */
		uint32_t e = sharers ? GRAPH_NONE : graph->nodes[step.node].waiters;

		for (; e != GRAPH_NONE; e = graph->edges[e].next_waiter) {
			uint32_t *from = &reach->from[graph->edges[e].from];

			if (*from == step.process || *from == MANY)
				continue;
			*from = *from == GRAPH_NONE ? step.process : MANY;
			pass_on(reach, graph->edges[e].from, *from);
		}
	}
}

/* A process with a thread that ends its wait by itself is not hung, however long the others wait. */
static bool has_fact(const struct wakers *wakers, const struct waker_process *process)
{
	for (uint32_t i = 0; i < process->waiters_count; i++)
		if (wakers->waiters[process->waiters + i].class == WAITER_FACT)
			return true;
	return false;
}

/* What waits for the end of a server that is left to itself hangs, not that one. */
static bool is_source(const struct wakers *wakers, const struct waiter *waiter)
{
	return !wakers->graph.nodes[waiter->node].live ||
	       (waiter->class == WAITER_WAITS && !wakers->processes[waiter->process].serves);
}

/* Of a process that waits for none of the others: its first such wait; GRAPH_NONE: it has none. */
static uint32_t leaf_of(const struct reach *reach, uint32_t index)
{
	const struct wakers *wakers = reach->wakers;
	const struct waker_process *process = &wakers->processes[index];
	uint32_t first = GRAPH_NONE;

	for (uint32_t i = 0; i < process->waiters_count; i++) {
		const struct waiter *waiter = &wakers->waiters[process->waiters + i];
		uint32_t from = reach->from[waiter->node];

		if (!wakers->graph.nodes[waiter->node].live || (from != GRAPH_NONE && from != index))
			return GRAPH_NONE;
		if (first == GRAPH_NONE && is_source(wakers, waiter))
			first = process->waiters + i;
	}
	return first == GRAPH_NONE || has_fact(wakers, process) ? GRAPH_NONE : first;
}

/* Whether all threads wait for signals, changes of files, or what is not known: it will not end by itself. */
static bool is_idle(const struct wakers *wakers, uint32_t index)
{
	const struct waker_process *process = &wakers->processes[index];

	for (uint32_t i = 0; i < process->waiters_count; i++)
		if (wakers->waiters[process->waiters + i].class != WAITER_IDLE)
			return false;
	return process->waiters_count;
}

/* A process that waits for the end of children none of which means to end; GRAPH_NONE: it does not. */
static uint32_t waits_for_idle(const struct reach *reach, uint32_t index)
{
	const struct wakers *wakers = reach->wakers;
	const struct waker_process *process = &wakers->processes[index];
	const struct waiter *waiter = &wakers->waiters[process->waiters];
	uint32_t e = process->children == GRAPH_NONE ? GRAPH_NONE : wakers->graph.nodes[process->children].first;

	if (process->waiters_count != 1 || waiter->class != WAITER_CHILD || reach->from[waiter->node] != GRAPH_NONE ||
	    !wakers->graph.nodes[waiter->node].live)
		return GRAPH_NONE;
	if (waiter->child != GRAPH_NONE)
		return is_idle(wakers, waiter->child) ? process->waiters : GRAPH_NONE;
	if (e == GRAPH_NONE)
		return GRAPH_NONE;
	for (; e != GRAPH_NONE; e = wakers->graph.edges[e].next) {
		uint32_t to = wakers->graph.edges[e].to;

		if (to == wakers->outside || !is_idle(wakers, to - wakers->processes[0].node))
			return GRAPH_NONE;
	}
	return process->waiters;
}

/* The first thread of a child that it waits for; it has one. */
static uint32_t first_child(const struct wakers *wakers, uint32_t index)
{
	const struct waiter *waiter = &wakers->waiters[index];
	uint32_t e = wakers->graph.nodes[wakers->processes[waiter->process].children].first;
	uint32_t child =
		waiter->child != GRAPH_NONE ? waiter->child : wakers->graph.edges[e].to - wakers->processes[0].node;

	return wakers->processes[child].waiters;
}

static int report(struct finder *finder, const struct reach *reach)
{
	uint32_t most = finder->count + CULPRITS_OUTSIDE_MAX, *next = finder->next;
	int err = 0;

	for (uint32_t i = 0; i < reach->wakers->processes_count && !err && finder->count < most; i++) {
		uint32_t waiter = leaf_of(reach, i);

		bool alone = waiter != GRAPH_NONE;

		if (!alone)
			waiter = waits_for_idle(reach, i);
		if (waiter == GRAPH_NONE)
			continue;
		next[waiter] = alone ? GRAPH_NONE : first_child(reach->wakers, waiter);
		if (!alone)
			next[next[waiter]] = GRAPH_NONE;
		err = tell(finder, waiter);
	}
	return err;
}

static int find_outside(struct finder *finder)
{
	const struct wakers *wakers = finder->wakers;
	uint32_t nodes = wakers->graph.nodes_count;
	struct reach reach = {.wakers = wakers};
	int err = 0;

	reach.from = calloc(nodes + 1, sizeof(*reach.from));
	reach.queue = calloc(3 * (size_t)nodes + 1, sizeof(*reach.queue));
	if (!reach.from || !reach.queue)
		err = -ENOMEM;
	for (uint32_t i = 0; i < nodes && !err; i++)
		reach.from[i] = GRAPH_NONE;
	for (uint32_t i = 0; i < wakers->waiters_count && !err; i++)
		if (is_source(wakers, &wakers->waiters[i]))
			pass_on(&reach, wakers->waiters[i].node, wakers->waiters[i].process);
	if (!err) {
		spread(&reach);
		err = report(finder, &reach);
	}
	free(reach.from);
	free(reach.queue);
	return err;
}

int culprits__find(struct wakers *wakers, culprits_found found, void *arg)
{
	struct finder finder = {.wakers = wakers, .found = found, .arg = arg};
	int err;

	finder.next = calloc(wakers->waiters_count + 1, sizeof(*finder.next));
	err = finder.next ? find_closed(&finder) : -ENOMEM;
	if (!err && !finder.count && wakers->sharers != GRAPH_NONE) {
		err = wakers__suppose(wakers, true);
		if (!err)
			err = find_closed(&finder);
	}
	/* Then nothing of the run goes on: the others wait in, or for, these sets. */
	if (!err && !(wakers->supposed && finder.count)) {
		err = wakers->supposed ? wakers__suppose(wakers, false) : 0;
		if (!err)
			err = find_outside(&finder);
	}
	free(finder.next);
	return err;
}
