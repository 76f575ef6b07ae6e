/* SPDX-License-Identifier: BSD-2-Clause */
/* What the summary keeps of one run while its rows go by: sums a command, the first of each kind of
 * failure, the few longest and largest. Bounded by distinct commands and failures, both capped. */
#ifndef SINKS_SUMMARY_TALLY_H
#define SINKS_SUMMARY_TALLY_H

#include "core/base/base.h"
#include "sinks/model/losses.h"
#include "sinks/model/model.h"

/* Sums of values of which some are missing. */
struct tally_sum {
	uint64_t value, known, missing;
};

/* The largest of values of which some are known by a lower bound only. */
struct tally_peak {
	uint64_t value, known;
	bool bound;
};

/* Rows of one command, known by its name, those that only forked apart from those that executed it; or
 * executions of one step. */
struct tally_command {
	struct hash_node node;
	bool forked;
	uint64_t runs, failed;
	struct tally_sum cpu, wall;
	struct tally_peak peak;
	char name[]; /* ended by a NUL */
};

struct tally_commands {
	struct hash hash;
	struct tally_command *other; /* those beyond the cap; in the hash too */
};

/* Rows of one command that ended in the same way; shown by the first. */
struct tally_failure {
	struct hash_node node;
	struct model_row row; /* its pointers to commands are not valid */
	uint64_t order, count, hidden;
	/* Safe to show. The step is NULL where it says no more than `shown`; by: who ended 0 all the same,
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

enum tally_missing { TALLY_CPU, TALLY_WALL, TALLY_PEAK, TALLY_MISSING };

struct tally {
	const struct model_run *run;
	uint64_t rows, processes, programs, failed, hidden, propagated, running, unknown;
	struct tally_sum cpu;
	bool older; /* some processes were there before: their CPU is from before too */
	bool ended; /* the root's last row is valid */
	struct model_row root;
	struct tally_top longest, largest, open;
	struct tally_commands commands, steps;
	bool composed; /* there is a step of more than one program */
	struct hash failures;
	uint64_t missing[TALLY_MISSING][256]; /* programs, by reason */
	struct losses losses;
};

static inline struct tally_command *tally_command__of(struct hash_node *node)
{
	return (struct tally_command *)((char *)node - offsetof(struct tally_command, node));
}

static inline struct tally_failure *tally_failure__of(struct hash_node *node)
{
	return (struct tally_failure *)((char *)node - offsetof(struct tally_failure, node));
}

struct tally *tally__new(const struct model_run *run, size_t top); /* NULL: out of memory */
int tally__row(struct tally *tally, const struct model_row *row);  /* 0 or -ENOMEM */
int tally__hidden(struct tally *tally, const struct model_row *row, uint32_t pid, const struct model_command *by);

int tally__task(struct tally *tally, const struct model_task *task);

void tally__free(struct tally *tally); /* takes NULL */

#endif
