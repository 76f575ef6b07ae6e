/* SPDX-License-Identifier: BSD-2-Clause */
/* Sums up by step and command what tasks requested and used. */
#include "sinks/advise/needs.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MIB 1048576.0
#define SLACK 0.1 /* an engine's own processes use up to a tenth of a core: that needs no thread */

/* ---- names ---- */

static struct need *need_of(struct hash_node *node)
{
	return (struct need *)((char *)node - offsetof(struct need, node));
}

static int append(struct need ***needs, size_t *count, struct need *need)
{
	struct need **more = reallocarray(*needs, *count + 1, sizeof(struct need *));

	if (!more)
		return -ENOMEM;
	*needs = more;
	more[(*count)++] = need;
	return 0;
}

static struct need *new_need(struct needs *needs, struct need *step, const char *name, size_t length, uint64_t key)
{
	struct need *need = calloc(1, sizeof(*need));
	int err;

	if (!need)
		return NULL;
	need->step = step;
	need->name = strndup(name, length);
	if (!need->name || hash__add(&needs->all, &need->node, key)) {
		free(need->name);
		free(need);
		return NULL;
	}
	err = step ? append(&step->commands, &step->commands_count, need)
		   : append(&needs->steps, &needs->steps_count, need);
	return err ? NULL : need; /* the hash frees it */
}

/* NULL: out of memory. */
static struct need *get_need(struct needs *needs, struct need *step, const char *name, size_t length)
{
	uint64_t key = hash__bytes((uintptr_t)step, name, length);
	struct hash_node *node = hash__first(&needs->all, key);

	for (; node; node = hash__next(node)) {
		struct need *need = need_of(node);

		if (need->step == step && strlen(need->name) == length && !memcmp(need->name, name, length))
			return need;
	}
	return new_need(needs, step, name, length, key);
}

static const struct nextflow_task *their_task(const struct needs *needs, const struct model_task *task)
{
	return needs->theirs && task->id ? nextflow__find(needs->theirs, task->id) : NULL;
}

static bool counts(const struct needs *needs, const struct model_task *task)
{
	if (needs->theirs)
		return their_task(needs, task) != NULL;
	return !needs->rules || !strcmp(task->rules, needs->rules);
}

/* Nextflow names a task by its process, and a tag in parentheses. */
static struct need *step_of(struct needs *needs, const struct model_task *task)
{
	const struct nextflow_task *theirs = their_task(needs, task);
	const char *name = theirs ? nextflow__value(needs->theirs, theirs, "process") : NULL;
	const char *tag = NULL;
	struct need *need;

	if (theirs && !name) {
		name = nextflow__value(needs->theirs, theirs, "name");
		tag = name ? strstr(name, " (") : NULL;
	}
	if (!name)
		name = task->step;
	need = get_need(needs, NULL, name, tag ? (size_t)(tag - name) : strlen(name));
	if (need && !theirs)
		need->unnamed |= (!strcmp(task->rules, "nextflow") && !strcmp(task->step, "nextflow task")) ||
				 (!strcmp(task->rules, "snakemake") && !task->id);
	return need;
}

/* ---- requests ---- */

/* "8 GB", "1.5 GB" or, raw, bytes. 0: not known. */
static uint64_t bytes_of(const char *text)
{
	static const char units[] = "KMGTP";
	const char *unit;
	char *end;
	double value = text ? strtod(text, &end) : 0;

	if (!text || end == text || value <= 0)
		return 0;
	while (isspace((unsigned char)*end))
		end++;
	unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
	for (const char *u = units; unit && u <= unit; u++)
		value *= 1024;
	return series__whole(value);
}

static void asked_for(const struct needs *needs, struct need *need, const struct model_task *task)
{
	const struct nextflow_task *theirs = their_task(needs, task);
	const char *cpus = theirs ? nextflow__value(needs->theirs, theirs, "cpus") : NULL;
	uint64_t count = cpus ? strtoull(cpus, NULL, 10) : 0;
	uint64_t bytes = theirs ? bytes_of(nextflow__value(needs->theirs, theirs, "memory")) : 0;

	if (count > need->cpus)
		need->cpus = count;
	if (bytes > need->memory_bytes)
		need->memory_bytes = bytes;
}

/* ---- the model's calls ---- */

static struct needs_task *begun(const struct needs *needs, const struct model_task *model, uint64_t began_ns)
{
	struct needs_task *task = model->user;

	if (!task->busy.width_ns || task->job != model->job)
		busy__init(&task->busy, began_ns, needs->interval_ns);
	task->job = model->job;
	return task;
}

/* A span is at least the shortest interval of busy.h, or two tools in a pipe for 10 ms would need two CPUs. */
static double average(uint64_t cpu_ns, uint64_t span_ns)
{
	uint64_t width_ns = busy__width(0);

	return model__cores(cpu_ns, span_ns > width_ns ? span_ns : width_ns);
}

