/* SPDX-License-Identifier: BSD-2-Clause */
/* What the report says of all processes. */
#include "sinks/report/totals.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 10000
#define OTHER "(other)"

static void add(struct totals_sum *sum, uint64_t value)
{
	if (!EVENT_IS_NULL(value)) {
		sum->value += value;
		sum->known++;
	} else if (EVENT_NULL_REASON(value) != MODEL_REASON_REPLACED) {
		sum->missing++; /* what is counted elsewhere is not missing */
	}
}

static void take_greater(uint64_t *most, uint64_t value)
{
	if (!EVENT_IS_NULL(value) && (EVENT_IS_NULL(*most) || value > *most))
		*most = value;
}

/* ---- commands ---- */

static struct totals_command *command__new(struct totals *totals, struct intern_string *name, bool forked, uint64_t key)
{
	struct totals_command *command = calloc(1, sizeof(*command));

	if (!command || hash__add(&totals->commands, &command->node, key)) {
		free(command);
		intern__put(totals->strings, name);
		return NULL;
	}
	command->name = name;
	command->forked = forked;
	command->peak.value = EVENT_NULL(MODEL_REASON_ABSENT);
	command->wall_max = EVENT_NULL(MODEL_REASON_ABSENT);
	return command;
}

static struct totals_command *command__get(struct totals *totals, const char *string, bool forked)
{
	struct intern_string *name = intern__get(totals->strings, string, strlen(string));
	uint64_t key = hash__number(forked, (uintptr_t)name);
	struct hash_node *node = hash__first(&totals->commands, key);

	if (!name)
		return NULL;
	for (; node; node = hash__next(node)) {
		struct totals_command *command = totals_command__of(node);

		if (command->name == name && command->forked == forked) {
			intern__put(totals->strings, name);
			return command;
		}
	}
	if (totals->commands.count < NAMES_MAX || !strcmp(string, OTHER))
		return command__new(totals, name, forked, key);
	intern__put(totals->strings, name);
	return command__get(totals, OTHER, false);
}

static int count_command(struct totals *totals, const struct model_row *row)
{
	struct totals_command *command =
		command__get(totals, model_command__name(row->command, row->comm), row->forked);
	uint64_t peak = row->peak_rss_bytes;
	bool bound = EVENT_IS_NULL(peak) && !EVENT_IS_NULL(row->sampled_rss_bytes);

	if (!command)
		return -ENOMEM;
	command->rows++;
	command->failed += model_outcome__bad(row->outcome);
	add(&command->cpu, row->cpu_ns);
	add(&command->wall, row->wall_ns);
	take_greater(&command->wall_max, row->wall_ns);
	add(&command->read, row->io[MODEL_IO_READ_BYTES]);
	add(&command->written, row->io[MODEL_IO_WRITE_BYTES]);
	peak = bound ? row->sampled_rss_bytes : peak;
	if (!EVENT_IS_NULL(peak) && (EVENT_IS_NULL(command->peak.value) || peak > command->peak.value))
		command->peak = (struct totals_peak){peak, bound};
	return 0;
}

/* ---- steps ---- */

static struct totals_step *step__new(struct totals *totals, struct intern_string *name, uint64_t key)
{
	struct totals_step *step = calloc(1, sizeof(*step));

	if (!step || hash__add(&totals->steps, &step->node, key)) {
		free(step);
		intern__put(totals->strings, name);
		return NULL;
	}
	step->name = name;
	step->wall_max = step->peak = step->together = EVENT_NULL(MODEL_REASON_ABSENT);
	return step;
}

static struct totals_step *step__get(struct totals *totals, const char *string)
{
	struct intern_string *name = intern__get(totals->strings, string, strlen(string));
	uint64_t key = hash__number(0, (uintptr_t)name);
	struct hash_node *node = hash__first(&totals->steps, key);

	if (!name)
		return NULL;
	for (; node; node = hash__next(node)) {
		if (totals_step__of(node)->name == name) {
			intern__put(totals->strings, name);
			return totals_step__of(node);
		}
	}
	if (totals->steps.count < NAMES_MAX || !strcmp(string, OTHER))
		return step__new(totals, name, key);
	intern__put(totals->strings, name);
	return step__get(totals, OTHER);
}

