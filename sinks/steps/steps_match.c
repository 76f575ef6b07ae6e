/* SPDX-License-Identifier: BSD-2-Clause */
/* Holds rules of steps against a program. What it reads is untrusted: only the beginning of
 * a text is looked at, and a search that takes too many steps counts as no match. */
#include "sinks/steps/steps_rule.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MATCH_LIMIT 20000 /* steps of one search */
#define HEAP_LIMIT 1024	  /* KiB */

struct subject {
	const char *data; /* NULL: there is none */
	size_t length;
	bool ready;
};

struct steps_matcher {
	const struct steps *steps;
	pcre2_match_context *context;
	pcre2_match_data **found; /* by the pattern's place in its rule */
	size_t found_count;
	const char **subjects; /* the text that was searched, by rule too */
	struct subject cache[STEPS_SUBJECTS];
	char joined[2][STEPS_TEXT_MAX]; /* arguments of the parent and of the program */
	char file[STEPS_TEXT_MAX];
	char step[STEPS_NAME_MAX], id[STEPS_NAME_MAX];
	const char *rules;
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

/* Room for the captures of the most demanding rule. */
static bool make_found(struct steps_matcher *matcher)
{
	const struct steps *steps = matcher->steps;
	uint32_t groups = 0;

	for (size_t i = 0; i < steps->count; i++) {
		const struct steps_rule *rule = &steps->rules[i];

		if (rule->patterns_count > matcher->found_count)
			matcher->found_count = rule->patterns_count;
		for (size_t j = 0; j < rule->patterns_count; j++)
			groups = rule->patterns[j].groups > groups ? rule->patterns[j].groups : groups;
	}
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

/* ---- what is looked at ---- */

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

static struct subject of_env(const struct model_list *env, const char *variable)
{
	size_t length = strlen(variable);
	const char *item = env->data;

	for (uint32_t i = 0; i < env->count; i++, item += strlen(item) + 1)
		if (!strncmp(item, variable, length) && item[length] == '=')
			return (struct subject){item + length + 1, strlen(item + length + 1), true};
	return (struct subject){.ready = true};
}

/* What a file of the working directory begins with, if it is there still. That folder is untrusted: no link
 * is followed to a file elsewhere, nothing is waited for. */
static struct subject of_file(const struct model_text *cwd, const char *name, char text[STEPS_TEXT_MAX])
{
	struct subject subject = {.ready = true};
	int folder = cwd->data ? open(cwd->data, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	int fd = folder < 0 ? -1 : openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat stat;
	ssize_t n = -1;

	if (fd >= 0 && !fstat(fd, &stat) && S_ISREG(stat.st_mode))
		n = read(fd, text, STEPS_TEXT_MAX);
	if (n >= 0) {
		subject.data = text;
		subject.length = (size_t)n;
	}
	if (fd >= 0)
		close(fd);
	if (folder >= 0)
		close(folder);
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
		return of_env(&command->env, pattern->name);
	if (pattern->subject == STEPS_FILE)
		return of_file(&command->cwd, pattern->name, matcher->file);
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
		return at; /* it took no part */
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

/* Without the blanks that a group which captured nothing leaves at the ends. */
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

	if (!from)
		memset(matcher->cache, 0, sizeof(matcher->cache));
	for (; from < steps->count; from++) {
		const struct steps_rule *rule = &steps->rules[from];

		if (!holds(matcher, rule, program))
			continue;
		render(matcher, program, &rule->step, matcher->step);
		render(matcher, program, &rule->id, matcher->id);
		matcher->rules = rule->set;
		if (*matcher->step)
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

const char *steps_matcher__rules(const struct steps_matcher *matcher)
{
	return matcher->rules;
}
