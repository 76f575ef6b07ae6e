/* SPDX-License-Identifier: BSD-2-Clause */
/* How much processes that failed have written, with all below them. */
#include "sinks/totals/wrote.h"

#include <errno.h>
#include <stdlib.h>

#define WROTE_MAX 20000 /* processes */

struct writer {
	struct hash_node node;
	uint32_t pid;
	bool failed, killed;
	uint64_t start;
	uint64_t bytes; /* of those below it that have ended, and its own once it has; null: not known */
};

static struct writer *writer__of(struct hash_node *node)
{
	return (struct writer *)((char *)node - offsetof(struct writer, node));
}

static struct writer *find(const struct wrote *wrote, uint32_t pid, uint64_t start)
{
	struct hash_node *node = hash__first(&wrote->processes, hash__number(start, pid));

	while (node && (writer__of(node)->pid != pid || writer__of(node)->start != start))
		node = hash__next(node);
	return node ? writer__of(node) : NULL;
}

static void add(uint64_t *sum, uint64_t bytes)
{
	if (EVENT_IS_NULL(*sum) || EVENT_IS_NULL(bytes))
		*sum = EVENT_NULL(MODEL_REASON_ABSENT);
	else
		*sum += bytes;
}

/* NULL: out of memory, or there are too many. */
static struct writer *get(struct wrote *wrote, uint32_t pid, uint64_t start)
{
	struct writer *writer = find(wrote, pid, start);

	if (writer)
		return writer;
	wrote->full |= wrote->processes.count >= WROTE_MAX;
	writer = wrote->full ? NULL : calloc(1, sizeof(*writer));
	if (!writer)
		return NULL;
	writer->pid = pid;
	writer->start = start;
	if (!hash__add(&wrote->processes, &writer->node, hash__number(start, pid)))
		return writer;
	free(writer);
	return NULL;
}

/* To what it, and those below it, have written. 0 or -ENOMEM. */
static int add_to(struct wrote *wrote, uint32_t pid, uint64_t start, uint64_t bytes)
{
	struct writer *writer = get(wrote, pid, start);

	if (writer)
		add(&writer->bytes, bytes);
	return writer || wrote->full ? 0 : -ENOMEM;
}

/* Keeps the sum of one that failed, and drops that of another. */
static int settle(struct wrote *wrote, const struct model_row *last, uint64_t bytes)
{
	bool failed = model_outcome__bad(last->outcome);
	struct writer *writer = failed ? get(wrote, last->pid, last->start) : find(wrote, last->pid, last->start);

	if (failed && writer) {
		writer->failed = true;
		writer->killed = model_row__is_killed(last);
		writer->bytes = bytes;
	} else if (writer) {
		hash__remove(&wrote->processes, &writer->node);
		free(writer);
	}
	return failed && !writer && !wrote->full ? -ENOMEM : 0;
}

int wrote__process(struct wrote *wrote, const struct model_row *last)
{
	uint64_t bytes = last->io_partial ? EVENT_NULL(MODEL_REASON_ABSENT) : last->io[MODEL_IO_WRITE_CHARS];
	const struct writer *below = find(wrote, last->pid, last->start);
	int err;

	if (below)
		add(&bytes, below->bytes);
	err = settle(wrote, last, bytes);
	if (err || !bytes || EVENT_IS_NULL(last->parent_start))
		return err;
	return add_to(wrote, last->ppid, last->parent_start, bytes);
}

/* What is below a process that was killed may live on, and write. */
enum wrote_part wrote__part(const struct wrote *wrote, uint32_t pid, uint64_t start, uint64_t grown)
{
	const struct writer *writer = find(wrote, pid, start);

	if (!writer || !writer->failed || EVENT_IS_NULL(writer->bytes))
		return WROTE_UNKNOWN;
	if (!writer->bytes && !writer->killed && grown)
		return WROTE_NONE;
	return writer->bytes < grown ? WROTE_SOME : WROTE_ALL;
}

bool wrote__nothing(const struct wrote *wrote, uint32_t pid, uint64_t start)
{
	const struct writer *writer = find(wrote, pid, start);

	return writer && writer->failed && !writer->bytes;
}

bool wrote__anything(const struct wrote *wrote, uint32_t pid, uint64_t start)
{
	const struct writer *writer = find(wrote, pid, start);

	return writer && writer->failed && writer->bytes;
}

void wrote__free(struct wrote *wrote)
{
	hash__free_all(&wrote->processes, offsetof(struct writer, node));
}
