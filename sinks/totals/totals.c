/* SPDX-License-Identifier: BSD-2-Clause */
/* Sums up rows and tasks. */
#include "sinks/totals/totals.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define GROUPS_MAX 10000
#define TIMED_OUT 124 /* the exit code of timeout(1) */
#define OTHER "(other)"

static void add(struct totals_sum *sum, uint64_t value, uint8_t partial)
{
	sum->missing += model_figure__lacks(value, partial) != 0;
	if (EVENT_IS_NULL(value))
		return;
	sum->value += value;
	sum->known++;
}

static void set_greater(uint64_t *most, uint64_t value)
{
	if (!EVENT_IS_NULL(value) && (EVENT_IS_NULL(*most) || value > *most))
		*most = value;
}

static void set_peak(struct totals_peak *most, struct totals_peak peak)
{
	if (!EVENT_IS_NULL(peak.bytes) && (EVENT_IS_NULL(most->bytes) || peak.bytes > most->bytes))
		*most = peak;
}

static struct totals_peak peak_of(const struct model_row *row)
{
	bool bound;
	uint64_t bytes = model_row__peak(row, &bound);

	return (struct totals_peak){bytes, bound};
}

/* ---- groups ---- */

static struct totals_group *group__new(struct totals_groups *groups, const char *name, bool forked, uint64_t key)
{
	struct totals_group *group = calloc(1, sizeof(*group) + strlen(name) + 1);

	if (!group || hash__add(&groups->hash, &group->node, key)) {
		free(group);
		return NULL;
	}
	group->forked = forked;
	group->wall_max = group->peak.bytes = group->together = EVENT_NULL(MODEL_REASON_ABSENT);
	strcpy(group->name, name);
	return group;
}

static struct totals_group *group__get(struct totals_groups *groups, const char *name, bool forked)
{
	uint64_t key = hash__bytes(forked, name, strlen(name));
	struct hash_node *node = hash__first(&groups->hash, key);

	for (; node; node = hash__next(node)) {
		struct totals_group *group = totals_group__of(node);

		if (group->forked == forked && !strcmp(group->name, name))
			return group;
	}
	if (groups->hash.count < GROUPS_MAX || !strcmp(name, OTHER))
		return group__new(groups, name, forked, key);
	return group__get(groups, OTHER, false);
}

/* Figures of a program or a task, and why they are not whole. */
struct used {
	uint64_t cpu_ns;
	const uint64_t *io;
	uint8_t cpu_partial, io_partial;
};

static void group__add(struct totals_group *group, bool failed, uint64_t wall_ns, const struct used *used,
		       struct totals_peak peak)
{
	group->count++;
	group->failed += failed;
	add(&group->cpu, used->cpu_ns, used->cpu_partial);
	add(&group->wall, wall_ns, 0);
	set_greater(&group->wall_max, wall_ns);
	add(&group->read, used->io[MODEL_IO_READ_BYTES], used->io_partial);
	add(&group->written, used->io[MODEL_IO_WRITE_BYTES], used->io_partial);
	set_peak(&group->peak, peak);
}

void totals_groups__free(struct totals_groups *groups)
{
	hash__free_all(&groups->hash, offsetof(struct totals_group, node));
}

/* ---- runs ---- */

void totals_run__init(struct totals_run *totals, const struct model_run *run)
{
	totals->run = run;
	totals->peak.bytes = totals->began_ns = totals->ended_ns = EVENT_NULL(MODEL_REASON_ABSENT);
}

/* A timeout(1) that has ended its command. */
static bool is_timeout(const struct model_row *row)
{
	return row->exit_code == TIMED_OUT && !strcmp(model_command__name(row->command, row->comm), "timeout") &&
	       model_command__timed_out(row->command, row->wall_ns);
}

/* A failure began in it. */
static bool has_failed(const struct model_row *row)
{
	return model_outcome__bad(row->outcome) && !row->propagated;
}

static void add_to_run(struct totals_run *run, const struct model_row *row)
{
	run->rows++;
	run->processes += row->last;
	run->programs += row->image || row->preexisting;
	run->failed += has_failed(row);
	run->propagated += model_outcome__bad(row->outcome) && row->propagated;
	run->muted += row->muted;
	run->running += row->outcome == MODEL_RUNNING;
	run->unknown += row->outcome == MODEL_UNKNOWN;
	run->preexisting |= row->preexisting;
	add(&run->cpu, row->cpu_ns, row->cpu_partial);
	set_peak(&run->peak, peak_of(row));
	set_greater(&run->hugetlb_bytes, row->hugetlb_bytes);
	if (EVENT_IS_NULL(run->began_ns) || row->began_ns < run->began_ns)
		run->began_ns = row->began_ns;
	if (!EVENT_IS_NULL(row->wall_ns))
		set_greater(&run->ended_ns, row->began_ns + row->wall_ns);
	if (!EVENT_IS_NULL(row->cpu_span_ns) && row->cpu_from_ns + row->cpu_span_ns > run->cpu_until_ns)
		run->cpu_until_ns = row->cpu_from_ns + row->cpu_span_ns;
	if (row->root && row->last) {
		run->ended = true;
		run->root = *row;
		run->end = model_run__end(row);
		run->timed_out = is_timeout(&run->end);
	}
}

