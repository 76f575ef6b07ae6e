/* SPDX-License-Identifier: BSD-2-Clause */
/* Figures that engines list and the model does not keep: context switches and mapped memory. From any events with
 * such fields; kept for living processes and running tasks. */
#ifndef SINKS_TRACE_EXTRA_H
#define SINKS_TRACE_EXTRA_H

#include "core/base/base.h"
#include "sinks/trace/engine.h"

/* A task that goes on: the room of a task in the model. */
struct extra_task {
	uint64_t vm, vm_most;
	uint64_t voluntary, involuntary;
	bool job;			    /* they are of its job, and of what is below that */
	bool sampled;			    /* memory of a process was sampled */
	bool switches_partial, cpu_partial; /* those of a process are not known */
};

struct extra {
	struct hash processes;
	struct extra_fields { /* of a stream, by its index in the merge */
		uint32_t kinds_count;
		struct {
			int vm, voluntary, involuntary; /* indexes of the fields; -1 */
			bool exec;			/* after it a process may belong to another task */
		} * kinds;
	} * streams;
	size_t streams_count;
};

int extra__stream(struct extra *extra, const struct stream_info *info); /* 0 or -ENOMEM */
int extra__record(struct extra *extra, const struct record *record);	/* before the model gets it */

/* For the model's calls. */
void extra__sample(struct extra *extra, const struct model_sample *sample);
void extra__row(struct extra *extra, const struct model_row *row);
void extra__task(struct line *line); /* fills the line of a task that has ended */

void extra__free(struct extra *extra);

#endif
