/* SPDX-License-Identifier: BSD-2-Clause */
/* Matches rules of steps against a program. Input is untrusted: only the beginning of a text is searched, and a
 * search that takes too many steps counts as no match. */
#include "sinks/steps/steps_names.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MATCH_LIMIT 20000 /* steps of one search */
#define HEAP_LIMIT 1024	  /* KiB */

struct subject {
	const char *data; /* NULL: none */
	size_t length;
	bool ready;
};

struct steps_matcher {
	const struct steps *steps;
	pcre2_match_context *context;
	pcre2_match_data **found; /* by the pattern's index in its rule */
	size_t found_count;
	const char **subjects; /* the text searched, by the same index */
	struct subject cache[STEPS_SUBJECTS];
	char joined[2][STEPS_TEXT_MAX]; /* arguments of the parent and of the program */
	char step[STEPS_NAME_MAX], id[STEPS_NAME_MAX], tag[STEPS_NAME_MAX];
	const struct steps_rule *rule; /* found last */
};

void steps_matcher__free(struct steps_matcher *matcher)
{
	if (!matcher)
		return;
	for (size_t i = 0; matcher->found && i < matcher->found_count; i++)
		pcre2_match_data_free(matcher->found[i]);
	free(matcher->found);
	free(matcher->subjects);
	pcre2_match_context_free(matcher->context);
	free(matcher);
}

static void count_found(const struct steps_rule *rule, size_t *patterns, uint32_t *groups)
{
	if (rule->patterns_count > *patterns)
		*patterns = rule->patterns_count;
	for (size_t i = 0; i < rule->patterns_count; i++)
		*groups = rule->patterns[i].groups > *groups ? rule->patterns[i].groups : *groups;
}

/* Room for the captures of the rule with the most patterns. */
static bool make_found(struct steps_matcher *matcher)
{
	const struct steps *steps = matcher->steps;
	uint32_t groups = 0;

	for (size_t i = 0; i < steps->count; i++)
		count_found(&steps->rules[i], &matcher->found_count, &groups);
	for (size_t i = 0; i < steps->exits_count; i++)
		count_found(&steps->exits[i].rule, &matcher->found_count, &groups);
	matcher->found = calloc(matcher->found_count + 1, sizeof(pcre2_match_data *));
	matcher->subjects = calloc(matcher->found_count + 1, sizeof(char *));
	if (!matcher->found || !matcher->subjects)
		return false;
	for (size_t i = 0; i < matcher->found_count; i++) {
		matcher->found[i] = pcre2_match_data_create(groups + 1, NULL);
		if (!matcher->found[i])
			return false;
	}
	return true;
}

struct steps_matcher *steps_matcher__new(const struct steps *steps)
{
	struct steps_matcher *matcher = calloc(1, sizeof(*matcher));

	if (!matcher)
		return NULL;
	matcher->steps = steps;
	matcher->context = pcre2_match_context_create(NULL);
	if (!matcher->context || !make_found(matcher)) {
		steps_matcher__free(matcher);
		return NULL;
	}
	pcre2_set_match_limit(matcher->context, MATCH_LIMIT);
	pcre2_set_heap_limit(matcher->context, HEAP_LIMIT);
	return matcher;
}

/* ---- subjects ---- */

static struct subject of_text(const struct model_text *text)
{
	struct subject subject = {text->data, text->length, true};

	if (subject.length > STEPS_TEXT_MAX)
		subject.length = STEPS_TEXT_MAX;
	return subject;
}

/* The arguments with a blank between. */
static struct subject of_args(const struct model_command *command, char joined[STEPS_TEXT_MAX])
{
	const struct model_list *args = &command->args;
	struct subject subject = {NULL, args->length, true};

	if (!args->data || !args->length)
		return subject;
	subject.data = joined;
	subject.length--; /* the last NUL */
	if (subject.length > STEPS_TEXT_MAX)
		subject.length = STEPS_TEXT_MAX;
	memcpy(joined, args->data, subject.length);
	for (char *at = joined; (at = memchr(at, '\0', subject.length - (size_t)(at - joined)));)
		*at = ' ';
	return subject;
}

static struct subject of_env(const struct model_command *command, const char *variable)
{
	const char *value = model_command__variable(command, variable);

	return (struct subject){value, value ? strlen(value) : 0, true};
}

/* Where the script is that the last argument names: the folder's length. 0: it names none by a full path. */
static int script_folder(const struct model_list *args, const char **path)
{
	const char *last = "";

	for (size_t at = 0; args->data && at < args->length; at += strlen(last) + 1)
		last = args->data + at;
	*path = last;
	return *last == '/' ? (int)(strrchr(last, '/') - last) : 0;
}

