/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds the job of an engine that a program is: by its id, by its folder, or by the paths that its shell line has. */
#include "sinks/steps/steps_names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CANDIDATES_MAX 32 /* jobs whose paths one line may have */
#define SHARED_MAX 64	  /* jobs that have a path; one of more says little of a line */

static const char separators[] = " \t\n'\"=<>|;&(),";

/* What a shell was given, without what Snakemake puts before it. */
struct line {
	const char *text;
	size_t length;
	bool strict; /* that was there */
	uint64_t hash;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct line line_of(const struct model_command *command)
{
	static const char strict[] = "set -euo pipefail;";
	struct line line = {.text = command->args.data, .length = command->args.length};

	for (int i = 0; i < 2 && line.length; i++) { /* sh -c */
		size_t word = strnlen(line.text, line.length) + 1;

		word = word < line.length ? word : line.length;
		line.text += word;
		line.length -= word;
	}
	line.length = strnlen(line.text, line.length);
	line.strict = line.length >= sizeof(strict) && !memcmp(line.text, strict, sizeof(strict) - 1);
	if (line.strict) {
		line.text += sizeof(strict) - 1;
		line.length -= sizeof(strict) - 1;
	}
	for (; line.length && is_blank(*line.text); line.text++)
		line.length--;
	while (line.length && is_blank(line.text[line.length - 1]))
		line.length--;
	line.hash = hash__bytes(0, line.text, line.length);
	return line;
}

/* A job has one line, which may be run again: a retry. */
static bool may_be(const struct names_job *job, const struct line *line)
{
	return !job->taken || (job->line && job->line == line->hash);
}

/* Of two jobs of one name, the one that is not taken. NULL: their names differ. */
static struct names_job *either(struct names_job *a, struct names_job *b)
{
	if (a && !names_job__same(a, b))
		return NULL;
	return a && !a->taken ? a : b;
}

/* ---- by the whole line ---- */

/* Whether the lines of the log from this key on are those of the shell. */
static bool is_whole(const struct names_key *key, const struct line *line)
{
	const char *at = key->text, *from = line->text, *end = line->text + line->length;

	while (from < end) {
		const char *next = memchr(from, '\n', end - from);
		size_t length = (next ? next : end) - from;

		if (at >= key->end || strncmp(at, from, length) || at[length + strspn(at + length, " \t")])
			return false;
		at += strlen(at) + 1;
		from += length + 1;
	}
	return true;
}

static struct names_job *find_by_line(const struct names *names, const struct line *line)
{
	const char *end = memchr(line->text, '\n', line->length);
	size_t length = end ? (size_t)(end - line->text) : line->length;
	struct names_job *found = NULL;

	for (struct names_key *key = NULL;
	     length && (key = names_key__next(names, key, NAMES_LINE, line->text, length));) {
		if (!may_be(key->job, line) || !is_whole(key, line))
			continue;
		found = either(found, key->job);
		if (!found)
			return NULL;
	}
	return found;
}

/* ---- by the paths of a line ---- */

struct candidates {
	struct names_job *jobs[CANDIDATES_MAX];
	size_t count;
	bool any;  /* it has a path of some job */
	bool many; /* more than there is room for */
};

static void add(struct candidates *candidates, struct names_job *job)
{
	for (size_t i = 0; i < candidates->count; i++)
		if (candidates->jobs[i] == job)
			return;
	if (candidates->count == CANDIDATES_MAX)
		candidates->many = true;
	else
		candidates->jobs[candidates->count++] = job;
}

static size_t count_of(const struct names_job *job, enum names_kind kind)
{
	return (kind == NAMES_OUTPUT ? job->output : kind == NAMES_LOG ? job->log : job->input).count;
}

/* A path of the line: counts it for the jobs that have it, once. Those of which the line has all are candidates. */
static void take_path(struct names *names, enum names_kind kind, const struct line *line, const char *text,
		      size_t length, struct candidates *candidates)
{
	size_t shared = 0;

	for (struct names_key *key = NULL;
	     (key = names_key__next(names, key, kind, text, length)) && shared++ < SHARED_MAX;) {
		struct names_job *job = key->job;

		candidates->any = true;
		if (key->lookup == names->lookups)
			continue;
		key->lookup = names->lookups;
		if (job->lookup != names->lookups)
			job->hits = 0;
		job->lookup = names->lookups;
		job->hits++;
		if (job->hits == count_of(job, kind) && may_be(job, line))
			add(candidates, job);
	}
}

static void take_line(struct names *names, enum names_kind kind, const struct line *line, struct candidates *candidates)
{
	const char *at = line->text, *end = at + line->length;

	names->lookups++;
	while (at < end) {
		size_t length = 0;

		while (at + length < end && !strchr(separators, at[length]))
			length++;
		if (length)
			take_path(names, kind, line, at, length, candidates);
		at += length + 1;
	}
}

/* Whether `job` reads what `before` makes: the line has the paths of both, and is that of `job`. */
static bool reads(const struct names_job *job, const struct names_job *before)
{
	const char *in = job->input.text, *input;
	size_t length, other;

	while ((input = names_paths__next(&job->input, &in, &length))) {
		const char *out = before->output.text, *output;

		while ((output = names_paths__next(&before->output, &out, &other)))
			if (length == other && !memcmp(input, output, length))
				return true;
	}
	return false;
}

static struct names_job *choose(const struct candidates *candidates)
{
	struct names_job *chosen = NULL;

