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
#define STREAM_LATEST "latest" /* beside folders of runs: the link to the one that began last */
#define STREAM_MARKER 16
#define STREAM_MARKER_TEXT (2 * STREAM_MARKER + 1) /* in hexadecimal digits */
#define STREAM_NO_UID UINT32_MAX
#define STREAM_STREAMS_MAX 256 /* of a run: a header that lists more is refused */

struct stream_run {
	const char *id;		    /* name of the run's folder */
	const char *name;	    /* run.name of the YAML */
	uint32_t number;	    /* `run` of the records */
	uint32_t uid;		    /* of the command, or of the process that started it; STREAM_NO_UID: unknown */
	const char *user;	    /* its name; "" or NULL: unknown */
	const char *job;	    /* the batch job that it is part of, "slurm:17"; "" or NULL: none */
	const char *const *tags;    /* NAME=VALUE, terminated by NULL; may be NULL */
	const char *const *command; /* argv of the run's command, terminated by NULL; may be NULL */
};

/* ---- the batch job ---- */

#define STREAM_JOB_TEXT 160
#define STREAM_JOB_VALUE 128

/* "SYSTEM:ID" by the variables that the batch system sets, the same on all nodes of the job, with the cluster's name if there
 * is one: "slurm:CLUSTER:17". "": none, or not a plain one: variables are untrusted. get() copies the value of a variable;
 * false: there is none. */
void stream_job__find(char job[STREAM_JOB_TEXT],
		      bool (*get)(const void *from, const char *name, char value[STREAM_JOB_VALUE]), const void *from);
void stream_job__of_environment(char job[STREAM_JOB_TEXT], char *const *environment); /* as environ(7) */

/* Whether a batch system's program has that name which starts a job's processes on a node, and has no such variable itself. */
bool stream_job__is_starter(const char *comm);

/* Whether the first process of a run, by its name, only carries a job: its exit 0 says nothing of that, so the run ends as the
 * first of the processes that it started, in time, which did not end well. A command of the user's is none, whatever its name:
 * its exit code is what the user asked for. */
bool stream_job__carries(const struct stream_run *run, const char *comm);

/* For get(): copies a value; false: it is too long, or has a NUL. */
bool stream_job__value(char value[STREAM_JOB_VALUE], const char *bytes, size_t length);

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
	/* Privileges that the recorder keeps, with the reason, terminated by NULL; may be NULL. */
	const char *const *privileges;
	/* Names of all streams of the run, terminated by NULL: a reader knows from each of them whether one is missing.
	 * May be NULL. */
	const char *const *streams;
	/* Limits of verdicts that the configuration set, NAME=VALUE, terminated by NULL; may be NULL. */
	const char *const *verdicts;
	struct record_privacy privacy; /* redacted: in `run`, by the caller */
	size_t block_bytes;	       /* flush when a block has grown to this; 0: 256 KiB */
	bool marks; /* the caller says by stream_writer__reached() what is complete; else it is all up to each flush */
	/* From the second segment on, which stream_writer__go_on() sets: its number, and the marker of the one before. */
	uint32_t segment;
	const uint8_t *follows;
};

/* Reads what every header needs. To be called by a process that opens streams after it has lost the right to open files. */
void stream_writer__prepare(void);

/* Creates DIRFD/STREAM.msgpack (O_EXCL, O_NOFOLLOW, mode 0640) and writes the header, including host, boot
 * id, kernel, clock anchor and a random marker. 0 or -errno. */
int stream_writer__open(struct stream_writer **writer, int dirfd, const struct stream_writer_opts *opts);

/* The same into an empty file that is open for writing; owns the descriptor even if this fails. */
int stream_writer__open_fd(struct stream_writer **writer, int fd, const struct stream_writer_opts *opts);

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

/* All events up to this time have been appended, except late ones. With the next flush it becomes the stream's mark: a reader
 * that follows the run does not wait for this stream to pass on events of others up to there. */
