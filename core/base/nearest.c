/* SPDX-License-Identifier: BSD-2-Clause */
/* The nearest name by edit distance, for all messages about unknown names. */
#include "core/base/nearest.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define NEAREST_MAX 64 /* longer names are not compared */

static unsigned int min(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

static bool same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Insertions, deletions, replacements and swaps of adjacent characters that turn a into b, ignoring case. */
static unsigned int distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	unsigned int rows[3][NEAREST_MAX + 1];
	unsigned int *before = rows[0], *last = rows[1], *row = rows[2], *spare;
	size_t i, j;

	for (j = 0; j <= b_length; j++)
		last[j] = j;
	for (i = 1; i <= a_length; i++) {
		row[0] = i;
		for (j = 1; j <= b_length; j++) {
			row[j] = min(last[j], row[j - 1]) + 1;
			row[j] = min(row[j], last[j - 1] + !same(a[i - 1], b[j - 1]));
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
				row[j] = min(row[j], before[j - 2] + 1);
		}
		spare = before;
		before = last;
		last = row;
		row = spare;
	}
	return last[b_length];
}

static void remember(struct nearest *nearest, const char *candidate)
{
	size_t left = sizeof(nearest->known) - nearest->known_length;
	const char *comma = nearest->known_length ? ", " : "";
	int n;

	if (strlen(comma) + strlen(candidate) + sizeof(", ...") > left) {
		if (left > sizeof(", ...") && !strstr(nearest->known, ", ..."))
			strcpy(nearest->known + nearest->known_length, ", ...");
		return;
	}
	n = snprintf(nearest->known + nearest->known_length, left, "%s%s", comma, candidate);
	nearest->known_length += n;
}

void nearest__offer(struct nearest *nearest, const char *candidate)
{
	size_t length = strlen(nearest->name), candidate_length = strlen(candidate);
	unsigned int d;

	remember(nearest, candidate);
	if (length > NEAREST_MAX || candidate_length > NEAREST_MAX || !length)
		return;
	d = distance(nearest->name, length, candidate, candidate_length);
	if (d > (candidate_length + 2) / 3 || d >= candidate_length)
		return;
	if (!nearest->best || d < nearest->distance) {
		nearest->best = candidate;
		nearest->distance = d;
	}
}

void nearest__append(const struct nearest *nearest, struct error *err)
{
	if (nearest->best)
		error__append(err, ": did you mean \"%s\"?", nearest->best);
	else if (nearest->known[0])
		error__append(err, ": choose from %s", nearest->known);
	else
		error__append(err, ": there are none");
}
