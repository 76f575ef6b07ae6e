/* SPDX-License-Identifier: BSD-2-Clause */
/* Builds the tree of what has not ended: nodes, their parents, then sums from the leaves up. */
#include "sinks/live/live.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct builder {
	struct live_tree *tree;
	size_t visible; /* processes: first those that have not ended, from the end the others */
	size_t ended;
	bool live;
};

/* ---- nodes ---- */

static uint64_t key_of(enum live_kind kind, const struct model_run *run, uint64_t a, uint64_t b)
{
	return hash__number(hash__number(hash__number(run->index, kind), a), b);
}

static struct live_node *find(const struct live_tree *tree, enum live_kind kind, uint64_t key)
{
	struct hash_node *node = hash__first(&tree->hash, key);

	for (; node; node = hash__next(node))
		if (((struct live_node *)node)->kind == kind)
			return (struct live_node *)node;
	return NULL;
}

static void link_to(struct live_node *node, struct live_node *parent)
{
	node->parent = parent;
	*parent->end = node;
	parent->end = &node->next;
}

/* NULL: out of memory. */
static struct live_node *add_node(struct live_tree *tree, enum live_kind kind, const struct model_run *run,
				  uint64_t key)
{
	struct live_node *node = &tree->nodes[tree->count];

	*node = (struct live_node){.kind = kind, .key = key, .run = run, .own = live_figures__none()};
	node->age_ns = EVENT_NULL(EVENT_REASON_NONE);
	node->end = &node->first;
	if (hash__add(&tree->hash, &node->node, key))
		return NULL;
	tree->count++;
	return node;
}

static struct live_node *step_of(struct live_tree *tree, const struct model_run *run, const char *name)
{
	uint64_t key = key_of(LIVE_STEP, run, hash__bytes(0, name, strlen(name)), 0);
	struct live_node *step = find(tree, LIVE_STEP, key);

	if (step)
		return step;
	step = add_node(tree, LIVE_STEP, run, key);
	if (step)
		step->step = name;
	return step;
}

static struct live_node *task_of(struct live_tree *tree, const struct model_task *task, bool live)
{
	uint64_t key = key_of(LIVE_TASK, task->run, task->number, 0);
	struct live_node *node = find(tree, LIVE_TASK, key);

	if (node)
		return node;
	node = add_node(tree, LIVE_TASK, task->run, key);
	if (!node)
		return NULL;
	node->task = task;
	node->step = task->step;
	node->age_ns = live__since(live_run__now(task->run, live), task->start);
	node->own.cpu_ns = task->cpu_ns; /* of the programs that have ended */
	return node;
}

/* ---- processes ---- */

static int take(void *arg, const struct model_live *live)
{
	struct builder *b = arg;
	struct live_tree *tree = b->tree;
	const struct model_row *row = live->row;
	size_t at = live->ended ? tree->capacity - ++b->ended : b->visible++;
	struct live_node *node = &tree->nodes[at];
	uint64_t now = live_run__now(row->run, b->live);

	*node = (struct live_node){.kind = LIVE_PROCESS, .run = row->run, .live = *live};
	node->key = key_of(LIVE_PROCESS, row->run, row->pid, row->start);
	node->own = live->ended ? live_figures__none() : live_figures__of(live, now);
	node->age_ns = live__since(now, row->start);
	node->running = !live->ended;
	return 0;
}

static int by_start(const void *a, const void *b)
{
	const struct live_node *x = a, *y = b;

	if (x->run->index != y->run->index)
		return x->run->index < y->run->index ? -1 : 1;
	if (x->live.row->start != y->live.row->start)
		return x->live.row->start < y->live.row->start ? -1 : 1;
	return x->live.row->pid < y->live.row->pid ? -1 : x->live.row->pid > y->live.row->pid;
}

/* The process above it, if that is in the same task. A parent is older: a forged record makes no ring. */
static struct live_node *above(const struct live_tree *tree, const struct live_node *node)
{
	const struct model_row *row = node->live.row;
	struct live_node *parent;

	if (EVENT_IS_NULL(row->parent_start))
		return NULL;
	parent = find(tree, LIVE_PROCESS, key_of(LIVE_PROCESS, node->run, row->ppid, row->parent_start));
	if (!parent || parent >= node)
		return NULL;
	parent->has_child = true;
	return parent->live.row->task == row->task ? parent : NULL;
}

