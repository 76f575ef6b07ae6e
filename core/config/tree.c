/* SPDX-License-Identifier: BSD-2-Clause */
/* Walks a YAML tree by option tables. */
#include "core/config/tree.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/base.h"
#include "core/config/expand.h"

#define VISITS_MAX 10000
#define BYTES_MAX (4 * TREE_FILE_MAX)

yaml_node_t *tree__root(struct tree *tree)
{
	return yaml_document_get_root_node(&tree->document);
}

void tree__error(struct tree *tree, const yaml_node_t *node, const char *key, const char *fmt, ...)
{
	struct error sentence;
	size_t n;
	va_list ap;

	if (tree->errors++ > TREE_ERRORS_MAX)
		return;
	if (tree->errors > TREE_ERRORS_MAX) {
		error__set(&sentence, 0, "%.300s: too many errors: fix these first", tree->path);
		tree->error(tree->error_arg, sentence.text);
		return;
	}
	error__set(&sentence, 0, "%.300s:%zu:%zu: %.*s%s", tree->path, node->start_mark.line + 1,
		   node->start_mark.column + 1, TREE_KEY_MAX, key, *key ? ": " : "");
	va_start(ap, fmt);
	n = strlen(sentence.text);
	vsnprintf(sentence.text + n, sizeof(sentence.text) - n, fmt, ap);
	va_end(ap);
	tree->error(tree->error_arg, sentence.text);
}

bool tree__is_null(const yaml_node_t *node)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
	const char *text = (const char *)node->data.scalar.value;
	size_t i;

	if (node->type != YAML_SCALAR_NODE || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	for (i = 0; i < sizeof(nulls) / sizeof(nulls[0]); i++)
		if (strcmp(text, nulls[i]) == 0)
			return true;
	return false;
}

/* The node of an index; NULL: aliases expand to too much, reported. */
static yaml_node_t *get(struct tree *tree, int index)
{
	yaml_node_t *node = yaml_document_get_node(&tree->document, index);

	if (tree->visits > VISITS_MAX || tree->bytes > BYTES_MAX)
		return NULL;
	tree->visits++;
	if (node->type == YAML_SCALAR_NODE)
		tree->bytes += node->data.scalar.length;
	if (node->tag && strncmp((const char *)node->tag, "tag:yaml.org,2002:", 18) != 0)
		tree__error(tree, node, "", "unknown tag %.64s: remove it", node->tag);
	if (tree->visits <= VISITS_MAX && tree->bytes <= BYTES_MAX)
		return node;
	tree__error(tree, node, "document", "aliases (*NAME) expand to too much: write the values instead");
	return NULL;
}

/* The text of a key; NULL: not a word, reported. */
static const char *key_name(struct tree *tree, const yaml_node_t *node, const char *key)
{
	const char *name = (const char *)node->data.scalar.value;

	if (node->type == YAML_SCALAR_NODE && *name && strlen(name) == node->data.scalar.length)
		return name;
	tree__error(tree, node, key, "key is not a word: write KEY: VALUE");
	return NULL;
}

static const yaml_node_t *repeated(struct tree *tree, yaml_node_t *mapping, const yaml_node_pair_t *pair,
				   const char *name)
{
	const yaml_node_pair_t *before;
	const yaml_node_t *node;

	for (before = mapping->data.mapping.pairs.start; before < pair; before++) {
		node = yaml_document_get_node(&tree->document, before->key);
		if (node->type == YAML_SCALAR_NODE && strcmp((const char *)node->data.scalar.value, name) == 0)
			return node;
	}
	return NULL;
}

static void visit_pair(struct tree *tree, yaml_node_t *mapping, const yaml_node_pair_t *pair, const char *key,
		       tree_visit visit, void *arg)
{
	struct tree_entry entry = {.name_node = get(tree, pair->key), .node = get(tree, pair->value)};
	const yaml_node_t *first;

	if (!entry.name_node || !entry.node)
		return;
	entry.name = key_name(tree, entry.name_node, key);
	if (!entry.name)
		return;
	snprintf(entry.key, sizeof(entry.key), "%.180s%s%.64s", key, *key ? "." : "", entry.name);
	first = repeated(tree, mapping, pair, entry.name);
	if (first)
		tree__error(tree, entry.name_node, entry.key, "duplicate key, first on line %zu: remove one",
			    first->start_mark.line + 1);
	else
		visit(tree, &entry, arg);
}

void tree__mapping(struct tree *tree, yaml_node_t *node, const char *key, tree_visit visit, void *arg)
{
	const yaml_node_pair_t *pair;

	if (node->type != YAML_MAPPING_NODE) {
		tree__error(tree, node, key, "must be a mapping: write {NAME: VALUE}, or one NAME: VALUE per line");
		return;
	}
	for (pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++)
		visit_pair(tree, node, pair, key, visit, arg);
}

void tree__sequence(struct tree *tree, yaml_node_t *node, const char *key, tree_visit visit, void *arg)
{
	struct tree_entry entry = {.name = NULL};
	const yaml_node_item_t *item;
	int i = 0;

	if (node->type != YAML_SEQUENCE_NODE) {
		tree__error(tree, node, key, "must be a list: write [ITEM, ITEM], or one \"- ITEM\" per line");
		return;
	}
	for (item = node->data.sequence.items.start; item < node->data.sequence.items.top; item++) {
		entry.node = get(tree, *item);
		snprintf(entry.key, sizeof(entry.key), "%.200s[%d]", key, i++);
		if (entry.node)
			visit(tree, &entry, arg);
	}
}

