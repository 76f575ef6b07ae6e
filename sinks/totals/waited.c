/* SPDX-License-Identifier: BSD-2-Clause */
/* What those waited for that were ended from outside, as at a time limit: by what samples saw them wait for the longest. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/totals/story.h"

#define WAITED_MAX 256 /* of a run */
#define SHOWN_MAX 3
#define BUSY 20 /* one that used at least one in so many parts of its time has done more than wait */
#define LONG_NS 1000000000ULL

struct waited {
	struct hash_node node;
	uint32_t pid, sender_pid;
	uint64_t start, sender_start;
	char words[]; /* safe to show */
};

static struct waited *waited_of(struct hash_node *node)
{
	return (struct waited *)((char *)node - offsetof(struct waited, node));
}

/* What waits for its children says nothing that they do not. */
static bool only_waited(const struct model_row *row)
{
	return row->last && row->waits_for && strcmp(row->waits_for, "a child") != 0 && !EVENT_IS_NULL(row->wall_ns) &&
	       row->wall_ns >= LONG_NS && !EVENT_IS_NULL(row->cpu_ns) && row->cpu_ns < row->wall_ns / BUSY;
}

int tally__waited(struct tally *tally, const struct model_row *row)
{
	struct text words = {0};
	struct waited *waited;

	if (!row->sender_pid || EVENT_IS_NULL(row->sender_start) || tally->waited.count == WAITED_MAX ||
	    !only_waited(row))
		return 0;
	text__command(&words, row->command, row->comm, row->forked);
	text__printf(&words, " waited for %s", row->waits_for);
	waited = words.error ? NULL : calloc(1, sizeof(*waited) + words.size + 1);
	if (waited) {
		waited->pid = row->pid;
		waited->start = row->start;
		waited->sender_pid = row->sender_pid;
		waited->sender_start = row->sender_start;
		memcpy(waited->words, words.data, words.size);
	}
	text__free(&words);
	if (!waited ||
	    hash__add(&tally->waited, &waited->node, hash__number(waited->sender_start, waited->sender_pid))) {
		free(waited);
		return -ENOMEM;
	}
	return 0;
}

void story__waited(struct text *text, const struct tally *tally, const struct model_ending *ending)
{
	const struct model_row *row = &ending->row;
	struct hash_node *node = hash__first(&tally->waited, hash__number(row->start, row->pid));
	const struct waited *first[SHOWN_MAX];
	size_t n = 0;

	/* Others that stop what they have started may have failed for anything. */
	if (strcmp(model_command__name(ending->command, row->comm), "timeout") != 0)
		return;
	for (; node; node = hash__next(node)) {
		const struct waited *waited = waited_of(node);
		size_t at;

		if (waited->sender_pid != row->pid || waited->sender_start != row->start || waited->pid == row->pid)
			continue;
		for (at = n; at > 0 && waited->start < first[at - 1]->start; at--)
			if (at < SHOWN_MAX)
				first[at] = first[at - 1];
		if (at < SHOWN_MAX)
			first[at] = waited;
		n += n < SHOWN_MAX;
	}
	for (size_t i = 0; i < n; i++)
		text__printf(text, "%s%s", i ? "; " : "", first[i]->words);
}

void tally__free_waited(struct tally *tally)
{
	hash__free_all(&tally->waited, offsetof(struct waited, node));
}
