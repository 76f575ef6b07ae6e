/* SPDX-License-Identifier: BSD-2-Clause */
/* The runs in a folder, each by the headers and last blocks of its streams. */
#ifndef CORE_RUNS_RUN_LIST_H
#define CORE_RUNS_RUN_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/base.h"
#include "core/stream.h"

/* What is known of a run; strings are empty, numbers EVENT_NULL, where it is not. All in one piece: a process without rights
 * fills it in memory that is shared with it. */
struct listed {
	char id[256];  /* the name of its folder */
	char why[128]; /* why it, or one of its streams, cannot be read; "" else */
	bool read;     /* a stream could be read: what follows is known */
	enum stream_life life;
	uint32_t streams, recorded; /* that could be read; that it was recorded with */
	char name[72], host[72], version[32], job[STREAM_JOB_TEXT], tags[512],
		command[1024];	     /* tags: NAME=VALUE, one a line; command: for a shell */
	uint32_t uid;		     /* STREAM_NO_UID: unknown */
	uint64_t began_ns, wall_ns;  /* UTC since 1970; until now if it is running */
	uint64_t exit_code, signal;  /* of its first process */
	bool timed;		     /* the command is timeout(1) */
	uint64_t processes, nonzero; /* that have ended, and of them those by a code other than 0 or a signal */
	uint64_t bytes;		     /* of its streams */
};

struct run_list {
	struct listed *runs; /* the newest first */
	size_t count;
};

/* Lists the folders in `folder` that hold streams. Links are not followed. Streams are read by a process of the account.
 * 0 or -errno with a sentence. */
int run_list__read(struct run_list *list, const char *folder, const struct account *account, struct error *err);
void run_list__free(struct run_list *list);

/* success, failure, timeout, cancellation, as OpenTelemetry's cicd.pipeline.result; NULL: its end was not seen, or SIGKILL, of
 * which only the model says whether it was the OOM killer's. */
const char *listed__result(const struct listed *run);

#endif
