/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads a rule of steps from YAML: conditions, and templates that use what these capture. */
#include "sinks/model/steps_rule.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/tree.h"

enum key { KEY_EXE, KEY_ARGS, KEY_CWD, KEY_PARENT, KEY_ENV, KEY_FILE, KEY_DEPTH, KEY_OUTSIDE, KEY_STEP, KEY_ID, KEYS };

static const char *const key_names[] = { "exe",  "args",	"cwd",	   "parent", "env",
					 "file", "depth", "outside", "step",   "id" };

/* A rule that is being read. Templates wait for all that captures. */
struct reading {
	struct steps_rule rule;
	struct tree_entry step, id;
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
	/* Bytes, not UTF-8: an argument may be anything. */
	code = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, PCRE2_NEVER_UTF, &rc, &at, NULL);
	if (code) {
		pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); /* without it, slower */
		return code;
	}
	pcre2_get_error_message(rc, sentence, sizeof(sentence));
	tree__error(tree, entry->node, entry->key, "is no regular expression: %s, at its character %zu",
		    (const char *)sentence, (size_t)at + 1);
	return NULL;
}

static void add_pattern(struct tree *tree, const struct tree_entry *entry, struct steps_rule *rule,
			enum steps_subject subject)
{
	struct steps_pattern *patterns, pattern = { .subject = subject };
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
		tree__error(tree, entry->name_node, entry->key,
			    "a variable's name cannot hold \"=\": choose another");
	else
		add_pattern(tree, entry, arg, STEPS_ENV);
}

/* One a rule: there is room for one. */
static void read_file(struct tree *tree, const struct tree_entry *entry, void *arg)
{
	const struct steps_rule *rule = arg;

	if (strchr(entry->name, '/'))
		tree__error(tree, entry->name_node, entry->key,
			    "a file is looked for in the working directory: give its name without a folder");
	else if (rule->patterns_count && rule->patterns[rule->patterns_count - 1].subject == STEPS_FILE)
		tree__error(tree, entry->name_node, entry->key, "a rule can look into one file only");
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
			    "\"%.64s\" is no depth: write a number, 0 for the run's root", text);
	else
		rule->depth = atol(text);
}

static void read_outside(struct tree *tree, const struct tree_entry *entry, struct steps_rule *rule)
{
	const char *text = tree__plain(tree, entry->node, entry->key);

	if (text && strcmp(text, "true") && strcmp(text, "false"))
		tree__error(tree, entry->node, entry->key, "\"%.64s\" is neither true nor false", text);
	rule->outside = text && !strcmp(text, "true");
}

/* ---- templates ---- */

static struct steps_part *add_part(struct steps_template *template)
{
	struct steps_part *parts = reallocarray(template->parts, template->count + 1, sizeof(*parts));

	if (!parts)
		return NULL;
	template->parts = parts;
	parts[template->count] = (struct steps_part){ 0 };
	return &parts[template->count++];
}

/* Text of a template, in which $$ is a dollar. */
static int add_text(struct steps_template *template, const char *from, size_t length)
{
	struct steps_part *part = length ? add_part(template) : NULL;
	char *to;

	if (!length)
		return 0;
	to = part ? malloc(length + 1) : NULL;
	if (!to)
		return -ENOMEM;
	part->text = to;
	for (const char *end = from + length; from < end; from++) {
		*to++ = *from;
		if (from[0] == '$' && from + 1 < end && from[1] == '$')
			from++;
	}
	*to = '\0';
	return 0;
}

/* Looks a name up in every pattern; a number belongs to the only pattern that captures. Returns in how
 * many patterns it is. */
static int find_group(const struct steps_rule *rule, const char *name, struct steps_part *part)
{
	bool number = !name[strspn(name, "0123456789")];
	uint32_t wanted = number ? (uint32_t)strtoul(name, NULL, 10) : 0;
	int found = 0;

	for (size_t i = 0; i < rule->patterns_count; i++) {
		const struct steps_pattern *pattern = &rule->patterns[i];
		int group = number ? (int)(wanted <= pattern->groups ? wanted : 0) :
				     pcre2_substring_number_from_name(pattern->code, (PCRE2_SPTR)name);

		if (group <= 0)
			continue;
		part->kind = STEPS_GROUP;
		part->pattern = (uint32_t)i;
		part->group = (uint32_t)group;
		found++;
	}
	return found;
}