	for (size_t i = 0; i < candidates->count && !candidates->many; i++) {
		struct names_job *job = candidates->jobs[i];
		bool before = false;

		for (size_t j = 0; j < candidates->count; j++)
			before |= j != i && reads(candidates->jobs[j], job);
		if (before)
			continue;
		chosen = either(chosen, job);
		if (!chosen)
			return NULL;
	}
	return chosen;
}

/* What it writes says most; its log is its own, too; a tool that makes up the names of what it writes has but what it reads. */
static struct names_job *find_by_paths(struct names *names, const struct line *line, bool *any)
{
	static const enum names_kind kinds[] = {NAMES_OUTPUT, NAMES_LOG, NAMES_INPUT};
	struct candidates candidates = {0};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds) && !candidates.count; i++)
		take_line(names, kinds[i], line, &candidates);
	*any = candidates.any;
	return choose(&candidates);
}

static const struct names_job *find_shell(struct names *names, const struct model_command *command, bool *sure)
{
	const struct line line = line_of(command);
	struct names_job *job = find_by_line(names, &line);
	bool any = false;

	*sure = true;
	if (!job)
		job = find_by_paths(names, &line, &any);
	if (!job)
		return any || !line.strict ? NULL : names_script__find_line(names, line.hash, sure);
	job->taken = true;
	job->line = line.hash;
	return job;
}

static void copy(char to[STEPS_NAME_MAX], const char *from)
{
	size_t length = strnlen(from, STEPS_NAME_MAX - 1);

	memcpy(to, from, length);
	to[length] = '\0';
}

static const struct names_job *find_job(struct names *names, const struct model_command *command, const char *id,
					bool *sure)
{
	const struct names_job *job = *id ? names__find(names, NAMES_ID, id, strlen(id)) : NULL;

	*sure = true;
	if (!job && command && command->cwd.data)
		job = names__find(names, NAMES_FOLDER, command->cwd.data, command->cwd.length);
	if (job || !command || !command->args.data)
		return job;
	return names_script__is(command) ? names_script__find(names, command, sure) : find_shell(names, command, sure);
}

void names__apply(struct names *names, const struct model_command *command, char id[STEPS_NAME_MAX],
		  char step[STEPS_NAME_MAX], char tag[STEPS_NAME_MAX])
{
	bool sure;
	const struct names_job *job = find_job(names, command, id, &sure);

	if (job || *id)
		names_script__has_other(names, job ? job->step : step);
	if (!job)
		return;
	copy(step, job->step);
	if (!sure)
		return;
	copy(tag, job->tag);
	if (!*id && snprintf(id, STEPS_NAME_MAX, "%s:%s", job->step, job->tag) >= STEPS_NAME_MAX)
		*id = '\0'; /* jobs whose ids are cut would be one */
}