void stream_writer__reached(struct stream_writer *writer, uint64_t until);
/* Writes the mark alone, in an empty block, if no flush has written it. 0 or the sticky -errno. */
int stream_writer__mark(struct stream_writer *writer);
uint64_t stream_writer__marked(const struct stream_writer *writer); /* the mark in the file */
uint64_t stream_writer__latest(const struct stream_writer *writer); /* time of the last event, or `lost`, in it */

uint64_t stream_writer__records(const struct stream_writer *writer); /* events written or buffered */
uint64_t stream_writer__dropped(const struct stream_writer *writer); /* events that could not be written */
int stream_writer__error(const struct stream_writer *writer);	     /* 0, or the first -errno */

uint64_t stream_writer__bytes(const struct stream_writer *writer); /* in the files of all its segments */
uint64_t stream_writer__size(const struct stream_writer *writer);  /* with what is still to be written */

/* ---- segments: files of one stream, one after the other ---- */

uint32_t stream_writer__segment(const struct stream_writer *writer); /* number of the one that is written, from 1 */
uint64_t stream_writer__segment_bytes(const struct stream_writer *writer); /* in its file */

/* Between two blocks: goes on in another file, which is empty. `opts` are those it was opened with. Returns the descriptor of the
 * last one, with an `end` record that says which follows; the caller syncs and closes it. Or -errno: nothing has changed, and
 * the new descriptor is still the caller's; -EAGAIN: it is not between two blocks. */
int stream_writer__go_on(struct stream_writer *writer, int fd, const struct stream_writer_opts *opts);
bool stream_writer__deleted(const struct stream_writer *writer); /* whether the file has no name any more */

/* Starts to bring the file to the disk, without waiting: streams that are started together and then synced share one
 * commit of the file system's journal. */
void stream_writer__start_sync(const struct stream_writer *writer);

/* Waits until all that has been written to the file is on the disk. Both may run on another thread while this one goes on
 * writing, if it is over before stream_writer__close(). 0 or -errno; after a failure the kernel has given up the data,
 * and the next call does not report it again. */
int stream_writer__sync(const struct stream_writer *writer);

/* Appends a `lost` record for a failed stream_writer__sync(): an unknown number of events since `since`. */
int stream_writer__unsynced(struct stream_writer *writer, int err, uint64_t since);

/* Writes what is pending, the `end` record and the last sync, and drops the lock. A record that is added after that
 * is followed by another end. 0 or the sticky -errno. */
int stream_writer__end(struct stream_writer *writer);

/* Writes what is pending and drops the lock, but writes no end: for readers the writer was killed. */
void stream_writer__break_off(struct stream_writer *writer);

/* Ends the stream, unless that is done, and frees. Takes NULL. 0 or the sticky -errno. */
int stream_writer__close(struct stream_writer *writer);

/* ---- files ---- */

/* Whether a file of this name in a run's folder is a stream. */
bool stream_file__is_name(const char *name);

#define STREAM_FILE_NAME 80 /* bytes of a name, with the NUL */
/* The name of a segment's file: STREAM.msgpack, STREAM.2.msgpack... */
void stream_file__name(char name[STREAM_FILE_NAME], const char *stream, uint32_t segment);
/* Takes such a name apart. The segment's number, from 1; of the stream's name *length bytes. */
uint32_t stream_file__segment(const char *name, size_t *length);
/* Which segment of this stream a file is; 0: of none. */
uint32_t stream_file__segment_of(const char *name, const char *stream, size_t length);

/* Opens the file of a stream for reading; does not wait for a FIFO. For root, the folder may be another user's: a link in it is
 * not followed, nor is a file of a third user taken that was linked to there. A descriptor or -errno. */
int stream_file__open(int folder, const char *name);

/* Leaves no more than the header of a segment that is not written any more: its events are lost, as those of a limit. The file is
 * open for reading and writing. 0, -EBUSY: it may be written; or another -errno with a sentence. */
int stream_file__clear(int fd, struct error *err);

