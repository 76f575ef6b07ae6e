/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows of the model's tables, which wait on disk until all have come: they are sorted, and some of their values are
 * known only then. */
#ifndef SINKS_TABLES_SORTED_H
#define SINKS_TABLES_SORTED_H

#include "core/base/base.h"
#include "sinks/model/model.h"
#include "sinks/tables/column.h"
#include "sinks/tables/spool.h"

/* Values of some columns of a row, and notes for them. Rows may share one. */
struct part {
	uint32_t size, notes;
	/* then the notes, whose text is static, and the values */
};

/* Where a row is, and where it goes: by pipeline, step, began and the rest. */
struct sort_key {
	int64_t began;
	uint64_t start;
	uint64_t parts[2]; /* offsets in `rows` */
	uint32_t run, step, pid, exec;
};

struct sorted {
	struct spool rows;
	struct spool *keys; /* a list for each table */
	size_t tables;
	struct hash steps;
};

/* Keeps its files, which have no names, in the folder. 0 or -errno; call sorted__free() in any case. */
int sorted__open(struct sorted *sorted, int folder, size_t tables);
void sorted__free(struct sorted *sorted);

/* Keeps a part; *at: where. 0 or -errno. */
int sorted__part(struct sorted *sorted, const struct notes *notes, const struct buffer *values, uint64_t *at);

/* Keeps a row of a table. `step` may be NULL; key->step is set. 0 or -errno. */
int sorted__add(struct sorted *sorted, size_t table, struct sort_key *key, const char *step);

/* When all are there. 0 or -errno. */
int sorted__sort(struct sorted *sorted, const struct model *model);
size_t sorted__count(const struct sorted *sorted, size_t table);
const struct sort_key *sorted__row(const struct sorted *sorted, size_t table, size_t i);
const struct part *sorted__part_of(const struct sorted *sorted, const struct sort_key *key, int i);

/* Lets the kernel take back what was read. */
void sorted__forget(const struct sorted *sorted);

#endif
