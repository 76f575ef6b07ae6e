/* SPDX-License-Identifier: BSD-2-Clause */
/* Provisional events, in a hash table by process. */
#include "core/bpf/settle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/base.h"

struct held {
	struct hash_node node;
	size_t size;
	struct event event; /* and the rest of its bytes */
};

struct settle {
	struct hash hash;
};

struct settle *settle__new(void)
{
	return calloc(1, sizeof(struct settle));
}

/* The first from `node` on that is held for this process. */
static struct held *of_process(struct hash_node *node, __u32 pid, __u64 start)
{
	struct held *held = (struct held *)node; /* its first member */

	while (held && (held->event.pid != pid || held->event.start != start))
		held = (struct held *)hash__next(&held->node);
	return held;
}

static struct held *first_of(const struct settle *settle, __u32 pid, __u64 start)
{
	return of_process(hash__first(&settle->hash, hash__number(pid, start)), pid, start);
}

int settle__hold(struct settle *settle, const struct event *event, size_t size)
{
	struct held *held = malloc(offsetof(struct held, event) + size);

	if (!held)
		return -ENOMEM;
	settle__drop(settle, event);
	held->size = size;
	memcpy(&held->event, event, size);
	if (hash__add(&settle->hash, &held->node, hash__number(event->pid, event->start))) {
		free(held);
		return -ENOMEM;
	}
	return 0;
}

static void unlink_and_free(struct settle *settle, struct held *held)
{
	hash__remove(&settle->hash, &held->node);
	free(held);
}

bool settle__drop(struct settle *settle, const struct event *event)
{
	struct held *held = first_of(settle, event->pid, event->start);

	while (held && held->event.kind != event->kind)
		held = of_process(hash__next(&held->node), event->pid, event->start);
	if (held)
		unlink_and_free(settle, held);
	return held;
}

static void ignore(void *arg, struct event *event, size_t size)
{
	(void)arg;
	(void)event;
	(void)size;
}

void settle__give(struct settle *settle, __u32 pid, __u64 start,
		  void (*give)(void *arg, struct event *event, size_t size), void *arg)
{
	struct held *held;

	for (size_t i = 0; !pid && i < settle->hash.size; i++) {
		while ((held = (struct held *)settle->hash.slots[i])) {
			give(arg, &held->event, held->size);
			unlink_and_free(settle, held);
		}
	}
	while (pid && (held = first_of(settle, pid, start))) {
		give(arg, &held->event, held->size);
		unlink_and_free(settle, held);
	}
}

size_t settle__count(const struct settle *settle)
{
	return settle->hash.count;
}

void settle__free(struct settle *settle)
{
	if (!settle)
		return;
	settle__give(settle, 0, 0, ignore, NULL);
	hash__free(&settle->hash);
	free(settle);
}