/* Whether a writer holds the file's lock, without reading it: what it says of itself is not compared. */
bool stream_file__is_locked(int fd);

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
	uint64_t clock_error_ns;	/* most that real time was off then; null: not known, nothing kept it right */
	uint32_t events_count;		/* kinds: of control records, and SCHEMA_KIND_BASE + the probe's */
	struct stream_event *events;
	const bool *selected;		 /* by kind: which ones a merge passes on; NULL: all */
	const char *const *streams;	 /* of its run, ended by NULL; NULL: the writer did not say */
	const char *const *missing;	 /* those of them that a merge was to read and that are not there; NULL: none */
	const char *const *verdicts;	 /* limits of verdicts, NAME=VALUE, ended by NULL; NULL: the defaults */
	char marker[STREAM_MARKER_TEXT]; /* its random id, in hexadecimal digits: (marker, seq) names a record */
	uint64_t segment;		 /* number of this segment, from 1 */
	char follows[STREAM_MARKER_TEXT]; /* marker of the segment before this one; "": it is the first */
};

/* Whether a stream is still written. In this order: what holds for a run is the greatest of its streams'. */
enum stream_life {
	STREAM_ENDED,	/* has an `end` record */
	STREAM_UNKNOWN, /* has none, and its writer cannot be asked for: a copy, of another host or boot, on NFS... */
	STREAM_CRASHED, /* has none, and its writer was killed or could not write it, as on a full disk */
	STREAM_RUNNING, /* its writer holds its lock */
};

static inline enum stream_life stream_life__of_both(enum stream_life a, enum stream_life b)
{
	return a > b ? a : b;
}

static inline const char *stream_life__name(enum stream_life life)
{
	static const char *const names[] = {"ended", "unknown", "crashed", "running"};

	return names[life];
}

/* The state of a stream; final once its end has been reached. */
struct stream_state {
	uint64_t records;	/* delivered, not counting control records */
	uint64_t lost;		/* sum of its `lost` records */
	uint64_t damaged_bytes; /* skipped */
	uint64_t damaged_blocks;
	uint64_t late;	       /* delivered out of order: written more than one block late */
	bool complete;	       /* has an `end` record */
	enum stream_life life; /* only STREAM_RUNNING is known from the beginning */
	uint64_t until_ns;     /* boot clock: when the stream was found to be running, or was closed; 0: neither */
	uint64_t uncounted;    /* `lost` records that do not know how many */
	uint64_t invalid;      /* records that contradict the header: not delivered, counted as lost */
	uint64_t invalid_at;   /* offset in the file of the first */
	uint64_t redacted;     /* texts in which a secret was hidden; EVENT_NULL: no end yet, or an older writer */
};

/* Whether it has none of these events though its header describes them: not recorded, unavailable, or not selected. */
bool stream_info__lacks(const struct stream_info *info, const char *event);

/* Whether both headers are those of one stream of one run, with the same events: so are its segments'. */
bool stream_info__same_stream(const struct stream_info *a, const struct stream_info *b);

void stream_marker__put(char text[STREAM_MARKER_TEXT], const uint8_t marker[STREAM_MARKER]);
/* A number of which those of several markers, by exclusive or, are a sum that no other ones have. */
uint64_t stream_marker__sum(const char *marker);

/* Of the stream, or of its segment, that the record is in: (that, seq) names the record. */
static inline const char *stream_record__marker(const struct record *record)
{
	return record->marker ? record->marker : record->info->marker;
}

struct stream_reader;

/* Opens a stream and reads its header; fails unless the path is a regular file and a stream.
 * 0, or -errno with `err` set. */
int stream_reader__open(struct stream_reader **reader, const char *path, struct error *err);

/* The same from a descriptor, which the reader owns even if this fails; `name` is for messages. */
int stream_reader__open_fd(struct stream_reader **reader, int fd, const char *name, struct error *err);

/* The same from memory, owned by the caller: for tests and fuzzing. */
int stream_reader__open_memory(struct stream_reader **reader, const void *data, size_t data_size, struct error *err);

/* The next record, sorted by (ts, seq) within a window of two blocks. Its values fit its event: record__values() does
 * not fail. Includes `lost` records, also its own, with cause "damage" or "truncated" for damage; clock, sync and end
 * records are not delivered. Of a stream that is still written, what had been written when it was opened: a missing
 * end is not damage.
 * 1, 0 at the end, or -errno (I/O errors only: damage is not an error). */
