/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes and tasks with the few figures that the model does not keep. */
#include "sinks/trace/extra.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define UNKNOWN EVENT_NULL(EVENT_REASON_NONE)

struct task {
	struct hash_node node;
	const struct model_run *run;
	uint32_t number;
	uint64_t vm, vm_most;
	uint64_t voluntary, involuntary;
	bool looked;			    /* memory of a process was sampled */
	bool switches_partial, cpu_partial; /* those of a process are not known */
};

struct process {
	struct hash_node node;
	const char *boot_id;
	uint32_t pid;
	uint64_t start;
	uint64_t vm, voluntary, involuntary; /* as last reported; null */
	struct task *task;		     /* that has counted `counted` */
	uint64_t counted;
};

/* ---- streams ---- */

int extra__stream(struct extra *extra, const struct stream_info *info)
{
	struct extra_fields *streams = reallocarray(extra->streams, info->index + 1, sizeof(*streams));
	struct extra_fields *stream;

	if (!streams)
		return -ENOMEM;
	extra->streams = streams;
	while (extra->streams_count <= info->index)
		streams[extra->streams_count++] = (struct extra_fields){0};
	stream = &streams[info->index];
	stream->kinds = calloc(info->events_count + 1, sizeof(*stream->kinds));
	if (!stream->kinds)
		return -ENOMEM;
	stream->kinds_count = info->events_count;
	for (uint32_t i = 0; i < info->events_count; i++) {
		const struct stream_event *event = &info->events[i];
		bool usable = event->name && i >= SCHEMA_KIND_BASE && event->fields_count <= SCHEMA_FIELDS_MAX;

		stream->kinds[i].vm = usable ? stream_event__field(event, "vm_bytes") : -1;
		stream->kinds[i].voluntary = usable ? stream_event__field(event, "voluntary_switches") : -1;
		stream->kinds[i].involuntary = usable ? stream_event__field(event, "involuntary_switches") : -1;
	}
	return 0;
}

/* ---- processes ---- */

static struct process *process_of(struct hash_node *node)
{
	return (struct process *)((char *)node - offsetof(struct process, node));
}

static struct process *find_process(struct extra *extra, const char *boot_id, uint32_t pid, uint64_t start)
{
	struct hash_node *node = hash__first(&extra->processes, hash__number(pid, start));

	for (; node; node = hash__next(node)) {
		struct process *p = process_of(node);

		if (p->pid == pid && p->start == start && !strcmp(p->boot_id, boot_id))
			return p;
	}
	return NULL;
}

static struct process *get_process(struct extra *extra, const struct record *record)
{
	struct process *p = find_process(extra, record->info->boot_id, record->pid, record->start);

	if (p)
		return p;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->boot_id = record->info->boot_id;
	p->pid = record->pid;
	p->start = record->start;
	p->vm = p->voluntary = p->involuntary = UNKNOWN;
	if (hash__add(&extra->processes, &p->node, hash__number(p->pid, p->start))) {
		free(p);
		return NULL;
	}
	return p;
}

static void take(uint64_t *to, const struct value *values, int field)
{
	if (field >= 0 && values[field].type == VALUE_UINT)
		*to = values[field].u;
}

int extra__record(struct extra *extra, const struct record *record)
{
	const struct extra_fields *stream = &extra->streams[record->info->index];
	struct value values[SCHEMA_FIELDS_MAX];
	struct process *p;
	int vm, voluntary, involuntary;

	if (record->kind >= stream->kinds_count)
		return 0;
	vm = stream->kinds[record->kind].vm;
	voluntary = stream->kinds[record->kind].voluntary;
	involuntary = stream->kinds[record->kind].involuntary;
	if ((vm < 0 && voluntary < 0 && involuntary < 0) || record__values(record, values))
		return 0;
	p = get_process(extra, record);
	if (!p)
		return -ENOMEM;
	take(&p->vm, values, vm);
	take(&p->voluntary, values, voluntary);
	take(&p->involuntary, values, involuntary);
	return 0;
}

/* ---- tasks ---- */

static struct task *task_of(struct hash_node *node)
{
	return (struct task *)((char *)node - offsetof(struct task, node));
}

static struct task *find_task(struct extra *extra, const struct model_task *model)
{
	struct hash_node *node = hash__first(&extra->tasks, hash__number(model->run->index, model->number));

	for (; node; node = hash__next(node))
		if (task_of(node)->run == model->run && task_of(node)->number == model->number)
			return task_of(node);
	return NULL;
}

static struct task *get_task(struct extra *extra, const struct model_task *model)
{
	struct task *task = find_task(extra, model);

	if (task)
		return task;
	task = calloc(1, sizeof(*task));
	if (!task)
		return NULL;
	task->run = model->run;
	task->number = model->number;
	if (hash__add(&extra->tasks, &task->node, hash__number(model->run->index, model->number))) {
		free(task);
		return NULL;
	}
	return task;
}

static void release(struct process *p)
{
	if (p->task)
		p->task->vm -= p->counted;
	p->task = NULL;
	p->counted = 0;
}

int extra__sample(struct extra *extra, const struct model_sample *sample)
{
	const struct model_row *row = sample->row;
	struct process *p = find_process(extra, row->run->info->boot_id, row->pid, row->start);

	if (sample->source != MODEL_MEM || !EVENT_IS_NULL(row->ended_ns) || !row->task || !p || EVENT_IS_NULL(p->vm))
		return 0;
	release(p);
	p->task = get_task(extra, row->task);
	if (!p->task)
		return -ENOMEM;
	p->counted = p->vm;
	p->task->vm += p->vm;
	p->task->looked = true;
	if (p->task->vm > p->task->vm_most)
		p->task->vm_most = p->task->vm;
	return 0;
}

static void add_switches(struct task *task, const struct process *p)
{
	if (!p || EVENT_IS_NULL(p->voluntary) || EVENT_IS_NULL(p->involuntary)) {
		task->switches_partial = true;
		return;
	}
	task->voluntary += p->voluntary;
	task->involuntary += p->involuntary;
}

/* What an earlier program of a process used may be counted for the next one. */
static bool is_missing(uint64_t value)
{
	return EVENT_IS_NULL(value) && EVENT_NULL_REASON(value) != MODEL_REASON_REPLACED;
}

int extra__row(struct extra *extra, const struct model_row *row)
{
	struct process *p = find_process(extra, row->run->info->boot_id, row->pid, row->start);
	struct task *task = row->task ? get_task(extra, row->task) : NULL;

	if (row->task && !task)
		return -ENOMEM;
	if (task && row->last)
		add_switches(task, p);
	if (task && is_missing(row->cpu_ns))
		task->cpu_partial = true;
	if (p)
		release(p);
	if (p && row->last) {
		hash__remove(&extra->processes, &p->node);
		free(p);
	}
	return 0;
}

void extra__task(struct extra *extra, struct line *line)
{
	struct task *task = find_task(extra, line->task);

	line->vm_bytes = task && task->looked ? task->vm_most : UNKNOWN;
	line->voluntary = task && !task->switches_partial ? task->voluntary : UNKNOWN;
	line->involuntary = task && !task->switches_partial ? task->involuntary : UNKNOWN;
	line->cpu_partial = task && task->cpu_partial;
	if (!task)
		return;
	hash__remove(&extra->tasks, &task->node);
	free(task);
}

void extra__free(struct extra *extra)
{
	for (size_t i = 0; i < extra->streams_count; i++)
		free(extra->streams[i].kinds);
	hash__free_all(&extra->processes, offsetof(struct process, node));
	hash__free_all(&extra->tasks, offsetof(struct task, node));
	free(extra->streams);
}
