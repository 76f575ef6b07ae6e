/* SPDX-License-Identifier: BSD-2-Clause */
/* Figures of processes and tasks that the model does not keep. */
#include "sinks/trace/extra.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define UNKNOWN EVENT_NULL(EVENT_REASON_NONE)

struct process {
	struct hash_node node;
	const char *boot_id;
	uint32_t pid;
	uint64_t start;
	uint64_t vm, voluntary, involuntary; /* as last reported; null */
	struct extra_task *task;	     /* to which `counted` was added */
	uint64_t counted;
	bool job; /* that was of its job */
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

		stream->kinds[i].exec = usable && !strcmp(event->name, "exec");
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

static void release(struct process *p)
{
	if (!p || !p->task)
		return;
	if (p->job == p->task->job)
		p->task->vm -= p->counted;
	p->task = NULL;
	p->counted = 0;
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
	if (stream->kinds[record->kind].exec)
		release(find_process(extra, record->info->boot_id, record->pid, record->start));
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

/* Of whose figures those of the row's process are a part; NULL: of none. */
static struct extra_task *task_of(const struct model_row *row)
{
	struct extra_task *task = row->task && !row->around ? row->task->user : NULL;

	if (task && task->job != row->task->job) /* what has been in it so far is not of its job */
		*task = (struct extra_task){.job = true};
	return task;
}

void extra__sample(struct extra *extra, const struct model_sample *sample)
{
	const struct model_row *row = sample->row;
	struct process *p = find_process(extra, row->run->info->boot_id, row->pid, row->start);
	struct extra_task *task = task_of(row);

	if (sample->source != MODEL_MEM)
		return;
	release(p);
	if (!EVENT_IS_NULL(row->ended_ns) || !task || !p || EVENT_IS_NULL(p->vm))
		return;
	p->task = task;
	p->counted = p->vm;
	p->job = task->job;
	p->task->vm += p->vm;
	p->task->sampled = true;
	if (p->task->vm > p->task->vm_most)
		p->task->vm_most = p->task->vm;
}

static void add_switches(struct extra_task *task, const struct process *p)
{
	if (!p || EVENT_IS_NULL(p->voluntary) || EVENT_IS_NULL(p->involuntary)) {
		task->switches_partial = true;
		return;
	}
	task->voluntary += p->voluntary;
	task->involuntary += p->involuntary;
}

void extra__row(struct extra *extra, const struct model_row *row)
{
	struct process *p = find_process(extra, row->run->info->boot_id, row->pid, row->start);
	struct extra_task *task = task_of(row);

	if (task && row->last)
		add_switches(task, p);
	if (task && model_figure__lacks(row->cpu_ns, row->cpu_partial))
		task->cpu_partial = true;
	release(p);
	if (p && row->last) {
		hash__remove(&extra->processes, &p->node);
		free(p);
	}
}

void extra__task(struct line *line)
{
	const struct extra_task *task = line->task->user;
	bool switches = line->task->rows && !task->switches_partial;

	line->vm_bytes = task->sampled ? task->vm_most : UNKNOWN;
	line->voluntary = switches ? task->voluntary : UNKNOWN;
	line->involuntary = switches ? task->involuntary : UNKNOWN;
	line->cpu_partial = task->cpu_partial;
}

void extra__free(struct extra *extra)
{
	for (size_t i = 0; i < extra->streams_count; i++)
		free(extra->streams[i].kinds);
	hash__free_all(&extra->processes, offsetof(struct process, node));
	free(extra->streams);
}
