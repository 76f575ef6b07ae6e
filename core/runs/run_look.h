/* SPDX-License-Identifier: BSD-2-Clause */
/* What the streams of a run say of it. Private to core/runs; for a process without rights. */
#ifndef CORE_RUNS_RUN_LOOK_H
#define CORE_RUNS_RUN_LOOK_H

#include "core/runs/run_list.h"

/* A stream that is open. */
struct run_file {
	size_t run;
	int fd;
	int last;   /* of the stream's last segment; -1: it has one */
	int before; /* of the one before that; -1: that is the first one */
};

/* Adds what it says. Closes `before`; the others stay open. */
void run__look(struct listed *run, const struct run_file *file);

#endif
