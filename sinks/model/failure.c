/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds hidden failures. A failed row stays with the nearest ancestor that lives. When that one ends 0
 * the failure is hidden; when it fails itself it has passed the failure on, and what it kept goes up
 * to the next. What reaches the top is not hidden and is dropped. */
#include "sinks/model/process.h"

#include <errno.h>
#include <stdlib.h>

/* Kept in all, with what their commands weigh; failures beyond are counted in run.untraced. */
#define FAILURES_MAX 10000
#define FAILURES_BYTES_MAX (32U << 20)

struct failure {
	struct failure *next;
	struct model_row row;
	struct model_command *command, *parent, *tried;
	struct task *task;
};

static size_t weight(const struct model_row *row)
{
	return sizeof(struct failure) + (row->command ? row->command->size : 0) +
	       (row->parent ? row->parent->size : 0) + (row->tried ? row->tried->size : 0);
}

static int tell(struct model *model, const struct model_row *row, struct task *task, const struct process *by)
{
	if (!row->propagated)
		task__hidden(task, by->task);
	return model->calls.hidden ? model->calls.hidden(model->arg, row, by->row.pid, by->command) : 0;
}

static void discard(struct model *model, struct failure *failure)
{
	model->failures_count--;
	model->failures_bytes -= weight(&failure->row);
	model_command__unref(failure->command);
	model_command__unref(failure->parent);
	model_command__unref(failure->tried);
	task__unref(failure->task);
	free(failure);
}

static void append(struct process *to, struct failure *first, struct failure **end)
{
	*to->failures_end = first;
	to->failures_end = end;
}

int failure__keep(struct model *model, struct process *process, const struct model_row *row)
{
	struct process *ancestor = process__ancestor(process);
	struct failure *failure;

	if (!ancestor || (!model->calls.hidden && !model->calls.task))
		return 0;
	if (ancestor->standing == ENDED_OK)
		return tell(model, row, process->task, ancestor);
	if (model->failures_count >= FAILURES_MAX || model->failures_bytes + weight(row) > FAILURES_BYTES_MAX) {
		process->run->pub.untraced++;
		return 0;
	}
	failure = malloc(sizeof(*failure));
	if (!failure)
		return -ENOMEM;
	failure->next = NULL;
	failure->row = *row;
	failure->command = model_command__ref(process->command);
	failure->parent = model_command__ref(process->parent);
	failure->tried = model_command__ref(process->tried);
	failure->task = task__ref(process->task);
	model->failures_count++;
	model->failures_bytes += weight(row);
	append(ancestor, failure, &failure->next);
	return 0;
}

int failure__settle(struct model *model, struct process *process)
{
	struct process *by = process->standing == ENDED_OK ? process : process__ancestor(process);
	struct failure *next;
	int err;

	if (!process->failures)
		return 0;
	if (by && by->standing == LIVES) {
		append(by, process->failures, process->failures_end);
		process->failures = NULL;
		process->failures_end = &process->failures;
		return 0;
	}
	for (struct failure *failure = process->failures; by && failure; failure = next) {
		next = failure->next;
		err = tell(model, &failure->row, failure->task, by);
		if (err)
			return err;
	}
	failure__drop(model, process);
	return 0;
}

void failure__drop(struct model *model, struct process *process)
{
	struct failure *next;

	for (struct failure *failure = process->failures; failure; failure = next) {
		next = failure->next;
		discard(model, failure);
	}
	process->failures = NULL;
	process->failures_end = &process->failures;
}