/* Its place, once those that are older have theirs. 0 or -ENOMEM. */
static int place(const struct builder *b, struct live_node *node, bool is_shown)
{
	struct live_tree *tree = b->tree;
	const struct model_row *row = node->live.row;
	struct live_node *parent = is_shown ? above(tree, node) : NULL;

	if (!parent)
		parent = row->task ? task_of(tree, row->task, b->live)
				   : find(tree, LIVE_RUN, key_of(LIVE_RUN, node->run, 0, 0));
	if (!parent)
		return -ENOMEM;
	node->end = &node->first;
	node->group = parent->kind == LIVE_PROCESS ? parent->group : parent;
	if (!is_shown)
		return 0;
	link_to(node, parent);
	return hash__add(&tree->hash, &node->node, node->key);
}

/* ---- groups ---- */

static int add_runs(struct live_tree *tree, struct model *model, bool live)
{
	struct live_node **end = &tree->runs;

	tree->runs = NULL;
	for (size_t i = 0; i < model__runs(model); i++) {
		const struct model_run *run = model__run(model, i);
		const struct totals_run *totals = &((struct live_run *)run->user)->totals;
		struct live_node *node = add_node(tree, LIVE_RUN, run, key_of(LIVE_RUN, run, 0, 0));

		if (!node)
			return -ENOMEM;
		node->age_ns = run->begun ? live__since(live_run__now(run, live), run->first_ts) : node->age_ns;
		node->ended = totals->processes;
		node->failed = totals->failed;
		if (totals->cpu.known)
			node->own.cpu_ns = totals->cpu.value;
		*end = node;
		end = &node->next;
	}
	return 0;
}

/* Steps of which some task has ended, in order of their first. */
static int add_steps(struct live_tree *tree, struct model *model)
{
	for (size_t i = 0; i < model__runs(model); i++) {
		const struct model_run *run = model__run(model, i);
		const struct totals_groups *steps = &((struct live_run *)run->user)->steps;
		struct hash_node **groups = hash__sorted(&steps->hash, NULL);

		if (!groups)
			return -ENOMEM;
		for (size_t j = 0; j < steps->hash.count; j++) {
			const struct totals_group *group = totals_group__of(groups[j]);
			struct live_node *step = step_of(tree, run, group->name);

			if (!step) {
				free(groups);
				return -ENOMEM;
			}
			step->ended = group->count;
			step->failed = group->failed;
			if (group->cpu.known)
				step->own.cpu_ns = group->cpu.value;
		}
		free(groups);
	}
	return 0;
}

/* Puts tasks into their steps, and these into their runs: after the processes, which make tasks. */
static int place_groups(struct live_tree *tree, size_t from)
{
	for (size_t i = from; i < tree->count; i++) {
		struct live_node *node = &tree->nodes[i], *parent;

		if (node->kind == LIVE_TASK)
			parent = step_of(tree, node->run, node->step);
		else if (node->kind == LIVE_STEP)
			parent = find(tree, LIVE_RUN, key_of(LIVE_RUN, node->run, 0, 0));
		else
			continue;
		if (!parent)
			return -ENOMEM;
		link_to(node, parent);
	}
	return 0;
}

static void count_process(struct live_tree *tree, struct live_node *node)
{
	const struct model_live *live = &node->live;
	struct live_figures part = node->own;

	part.cpu_ns = EVENT_IS_NULL(live->cpu_ns) ? live->cpu_ns : live->cpu_unreported_ns;
	part.rss_bytes = EVENT_NULL(EVENT_REASON_NONE); /* shared memory counts once: as the model has it */
	for (struct live_node *group = node->group; group; group = group->parent) {
		live_figures__add(&group->own, &part);
		if (group->kind == LIVE_STEP)
			continue; /* it counts tasks */
		group->running += !live->ended;
		group->ended += live->ended;
		group->failed += live->ended && model_outcome__bad(live->row->outcome) && !live->row->propagated;
	}
	if (!live->ended && !node->has_child && (!tree->longest || node->age_ns > tree->longest->age_ns))
		tree->longest = node;
}

