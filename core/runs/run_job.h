/* SPDX-License-Identifier: BSD-2-Clause */
/* The batch job of a run by its first records. */
#ifndef CORE_RUNS_RUN_JOB_H
#define CORE_RUNS_RUN_JOB_H

#include <stdbool.h>

#include "core/record.h"
#include "core/stream.h"

/* By the environment that the record has, unless `job` is one already. */
void run_job__find(char job[STREAM_JOB_TEXT], const struct record *record);

/* Whether its process is a batch system's, whose children have the variables that it has not. */
bool run_job__is_starter(const struct record *record);

#endif
