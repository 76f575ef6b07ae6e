/* SPDX-License-Identifier: BSD-2-Clause */
/* A run on disk: one stream per probe, in a folder that the keeper made. */
#ifndef CORE_DAEMON_RUN_H
#define CORE_DAEMON_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/daemon/syncer.h"
#include "core/error.h"
#include "core/stream.h"

/* What a stream lacks because of a limit, until a `lost` record says so. */
struct run_left {
	uint64_t count, since; /* events; the time of the first */
	bool unknown;	       /* and more, whose number is not known */
	int kind;	       /* of all of them; -1: of several */
};

/* The files of a stream beside the one that is written. */
struct run_segment {
	int next, last;	   /* an empty one; the one before, which is still to be brought to the disk; -1: none */
	uint64_t asked_at; /* boot clock, ns: when the keeper was asked for `next`; 0: it was not */
	uint64_t due;	   /* bytes of the file at which it is */
};

struct run {
	struct run *next;
	uint32_t number;
	uint32_t uid; /* of the process that started it */
	char *id, *name, *user;
	char *path;		/* of its folder, for messages */
	struct stream_run head; /* as headers have it */
	int dirfd;
	int outfd; /* of the output folder, until the run's entry in it is on the disk; then -1 */
	const struct stream_writer_opts *streams; /* run_opts.streams */
	struct stream_writer **writers;		  /* one per probe, in the same order */
	size_t writers_count;
	uint64_t over_at;	 /* no process is left since then, boot clock; 0: some is. It ends with a later drain */
	uint64_t swept;		 /* processes removed by a sweep: their exit was never seen */
	uint64_t began_at;	 /* boot clock, ns */
	uint64_t lost;		 /* events, as far as their number is known */
	uint64_t losses_read_at; /* when the loss counters were last read: boot clock, ns */

	uint64_t limit;		      /* bytes of all streams; 0: none */
	uint64_t freed;		      /* bytes of segments that a sink has delivered and that were cleared */
	uint64_t asked_space_at;      /* boot clock, ns: when they were last asked for */
	uint64_t segment;	      /* bytes of a stream's file, after which another one follows; 0: none does */
	struct run_segment *segments; /* per stream */
	bool refused_segment;	      /* one; that has been said */
	bool limited, suspended;      /* nothing is recorded: this limit is reached; limits.total is */
	bool failed_write;	      /* an error has been logged */
	uint64_t marked_at;	      /* boot clock, ns: when streams were last marked */
	struct run_left *left;	      /* per stream */
	uint64_t left_due, left_wait; /* of the next `lost` record, and from there to the one after it; ns */

	/* Bringing it to the disk. The errors and outfd are the syncer's while a job is with it. */
	struct syncer_job sync, close;
	bool syncing, ended;	/* `sync`, `close` is with the syncer */
	int *errors;		/* of each stream's last sync, until a `lost` record says so */
	int folder_error;	/* of the folders */
	bool failed;		/* an error has been logged */
	uint64_t syncing_bytes; /* of the streams at the last run__sync() */
	uint64_t syncing_at,
		synced_at; /* boot clock, ns: of the last run__sync(), and of the last one that succeeded */
};

#define RUN_FOLDERS 2 /* descriptors before those of the streams */

struct run_opts {
	const char *id, *path; /* of its folder */
	const char *name;
	uint32_t number, uid;
	const char *user;	    /* the name of uid; "": it has none */
	const char *job;	    /* batch job, as in a struct stream_run; outlives the run */
	uint64_t limit;		    /* bytes of all streams; 0: none */
	uint64_t segment;	    /* bytes of a stream's file, after which another one follows; 0: none does */
	const char *const *tags;    /* NAME=VALUE, terminated by NULL */
	const char *const *command; /* argv, terminated by NULL; may be NULL */
	/* Options of each stream, which outlive the run; run__open() sets `run`. */
	const struct stream_writer_opts *streams;
	size_t streams_count;
	int *fds; /* the output folder, the run's folder, an empty file per stream */
};

/* Opens the streams and writes their headers. Takes descriptors from `fds`, leaving -1, even if it fails. 0, or -errno
 * with `err` set. */
int run__open(struct run **run, const struct run_opts *opts, struct error *err);

/* ---- run_limit.c: events, as far as the limits allow ---- */
/* Appends an event to a stream, or counts it. */
void run__event(struct run *run, size_t stream, const struct event *event, size_t size);
/* Events that were lost before: see stream_writer__lost(). */
void run__lost(struct run *run, size_t stream, uint64_t count, uint64_t since, int kind, const char *cause);
/* Writes `lost` records with the cause "limit" if it is time for them; `all`: also if not. */
void run__report_left(struct run *run, bool all);
uint64_t run__bytes(const struct run *run); /* of all streams, as far as they are there */
/* How many bytes would have to go: 0 unless the limit is near. */
uint64_t run__needs_space(const struct run *run);
/* So many bytes of its streams are gone. */
void run__freed(struct run *run, uint64_t bytes);
/* Another limit for the bytes of all streams; 0: none. */
void run__limit(struct run *run, uint64_t bytes);
/* Stops recording, or goes on. */
void run__suspend(struct run *run, bool on);

/* ---- run.c ---- */

/* Writes buffered events. If any stream has events that another one does not reach, those get a mark, but not again before
 * `wait` ns are over. 0, or the first error of a stream. */
int run__flush(struct run *run, uint64_t wait);

/* Whether a stream has an event that the mark of another one does not reach. */
bool run__lacks_mark(const struct run *run);

/* Whether a stream needs the file of a further segment, which counts as asked for from then on: which one. */
bool run__wants_segment(struct run *run, size_t *stream);
/* Takes that file; the stream goes on in it after a flush. False: it is not one, or was not asked for. */
bool run__take_segment(struct run *run, size_t stream, int fd);
/* There is none: the stream goes on in the file that it has, and tries again when that has grown by as much. */
void run__refuse_segment(struct run *run, size_t stream, const char *why);
/* Whether a file that is not written any more waits for run__sync(). */
bool run__has_last(const struct run *run);

/* Whether something has been written since the last run__sync(). */
bool run__is_new(const struct run *run);

/* Has the syncer bring what has been written to the disk, unless it is at that or nothing is new. */
void run__sync(struct run *run, struct syncer *syncer);

/* Ends every stream (`broken_off`: without an end record), and leaves it to the syncer to bring them to the disk and to
 * close them: nothing else may be done with the run. Adds the number of events that could not be
 * written to *dropped. 0 or the first -errno; -ENOENT, logged, if the folder or a stream was deleted meanwhile. */
int run__end(struct run *run, struct syncer *syncer, bool broken_off, uint64_t *dropped);

/* For each job that syncer__done() returns. Adds a `lost` record to the streams that may not be on the disk; frees the
 * run if it has ended. 0 or -errno, logged. */
int run__synced(struct syncer_job *job);

#endif
