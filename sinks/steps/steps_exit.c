/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads a rule of exits from YAML: its conditions, and what it says of an end. */
#include "sinks/steps/steps_rule.h"

#include <stdlib.h>
#include <string.h>

#include "core/config/config.h"

enum key {
	KEY_COMMAND = STEPS_CONDITIONS,
	KEY_CODE,
	KEY_FORKED,
	KEY_ALONE,
	KEY_SILENT,
	KEY_WAITED,
	KEY_IS,
	KEY_BELOW,
	KEYS
};

static const char *const key_names[] = {
	STEPS_CONDITION_NAMES, "command", "code", "forked", "alone", "silent", "waited", "is", "below"};

static void read_command(struct tree *tree, const struct tree_entry *entry, void *arg)
{
	struct steps_exit_rule *rule = arg;

	steps_limit__add_name(tree, entry, &rule->commands, &rule->commands_count);
}

void steps_exit__read_code(struct tree *tree, const struct tree_entry *entry, void *arg)
{
	struct steps_exit_rule *rule = arg;
	const char *text = tree__plain(tree, entry->node, entry->key);
	int code = text ? atoi(text) : 0;

	if (!text)
		return;
	if (!*text || strlen(text) > 3 || text[strspn(text, "0123456789")] || code < 1 || code > 255)
		tree__error(tree, entry->node, entry->key,
			    "\"%.64s\" is not the code of a failure: write a number from 1 to 255", text);
	else
		rule->codes[code] = true;
	rule->any_code = false;
}

/* One of the names, which stand for these values. */
static void read_meaning(struct tree *tree, const struct tree_entry *entry, enum steps_exit *meaning,
			 const char *const *names, const enum steps_exit *values, size_t n)
{
	struct tree_entry value = *entry;
	int i;

	value.name = tree__plain(tree, entry->node, entry->key);
	value.name_node = entry->node;
	i = value.name ? tree__choose(tree, &value, "meaning", names, n) : -1;
	if (i >= 0)
		*meaning = values[i];
}

static void read_key(struct tree *tree, const struct tree_entry *entry, void *arg)
{
	static const char *const is[] = {"answer", "doubt", "wrapper", "runner",
					 "origin", "tally", "muted",   "not_executed"};
	static const enum steps_exit is_values[] = {STEPS_ANSWER, STEPS_DOUBT, STEPS_WRAPPER, STEPS_RUNNER,
						    STEPS_ORIGIN, STEPS_TALLY, STEPS_MUTED,   STEPS_NOT_EXECUTED};
	static const char *const below[] = {"answer", "tests", "ignored", "unseen", "asked"};
	static const enum steps_exit below_values[] = {STEPS_ANSWER, STEPS_TESTS, STEPS_IGNORED, STEPS_UNSEEN,
						       STEPS_ASKED};
	struct steps_exit_rule *rule = arg;
	int key = tree__choose(tree, entry, "key", key_names, KEYS);

	if (key >= 0 && key < STEPS_CONDITIONS)
		steps_rule__condition(tree, entry, &rule->rule, (enum steps_condition)key);
	else if (key == KEY_COMMAND)
		tree__sequence(tree, entry->node, entry->key, read_command, rule);
	else if (key == KEY_CODE)
		tree__sequence(tree, entry->node, entry->key, steps_exit__read_code, rule);
	else if (key == KEY_FORKED)
		rule->forked = steps_rule__bool(tree, entry);
	else if (key == KEY_ALONE)
		rule->alone = steps_rule__bool(tree, entry);
	else if (key == KEY_SILENT)
		rule->silent = steps_rule__bool(tree, entry);
	else if (key == KEY_WAITED)
		rule->waited = steps_rule__bool(tree, entry);
	else if (key == KEY_IS)
		read_meaning(tree, entry, &rule->is, is, is_values, sizeof(is) / sizeof(*is));
	else if (key == KEY_BELOW)
		read_meaning(tree, entry, &rule->below, below, below_values, sizeof(below) / sizeof(*below));
}

void steps_exit__read(struct tree *tree, const struct tree_entry *entry, void *arg)
{
	const struct steps_reading *into = arg;
	struct steps *steps = into->steps;
	struct steps_exit_rule rule = {.rule = {.depth = -1, .set = strdup(into->set)}, .any_code = true}, *rules;
	unsigned errors = tree->errors;

	tree__mapping(tree, entry->node, entry->key, read_key, &rule);
	if (tree->errors == errors && !rule.is && !rule.below)
		tree__error(tree, entry->node, entry->key, "says nothing: write is: answer or below: answer");
	if (tree->errors == errors && !rule.rule.patterns_count && !rule.commands_count)
		tree__error(tree, entry->node, entry->key,
			    "has no condition and would match everything: write one of command, exe, args, cwd, "
			    "parent, env");
	rules = reallocarray(steps->exits, steps->exits_count + 1, sizeof(*rules));
	if (rules)
		steps->exits = rules;
	if (!rules || !rule.rule.set)
		tree__error(tree, entry->node, entry->key, "out of memory");
	if (!rules || tree->errors != errors) {
		steps_exit__free(&rule);
		return;
	}
	rules[steps->exits_count++] = rule;
}

void steps_exit__free(struct steps_exit_rule *rule)
{
	for (size_t i = 0; i < rule->commands_count; i++)
		free(rule->commands[i]);
	free(rule->commands);
	steps_rule__free(&rule->rule);
}
