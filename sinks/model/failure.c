/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds hidden failures. A failed row is kept with the nearest living ancestor. If that exits 0, the failure is
 * hidden; if it fails too, it propagates the failure, and its failures move to the next ancestor. Those that
 * reach the top are not hidden and are dropped. */
#include "sinks/model/again.h"

#include <errno.h>
#include <stdlib.h>

/* Limits of failures kept and of their commands' bytes; more are counted in run.untraced. */
#define FAILURES_MAX 10000
#define FAILURES_BYTES_MAX (32U << 20)

struct failure {
	struct failure *next;
	struct model_row row;
	struct model_command *command, *parent, *tried;
	struct model_oom *oom;
	struct task *task;
	struct ending *ending;
};

static size_t weight(const struct model_row *row)
{
	return sizeof(struct failure) + (row->command ? row->command->size : 0) +
	       (row->parent ? row->parent->size : 0) + (row->tried ? row->tried->size : 0);
}

/* By its parent, or by that of what has passed it on. */
static bool is_answered(const struct ending *ending)
{
	const struct fate *fate = ending ? ending->fate : NULL;

	while (fate && !fate->answered)
		fate = fate->over;
	return fate;
}

/* Whether `by`, an engine that ended well, ignored it: it is in a task that failed, or passed on what such a one began. */
static bool is_ignored(struct model *model, const struct ending *ending, const struct task *task, struct process *by)
{
	const struct model_ending *cause = ending ? &ending->pub : NULL;

	if (!cause || cause__below(model, by) != STEPS_IGNORED)
		return false;
	while (task && !model_outcome__bad(task->pub.outcome))
		task = task->outer;
	while (!task && cause && !((const struct ending *)cause)->fate->ends_task)
		cause = cause->cause;
	return task || cause;
}

/* What hides it was executing: another program may have replaced that since, as the last one of bash -c 'a; b' does. */
static const struct model_command *command_then(const struct process *by, const struct model_row *row)
{
	bool replaced = by->row.began_ns > row->ended_ns && !EVENT_IS_NULL(row->ended_ns);
	bool parent = row->ppid == by->row.pid && row->parent_start == by->row.start;

	return replaced && parent && row->parent ? row->parent : by->command;
}

static int ignore(struct model *model, const struct model_row *row)
{
	return model->calls.ignored ? model->calls.ignored(model->arg, row) : 0;
}

/* `by`: hides it; NULL: none did. */
static int report(struct model *model, const struct model_row *row, struct ending *ending, struct task *task,
		  struct process *by)
{
	const struct fate *retried = ending__retried(ending);

	/* What runs tests replaces a worker that has crashed, for the tests that are left. */
	if (retried && !(retried->unsure && ending->tested)) {
		ending->pub.unsure = retried->unsure;
		return model->calls.retried ? model->calls.retried(model->arg, row) : 0;
	}
	if (is_answered(ending))
		return ignore(model, row);
	if (!by)
		return 0;
	if (is_ignored(model, ending, task, by))
		return ignore(model, row);
	expected__hidden(ending, row, by, model_run__said(row->run, row->pid, row->start));
	if (ending && model_expected__is_question(ending->pub.expected))
		return ignore(model, row);
	if (!row->propagated)
		task__hidden(task, by->task);
	return model->calls.hidden ? model->calls.hidden(model->arg, row, by->row.pid, command_then(by, row)) : 0;
}

static void discard(struct model *model, struct failure *failure)
{
	model->failures_count--;
	model->failures_bytes -= weight(&failure->row);
	model_command__unref(failure->command);
	model_command__unref(failure->parent);
	model_command__unref(failure->tried);
	oom__unref(failure->oom);
	task__unref(failure->task);
	ending__unref(failure->ending);
	free(failure);
}

static void append(struct process *to, struct failure *first, struct failure **end)
{
	*to->failures_end = first;
	to->failures_end = end;
}

/* Another process may hide its failure from here on. */
static void give_to(struct process *p, struct process *ancestor)
{
	ancestor->refs++;
	process__unref(p->ancestor);
	p->ancestor = ancestor;
}

/* ---- tasks whose starter is gone ---- */

/* The engine that has had it started, by something that has ended since; NULL: none. */
static struct process *engine_of(struct model *model, struct process *process)
{
	bool gone = false;

	for (struct process *over = process__ancestor(process); over; over = process__ancestor(over)) {
		if (over->standing == LIVES && cause__says(model, over) == STEPS_RUNNER)
			return gone ? over : NULL;
		gone |= over->standing != LIVES;
	}
	return NULL;
}

/* Whether it ended a task, or passed that on; what another runner passes on is a task of that. */
static bool is_of_task(const struct ending *ending)
{
	while (ending && !ending->fate->ends_task && ending->says != STEPS_RUNNER)
		ending = (const struct ending *)ending->pub.cause;
	return ending && ending->fate->ends_task;
}

