/* SPDX-License-Identifier: BSD-2-Clause */
/* Keeps rows in a file, sorts their keys. */
#include "sinks/tables/sorted.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_STEP UINT32_MAX /* sorted last, as SQL does with nulls */

/* A step's name; keys have its number, until they get its rank. */
struct step {
	struct hash_node node;
	uint32_t number;
	char name[];
};

int sorted__open(struct sorted *sorted, int folder, size_t tables)
{
	char name[32];
	int err = 0;

	sorted->rows.fd = -1;
	sorted->keys = calloc(tables, sizeof(*sorted->keys));
	if (!sorted->keys)
		return -ENOMEM;
	sorted->tables = tables;
	for (size_t i = 0; i < tables; i++)
		sorted->keys[i].fd = -1;
	for (size_t i = 0; i < tables && !err; i++) {
		snprintf(name, sizeof(name), ".keys-%zu", i);
		err = spool__open(&sorted->keys[i], folder, name);
	}
	return err ? err : spool__open(&sorted->rows, folder, ".rows");
}

void sorted__free(struct sorted *sorted)
{
	spool__free(&sorted->rows);
	for (size_t i = 0; i < sorted->tables; i++)
		spool__free(&sorted->keys[i]);
	free(sorted->keys);
	hash__free_all(&sorted->steps, offsetof(struct step, node));
}

int sorted__part(struct sorted *sorted, const struct notes *notes, const struct buffer *values, uint64_t *at)
{
	static const char zeros[8];
	struct part part = {values->size, notes->count};
	int err;

	*at = sorted->rows.size;
	err = spool__put(&sorted->rows, &part, sizeof(part));
	if (!err)
		err = spool__put(&sorted->rows, notes->list, notes->count * sizeof(*notes->list));
	if (!err)
		err = spool__put(&sorted->rows, values->data, values->size);
	return err ? err : spool__put(&sorted->rows, zeros, -sorted->rows.size % sizeof(zeros));
}

static struct step *step_of(struct hash_node *node)
{
	return (struct step *)((char *)node - offsetof(struct step, node));
}

/* NULL: out of memory. */
static const struct step *intern(struct sorted *sorted, const char *name)
{
	uint64_t key = hash__bytes(0, name, strlen(name));
	struct hash_node *node = hash__first(&sorted->steps, key);
	struct step *step;

	for (; node; node = hash__next(node))
		if (!strcmp(step_of(node)->name, name))
			return step_of(node);
	step = calloc(1, sizeof(*step) + strlen(name) + 1);
	if (!step)
		return NULL;
	step->number = sorted->steps.count;
	strcpy(step->name, name);
	if (!hash__add(&sorted->steps, &step->node, key))
		return step;
	free(step);
	return NULL;
}

int sorted__add(struct sorted *sorted, size_t table, struct sort_key *key, const char *name)
{
	const struct step *step = name ? intern(sorted, name) : NULL;

	if (name && !step)
		return -ENOMEM;
	key->step = step ? step->number : NO_STEP;
	return spool__put(&sorted->keys[table], key, sizeof(*key));
}

/* ---- order ---- */

static int by_name(const void *a, const void *b)
{
	return strcmp(step_of(*(struct hash_node *const *)a)->name, step_of(*(struct hash_node *const *)b)->name);
}

/* The rank of each step, by its number. NULL: out of memory. */
static uint32_t *rank(const struct sorted *sorted)
{
	struct hash_node **nodes = hash__sorted(&sorted->steps, by_name);
	uint32_t *ranks = calloc(sorted->steps.count + 1, sizeof(*ranks));

	for (size_t i = 0; nodes && ranks && i < sorted->steps.count; i++)
		ranks[step_of(nodes[i])->number] = i;
	if (!nodes) {
		free(ranks);
		return NULL;
	}
	free(nodes);
	return ranks;
}

static int compare_runs(const struct model *model, uint32_t a, uint32_t b)
{
	const char *name_a = model__run(model, a)->info->run.name, *name_b = model__run(model, b)->info->run.name;

	return a == b ? 0 : strcmp(name_a ? name_a : "", name_b ? name_b : "");
}

#define BY(member)                  \
	if (a->member != b->member) \
	return a->member < b->member ? -1 : 1

static int compare(const void *x, const void *y, void *model)
{
	const struct sort_key *a = x, *b = y;
	int pipelines = compare_runs(model, a->run, b->run);

	if (pipelines)
		return pipelines;
	BY(step);
	BY(began);
	BY(run);
	BY(start);
	BY(pid);
	BY(exec);
	return 0;
}

int sorted__sort(struct sorted *sorted, const struct model *model)
{
	uint32_t *ranks = rank(sorted);
	int err = ranks ? spool__map(&sorted->rows) : -ENOMEM;

	for (size_t i = 0; i < sorted->tables && !err; i++) {
		struct sort_key *keys;
		size_t count;

		err = spool__map(&sorted->keys[i]);
		keys = sorted->keys[i].map;
		count = sorted__count(sorted, i);
		for (size_t row = 0; row < count; row++)
			if (keys[row].step != NO_STEP)
				keys[row].step = ranks[keys[row].step];
		if (count)
			qsort_r(keys, count, sizeof(*keys), compare, (void *)model);
		spool__forget(&sorted->keys[i]);
	}
	free(ranks);
	return err;
}

size_t sorted__count(const struct sorted *sorted, size_t table)
{
	return sorted->keys[table].map ? sorted->keys[table].size / sizeof(struct sort_key) : 0;
}

const struct sort_key *sorted__row(const struct sorted *sorted, size_t table, size_t i)
{
	return (const struct sort_key *)sorted->keys[table].map + i;
}

const struct part *sorted__part_of(const struct sorted *sorted, const struct sort_key *key, int i)
{
	return (const void *)((const char *)sorted->rows.map + key->parts[i]);
}

void sorted__forget(const struct sorted *sorted)
{
	spool__forget(&sorted->rows);
	for (size_t i = 0; i < sorted->tables; i++)
		spool__forget(&sorted->keys[i]);
}
