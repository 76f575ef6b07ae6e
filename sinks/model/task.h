/* SPDX-License-Identifier: BSD-2-Clause */
/* Tasks: executions of a step, each with its processes. Private to sinks/model. */
#ifndef SINKS_MODEL_TASK_H
#define SINKS_MODEL_TASK_H

#include "core/base/base.h"
#include "core/text.h"
#include "sinks/model/model.h"
#include "sinks/model/rss.h"

struct ending;
struct process;
struct run;

struct task {
	struct model_task pub; /* first: what users see */
	struct hash_node node; /* in model->tasks, if it has an id and some process lives */
	uint32_t refs;	       /* of processes, kept failures and tasks inside it */
	uint32_t open;	       /* processes in it whose last row has not been emitted */
	uint32_t living;       /* of them, those that have not ended: only as long as there are some, others join it */
	bool listed;	       /* in model->tasks */
	struct run *run;
	struct task *outer; /* a reference: the nearest open one around it; NULL: none */
	struct model_command *command;
	struct text within; /* pub.within */
	struct rss rss;
	uint64_t endless;		 /* the reason for an unknown end; 0: none */
	uint64_t cpu_until_ns;		 /* end of the last program's span of CPU */
	uint64_t until_ns, wall_unknown; /* end of its last program; the reason for an unknown wall time; 0: none */
	uint64_t propagated;		 /* of the failed rows */
	bool tried;			 /* retry.c has taken its end */
};

/* Whether what is of its job, or is not, counts in its figures. */
static inline bool task__counts(const struct task *task, bool in_job)
{
	return task && (in_job || !task->pub.job);
}

/* ---- retry.c ---- */

/* A task has ended: those before it of its step and tag are settled, if it did not fail. 0 or -ENOMEM. */
int retry__task(struct model *model, struct task *task);
void retry__free_all(struct model *model);

/* ---- task.c ---- */

/* Adds a process that belongs to no task; takes NULL. */
void task__enter(struct process *process, struct task *task);

/* After an exec of `command`, or when it ends and could execute none: begins or joins a task if a rule matches. */
int task__exec(struct model *model, struct process *process, struct model_command *command);

/* The same for that which executed last: what its file begins with has the time of its exec, and comes after that. */
int task__executed(struct model *model);

/* How the process that began it has ended: known before its last row, which waits for its accounts. Or the first in time that
 * failed, of those that a rule has made a `member` by the same id. `task` and `ending` may be NULL; other processes change
 * nothing. */
void task__note_end(struct task *task, const struct model_row *row, struct ending *ending, bool member);

/* Adds an emitted row; `own_io`: its I/O without that of children; NULL: none of its figures are the task's. */
void task__row(struct task *task, const struct model_row *row, const uint64_t *own_io);

/* Counts a bad row that `by` hides. Either may be NULL. */
void task__hidden(struct task *task, const struct task *by);

/* A process in it has ended, or left it. Takes NULL. */
void task__ended(struct model *model, struct task *task);

/* After the last row of a process in it; the last process closes it. Takes NULL. */
int task__leave(struct model *model, struct task *task);

struct task *task__ref(struct task *task); /* takes NULL, as unref */
void task__unref(struct task *task);

#endif
