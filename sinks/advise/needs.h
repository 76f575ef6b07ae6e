/* SPDX-License-Identifier: BSD-2-Clause */
/* What steps and their commands asked for and used, over all their executions. */
#ifndef SINKS_ADVISE_NEEDS_H
#define SINKS_ADVISE_NEEDS_H

#include "sinks/advise/busy.h"
#include "sinks/advise/series.h"
#include "core/base/base.h"
#include "sinks/model/nextflow.h"

/* A step, or a command in a step. */
struct need {
	struct hash_node node;
	struct need *step; /* of a command; NULL: a step */
	char *name;	   /* any bytes but NUL */
	bool unnamed;	   /* its engine does not know it by this name */
	uint64_t executions, running, out_of_memory;
	uint64_t cpus, memory_bytes; /* asked for, at most; 0: unknown */
	struct series cores, bytes;
	struct need **commands; /* of a step, in order of appearance */
	size_t commands_count;
};

struct needs {
	const struct nextflow *theirs; /* NULL: none */
	const char *rules;	       /* only steps that this set of rules made; NULL: all */
	uint64_t interval_ns;
	bool lossy; /* records were lost: some have used more */
	struct hash all, tasks;
	struct need **steps; /* in order of appearance */
	size_t steps_count;
};

/* As the model calls; each 0 or -ENOMEM. */
int needs__row(struct needs *needs, const struct model_row *row);
int needs__sample(struct needs *needs, const struct model_sample *sample);
int needs__task(struct needs *needs, const struct model_task *task);
void needs__free(struct needs *needs);

/* ---- what to ask for ---- */

/* Threads are whole: the cores that 95 of 100 executions did not exceed in their busiest interval, rounded
 * up. 0: not known. */
uint64_t need__cpus(struct need *need);

/* A step with too little is killed: the most of all executions, `headroom` percent more, rounded up.
 * 0: not known. */
uint64_t need__memory(const struct need *need, uint64_t headroom);

#endif
