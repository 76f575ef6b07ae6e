/* SPDX-License-Identifier: BSD-2-Clause */
/* The columns of an engine's own table, filled with the kernel's figures. */
#ifndef SINKS_TRACE_ENGINE_H
#define SINKS_TRACE_ENGINE_H

#include "sinks/model/model.h"

/* A task of a step. */
struct line {
	const struct model_task *task;
	/* Figures that the model does not keep; null if not known. */
	uint64_t vm_bytes; /* most that its processes had mapped at once, by their samples */
	uint64_t voluntary, involuntary;
	bool cpu_partial; /* the sum lacks programs whose CPU time is not known */
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
