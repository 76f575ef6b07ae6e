/* SPDX-License-Identifier: BSD-2-Clause */
/* Which nodes of the tree are rows, in which order, and which one is selected. */
#include "sinks/top/view.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- order ---- */

/* Null is the least. */
static int compare_numbers(uint64_t a, uint64_t b)
{
	if (EVENT_IS_NULL(a) || EVENT_IS_NULL(b))
		return (int)EVENT_IS_NULL(a) - (int)EVENT_IS_NULL(b);
	return a > b ? -1 : a < b;
}

static int by_cpu(const struct live_node *a, const struct live_node *b)
{
	return compare_numbers(a->all.cpu_milli, b->all.cpu_milli);
}

static int by_memory(const struct live_node *a, const struct live_node *b)
{
	return compare_numbers(a->all.rss_bytes, b->all.rss_bytes);
}

static int by_disk(const struct live_node *a, const struct live_node *b)
{
	return compare_numbers(live_figures__disk(&a->all), live_figures__disk(&b->all));
}

static int by_age(const struct live_node *a, const struct live_node *b)
{
	return compare_numbers(a->age_ns, b->age_ns);
}

static const char *name_of(const struct live_node *node)
{
	const struct model_row *row = node->live.row;

	if (node->kind == LIVE_PROCESS)
		return model_command__name(row->command, row->comm);
	return node->kind == LIVE_RUN ? node->run->info->run.name : node->step;
}

static int by_name(const struct live_node *a, const struct live_node *b)
{
	return strcmp(name_of(a) ? name_of(a) : "", name_of(b) ? name_of(b) : "");
}

static const struct {
	const char *name;
	int (*compare)(const struct live_node *a, const struct live_node *b);
} sorts[VIEW_SORTS] = {
	[VIEW_CPU] = {"CPU", by_cpu}, [VIEW_MEMORY] = {"memory", by_memory}, [VIEW_DISK] = {"disk", by_disk},
	[VIEW_AGE] = {"age", by_age}, [VIEW_NAME] = {"name", by_name},
};

const char *view_sort__name(enum view_sort sort)
{
	return sorts[sort].name;
}

/* ---- filter ---- */

/* Whether bytes have the text in them, in any case; a blank matches the end of an argument too. */
static bool has(const char *bytes, size_t length, const char *text)
{
	size_t n = strlen(text);

	for (size_t i = 0; i + n <= length; i++) {
		size_t j = 0;

		while (j < n &&
		       tolower((unsigned char)(bytes[i + j] ? bytes[i + j] : ' ')) == tolower((unsigned char)text[j]))
			j++;
		if (j == n)
			return true;
	}
	return false;
}

static bool has_text(const char *string, const char *text)
{
	return string && has(string, strlen(string), text);
}

static bool process_matches(const struct model_row *row, const char *text)
{
	const struct model_command *command = row->command;
	char pid[16];

	snprintf(pid, sizeof(pid), "%u", row->pid);
	if (!strcmp(pid, text) || has_text(row->comm, text))
		return true;
	return command && (has(command->args.data, command->args.length, text) || has_text(command->exe.data, text));
}

static bool matches(const struct live_node *node, const char *text)
{
	const struct model_task *task = node->task;

	if (node->kind == LIVE_PROCESS)
		return process_matches(node->live.row, text);
	if (node->kind == LIVE_RUN)
		return has_text(node->run->info->run.name, text) || has_text(node->run->info->run.id, text);
	return has_text(node->step, text) || (task && (has_text(task->tag, text) || has_text(task->id, text)));
}

/* A node is shown if it matches, or one above or below it does; of a run only what is below. */
static void filter(struct live_tree *tree, const char *text)
{
	struct live_node *node = tree->runs;

	for (; node; node = live_node__next(node, false)) {
		bool in_match = node->parent && node->parent->match && node->parent->kind != LIVE_RUN;

		node->match = !*text || in_match || matches(node, text);
		node->shown = node->match;
		for (struct live_node *over = node->parent; node->match && over && !over->shown; over = over->parent)
			over->shown = true;
	}
}

