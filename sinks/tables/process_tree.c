/* SPDX-License-Identifier: BSD-2-Clause */
/* Orders processes as a tree. Those of a run are sorted by their start, so that a parent comes before its children and
 * one pass in each direction is enough, however deep the tree is. */
#include "sinks/tables/process_tree.h"

#include <errno.h>
#include <stdlib.h>

#define NO_PARENT UINT32_MAX

struct node {
	struct process_key key;
	uint32_t children;
	union {
		struct { /* until its parent is found */
			uint32_t ppid;
			uint64_t parent_start;
		};
		struct {
			uint32_t parent, order;
			uint32_t size; /* processes below it and itself; once they are placed: where the next goes */
		};
	};
};

struct hidden {
	struct process_key key;
	uint32_t exec, excuse; /* excuse: enum process_excuse; 0: it is hidden, and then the command: */
	uint64_t at, length;
};

int process_tree__open(struct process_tree *tree, int folder)
{
	int err;

	tree->processes.fd = tree->hidden.fd = tree->commands.fd = -1;
	err = spool__open(&tree->processes, folder, ".processes");
	if (!err)
		err = spool__open(&tree->hidden, folder, ".hidden");
	return err ? err : spool__open(&tree->commands, folder, ".commands");
}

void process_tree__free(struct process_tree *tree)
{
	spool__free(&tree->processes);
	spool__free(&tree->hidden);
	spool__free(&tree->commands);
}

static struct process_key key_of(const struct model_row *row)
{
	return (struct process_key){row->run->index, row->pid, row->start};
}

int process_tree__add(struct process_tree *tree, const struct model_row *last)
{
	struct node node = {.key = key_of(last)};

	node.ppid = last->ppid;
	node.parent_start = last->parent_start;
	return spool__put(&tree->processes, &node, sizeof(node));
}

int process_tree__hide(struct process_tree *tree, const struct model_row *row, const char *command, uint32_t length)
{
	struct hidden hidden = {.key = key_of(row), .exec = row->image, .length = length, .at = tree->commands.size};
	int err = spool__put(&tree->commands, command, length);

	return err ? err : spool__put(&tree->hidden, &hidden, sizeof(hidden));
}

int process_tree__excuse(struct process_tree *tree, const struct model_row *row, enum process_excuse excuse)
{
	struct hidden hidden = {.key = key_of(row), .exec = row->image, .excuse = excuse};

	return spool__put(&tree->hidden, &hidden, sizeof(hidden));
}

/* ---- order ---- */

static int compare(const void *x, const void *y)
{
	const struct process_key *a = x, *b = y;

	if (a->run != b->run)
		return a->run < b->run ? -1 : 1;
	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return a->pid < b->pid ? -1 : a->pid > b->pid;
}

static int compare_hidden(const void *x, const void *y)
{
	const struct hidden *a = x, *b = y;
	int keys = compare(&a->key, &b->key);

	return keys ? keys : a->exec < b->exec ? -1 : a->exec > b->exec;
}

static size_t count_of(const struct process_tree *tree)
{
	return tree->processes.map ? tree->processes.size / sizeof(struct node) : 0;
}

static const struct node *find(const struct process_tree *tree, const struct process_key *key)
{
	size_t count = count_of(tree);

	return count ? bsearch(key, tree->processes.map, count, sizeof(struct node), compare) : NULL;
}

/* From the children to their parents: finds each parent, counts what is below it. */
static void link_up(const struct process_tree *tree, struct node *nodes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		nodes[i].children = 0;
	for (size_t i = 0; i < count; i++) {
		struct process_key key = {nodes[i].key.run, nodes[i].ppid, nodes[i].parent_start};
		const struct node *parent = find(tree, &key);

		/* a parent that is not the older one is none: there is no ring */
		nodes[i].parent = parent && parent < &nodes[i] ? (uint32_t)(parent - nodes) : NO_PARENT;
		nodes[i].size = 1;
	}
	for (size_t i = count; i-- > 0;) {
		if (nodes[i].parent == NO_PARENT)
			continue;
		nodes[nodes[i].parent].children++;
		nodes[nodes[i].parent].size += nodes[i].size;
	}
}

/* From the parents to their children: each one's place, which it and those below it take from its parent's room. */
static void place(struct node *nodes, size_t count)
{
	uint32_t next = 1;

	for (size_t i = 0; i < count; i++) {
		uint32_t *from = nodes[i].parent == NO_PARENT ? &next : &nodes[nodes[i].parent].size;

		if (i && nodes[i].key.run != nodes[i - 1].key.run)
			next = 1;
		nodes[i].order = *from;
		*from += nodes[i].size;
		nodes[i].size = nodes[i].order + 1;
	}
}

int process_tree__build(struct process_tree *tree)
{
	int err = spool__map(&tree->processes);

	if (!err)
		err = spool__map(&tree->hidden);
	if (!err)
		err = spool__map(&tree->commands);
	if (err)
		return err;
	if (tree->hidden.map)
		qsort(tree->hidden.map, tree->hidden.size / sizeof(struct hidden), sizeof(struct hidden),
		      compare_hidden);
	if (!tree->processes.map)
		return 0;
	qsort(tree->processes.map, count_of(tree), sizeof(struct node), compare);
	link_up(tree, tree->processes.map, count_of(tree));
	place(tree->processes.map, count_of(tree));
	return 0;
}

void process_tree__forget(const struct process_tree *tree)
{
	spool__forget(&tree->processes);
}

/* ---- asking ---- */

static const struct hidden *find_hidden(const struct process_tree *tree, struct process_key key, uint32_t exec)
{
	struct hidden wanted = {.key = key, .exec = exec};

	if (!tree->hidden.map)
		return NULL;
	return bsearch(&wanted, tree->hidden.map, tree->hidden.size / sizeof(wanted), sizeof(wanted), compare_hidden);
}

struct process_known process_tree__find(const struct process_tree *tree, struct process_key key, uint32_t exec)
{
	const struct hidden *hidden = find_hidden(tree, key, exec);
	const struct node *node = find(tree, &key);
	struct process_known known = {0};

	if (node) {
		known.order = node->order;
		known.children = node->children;
	}
	if (hidden && !hidden->excuse) {
		known.hidden_by = (const char *)tree->commands.map + hidden->at;
		known.hidden_by_length = (uint32_t)hidden->length;
	}
	known.excuse = hidden ? hidden->excuse : 0;
	return known;
}