static int add_command(struct needs *needs, const struct model_row *row)
{
	const char *name = model_command__name(row->command, row->comm);
	bool bound;
	uint64_t bytes = model_row__peak(row, &bound);
	struct need *step = step_of(needs, row->task);
	struct need *need = step ? get_need(needs, step, name, strlen(name)) : NULL;
	int err = 0;

	if (!need)
		return -ENOMEM;
	need->count++;
	need->running += row->outcome == MODEL_RUNNING;
	need->out_of_memory += row->outcome == MODEL_OOM;
	if (!EVENT_IS_NULL(row->cpu_ns) && !EVENT_IS_NULL(row->ended_ns) && !row->preexisting)
		err = series__add(&need->cores, average(row->cpu_ns, row->cpu_span_ns));
	if (!err && !EVENT_IS_NULL(bytes))
		err = series__add(&need->bytes, (double)(bytes + row->hugetlb_bytes));
	return err;
}

int needs__row(struct needs *needs, const struct model_row *row)
{
	if (!row->task || !counts(needs, row->task))
		return 0;
	if (row->outcome == MODEL_OOM)
		begun(needs, row->task, row->began_ns)->out_of_memory = true;
	return row->forked || row->around ? 0 : add_command(needs, row);
}

int needs__sample(struct needs *needs, const struct model_sample *sample)
{
	const struct model_row *row = sample->row;
	uint64_t from = sample->from_ns;
	struct busy *busy;

	if (sample->source != MODEL_CPU || !row->task || row->around || row->preexisting || !counts(needs, row->task))
		return 0;
	busy = &begun(needs, row->task, from)->busy;
	/* A sample without a change is not reported: the change came after it. */
	if (needs->interval_ns && sample->until_ns - from > needs->interval_ns * 3 / 2)
		from = sample->until_ns - needs->interval_ns;
	busy__add(busy, from, sample->until_ns, sample->cpu_ns);
	return 0;
}

/* Pages that several processes hold: worth a word if they may be a tenth of the memory. */
static void note_shared(struct need *need, const struct model_task *model)
{
	uint64_t most = model->rss_peak_bytes, least = model->rss_lower_bytes;

	if (EVENT_IS_NULL(most) || EVENT_IS_NULL(least) || least > most - most / 10)
		return;
	if (most - least <= need->shared_most - need->shared_least)
		return;
	need->shared_most = most;
	need->shared_least = least;
}

static int add_task(struct need *need, const struct model_task *model)
{
	const struct needs_task *task = model->user;
	uint64_t huge = EVENT_IS_NULL(model->hugetlb_bytes) ? 0 : model->hugetlb_bytes;
	uint64_t bytes = model_task__memory(model);
	double cores, busiest;
	int err = 0;

	need->count++;
	need->out_of_memory += task->out_of_memory;
	if (!EVENT_IS_NULL(model->cpu_ns) && !EVENT_IS_NULL(model->ended_ns)) {
		cores = average(model->cpu_ns, model->cpu_span_ns);
		busiest = task->busy.width_ns ? busy__most(&task->busy, model->ended_ns) : 0;
		err = series__add(&need->cores, busiest > cores ? busiest : cores);
	}
	note_shared(need, model);
	return err || EVENT_IS_NULL(bytes) ? err : series__add(&need->bytes, (double)(bytes + huge));
}

int needs__task(struct needs *needs, const struct model_task *model)
{
	struct need *need;

	if (!counts(needs, model))
		return 0;
	need = step_of(needs, model);
	if (!need)
		return -ENOMEM;
	need->running += model->outcome == MODEL_RUNNING;
	asked_for(needs, need, model);
	return add_task(need, model);
}

void needs__free(struct needs *needs)
{
	for (size_t i = 0; i < needs->all.size; i++) {
		while (needs->all.slots[i]) {
			struct need *need = need_of(needs->all.slots[i]);

			hash__remove(&needs->all, &need->node);
			series__free(&need->cores);
			series__free(&need->bytes);
			free(need->commands);
			free(need->name);
			free(need);
		}
	}
	hash__free(&needs->all);
	free(needs->steps);
}

/* ---- what to request ---- */

uint64_t need__cpus(struct need *need)
{
	double cores = need->cores.count ? ceil(series__p95(&need->cores) - SLACK) : 0;

	return !need->cores.count ? 0 : cores < 1 ? 1 : series__whole(cores);
}

/* Rounded as a person would. */
uint64_t need__memory(const struct need *need, uint64_t headroom)
{
	double bytes = need->bytes.most * (100.0 + (double)headroom) / 100;
	double step = bytes <= 1024 * MIB ? 128 * MIB : bytes <= 8192 * MIB ? 512 * MIB : 1024 * MIB;

	return need->bytes.count ? series__whole(ceil(bytes / step) * step) : 0;
}
