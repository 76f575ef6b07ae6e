/* SPDX-License-Identifier: BSD-2-Clause */
/* Jobs of an engine, and the keys by which they are found. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/steps/steps_names.h"

struct names_job *names__add(struct names *names)
{
	struct names_job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->tag = (char *)"";
	job->next = names->jobs;
	names->jobs = job;
	return job;
}

int names__add_key(struct names *names, struct names_job *job, enum names_kind kind, const char *text, size_t length)
{
	struct names_key *key = calloc(1, sizeof(*key));

	if (!key)
		return -ENOMEM;
	*key = (struct names_key){.job = job, .kind = kind, .text = text, .length = length, .end = names->end};
	if (!hash__add(&names->keys, &key->node, hash__bytes(kind, text, length)))
		return 0;
	free(key);
	return -ENOMEM;
}

int names__keep(struct names *names, char *text)
{
	struct names_text *kept = malloc(sizeof(*kept));

	if (!kept)
		return -ENOMEM;
	*kept = (struct names_text){.next = names->texts, .text = text};
	names->texts = kept;
	return 0;
}

void names__free(struct names *names)
{
	struct names_text *text;
	struct names_job *next;

	if (!names)
		return;
	hash__free_all(&names->keys, offsetof(struct names_key, node));
	for (struct names_job *job = names->jobs; job; job = next) {
		next = job->next;
		free(job);
	}
	while ((text = names->texts)) {
		names->texts = text->next;
		free(text->text);
		free(text);
	}
	free(names);
}

/* "p.txt (pipe)" */
static size_t without_note(const char *path, size_t length)
{
	const char *from = length && path[length - 1] == ')' ? memrchr(path, '(', length) : NULL;

	return from && from > path + 1 && from[-1] == ' ' ? (size_t)(from - 1 - path) : length;
}

const char *names_paths__next(const struct names_paths *paths, const char **at, size_t *length)
{
	const char *end = paths->text + paths->length, *path = *at, *comma;

	if (!path || path >= end)
		return NULL;
	comma = memmem(path, end - path, ", ", 2);
	*at = comma ? comma + 2 : end;
	*length = without_note(path, (comma ? comma : end) - path);
	return path;
}

struct names_key *names_key__next(const struct names *names, struct names_key *after, enum names_kind kind,
				  const char *text, size_t length)
{
	struct hash_node *node =
		after ? hash__next(&after->node) : hash__first(&names->keys, hash__bytes(kind, text, length));

	for (; node; node = hash__next(node)) {
		struct names_key *key = (struct names_key *)((char *)node - offsetof(struct names_key, node));

		if (key->kind == kind && key->length == length && !memcmp(key->text, text, length))
			return key;
	}
	return NULL;
}

struct names_job *names__first(const struct names *names, enum names_kind kind, const char *text, size_t length)
{
	struct names_key *key = names_key__next(names, NULL, kind, text, length);

	return key ? key->job : NULL;
}

bool names_job__same(const struct names_job *a, const struct names_job *b)
{
	return !strcmp(a->step, b->step) && !strcmp(a->tag, b->tag);
}

const struct names_job *names__find(const struct names *names, enum names_kind kind, const char *text, size_t length)
{
	struct names_key *key = names_key__next(names, NULL, kind, text, length);
	const struct names_job *job = key ? key->job : NULL;

	while (job && (key = names_key__next(names, key, kind, text, length)))
		if (!names_job__same(job, key->job))
			job = NULL;
	return job;
}