/* No file is opened: what stands in a stream may be forged. */
static struct subject of_file(const struct steps_program *program, const char *name)
{
	const struct model_text *cwd = &program->command->cwd;
	const char *script, *paths[3] = {NULL};
	struct subject subject = {.ready = true};
	int length = script_folder(&program->command->args, &script);
	char here[PATH_MAX], there[PATH_MAX];
	size_t count = 0;

	if (!program->file)
		return subject;
	if (cwd->data && !cwd->reason && snprintf(here, sizeof(here), "%s/%s", cwd->data, name) < (int)sizeof(here))
		paths[count++] = here;
	if (length && snprintf(there, sizeof(there), "%.*s/%s", length, script, name) < (int)sizeof(there))
		paths[count++] = there;
	if (count)
		subject.data = program->file(program->files, paths, &subject.length);
	if (subject.length > STEPS_TEXT_MAX)
		subject.length = STEPS_TEXT_MAX;
	return subject;
}

static struct subject look(struct steps_matcher *matcher, const struct steps_program *program,
			   const struct steps_pattern *pattern)
{
	const struct model_command *command = pattern->subject == STEPS_PARENT ? program->parent : program->command;
	struct subject *subject = &matcher->cache[pattern->subject];

	if (!command)
		return (struct subject){.ready = true};
	if (pattern->subject == STEPS_ENV)
		return of_env(command, pattern->name);
	if (pattern->subject == STEPS_FILE)
		return of_file(program, pattern->name);
	if (subject->ready)
		return *subject;
	if (pattern->subject == STEPS_EXE)
		*subject = of_text(&command->exe);
	else if (pattern->subject == STEPS_CWD)
		*subject = of_text(&command->cwd);
	else
		*subject = of_args(command, matcher->joined[pattern->subject == STEPS_ARGS]);
	return *subject;
}

/* ---- matching ---- */

static bool holds(struct steps_matcher *matcher, const struct steps_rule *rule, const struct steps_program *program)
{
	if ((rule->depth >= 0 && rule->depth != program->depth) || (rule->outside && program->inside))
		return false;
	for (size_t i = 0; i < rule->patterns_count; i++) {
		struct subject subject = look(matcher, program, &rule->patterns[i]);

		if (!subject.data)
			return false;
		matcher->subjects[i] = subject.data;
		if (pcre2_match(rule->patterns[i].code, (PCRE2_SPTR)subject.data, subject.length, 0, 0,
				matcher->found[i], matcher->context) < 0)
			return false;
	}
	return true;
}

static size_t append(char out[STEPS_NAME_MAX], size_t at, const char *data, size_t length)
{
	if (length > STEPS_NAME_MAX - 1 - at)
		length = STEPS_NAME_MAX - 1 - at;
	memcpy(out + at, data, length);
	return at + length;
}

static size_t append_group(const struct steps_matcher *matcher, const struct steps_part *part, char out[STEPS_NAME_MAX],
			   size_t at)
{
	const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(matcher->found[part->pattern]) + 2 * (size_t)part->group;

	if (ends[0] == PCRE2_UNSET || ends[1] < ends[0])
		return at; /* the group did not match */
	return append(out, at, matcher->subjects[part->pattern] + ends[0], ends[1] - ends[0]);
}

static size_t append_part(const struct steps_matcher *matcher, const struct steps_program *program,
			  const struct steps_part *part, char out[STEPS_NAME_MAX], size_t at)
{
	const char *name = part->text;
	char tool[STEPS_NAME_MAX];

	if (part->kind == STEPS_GROUP)
		return append_group(matcher, part, out, at);
	if (part->kind == STEPS_COMMAND)
		name = model_command__name(program->command, program->comm);
	if (part->kind == STEPS_TOOL) {
		steps_tool__name(program->command, program->comm, tool);
		name = tool;
	}
	return append(out, at, name, strlen(name));
}

/* Trims blanks, which empty captures leave at the ends. */
static void render(const struct steps_matcher *matcher, const struct steps_program *program,
		   const struct steps_template *template, char out[STEPS_NAME_MAX])
{
	size_t length = 0, first;

	for (size_t i = 0; i < template->count; i++)
		length = append_part(matcher, program, &template->parts[i], out, length);
	while (length && out[length - 1] == ' ')
		length--;
	out[length] = '\0';
	first = strspn(out, " ");
	memmove(out, out + first, length - first + 1);
}

size_t steps_matcher__next(struct steps_matcher *matcher, const struct steps_program *program, size_t from)
{
	const struct steps *steps = matcher->steps;
	struct names *const names[] = {program->log, steps->names}; /* the user's comes last */

	if (!from)
		memset(matcher->cache, 0, sizeof(matcher->cache));
	for (; from < steps->count; from++) {
		const struct steps_rule *rule = &steps->rules[from];

		if (!holds(matcher, rule, program))
			continue;
		render(matcher, program, &rule->step, matcher->step);
		render(matcher, program, &rule->id, matcher->id);
		render(matcher, program, &rule->tag, matcher->tag);
		matcher->rule = rule;
		for (int j = 0; j < 2 && !rule->engine; j++)
			if (names[j] && !strcmp(names[j]->set, rule->set))
				names__apply(names[j], program->command, matcher->id, matcher->step, matcher->tag);
		if (*matcher->step || rule->engine)
			break;
	}
	return from;
}

