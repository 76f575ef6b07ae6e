/* SPDX-License-Identifier: BSD-2-Clause */
/* The wait graph: live nodes by a fixpoint, then the strongly connected components of the others. */
#include <errno.h>
#include <stdlib.h>

#include "sinks/waits/graph.h"

/* The array with room for one more, or NULL: out of memory, or too many. */
static void *grow(void *array, uint32_t *room, uint32_t count, size_t size)
{
	uint32_t more = *room ? *room * 2 : 64;
	void *grown;

	if (count < *room)
		return array;
	grown = *room > GRAPH_NONE / 4 ? NULL : realloc(array, more * size);
	if (grown)
		*room = more;
	return grown;
}

uint32_t graph__node(struct graph *graph, enum graph_combine combine)
{
	struct graph_node *nodes = grow(graph->nodes, &graph->nodes_room, graph->nodes_count, sizeof(*nodes));

	if (!nodes)
		return GRAPH_NONE;
	graph->nodes = nodes;
	graph->nodes[graph->nodes_count] = (struct graph_node){
		.combine = combine, .component = GRAPH_NONE, .first = GRAPH_NONE, .waiters = GRAPH_NONE};
	return graph->nodes_count++;
}

int graph__edge(struct graph *graph, uint32_t from, uint32_t to, bool holds)
{
	struct graph_edge *edges = grow(graph->edges, &graph->edges_room, graph->edges_count, sizeof(*edges));
	struct graph_node *source, *target;

	if (!edges)
		return -ENOMEM;
	graph->edges = edges;
	source = &graph->nodes[from];
	target = &graph->nodes[to];
	graph->edges[graph->edges_count] = (struct graph_edge){
		.from = from, .to = to, .next = source->first, .next_waiter = target->waiters, .holds = holds};
	source->first = target->waiters = graph->edges_count++;
	return 0;
}

/* ---- what is live ---- */

static void spread(struct graph *graph, uint32_t *queue)
{
	uint32_t head = 0, tail = 0;

	for (uint32_t i = 0; i < graph->nodes_count; i++) {
		graph->nodes[i].left = 0;
		graph->nodes[i].component = GRAPH_NONE;
	}
	for (uint32_t e = 0; e < graph->edges_count; e++)
		graph->nodes[graph->edges[e].from].left++;
	for (uint32_t i = 0; i < graph->nodes_count; i++) {
		struct graph_node *node = &graph->nodes[i];

		node->live = node->combine == GRAPH_LIVE || (node->combine == GRAPH_ALL && !node->left);
		if (node->live)
			queue[tail++] = i;
	}
	while (head < tail) {
		uint32_t e = graph->nodes[queue[head++]].waiters;

		for (; e != GRAPH_NONE; e = graph->edges[e].next_waiter) {
			struct graph_node *waiter = &graph->nodes[graph->edges[e].from];

			waiter->left--;
			if (waiter->live || (waiter->combine == GRAPH_ALL && waiter->left))
				continue;
			waiter->live = true;
			queue[tail++] = graph->edges[e].from;
		}
	}
}

/* ---- components of the rest: Tarjan's algorithm without recursion, as a chain of waits may be long ---- */

struct search {
	struct graph *graph;
	uint32_t *index, *low; /* per node; GRAPH_NONE: not visited */
	uint32_t *edge;	       /* per node: the next edge to follow */
	uint32_t *stack, *path;
	uint32_t stack_size, path_size, visited;
};

static void visit(struct search *search, uint32_t node)
{
	search->index[node] = search->low[node] = search->visited++;
	search->edge[node] = search->graph->nodes[node].first;
	search->stack[search->stack_size++] = node;
	search->path[search->path_size++] = node;
}

static void close_component(struct search *search, uint32_t node)
{
	struct graph *graph = search->graph;
	uint32_t member;

	graph->components[graph->components_count] = (struct graph_component){.closed = true};
	do {
		member = search->stack[--search->stack_size];
		graph->nodes[member].component = graph->components_count;
	} while (member != node);
	graph->components_count++;
}

static void walk(struct search *search, uint32_t root)
{
	struct graph *graph = search->graph;

	visit(search, root);
	while (search->path_size) {
		uint32_t node = search->path[search->path_size - 1], e = search->edge[node], to;

		if (e == GRAPH_NONE) {
			search->path_size--;
			if (search->low[node] == search->index[node])
				close_component(search, node);
			if (search->path_size) {
				uint32_t above = search->path[search->path_size - 1];

				if (search->low[node] < search->low[above])
					search->low[above] = search->low[node];
			}
			continue;
		}
		search->edge[node] = graph->edges[e].next;
		to = graph->edges[e].to;
		if (graph->nodes[to].live)
			continue; /* GRAPH_ALL: it waits for another one */
		if (search->index[to] == GRAPH_NONE)
			visit(search, to);
		else if (graph->nodes[to].component == GRAPH_NONE && search->index[to] < search->low[node])
			search->low[node] = search->index[to];
	}
}

static bool within(const struct graph *graph, const struct graph_edge *edge)
{
	uint32_t component = graph->nodes[edge->from].component;

	return component != GRAPH_NONE && component == graph->nodes[edge->to].component;
}

/* A component has a cycle of holding edges if something is left when nodes without such an edge to another are removed,
 * again and again. */
static void find_cycles(struct graph *graph, uint32_t *out, uint32_t *queue)
{
	uint32_t head = 0, tail = 0;

	for (uint32_t i = 0; i < graph->nodes_count; i++)
		out[i] = 0;
	for (uint32_t e = 0; e < graph->edges_count; e++) {
		const struct graph_edge *edge = &graph->edges[e];

		if (within(graph, edge))
			out[edge->from] += edge->holds;
		else if (graph->nodes[edge->from].component != GRAPH_NONE && !graph->nodes[edge->to].live)
			graph->components[graph->nodes[edge->from].component].closed = false;
	}
	for (uint32_t i = 0; i < graph->nodes_count; i++)
		if (!graph->nodes[i].live && !out[i])
			queue[tail++] = i;
	while (head < tail) {
		uint32_t e = graph->nodes[queue[head++]].waiters;

		for (; e != GRAPH_NONE; e = graph->edges[e].next_waiter)
			if (graph->edges[e].holds && within(graph, &graph->edges[e]) && !--out[graph->edges[e].from])
				queue[tail++] = graph->edges[e].from;
	}
	for (uint32_t i = 0; i < graph->nodes_count; i++)
		if (out[i])
			graph->components[graph->nodes[i].component].cycle = true;
}

int graph__solve(struct graph *graph)
{
	size_t n = graph->nodes_count;
	uint32_t *room = calloc(n ? n : 1, 5 * sizeof(*room));
	struct search search = {.graph = graph, .index = room};

	free(graph->components);
	graph->components_count = 0;
	graph->components = calloc(n ? n : 1, sizeof(*graph->components));
	if (!room || !graph->components) {
		free(room);
		return -ENOMEM;
	}
	search.low = room + n;
	search.edge = room + 2 * n;
	search.stack = room + 3 * n;
	search.path = room + 4 * n;
	spread(graph, room);
	for (size_t i = 0; i < n; i++)
		search.index[i] = GRAPH_NONE;
	for (uint32_t i = 0; i < n; i++)
		if (!graph->nodes[i].live && search.index[i] == GRAPH_NONE)
			walk(&search, i);
	find_cycles(graph, search.low, search.stack);
	free(room);
	return 0;
}

void graph__free(struct graph *graph)
{
	free(graph->nodes);
	free(graph->edges);
	free(graph->components);
	*graph = (struct graph){0};
}
