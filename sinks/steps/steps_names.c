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

/* ---- by the paths of a line ---- */

struct candidates {
	const struct names_job *jobs[CANDIDATES_MAX];
	size_t count;
	bool many; /* more than there is room for */
};

static void add(struct candidates *candidates, const struct names_job *job)
{
	for (size_t i = 0; i < candidates->count; i++)
		if (candidates->jobs[i] == job)
			return;
	if (candidates->count == CANDIDATES_MAX)
		candidates->many = true;
	else
		candidates->jobs[candidates->count++] = job;
}

/* A path of the line: counts it for the jobs that have it, once. Those of which the line has all are candidates. */
static void take_path(struct names *names, enum names_kind kind, const char *text, size_t length,
		      struct candidates *candidates)
{
	size_t shared = 0;

	for (struct names_key *key = NULL;
	     (key = names_key__next(names, key, kind, text, length)) && shared++ < SHARED_MAX;) {
		struct names_job *job = key->job;

		if (key->lookup == names->lookups)
			continue;
		key->lookup = names->lookups;
		if (job->lookup != names->lookups)
			job->hits = 0;
		job->lookup = names->lookups;
		job->hits++;
		if (job->hits == (kind == NAMES_OUTPUT ? job->output.count : job->input.count))
			add(candidates, job);
	}
}

static void take_line(struct names *names, enum names_kind kind, const struct model_command *command,
		      struct candidates *candidates)
{
	const char *at = command->args.data, *end = at + command->args.length;

	names->lookups++;
	while (at < end) {
		size_t length = 0;

		while (at + length < end && at[length] && !strchr(separators, at[length]))
			length++;
		if (length)
			take_path(names, kind, at, length, candidates);
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

static const struct names_job *choose(const struct candidates *candidates)
{
	const struct names_job *chosen = NULL;

	for (size_t i = 0; i < candidates->count && !candidates->many; i++) {
		const struct names_job *job = candidates->jobs[i];
		bool before = false;

		for (size_t j = 0; j < candidates->count; j++)
			before |= j != i && reads(candidates->jobs[j], job);
		if (before)
			continue;
		if (chosen && !names_job__same(chosen, job))
			return NULL;
		chosen = job;
	}
	return chosen;
}

static const struct names_job *find_by_paths(struct names *names, const struct model_command *command)
{
	struct candidates candidates = {0};

	take_line(names, NAMES_OUTPUT, command, &candidates);
	if (!candidates.count) /* a tool that makes up the names of what it writes */
		take_line(names, NAMES_INPUT, command, &candidates);
	return choose(&candidates);
}

/* The line that a shell was given, without what Snakemake puts before it. */
static const struct names_job *find_by_line(const struct names *names, const struct model_command *command)
{
	static const char strict[] = "set -euo pipefail;";
	const char *line = command->args.data;
	size_t length = command->args.length;

	for (int i = 0; i < 2 && length; i++) { /* sh -c */
		size_t word = strnlen(line, length) + 1;

		word = word < length ? word : length;
		line += word;
		length -= word;
	}
	length = strnlen(line, length);
	if (length >= sizeof(strict) && !memcmp(line, strict, sizeof(strict) - 1)) {
		line += sizeof(strict) - 1;
		length -= sizeof(strict) - 1;
	}
	while (length && *line == ' ') {
		line++;
		length--;
	}
	return names__find(names, NAMES_LINE, line, length);
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
	job = names_script__find(names, command, sure);
	if (job)
		return job;
	*sure = true;
	job = find_by_line(names, command);
	return job ? job : find_by_paths(names, command);
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
