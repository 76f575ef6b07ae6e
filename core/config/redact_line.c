/* SPDX-License-Identifier: BSD-2-Clause */
/* Walks over the arguments of a command line and finds those that the table of programs calls secret. */
#include <ctype.h>
#include <string.h>

#include "core/config/redact_table.h"

void redact_line__start(struct redact_line *line, const struct redact_table *table)
{
	line->table = table;
	line->program = NULL;
	line->pending_count = 0;
	line->started = line->operands = false;
}

static struct redact_verdict verdict(enum redact_value value, size_t from, size_t to)
{
	return (struct redact_verdict){value, from, to};
}

/* `program` is the one that the following arguments are of. */
static void enter(struct redact_line *line, const struct redact_program *program)
{
	line->program = program;
	line->operands = false;
	if (program)
		memset(line->at, 0, program->rules_count);
}

/* A command line in one argument: that of ssh, of watch. */
static bool is_script(const char *text, size_t length)
{
	static const char marks[] = {' ', '\t', '\n', ';', '|', '&'};

	for (size_t i = 0; i < sizeof(marks); i++)
		if (memchr(text, marks[i], length))
			return true;
	return false;
}

bool redact_line__is_assignment(const char *text, size_t length)
{
	size_t i = 0;

	while (i < length && (isalnum((unsigned char)text[i]) || text[i] == '_'))
		i++;
	return i && i < length && text[i] == '=' && !isdigit((unsigned char)text[0]);
}

static bool is_of(const char *text, size_t length, const char *bytes)
{
	size_t i = 0;

	while (i < length && text[i] && strchr(bytes, text[i]))
		i++;
	return i == length;
}

/* What is not a password, where it might be one: a file, a number, a word; after a user: a group, a range. */
static bool is_plain(const char *text, size_t length, bool after_user)
{
	static const char *const words[] = {"true", "false", "yes",  "no",    "on",
					    "off",  "none",  "auto", "basic", "digest"};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strlen(words[i]) == length && !memcmp(words[i], text, length))
			return true;
	if (after_user && (is_of(text, length, "abcdefghijklmnopqrstuvwxyz_-") || is_of(text, length, "0123456789-,")))
		return true;
	return memchr(text, '/', length) || memchr(text, '.', length) || memchr(text, ',', length) ||
	       (length < 4 && is_of(text, length, "0123456789"));
}

/* The part of the text after `from` that the template stands for; false: none. */
static bool match(const struct redact_token *token, const char *text, size_t length, size_t *from, size_t *to)
{
	const char *at, *stop;

	*to = length;
	if (token->separator) {
		at = memchr(text + *from, token->separator, length - *from);
		if (!at || (token->separator == '/' && at == text + *from)) /* a path */
			return false;
		*from = at + 1 - text;
	}
	stop = token->stop ? memrchr(text + *from, token->stop, length - *from) : NULL;
	if (stop)
		*to = stop - text;
	return *from < *to && !(token->unsure && is_plain(text + *from, *to - *from, token->separator));
}

/* The text from `from` on is what `token` stands for. */
static struct redact_verdict take(struct redact_line *line, const struct redact_token *token, const char *text,
				  size_t from, size_t length)
{
	enum redact_value value = token->value == REDACT_OPTION ? REDACT_SECRET : token->value; /* glued */
	const struct redact_program *program;
	size_t to;

	if (!match(token, text, length, &from, &to))
		return verdict(REDACT_OTHER, 0, 0);
	if (value != REDACT_PROGRAM && value != REDACT_COMMAND)
		return verdict(value, from, to);
	if (is_script(text + from, to - from))
		return verdict(REDACT_SCRIPT, from, to);
	program = redact_table__find(line->table, text + from, to - from);
	if (program || value == REDACT_PROGRAM)
		enter(line, program);
	return verdict(REDACT_LITERAL, 0, 0);
}

/* Whether the argument is this rule's option, and what its value is. `cluster` letters of options without a value come
 * before that of this one: -sSu. */
