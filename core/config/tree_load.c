/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads a YAML file into a tree; reports where it is not valid YAML. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/config/tree.h"

#define NODES_MAX 10000
#define DEPTH_MAX 1000

static int report(struct tree *tree, size_t line, size_t column, const char *key, const char *what)
{
	yaml_node_t node = {.start_mark = {.line = line, .column = column}};

	tree__error(tree, &node, key, "%s", what);
	return -EINVAL;
}

/* Errors of libyaml's reader have an offset only. */
static int report_encoding(struct tree *tree, const yaml_parser_t *parser, const char *data, size_t size)
{
	size_t line = 0, column = 0, i;
	char what[160];

	for (i = 0; i < size && i < parser->problem_offset; i++) {
		if (data[i] == '\n') {
			line++;
			column = 0;
		} else if ((data[i] & 0xc0) != 0x80) {
			column++;
		}
	}
	snprintf(what, sizeof(what), "%s: write the file in UTF-8, without control characters", parser->problem);
	return report(tree, line, column, "encoding", what);
}

static int report_syntax(struct tree *tree, const yaml_parser_t *parser, const char *data, size_t size)
{
	const yaml_mark_t *at = &parser->problem_mark;
	char what[320];

	if (parser->error == YAML_READER_ERROR)
		return report_encoding(tree, parser, data, size);
	if (parser->error == YAML_MEMORY_ERROR)
		return report(tree, 0, 0, "", "out of memory");
	if (parser->error == YAML_SCANNER_ERROR && at->index < size && data[at->index] == '\t')
		return report(tree, at->line, at->column, "syntax", "tab in indentation: use spaces");
	if (parser->context)
		snprintf(what, sizeof(what), "%s from line %zu on: %s", parser->context, parser->context_mark.line + 1,
			 parser->problem);
	else
		snprintf(what, sizeof(what), "%s", parser->problem);
	return report(tree, at->line, at->column, "syntax", what);
}

static int check_second(struct tree *tree, yaml_parser_t *parser, const char *data, size_t size)
{
	yaml_document_t second;
	int rc = 0;

	if (!yaml_parser_load(parser, &second))
		return report_syntax(tree, parser, data, size);
	if (yaml_document_get_root_node(&second))
		rc = report(tree, second.start_mark.line, second.start_mark.column, "document",
			    "second document: only one is allowed, remove the ---");
	yaml_document_delete(&second);
	return rc;
}

static int check_root(struct tree *tree)
{
	yaml_node_t *root = tree__root(tree);
	char what[160];

	if (!root || tree__is_null(root)) {
		snprintf(what, sizeof(what), "is empty: write at least one of %s", tree->keys);
		return report(tree, 0, 0, "document", what);
	}
	if (tree->document.nodes.top - tree->document.nodes.start > NODES_MAX)
		return report(tree, 0, 0, "document", "has more than 10000 values: split it");
	if (root->type == YAML_MAPPING_NODE)
		return 0;
	tree__error(tree, root, "document", "must be a mapping: write KEY: VALUE lines");
	return -EINVAL;
}

/* libyaml needs time quadratic in the nesting of brackets: an hour for a megabyte of them. Brackets in quotes and
 * comments are counted too, but a thousand unclosed ones do not occur there in practice. */
static bool is_deep(const char *data, size_t size)
{
	size_t depth = 0, i;

	for (i = 0; i < size && depth <= DEPTH_MAX; i++) {
		if (data[i] == '[' || data[i] == '{')
			depth++;
		else if ((data[i] == ']' || data[i] == '}') && depth)
			depth--;
	}
	return depth > DEPTH_MAX;
}

int tree__load_memory(struct tree *tree, const void *data, size_t size)
{
	yaml_parser_t parser;
	int rc;

	if (is_deep(data, size))
		return report(tree, 0, 0, "document", "more than 1000 unclosed brackets: close them");
	if (!yaml_parser_initialize(&parser))
		return report(tree, 0, 0, "", "out of memory");
	yaml_parser_set_input_string(&parser, data, size);
	if (yaml_parser_load(&parser, &tree->document)) {
		tree->loaded = true;
		rc = check_root(tree);
		if (!rc)
			rc = check_second(tree, &parser, data, size);
	} else {
		rc = report_syntax(tree, &parser, data, size);
	}
	yaml_parser_delete(&parser);
	return rc;
}

static int report_file(struct tree *tree, const char *what, int error)
{
	struct error sentence;

	error__set(&sentence, 0, "%.300s: %s%s", tree->path, what, error ? strerror(error) : "");
	tree->errors++;
	tree->error(tree->error_arg, sentence.text);
	return -EINVAL;
}

static int read_file(struct tree *tree, int fd, char *data, size_t *size)
{
	ssize_t n;

	while ((n = read(fd, data + *size, TREE_FILE_MAX + 1 - *size)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EISDIR)
			return report_file(tree, "is a directory: give a file", 0);
		if (n < 0)
			return report_file(tree, "cannot read: ", errno);
		*size += n;
		if (*size > TREE_FILE_MAX)
			return report_file(tree, "is larger than 1 MiB: not a configuration", 0);
	}
	return 0;
}

int tree__load(struct tree *tree)
{
	char *data = NULL;
	size_t size = 0;
	int fd, rc;

	fd = open(tree->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return report_file(tree, "cannot open: ", errno);
	data = malloc(TREE_FILE_MAX + 1);
	if (!data)
		rc = report_file(tree, "out of memory", 0);
	else
		rc = read_file(tree, fd, data, &size);
	if (!rc)
		rc = tree__load_memory(tree, data, size);
	free(data);
	close(fd);
	return rc;
}

void tree__free(struct tree *tree)
{
	if (tree->loaded)
		yaml_document_delete(&tree->document);
	tree->loaded = false;
}
