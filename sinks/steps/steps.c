/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds the rules of steps by their name: ready-made sets, or a file. */
#include "sinks/steps/steps.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/config/config.h"
#include "sinks/steps/steps_rule.h"

/* Keeps the first error: it names the place, and the rest often follow from it. */
struct first_error {
	struct error *err;
	bool set;
};

static void keep_first(void *arg, const char *sentence)
{
	struct first_error *first = arg;

	if (!first->set)
		error__set(first->err, 0, "%s", sentence);
	first->set = true;
}

static void read_key(struct tree *tree, const struct tree_entry *entry, void *arg)
{
	static const char *const keys[] = {"steps"};

	if (!tree__choose(tree, entry, "key", keys, 1))
		tree__sequence(tree, entry->node, entry->key, steps_rule__read, arg);
}

int steps__read(struct steps *steps, const char *set, const char *path, const void *text, size_t length,
		struct error *err)
{
	struct first_error first = {err, false};
	struct steps_reading reading = {steps, set};
	struct tree tree = {.path = path, .keys = "steps", .error = keep_first, .error_arg = &first};
	int rc = text ? tree__load_memory(&tree, text, length) : tree__load(&tree);

	if (!rc)
		tree__mapping(&tree, tree__root(&tree), "", read_key, &reading);
	tree__free(&tree);
	return tree.errors ? -EINVAL : rc;
}

static int read_ready(struct steps *steps, const struct steps_ready *ready, struct error *err)
{
	char path[64];

	snprintf(path, sizeof(path), "steps/%s.yaml", ready->name);
	return steps__read(steps, ready->name, path, ready->text, strlen(ready->text), err);
}

static const struct steps_ready *find(const char *name)
{
	const struct steps_ready *ready = steps_ready;

	while (ready->name && strcmp(ready->name, name))
		ready++;
	return ready;
}

static int tell_unknown(const char *what, struct error *err)
{
	struct nearest nearest = {.name = what};
	struct error sentence;
	error__set(&sentence, 0, "steps: \"%.200s\" is neither a file nor ready-made", what);

	nearest__offer(&nearest, "auto");
	nearest__offer(&nearest, "none");
	for (const struct steps_ready *ready = steps_ready; ready->name; ready++)
		nearest__offer(&nearest, ready->name);
	nearest__append(&nearest, &sentence);
	return error__set(err, -ENOENT, "%s", sentence.text);
}

static int fill(struct steps *steps, const char *what, struct error *err)
{
	const struct steps_ready *ready = find(what);
	int rc = 0;

	if (ready->name)
		return read_ready(steps, ready, err);
	if (!strcmp(what, STEPS_DEFAULT)) {
		for (ready = steps_ready; !rc && ready->name; ready++)
			rc = read_ready(steps, ready, err);
		return rc;
	}
	if (!strchr(what, '/') && access(what, F_OK))
		return tell_unknown(what, err);
	return steps__read(steps, what, what, NULL, 0, err);
}

int steps__load(const char *what, struct steps **steps, struct error *err)
{
	int rc;

	*steps = NULL;
	if (!strcmp(what, "none"))
		return 0;
	*steps = calloc(1, sizeof(**steps));
	if (!*steps)
		return error__set(err, -ENOMEM, "out of memory");
	rc = fill(*steps, what, err);
	if (rc) {
		steps__free(*steps);
		*steps = NULL;
	}
	return rc;
}

size_t steps__count(const struct steps *steps)
{
	return steps->count;
}

void steps__free(struct steps *steps)
{
	if (!steps)
		return;
	for (size_t i = 0; i < steps->count; i++)
		steps_rule__free(&steps->rules[i]);
	free(steps->rules);
	free(steps);
}
