/* SPDX-License-Identifier: BSD-2-Clause */
/* Folds rows into what a summary says. */
#include "sinks/summary/tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/model/model.h"

#define FAILURES_MAX 1000

/* What a failure is about: a fork that could not execute its program is about that program. */
static const struct model_command *subject(const struct model_row *row)
{
	return row->forked && row->tried ? row->tried : row->command;
}

static char *shown(const struct model_command *command, const char *comm, bool forked)
{
	struct text text = {0};

	text__command(&text, command, comm, forked);
	if (text.error)
		text__free(&text);
	return text.data;
}

/* ---- the longest, the largest ---- */

static int offer(struct tally_top *top, uint64_t key, const struct model_row *row)
{
	struct tally_row *rows = top->rows, new = {.key = key, .pid = row->pid, .cpu_ns = row->cpu_ns};
	size_t at = top->count;

	if (EVENT_IS_NULL(key) || (top->count == top->size && rows[top->count - 1].key >= key))
		return 0;
	new.shown = shown(row->command, row->comm, row->forked);
	if (!new.shown)
		return -ENOMEM;
	new.wall_ns = row->wall_ns;
	new.peak_bytes = model_row__peak(row, &new.bound);
	if (top->count == top->size)
		free(rows[--at].shown);
	else
		top->count++;
	for (; at > 0 && rows[at - 1].key < key; at--)
		rows[at] = rows[at - 1];
	rows[at] = new;
	return 0;
}

static int top__init(struct tally_top *top, size_t size)
{
	top->size = size;
	top->rows = calloc(size, sizeof(*top->rows));
	return top->rows ? 0 : -ENOMEM;
}

static void top__free(struct tally_top *top)
{
	for (size_t i = 0; i < top->count; i++)
		free(top->rows[i].shown);
	free(top->rows);
}

/* ---- failures ---- */

static uint64_t failure_key(const struct model_row *row, const char *name)
{
	uint64_t key = hash__number(row->exit_code, row->signal);

	return hash__bytes(hash__number(key, (uint64_t)row->outcome << 1 | row->forked), name, strlen(name));
}

static struct tally_failure *failure__find(const struct tally *tally, const struct model_row *row)
{
	const char *name = model_command__name(subject(row), row->comm);
	struct hash_node *node = hash__first(&tally->failures, failure_key(row, name));

	for (; node; node = hash__next(node)) {
		struct tally_failure *failure = tally_failure__of(node);

		if (failure->row.exit_code == row->exit_code && failure->row.signal == row->signal &&
		    failure->row.outcome == row->outcome && failure->row.forked == row->forked &&
		    !strcmp(failure->name, name))
			return failure;
	}
	return NULL;
}

static void failure__free(struct tally_failure *failure)
{
	free(failure->shown);
	free(failure->step);
	free(failure->parent);
	free(failure->by);
	free(failure);
}

/* The step of a failure with its id; NULL, too, where it says no more than the command. */
static int set_step(struct tally_failure *failure, const struct model_task *task)
{
	struct text text = {0};

	if (!task || (!task->id && !strcmp(task->step, failure->name)))
		return 0;
	text__safe(&text, task->step, strlen(task->step));
	if (task->id) {
		text__printf(&text, " ");
		text__safe(&text, task->id, strlen(task->id));
	}
	if (text.error)
		text__free(&text);
	failure->step = text.data;
	return text.data ? 0 : -ENOMEM;
}

static struct tally_failure *failure__new(struct tally *tally, const struct model_row *row)
{
	const char *name = model_command__name(subject(row), row->comm);
	struct tally_failure *failure = calloc(1, sizeof(*failure) + strlen(name) + 1);

	if (!failure)
		return NULL;
	failure->row = *row;
	failure->order = tally->run.failed;
	strcpy(failure->name, name);
	failure->shown = shown(subject(row), row->comm, row->forked && !row->tried);
	if (row->parent)
		failure->parent = shown(row->parent, "", false);
	if (!failure->shown || (row->parent && !failure->parent) || set_step(failure, row->task) ||
	    hash__add(&tally->failures, &failure->node, failure_key(row, name))) {
		failure__free(failure);
		return NULL;
	}
	return failure;
}

static int count_failure(struct tally *tally, const struct model_row *row)
{
	struct tally_failure *failure;

	if (!model_outcome__bad(row->outcome) || row->propagated)
		return 0;
	failure = failure__find(tally, row);
	if (!failure && tally->failures.count < FAILURES_MAX) {
		failure = failure__new(tally, row);
		if (!failure)
			return -ENOMEM;
	}
	if (failure)
		failure->count++;
	return 0;
}

int tally__hidden(struct tally *tally, const struct model_row *row, uint32_t pid, const struct model_command *by)
{
	struct tally_failure *failure = row->propagated ? NULL : failure__find(tally, row);
	int err = totals__hidden(&tally->run, &tally->steps, row);

	if (!failure)
		return err;
	failure->hidden++;
	if (err || failure->by || pid == row->ppid || !by)
		return err;
	failure->by = shown(by, "", false);
	return failure->by ? 0 : -ENOMEM;
}

/* ---- the tally ---- */

int tally__row(struct tally *tally, const struct model_row *row)
{
	bool bound;
	int err = totals__row(&tally->run, &tally->commands, row);

	err = err ? err : count_failure(tally, row);
	err = err || row->root ? err : offer(&tally->longest, row->wall_ns, row);
	err = err ? err : offer(&tally->largest, model_row__peak(row, &bound), row);
	if (!err && row->outcome == MODEL_RUNNING && !row->root)
		err = offer(&tally->open, row->wall_ns, row);
	return err;
}

struct tally *tally__new(const struct model_run *run, size_t top)
{
	struct tally *tally = calloc(1, sizeof(*tally));

	if (!tally)
		return NULL;
	totals_run__init(&tally->run, run);
	if (top__init(&tally->longest, top) || top__init(&tally->largest, top) || top__init(&tally->open, top)) {
		tally__free(tally);
		return NULL;
	}
	return tally;
}

void tally__free(struct tally *tally)
{
	if (!tally)
		return;
	top__free(&tally->longest);
	top__free(&tally->largest);
	top__free(&tally->open);
	totals_groups__free(&tally->commands);
	totals_groups__free(&tally->steps);
	for (size_t i = 0; i < tally->failures.size; i++)
		for (struct hash_node *node = tally->failures.slots[i], *next; node; node = next) {
			next = node->next;
			failure__free(tally_failure__of(node));
		}
	hash__free(&tally->failures);
	free(tally);
}
