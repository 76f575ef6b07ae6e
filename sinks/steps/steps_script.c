/* SPDX-License-Identifier: BSD-2-Clause */
/* Which job of Snakemake a script is: its file has a name of its own, but says nothing of the rule. It is one that the log
 * has announced and not yet finished, of a rule that is not known to have something else. A rule has one script at most.
 * Or which job a line is that has no path. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/steps/steps_names.h"

#define COPY 11 /* "tmp", eight letters: before the dot and the script's own name */

void names_script__announce(struct names *names, struct names_job *job)
{
	struct names_job **running = names->running;

	if (names->running_count == NAMES_RUNNING) { /* the oldest: its end was not logged */
		memmove(running, running + 1, (NAMES_RUNNING - 1) * sizeof(*running));
		names->running_count--;
	}
	running[names->running_count++] = job;
}

struct names_job *names_script__finish(struct names *names, const char *number)
{
	for (size_t i = names->running_count; i--;) {
		struct names_job *job = names->running[i];

		if (job->finished || !job->number || strcmp(job->number, number))
			continue;
		job->finished = true;
		if (!job->taken && job->rule->unnamed)
			job->rule->unnamed--;
		return job;
	}
	return NULL;
}

void names_script__settle(struct names *names)
{
	size_t count = names->running_count;

	names->running_count = 0;
	for (size_t i = 0; i < count; i++)
		if (!names->running[i]->finished)
			names->running[names->running_count++] = names->running[i];
}

void names_script__has_other(struct names *names, const char *rule)
{
	struct names_job *job = names__first(names, NAMES_RULE, rule, strlen(rule));

	if (job && !job->script)
		job->other = true;
}

/* The path of Snakemake's copy of a script, in the arguments. NULL: there is none. */
static const char *path_of(const struct model_command *command, size_t *length)
{
	static const char folder[] = "/.snakemake/scripts/tmp";
	const char *at = command->args.data, *end = at + command->args.length;
	const char *found = memmem(at, command->args.length, folder, sizeof(folder) - 1), *last = found;

	if (!found)
		return NULL;
	while (last < end && *last && !strchr(" '\"\n", *last))
		last++;
	found = (const char *)memrchr(found, '/', last - found) + 1;
	*length = last - found;
	return *length > COPY + 1 && found[COPY] == '.' ? found : NULL;
}

static bool is_named(const char *name, size_t length, const char *rule)
{
	size_t stem = strcspn(name, ".");

	return stem < length && strlen(rule) == stem && !memcmp(name, rule, stem);
}

/* Whether a job of this rule may be the script of this name. */
static bool may_be(const struct names_job *rule, const char *name)
{
	return !rule->other && (!rule->script || !strcmp(rule->script, name));
}

/* The jobs of one rule among those that run: how many, and the last one. */
struct found {
	struct names_job *rule, *job;
	size_t count;
	bool named, several; /* after its rule; of several rules */
};

static struct found find_running(const struct names *names, const char *name)
{
	struct found found = {0};

	for (size_t i = 0; i < names->running_count; i++) {
		struct names_job *job = names->running[i], *rule = job->rule;
		bool named = is_named(name, strlen(name), rule->step);

		if (job->taken || job->finished || !may_be(rule, name) || (found.named && !named))
			continue;
		if (named && !found.named)
			found = (struct found){.named = true};
		found.several |= found.rule && found.rule != rule;
		found.rule = rule;
		found.job = job;
		found.count++;
	}
	return found;
}

/* Keeps what it is found by again: another program of the job has the same path. 0 or -ENOMEM. */
static int keep(struct names *names, struct names_job *job, enum names_kind kind, const char *path, size_t length)
{
	char *copy = strndup(path, length);

	if (!copy || names__keep(names, copy)) {
		free(copy);
		return -ENOMEM;
	}
	if (!job->rule->script)
		job->rule->script = copy + COPY + 1;
	return names__add_key(names, job, kind, copy, length);
}

bool names_script__is(const struct model_command *command)
{
	size_t length;

	return path_of(command, &length);
}

const struct names_job *names_script__find(struct names *names, const struct model_command *command, bool *sure)
{
	size_t length = 0;
	const char *path = path_of(command, &length);
	const struct names_job *known = path ? names__first(names, NAMES_SCRIPT, path, length) : NULL;
	struct found found = {0};
	char name[STEPS_NAME_MAX];

	*sure = known;
	if (!path || known || length >= sizeof(name))
		return known;
	known = names__first(names, NAMES_SCRIPT_RULE, path, length);
	if (known)
		return known;
	memcpy(name, path + COPY + 1, length - COPY - 1);
	name[length - COPY - 1] = '\0';
	found = find_running(names, name);
	if (!found.rule || found.several || found.count <= found.rule->unnamed)
		return NULL;
	*sure = found.count == 1;
	found.job->taken = *sure;
	found.rule->unnamed += !*sure;
	if (keep(names, *sure ? found.job : found.rule, *sure ? NAMES_SCRIPT : NAMES_SCRIPT_RULE, path, length))
		return NULL;
	return *sure ? found.job : found.rule;
}

const struct names_job *names_script__find_line(struct names *names, uint64_t line, bool *sure)
{
	struct names_job *found = NULL;
	bool other = false;
	size_t count = 0;

	for (size_t i = 0; i < names->running_count; i++) {
		struct names_job *job = names->running[i];

		if (job->taken || job->said || job->rule->script)
			continue;
		if (!job->output.count) { /* as all, which has no line; but one that only checks its input has */
			other = true;
			continue;
		}
		if (found && found->rule != job->rule)
			return NULL;
		found = found ? found : job;
		count++;
	}
	if (other)
		return NULL;
	*sure = count == 1;
	if (found) {
		found->taken = true;
		found->line = line;
	}
	return found;
}
