/* SPDX-License-Identifier: BSD-2-Clause */
/* The columns of an engine's own table, filled with what the kernel counted. */
#ifndef SINKS_TRACE_ENGINE_H
#define SINKS_TRACE_ENGINE_H

#include "sinks/model/model.h"

/* An execution of a step. */
struct line {
	const struct model_task *task;
	/* What the model does not keep; null where it is not known. */
	uint64_t vm_bytes; /* most that its processes had mapped at once, by their samples */
	uint64_t voluntary, involuntary;
	bool cpu_partial; /* the CPU of some of its programs is not known, and not in the sum */
};

struct column {
	const char *name;
	void (*put)(struct text *text, const struct line *line);
};

struct format {
	const char *name;
	const struct column *columns; /* ended by one without a name */
};

extern const struct format formats[]; /* ended by one without a name; the first is the default */

#endif
