/* SPDX-License-Identifier: BSD-2-Clause */
/* A stream: one probe's records of one run, in one file. The format is written up in core/stream/STREAM.md.
 *
 *	header map sync, then blocks: record... sync, record... sync, ... end sync
 *
 * A block is what one flush wrote. Its sync holds the stream's 16-byte marker, the count and the
 * crc32 of the block's bytes: a reader delivers a block only when its sync is right, and after damage
 * finds the next block behind the next marker. */
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
	const char *id;		    /* the folder's name */
	const char *name;	    /* run.name of the YAML */
	uint32_t number;	    /* `run` of the records */
	const char *const *tags;    /* NAME=VALUE, ended by NULL; may be NULL */
	const char *const *command; /* argv of the run's command, ended by NULL; may be NULL */
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
	uint64_t interval_ns; /* of samples; 0: none */
	/* What this kernel cannot give: "exit.peak_rss_bytes: why", ended by NULL; may be NULL. */
	const char *const *unavailable;
	record_filter filter; /* may be NULL */
	void *filter_arg;
	size_t block_bytes; /* flushed by itself when a block has grown to this; 0: 256 KiB */
};

/* Creates DIRFD/STREAM.msgpack (O_EXCL, O_NOFOLLOW, mode 0640) and writes the header.
 * Host, boot id, kernel, clock anchors and marker are its own to find. 0 or -errno. */
int stream_writer__open(struct stream_writer **writer, int dirfd, const struct stream_writer_opts *opts);

/* Appends an event of the probe. The first error of memory or disk sticks and is returned by every call
 * after it, by stream_writer__close() too, but nothing stops: the events that were dropped are counted
 * (stream_writer__dropped()) and told by a `lost` record, and each flush tries again.
 * An event that is none of the probe's (-EINVAL) or too long for a block (-EMSGSIZE) is counted and told
 * likewise; that error does not stick. */
int stream_writer__event(struct stream_writer *writer, const struct event *event, size_t size);

/* Appends a `lost` record: `count` events of `kind` (the probe's; -1: any) were lost since `since`. */
int stream_writer__lost(struct stream_writer *writer, uint64_t count, uint64_t since, int kind, const char *cause);

/* Closes the block and writes it out; nothing is done for an empty one. Writes a new clock anchor
 * first when the clocks have moved apart by more than 1 ms. After ENOSPC and the like the next flush
 * tries again, in a block of its own that begins by a `lost` record for what was dropped. */
int stream_writer__flush(struct stream_writer *writer);

uint64_t stream_writer__records(const struct stream_writer *writer); /* events written or buffered */
uint64_t stream_writer__dropped(const struct stream_writer *writer); /* events no disk took */
int stream_writer__error(const struct stream_writer *writer);	     /* 0, or the first -errno */

/* Writes the `end` record, the last sync, and frees. Takes NULL. 0 or the sticking -errno. */
int stream_writer__close(struct stream_writer *writer);

/* ---- reading ---- */

/* A stream's header, decoded. */
struct stream_info {
	const char *path; /* as it was opened, for messages */
	uint32_t index;	  /* the merge's number of this stream, from 0 */
	uint32_t version;
	const char *stream, *help;
	const char *collector; /* version of the writer */
	const char *host, *boot_id, *kernel, *machine;
	struct stream_run run;
	uint64_t interval_ns;
	const char *const *unavailable; /* never NULL */
	int64_t boot_ns, real_ns;	/* first clock anchor */
	uint32_t events_count;		/* kinds: control ones and SCHEMA_KIND_BASE + the probe's */
	struct stream_event *events;
};

/* What became of a stream, known when its end was reached. */
struct stream_state {
	uint64_t records;	/* delivered, without control records */
	uint64_t lost;		/* sum of its `lost` records */
	uint64_t damaged_bytes; /* skipped */
	uint64_t damaged_blocks;
	uint64_t late; /* delivered behind a later one: it came more than one block late */
	bool complete; /* it ended by an `end` record */
};

struct stream_reader;

/* Opens a stream and reads its header. Paths that are no regular file, or no stream, are refused.
 * 0, or -errno with a sentence in `err`. */
int stream_reader__open(struct stream_reader **reader, const char *path, struct error *err);

/* As above from a descriptor, which becomes the reader's even if this fails; `name` is for messages. */
int stream_reader__open_fd(struct stream_reader **reader, int fd, const char *name, struct error *err);

/* As above from memory, which stays the caller's: for tests and fuzzing. */
int stream_reader__open_memory(struct stream_reader **reader, const void *data, size_t data_size, struct error *err);

/* The next record, sorted by (ts, seq) within a window of two blocks. `lost` records are delivered;
 * damage is delivered as a `lost` record of cause "damage" or "truncated"; clock, sync and end are not.
 * 1, 0 at the end, or -errno (I/O only: damage is never an error). */
int stream_reader__next(struct stream_reader *reader, struct record *record);

const struct stream_info *stream_reader__info(const struct stream_reader *reader);
struct stream_info *stream_reader__info_mut(struct stream_reader *reader); /* the merge sets index */
const struct stream_state *stream_reader__state(const struct stream_reader *reader);
/* Whether both read the same stream, perhaps from copies of its file. */
bool stream_reader__same(const struct stream_reader *a, const struct stream_reader *b);
void stream_reader__progress(const struct stream_reader *reader, uint64_t *done, uint64_t *total); /* bytes */
void stream_reader__close(struct stream_reader *reader);					   /* takes NULL */

#endif
