/* SPDX-License-Identifier: BSD-2-Clause */
/* A run as it is now: a tree of runs, steps, tasks, and processes that have not ended. */
#ifndef SINKS_LIVE_LIVE_H
#define SINKS_LIVE_LIVE_H

#include <pthread.h>

#include "core/base/base.h"
#include "sinks/model/on_model.h"
#include "sinks/totals/totals.h"

/* ---- live_runs.c: what has ended ---- */

/* In each run's room. */
struct live_run {
	struct totals_run totals;
	struct totals_groups steps;
};

int live_run__appears(void *arg, const struct model_run *run);
int live_run__row(void *arg, const struct model_row *row);
int live_run__hidden(void *arg, const struct model_row *row, uint32_t pid, const struct model_command *by);
int live_run__retried(void *arg, const struct model_row *row);
int live_run__ignored(void *arg, const struct model_row *row);
int live_run__task(void *arg, const struct model_task *task);
void live_run__free_all(const struct model *model); /* takes NULL */

/* The calls of a sink that shows the tree. */
#define LIVE_CALLS                                                                                                \
	{                                                                                                         \
		.run = live_run__appears, .row = live_run__row, .hidden = live_run__hidden,                       \
		.retried = live_run__retried, .ignored = live_run__ignored, .task = live_run__task, .live = true, \
		.run_room = sizeof(struct live_run)                                                               \
	}

/* ---- live_figures.c ---- */

enum live_kind { LIVE_RUN, LIVE_STEP, LIVE_TASK, LIVE_PROCESS };

/* Numbers may be null, with the reason. */
struct live_figures {
	uint64_t cpu_ns, rss_bytes;
	/* By the last two samples; 0 if there is none any more, as a probe samples only what has used something. */
	uint64_t cpu_milli;		  /* thousandths of a CPU */
	uint64_t read_rate, written_rate; /* bytes a second, from and to storage */
};

/* Adds to a sum, which is null until there is a value. */
void live_sum__add(uint64_t *sum, uint64_t value);
void live_figures__add(struct live_figures *to, const struct live_figures *more);
struct live_figures live_figures__none(void);
struct live_figures live_figures__of(const struct model_live *live, uint64_t now);

/* Boot clock of the run's host: now, or if not `live` its last record. */
uint64_t live_run__now(const struct model_run *run, bool live);

/* Read and written. */
uint64_t live_figures__disk(const struct live_figures *figures);

static inline uint64_t live__since(uint64_t now, uint64_t then)
{
	return now > then ? now - then : 0;
}

/* ---- live_tree.c ---- */

struct live_node {
	struct hash_node node; /* first */
	enum live_kind kind;
	uint64_t key; /* the same in the next tree */
	struct live_node *parent, *first, **end, *next;
	bool has_child; /* of a process: also in another task */
	/* of a filter, whether itself matches, or one above or below it; how far to the right it stands. */
	bool match, shown;
	unsigned depth;
	struct live_node *group; /* of a process: its task, or else its run */
	const struct model_run *run;
	/* Of LIVE_TASK; of LIVE_STEP the only one that runs. NULL: none, or several. */
	const struct model_task *task;
	const char *step;	 /* of LIVE_STEP and LIVE_TASK: any bytes but NUL */
	struct model_live live;	 /* of LIVE_PROCESS */
	uint64_t age_ns;	 /* of a step: of its oldest task that runs; null: none does */
	struct live_figures own; /* of a process by itself; else of all in it */
	struct live_figures all; /* with its descendants in this tree */
	/* Processes of a run, tasks of a step, and of a task and a process the processes in it. */
	uint64_t running, ended, failed;
};

struct live_tree {
	struct live_node *nodes; /* processes that have not ended, tasks, steps, runs: in this order */
	size_t count, capacity;
	struct live_node *runs;		 /* their list, by `next` */
	struct live_node *longest;	 /* the oldest process that has no child; NULL: none runs */
	uint64_t running, ended, failed; /* processes of all runs */
	struct live_figures all;
	struct hash hash;
};

/* Builds the tree anew; it is valid until the model is fed. `live`: runs go on until this moment, else until their last
 * record. 0 or -ENOMEM. */
int live_tree__build(struct live_tree *tree, struct model *model, bool live);
uint64_t live_tree__lost(const struct live_tree *tree); /* events of all runs, as far as they were counted */
void live_tree__free(struct live_tree *tree);

/* ---- live_walk.c ---- */

/* The next node in order of the tree, parents first; `skip`: not its children. NULL: none. */
struct live_node *live_node__next(const struct live_node *node, bool skip);

typedef int (*live_compare)(const struct live_node *a, const struct live_node *b);

/* Sorts the children of each node; equal ones keep their order. 0 or -ENOMEM. */
int live_tree__sort(struct live_tree *tree, live_compare compare, bool reverse);

/* ---- live_sink.c ---- */

/* A sink with a thread that shows the tree: its state begins with this. */
struct live_sink {
	struct on_model on;
	pthread_mutex_t lock; /* of the model */
};

int live_sink__stream(void *state, const struct stream_info *info);
int live_sink__write(void *state, const struct record *record);
int live_sink__ended(void *state, const struct stream_info *info, const struct stream_state *stream);

#endif
