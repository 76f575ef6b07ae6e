/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes and runs: how they are made, found, linked and let go. */
#include "sinks/model/process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint64_t key_of(const struct run *run, uint32_t pid)
{
	return hash__number(run->pub.index, pid);
}

/* ---- processes ---- */

struct process *process__find(struct model *model, struct run *run, uint32_t pid, uint64_t start)
{
	struct hash_node *node = hash__first(&model->processes, key_of(run, pid));

	for (; node; node = hash__next(node)) {
		struct process *p = process__of(node);

		if (p->row.pid == pid && p->row.start == start && p->run == run)
			return p;
	}
	return NULL;
}

struct process *process__outlived(struct model *model, const struct process *process)
{
	struct hash_node *node = hash__first(&model->processes, process->node.key);

	for (; node; node = hash__next(node)) {
		struct process *p = process__of(node);

		if (p->row.pid == process->row.pid && p->run == process->run && !p->wait_since &&
		    p->row.start < process->row.start)
			return p;
	}
	return NULL;
}

static void set_parent(struct process *p, struct process *parent)
{
	struct process *root = p->run->root;

	p->row.depth = p->above = root && root != p ? -1 : 0;
	if (!parent || parent == p)
		return;
	/* So that a chain of processes that each fork and die does not grow after the living one. */
	process__ancestor(parent);
	parent->refs++;
	p->ancestor = parent;
	p->parent = model_command__ref(parent->command);
	if (parent->row.depth >= 0)
		p->row.depth = parent->row.depth + 1;
	if (parent->above >= 0)
		p->above = parent->above + (parent->row.image || parent->row.older);
	task__enter(p, parent->task);
}

struct process *process__new(struct model *model, struct run *run, uint32_t pid, uint64_t start, uint32_t ppid,
			     uint64_t parent_start)
{
	struct process *p = calloc(1, sizeof(*p));
	uint64_t null = EVENT_NULL(MODEL_REASON_ABSENT);

	if (!p)
		return NULL;
	p->refs = 1;
	p->run = run;
	p->failures_end = &p->failures;
	p->row = (struct model_row){
		.run = &run->pub,
		.pid = pid,
		.ppid = ppid,
		.start = start,
		.parent_start = parent_start,
		.began_ns = start,
		.ended_ns = null,
		.wall_ns = null,
		.peak_rss_bytes = null,
		.sampled_rss_bytes = null,
		.exit_code = null,
		.signal = null,
	};
	for (int i = 0; i < FIGURES; i++)
		p->total[i] = null;
	if (hash__add(&model->processes, &p->node, key_of(run, pid))) {
		free(p);
		return NULL;
	}
	if (!run->root && run->pub.has[MODEL_LIFECYCLE]) {
		p->refs++;
		run->root = p;
	}
	p->row.root = run->root == p;
	set_parent(p, ppid ? process__find(model, run, ppid, parent_start) : NULL);
	return p;
}

struct process *process__ancestor(struct process *process)
{
	struct process *root = process->run->root, *over;

	while ((over = process->ancestor) && over->standing == ENDED_OTHER) {
		process->ancestor = over->ancestor;
		if (process->ancestor)
			process->ancestor->refs++;
		process__unref(over);
	}
	if (process->ancestor)
		return process->ancestor;
	return root && root != process && root->standing != ENDED_OTHER ? root : NULL;
}

void process__unref(struct process *process)
{
	while (process && !--process->refs) {
		struct process *ancestor = process->ancestor;

		model_command__unref(process->command);
		model_command__unref(process->parent);
		model_command__unref(process->tried);
		task__unref(process->task);
		free(process->begun);
		free(process);
		process = ancestor;
	}
}

void process__wait(struct process *process)
{
	struct run *run = process->run;

	if (process->wait_since)
		return;
	process->wait_since = run->pub.last_ts ? run->pub.last_ts : 1;
	process->wait_prev = run->wait_last;
	if (run->wait_last)
		run->wait_last->wait_next = process;
	else
		run->wait_first = process;
	run->wait_last = process;
}

void process__remove(struct model *model, struct process *process)
{
	struct run *run = process->run;

	if (process->wait_since) {
		if (process->wait_prev)
			process->wait_prev->wait_next = process->wait_next;
		else
			run->wait_first = process->wait_next;
		if (process->wait_next)
			process->wait_next->wait_prev = process->wait_prev;
		else
			run->wait_last = process->wait_prev;
	}
	if (process->reaper) { /* its waiter is gone */
		process->reaper->owing--;
		process__unref(process->reaper);
		process->reaper = NULL;
	}
	rss__drop(process);
	hash__remove(&model->processes, &process->node);
	process__unref(process);
}

void process__set_comm(char *comm, const struct value *value)
{
	size_t n = value->type == VALUE_STRING ? value->length : 0;

	if (!n)
		return;
	if (n > EVENT_COMM - 1)
		n = EVENT_COMM - 1;
	memcpy(comm, value->string, n);
	comm[n] = '\0';
}

const struct model_row *process__row(struct process *process)
{
	struct model_row *row = &process->row;

	row->command = process->command;
	row->parent = process->parent;
	row->tried = process->tried;
	row->task = process->task ? &process->task->pub : NULL;
	return row;
}

/* ---- runs ---- */

struct run *run__find(struct model *model, const struct stream_info *info, uint32_t number)
{
	for (size_t i = 0; i < model->runs_count; i++) {
		const struct model_run *run = &model->runs[i]->pub;

		if (run->number == number && !strcmp(run->info->run.id, info->run.id) &&
		    !strcmp(run->info->boot_id, info->boot_id))
			return model->runs[i];
	}
	return NULL;
}

struct run *run__new(struct model *model, const struct stream_info *info, uint32_t number)
{
	struct run **runs, *run = calloc(1, sizeof(*run));

	runs = reallocarray(model->runs, model->runs_count + 1, sizeof(*runs));
	if (runs)
		model->runs = runs;
	if (!run || !runs) {
		free(run);
		return NULL;
	}
	run->pub.index = model->runs_count;
	run->pub.info = info;
	run->pub.number = number;
	run->pub.rss_peak_bytes = EVENT_NULL(MODEL_REASON_ABSENT);
	run->rss.peak = &run->pub.rss_peak_bytes;
	run->pub.user = &run->user;
	runs[model->runs_count++] = run;
	return run;
}

void run__free(struct run *run)
{
	if (!run)
		return;
	process__unref(run->root);
	free(run);
}
