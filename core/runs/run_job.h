/* SPDX-License-Identifier: BSD-2-Clause */
/* The batch job of a run by its first records, and how it ended. */
#ifndef CORE_RUNS_RUN_JOB_H
#define CORE_RUNS_RUN_JOB_H

#include <stdbool.h>

#include "core/record.h"
#include "core/stream.h"

#define RUN_TASKS_MAX 256 /* that a job has on one host; of more it is not known if all have ended */

/* By the environment that the record has, unless `job` is one already. */
void run_job__find(char job[STREAM_JOB_TEXT], const struct record *record);

/* Whether its process is a batch system's, whose children have the variables that it has not. */
bool run_job__is_starter(const struct record *record);

/* How the processes ended that one which only carries a job has started. */
struct run_tasks {
	uint32_t pid; /* that one's; 0: the run has none */
	uint64_t start;
	struct run_task {
		uint32_t pid;
		uint64_t start;
		bool ended;
	} seen[RUN_TASKS_MAX];
	uint32_t count;			       /* of `seen` */
	bool more;			       /* there was no room for one */
	uint64_t failed_ns, exit_code, signal; /* the first in time that did not end well; 0: none */
};

/* Begins with a record of the run's first process. */
void run_tasks__begin(struct run_tasks *tasks, const struct stream_run *run, const struct record *record);
void run_tasks__see(struct run_tasks *tasks, const struct record *record);

/* If that process exited 0, the run ended as they say: null: that is not known, where not all was read. `job`: it is known. */
void run_tasks__end(const struct run_tasks *tasks, bool whole, bool job, uint64_t *exit_code, uint64_t *signal);

#endif
