/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads a rule of steps from YAML: its conditions, and which templates it has. */
#include "sinks/steps/steps_rule.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/config/config.h"

enum key { KEY_FILE = STEPS_CONDITIONS, KEY_DEPTH, KEY_OUTSIDE, KEY_STEP, KEY_ID, KEY_TAG, KEY_ENGINE, KEYS };

static const char *const key_names[] = {
	STEPS_CONDITION_NAMES, "file", "depth", "outside", "step", "id", "tag", "engine"};

/* A rule being read. Templates are read after all patterns. */
struct reading {
	struct steps_rule rule;
	struct tree_entry step, id, tag;
};

/* ---- patterns ---- */

static pcre2_code *compile(struct tree *tree, const struct tree_entry *entry)
{
	const char *text = tree__plain(tree, entry->node, entry->key);
	PCRE2_UCHAR sentence[256];
	pcre2_code *code;
	PCRE2_SIZE at;
	int rc;

	if (!text)
		return NULL;
	/* Bytes, not UTF-8: arguments may be any bytes. */
	code = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, PCRE2_NEVER_UTF, &rc, &at, NULL);
	if (code) {
		pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); /* without it, slower */
		return code;
	}
	pcre2_get_error_message(rc, sentence, sizeof(sentence));
	tree__error(tree, entry->node, entry->key, "is not a valid regular expression: %s, at its character %zu",
		    (const char *)sentence, (size_t)at + 1);
	return NULL;
}

static void add_pattern(struct tree *tree, const struct tree_entry *entry, struct steps_rule *rule,
			enum steps_subject subject)
{
	struct steps_pattern *patterns, pattern = {.subject = subject};
	size_t at = rule->patterns_count;
	bool lacking = false;

	pattern.code = compile(tree, entry);
	if (!pattern.code)
		return;
	pcre2_pattern_info(pattern.code, PCRE2_INFO_CAPTURECOUNT, &pattern.groups);
	if (subject == STEPS_ENV || subject == STEPS_FILE) {
		pattern.name = strdup(entry->name);
		lacking = !pattern.name;
	}
	patterns = lacking ? NULL : reallocarray(rule->patterns, at + 1, sizeof(*patterns));
	if (!patterns) {
		tree__error(tree, entry->node, entry->key, "out of memory");
		free(pattern.name);
		pcre2_code_free(pattern.code);
		return;
	}
	rule->patterns = patterns;
	for (; at && patterns[at - 1].subject > subject; at--)
		patterns[at] = patterns[at - 1];
	patterns[at] = pattern;
	rule->patterns_count++;
}

static void read_variable(struct tree *tree, const struct tree_entry *entry, void *arg)
{
	if (strchr(entry->name, '='))
		tree__error(tree, entry->name_node, entry->key, "a variable's name cannot hold \"=\": choose another");
	else
		add_pattern(tree, entry, arg, STEPS_ENV);
}

/* One per rule. */
static void read_file(struct tree *tree, const struct tree_entry *entry, void *arg)
{
	const struct steps_rule *rule = arg;

	if (strchr(entry->name, '/'))
		tree__error(tree, entry->name_node, entry->key,
			    "files are read from the working directory: write a name without a folder");
	else if (rule->patterns_count && rule->patterns[rule->patterns_count - 1].subject == STEPS_FILE)
		tree__error(tree, entry->name_node, entry->key, "a rule can read only one file: remove this one");
	else
		add_pattern(tree, entry, arg, STEPS_FILE);
}

static void read_depth(struct tree *tree, const struct tree_entry *entry, struct steps_rule *rule)
{
	const char *text = tree__plain(tree, entry->node, entry->key);

	if (!text)
		return;
	if (!*text || strlen(text) > 9 || text[strspn(text, "0123456789")])
		tree__error(tree, entry->node, entry->key,
			    "\"%.64s\" is not a depth: write a number, 0 for the run's root", text);
	else
		rule->depth = atol(text);
}

bool steps_rule__bool(struct tree *tree, const struct tree_entry *entry)
{
	const char *text = tree__plain(tree, entry->node, entry->key);

	if (text && strcmp(text, "true") && strcmp(text, "false"))
		tree__error(tree, entry->node, entry->key, "\"%.64s\" is neither true nor false", text);
	return text && !strcmp(text, "true");
}

static enum steps_engine read_engine(struct tree *tree, const struct tree_entry *entry)
{
	static const char *const names[] = {"false", "true", "forks", "above"}; /* as enum steps_engine */
	const char *text = tree__plain(tree, entry->node, entry->key);

