/* SPDX-License-Identifier: BSD-2-Clause */
/* What steps and their commands requested and used, over all their tasks. */
#ifndef SINKS_ADVISE_NEEDS_H
#define SINKS_ADVISE_NEEDS_H

#include "sinks/advise/busy.h"
#include "sinks/advise/series.h"
#include "core/base/base.h"
#include "sinks/steps/nextflow.h"

/* A step, or a command in a step. */
struct need {
	struct hash_node node;
	struct need *step; /* of a command; NULL: a step */
	char *name;	   /* any bytes but NUL */
	bool unnamed;	   /* its engine has another name for it */
	uint64_t count, running, out_of_memory;
	uint64_t cpus, memory_bytes; /* the greatest requests; 0: unknown */
	struct series cores, bytes;
	uint64_t shared_most, shared_least; /* of the task whose processes share most: its bounds; 0: none shares */
	struct need **commands;		    /* of a step, in order of appearance */
	size_t commands_count;
};

/* A task that goes on: the room of a task in the model. */
struct needs_task {
	struct busy busy; /* from its first sample on, or row that ran out of memory; all 0 before */
	bool job;	  /* that is of its job, and of what is below that */
	bool out_of_memory;
};

struct needs {
	const struct nextflow *theirs; /* NULL: none */
	const char *rules;	       /* only steps that this set of rules made; NULL: all */
	uint64_t interval_ns;
	bool lossy; /* records were lost: some may have used more */
	bool goes;  /* a run has not ended: more tasks may come */
	struct hash all;
	struct need **steps; /* in order of appearance */
	size_t steps_count;
};

/* For the model's calls; each 0 or -ENOMEM. */
int needs__row(struct needs *needs, const struct model_row *row);
int needs__sample(struct needs *needs, const struct model_sample *sample);
int needs__task(struct needs *needs, const struct model_task *task);
void needs__free(struct needs *needs);

/* ---- what to request ---- */

/* The cores that 95 of 100 tasks did not exceed in their busiest interval, rounded up. 0: not known. */
uint64_t need__cpus(struct need *need);

/* Too little memory kills a step: the most of all tasks plus `headroom` percent, rounded up. 0: not
 * known. */
uint64_t need__memory(const struct need *need, uint64_t headroom);

#endif
