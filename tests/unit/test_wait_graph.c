/* SPDX-License-Identifier: BSD-2-Clause */
/* The wait graph by itself: what is live, where a closed set begins, and what is a cycle; each beside what only looks like it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sinks/waits/graph.h"

/* Nodes by letters: "a" any, "A" all, "l" live. Edges "01" holds, "0-1" might. What is expected of each node: 'l' live,
 * 'h' begins a closed set, 'd' the same with a cycle, 'w' waits for one. */
static const struct situation {
	const char *name, *nodes, *edges, *expect;
} situations[] = {
	{"nothing", "", "", ""},
	{"a wait that nothing can end", "a", "", "h"},
	{"a wait for itself", "a", "00", "d"},
	{"a wait for itself, but it runs", "l", "00", "l"},
	{"two for each other", "aa", "01 10", "dd"},
	{"two for each other, or for one that runs", "aal", "01 10 12", "lll"},
	{"two that might wake each other, and owe nothing", "aa", "0-1 1-0", "hh"},
	{"one owes, the other might", "aa", "01 1-0", "hh"},
	{"a wait for a cycle", "aaa", "01 12 21", "wdd"},
	{"a chain to one that runs", "aaal", "01 12 23", "llll"},
	{"a chain to a wait that nothing ends", "aaa", "01 12", "wwh"},
	{"a lock that two share, one runs", "Aal", "01 02", "whl"},
	{"a lock that two share, both run", "All", "01 02", "lll"},
	{"a lock that two share, one waits for the waiter", "Aal", "01 02 10", "ddl"},
	{"a lock without a holder is being released", "A", "", "l"},
	{"the same edge twice, in a lock", "Al", "01 01", "ll"},
	{"two closed sets, one waits for both", "aaaaa", "01 02 13 31 2-4 4-2", "wdhdh"},
	{"a cycle beside a bystander that might be woken by it", "aaa", "01 10 0-2 2-0", "ddd"},
};

static void check(const struct situation *of)
{
	struct graph graph = {0};
	size_t count = strlen(of->nodes);
	const char *edge = of->edges;
	char seen[16] = "";

	for (size_t i = 0; i < count; i++)
		assert_int_equal(graph__node(&graph, of->nodes[i] == 'l'   ? GRAPH_LIVE
						     : of->nodes[i] == 'A' ? GRAPH_ALL
									   : GRAPH_ANY),
				 i);
	while (*edge) {
		bool holds = edge[1] != '-';
		const char *to = edge + 2 - holds;

		assert_int_equal(graph__edge(&graph, edge[0] - '0', to[0] - '0', holds), 0);
		edge = to[1] ? to + 2 : to + 1;
	}
	assert_int_equal(graph__solve(&graph), 0);
	for (size_t i = 0; i < count; i++) {
		const struct graph_node *node = &graph.nodes[i];
		const struct graph_component *in = node->live ? NULL : &graph.components[node->component];

		seen[i] = !in ? 'l' : !in->closed ? 'w' : in->cycle ? 'd' : 'h';
	}
	if (strcmp(seen, of->expect))
		fail_msg("%s: %s, not %s", of->name, seen, of->expect);
	graph__free(&graph);
}

static void test_situations(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(situations) / sizeof(*situations); i++)
		check(&situations[i]);
}

static uint32_t build_chain(struct graph *graph)
{
	uint32_t count = 1000000;

	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(graph__node(graph, GRAPH_ANY), i);
	for (uint32_t i = 0; i + 1 < count; i++)
		assert_int_equal(graph__edge(graph, i, i + 1, true), 0);
	return count;
}

/* So long that recursion would end on the stack's limit. */
static void test_chain(void **state)
{
	struct graph graph = {0};
	uint32_t count = build_chain(&graph);

	(void)state;
	assert_int_equal(graph__solve(&graph), 0);
	assert_int_equal(graph.components_count, count);
	for (uint32_t i = 0; i < count; i++)
		assert_true(graph.components[graph.nodes[i].component].closed == (i == count - 1));
	graph__free(&graph);
	assert_null(graph.nodes);
}

static void test_ring(void **state)
{
	struct graph graph = {0};
	uint32_t count = build_chain(&graph);

	(void)state;
	assert_int_equal(graph__edge(&graph, count - 1, 0, true), 0);
	assert_int_equal(graph__solve(&graph), 0);
	assert_int_equal(graph.components_count, 1);
	assert_true(graph.components[0].cycle && graph.components[0].closed);
	graph__free(&graph);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_situations),
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_ring),
	};

	return cmocka_run_group_tests_name("wait_graph", tests, NULL, NULL);
}