int totals__task(struct totals *totals, const struct model_task *task)
{
	struct totals_step *step = step__get(totals, task->step);

	if (step && !step->rules && task->rules)
		step->rules = intern__get(totals->strings, task->rules, strlen(task->rules));
	if (!step || (task->rules && !step->rules))
		return -ENOMEM;
	step->tasks++;
	step->bad += model_outcome__bad(task->outcome);
	step->rows += task->rows;
	step->processes += task->processes;
	step->failed += task->failed;
	add(&step->cpu, task->cpu_ns);
	step->cpu.missing += task->rows_without_cpu;
	add(&step->wall, task->wall_ns);
	take_greater(&step->wall_max, task->wall_ns);
	take_greater(&step->peak, task->peak_rss_bytes);
	take_greater(&step->together, task->rss_peak_bytes);
	add(&step->read, task->io[MODEL_IO_READ_BYTES]);
	add(&step->written, task->io[MODEL_IO_WRITE_BYTES]);
	return 0;
}

/* ---- runs ---- */

int totals__hidden(struct totals *totals, const struct model_row *row)
{
	struct totals_run *run = totals__run(totals, row->run);
	struct totals_step *step = row->task ? step__get(totals, row->task->step) : NULL;

	if (!run || (row->task && !step))
		return -ENOMEM;
	run->hidden++;
	if (step)
		step->hidden++;
	return 0;
}

struct totals_run *totals__run(struct totals *totals, const struct model_run *run)
{
	struct totals_run *runs;

	if (run->index >= totals->runs_count) {
		runs = reallocarray(totals->runs, run->index + 1, sizeof(*runs));
		if (!runs)
			return NULL;
		memset(runs + totals->runs_count, 0, (run->index + 1 - totals->runs_count) * sizeof(*runs));
		totals->runs = runs;
		totals->runs_count = run->index + 1;
	}
	totals->runs[run->index].run = run;
	return &totals->runs[run->index];
}

static void take_root(struct totals_run *run, const struct model_row *row)
{
	run->ended = 1;
	run->root_outcome = (uint8_t)row->outcome;
	run->root_benign = row->benign;
	run->root_code = row->exit_code;
	run->root_signal = row->signal;
	run->root_ended = row->ended_ns;
	memcpy(run->root_signal_name, row->signal_name, sizeof(run->root_signal_name));
}

static void note_missing(struct totals *totals, enum totals_figure figure, uint64_t value)
{
	if (EVENT_IS_NULL(value) && EVENT_NULL_REASON(value) != MODEL_REASON_REPLACED)
		totals->missing[figure][EVENT_NULL_REASON(value)]++;
}

int totals__row(struct totals *totals, const struct model_row *row)
{
	struct totals_run *run = totals__run(totals, row->run);
	bool bad = model_outcome__bad(row->outcome);

	if (!run)
		return -ENOMEM;
	run->rows++;
	run->processes += row->last;
	run->programs += row->image || row->older;
	run->failed += bad;
	run->propagated += bad && row->propagated;
	run->running += row->outcome == MODEL_RUNNING;
	run->unknown += row->outcome == MODEL_UNKNOWN;
	run->older |= row->older;
	add(&run->cpu, row->cpu_ns);
	if (row->root && row->last)
		take_root(run, row);
	note_missing(totals, TOTALS_CPU, row->cpu_ns);
	note_missing(totals, TOTALS_PEAK, row->peak_rss_bytes);
	if (row->outcome != MODEL_RUNNING)
		note_missing(totals, TOTALS_WALL, row->wall_ns);
	return count_command(totals, row);
}

/* ---- the end ---- */

static void free_nodes(struct hash *hash, void (*drop)(struct hash_node *node))
{
	for (size_t i = 0; i < hash->size; i++) {
		struct hash_node *node = hash->slots[i], *next;

		for (; node; node = next) {
			next = node->next;
			drop(node);
		}
	}
	hash__free(hash);
}

static void drop_command(struct hash_node *node)
{
	free(totals_command__of(node));
}

static void drop_step(struct hash_node *node)
{
	free(totals_step__of(node));
}

void totals__free(struct totals *totals)
{
	free_nodes(&totals->commands, drop_command);
	free_nodes(&totals->steps, drop_step);
	free(totals->runs);
}
