/* SPDX-License-Identifier: BSD-2-Clause */
/* A YAML file as a tree of nodes, walked by option tables. Errors are reported as
 * `file:line:column: key: what is wrong and what to write instead`, and the walk continues. */
#ifndef CORE_CONFIG_TREE_H
#define CORE_CONFIG_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>

#include "core/opt.h"

#define TREE_FILE_MAX (1024 * 1024) /* bytes of a file */
#define TREE_ERRORS_MAX 20
#define TREE_KEY_MAX 256 /* of "probes.cpu.interval"; longer ones are truncated in messages */

/* Called once per error, in the order of the file. */
typedef void (*tree_error)(void *arg, const char *sentence);

struct tree {
	const char *path; /* as given by the user */
	const char *keys; /* valid keys of the root, for the message about an empty file: "run, scope, sinks" */
	yaml_document_t document;
	bool loaded;
	size_t visits, bytes; /* of nodes visited and texts expanded so far, counting every alias: limits both bombs */
	unsigned int errors;
	tree_error error;
	void *error_arg;
};

/* Reads the file at tree->path: one document, a mapping. 0, or -EINVAL, reported. */
int tree__load(struct tree *tree);
/* The same from memory: for tests and fuzzing. */
int tree__load_memory(struct tree *tree, const void *data, size_t size);
void tree__free(struct tree *tree); /* also after a failed load */

yaml_node_t *tree__root(struct tree *tree);

/* Reports an error at `node`; `key` may be "". At most TREE_ERRORS_MAX are reported. */
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

/* Calls `visit` for every entry, in order. Reports duplicate keys, keys that are not words, and a node that is not a
 * mapping (sequence). */
void tree__mapping(struct tree *tree, yaml_node_t *node, const char *key, tree_visit visit, void *arg);
void tree__sequence(struct tree *tree, yaml_node_t *node, const char *key, tree_visit visit, void *arg);

/* Index of the entry's name in `names`; -1: not found, reported as "unknown WHAT". */
int tree__choose(struct tree *tree, const struct tree_entry *entry, const char *what, const char *const *names,
		 size_t n);

/* Whether the value is empty or null. */
bool tree__is_null(const yaml_node_t *node);

/* The value of a key in a mapping, or NULL. */
yaml_node_t *tree__find(struct tree *tree, yaml_node_t *mapping, const char *name);

/* The node's text, unexpanded, owned by the tree; NULL: not a text, reported. */
const char *tree__plain(struct tree *tree, yaml_node_t *node, const char *key);

/* The same with ${env:NAME} expanded, to be freed by the caller. */
char *tree__text(struct tree *tree, yaml_node_t *node, const char *key);

/* An option table and the struct that it fills. */
struct tree_table {
	const struct opt *opts;
	void *conf;
};

/* Sets options from a mapping; none if it is null or NULL. Tables are searched in order for each name. */
void tree__options(struct tree *tree, yaml_node_t *node, const char *key, const struct tree_table *tables, size_t n);

#endif
