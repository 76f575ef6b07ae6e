/* SPDX-License-Identifier: BSD-2-Clause */
/* The batch job that an environment belongs to. */
#ifndef CORE_ACCOUNT_JOB_H
#define CORE_ACCOUNT_JOB_H

#define JOB_TEXT 160

/* "SYSTEM:ID" by the variables that the batch system sets, the same on all nodes of the job, with the cluster's name if there is
 * one: "slurm:CLUSTER:17". "": none, or not a plain one. */
void job__find(char job[JOB_TEXT], char *const *environment);

#endif
