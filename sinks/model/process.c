/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes, commands and runs: how they are made, found, linked and let go. */
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

	p->row.depth = root && root != p ? -1 : 0;
	if (!parent || parent == p)
		return;
	/* So that a chain of processes that each fork and die does not grow behind the living one. */
	process__ancestor(parent);
	parent->refs++;
	p->ancestor = parent;
	p->parent = command__ref(parent->command);
	if (parent->row.depth >= 0)
		p->row.depth = parent->row.depth + 1;
}

struct process *process__new(struct model *model, struct run *run, uint32_t pid, uint64_t start,
			     uint32_t ppid, uint64_t parent_start)
{
	struct process *p = calloc(1, sizeof(*p));
	uint64_t null = EVENT_NULL(MODEL_WHY_ABSENT);

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
	for (int i = 0; i < MODEL_IO_FIGURES; i++)
		p->row.io[i] = null;
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

		command__unref(process->command);
		command__unref(process->parent);
		command__unref(process->tried);
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
	process__drop_rss(process);
	hash__remove(&model->processes, &process->node);
	process__unref(process);
}

void process__drop_rss(struct process *process)
{
	struct run *run = process->run;

	if (!process->rss_bytes)
		return;
	if (EVENT_IS_NULL(run->pub.rss_peak_bytes) || run->rss_bytes > run->pub.rss_peak_bytes)
		run->pub.rss_peak_bytes = run->rss_bytes;
	run->rss_bytes -= process->rss_bytes;
	process->rss_bytes = 0;
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
	run->pub.rss_peak_bytes = EVENT_NULL(MODEL_WHY_ABSENT);
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

/* ---- commands and values ---- */

uint64_t value__number(const struct value *value)
{
	switch (value->type) {
	case VALUE_UINT:
		return value->u;
	case VALUE_INT:
		return value->i < 0 ? EVENT_NULL(EVENT_WHY_NONE) : (uint64_t)value->i;
	case VALUE_NULL:
		return EVENT_NULL(value->why);
	default:
		return EVENT_NULL(EVENT_WHY_NONE);
	}
}

static struct model_text text_of(const struct value *value, char **at)
{
	struct model_text text = { .why = value->why };

	if (value->type != VALUE_STRING)
		return text;
	text.data = *at;
	text.length = value->length;
	memcpy(*at, value->string, value->length);
	(*at)[value->length] = '\0';
	*at += value->length + 1;
	return text;
}

static struct model_list list_of(const struct value *value, char **at, const uint8_t *end)
{
	struct model_list list = { .why = value->why };
	const uint8_t *cursor = value->items;
	const char *item;
	uint32_t length;

	if (value->type != VALUE_LIST)
		return list;
	list.data = *at;
	for (uint32_t i = 0; i < value->length && value__item(&cursor, end, &item, &length); i++) {
		memcpy(*at, item, length);
		(*at)[length] = '\0';
		*at += length + 1;
		list.count++;
	}
	list.length = (uint32_t)(*at - list.data);
	return list;
}

static size_t size_of(const struct value *value, const uint8_t *end)
{
	const uint8_t *cursor = value->items;
	const char *item;
	uint32_t length;
	size_t size = 0;

	if (value->type == VALUE_STRING)
		return value->length + 1;
	if (value->type != VALUE_LIST)
		return 0;
	for (uint32_t i = 0; i < value->length && value__item(&cursor, end, &item, &length); i++)
		size += length + 1;
	return size;
}

struct model_command *command__new(const struct value *exe, const struct value *args, const struct value *cwd,
				   const struct value *uid, const uint8_t *end)
{
	size_t size =
		sizeof(struct model_command) + size_of(exe, end) + size_of(args, end) + size_of(cwd, end);
	struct model_command *command = malloc(size);
	char *at;

	if (!command)
		return NULL;
	at = (char *)(command + 1);
	command->refs = 1;
	command->size = (uint32_t)size;
	command->exe = text_of(exe, &at);
	command->cwd = text_of(cwd, &at);
	command->args = list_of(args, &at, end);
	command->uid = value__number(uid);
	return command;
}

struct model_command *command__ref(struct model_command *command)
{
	if (command)
		command->refs++;
	return command;
}

void command__unref(struct model_command *command)
{
	if (command && !--command->refs)
		free(command);
}

const char *model_command__name(const struct model_command *command, const char *comm)
{
	const char *name, *slash;

	if (!command || !command->exe.data || !command->exe.length)
		return comm;
	name = command->exe.data;
	slash = strrchr(name, '/');
	return slash && slash[1] ? slash + 1 : name;
}
