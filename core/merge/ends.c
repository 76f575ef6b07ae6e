/* SPDX-License-Identifier: BSD-2-Clause */
/* The ends of processes: all streams of a run have the same ones, or some record is missing. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/merge/merge.h"

#define STREAMS_MAX 64 /* of a run; further ones are not compared */

/* A process whose end some of its run's streams have. Freed once all have it. */
struct end {
	struct hash_node node;
	size_t first; /* of the run's streams */
	uint32_t run, pid;
	uint64_t start;
	uint64_t reported; /* by which streams: bits */
};

struct ends_stream {
	size_t first;	   /* the first one of its run: its own number, or an earlier one */
	uint32_t kind;	   /* of the event; 0: it has none, or is not selected */
	uint64_t bit, all; /* all: of the run's streams; only of the first one */
};

struct ends {
	struct hash hash;
	uint32_t index; /* of the first stream */
	bool lossy;	/* known to be incomplete: nothing to find out */
	struct ends_stream streams[];
};

static uint32_t kind_of(const struct stream_info *info)
{
	for (uint32_t kind = SCHEMA_KIND_BASE; kind < info->events_count; kind++)
		if (info->events[kind].name && info->events[kind].role == SCHEMA_EXIT)
			return stream_info__lacks(info, info->events[kind].name) ? 0 : kind;
	return 0;
}

static size_t first_of(const struct merge *merge, size_t stream)
{
	size_t i = 0;

	while (i < stream && !merge__same_run(merge__info(merge, i), merge__info(merge, stream)))
		i++;
	return i;
}

struct ends *ends__new(const struct merge *merge, const struct filter *filter)
{
	size_t count = merge__streams(merge);
	struct ends *ends = calloc(1, sizeof(*ends) + count * sizeof(*ends->streams));

	if (!ends)
		return NULL;
	ends->index = count ? merge__info(merge, 0)->index : 0;
	for (size_t i = 0; i < count; i++) {
		struct ends_stream *stream = &ends->streams[i], *first;

		stream->first = first_of(merge, i);
		first = &ends->streams[stream->first];
		if (!filter__stream(filter, merge__info(merge, i)) || first->all >> (STREAMS_MAX - 1))
			continue;
		stream->kind = kind_of(merge__info(merge, i));
		stream->bit = stream->kind ? first->all + 1 : 0;
		first->all |= stream->bit;
	}
	return ends;
}

static struct end *end_of(struct ends *ends, const struct record *record, size_t first)
{
	uint64_t key = hash__number(hash__number(first, record->pid), record->start);
	struct hash_node *node = hash__first(&ends->hash, key);
	struct end *end;

	for (; node; node = hash__next(node)) {
		end = (struct end *)((char *)node - offsetof(struct end, node));
		if (end->pid == record->pid && end->start == record->start && end->first == first &&
		    end->run == record->run)
			return end;
	}
	end = calloc(1, sizeof(*end));
	if (!end || hash__add(&ends->hash, &end->node, key)) {
		free(end);
		return NULL;
	}
	end->first = first;
	end->run = record->run;
	end->pid = record->pid;
	end->start = record->start;
	return end;
}

int ends__take(struct ends *ends, const struct record *record)
{
	const struct ends_stream *stream = &ends->streams[record->info->index - ends->index];
	uint64_t all = ends->streams[stream->first].all;
	struct end *end;

	if (ends->lossy || !stream->kind)
		return 0;
	if (record->kind == RECORD_LOST) { /* and so will be the ends: do not keep them */
		ends->lossy = true;
		hash__free_all(&ends->hash, offsetof(struct end, node));
		ends->hash = (struct hash){0};
		return 0;
	}
	if (record->kind != stream->kind || stream->bit == all)
		return 0;
	end = end_of(ends, record, stream->first);
	if (!end)
		return -ENOMEM;
	end->reported |= stream->bit;
	if (end->reported == all) {
		hash__remove(&ends->hash, &end->node);
		free(end);
	}
	return 0;
}

uint64_t ends__missing(const struct ends *ends, size_t stream)
{
	const struct ends_stream *of = &ends->streams[stream];
	uint64_t missing = 0;

	if (!of->kind)
		return 0;
	for (struct hash_node *node = hash__any(&ends->hash, NULL); node; node = hash__any(&ends->hash, node)) {
		const struct end *end = (const struct end *)((char *)node - offsetof(struct end, node));

		missing += end->first == of->first && !(end->reported & of->bit);
	}
	return missing;
}

void ends__free(struct ends *ends)
{
	if (!ends)
		return;
	hash__free_all(&ends->hash, offsetof(struct end, node));
	free(ends);
}
