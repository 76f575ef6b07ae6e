/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds the rules of steps by their name: ready-made sets, or a file. */
#include "sinks/steps/steps.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/config/config.h"
#include "sinks/steps/steps_names.h"

/* Bytes. */
#define RULES_MAX (1 << 20)
#define FILE_MAX (1L << 30) /* of a log */

#define EXITS "exits" /* the set that all have */

/* Keeps the first error: it names the place, and later ones often follow from it. */
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
	static const char *const keys[] = {"steps", "exits", "limits", "clients"};
	static void (*const readers[])(struct tree *, const struct tree_entry *, void *) = {
		steps_rule__read, steps_exit__read, steps_limit__read, steps_client__read};
	int key = tree__choose(tree, entry, "key", keys, sizeof(keys) / sizeof(*keys));

	if (key >= 0)
		tree__sequence(tree, entry->node, entry->key, readers[key], arg);
}

int steps__read(struct steps *steps, const char *set, const char *path, const void *text, size_t length,
		struct error *err)
{
	struct first_error first = {err, false};
	struct steps_reading reading = {steps, set};
	struct tree tree = {
		.path = path, .keys = "steps, exits, limits, clients", .error = keep_first, .error_arg = &first};
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

static bool is_set(const char *name)
{
	return find(name)->name || !strcmp(name, STEPS_DEFAULT) || !strcmp(name, "none");
}

static int tell_unknown(const char *what, struct error *err)
{
	struct nearest nearest = {.name = what};
	struct error sentence;
	error__set(&sentence, 0, "steps: \"%.200s\" is neither a file nor a ready-made set", what);

	nearest__offer(&nearest, "auto");
	nearest__offer(&nearest, "none");
	for (const struct steps_ready *ready = steps_ready; ready->name; ready++)
		nearest__offer(&nearest, ready->name);
	nearest__append(&nearest, &sentence);
	return error__set(err, -ENOENT, "%s", sentence.text);
}

/* All sets of steps, once. */
static int read_all(struct steps *steps, struct error *err)
{
	int rc = 0;

	for (const struct steps_ready *ready = steps_ready; !rc && !steps->all && ready->name; ready++)
		if (strcmp(ready->name, EXITS))
			rc = read_ready(steps, ready, err);
	steps->all = true;
	return rc;
}

/* Rules in YAML, or what an engine says of its jobs. Takes over `text`. */
static int read_text(struct steps *steps, const char *what, char *text, size_t length, struct error *err)
{
	int rc = names__read(text, length, &steps->names);

	if (rc)
		return error__set(err, rc, "%s: %s", what, strerror(-rc));
	if (steps->names)
		return read_all(steps, err);
	rc = length > RULES_MAX ? error__set(err, -EFBIG, "%s: %s", what, strerror(EFBIG))
				: steps__read(steps, what, what, text, length, err);
	free(text);
	return rc;
}

static int read_file(struct steps *steps, const char *what, int file, struct error *err)
{
	struct stat st;
	char *text;
	ssize_t n;
	int rc;

	if (fstat(file, &st))
		return error__set(err, -errno, "%s: %s", what, strerror(errno));
	if (st.st_size > FILE_MAX)
		return error__set(err, -EFBIG, "%s: %s", what, strerror(EFBIG));
	text = malloc(st.st_size + 1);
	n = text ? pread(file, text, st.st_size, 0) : -1;
	if (n < 0) {
		rc = error__set(err, -errno, "%s: %s", what, strerror(errno));
		free(text);
		return rc;
	}
	text[n] = '\0';
	return read_text(steps, what, text, n, err);
}

/* One of the names between commas. */
static int fill(struct steps *steps, const char *what, int file, struct error *err)
{
	const struct steps_ready *ready = find(what);
	struct error reason;
	char *text;
	size_t length;
	int rc;

	if (ready->name)
		return read_ready(steps, ready, err);
	if (!strcmp(what, "none"))
		return 0;
	if (!strcmp(what, STEPS_DEFAULT))
		return read_all(steps, err);
	if (file)
		return read_file(steps, what, file, err);
	if (!strchr(what, '/') && access(what, F_OK))
		return tell_unknown(what, err);
	rc = infile__read(what, FILE_MAX, &text, &length, &reason);
	return rc ? error__set(err, rc, "%s: %s", what, reason.text) : read_text(steps, what, text, length, err);
}

int steps__load(const char *what, struct steps **steps, struct error *err)
{
	return steps__load_file(what, 0, steps, err);
}

int steps__load_file(const char *what, int file, struct steps **steps, struct error *err)
{
	char *names = strdup(what), *left = names, *name;
	int rc = names ? 0 : -ENOMEM, files = 0;

	*steps = calloc(1, sizeof(**steps));
	if (!*steps || rc)
		rc = error__set(err, -ENOMEM, "out of memory");
	while (!rc && (name = strsep(&left, ","))) {
		files += !is_set(name);
		rc = files > 1 ? error__set(err, -EINVAL, "steps: \"%.200s\" has more than one file: write one", what)
			       : fill(*steps, name, file, err);
	}
	if (!rc)
		rc = read_ready(*steps, find(EXITS), err);
	free(names);
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
	for (size_t i = 0; i < steps->exits_count; i++)
		steps_exit__free(&steps->exits[i]);
	free(steps->rules);
	for (size_t i = 0; i < steps->limits_count; i++)
		steps_limit__free(&steps->limits[i]);
	for (size_t i = 0; i < steps->clients_count; i++)
		steps_client__free(&steps->clients[i]);
	free(steps->clients);
	free(steps->exits);
	free(steps->limits);
	names__free(steps->names);
	free(steps);
}
