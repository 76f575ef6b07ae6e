/* SPDX-License-Identifier: BSD-2-Clause */
/* The order of processes as a tree: also of processes that no kernel would report so. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "sinks/tables/process_tree.h"

static struct model_run runs[] = {{.index = 0}, {.index = 1}};

static int set_up(void **state)
{
	static struct process_tree tree;
	char folder[] = "/tmp/test_process_tree.XXXXXX";
	int fd;

	assert_non_null(mkdtemp(folder));
	fd = open(folder, O_RDONLY | O_DIRECTORY);
	assert_true(fd >= 0);
	assert_int_equal(process_tree__open(&tree, fd), 0);
	close(fd);
	assert_int_equal(rmdir(folder), 0); /* its files have no names */
	*state = &tree;
	return 0;
}

static int tear_down(void **state)
{
	process_tree__free(*state);
	return 0;
}

static void add(struct process_tree *tree, int run, uint32_t pid, uint64_t start, uint32_t ppid, uint64_t parent_start)
{
	struct model_row row = {
		.run = &runs[run], .pid = pid, .start = start, .ppid = ppid, .parent_start = parent_start};

	assert_int_equal(process_tree__add(tree, &row), 0);
}

static void expect(const struct process_tree *tree, uint32_t run, uint32_t pid, uint64_t start, uint32_t order,
		   uint32_t children)
{
	struct process_known known = process_tree__find(tree, (struct process_key){run, pid, start}, 0);

	assert_int_equal(known.order, order);
	assert_int_equal(known.children, children);
}

static void parents_go_before_children(void **state)
{
	struct process_tree *tree = *state;

	/* in the order of their ends; a pid that is used again; another run with the same numbers */
	add(tree, 0, 4, 40, 2, 20);
	add(tree, 0, 2, 20, 1, 10);
	add(tree, 0, 3, 30, 1, 10);
	add(tree, 1, 2, 20, 1, 10);
	add(tree, 0, 2, 50, 3, 30);
	add(tree, 0, 1, 10, 99, 1);
	assert_int_equal(process_tree__build(tree), 0);
	expect(tree, 0, 1, 10, 1, 2);
	expect(tree, 0, 2, 20, 2, 1);
	expect(tree, 0, 4, 40, 3, 0);
	expect(tree, 0, 3, 30, 4, 1);
	expect(tree, 0, 2, 50, 5, 0);
	expect(tree, 1, 2, 20, 1, 0);
	expect(tree, 1, 1, 10, 0, 0); /* not known */
}

static void a_ring_is_cut(void **state)
{
	struct process_tree *tree = *state;

	add(tree, 0, 1, 10, 2, 20);
	add(tree, 0, 2, 20, 1, 10);
	add(tree, 0, 3, 30, 3, 30); /* its own parent */
	assert_int_equal(process_tree__build(tree), 0);
	expect(tree, 0, 1, 10, 1, 1);
	expect(tree, 0, 2, 20, 2, 0);
	expect(tree, 0, 3, 30, 3, 0);
}

static void a_chain_may_be_deep(void **state)
{
	struct process_tree *tree = *state;
	uint32_t depth = 200000;

	for (uint32_t i = depth; i; i--)
		add(tree, 0, i, i, i - 1, i - 1);
	assert_int_equal(process_tree__build(tree), 0);
	expect(tree, 0, 1, 1, 1, 1);
	expect(tree, 0, depth, depth, depth, 0);
}

static void failures_are_hidden_by_commands(void **state)
{
	struct process_tree *tree = *state;
	struct model_row row = {.run = &runs[0], .pid = 7, .start = 70, .image = 2};
	struct process_key key = {0, 7, 70};
	struct process_known known;

	assert_int_equal(process_tree__hide(tree, &row, "sh a.sh", 7), 0);
	row.pid = 6;
	assert_int_equal(process_tree__hide(tree, &row, "make", 4), 0);
	assert_int_equal(process_tree__build(tree), 0);
	known = process_tree__find(tree, key, 2);
	assert_memory_equal(known.hidden_by, "sh a.sh", 7);
	assert_int_equal(known.hidden_by_length, 7);
	assert_null(process_tree__find(tree, key, 1).hidden_by);
}

static void nothing_is_no_error(void **state)
{
	struct process_known known;

	assert_int_equal(process_tree__build(*state), 0);
	known = process_tree__find(*state, (struct process_key){0, 1, 1}, 1);
	assert_int_equal(known.order, 0);
	assert_null(known.hidden_by);
	assert_int_equal(known.excuse, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(parents_go_before_children),      TEST(a_ring_is_cut),	  TEST(a_chain_may_be_deep),
		TEST(failures_are_hidden_by_commands), TEST(nothing_is_no_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
