/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads the templates of a rule of steps: text with references to captures of its patterns. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/config/config.h"
#include "sinks/steps/steps_rule.h"

static struct steps_part *add_part(struct steps_template *template)
{
	struct steps_part *parts = reallocarray(template->parts, template->count + 1, sizeof(*parts));

	if (!parts)
		return NULL;
	template->parts = parts;
	parts[template->count] = (struct steps_part){0};
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

/* Finds a name in every pattern; a number refers to the only pattern that captures. Returns how many patterns have
 * it. */
static int find_group(const struct steps_rule *rule, const char *name, struct steps_part *part)
{
	bool number = !name[strspn(name, "0123456789")];
	uint32_t wanted = number ? (uint32_t)strtoul(name, NULL, 10) : 0;
	int found = 0;

	for (size_t i = 0; i < rule->patterns_count; i++) {
		const struct steps_pattern *pattern = &rule->patterns[i];
		int group = number ? (int)(wanted <= pattern->groups ? wanted : 0)
				   : pcre2_substring_number_from_name(pattern->code, (PCRE2_SPTR)name);

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
			    "no pattern of this rule captures ${%s}: write (?<%s>...) in one, or use ${command} "
			    "or ${tool}",
			    name, *name && name[strspn(name, "0123456789")] ? name : "NAME");
	else if (found > 1)
		tree__error(tree, entry->node, entry->key,
			    "more than one pattern of this rule captures ${%s}: give the groups different names", name);
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
					    "\"%.64s\" has no end: close it with }, or write $${", text);
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

void steps_template__read(struct tree *tree, const struct tree_entry *entry, const struct steps_rule *rule,
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

void steps_template__free(struct steps_template *template)
{
	for (size_t i = 0; i < template->count; i++)
		free(template->parts[i].text);
	free(template->parts);
}
