/* SPDX-License-Identifier: BSD-2-Clause */
/* A run on disk: its folder OUT/RUN_ID, one stream per probe in it, the link OUT/latest beside it. */
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
	char *path; /* of its folder, for people */
	int dirfd;
	struct stream_writer **writers; /* one per probe, in their order */
	size_t writers_count;
	bool over;	 /* its last process is gone: it ends when all rings have been drained */
	uint64_t swept;	 /* processes whose end the kernel did not tell */
	uint64_t looked; /* boot clock of the last look at the loss counters */
};

struct run_opts {
	const char *output;
	const char *name;
	uint32_t number;
	const char *const *tags;    /* NAME=VALUE, ended by NULL */
	const char *const *command; /* argv, ended by NULL; may be NULL */
	uid_t uid;		    /* who owns it; -1: who we are */
	gid_t gid;
	/* What the streams have apart: everything but `run`, which is filled in. */
	const struct stream_writer_opts *streams;
	size_t streams_count;
};

/* Makes sure that the output folder is there, a folder and no link, and can be written to.
 * 0, or -errno with a sentence in `err`. */
int run__check_output(const char *output, struct error *err);

/* Makes the folder, the streams with their headers, and the link. Nothing is overwritten; on error
 * nothing is left behind. 0, or -errno with a sentence in `err`. */
int run__open(struct run **run, const struct run_opts *opts, struct error *err);

/* Writes out what is buffered. 0, or the first stream's error. */
int run__flush(struct run *run);

/* Ends every stream, and frees. Returns 0 or the first -errno; *dropped is increased by the events that no
 * disk took. Takes NULL. */
int run__close(struct run *run, uint64_t *dropped);

#endif
