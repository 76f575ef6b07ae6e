/* SPDX-License-Identifier: BSD-2-Clause */
/* What the summary keeps of one run while its rows go by: totals, the first of each kind of failure, the few
 * longest and largest. Bounded by distinct commands and failures, both capped. */
#ifndef SINKS_SUMMARY_TALLY_H
#define SINKS_SUMMARY_TALLY_H

#include "core/base/base.h"
#include "sinks/totals/totals.h"

/* Rows of one command that ended in the same way; shown by the first. */
struct tally_failure {
	struct hash_node node;
	struct model_row row; /* its pointers to commands are not valid */
	uint64_t order, count, hidden;
	/* Safe to show. The step is NULL where it says no more than `shown`; by: the process that exited 0 all the same,
	 * unless the parent. */
	char *shown, *step, *parent, *by;
	char name[];
};

/* One row among the longest, the largest, or those still running. */
struct tally_row {
	uint64_t key;
	uint32_t pid;
	uint64_t wall_ns, cpu_ns, peak_bytes;
	bool bound; /* peak_bytes is a lower one */
	char *shown;
};

struct tally_top {
	size_t count, size;
	struct tally_row *rows; /* the greatest key first */
};

struct tally {
	struct totals_run run;
	struct totals_groups commands, steps;
	struct tally_top longest, largest, open;
	struct hash failures;
};

static inline struct tally_failure *tally_failure__of(struct hash_node *node)
{
	return (struct tally_failure *)((char *)node - offsetof(struct tally_failure, node));
}

struct tally *tally__new(const struct model_run *run, size_t top); /* NULL: out of memory */
int tally__row(struct tally *tally, const struct model_row *row);  /* 0 or -ENOMEM */
int tally__hidden(struct tally *tally, const struct model_row *row, uint32_t pid, const struct model_command *by);

void tally__free(struct tally *tally); /* takes NULL */

#endif