/* What submits a task, as sbatch or a script with nohup does, ends well whatever becomes of that; the engine then asks for it, or
 * looks for what it was to make. */
int failure__adopt(struct model *model, struct process *process)
{
	struct process *engine = is_of_task(process->ending) ? engine_of(model, process) : NULL;

	if (!engine)
		return 0;
	give_to(process, engine);
	return process->ending->fate->ends_task ? brood__add(engine, process->ending) : 0;
}

int failure__keep(struct model *model, struct process *process, const struct model_row *row)
{
	struct process *ancestor = process__ancestor(process);
	const struct model_calls *calls = &model->calls;
	struct failure *failure;

	if (!calls->hidden && !calls->task && !calls->retried && !calls->ignored)
		return 0;
	if (!ancestor || ancestor->standing == ENDED_OK || is_answered(process->ending))
		return report(model, row, process->ending, process->task, ancestor);
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
	failure->oom = oom__ref(process->oom);
	failure->task = task__ref(process->task);
	failure->ending = ending__ref(process->ending);
	model->failures_count++;
	model->failures_bytes += weight(row);
	append(ancestor, failure, &failure->next);
	return 0;
}

/* ---- of servers ---- */

/* The latest that ended alike while the client ran. */
static void consider(const struct process *client, struct ending *e, struct ending **found)
{
	if (e && e->served == client->client && e->pub.row.start >= client->row.start &&
	    model_row__status(&e->pub.row) == model_row__status(&client->row) &&
	    (!*found || (*found)->pub.row.ended_ns < e->pub.row.ended_ns))
		*found = e;
}

/* Of a process whose row has not come yet, and of those whose failures are kept. */
static void consider_all(const struct process *client, struct process *p, struct ending **found)
{
	consider(client, p->ending, found);
	for (struct failure *failure = p->failures; failure; failure = failure->next)
		consider(client, failure->ending, found);
}

static bool is_of(const struct ending *served, const struct model_row *row)
{
	return model_ending__find(&served->pub, row->pid, row->start);
}

/* As in a forged stream: a ring of ancestors would have no end. */
static bool is_below(const struct process *p, const struct process *above)
{
	while (p && p != above)
		p = p->ancestor;
	return p;
}

/* The client takes what the process has kept of that end, and may hide what it will have of it. */
static void take(struct process *client, struct process *p, struct ending *served)
{
	struct failure **at = &p->failures, *failure;

	while ((failure = *at)) {
		if (!is_of(served, &failure->row)) {
			at = &failure->next;
			continue;
		}
		*at = failure->next;
		if (p->failures_end == &failure->next)
			p->failures_end = at;
		failure->next = NULL;
		append(client, failure, &failure->next);
	}
	if (p->ending && is_of(served, &p->row) && !is_below(client, p))
		give_to(p, client);
}

static bool is_other(const struct process *client, const struct process *p)
{
	return p != client && p->run == client->run;
}

#define CLIENTS_MAX 1000 /* of a run, for each of which all its processes are looked through */

int failure__take_served(struct model *model, struct process *client)
{
	const struct hash *all = &model->processes;
	struct ending *served = NULL;

	if (!client->client || client->row.forked || client->row.outcome != MODEL_FAILED ||
	    client->run->clients_failed >= CLIENTS_MAX)
		return 0;
	client->run->clients_failed++;
	for (struct hash_node *node = hash__any(all, NULL); node; node = hash__any(all, node))
		if (is_other(client, process__of(node)))
			consider_all(client, process__of(node), &served);
	for (struct hash_node *node = served ? hash__any(all, NULL) : NULL; node; node = hash__any(all, node))
		if (is_other(client, process__of(node)))
			take(client, process__of(node), served);
	return served ? brood__add(client, served) : 0;
}

/* The process has failed, but some of its failures were answers to it. 0 or an error. */
static int report_answered(struct model *model, struct process *process)
{
	struct failure **at = &process->failures, *failure;
	int err = 0;

	while ((failure = *at) && !err) {
		if (!is_answered(failure->ending)) {
			at = &failure->next;
			continue;
		}
		*at = failure->next;
		err = report(model, &failure->row, failure->ending, failure->task, NULL);
		discard(model, failure);
	}
	if (!err)
		process->failures_end = at;
	return err;
}

int failure__settle(struct model *model, struct process *process)
{
	struct process *by = process->standing == ENDED_OK ? process : process__ancestor(process);
	struct failure *next;
	int err = process->standing == ENDED_OK ? 0 : report_answered(model, process);

	if (err || !process->failures)
		return err;
	if (by && by->standing == LIVES) {
		append(by, process->failures, process->failures_end);
		process->failures = NULL;
		process->failures_end = &process->failures;
		return 0;
	}
	for (struct failure *failure = process->failures; failure; failure = next) {
		next = failure->next;
		err = report(model, &failure->row, failure->ending, failure->task, by);
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