static bool take_option(struct redact_line *line, const struct redact_rule *rule, bool letters, const char *text,
			size_t length, size_t cluster, struct redact_verdict *out)
{
	const struct redact_token *option = &rule->tokens[rule->option], *value = option + 1;
	bool letter = letters && option->length == 2 && option->text[0] == '-';
	size_t from = option->length + cluster;

	if (length < from ||
	    (cluster ? !letter || text[from - 1] != option->text[1] : memcmp(text, option->text, from) != 0))
		return false;
	if (option->glued) {
		*out = take(line, option, text, from, length);
		return length > from;
	}
	if (length == from) {
		line->pending = value;
		line->pending_count = rule->count - rule->option - 1;
		*out = verdict(REDACT_OPTION, 0, 0);
		return true;
	}
	if (rule->count == rule->option + 1 || (!letter && text[from] != '='))
		return false;
	*out = take(line, value, text, from + (text[from] == '='), length);
	return true;
}

static bool find_option(struct redact_line *line, const struct redact_program *program, const char *text, size_t length,
			size_t cluster, struct redact_verdict *out)
{
	const struct redact_rule *rule;
	size_t i;

	for (i = 0; i < program->rules_count; i++) {
		rule = &program->rules[i];
		if (rule->option == (program == line->program ? line->at[i] : 0) &&
		    take_option(line, rule, !program->long_options, text, length, cluster, out))
			return true;
	}
	return false;
}

static size_t cluster_of(const struct redact_program *program, const char *text, size_t length)
{
	size_t n = 0;

	while (n + 1 < length && text[n + 1] && strchr(program->flags, text[n + 1]))
		n++;
	return n;
}

/* An operand: each rule without an option at this point may go on. */
static struct redact_verdict operand(struct redact_line *line, const char *text, size_t length)
{
	struct redact_verdict found = verdict(REDACT_LITERAL, 0, 0), one;
	const struct redact_program *program = line->program;
	const struct redact_rule *rule;
	const struct redact_token *token;
	size_t i;

	for (i = 0; i < program->rules_count && line->program == program; i++) {
		rule = &program->rules[i];
		if (line->at[i] == rule->count || line->at[i] == rule->option)
			continue;
		token = &rule->tokens[line->at[i]];
		if (token->value == REDACT_LITERAL) {
			line->at[i] += token->length == length && !memcmp(token->text, text, length);
			continue;
		}
		if (token->value == REDACT_COMMAND && redact_line__is_assignment(text, length))
			continue;
		if (token->value != REDACT_COMMAND)
			line->at[i]++;
		one = take(line, token, text, 0, length);
		if (found.value == REDACT_LITERAL || one.value == REDACT_SECRET)
			found = one;
	}
	return found;
}

struct redact_verdict redact_line__next(struct redact_line *line, const char *text, size_t length)
{
	const struct redact_token *pending = line->pending_count ? line->pending : NULL;
	const struct redact_program *any = redact_table__any(line->table);
	struct redact_verdict found;
	bool option = length > 1 && *text == '-';
	size_t cluster;

	if (!line->started) {
		line->started = true;
		enter(line, redact_table__find(line->table, text, length));
		return verdict(REDACT_LITERAL, 0, 0);
	}
	/* --password --verbose: the value is missing, as a program may ask for it */
	if (pending && !(length > 2 && !memcmp(text, "--", 2) && isalpha((unsigned char)text[2]))) {
		line->pending++;
		line->pending_count--;
		return take(line, pending, text, 0, length);
	}
	line->pending_count = 0;
	if (length == 2 && !memcmp(text, "--", 2)) {
		line->operands = true;
		return verdict(REDACT_LITERAL, 0, 0);
	}
	option &= !line->operands;
	if (line->program && !line->operands && find_option(line, line->program, text, length, 0, &found))
		return found;
	cluster = line->program && option ? cluster_of(line->program, text, length) : 0;
	if (cluster && find_option(line, line->program, text, length, cluster, &found))
		return found;
	if (any && option && find_option(line, any, text, length, 0, &found))
		return found;
	if (!line->program || option)
		return verdict(REDACT_LITERAL, 0, 0);
	return operand(line, text, length);
}
