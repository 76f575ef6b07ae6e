/* SPDX-License-Identifier: BSD-2-Clause */
/* A run's folder as it is found on disk: whether it is one, what it takes, and its removal. Everything goes by
 * descriptors and no link is followed: whatever is there, nothing but a run of ours is removed. */
#ifndef CORE_RUNS_STORE_RUN_H
#define CORE_RUNS_STORE_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "core/error.h"

struct store_run {
	uint64_t bytes;	  /* on the disk */
	uint64_t ended;	  /* last write, ns of real time */
	uint32_t uid;	  /* whose it is; STREAM_NO_UID: unknown */
	uint64_t streams; /* stream_marker__sum() of all that have a header */
	bool open;	  /* it is written, or may be: only what is certainly not may be removed */
};

/* Whether this may be the name of a run's folder, NAME-20261122T031500Z-PID, or without a number as version 0.1 named it. */
bool store_run__is_name(const char *name);

/* Which of two such names is that of the run that began later: like strcmp(). */
int store_run__compare(const char *a, const char *b);

/* Looks into the folder `id` of the output folder `outfd`. 0; -ENOENT: there is none; -EEXIST: not a run, or it holds
 * something else, which `err` names; another -errno. */
int store_run__look(int outfd, const char *id, struct store_run *run, struct error *err);

/* Makes the link to the latest run show this one, atomically; what is not a link is not replaced. 0, or -errno: -EEXIST
 * for that. */
int store_run__link_latest(int outfd, const char *id);

/* Removes it. The same, and -EBUSY: it may still be written. */
int store_run__remove(int outfd, const char *id, struct error *err);

#endif
