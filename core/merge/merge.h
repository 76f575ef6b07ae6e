/* SPDX-License-Identifier: BSD-2-Clause */
/* Merges any number of streams by time: a stable heap over readers that each sort inside a bounded
 * window. Memory grows with the number of streams, never with their length. Streams of one boot are
 * ordered by the boot clock, streams of several hosts by real time through their anchors. */
#ifndef CORE_MERGE_MERGE_H
#define CORE_MERGE_MERGE_H

#include <stdbool.h>

#include "core/base/base.h"
#include "core/sink.h"
#include "core/stream.h"

struct merge;

struct merge *merge__new(void); /* NULL: out of memory */

/* Adds a stream file, or every stream of a run's folder. 0, or -errno with a sentence in `err`;
 * a folder of which some stream is unreadable adds the rest and gives the sentence through `warn`.
 * A stream that is already there is refused (-EEXIST), also if it comes from a copy. */
int merge__add(struct merge *merge, const char *path, void (*warn)(const char *sentence), struct error *err);

/* Adds one stream by its descriptor, which becomes the merge's even if this fails; `name` is for messages. */
int merge__add_fd(struct merge *merge, int fd, const char *name, struct error *err);

size_t merge__streams(const struct merge *merge);
const struct stream_info *merge__info(const struct merge *merge, size_t i);
const struct stream_state *merge__state(const struct merge *merge, size_t i);

/* Bytes read so far and in all: for progress. */
void merge__progress(const struct merge *merge, uint64_t *done, uint64_t *total);

/* The next record in order of (time, stream, sequence). 1, 0 at the end, -errno with merge__failed()
 * naming the stream. */
int merge__next(struct merge *merge, struct record *record);
size_t merge__failed(const struct merge *merge);

void merge__free(struct merge *merge); /* takes NULL */

/* ---- filter.c ---- */

/* Which records of a merge are wanted: by run, by event, by time. `lost` records always are. */

struct filter_opts {
	const char *const *runs, *const *events; /* as the user wrote them, ended by NULL; NULL or empty: all */
	const char *since, *until;		 /* RFC 3339, or an offset from the run's start; NULL: no bound */
};

struct filter_stream {
	bool wanted;
	bool *kinds; /* by kind; NULL: all */
	int64_t since, until;
};

struct filter {
	struct filter_stream *streams; /* by stream_info's index */
	size_t count;
};

/* For the streams that `merge` has now. 0, or -EINVAL, -ENOMEM with a sentence in `err`. */
int filter__init(struct filter *filter, const struct merge *merge, const struct filter_opts *opts, struct error *err);

static inline bool filter__stream(const struct filter *filter, const struct stream_info *info)
{
	return filter->streams[info->index].wanted;
}

static inline bool filter__record(const struct filter *filter, const struct record *record)
{
	const struct filter_stream *stream = &filter->streams[record->info->index];

	if (!stream->wanted || record->kind == RECORD_LOST)
		return stream->wanted;
	return (!stream->kinds || stream->kinds[record->kind]) && record->real_ns >= stream->since &&
	       record->real_ns <= stream->until;
}

void filter__free(struct filter *filter);

/* ---- sinks.c ---- */

/* The sinks that a merge feeds: loaded by name, configured, called in the order they were asked for. */

extern const struct plugin_kind sink_kind;

struct sinks {
	struct sinks_entry *entries;
	size_t count;
};

/* Loads "NAME" or "NAME:k=v,k=v". 0, or -errno with a sentence in `err`. */
int sinks__add(struct sinks *sinks, const char *dir, const char *spec, struct error *err);

/* `path` becomes the option `output` of the sinks of files that were not given it.
 * Returns whether there are sinks of bytes, which write to the merge's output. 0, 1 or -errno with a sentence. */
int sinks__output(struct sinks *sinks, const char *path, struct error *err);

/* Opens each and passes the streams; `out` is for sinks of bytes. 0, or -errno, logged. */
int sinks__open(struct sinks *sinks, int out, const struct merge *merge, const struct filter *filter);
int sinks__write(struct sinks *sinks, const struct record *record);

/* Passes the streams' final states, flushes for the last time and puts files into place. */
int sinks__finish(struct sinks *sinks, const struct merge *merge, const struct filter *filter);

/* How many of the records that sinks__write() got are safe in the sink: a low-water mark. */
uint64_t sinks__delivered(const struct sinks *sinks, size_t i);
void sinks__close(struct sinks *sinks); /* whatever was loaded and opened; removes what is not in place */

void sinks__list(FILE *out, const void *sink); /* what --list prints of a struct sink */

/* ---- place.c ---- */

/* A folder under a temporary name for what a sink makes, and where its files go when they are whole. */
struct place {
	enum sink_output output;
	const char *path; /* what the user named */
	bool overwrite;
	int to;	  /* the folder that `path` is, or is in; -1: there is none */
	int made; /* the temporary one in that */
	char temporary[64];
};

/* 0, or -errno with a sentence in `err`; -EEXIST for a file that may not be overwritten. */
int place__open(struct place *place, struct error *err);

/* Moves the files into place; folders are made as needed. A folder below the first one that has files of the
 * same suffix keeps them (-EEXIST), or loses them to the new ones if `overwrite`. */
int place__commit(struct place *place, struct error *err);
void place__close(struct place *place); /* removes what is not in place */

#endif
