/* SPDX-License-Identifier: BSD-2-Clause */
/* What files of tasks begin with, as recorded, for the conditions `file` of rules, and what engines have logged of their jobs.
 * A task's programs follow soon. */
#include "sinks/model/process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/steps/steps.h"

#define HEADS_MAX 4096 /* of a run: the latest */

enum { TEXT, PATH, ENGINE = PATH }; /* fields of the roles */

struct head {
	struct hash_node node;
	struct head *next; /* the one that came after it */
	size_t length;
	char *text;
	char path[];
};

static struct head *head__of(struct hash_node *node)
{
	return (struct head *)((char *)node - offsetof(struct head, node));
}

static uint64_t key_of(const char *path, size_t length)
{
	return hash__bytes(0, path, length);
}

static void drop_oldest(struct heads *heads)
{
	struct head *oldest = heads->oldest;

	heads->oldest = oldest->next;
	if (!heads->oldest)
		heads->newest = NULL;
	hash__remove(&heads->all, &oldest->node);
	free(oldest);
}

/* The latest one of a path counts: an engine may use a folder again. */
int head__take(const struct feed *f)
{
	const struct value *text = f->field[TEXT], *path = f->field[PATH];
	struct heads *heads = &f->run->heads;
	struct head *head;

	if (text->type != VALUE_STRING || path->type != VALUE_STRING)
		return 0;
	head = calloc(1, sizeof(*head) + path->length + 1 + text->length);
	if (!head)
		return -ENOMEM;
	memcpy(head->path, path->string, path->length);
	head->text = memcpy(head->path + path->length + 1, text->string, text->length);
	head->length = text->length;
	if (hash__add(&heads->all, &head->node, key_of(path->string, path->length))) {
		free(head);
		return -ENOMEM;
	}
	*(heads->newest ? &heads->newest->next : &heads->oldest) = head;
	heads->newest = head;
	if (heads->all.count > HEADS_MAX)
		drop_oldest(heads);
	return 0;
}

int head__take_log(const struct feed *f)
{
	const struct value *text = f->field[TEXT], *engine = f->field[ENGINE];
	char name[32];
	int err;

	if (text->type != VALUE_STRING || engine->type != VALUE_STRING || engine->length >= sizeof(name))
		return 0;
	memcpy(name, engine->string, engine->length);
	name[engine->length] = '\0';
	err = steps_log__add(&f->run->log, name, text->string, text->length);
	return err == -ENOMEM ? err : 0;
}

static const struct head *latest_of(const struct heads *heads, const char *path)
{
	const struct head *found = NULL;
	struct hash_node *node = hash__first(&heads->all, key_of(path, strlen(path)));

	for (; node; node = hash__next(node))
		if (!strcmp(head__of(node)->path, path) && (!found || found->node.order < node->order))
			found = head__of(node);
	return found;
}

const char *head__find(void *run, const char *const *paths, size_t *length)
{
	struct heads *heads = &((struct run *)run)->heads;
	const struct head *found = NULL;

	for (; *paths && !found; paths++)
		found = latest_of(heads, *paths);
	heads->lacking |= !found;
	*length = found ? found->length : 0;
	return found ? found->text : NULL;
}

bool model__lacks_files(const struct model *model)
{
	bool lacking = false;

	for (size_t i = 0; i < model->runs_count; i++)
		lacking |= model->runs[i]->heads.lacking;
	return lacking;
}

void heads__free(struct heads *heads)
{
	while (heads->oldest)
		drop_oldest(heads);
	hash__free(&heads->all);
}