uint64_t totals_run__wall(const struct totals_run *totals)
{
	bool known = !EVENT_IS_NULL(totals->ended_ns);
	uint64_t began = known && !totals->preexisting ? totals->began_ns : totals->run->first_ts;
	uint64_t ended = known ? totals->ended_ns : totals->run->last_ts;

	return ended > began ? ended - began : 0;
}

double totals_run__cores(const struct totals_run *totals)
{
	uint64_t wall = totals_run__wall(totals), until = totals->cpu_until_ns;
	uint64_t span = EVENT_IS_NULL(totals->ended_ns) || until < totals->ended_ns ? wall : until - totals->began_ns;

	return totals->preexisting || !span ? 0 : (double)totals->cpu.value / (double)span;
}

/* ---- as the model calls ---- */

static void note_missing(uint64_t missing[256], uint64_t value, uint8_t partial)
{
	uint8_t why = model_figure__lacks(value, partial);

	if (why)
		missing[why]++;
}

int totals__row(struct totals_run *run, struct totals_groups *commands, const struct model_row *row)
{
	struct used used = {row->cpu_ns, row->io, row->cpu_partial, row->io_partial};
	struct totals_group *group = NULL;

	if (commands) {
		group = group__get(commands, model_command__name(row->command, row->comm), row->forked);
		if (!group)
			return -ENOMEM;
	}
	add_to_run(run, row);
	note_missing(run->missing[TOTALS_CPU], row->cpu_ns, row->cpu_partial);
	note_missing(run->missing[TOTALS_WALL], row->wall_ns, 0);
	note_missing(run->missing[TOTALS_PEAK], row->peak_rss_bytes, 0);
	if (group)
		group__add(group, has_failed(row), row->wall_ns, &used, peak_of(row));
	return 0;
}

int totals__task(struct totals_groups *steps, const struct model_task *task)
{
	struct totals_group *step = group__get(steps, task->step, false);
	struct totals_peak peak = {task->peak_rss_bytes, task->peak_is_bound};
	/* without a reason for CPU: its programs that lack it are counted below */
	struct used used = {task->cpu_ns, task->io, 0, task->io_partial};

	if (!step)
		return -ENOMEM;
	group__add(step, model_outcome__bad(task->outcome), task->wall_ns, &used, peak);
	step->cpu.missing += task->rows_without_cpu;
	step->programs += task->rows;
	step->processes += task->processes;
	step->programs_failed += task->failed;
	set_greater(&step->together, model_task__memory(task));
	return 0;
}

/* A failure turns out to be none. */
static int take_back(struct totals_run *run, struct totals_groups *commands, const struct model_row *row)
{
	struct totals_group *group =
		commands ? group__get(commands, model_command__name(row->command, row->comm), row->forked) : NULL;

	if (commands && !group)
		return -ENOMEM;
	if (group)
		group->failed -= !row->propagated;
	run->failed -= !row->propagated;
	run->propagated -= row->propagated;
	return 0;
}

int totals__retried(struct totals_run *run, struct totals_groups *commands, const struct model_row *row)
{
	run->retried += !row->propagated;
	return take_back(run, commands, row);
}

int totals__ignored(struct totals_run *run, struct totals_groups *commands, const struct model_row *row)
{
	run->ignored += !row->propagated;
	return take_back(run, commands, row);
}

int totals__hidden(struct totals_run *run, struct totals_groups *commands, struct totals_groups *steps,
		   const struct model_row *row, bool suspected)
{
	const struct model_task *task = steps ? row->task : NULL;
	struct totals_group *step;

	if (row->propagated)
		return 0;
	step = task ? group__get(steps, task->step, false) : NULL;
	if (task && !step)
		return -ENOMEM;
	if (step)
		step->hidden += !suspected;
	if (step && suspected && step->failed && task->pid == row->pid && task->start == row->start)
		step->failed--;
	run->hidden += !suspected;
	return suspected ? take_back(run, commands, row) : 0;
}

/* ---- a run's name and result ---- */

const char *totals_run__name(const struct stream_info *info)
{
	const char *const *command = info->run.command;
	const char *slash;

	if (info->run.name && *info->run.name)
		return info->run.name;
	if (!command || !*command || !**command)
		return "unnamed";
	slash = strrchr(*command, '/');
	return slash && slash[1] ? slash + 1 : *command;
}

const char *totals_run__result(const struct totals_run *totals)
{
	const struct model_row *end = &totals->end;

	if (!totals->ended)
		return NULL;
	switch (end->outcome) {
	case MODEL_OK:
		return "success";
	case MODEL_FAILED:
		return totals->timed_out ? "timeout" : "failure";
	case MODEL_KILLED:
		return !strcmp(end->signal_name, "SIGINT") || !strcmp(end->signal_name, "SIGTERM") ? "cancellation"
												   : "failure";
	case MODEL_OOM:
		return "error";
	case MODEL_RUNNING:
	case MODEL_UNKNOWN:
		break;
	}
	return NULL;
}
