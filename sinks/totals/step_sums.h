/* SPDX-License-Identifier: BSD-2-Clause */
/* Sums of one run by step, for sinks that send them as metrics. */
#ifndef SINKS_TOTALS_STEP_SUMS_H
#define SINKS_TOTALS_STEP_SUMS_H

#include "core/base/base.h"
#include "sinks/model/model.h"

#define STEP_SUMS_OTHER "other" /* the one of all steps beyond the limit */
#define STEP_SUMS_OUTCOMES (MODEL_RUNNING + 1)

/* All tasks of a step in one run. */
struct step_sum {
	struct hash_node node;
	uint64_t tasks, processes, failed;     /* processes: of those tasks; failed: tasks */
	uint64_t cpu_ns, wall_ns, peak_bytes;  /* null if none is known; peak: of the largest task */
	uint64_t outcomes[STEP_SUMS_OUTCOMES]; /* of the processes that were passed on */
	char name[];
};

static inline struct step_sum *step_sum__of(struct hash_node *node)
{
	return (struct step_sum *)((char *)node - offsetof(struct step_sum, node));
}

/* For the model's calls, with at most so many names; 0 or -ENOMEM. */
int step_sums__process(struct hash *sums, size_t most, const struct model_process *process);
int step_sums__task(struct hash *sums, size_t most, const struct model_task *task);

void step_sums__free(struct hash *sums); /* what it holds; it is empty then */

#endif
