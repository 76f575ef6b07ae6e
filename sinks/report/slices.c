/* SPDX-License-Identifier: BSD-2-Clause */
/* CPU and memory over time, by name. */
#include "sinks/report/slices.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SLICE_NS 10000
#define NAMES_MAX 10000

struct series_name {
	struct hash_node node;
	struct intern_string *text;
	struct series *series; /* NULL: in the series of the others */
	double weight;	       /* while in the series of the others */
};

static struct series_name *name_of(struct hash_node *node)
{
	return (struct series_name *)((char *)node - offsetof(struct series_name, node));
}

/* CPU and memory have no common unit: one core second weighs as much as one GiB second. */
static double weight_of(enum series_what what, double amount)
{
	return what == SERIES_CPU ? amount / 1e9 : amount / (1 << 30);
}

static double series__weight(const struct series *series)
{
	return weight_of(SERIES_CPU, series->total[SERIES_CPU]) +
	       weight_of(SERIES_MEMORY, series->total[SERIES_MEMORY]);
}

/* ---- slices ---- */

void slices__merge_pairs(float *slices, size_t count)
{
	for (size_t i = 0; i < count / 2; i++)
		slices[i] = slices[2 * i] + slices[2 * i + 1];
	memset(slices + count / 2, 0, count / 2 * sizeof(*slices));
}

static void reach(struct series_set *set, uint64_t until)
{
	while (until / set->slice_ns >= SERIES_SLICES) {
		for (size_t i = 0; i < set->count; i++)
			for (int what = 0; what < SERIES_WHATS; what++)
				slices__merge_pairs(set->all[i]->slices[what], SERIES_SLICES);
		set->slice_ns *= 2;
	}
}

/* By numbers of slices: times of forged records may be the greatest there are. */
void slices__spread(float *slices, uint64_t slice_ns, uint64_t from, uint64_t until, double rate)
{
	if (from >= until)
		return;
	for (uint64_t i = from / slice_ns; i <= (until - 1) / slice_ns; i++) {
		uint64_t begin = i * slice_ns, end = until - begin > slice_ns ? begin + slice_ns : until;

		begin = begin < from ? from : begin;
		slices[i] += (float)(rate * (double)(end - begin));
	}
}

/* ---- which names have a series ---- */

static struct series *new_series(struct series_set *set, struct series_name *owner)
{
	struct series *series = calloc(1, sizeof(*series));

	if (!series)
		return NULL;
	series->owner = owner;
	set->all[set->count++] = series;
	return series;
}

/* Among the series that have a name. */
static struct series *smallest(const struct series_set *set)
{
	struct series *least = set->all[1];

	for (size_t i = 2; i < set->count; i++)
		if (series__weight(set->all[i]) < series__weight(least))
			least = set->all[i];
	return least;
}

static void give_to_others(struct series_set *set, struct series *series)
{
	struct series *others = set->all[0];

	for (int what = 0; what < SERIES_WHATS; what++) {
		for (size_t i = 0; i < SERIES_SLICES; i++)
			others->slices[what][i] += series->slices[what][i];
		others->total[what] += series->total[what];
	}
	memset(series->slices, 0, sizeof(series->slices));
	memset(series->total, 0, sizeof(series->total));
	series->owner->series = NULL;
	series->owner->weight = 0;
}

/* Once all series are in use, a name needs twice the smallest one's weight to replace it, or names of equal weight
 * would alternate. A new name is tried at once. */
static void try_series(struct series_set *set, struct series_name *name, bool new)
{
	struct series *series;

	if (set->count <= SERIES_MAX) {
		name->series = new_series(set, name);
		return;
	}
	series = smallest(set);
	if (!new && name->weight < 2 * series__weight(series))
		return;
	give_to_others(set, series);
	series->owner = name;
	name->series = series;
}

static struct series_name *new_name(struct series_set *set, struct intern_string *text, uint64_t key)
{
	struct series_name *name = calloc(1, sizeof(*name));

	if (!name || hash__add(&set->names, &name->node, key)) {
		free(name);
		intern__put(set->strings, text);
		return NULL;
	}
	name->text = text;
	try_series(set, name, true);
	return name;
}

/* NULL with *err 0: no series left, use that of the others. */
static struct series_name *find_name(struct series_set *set, const char *string, int *err)
{
	struct intern_string *text = intern__get(set->strings, string, strlen(string));
	struct series_name *name = NULL;
	struct hash_node *node;
	uint64_t key;

	if (!text) {
		*err = -ENOMEM;
		return NULL;
	}
	key = (uintptr_t)text;
	key = hash__number(0, key);
	for (node = hash__first(&set->names, key); node; node = hash__next(node)) {
		name = name_of(node);
		if (name->text == text) {
			intern__put(set->strings, text);
			return name;
		}
	}
	if (set->names.count >= NAMES_MAX) {
		intern__put(set->strings, text);
		return NULL;
	}
	name = new_name(set, text, key);
	*err = name ? 0 : -ENOMEM;
	return name;
}

int series__add(struct series_set *set, const char *string, enum series_what what, uint64_t from, uint64_t until,
		uint64_t amount)
{
	struct series_name *name;
	struct series *series;
	double seconds = (double)(until - from) / 1e9, all;
	int err = 0;

	if (!set->slice_ns) {
		set->slice_ns = FIRST_SLICE_NS;
		if (!new_series(set, NULL))
			return -ENOMEM;
	}
	if (what == SERIES_CPU && until == from)
		until = from + 1; /* all in one slice */
	if (until <= from)
		return 0;
	reach(set, until);
	name = find_name(set, string, &err);
	if (err)
		return err;
	all = what == SERIES_CPU ? (double)amount : (double)amount * seconds;
	if (name && !name->series) {
		name->weight += weight_of(what, all);
		try_series(set, name, false);
	}
	series = name && name->series ? name->series : set->all[0];
	series->total[what] += all;
	set->total[what] += all;
	slices__spread(series->slices[what], set->slice_ns, from, until, all / (double)(until - from));
	return 0;
}

/* ---- the end ---- */

static int descending(const void *a, const void *b)
{
	const struct series *x = *(struct series *const *)a, *y = *(struct series *const *)b;
	double p = series__weight(x), q = series__weight(y);

	return (p < q) - (p > q);
}

size_t series__greatest(struct series_set *set, size_t most)
{
	struct series *others = set->all[0];

	if (!set->count)
		return 0;
	qsort(set->all + 1, set->count - 1, sizeof(struct series *), descending);
	for (; set->count > most + 1; set->count--) {
		give_to_others(set, set->all[set->count - 1]);
		free(set->all[set->count - 1]);
	}
	memmove(set->all, set->all + 1, (set->count - 1) * sizeof(struct series *));
	set->all[set->count - 1] = others;
	return set->count;
}

const struct intern_string *series__name(const struct series *series)
{
	return series->owner ? series->owner->text : NULL;
}

void series__free(struct series_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		free(set->all[i]);
	hash__free_all(&set->names, offsetof(struct series_name, node));
}