/* ---- rows ---- */

static int by_key(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static bool is_folded(const struct view *view, const struct live_node *node)
{
	return view->folded_count &&
	       bsearch(&node->key, view->folded, view->folded_count, sizeof(*view->folded), by_key);
}

int view__fold(struct view *view, const struct live_node *node)
{
	uint64_t *keys = view->folded;

	for (size_t i = 0; i < view->folded_count; i++)
		if (keys[i] == node->key) {
			memmove(keys + i, keys + i + 1, (--view->folded_count - i) * sizeof(*keys));
			return 0;
		}
	keys = reallocarray(keys, view->folded_count + 1, sizeof(*keys));
	if (!keys)
		return -ENOMEM;
	view->folded = keys;
	keys[view->folded_count++] = node->key;
	qsort(keys, view->folded_count, sizeof(*keys), by_key);
	return 0;
}

/* The only task that runs has its step's line. */
static bool has_no_line(const struct view *view, const struct live_node *node)
{
	if (view->flat)
		return node->kind != LIVE_PROCESS;
	return node->kind == LIVE_TASK && (!node->running || node->parent->task == node->task);
}

static void choose_rows(const struct view *view, struct live_tree *tree, struct view_rows *rows)
{
	struct live_node *node = tree->runs;

	rows->count = 0;
	while (node) {
		bool folded = !view->flat && !*view->filter && node->first && is_folded(view, node),
		     hidden = has_no_line(view, node);

		node->depth = node->parent ? node->parent->depth + !has_no_line(view, node->parent) : 0;
		if (node->shown && !hidden)
			rows->rows[rows->count++] = (struct view_row){node, node->depth, folded};
		node = live_node__next(node, folded || !node->shown);
	}
}

static int by_row(const void *a, const void *b, void *arg)
{
	const struct live_node *x = ((const struct view_row *)a)->node, *y = ((const struct view_row *)b)->node;
	const struct view *view = arg;
	int order = sorts[view->sort].compare(x, y);

	if (!order)
		return x < y ? -1 : 1;
	return view->reverse ? -order : order;
}

static int reserve(struct view_rows *rows, size_t count)
{
	struct view_row *more;

	if (count <= rows->capacity)
		return 0;
	more = reallocarray(rows->rows, count, sizeof(*more));
	if (!more)
		return -ENOMEM;
	rows->rows = more;
	rows->capacity = count;
	return 0;
}

/* Of a list without a tree each process counts by itself. */
static void forget_descendants(struct live_tree *tree)
{
	for (size_t i = 0; i < tree->count; i++)
		if (tree->nodes[i].kind == LIVE_PROCESS)
			tree->nodes[i].all = tree->nodes[i].own;
}

int view__arrange(struct view *view, struct live_tree *tree, struct view_rows *rows)
{
	int rc = reserve(rows, tree->count);

	if (rc)
		return rc;
	if (view->flat)
		forget_descendants(tree);
	else
		rc = live_tree__sort(tree, sorts[view->sort].compare, view->reverse);
	if (rc)
		return rc;
	filter(tree, view->filter);
	choose_rows(view, tree, rows);
	if (view->flat)
		qsort_r(rows->rows, rows->count, sizeof(*rows->rows), by_row, view);
	for (size_t i = 0; i < rows->count; i++)
		if (view->selected && rows->rows[i].node->key == view->selected)
			view->at = i;
	view__select(view, rows, view->at);
	return 0;
}

void view__select(struct view *view, const struct view_rows *rows, size_t at)
{
	view->at = at < rows->count ? at : rows->count ? rows->count - 1 : 0;
	view->selected = rows->count ? rows->rows[view->at].node->key : 0;
}

void view__scroll(struct view *view, size_t rows, size_t height)
{
	size_t most = rows > height ? rows - height : 0;

	if (view->at < view->top)
		view->top = view->at;
	if (height && view->at >= view->top + height)
		view->top = view->at - height + 1;
	if (view->top > most)
		view->top = most;
}

void view__free(struct view *view, struct view_rows *rows)
{
	free(view->folded);
	free(rows->rows);
}
