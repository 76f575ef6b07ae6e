/* SPDX-License-Identifier: BSD-2-Clause */
/* The wait graph: which waits can still end, which only wait for each other. Nodes are threads, processes and what is
 * waited for (a pipe's end, a lock, a process's exit); an edge leads from a wait to what could end it. It knows no
 * record and no kernel: stand.c builds it. */
#ifndef SINKS_WAITS_GRAPH_H
#define SINKS_WAITS_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GRAPH_NONE UINT32_MAX

enum graph_combine {
	GRAPH_ANY,  /* one live successor makes it live; without successors it is not */
	GRAPH_ALL,  /* only if all are live: a lock that several share */
	GRAPH_LIVE, /* it runs, has a time limit, or something unwatched may end it */
};

struct graph_node {
	enum graph_combine combine;
	bool live;
	uint32_t component; /* of those not live: GRAPH_NONE if it is live */
	uint32_t left;	    /* GRAPH_ALL: successors that are not live yet */
	uint32_t first;	    /* edge from it; GRAPH_NONE: none */
	uint32_t waiters;   /* edge to it */
};

struct graph_edge {
	uint32_t from, to;
	uint32_t next, next_waiter;
	bool holds; /* what is waited for is held by, or owed by, the other node; not merely: it might */
};

/* Nodes that are not live, and each of which reaches each other one; or a single one. */
struct graph_component {
	bool closed; /* none of its nodes waits for another component: here it begins */
	bool cycle;  /* there is a cycle, of one or more, in which each edge holds */
};

struct graph {
	struct graph_node *nodes;
	struct graph_edge *edges;
	struct graph_component *components;
	uint32_t nodes_count, nodes_room, edges_count, edges_room, components_count;
};

/* GRAPH_NONE: out of memory, or too many. */
uint32_t graph__node(struct graph *graph, enum graph_combine combine);

/* 0 or -ENOMEM. */
int graph__edge(struct graph *graph, uint32_t from, uint32_t to, bool holds);

/* Finds which nodes are live, and the components of the others. Linear in nodes and edges. Again after changes. 0 or
 * -ENOMEM. */
int graph__solve(struct graph *graph);

void graph__free(struct graph *graph); /* the arrays, not the struct; it is empty then */

#endif
