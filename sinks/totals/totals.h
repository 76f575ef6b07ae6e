/* SPDX-License-Identifier: BSD-2-Clause */
/* Sums over rows and tasks of the model, for all sinks that show them; the SQL of core/query and conf/queries uses
 * the same definitions:
 *
 * wall       of a program: from its start to its end; if it still runs, to the last record of the run, or until now if
 *            the run does too. The first program of a process starts with the process, later ones with their exec, so
 *            that the programs of a process cover its life without a gap, as their CPU does. Of a step: from the start
 *            of the first program to the end of the last one. Of a run: the same over all programs; from the first
 *            record if some processes are pre-existing.
 * CPU        of a program: what its process used since the last program that has a figure, including the time
 *            between fork and exec. Of a step, command or run: the sum. A null with reason "replaced" is not
 *            missing: a later program of the process has the time. A figure of a sample, because the account
 *            did not come (`cpu_partial`), is both a value and missing: the sum is a lower bound.
 * cores      CPU / the span in which it was used: of a program the model's cpu_span_ns; of a run its wall, and the
 *            kernel's work after the last exit; not known with pre-existing processes: they bring CPU time from before the run.
 * peak       of a program: what the kernel counted for it, else its largest sample, which is a lower bound. Of a
 *            step, command or run: that of its largest program. Memory held together is never called peak.
 * failed     programs in which a failure began: their outcome is failed, killed or oom, and they are not propagated. Of a
 *            step: tasks whose outcome is such.
 * propagated programs that failed because a child had: not in failed.
 * retried    programs that failed and were tried again with success, or a part of such: not in failed.
 * ignored    programs that failed as an answer, or in a task whose failure its engine ignored: not in failed.
 * muted      programs whose failure a rule of the user's mutes: not in failed.
 * hidden     failed programs that an ancestor hides by exiting 0.
 * suspected  hidden ones whose verdict is only that: not in failed, nor in hidden.
 * running    programs that had not ended at the last record, or now if the run is running.
 * processes  rows that are the last of their process.
 *
 * A program whose exit was lost has no wall: it adds neither to sums nor to the end of its run. */
#ifndef SINKS_TOTALS_TOTALS_H
#define SINKS_TOTALS_TOTALS_H

#include "core/base/base.h"
#include "sinks/model/losses.h"
#include "sinks/model/ending.h"

/* A sum that counts missing values. */
struct totals_sum {
	uint64_t value, known, missing;
};

/* The greatest value; some may be lower bounds. */
struct totals_peak {
	uint64_t bytes; /* null: none is known */
	uint8_t bound;
};

/* All programs of one name (forks without exec apart), or all tasks of one step. */
struct totals_group {
	struct hash_node node;
	void *user; /* the sink's */
	uint8_t forked;
	uint64_t count, failed, wall_max; /* wall_max: null if none is known */
	struct totals_sum cpu, wall, read, written;
	struct totals_peak peak;

	/* Of a step only. */
	uint64_t programs, processes, programs_failed, hidden;
	uint64_t together; /* most memory that a task held at once, as model_task__memory(); null: none is known */

	char name[];
};

struct totals_groups {
	struct hash hash; /* of groups; bounded: the rest is one group "(other)" */
};

enum totals_figure { TOTALS_CPU, TOTALS_WALL, TOTALS_PEAK, TOTALS_FIGURES };

struct totals_run {
	const struct model_run *run;
	uint64_t rows, processes, programs, failed, hidden, propagated, retried, ignored, muted, running, unknown;
	struct totals_sum cpu;
	struct totals_peak peak;
	uint64_t hugetlb_bytes;		       /* of the program with the most: a lower bound; in no peak */
	uint64_t began_ns, ended_ns;	       /* boot clock; null: none is known */
	uint64_t cpu_until_ns;		       /* the last end of a row's span of CPU */
	uint8_t preexisting;		       /* some processes are pre-existing */
	uint8_t ended;			       /* `root` and `end` are valid; their pointers are not */
	uint8_t timed_out;		       /* it was a timeout(1) that ended its command */
	struct model_row root;		       /* its first process's last row */
	struct model_row end;		       /* how it ended: model_run__end() */
	uint64_t missing[TOTALS_FIGURES][256]; /* rows, by reason */
	struct losses losses;
};

static inline struct totals_group *totals_group__of(struct hash_node *node)
{
	return (struct totals_group *)((char *)node - offsetof(struct totals_group, node));
}

void totals_run__init(struct totals_run *totals, const struct model_run *run);
uint64_t totals_run__wall(const struct totals_run *totals);

/* As in cicd.pipeline.result of OpenTelemetry: success, failure, error, timeout, cancellation; NULL: its end is not known. */
const char *totals_run__result(const struct totals_run *totals);

/* The run's name; of one without, its program's. */
const char *totals_run__name(const struct stream_info *info);

/* CPUs busy on average; 0: not known. */
double totals_run__cores(const struct totals_run *totals);

/* For the model's calls; each 0 or -ENOMEM. Without groups (NULL) only the run is summed up. */
int totals__row(struct totals_run *run, struct totals_groups *commands, const struct model_row *row);
int totals__task(struct totals_groups *steps, const struct model_task *task);
int totals__retried(struct totals_run *run, struct totals_groups *commands, const struct model_row *row);
int totals__ignored(struct totals_run *run, struct totals_groups *commands, const struct model_row *row);
int totals__hidden(struct totals_run *run, struct totals_groups *commands, struct totals_groups *steps,
		   const struct model_row *row, bool suspected);

void totals_groups__free(struct totals_groups *groups);

#endif
