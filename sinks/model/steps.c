/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds the rules of steps by their name: ready-made sets, or a file. */
#include "sinks/model/steps.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/config/config.h"
#include "sinks/model/steps_rule.h"

/* Keeps the first error: it names the place, and the rest often follow from it. */
struct telling {
	char *err;
	size_t size;
	bool told;
};

static void tell(void *arg, const char *sentence)
{
	struct telling *telling = arg;

	if (!telling->told)
		snprintf(telling->err, telling->size, "%s", sentence);
	telling->told = true;
}

static void read_key(struct tree *tree, const struct tree_entry *entry, void *arg)
{
	static const char *const keys[] = {"steps"};

	if (!tree__choose(tree, entry, "key", keys, 1))
		tree__sequence(tree, entry->node, entry->key, steps_rule__read, arg);
}

int steps__read(struct steps *steps, const char *set, const char *path, const void *text, size_t length, char *err,
		size_t size)
{
	struct telling telling = {err, size, false};
	struct steps_reading reading = {steps, set};
	struct tree tree = {.path = path, .keys = "steps", .error = tell, .error_arg = &telling};
	int rc = text ? tree__load_memory(&tree, text, length) : tree__load(&tree);

	if (!rc)
		tree__mapping(&tree, tree__root(&tree), "", read_key, &reading);
	tree__free(&tree);
	return tree.errors ? -EINVAL : rc;
}

static int read_ready(struct steps *steps, const struct steps_ready *ready, char *err, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "steps/%s.yaml", ready->name);
	return steps__read(steps, ready->name, path, ready->text, strlen(ready->text), err, size);
}

static const struct steps_ready *find(const char *name)
{
	const struct steps_ready *ready = steps_ready;

	while (ready->name && strcmp(ready->name, name))
		ready++;
	return ready;
}

static int tell_unknown(const char *what, char *err, size_t size)
{
	struct nearest nearest = {.name = what};
	char sentence[512];
	int n = snprintf(sentence, sizeof(sentence), "steps: \"%.200s\" is neither a file nor ready-made", what);

	nearest__offer(&nearest, "auto");
	nearest__offer(&nearest, "none");
	for (const struct steps_ready *ready = steps_ready; ready->name; ready++)
		nearest__offer(&nearest, ready->name);
	nearest__append(&nearest, sentence, sizeof(sentence), n);
	return fail_with(-ENOENT, err, size, "%s", sentence);
}

static int fill(struct steps *steps, const char *what, char *err, size_t size)
{
	const struct steps_ready *ready = find(what);
	int rc = 0;

	if (ready->name)
		return read_ready(steps, ready, err, size);
	if (!strcmp(what, STEPS_DEFAULT)) {
		for (ready = steps_ready; !rc && ready->name; ready++)
			rc = read_ready(steps, ready, err, size);
		return rc;
	}
	if (!strchr(what, '/') && access(what, F_OK))
		return tell_unknown(what, err, size);
	return steps__read(steps, what, what, NULL, 0, err, size);
}

int steps__load(const char *what, struct steps **steps, char *err, size_t size)
{
	int rc;

	*steps = NULL;
	if (!strcmp(what, "none"))
		return 0;
	*steps = calloc(1, sizeof(**steps));
	if (!*steps)
		return fail_with(-ENOMEM, err, size, "out of memory");
	rc = fill(*steps, what, err, size);
	if (rc) {
		steps__free(*steps);
		*steps = NULL;
	}
	return rc;
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