static void read_reference(struct tree *tree, const struct tree_entry *entry, const struct steps_rule *rule,
			   const char *from, size_t length, struct steps_part *part)
{
	char name[64];
	int found = 0;

	snprintf(name, sizeof(name), "%.*s", (int)length, from);
	if (*name && strlen(name) == length)
		found = find_group(rule, name, part);
	if (!found && !strcmp(name, "command"))
		part->kind = STEPS_COMMAND;
	else if (!found && !strcmp(name, "tool"))
		part->kind = STEPS_TOOL;
	else if (!found)
		tree__error(tree, entry->node, entry->key,
			    "no pattern of this rule captures ${%s}: write (?<%s>...) in one, or take ${command} "
			    "or ${tool}",
			    name, *name && name[strspn(name, "0123456789")] ? name : "NAME");
	else if (found > 1)
		tree__error(tree, entry->node, entry->key,
			    "more than one pattern of this rule captures ${%s}: give the groups names of their own",
			    name);
}

static int read_parts(struct tree *tree, const struct tree_entry *entry, const struct steps_rule *rule,
		      const char *text, struct steps_template *template)
{
	const char *from = text;
	struct steps_part *part;

	while (*text) {
		if (text[0] == '$' && text[1] == '$') {
			text += 2;
		} else if (text[0] == '$' && text[1] == '{') {
			const char *end = strchr(text, '}');

			if (!end) {
				tree__error(tree, entry->node, entry->key,
					    "\"%.64s\" has no end: close it by }, or write $${", text);
				return 0;
			}
			if (add_text(template, from, (size_t)(text - from)))
				return -ENOMEM;
			part = add_part(template);
			if (!part)
				return -ENOMEM;
			read_reference(tree, entry, rule, text + 2, (size_t)(end - text - 2), part);
			from = text = end + 1;
		} else {
			text++;
		}
	}
	return add_text(template, from, (size_t)(text - from));
}

static void read_template(struct tree *tree, const struct tree_entry *entry, const struct steps_rule *rule,
			  struct steps_template *template)
{
	const char *text = entry->node ? tree__plain(tree, entry->node, entry->key) : NULL;

	if (!text)
		return;
	if (!*text)
		tree__error(tree, entry->node, entry->key, "is empty: write a name, or ${command}");
	else if (read_parts(tree, entry, rule, text, template))
		tree__error(tree, entry->node, entry->key, "out of memory");
}

/* ---- the rule ---- */

static void read_key(struct tree *tree, const struct tree_entry *entry, void *arg)
{
	static const enum steps_subject subjects[] = {
		[KEY_EXE] = STEPS_EXE, [KEY_ARGS] = STEPS_ARGS, [KEY_CWD] = STEPS_CWD, [KEY_PARENT] = STEPS_PARENT
	};
	struct reading *reading = arg;
	int key = tree__choose(tree, entry, "key", key_names, KEYS);

	switch (key) {
	case KEY_EXE:
	case KEY_ARGS:
	case KEY_CWD:
	case KEY_PARENT:
		add_pattern(tree, entry, &reading->rule, subjects[key]);
		break;
	case KEY_ENV:
		tree__mapping(tree, entry->node, entry->key, read_variable, &reading->rule);
		break;
	case KEY_FILE:
		tree__mapping(tree, entry->node, entry->key, read_file, &reading->rule);
		break;
	case KEY_DEPTH:
		read_depth(tree, entry, &reading->rule);
		break;
	case KEY_OUTSIDE:
		read_outside(tree, entry, &reading->rule);
		break;
	case KEY_STEP:
		reading->step = *entry;
		break;
	case KEY_ID:
		reading->id = *entry;
		break;
	}
}

void steps_rule__read(struct tree *tree, const struct tree_entry *entry, void *arg)
{
	struct steps_reading *into = arg;
	struct steps *steps = into->steps;
	struct reading reading = { .rule = { .depth = -1, .set = strdup(into->set) } };
	struct steps_rule *rule = &reading.rule, *rules;
	unsigned errors = tree->errors;

	tree__mapping(tree, entry->node, entry->key, read_key, &reading);
	if (tree->errors == errors && !reading.step.node)
		tree__error(tree, entry->node, entry->key,
			    "has no step: write one, such as step: ${command}");
	if (tree->errors == errors && !rule->patterns_count && rule->depth < 0)
		tree__error(tree, entry->node, entry->key,
			    "has no condition and would hold for everything: write one of exe, args, cwd, "
			    "parent, env, file, depth");
	if (tree->errors == errors) {
		read_template(tree, &reading.step, rule, &rule->step);
		read_template(tree, &reading.id, rule, &rule->id);
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

static void free_template(struct steps_template *template)
{
	for (size_t i = 0; i < template->count; i++)
		free(template->parts[i].text);
	free(template->parts);
}

void steps_rule__free(struct steps_rule *rule)
{
	for (size_t i = 0; i < rule->patterns_count; i++) {
		free(rule->patterns[i].name);
		pcre2_code_free(rule->patterns[i].code);
	}
	free(rule->patterns);
	free_template(&rule->step);
	free_template(&rule->id);
	free(rule->set);
}
