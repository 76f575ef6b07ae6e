/* SPDX-License-Identifier: BSD-2-Clause */
/* Provisional events, in a hash table with chaining that grows with their number. */
#include "core/bpf/settle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct held {
	struct held *next;
	size_t size;
	struct event event; /* followed by the rest of it */
};

struct settle {
	struct held **chains;
	size_t mask; /* number of chains - 1 */
	size_t count;
};

struct settle *settle__new(void)
{
	struct settle *settle = calloc(1, sizeof(*settle));

	if (!settle)
		return NULL;
	settle->mask = 255;
	settle->chains = calloc(settle->mask + 1, sizeof(*settle->chains));
	if (!settle->chains) {
		free(settle);
		return NULL;
	}
	return settle;
}

static size_t chain_of(const struct settle *settle, __u32 pid, __u64 start)
{
	__u64 h = (start ^ (__u64)pid << 40) * 0x9e3779b97f4a7c15ull;

	return h >> 32 & settle->mask;
}

/* The link that points to the event held for this kind and process, or to the end of the chain. */
static struct held **find(struct settle *settle, const struct event *event)
{
	struct held **link = &settle->chains[chain_of(settle, event->pid, event->start)];

	while (*link && ((*link)->event.pid != event->pid || (*link)->event.start != event->start ||
			 (*link)->event.kind != event->kind))
		link = &(*link)->next;
	return link;
}

/* Doubles the number of chains. Without memory the table stays as it is, only slower. */
static void grow(struct settle *settle)
{
	size_t mask = settle->mask * 2 + 1, old = settle->mask;
	struct held **chains = calloc(mask + 1, sizeof(*chains)), **was = settle->chains;

	if (!chains)
		return;
	settle->chains = chains;
	settle->mask = mask;
	for (size_t i = 0; i <= old; i++) {
		for (struct held *h = was[i], *next; h; h = next) {
			struct held **head = &chains[chain_of(settle, h->event.pid, h->event.start)];

			next = h->next;
			h->next = *head;
			*head = h;
		}
	}
	free(was);
}

int settle__hold(struct settle *settle, const struct event *event, size_t size)
{
	struct held *held = malloc(offsetof(struct held, event) + size), **link;

	if (!held)
		return -ENOMEM;
	settle__drop(settle, event);
	if (settle->count > settle->mask * 2)
		grow(settle);
	link = find(settle, event);
	held->next = *link;
	held->size = size;
	memcpy(&held->event, event, size);
	*link = held;
	settle->count++;
	return 0;
}

static void unlink_and_free(struct settle *settle, struct held **link)
{
	struct held *held = *link;

	*link = held->next;
	free(held);
	settle->count--;
}

bool settle__drop(struct settle *settle, const struct event *event)
{
	struct held **link = find(settle, event);

	if (!*link)
		return false;
	unlink_and_free(settle, link);
	return true;
}

void settle__give(struct settle *settle, __u32 pid, __u64 start,
		  void (*give)(void *arg, struct event *event, size_t size), void *arg)
{
	size_t from = pid ? chain_of(settle, pid, start) : 0, to = pid ? from : settle->mask;

	for (size_t i = from; i <= to; i++) {
		struct held **link = &settle->chains[i];

		while (*link) {
			if (pid && ((*link)->event.pid != pid || (*link)->event.start != start)) {
				link = &(*link)->next;
				continue;
			}
			give(arg, &(*link)->event, (*link)->size);
			unlink_and_free(settle, link);
		}
	}
}

size_t settle__count(const struct settle *settle)
{
	return settle->count;
}

static void ignore(void *arg, struct event *event, size_t size)
{
	(void)arg;
	(void)event;
	(void)size;
}

void settle__free(struct settle *settle)
{
	if (!settle)
		return;
	settle__give(settle, 0, 0, ignore, NULL);
	free(settle->chains);
	free(settle);
}