yaml_node_t *tree__find(struct tree *tree, yaml_node_t *mapping, const char *name)
{
	const yaml_node_pair_t *pair;
	const yaml_node_t *key;

	if (mapping->type != YAML_MAPPING_NODE)
		return NULL;
	for (pair = mapping->data.mapping.pairs.start; pair < mapping->data.mapping.pairs.top; pair++) {
		key = yaml_document_get_node(&tree->document, pair->key);
		if (key->type == YAML_SCALAR_NODE && strcmp((const char *)key->data.scalar.value, name) == 0)
			return yaml_document_get_node(&tree->document, pair->value);
	}
	return NULL;
}

const char *tree__plain(struct tree *tree, yaml_node_t *node, const char *key)
{
	const char *text = (const char *)node->data.scalar.value;

	if (node->type != YAML_SCALAR_NODE)
		tree__error(tree, node, key, "must be a single value, not a %s",
			    node->type == YAML_MAPPING_NODE ? "mapping" : "list");
	else if (tree__is_null(node))
		tree__error(tree, node, key, "has no value: write one, or remove the key");
	else if (strlen(text) != node->data.scalar.length)
		tree__error(tree, node, key, "contains a NUL character: remove it");
	else
		return text;
	return NULL;
}

char *tree__text(struct tree *tree, yaml_node_t *node, const char *key)
{
	const char *text = tree__plain(tree, node, key);
	struct error err;
	char *expanded = NULL;
	size_t left = tree->bytes < BYTES_MAX ? BYTES_MAX - tree->bytes : 0;
	int rc = text ? expand__env(text, left, &expanded, &err) : 0;

	if (rc)
		tree__error(tree, node, key, "%s", err.text);
	if (rc == -E2BIG)
		tree->bytes = BYTES_MAX + 1; /* get() ends the walk: one such error is enough */
	else if (expanded)
		tree->bytes += strlen(expanded);
	return expanded;
}

/* The list or map option being filled. */
struct filling {
	const struct opt *opt;
	void *conf;
};

static void append_item(struct tree *tree, const struct tree_entry *entry, void *arg)
{
	const struct filling *filling = arg;
	struct error err;
	char *text, *pair = NULL;

	if (entry->name && strchr(entry->name, '=')) {
		tree__error(tree, entry->name_node, entry->key, "name contains \"=\": choose another");
		return;
	}
	text = tree__text(tree, entry->node, entry->key);
	if (!text)
		return;
	if (entry->name && asprintf(&pair, "%s=%s", entry->name, text) < 0) {
		pair = NULL;
		tree__error(tree, entry->node, entry->key, "out of memory");
	} else if (opt__append(filling->opt, filling->conf, pair ? pair : text, &err)) {
		tree__error(tree, entry->node, entry->key, "%s", err.text);
	}
	free(pair);
	free(text);
}

static void set_option(struct tree *tree, const struct tree_entry *entry, const struct opt *opt, void *conf)
{
	struct filling filling = {opt, conf};
	struct error err;
	char *text;

	if (opt->type == OPT_LIST || opt->type == OPT_MAP) {
		opt__set(opt, conf, "", &err); /* replaces the whole default */
		if (opt->type == OPT_LIST)
			tree__sequence(tree, entry->node, entry->key, append_item, &filling);
		else
			tree__mapping(tree, entry->node, entry->key, append_item, &filling);
		return;
	}
	text = tree__text(tree, entry->node, entry->key);
	if (text && opt__set(opt, conf, text, &err))
		tree__error(tree, entry->node, entry->key, "%s", err.text);
	free(text);
}

struct tables {
	const struct tree_table *tables;
	size_t n;
};

static void report_unknown(struct tree *tree, const struct tree_entry *entry, const char *what,
			   const struct nearest *nearest)
{
	struct error sentence;
	error__set(&sentence, 0, "unknown %s", what);

	nearest__append(nearest, &sentence);
	tree__error(tree, entry->name_node, entry->key, "%s", sentence.text);
}

int tree__choose(struct tree *tree, const struct tree_entry *entry, const char *what, const char *const *names,
		 size_t n)
{
	struct nearest nearest = {.name = entry->name};
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(names[i], entry->name) == 0)
			return i;
	for (i = 0; i < n; i++)
		nearest__offer(&nearest, names[i]);
	report_unknown(tree, entry, what, &nearest);
	return -1;
}

static void visit_option(struct tree *tree, const struct tree_entry *entry, void *arg)
{
	struct nearest nearest = {.name = entry->name};
	const struct tables *all = arg;
	const struct opt *opt;
	size_t i;

	for (i = 0; i < all->n; i++) {
		opt = opt__find(all->tables[i].opts, entry->name);
		if (opt) {
			set_option(tree, entry, opt, all->tables[i].conf);
			return;
		}
	}
	for (i = 0; i < all->n; i++)
		for (opt = all->tables[i].opts; opt && opt->name; opt++)
			nearest__offer(&nearest, opt->name);
	report_unknown(tree, entry, "option", &nearest);
}

void tree__options(struct tree *tree, yaml_node_t *node, const char *key, const struct tree_table *tables, size_t n)
{
	struct tables all = {tables, n};

	if (node && !tree__is_null(node))
		tree__mapping(tree, node, key, visit_option, &all);
}