	for (size_t i = 0; text && i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(text, names[i]))
			return i;
	if (text)
		tree__error(tree, entry->node, entry->key, "\"%.64s\" is neither true, false, forks nor above", text);
	return STEPS_ENGINE_NONE;
}

/* ---- the rule ---- */

void steps_rule__condition(struct tree *tree, const struct tree_entry *entry, struct steps_rule *rule,
			   enum steps_condition condition)
{
	static const enum steps_subject subjects[] = {[STEPS_IF_EXE] = STEPS_EXE,
						      [STEPS_IF_ARGS] = STEPS_ARGS,
						      [STEPS_IF_CWD] = STEPS_CWD,
						      [STEPS_IF_PARENT] = STEPS_PARENT};

	if (condition == STEPS_IF_ENV)
		tree__mapping(tree, entry->node, entry->key, read_variable, rule);
	else
		add_pattern(tree, entry, rule, subjects[condition]);
}

static void read_key(struct tree *tree, const struct tree_entry *entry, void *arg)
{
	struct reading *reading = arg;
	int key = tree__choose(tree, entry, "key", key_names, KEYS);

	switch (key) {
	case STEPS_IF_EXE:
	case STEPS_IF_ARGS:
	case STEPS_IF_CWD:
	case STEPS_IF_PARENT:
	case STEPS_IF_ENV:
		steps_rule__condition(tree, entry, &reading->rule, (enum steps_condition)key);
		break;
	case KEY_FILE:
		tree__mapping(tree, entry->node, entry->key, read_file, &reading->rule);
		break;
	case KEY_DEPTH:
		read_depth(tree, entry, &reading->rule);
		break;
	case KEY_OUTSIDE:
		reading->rule.outside = steps_rule__bool(tree, entry);
		break;
	case KEY_STEP:
		reading->step = *entry;
		break;
	case KEY_ID:
		reading->id = *entry;
		break;
	case KEY_TAG:
		reading->tag = *entry;
		break;
	case KEY_ENGINE:
		reading->rule.engine = read_engine(tree, entry);
		break;
	}
}

void steps_rule__read(struct tree *tree, const struct tree_entry *entry, void *arg)
{
	struct steps_reading *into = arg;
	struct steps *steps = into->steps;
	struct reading reading = {.rule = {.depth = -1, .set = strdup(into->set)}};
	struct steps_rule *rule = &reading.rule, *rules;
	unsigned errors = tree->errors;

	tree__mapping(tree, entry->node, entry->key, read_key, &reading);
	if (tree->errors == errors && !reading.step.node && !rule->engine)
		tree__error(tree, entry->node, entry->key, "has no step: write one, such as step: ${command}");
	if (tree->errors == errors && rule->engine && (reading.step.node || reading.tag.node))
		tree__error(tree, entry->node, entry->key,
			    "is of the engine itself, which begins no step: write either engine, or step, id and tag");
	if (tree->errors == errors && rule->engine && rule->engine != STEPS_ENGINE_ABOVE && reading.id.node)
		tree__error(tree, entry->node, entry->key, "has an id, and begins no task: only engine: above has one");
	if (tree->errors == errors && !rule->patterns_count && rule->depth < 0)
		tree__error(tree, entry->node, entry->key,
			    "has no condition and would match everything: write one of exe, args, cwd, "
			    "parent, env, file, depth");
	if (tree->errors == errors) {
		steps_template__read(tree, &reading.step, rule, &rule->step);
		steps_template__read(tree, &reading.id, rule, &rule->id);
		steps_template__read(tree, &reading.tag, rule, &rule->tag);
	}
	rules = reallocarray(steps->rules, steps->count + 1, sizeof(*rules));
	if (rules)
		steps->rules = rules;
	if (!rules || !rule->set)
		tree__error(tree, entry->node, entry->key, "out of memory");
	if (!rules || tree->errors != errors) {
		steps_rule__free(rule);
		return;
	}
	rules[steps->count++] = *rule;
}

void steps_rule__free(struct steps_rule *rule)
{
	for (size_t i = 0; i < rule->patterns_count; i++) {
		free(rule->patterns[i].name);
		pcre2_code_free(rule->patterns[i].code);
	}
	free(rule->patterns);
	steps_template__free(&rule->step);
	steps_template__free(&rule->id);
	steps_template__free(&rule->tag);
	free(rule->set);
}
