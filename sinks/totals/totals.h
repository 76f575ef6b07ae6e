/* SPDX-License-Identifier: BSD-2-Clause */
/* Sums over rows and tasks of the model, for all sinks that show some; the SQL of core/query and conf/queries uses
 * the same definitions:
 *
 * wall       of a program: from its start to its end; to the last record of the run if it still runs. The first
 *            program of a process starts with the process, later ones with their exec, so that the programs of a
 *            process cover its life without a gap, as their CPU does. Of a step: from the start of the first program
 *            to the end of the last one. Of a run: the same over all programs; from the first record if some
 *            processes are older than the recording.
 * CPU        of a program: what its process used since the last program that has a figure, including the time
 *            between fork and exec. Of a step, command or run: the sum. A null with reason "replaced" is not
 *            missing: a later program of the process has the time.
 * cores      CPU / wall of a run; not known if processes are older: they bring CPU from before it.
 * peak       of a program: what the kernel counted for it, else its largest sample, which is a lower bound. Of a
 *            step, command or run: that of its largest program. Memory held together is never called peak.
 * failed     programs, or executions of a step, whose outcome is failed, killed or oom; propagated ones too.
 * hidden     failed programs, without propagated ones, of which an ancestor ended 0 all the same.
 * running    programs that had not ended at the last record.
 * processes  rows that are the last of their process.
 *
 * A program whose end was lost has no wall, and adds neither to a sum nor to the end of its run. */
#ifndef SINKS_TOTALS_TOTALS_H
#define SINKS_TOTALS_TOTALS_H

#include "core/base/base.h"
#include "sinks/model/losses.h"
#include "sinks/model/model.h"

/* Values of which some are missing. */
struct totals_sum {
	uint64_t value, known, missing;
};

/* The greatest of values of which some are only lower bounds. */
struct totals_peak {
	uint64_t bytes; /* null: none is known */
	uint8_t bound;
};

/* All programs of one name, those that only forked apart; or all executions of one step. */
struct totals_group {
	struct hash_node node;
	void *user; /* the sink's */
	uint8_t forked;
	uint64_t executions, failed, wall_max; /* wall_max: null if none is known */
	struct totals_sum cpu, wall, read, written;
	struct totals_peak peak;

	/* Of a step only. */
	uint64_t programs, processes, programs_failed, hidden;
	uint64_t together; /* most that an execution held at once, by its samples; null: none is known */

	char name[];
};

struct totals_groups {
	struct hash hash; /* of groups; bounded: the rest is one group called "(other)" */
};

enum totals_figure { TOTALS_CPU, TOTALS_WALL, TOTALS_PEAK, TOTALS_FIGURES };

struct totals_run {
	const struct model_run *run;
	uint64_t rows, processes, programs, failed, hidden, propagated, running, unknown;
	struct totals_sum cpu;
	struct totals_peak peak;
	uint64_t began_ns, ended_ns; /* boot clock; null: none is known */
	uint8_t older;		     /* some processes are older than the recording */
	uint8_t ended;		     /* `root` is valid: its last row, without its pointers */
	struct model_row root;
	uint64_t missing[TOTALS_FIGURES][256]; /* rows, by reason */
	struct losses losses;
};

static inline struct totals_group *totals_group__of(struct hash_node *node)
{
	return (struct totals_group *)((char *)node - offsetof(struct totals_group, node));
}

void totals_run__init(struct totals_run *totals, const struct model_run *run);
uint64_t totals_run__wall(const struct totals_run *totals);

/* CPUs that were busy on average; 0: not known. */
double totals_run__cores(const struct totals_run *totals);

/* As the model calls; each 0 or -ENOMEM. */
int totals__row(struct totals_run *run, struct totals_groups *commands, const struct model_row *row);
int totals__task(struct totals_groups *steps, const struct model_task *task);
int totals__hidden(struct totals_run *run, struct totals_groups *steps, const struct model_row *row);

void totals_groups__free(struct totals_groups *groups);

#endif
