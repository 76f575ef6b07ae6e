/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads a YAML file into a tree; reports where it is not valid YAML. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/base.h"
#include "core/config/tree.h"

#define NODES_MAX 10000
#define DEPTH_MAX 1000
#define ANCHORS_MAX 1000

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

/* What makes libyaml's parser slow: it needs time quadratic in the nesting (an hour for a megabyte of brackets), in the
 * number of anchors, with all of which it compares each anchor and alias, and in that of %TAG directives. */
struct costs {
	size_t depth, anchors, aliases;
};

/* What is too much with this token; NULL: nothing. */
static const char *add_cost(struct costs *costs, const yaml_token_t *token)
{
	switch (token->type) {
	case YAML_FLOW_SEQUENCE_START_TOKEN:
	case YAML_FLOW_MAPPING_START_TOKEN:
	case YAML_BLOCK_SEQUENCE_START_TOKEN:
	case YAML_BLOCK_MAPPING_START_TOKEN:
		return ++costs->depth > DEPTH_MAX ? "more than 1000 levels of nesting: write fewer" : NULL;
	case YAML_FLOW_SEQUENCE_END_TOKEN:
	case YAML_FLOW_MAPPING_END_TOKEN:
	case YAML_BLOCK_END_TOKEN:
		costs->depth -= costs->depth > 0;
		return NULL;
	case YAML_ANCHOR_TOKEN:
		return ++costs->anchors > ANCHORS_MAX ? "more than 1000 anchors (&NAME): write the values instead"
						      : NULL;
	case YAML_ALIAS_TOKEN:
		return ++costs->aliases > NODES_MAX ? "more than 10000 aliases (*NAME): write the values instead"
						    : NULL;
	case YAML_TAG_DIRECTIVE_TOKEN:
		return "%TAG directive: remove it, no tag is known";
	default:
		return NULL;
	}
}

/* Looks at the tokens alone, which takes linear time. An error of the scanner is left to the parser, which reports it. */
static int check_costs(struct tree *tree, const void *data, size_t size)
{
	struct costs costs = {0};
	const char *what = NULL;
	yaml_parser_t parser;
	yaml_token_t token;
	yaml_mark_t at = {0};
	bool end = false;

	if (!yaml_parser_initialize(&parser))
		return report(tree, 0, 0, "", "out of memory");
	yaml_parser_set_input_string(&parser, data, size);
	while (!end && !what && yaml_parser_scan(&parser, &token)) {
		end = token.type == YAML_STREAM_END_TOKEN;
		at = token.start_mark;
		what = add_cost(&costs, &token);
		yaml_token_delete(&token);
	}
	yaml_parser_delete(&parser);
	return what ? report(tree, at.line, at.column, "document", what) : 0;
}

int tree__load_memory(struct tree *tree, const void *data, size_t size)
{
	yaml_parser_t parser;
	int rc;

	rc = check_costs(tree, data, size);
	if (rc)
		return rc;
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

int tree__load(struct tree *tree)
{
	struct error err, sentence;
	size_t size;
	char *text;
	int rc;

	if (infile__read(tree->path, TREE_FILE_MAX, &text, &size, &err)) {
		error__set(&sentence, 0, "%.300s: %s", tree->path, err.text);
		tree->errors++;
		tree->error(tree->error_arg, sentence.text);
		return -EINVAL;
	}
	rc = tree__load_memory(tree, text, size);
	free(text);
	return rc;
}

void tree__free(struct tree *tree)
{
	if (tree->loaded)
		yaml_document_delete(&tree->document);
	tree->loaded = false;
}
