/* SPDX-License-Identifier: BSD-2-Clause */
/* Which records of a merge are wanted: by run, by event, by time. `lost` records always are. */
#ifndef CORE_FILTER_H
#define CORE_FILTER_H

#include <stdbool.h>

#include "core/merge.h"

struct filter_opts {
	const char **runs, **events; /* as the user wrote them; ended by NULL, may be empty */
	const char *since, *until;   /* RFC 3339, or an offset from the run's start; NULL: no bound */
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
int filter__init(struct filter *filter, const struct merge *merge, const struct filter_opts *opts, char *err,
		 size_t size);

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

#endif
