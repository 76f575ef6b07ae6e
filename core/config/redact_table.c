/* SPDX-License-Identifier: BSD-2-Clause */
/* Parses the table of programs and finds programs in it. */
#include "core/config/redact_table.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/base.h"

#define NAME_LENGTH_MAX 64
#define BLANKS " \t"

/* One line of programs, with the rules after it. */
struct section {
	struct section *next;
	struct redact_program program;
};

struct entry {
	struct hash_node node;
	const char *name;
	const struct redact_program *program;
};

struct redact_table {
	char *text; /* cut into the words that all else points to */
	struct section *sections;
	struct hash entries;
	const struct redact_program *any;
};

static const struct redact_program *find(const struct redact_table *table, const char *name, size_t length)
{
	const struct hash_node *node = hash__first(&table->entries, hash__bytes(0, name, length));
	const struct entry *entry;

	for (; node; node = hash__next(node)) {
		entry = (const struct entry *)((const char *)node - offsetof(struct entry, node));
		if (strlen(entry->name) == length && !memcmp(entry->name, name, length))
			return entry->program;
	}
	return NULL;
}

const struct redact_program *redact_table__find(const struct redact_table *table, const char *path, size_t length)
{
	static const char *const suffixes[] = {".py", ".sh", ".pl", ".rb", ".js", ".jar", ".exe"};
	const char *slash = memrchr(path, '/', length), *name = slash ? slash + 1 : path, *tag;
	size_t left = length - (name - path), i, n;
	const struct redact_program *program;

	if (left && *name == '-') { /* a login shell */
		name++;
		left--;
	}
	tag = memchr(name, ':', left); /* of an image, whose name is often that of its program */
	left = tag ? (size_t)(tag - name) : left;
	if (!left || left > NAME_LENGTH_MAX)
		return NULL;
	program = find(table, name, left);
	for (i = 0; !program && i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		n = strlen(suffixes[i]);
		if (left > n && !memcmp(name + left - n, suffixes[i], n))
			return find(table, name, left - n);
	}
	if (program || !isdigit((unsigned char)name[left - 1]))
		return program;
	while (left > 1 && (isdigit((unsigned char)name[left - 1]) || strchr(".-", name[left - 1])))
		left--;
	return find(table, name, left);
}

const struct redact_program *redact_table__any(const struct redact_table *table)
{
	return table->any;
}

/* ---- the grammar ---- */

/* A value: `_`, SECRET, USER:SECRET, USER:SECRET@HOST... False: it is a literal or an option. */
static bool parse_value(struct redact_token *token, const char *word)
{
	static const struct {
		const char *word;
		enum redact_value value;
	} values[] = {
		{"_", REDACT_OTHER},	     {"SECRET", REDACT_SECRET}, {"MAYBE", REDACT_SECRET},
		{"NAME", REDACT_NAME},	     {"SCRIPT", REDACT_SCRIPT}, {"PROGRAM", REDACT_PROGRAM},
		{"COMMAND", REDACT_COMMAND},
	};
	char separator = 0;
	size_t length;

	if (!strncmp(word, "USER", 4) && ispunct((unsigned char)word[4])) {
		separator = word[4];
		word += 5;
	}
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		length = strlen(values[i].word);
		if (strncmp(word, values[i].word, length) || (word[length] && strcmp(word + length + 1, "HOST")))
			continue;
		token->value = values[i].value;
		token->unsure = *word == 'M';
		token->separator = separator;
		token->stop = word[length];
		return true;
	}
	return false;
}

/* False: the token has no place in a rule. */
static bool parse_token(struct redact_rule *rule, char *word)
{
	struct redact_token *token = &rule->tokens[rule->count];
	char *value = strstr(word, "USER"), *bracket = strchr(word, ']');
	bool after = rule->option < rule->count; /* an option */

	if (rule->count == REDACT_TOKENS_MAX || (after && rule->tokens[rule->option].glued))
		return false;
	rule->count++;
	if (parse_value(token, word))
		return true;
	token->text = word;
	token->length = strlen(word);
	if (!strncmp(word, "-[", 2) && bracket && !bracket[1]) {
		*bracket = '\0';
		token->value = REDACT_FLAGS;
		token->text += 2;
		return rule->count == 1;
	}
	value = value ? value : strstr(word, "SECRET");
	token->glued = value && parse_value(token, value);
	token->value = token->glued || *word == '-' ? REDACT_OPTION : REDACT_LITERAL;
	if (token->glued)
		token->length = value - word;
	if (token->value == REDACT_OPTION)
		rule->option = rule->count - 1;
	return !after && rule->tokens[0].value != REDACT_FLAGS;
}