/* A task whose processes have all ended waits for their accounts, and is not shown. */
static void count_task(struct live_node *node)
{
	struct live_node *step = node->parent;

	node->own.rss_bytes = model_task__rss(node->task);
	if (!node->running) {
		step->ended++;
		return;
	}
	step->task = step->running++ ? NULL : node->task;
	live_sum__add(&step->own.rss_bytes, node->own.rss_bytes);
	if (EVENT_IS_NULL(step->age_ns) || node->age_ns > step->age_ns)
		step->age_ns = node->age_ns;
}

/* CPU time of the ended programs of tasks that run is in no total of their step yet. */
static void sum_up(struct live_tree *tree, size_t from)
{
	for (size_t i = from; i < tree->count; i++)
		if (tree->nodes[i].kind == LIVE_TASK)
			live_sum__add(&tree->nodes[i].parent->own.cpu_ns, tree->nodes[i].task->cpu_ns);
	for (size_t i = from; i < tree->count; i++)
		if (tree->nodes[i].kind == LIVE_TASK)
			count_task(&tree->nodes[i]);
	for (struct live_node *run = tree->runs; run; run = run->next) {
		if (run->running)
			run->own.rss_bytes = model_run__rss(run->run);
		tree->running += run->running;
		tree->ended += run->ended;
		tree->failed += run->failed;
		live_figures__add(&tree->all, &run->own);
	}
	for (size_t i = from; i < tree->count; i++)
		tree->nodes[i].all = tree->nodes[i].own;
}

/* Children come after their parents: from the last one on, each has all of its descendants' when it is added. */
static void sum_processes(struct live_node *processes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		processes[i].all = processes[i].own;
	while (count) {
		struct live_node *node = &processes[--count];

		if (node->parent->kind != LIVE_PROCESS)
			continue;
		live_figures__add(&node->parent->all, &node->all);
		node->parent->running += node->running;
	}
}

/* ---- the whole ---- */

static int reserve(struct live_tree *tree, struct model *model)
{
	/* a task and a step for each process at most, and the steps that have ended */
	size_t count = 3 * model__live(model) + model__runs(model);
	struct live_node *nodes = tree->nodes;

	for (size_t i = 0; i < model__runs(model); i++)
		count += ((struct live_run *)model__run(model, i)->user)->steps.hash.count;
	if (count > tree->capacity) {
		nodes = reallocarray(nodes, count, sizeof(*nodes));
		if (!nodes)
			return -ENOMEM;
		tree->nodes = nodes;
		tree->capacity = count;
	}
	hash__free(&tree->hash);
	*tree = (struct live_tree){.nodes = nodes, .capacity = tree->capacity, .all = live_figures__none()};
	return 0;
}

static int place_all(struct builder *b, struct model *model)
{
	struct live_tree *tree = b->tree;
	struct live_node *ended = tree->nodes + tree->capacity - b->ended;
	int rc;

	tree->count = b->visible;
	rc = add_runs(tree, model, b->live);
	if (!rc)
		rc = add_steps(tree, model);
	for (size_t i = 0; !rc && i < b->visible; i++)
		rc = place(b, &tree->nodes[i], true);
	for (size_t i = 0; !rc && i < b->ended; i++)
		rc = place(b, &ended[i], false);
	if (!rc)
		rc = place_groups(tree, b->visible);
	return rc;
}

int live_tree__build(struct live_tree *tree, struct model *model, bool live)
{
	struct builder b = {.tree = tree, .live = live};
	int rc = reserve(tree, model);

	if (rc)
		return rc;
	model__each_live(model, take, &b);
	if (b.visible)
		qsort(tree->nodes, b.visible, sizeof(*tree->nodes), by_start);
	rc = place_all(&b, model);
	if (rc)
		return rc;
	for (size_t i = 0; i < b.visible + b.ended; i++) {
		struct live_node *node =
			i < b.visible ? &tree->nodes[i] : &tree->nodes[tree->capacity - (i - b.visible) - 1];

		count_process(tree, node);
	}
	sum_up(tree, b.visible);
	sum_processes(tree->nodes, b.visible);
	return 0;
}

uint64_t live_tree__lost(const struct live_tree *tree)
{
	uint64_t lost = 0;

	for (const struct live_node *run = tree->runs; run; run = run->next)
		lost += losses__count(&((const struct live_run *)run->run->user)->totals.losses);
	return lost;
}

void live_tree__free(struct live_tree *tree)
{
	hash__free(&tree->hash);
	free(tree->nodes);
}