const char *steps_matcher__step(const struct steps_matcher *matcher)
{
	return matcher->step;
}

const char *steps_matcher__id(const struct steps_matcher *matcher)
{
	return matcher->id;
}

const char *steps_matcher__tag(const struct steps_matcher *matcher)
{
	return matcher->tag;
}

const char *steps_matcher__rules(const struct steps_matcher *matcher)
{
	return matcher->rule->set;
}

enum steps_engine steps_matcher__engine(const struct steps_matcher *matcher)
{
	return matcher->rule->engine;
}

/* ---- exits ---- */

static bool is_named(const struct steps_exit_rule *rule, const char *name)
{
	for (size_t i = 0; i < rule->commands_count; i++)
		if (!strcmp(rule->commands[i], name))
			return true;
	return !rule->commands_count;
}

/* Whether only what this program says went to /dev/null, not what its script says. */
static bool is_silenced(const struct steps_program *program)
{
	return program->command && program->command->silent && !(program->parent && program->parent->silent);
}

enum steps_exit steps_matcher__exit(struct steps_matcher *matcher, const struct steps_program *program, uint32_t status)
{
	const char *name = model_command__name(program->command, program->comm);

	memset(matcher->cache, 0, sizeof(matcher->cache));
	for (size_t i = 0; i < matcher->steps->exits_count; i++) {
		const struct steps_exit_rule *rule = &matcher->steps->exits[i];

		if (rule->is && rule->forked == program->forked && (rule->any_code || rule->codes[status & 255]) &&
		    (!rule->alone || program->alone) && (!rule->silent || is_silenced(program)) &&
		    (!rule->waited || !program->beside) && is_named(rule, name) && holds(matcher, &rule->rule, program))
			return rule->is;
	}
	return STEPS_FAILURE;
}

enum steps_exit steps_matcher__below(struct steps_matcher *matcher, const struct steps_program *program)
{
	const char *name = model_command__name(program->command, program->comm);

	memset(matcher->cache, 0, sizeof(matcher->cache));
	for (size_t i = 0; i < matcher->steps->exits_count; i++) {
		const struct steps_exit_rule *rule = &matcher->steps->exits[i];

		if (rule->below && (!rule->silent || is_silenced(program)) && is_named(rule, name) &&
		    holds(matcher, &rule->rule, program))
			return rule->below;
	}
	return STEPS_FAILURE;
}

/* ---- clients ---- */

struct steps_clients steps_matcher__clients(struct steps_matcher *matcher, const struct steps_program *program)
{
	const char *name = model_command__name(program->command, program->comm);
	struct steps_clients found = {0, 0};

	memset(matcher->cache, 0, sizeof(matcher->cache));
	for (uint32_t i = 0; i < matcher->steps->clients_count; i++) {
		const struct steps_client *client = &matcher->steps->clients[i];

		if (!found.client && is_named(&client->rule, name) && holds(matcher, &client->rule.rule, program))
			found.client = i + 1;
		if (!found.server && client->server.patterns_count && holds(matcher, &client->server, program))
			found.server = i + 1;
	}
	return found;
}

static bool is_like(const struct steps_exit_rule *rule, const char *path)
{
	const char *name = basename(path);

	for (size_t i = 0; i < rule->commands_count; i++) {
		size_t length = strlen(rule->commands[i]);

		if (!strncmp(name, rule->commands[i], length) && !isalpha((unsigned char)name[length]))
			return true;
	}
	return false;
}

#define CALLED_MAX 3 /* an interpreter, an option, and the script */

bool steps_matcher__client_like(const struct steps_matcher *matcher, uint32_t client,
				const struct model_command *command)
{
	const struct steps_exit_rule *rule = &matcher->steps->clients[client - 1].rule;
	const struct model_list *args = &command->args;
	bool like = is_like(rule, model_command__name(command, ""));

	for (size_t at = 0, i = 0; at < args->length && i < CALLED_MAX && !like; i++) {
		like = is_like(rule, args->data + at);
		at += strlen(args->data + at) + 1;
	}
	return like;
}

size_t steps_matcher__clients_count(const struct steps_matcher *matcher)
{
	return matcher->steps->clients_count;
}

bool steps_matcher__client_refused(const struct steps_matcher *matcher, uint32_t client, uint64_t code)
{
	return !EVENT_IS_NULL(code) && matcher->steps->clients[client - 1].rule.codes[code & 255];
}

bool steps_matcher__client_serves(const struct steps_matcher *matcher, uint32_t client)
{
	return matcher->steps->clients[client - 1].server.patterns_count;
}
