/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes and runs: created, found, linked and released. */
#include "sinks/model/again.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/steps/steps.h"

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
		bool seen = p->run->pub.has[MODEL_LIFECYCLE] ? p->reported[MODEL_LIFECYCLE] : p->wait_since;

		if (p->row.pid == process->row.pid && p->run == process->run && !seen &&
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
	/* Skips ended ancestors, or a chain of processes that fork and exit would keep growing. */
	process__ancestor(parent);
	parent->refs++;
	parent->has_forked = true;
	parent->forked_pid = p->row.pid;
	p->ancestor = parent;
	p->parent = model_command__ref(parent->command);
	if (parent->row.depth >= 0)
		p->row.depth = parent->row.depth + 1;
	if (parent->above >= 0)
		p->above = parent->above + (parent->row.image || parent->row.preexisting);
	p->client = parent->client;
	p->serves = parent->serves;
	p->engine = p->engine_forks = parent->engine_forks;
	p->in_job = parent->in_job;
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
		.inherited_rss_bytes = null,
		.exit_code = null,
		.signal = null,
		.cause_start = EVENT_NULL(EVENT_REASON_NONE),
		.sender_start = null,
	};
	p->threads_peak = p->exited_ns = p->pss.bytes = null;
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

struct process *process__forker(struct model *model, const struct process *process)
{
	const struct model_row *row = &process->row;

	if (process->member || !row->forked || EVENT_IS_NULL(row->parent_start))
		return NULL;
	return process__find(model, process->run, row->ppid, row->parent_start);
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
		model_command__unref(process->asked);
		oom__unref(process->oom);
		task__unref(process->task);
		ending__unref(process->ending);
		brood__free(process->brood);
		again__free(process->turns);
		if (process->forks)
			process->forks->forker = NULL;
		free(process->begun);
		free(process->folder);
		free(process->now);
		asleep__drop(process);
		free(process->sums);
		free(process);
		process = ancestor;
	}
}

void process__wait(struct model *model, struct process *process)
{
	struct run *run = process->run;

	if (process->wait_since)
		return;
	model->waiting++;
	free(process->now);
	process->now = NULL;
	process->wait_since = run->pub.last_ts ? run->pub.last_ts : 1;
	process->wait_prev = run->wait_last;
	if (run->wait_last)
		run->wait_last->wait_next = process;
	else
		run->wait_first = process;
	run->wait_last = process;
}

/* Without memory for it, one that is not remembered. */
static void remember(struct run *run, const struct process *p)
{
	struct gone *gone;

	if (!run->gone)
		run->gone = calloc(GONE_MAX, sizeof(*run->gone));
	if (!run->gone)
		return;
	gone = &run->gone[run->gone_count++ % GONE_MAX];
	model_command__unref(gone->command);
	*gone = (struct gone){p->row.start, p->row.parent_start, p->row.pid, p->row.ppid, NULL, ""};
	memcpy(gone->comm, p->row.comm, EVENT_COMM);
	if (p->command && p->command->size <= GONE_COMMAND_MAX)
		gone->command = model_command__ref(p->command);
}

void process__remove(struct model *model, struct process *process)
{
	struct run *run = process->run;

	remember(run, process);
	if (process->wait_since) {
		model->waiting--;
		if (process->wait_prev)
			process->wait_prev->wait_next = process->wait_next;
		else
			run->wait_first = process->wait_next;
		if (process->wait_next)
			process->wait_next->wait_prev = process->wait_prev;
		else
			run->wait_last = process->wait_prev;
	}
	if (process->reaper) { /* its reaper need not wait for it any more */
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
	row->oom = process->oom;
	row->task = process->task ? &process->task->pub : NULL;
	row->around = process->task && !process__counted_in(process);
	row->ending = process->ending ? &process->ending->pub : NULL;
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
	struct run **runs, *run = calloc(1, sizeof(*run) + model->calls.run_room);

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
	run->pub.job = info->run.job && *info->run.job ? info->run.job : run->job;
	run->pub.rss_peak_bytes = EVENT_NULL(MODEL_REASON_ABSENT);
	run->pub.rss_lower_bytes = EVENT_NULL(MODEL_REASON_ABSENT);
	run->pub.pss_peak_bytes = run->pub.cgroup_bytes = EVENT_NULL(MODEL_REASON_ABSENT);
	run->pub.cgroup_cache_bytes = run->pub.cgroup_others = EVENT_NULL(MODEL_REASON_ABSENT);
	run->pub.cgroup_limit_bytes = EVENT_NULL(MODEL_REASON_ABSENT);
	run->rss.pss = &run->pub.pss_peak_bytes;
	run->rss.peak = &run->pub.rss_peak_bytes;
	run->rss.lower = &run->pub.rss_lower_bytes;
	run->pub.user = run + 1;
	runs[model->runs_count++] = run;
	return model->calls.run && model->calls.run(model->arg, &run->pub) ? NULL : run;
}

void run__free(struct run *run)
{
	if (!run)
		return;
	process__unref(run->root);
	ending__unref(run->job_failed);
	free(run->cgroup);
	free(run->clients);
	said__free_all(run);
	heads__free(&run->heads);
	steps_log__free(run->log);
	for (size_t i = 0; run->gone && i < GONE_MAX; i++)
		model_command__unref(run->gone[i].command);
	free(run->gone);
	free(run);
}
