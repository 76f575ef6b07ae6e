/* SPDX-License-Identifier: BSD-2-Clause */
/* What one run adds to the metrics of its host. */
#ifndef SINKS_PROMETHEUS_HOST_H
#define SINKS_PROMETHEUS_HOST_H

#include "sinks/model/model.h"
#include "sinks/prometheus/prometheus.h"
#include "sinks/totals/step_sums.h"
#include "sinks/totals/totals.h"

struct host_run {
	struct totals_run totals;
	struct hash steps; /* of struct step_sum; bounded */
	uint64_t lost;
	bool over;			    /* its streams have ended, and it does not run */
	bool counted;			    /* what came by then */
	bool judged;			    /* its verdicts are counted */
	bool before;			    /* it was counted by another merge */
	char marker[2 * STREAM_MARKER + 1]; /* the least of its streams' */
};

/* For the model's calls; 0 or -ENOMEM. */
int host_run__process(struct host_run *run, const struct model_process *process);
int host_run__task(struct host_run *run, const struct model_task *task);
void host_run__ended(struct host_run *run, const struct stream_info *info, const struct stream_state *stream);

/* Adds what the run has, if it is over and was not added before: 0, 1 if it was before, or -ENOMEM. */
int host_run__count(const struct host_run *run, struct metrics *metrics, uint64_t now);

/* That is safe: only what comes still, from processes whose account never came, is to be added. */
void host_run__counted(struct host_run *run);
void host_run__free(struct host_run *run); /* what it holds */

#endif
