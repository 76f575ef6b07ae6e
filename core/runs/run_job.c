/* SPDX-License-Identifier: BSD-2-Clause */
/* The batch job of a run by its first records, and how it ended. */
#include "core/runs/run_job.h"

#include <stdio.h>
#include <string.h>

struct variables {
	const struct value *map;
	const uint8_t *end;
};

static bool get_variable(const void *from, const char *name, char value[STREAM_JOB_VALUE])
{
	const struct variables *variables = from;
	const uint8_t *cursor = variables->map->items;
	const char *item, *text;
	uint32_t n, m;

	for (uint32_t i = 0; i < variables->map->length; i++) {
		if (!value__item(&cursor, variables->end, &item, &n) ||
		    !value__item(&cursor, variables->end, &text, &m))
			return false;
		if (n == strlen(name) && !memcmp(item, name, n))
			return stream_job__value(value, text, m);
	}
	return false;
}

void run_job__find(char job[STREAM_JOB_TEXT], const struct record *record)
{
	int field = stream_event__field(record->event, "env");
	struct value values[SCHEMA_FIELDS_MAX];
	struct variables variables = {.end = record->bytes + record->size};

	if (field < 0 || *job || record__values(record, values) || values[field].type != VALUE_MAP)
		return;
	variables.map = &values[field];
	stream_job__find(job, get_variable, &variables);
}

static void get_comm(char comm[EVENT_COMM], const struct record *record)
{
	int field = stream_event__field(record->event, "comm");
	struct value values[SCHEMA_FIELDS_MAX];

	*comm = '\0';
	if (field >= 0 && !record__values(record, values) && values[field].type == VALUE_STRING)
		snprintf(comm, EVENT_COMM, "%.*s", (int)values[field].length, values[field].string);
}

bool run_job__is_starter(const struct record *record)
{
	char comm[EVENT_COMM];

	get_comm(comm, record);
	return stream_job__is_starter(comm);
}

void run_tasks__begin(struct run_tasks *tasks, const struct stream_run *run, const struct record *record)
{
	char comm[EVENT_COMM];

	get_comm(comm, record);
	tasks->pid = stream_job__carries(run, comm) ? record->pid : 0;
	tasks->start = record->start;
}

static struct run_task *find_task(struct run_tasks *tasks, const struct record *record)
{
	uint32_t i = 0;

	while (i < tasks->count && (tasks->seen[i].pid != record->pid || tasks->seen[i].start != record->start))
		i++;
	if (i == RUN_TASKS_MAX)
		return NULL;
	if (i == tasks->count)
		tasks->seen[tasks->count++] = (struct run_task){record->pid, record->start, false};
	return &tasks->seen[i];
}

static bool is_number(const struct value *value, uint64_t number)
{
	return value->type == VALUE_UINT && value->u == number;
}

static void see_end(struct run_tasks *tasks, const struct record *record, const struct value *code,
		    const struct value *number)
{
	bool killed = number->type == VALUE_UINT;

	if ((!killed && (code->type != VALUE_UINT || !code->u)) || (tasks->failed_ns && tasks->failed_ns <= record->ts))
		return;
	tasks->failed_ns = record->ts;
	tasks->exit_code = killed ? EVENT_NULL(EVENT_REASON_NONE) : code->u;
	tasks->signal = killed ? number->u : EVENT_NULL(EVENT_REASON_NONE);
}

void run_tasks__see(struct run_tasks *tasks, const struct record *record)
{
	int ppid = stream_event__field(record->event, "ppid"),
	    start = stream_event__field(record->event, "parent_start"),
	    code = stream_event__field(record->event, "exit_code"),
	    number = stream_event__field(record->event, "signal");
	struct value values[SCHEMA_FIELDS_MAX];
	struct run_task *task;

	if (!tasks->pid || ppid < 0 || start < 0 || record__values(record, values) ||
	    !is_number(&values[ppid], tasks->pid) || !is_number(&values[start], tasks->start))
		return;
	task = find_task(tasks, record);
	if (!task)
		tasks->more = true;
	if (code < 0 || number < 0)
		return;
	if (task)
		task->ended = true;
	see_end(tasks, record, &values[code], &values[number]);
}

/* Whether each that was seen to begin was seen to end as well. */
static bool have_all_ended(const struct run_tasks *tasks)
{
	uint32_t ended = 0;

	for (uint32_t i = 0; i < tasks->count; i++)
		ended += tasks->seen[i].ended;
	return ended == tasks->count && !tasks->more;
}

/* A signal without a job may have ended what only keeps a place, as the process of Slurm's extern step does. */
void run_tasks__end(const struct run_tasks *tasks, bool whole, bool job, uint64_t *exit_code, uint64_t *signal)
{
	bool failed = tasks->failed_ns, job_failed = failed && (job || EVENT_IS_NULL(tasks->signal));

	if (!tasks->pid || *exit_code)
		return;
	if (job_failed) {
		*exit_code = tasks->exit_code;
		*signal = tasks->signal;
	} else if (failed || (!whole && !have_all_ended(tasks))) {
		*exit_code = EVENT_NULL(EVENT_REASON_LOST);
	}
}
