/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads which programs end others at a limit, from YAML, and finds that of a program. */
#include "sinks/steps/steps_rule.h"

#include <stdlib.h>
#include <string.h>

#include "core/config/config.h"
#include "core/event.h"

enum key { KEY_COMMAND, KEY_LIMIT, KEYS };

static const char *const key_names[] = {"command", "limit"};

void steps_limit__add_name(struct tree *tree, const struct tree_entry *entry, char ***names, size_t *count)
{
	const char *name = tree__plain(tree, entry->node, entry->key);
	char **list = name ? reallocarray(*names, *count + 1, sizeof(*list)) : NULL;

	if (list)
		*names = list;
	if (list && (list[*count] = strdup(name)))
		++*count;
	else if (name)
		tree__error(tree, entry->node, entry->key, "out of memory");
}

static void read_command(struct tree *tree, const struct tree_entry *entry, void *arg)
{
	struct steps_limit *limit = arg;

	steps_limit__add_name(tree, entry, &limit->commands, &limit->commands_count);
}

static void read_key(struct tree *tree, const struct tree_entry *entry, void *arg)
{
	struct steps_limit *limit = arg;
	int key = tree__choose(tree, entry, "key", key_names, KEYS);
	const char *text = key == KEY_LIMIT ? tree__plain(tree, entry->node, entry->key) : NULL;

	if (key == KEY_COMMAND)
		tree__sequence(tree, entry->node, entry->key, read_command, limit);
	else if (text && !(limit->limit = strdup(text)))
		tree__error(tree, entry->node, entry->key, "out of memory");
}

void steps_limit__read(struct tree *tree, const struct tree_entry *entry, void *arg)
{
	struct steps *steps = ((const struct steps_reading *)arg)->steps;
	struct steps_limit limit = {0}, *limits;
	unsigned errors = tree->errors;

	tree__mapping(tree, entry->node, entry->key, read_key, &limit);
	if (tree->errors == errors && (!limit.commands_count || !limit.limit))
		tree__error(tree, entry->node, entry->key,
			    "is not complete: write command: [earlyoom] and limit: memory");
	limits = reallocarray(steps->limits, steps->limits_count + 1, sizeof(*limits));
	if (limits)
		steps->limits = limits;
	else
		tree__error(tree, entry->node, entry->key, "out of memory");
	if (tree->errors != errors) {
		steps_limit__free(&limit);
		return;
	}
	limits[steps->limits_count++] = limit;
}

void steps_limit__free(struct steps_limit *limit)
{
	for (size_t i = 0; i < limit->commands_count; i++)
		free(limit->commands[i]);
	free(limit->commands);
	free(limit->limit);
}

/* The kernel keeps so much of a name. */
static bool is_called(const char *comm, const char *name)
{
	return !strncmp(comm, name, EVENT_COMM - 1);
}

const char *steps__limit(const struct steps *steps, const char *comm)
{
	for (size_t i = 0; i < steps->limits_count; i++)
		for (size_t j = 0; j < steps->limits[i].commands_count; j++)
			if (is_called(comm, steps->limits[i].commands[j]))
				return steps->limits[i].limit;
	return NULL;
}