static int parse_rule(struct redact_program *program, char *line, struct error *err)
{
	struct redact_rule rule = {.option = REDACT_TOKENS_MAX}, *rules;
	char *word, *rest;

	for (word = strtok_r(line, BLANKS, &rest); word; word = strtok_r(NULL, BLANKS, &rest))
		if (!parse_token(&rule, word))
			return error__set(err, -EINVAL, "\"%.80s\" has no place in this rule", word);
	if (rule.count == 1 && !strcmp(rule.tokens[0].text ? rule.tokens[0].text : "", "-*")) {
		program->long_options = true;
		return 0;
	}
	if (rule.tokens[0].value == REDACT_FLAGS) {
		program->flags = rule.tokens[0].text;
		return 0;
	}
	if (program->rules_count == REDACT_RULES_MAX)
		return error__set(err, -EINVAL, "more than %d rules", REDACT_RULES_MAX);
	rules = reallocarray(program->rules, program->rules_count + 1, sizeof(*rules));
	if (!rules)
		return error__set(err, -ENOMEM, "out of memory");
	program->rules = rules;
	rules[program->rules_count++] = rule;
	return 0;
}

static int parse_programs(struct redact_table *table, char *line, struct error *err)
{
	struct section *section = calloc(1, sizeof(*section));
	struct entry *entry;
	char *name, *rest;

	if (!section)
		return error__set(err, -ENOMEM, "out of memory");
	section->next = table->sections;
	section->program.flags = "";
	table->sections = section;
	for (name = strtok_r(line, BLANKS, &rest); name; name = strtok_r(NULL, BLANKS, &rest)) {
		if (find(table, name, strlen(name)) || (!strcmp(name, "*") && table->any))
			return error__set(err, -EINVAL, "\"%.80s\" is in the table twice", name);
		if (!strcmp(name, "*")) {
			table->any = &section->program;
			continue;
		}
		entry = calloc(1, sizeof(*entry));
		if (entry) {
			entry->name = name;
			entry->program = &section->program;
		}
		if (!entry || hash__add(&table->entries, &entry->node, hash__bytes(0, name, strlen(name)))) {
			free(entry);
			return error__set(err, -ENOMEM, "out of memory");
		}
	}
	return 0;
}

static int parse_line(struct redact_table *table, char *line, struct error *err)
{
	bool rule = *line && strchr(BLANKS, *line);
	char *first = line + strspn(line, BLANKS);

	if (!*first || *first == '#')
		return 0;
	if (!rule)
		return parse_programs(table, line, err);
	if (!table->sections)
		return error__set(err, -EINVAL, "a rule before the first program");
	return parse_rule(&table->sections->program, line, err);
}

int redact_table__new(struct redact_table **table, const char *text, struct error *err)
{
	struct redact_table *new = calloc(1, sizeof(*new));
	struct error why;
	char *line, *rest;
	int number, rc = 0;

	*table = NULL;
	if (new)
		new->text = strdup(text);
	if (!new || !new->text) {
		free(new);
		return error__set(err, -ENOMEM, "out of memory");
	}
	rest = new->text;
	for (number = 1; rc == 0 && (line = strsep(&rest, "\n")); number++)
		rc = parse_line(new, line, &why);
	if (rc) {
		redact_table__free(new);
		return error__set(err, rc, "line %d: %s", number - 1, why.text);
	}
	*table = new;
	return 0;
}

void redact_table__free(struct redact_table *table)
{
	struct section *section;

	if (!table)
		return;
	while ((section = table->sections)) {
		table->sections = section->next;
		free(section->program.rules);
		free(section);
	}
	hash__free_all(&table->entries, offsetof(struct entry, node));
	free(table->text);
	free(table);
}
