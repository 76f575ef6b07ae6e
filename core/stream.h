/* SPDX-License-Identifier: BSD-2-Clause */
/* A stream: one probe's records of one run, in one file. The format is specified in core/stream/STREAM.md.
 *
 *	header map sync, then blocks: record... sync, record... sync, ... end sync
 *
 * A block is what one flush wrote. Its sync record contains the stream's 16-byte marker, the number of
 * records and the CRC-32 of the block: a reader delivers a block only after verifying it, and resumes after
 * damage at the next marker. Not thread-safe. */
#ifndef CORE_STREAM_H
#define CORE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"
#include "core/record.h"
#include "core/schema.h"

#define STREAM_FORMAT "collector-stream"
#define STREAM_VERSION 1
#define STREAM_SUFFIX ".msgpack"
#define STREAM_MARKER 16

struct stream_run {
	const char *id;		    /* name of the run's folder */
	const char *name;	    /* run.name of the YAML */
	uint32_t number;	    /* `run` of the records */
	const char *const *tags;    /* NAME=VALUE, terminated by NULL; may be NULL */
	const char *const *command; /* argv of the run's command, terminated by NULL; may be NULL */
};

/* ---- writing ---- */

struct stream_writer;

struct stream_writer_opts {
	const char *stream; /* the probe's name */
	const char *help;
	const struct schema_event *events;
	size_t events_count;
	uint32_t abi;
	struct stream_run run;
	uint64_t interval_ns; /* between samples; 0: none */
	/* What is unavailable on this kernel: "exit.peak_rss_bytes: reason", terminated by NULL; may be NULL. */
	const char *const *unavailable;
	record_filter filter; /* may be NULL */
	void *filter_arg;
	size_t block_bytes; /* flush when a block has grown to this; 0: 256 KiB */
};

/* Creates DIRFD/STREAM.msgpack (O_EXCL, O_NOFOLLOW, mode 0640) and writes the header, including host, boot
 * id, kernel, clock anchor and a random marker. 0 or -errno. */
int stream_writer__open(struct stream_writer **writer, int dirfd, const struct stream_writer_opts *opts);

/* Appends an event of the probe. The first memory or disk error is sticky: every later call, including
 * stream_writer__close(), returns it. Writing goes on: dropped events are counted (stream_writer__dropped())
 * and reported by a `lost` record, and each flush tries again. An event of an unknown kind (-EINVAL) or too
 * long for a block (-EMSGSIZE) is counted and reported in the same way; that error is not sticky. */
int stream_writer__event(struct stream_writer *writer, const struct event *event, size_t size);

/* Appends a `lost` record: `count` events of `kind` (the probe's; -1: any) were lost since `since`. */
int stream_writer__lost(struct stream_writer *writer, uint64_t count, uint64_t since, int kind, const char *cause);

/* Closes the block and writes it, unless it is empty; before that a new clock anchor, if the clocks have
 * drifted apart by more than 1 ms. After an error such as ENOSPC the next flush tries again with a new block,
 * whose first record is a `lost` record for what was dropped. */
int stream_writer__flush(struct stream_writer *writer);

uint64_t stream_writer__records(const struct stream_writer *writer); /* events written or buffered */
uint64_t stream_writer__dropped(const struct stream_writer *writer); /* events that could not be written */
int stream_writer__error(const struct stream_writer *writer);	     /* 0, or the first -errno */

/* Writes the `end` record and the last sync, and frees. Takes NULL. 0 or the sticky -errno. */
int stream_writer__close(struct stream_writer *writer);

/* ---- reading ---- */

/* A stream's header, decoded. */
struct stream_info {
	const char *path; /* as opened, for messages */
	uint32_t index;	  /* of this stream in the merge, from 0 */
	uint32_t version;
	const char *stream, *help;
	const char *collector; /* version that wrote it */
	const char *host, *boot_id, *kernel, *machine;
	struct stream_run run;
	uint64_t interval_ns;
	const char *const *unavailable; /* never NULL */
	int64_t boot_ns, real_ns;	/* first clock anchor */
	uint32_t events_count;		/* kinds: of control records, and SCHEMA_KIND_BASE + the probe's */
	struct stream_event *events;
};

/* The state of a stream; final once its end has been reached. */
struct stream_state {
	uint64_t records;	/* delivered, not counting control records */
	uint64_t lost;		/* sum of its `lost` records */
	uint64_t damaged_bytes; /* skipped */
	uint64_t damaged_blocks;
	uint64_t late; /* delivered out of order: written more than one block late */
	bool complete; /* has an `end` record */
};

struct stream_reader;

/* Opens a stream and reads its header; fails unless the path is a regular file and a stream.
 * 0, or -errno with `err` set. */
int stream_reader__open(struct stream_reader **reader, const char *path, struct error *err);

/* The same from a descriptor, which the reader owns even if this fails; `name` is for messages. */
int stream_reader__open_fd(struct stream_reader **reader, int fd, const char *name, struct error *err);

/* The same from memory, owned by the caller: for tests and fuzzing. */
int stream_reader__open_memory(struct stream_reader **reader, const void *data, size_t data_size, struct error *err);

/* The next record, sorted by (ts, seq) within a window of two blocks. Includes `lost` records, and one with
 * cause "damage" or "truncated" for damage; clock, sync and end records are not delivered.
 * 1, 0 at the end, or -errno (I/O errors only: damage is not an error). */
int stream_reader__next(struct stream_reader *reader, struct record *record);

const struct stream_info *stream_reader__info(const struct stream_reader *reader);
struct stream_info *stream_reader__info_mut(struct stream_reader *reader); /* for the merge, which sets index */
const struct stream_state *stream_reader__state(const struct stream_reader *reader);
/* Whether both read the same stream, possibly from copies of its file. */
bool stream_reader__same(const struct stream_reader *a, const struct stream_reader *b);
void stream_reader__progress(const struct stream_reader *reader, uint64_t *done, uint64_t *total); /* bytes */
void stream_reader__close(struct stream_reader *reader);					   /* takes NULL */

#endif
