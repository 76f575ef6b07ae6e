/* SPDX-License-Identifier: BSD-2-Clause */
/* Limits of verdicts from the configuration:
 *
 *	verdicts: {after: 60s, leak: {floor: 64MiB}, ignore: [{kind: zombie, step: daemon}]} */
#include "core/config/conf_verdicts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct loading {
	struct verdict_limits *limits;
	const char *kind;
};

static void set(struct tree *tree, const struct tree_entry *entry, struct verdict_limits *limits, const char *name)
{
	char *text = tree__text(tree, entry->node, entry->key);
	struct error err;

	if (text && verdict_limits__set(limits, name, text, &err))
		tree__error(tree, entry->node, entry->key, "%s", err.text);
	free(text);
}

static void visit_limit(struct tree *tree, const struct tree_entry *entry, void *arg)
{
	struct loading *loading = arg;
	const char *names[8];
	enum verdict_kind kind;
	char name[128];
	size_t n = 0;

	verdict_kind__find(loading->kind, strlen(loading->kind), &kind);
	for (const struct opt *option = verdict_limits__options(kind); option->name; option++)
		names[n++] = option->name;
	if (tree__choose(tree, entry, "limit", names, n) < 0)
		return;
	snprintf(name, sizeof(name), "%s.%s", loading->kind, entry->name);
	set(tree, entry, loading->limits, name);
}

static void visit_ignored_key(struct tree *tree, const struct tree_entry *entry, void *arg)
{
	static const char *const names[] = {"kind", "step"};
	char **texts = arg;
	int key = tree__choose(tree, entry, "key", names, 2);

	if (key >= 0)
		texts[key] = tree__text(tree, entry->node, entry->key);
}

static void visit_ignored(struct tree *tree, const struct tree_entry *entry, void *arg)
{
	struct loading *loading = arg;
	char *texts[2] = {NULL, NULL}, *item = NULL;
	struct error err;

	tree__mapping(tree, entry->node, entry->key, visit_ignored_key, texts);
	if (entry->node->type == YAML_MAPPING_NODE && !tree__find(tree, entry->node, "kind"))
		tree__error(tree, entry->node, entry->key,
			    "has no kind: write {kind: KIND} or {kind: KIND, step: STEP}");
	if (texts[0] && asprintf(&item, "%s%s%s", texts[0], texts[1] ? ":" : "", texts[1] ? texts[1] : "") < 0)
		item = NULL;
	if (item && verdict_limits__set(loading->limits, "ignore", item, &err))
		tree__error(tree, tree__find(tree, entry->node, "kind"), entry->key, "%s", err.text);
	free(item);
	free(texts[0]);
	free(texts[1]);
}

#define OWN_KEYS 2 /* after, ignore */

static void visit(struct tree *tree, const struct tree_entry *entry, void *arg)
{
	struct loading *loading = arg;
	const char *names[OWN_KEYS + VERDICT_KINDS] = {"after", "ignore"};
	int key;

	for (int i = 0; i < VERDICT_KINDS; i++)
		names[OWN_KEYS + i] = verdict_kind__name(i);
	key = tree__choose(tree, entry, "key", names, OWN_KEYS + VERDICT_KINDS);
	if (key == 0)
		set(tree, entry, loading->limits, "after");
	if (key == 1)
		tree__sequence(tree, entry->node, entry->key, visit_ignored, loading);
	if (key >= OWN_KEYS) {
		loading->kind = entry->name;
		tree__mapping(tree, entry->node, entry->key, visit_limit, loading);
	}
}

void conf_verdicts__load(struct verdict_limits *limits, struct tree *tree, const struct tree_entry *entry)
{
	struct loading loading = {limits, NULL};

	tree__mapping(tree, entry->node, entry->key, visit, &loading);
}

static void visit_key(struct tree *tree, const struct tree_entry *entry, void *arg)
{
	if (!strcmp(entry->name, "verdicts"))
		conf_verdicts__load(arg, tree, entry);
}

int conf_verdicts__load_file(struct opt_list *list, const char *path, tree_error report, void *arg)
{
	struct tree tree = {.path = path, .keys = "verdicts", .error = report, .error_arg = arg};
	struct verdict_limits limits = {0};
	int rc = verdict_limits__defaults(&limits);

	if (!rc)
		rc = tree__load(&tree);
	if (!rc)
		tree__mapping(&tree, tree__root(&tree), "", visit_key, &limits);
	if (!rc)
		rc = tree.errors ? -EINVAL : verdict_limits__list(&limits, list);
	tree__free(&tree);
	verdict_limits__free(&limits);
	return rc;
}