int stream_reader__next(struct stream_reader *reader, struct record *record);

/* Goes on with the last block that holds events, and the end after it; what is before it is not read. 0, -ENODATA: there is
 * none near the end of the file, or -errno. */
int stream_reader__skip_to_last(struct stream_reader *reader);

/* ---- following (core/stream/stream_follow.c) ---- */

/* Before the first record. From then on, while the stream is written, stream_reader__next() returns -EAGAIN where the next
 * record is still to come, and what is written is passed on as soon as no other record of the stream can come before it. */
void stream_reader__follow(struct stream_reader *reader);
/* Looks what has been written meanwhile. 1 if stream_reader__next() is worth a try, else 0, or -errno. */
int stream_reader__refresh(struct stream_reader *reader);
/* After -EAGAIN: all records to come are later, boot clock, except late ones. */
uint64_t stream_reader__mark(const struct stream_reader *reader);

/* ---- segments (core/stream/stream_chain.c) ---- */

/* Where a reader finds the segments after the one that it was opened with, which it reads as one stream. */
struct stream_chain {
	/* Opens the next one after this number. A descriptor and its number; -ENOENT: there is none; other -errno, with the
	 * number if it is about that file. */
	int (*open)(void *arg, uint32_t after, uint32_t *number);
	/* One that cannot be used is left out: why. */
	void (*refused)(void *arg, uint32_t number, const char *why);
	void (*free)(void *arg); /* when the reader is closed */
	void *arg;
	/* When they were listed: whether the last of them was written, its number, the bytes of all. */
	bool running;
	uint32_t last;
	uint64_t bytes;
};

/* Before the first record. Takes over `arg`. Segments that are missing before or between others are a `lost` record with their
 * number of events. */
void stream_reader__chain(struct stream_reader *reader, const struct stream_chain *chain);

/* What a reader has delivered, so that another one can go on from there. */
struct stream_position {
	struct stream_place {
		uint64_t offset;		/* of a block in the file */
		uint64_t total, ts, seq, shift; /* of the stream before it */
		uint32_t segment;		/* whose file that is; 0: that of the one it was opened with */
	} at, from[2];	  /* the next block; those of which some records are still to be delivered */
	uint64_t next[2]; /* the record of that block; STREAM_NO_BLOCK: there is none */
	uint64_t mark;
	bool complete, finished;
	char marker[STREAM_MARKER_TEXT]; /* of the segment of `at` */
	uint64_t markers_before;	 /* stream_marker__sum() of the segments before that one */
};
#define STREAM_NO_BLOCK UINT64_MAX

/* `held`: without the last record. */
void stream_reader__tell(const struct stream_reader *reader, bool held, struct stream_position *position);
/* Goes on from there, before the first record. 0, -EBADMSG if there is no such place, or other -errno. */
int stream_reader__seek(struct stream_reader *reader, const struct stream_position *position);

/* Whether its last `end` says that it goes on in another segment. */
bool stream_reader__goes_on(const struct stream_reader *reader);

/* Closes the file and releases memory; only info and state remain. */
void stream_reader__release(struct stream_reader *reader);

const struct stream_info *stream_reader__info(const struct stream_reader *reader);
struct stream_info *stream_reader__info_mut(struct stream_reader *reader); /* for the merge: index, selected */
const struct stream_state *stream_reader__state(const struct stream_reader *reader);
/* Its writer, now: STREAM_RUNNING if it holds a lock, STREAM_ENDED if it is certain that nothing writes the file any more,
 * else STREAM_UNKNOWN. */
enum stream_life stream_reader__writer(const struct stream_reader *reader);
/* Whether both read the same stream, possibly from copies of its file. */
bool stream_reader__same(const struct stream_reader *a, const struct stream_reader *b);
/* Whether `a` has more of it, by reading both to the end with readers of their own. */
bool stream_reader__has_more(const struct stream_reader *a, const struct stream_reader *b);
void stream_reader__progress(const struct stream_reader *reader, uint64_t *done, uint64_t *total); /* bytes */
void stream_reader__close(struct stream_reader *reader);					   /* takes NULL */

#endif
