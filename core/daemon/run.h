/* SPDX-License-Identifier: BSD-2-Clause */
/* A run on disk: the folder OUT/RUN_ID with one stream per probe, and the link OUT/latest. */
#ifndef CORE_DAEMON_RUN_H
#define CORE_DAEMON_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/error.h"
#include "core/stream.h"

struct run {
	struct run *next;
	uint32_t number;
	char *id;
	char *path; /* of its folder, for messages */
	int dirfd;
	struct stream_writer **writers; /* one per probe, in the same order */
	size_t writers_count;
	bool over;		 /* no process is left: it ends after the next drain of all ring buffers */
	uint64_t swept;		 /* processes removed by a sweep: their exit was never seen */
	uint64_t losses_read_at; /* when the loss counters were last read: boot clock, ns */
};

struct run_opts {
	const char *output;
	const char *name;
	uint32_t number;
	const char *const *tags;    /* NAME=VALUE, terminated by NULL */
	const char *const *command; /* argv, terminated by NULL; may be NULL */
	uid_t uid;		    /* owner of the folder; -1: unchanged */
	gid_t gid;
	/* Options of each stream; run__open() sets `run`. */
	const struct stream_writer_opts *streams;
	size_t streams_count;
};

/* Checks that the output folder, if it exists, is a writable directory and not a link. 0, or -errno with `err` set. */
int run__check_output(const char *output, struct error *err);

/* Creates the folder, the streams with their headers, and the link. Overwrites nothing; removes what it created on
 * failure. 0, or -errno with `err` set. */
int run__open(struct run **run, const struct run_opts *opts, struct error *err);

/* Writes buffered events. 0, or the first error of a stream. */
int run__flush(struct run *run);

/* Closes every stream, and frees. Adds the number of events that could not be written to *dropped. Takes NULL.
 * 0 or the first -errno. */
int run__close(struct run *run, uint64_t *dropped);

#endif
