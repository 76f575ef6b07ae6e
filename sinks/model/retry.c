/* SPDX-License-Identifier: BSD-2-Clause */
/* Tasks of a step that failed, and that its engine tried again: those of one step and tag. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/model/process.h"

#define RETRIES_MAX 10000 /* that are kept; of more it is not known whether they were retried */

struct retry {
	struct hash_node node;
	struct ending *ending; /* a reference */
	const struct run *run;
	const char *rules;
	char *tag;
	char step[]; /* the tag follows */
};

static struct retry *retry_of(struct hash_node *node)
{
	return (struct retry *)((char *)node - offsetof(struct retry, node));
}

static uint64_t key_of(const struct task *task)
{
	uint64_t key = hash__bytes(task->run->pub.index, task->pub.step, strlen(task->pub.step));

	return hash__bytes(key, task->pub.tag, strlen(task->pub.tag));
}

static void retry__free(struct model *model, struct retry *retry)
{
	hash__remove(&model->retries, &retry->node);
	ending__unref(retry->ending);
	free(retry);
}

static int keep(struct model *model, const struct task *task)
{
	size_t step = strlen(task->pub.step) + 1, tag = strlen(task->pub.tag) + 1;
	struct retry *retry;

	if (model->retries.count >= RETRIES_MAX)
		return 0;
	retry = calloc(1, sizeof(*retry) + step + tag);
	if (!retry)
		return -ENOMEM;
	memcpy(retry->step, task->pub.step, step);
	retry->tag = memcpy(retry->step + step, task->pub.tag, tag);
	retry->run = task->run;
	retry->rules = task->pub.rules;
	if (hash__add(&model->retries, &retry->node, key_of(task))) {
		free(retry);
		return -ENOMEM;
	}
	retry->ending = ending__ref((struct ending *)task->pub.ending);
	return 0;
}

static void settle(struct model *model, const struct task *task)
{
	struct hash_node *node = hash__first(&model->retries, key_of(task)), *next;

	for (; node; node = next) {
		struct retry *retry = retry_of(node);

		next = hash__next(node);
		if (retry->run != task->run || strcmp(retry->rules, task->pub.rules) ||
		    strcmp(retry->step, task->pub.step) || strcmp(retry->tag, task->pub.tag))
			continue;
		retry->ending->fate->retried = true;
		retry__free(model, retry);
	}
}

int retry__task(struct model *model, struct task *task)
{
	bool bad = model_outcome__bad(task->pub.outcome) && task->pub.ending;

	if (task->tried || !task->pub.tag || (!bad && task->pub.outcome != MODEL_OK))
		return 0;
	task->tried = true;
	if (bad)
		return keep(model, task);
	settle(model, task);
	return 0;
}

void retry__free_all(struct model *model)
{
	for (size_t i = 0; i < model->retries.size; i++)
		while (model->retries.slots[i])
			retry__free(model, retry_of(model->retries.slots[i]));
	hash__free(&model->retries);
}
