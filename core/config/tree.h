/* SPDX-License-Identifier: BSD-2-Clause */
/* A YAML file as a tree of nodes, walked by tables of options. Everything that is wrong is told as
 * `file:line:column: key: what and what instead`, and the walk goes on to find the rest. */
#ifndef CORE_CONFIG_TREE_H
#define CORE_CONFIG_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>

#include "core/opt.h"

#define TREE_FILE_MAX (1024 * 1024) /* bytes of a file */
#define TREE_ERRORS_MAX 20
#define TREE_KEY_MAX 256 /* of "probes.cpu.interval"; longer ones are cut in messages */

/* Told once for every error, in the order of the file. */
typedef void (*tree_error)(void *arg, const char *sentence);

struct tree {
	const char *path; /* as the user gave it */
	const char *keys; /* what the root holds, for who wrote nothing: "run, scope, sinks" */
	yaml_document_t document;
	bool loaded;
	size_t visits, bytes; /* of nodes looked at so far, an alias each time: against alias bombs */
	unsigned int errors;
	tree_error error;
	void *error_arg;
};

/* Reads the file at tree->path, which holds one document that is a mapping. 0, or -EINVAL having told. */
int tree__load(struct tree *tree);
/* The same from memory: for tests and fuzzing. */
int tree__load_memory(struct tree *tree, const void *data, size_t size);
void tree__free(struct tree *tree); /* takes one that was not loaded */

yaml_node_t *tree__root(struct tree *tree);

/* Tells an error of `node`; `key` may be "". Later ones than TREE_ERRORS_MAX are not told. */
void tree__error(struct tree *tree, const yaml_node_t *node, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* One entry of a mapping or item of a sequence. */
struct tree_entry {
	char key[TREE_KEY_MAX]; /* from the root: "probes.cpu", "scope[2]" */
	const char *name;	/* "cpu"; NULL in a sequence */
	yaml_node_t *name_node; /* NULL in a sequence */
	yaml_node_t *node;
};
typedef void (*tree_visit)(struct tree *tree, const struct tree_entry *entry, void *arg);

/* Calls `visit` on every entry, in order. Tells of repeated keys and keys that are no words, and of a
 * node that is no mapping (no sequence). */
void tree__mapping(struct tree *tree, yaml_node_t *node, const char *key, tree_visit visit, void *arg);
void tree__sequence(struct tree *tree, yaml_node_t *node, const char *key, tree_visit visit, void *arg);

/* The place of the entry's name among `names`; -1 having told that it is an unknown WHAT. */
int tree__choose(struct tree *tree, const struct tree_entry *entry, const char *what, const char *const *names,
		 size_t n);

/* Whether nothing is written there, or null. */
bool tree__is_null(const yaml_node_t *node);

/* The value of a key in a mapping, or NULL. */
yaml_node_t *tree__find(struct tree *tree, yaml_node_t *mapping, const char *name);

/* The node's text as it is written; NULL having told why. */
const char *tree__plain(struct tree *tree, yaml_node_t *node, const char *key);

/* The same with ${env:NAME} expanded, allocated. */
char *tree__text(struct tree *tree, yaml_node_t *node, const char *key);

/* One table, and the struct that it fills. */
struct tree_table {
	const struct opt *opts;
	void *conf;
};

/* Sets options from a mapping; null or NULL: none are set. A name is looked up in each table in turn. */
void tree__options(struct tree *tree, yaml_node_t *node, const char *key, const struct tree_table *tables, size_t n);

#endif
