/* SPDX-License-Identifier: BSD-2-Clause */
/* A trace file that Nextflow wrote (-with-trace): its tasks by their hash, which is also the id made by the
 * ready-made rules of steps. */
#ifndef SINKS_STEPS_NEXTFLOW_H
#define SINKS_STEPS_NEXTFLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"
#include "core/base/base.h"

struct nextflow_task {
	struct hash_node node;
	bool used;	      /* for the user of the lookup */
	const char *values[]; /* of all columns, NULL where Nextflow wrote "-" or nothing */
};

struct nextflow {
	size_t columns_count, tasks_count;
	const char **columns;
	struct nextflow_task **tasks; /* in the file's order */
	struct hash by_hash;
	size_t hash; /* the column */
	char *text;  /* the file: all strings point into it */
};

/* Reads the file `file`, a descriptor, or if that is 0 the one at `path`. 0; -EINVAL with a sentence in `err`; another -errno
 * with one. */
int nextflow__load(struct nextflow **nextflow, const char *path, int file, struct error *err);
struct nextflow_task *nextflow__find(const struct nextflow *nextflow, const char *hash); /* NULL: none */

/* NULL: no such column, or no value. */
const char *nextflow__value(const struct nextflow *nextflow, const struct nextflow_task *task, const char *column);
void nextflow__free(struct nextflow *nextflow); /* takes NULL */

#endif
