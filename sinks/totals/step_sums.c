/* SPDX-License-Identifier: BSD-2-Clause */
/* What a run's steps used, by their names. */
#include "sinks/totals/step_sums.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct step_sum *find(const struct hash *sums, const char *name, uint64_t key)
{
	struct hash_node *node = hash__first(sums, key);

	while (node && strcmp(step_sum__of(node)->name, name) != 0)
		node = hash__next(node);
	return node ? step_sum__of(node) : NULL;
}

static struct step_sum *get(struct hash *sums, size_t most, const char *name)
{
	uint64_t key = hash__bytes(0, name, strlen(name));
	struct step_sum *sum = find(sums, name, key);

	if (sum)
		return sum;
	if (sums->count >= most && strcmp(name, STEP_SUMS_OTHER) != 0)
		return get(sums, most, STEP_SUMS_OTHER);
	sum = calloc(1, sizeof(*sum) + strlen(name) + 1);
	if (!sum || hash__add(sums, &sum->node, key)) {
		free(sum);
		return NULL;
	}
	sum->cpu_ns = sum->wall_ns = sum->peak_bytes = EVENT_NULL(MODEL_REASON_ABSENT);
	strcpy(sum->name, name);
	return sum;
}

int step_sums__process(struct hash *sums, size_t most, const struct model_process *process)
{
	const struct model_task *task = process->row.task;
	struct step_sum *sum = task ? get(sums, most, task->step) : NULL;

	if (sum)
		sum->outcomes[process->row.outcome]++;
	return task && !sum ? -ENOMEM : 0;
}

int step_sums__task(struct hash *sums, size_t most, const struct model_task *task)
{
	struct step_sum *sum = get(sums, most, task->step);

	if (!sum)
		return -ENOMEM;
	sum->tasks++;
	sum->processes += task->processes;
	sum->failed += model_outcome__bad(task->outcome);
	figure__add(&sum->cpu_ns, task->cpu_ns);
	figure__add(&sum->wall_ns, task->wall_ns);
	figure__set_greater(&sum->peak_bytes, model_task__memory(task));
	return 0;
}

void step_sums__free(struct hash *sums)
{
	hash__free_all(sums, offsetof(struct step_sum, node));
	*sums = (struct hash){0};
}
