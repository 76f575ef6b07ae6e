/* SPDX-License-Identifier: BSD-2-Clause */
/* What engines list and the model does not keep: context switches, and the memory that is mapped. Taken from
 * whatever events have such fields; kept for processes that live and tasks that go on. */
#ifndef SINKS_TRACE_EXTRA_H
#define SINKS_TRACE_EXTRA_H

#include "core/base/base.h"
#include "sinks/trace/engine.h"

struct extra {
	struct hash processes, tasks;
	struct extra_fields { /* of a stream, by its index in the merge */
		uint32_t kinds_count;
		struct {
			int vm, voluntary, involuntary; /* indexes of the fields; -1 */
		} * kinds;
	} * streams;
	size_t streams_count;
};

int extra__stream(struct extra *extra, const struct stream_info *info); /* 0 or -ENOMEM */
int extra__record(struct extra *extra, const struct record *record);	/* before the model gets it */

/* As the model calls. */
int extra__sample(struct extra *extra, const struct model_sample *sample);
int extra__row(struct extra *extra, const struct model_row *row);
void extra__task(struct extra *extra, struct line *line); /* fills the line; the task is over */

void extra__free(struct extra *extra);

#endif
