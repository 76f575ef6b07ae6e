/* SPDX-License-Identifier: BSD-2-Clause */
/* Merges any number of streams by time: a stable heap over readers that each sort within a bounded window.
 * Memory grows with the number of streams, never with their length. Streams of one boot are ordered by the boot
 * clock, streams of several hosts by real time through their anchors. The result does not depend on the order in which
 * streams are added. */
#ifndef CORE_MERGE_MERGE_H
#define CORE_MERGE_MERGE_H

#include <signal.h>
#include <stdbool.h>

#include "core/verdict.h"
#include "core/base/base.h"
#include "core/sink.h"
#include "core/stream.h"

struct merge;

/* What the merge says about a stream that it does not read. */
enum merge_note {
	MERGE_LEFT_OUT, /* unreadable, or of another run than its folder */
	MERGE_COPY,	/* of one that is read, and has as much or more */
};
typedef void (*merge_say)(void *arg, enum merge_note note, const char *sentence);

struct merge *merge__new(merge_say say, void *arg); /* say may be NULL. NULL: out of memory */

/* ---- add.c ---- */

/* Adds a stream file, or every stream of a run's folder. 0, or -errno with a sentence in `err`; if some stream
 * of a folder is unreadable, the rest is added. Streams of other runs in the folder are left out, unless none says
 * which streams its run has. */
int merge__add(struct merge *merge, const char *path, struct error *err);

/* The same in two parts: first the files are opened, nothing is read from them, then, by a process that may have dropped its
 * rights in between, all are added. A list of inputs begins with NULL; `path` must outlive it. */
struct merge_input;
int merge_input__open(struct merge_input **inputs, const char *path, struct error *err);
/* The same below an open folder; `path` is for messages and must outlive it. */
int merge_input__open_at(struct merge_input **inputs, int folder, const char *name, const char *path,
			 struct error *err);
/* Watches the files of the first input for what is written to them; watches[i] is -1 if that is not possible. Returns how many
 * files there are; `watches` may be NULL to ask for that. */
size_t merge_input__watch(const struct merge_input *input, int inotify, int *watches);
/* Before it is read: segments that are made meanwhile are watched too, each in place of the one before. */
void merge_input__follow(struct merge_input *input, int inotify, const int *watches,
			 void (*moved)(void *arg, int from, int to), void *arg);
/* Other segments than the first ones are opened later: by the server, if this process has no right to. 0 or -ENOMEM. */
struct segments_server;
int merge_input__serve(const struct merge_input *inputs, struct segments_server *server);
int merge_input__read(struct merge_input *inputs, struct merge *merge, struct error *err);
const char *merge_input__path(const struct merge_input *input);
void merge_input__free(struct merge_input *inputs);

/* ---- merge.c ---- */

/* Adds one stream by its descriptor, which the merge owns even if this fails; `name` is for messages. */
int merge__add_fd(struct merge *merge, int fd, const char *name, struct error *err);

/* Adds an open stream, which the merge owns even if this fails. Of two copies of a stream only the one that has more
 * is read. `whole`: all streams of its run are to be there. 0, or -ENOMEM with a sentence. */
int merge__add_reader(struct merge *merge, struct stream_reader *reader, bool whole, struct error *err);

void merge__say(const struct merge *merge, enum merge_note note, const char *sentence);
bool merge__started(const struct merge *merge);
bool merge__same_run(const struct stream_info *a, const struct stream_info *b);

/* After the last stream was added: finds those that others of their run list and that their folder does not have. For
 * each the merge has a `lost` record of its own; the infos of the run's streams list them. 0 or -ENOMEM. */
int merge__find_missing(struct merge *merge);

size_t merge__streams(const struct merge *merge);
const struct stream_info *merge__info(const struct merge *merge, size_t i);
const struct stream_state *merge__state(const struct merge *merge, size_t i);

/* Notes in the stream's info that only some kinds are passed on; borrows `kinds`. */
void merge__select(struct merge *merge, size_t i, const bool *kinds);

/* After the last stream was added: verdicts are given by these limits instead of those that the runs have; see
 * stream_info.verdicts. Borrows `limits`. */
void merge__limit(struct merge *merge, const char *const *limits);

/* Bytes read so far and in total, for progress. */
void merge__progress(const struct merge *merge, uint64_t *done, uint64_t *total);

/* The next record in order of (time, stream, sequence). 1, 0 at the end, -errno with merge__failed()
 * naming the stream. */
int merge__next(struct merge *merge, struct record *record);
size_t merge__failed(const struct merge *merge);

/* Follows the streams that are still written: merge__next() then also returns -EAGAIN, where the next record is still to come.
 * After the last stream was added, before the filter is made. The first stream's index is `first`. */
void merge__follow(struct merge *merge, uint32_t first);
/* Looks what has been written meanwhile. 0 or -errno. */
int merge__refresh(struct merge *merge);

/* Where a stream is: what merge__next() has returned of it is before that. */
void merge__tell(const struct merge *merge, size_t i, struct stream_position *position);
/* Goes on from there, before the first record. 0, -EBADMSG: there is no such place in it, or other -errno. */
int merge__seek(struct merge *merge, size_t i, const struct stream_position *position);

void merge__free(struct merge *merge); /* takes NULL */

/* ---- filter.c ---- */

/* Selects records of a merge by run, event and time. `lost` records are always selected. */

struct filter_opts {
	const char *const *runs, *const *events; /* as the user wrote them, ended by NULL; NULL or empty: all */
	const char *since, *until;		 /* RFC 3339, or an offset from the run's start; NULL: no bound */
};

struct filter_stream {
	bool wanted;
	bool *kinds; /* by kind; NULL: all */
	int64_t since, until;
};

struct filter {
	struct filter_stream *streams; /* by stream_info's index, less `first` */
	size_t count;
	uint32_t first;
};

/* For the streams that `merge` has so far. 0, or -EINVAL, -ENOMEM with a sentence in `err`. */
int filter__init(struct filter *filter, struct merge *merge, const struct filter_opts *opts, struct error *err);

static inline bool filter__stream(const struct filter *filter, const struct stream_info *info)
{
	return filter->streams[info->index - filter->first].wanted;
}

static inline bool filter__record(const struct filter *filter, const struct record *record)
{
	const struct filter_stream *stream = &filter->streams[record->info->index - filter->first];

	if (!stream->wanted || record->kind == RECORD_LOST)
		return stream->wanted;
	return (!stream->kinds || stream->kinds[record->kind]) && record->real_ns >= stream->since &&
	       record->real_ns <= stream->until;
}

void filter__free(struct filter *filter);

/* ---- ends.c ---- */

/* Processes whose end some streams of a run have and others lack: each should have it, or a `lost` record. */
struct ends;

/* For the streams that the filter selects. NULL: out of memory. */
struct ends *ends__new(const struct merge *merge, const struct filter *filter);
int ends__take(struct ends *ends, const struct record *record); /* of any stream, all records; 0 or -ENOMEM */

/* After the last record: how many ends of processes the stream lacks and others have. 0 if any stream has losses. */
uint64_t ends__missing(const struct ends *ends, size_t stream);
void ends__free(struct ends *ends); /* takes NULL */

/* ---- missing.c ---- */

/* Logs what is missing from each stream, and which runs go on. `ends` may be NULL. Returns whether anything is missing. */
bool missing__say(const struct merge *merge, const struct filter *filter, const struct ends *ends);

/* ---- about.c ---- */

extern const struct plugin_kind sink_kind;

/* What a sink says of itself, without its functions; it is read by a process of the account. */
struct sink_about {
	struct sink sink;
	struct opt *options; /* of the sink, with offsets of our own */
	struct sink_verdicts *verdicts;
	char *name, *said;
	struct sink_about *next; /* for the owner */
};

int sink_about__of(struct plugin *plugin, const struct account *account, struct sink_about **about, struct error *err);
int sink_about__read(struct sink_about **about, const char *dir, const char *name, struct error *err);
void sink_about__free(struct sink_about *about); /* takes NULL */

/* Whether it has what a sink must have. 0 or -ENOEXEC. */
int sink__check(const struct sink *sink, struct error *err);

/* What --list prints. A sink that cannot be loaded is logged; then returns false. */
bool sinks__list(FILE *out, const char *dir);

/* ---- sink_files.c ---- */

#define SINK_FILES_MAX 8

/* What a sink is to read, by the options that name it: it may not be able to open that itself. */
struct sink_files {
	struct {
		char *option;
		int fd;
	} of[SINK_FILES_MAX];
	size_t count;
};

/* Takes over `fd`, also in an error. 0 or -ENOMEM. */
int sink_files__add(struct sink_files *files, const char *option, size_t length, int fd);

/* Opens what the options that the sink `reads` name: a regular file, or the first such of several between commas. 0, also if
 * none is, or -ENOMEM. */
int sink_files__open(struct sink_files *files, const struct sink *sink, const void *conf);
int sink_files__of(const struct sink_files *files, const char *option); /* its descriptor; 0: there is none */
void sink_files__close(struct sink_files *files);

/* ---- sinks.c ---- */

/* The sinks that a merge feeds: loaded by name, configured, called in the order given. */

struct sinks {
	struct sinks_entry *entries;
	size_t count;
	uint64_t written;	       /* records */
	const struct fail_on *fail_on; /* NULL: no verdict fails */
	uint64_t failing;	       /* verdicts that do */
	/* Set first. If it is `apart`, sinks__start() is called by its process, the rest up to it and after its end by this one;
	 * NULL: all by this one. */
	const struct account *account;
	const volatile sig_atomic_t *interrupted; /* NULL: never */
};

/* Finds "NAME" or "NAME:k=v,k=v", checks the options, and loads it unless that is for another process. `spec` must outlive it.
 * 0, or -errno with a sentence in `err`. */
int sinks__add(struct sinks *sinks, const char *dir, const char *spec, struct error *err);

/* Sets the option `output` of sinks of files that lack it to `path`. 1 if there are sinks of bytes, which write
 * to the merge's output, 0 if not, or -errno with a sentence. */
int sinks__output(struct sinks *sinks, const char *path, struct error *err);

/* Opens the outputs of sinks of files, and the files that sinks are to read. 0, or -errno with a sentence. */
int sinks__place(struct sinks *sinks, struct error *err);

/* Loads those that are not yet. 0, or -errno with a sentence. */
int sinks__start(struct sinks *sinks, struct error *err);

/* Opens each and passes the streams, unless `merge` is NULL; `out` is for sinks of bytes. 0, or -errno, logged. */
int sinks__open(struct sinks *sinks, int out, const struct merge *merge, const struct filter *filter);
/* Passes the streams of another merge, once they are open. */
int sinks__streams(struct sinks *sinks, const struct merge *merge, const struct filter *filter);
int sinks__write(struct sinks *sinks, const struct record *record);

/* Passes the streams' final states and flushes for the last time. */
int sinks__finish(struct sinks *sinks, const struct merge *merge, const struct filter *filter);
int sinks__ended(struct sinks *sinks, const struct merge *merge, const struct filter *filter); /* the states alone */
int sinks__flush(struct sinks *sinks, bool last);

/* The streams of a merge that has ended are not needed any more. False if a sink needs them until it is closed. */
bool sinks__forget(struct sinks *sinks, const struct merge *merge, const struct filter *filter);
const char *sinks__name(const struct sinks *sinks, size_t i);

/* Moves files into place. 0, or -errno with a sentence. */
int sinks__commit(struct sinks *sinks, struct error *err);

/* How many of the records passed to sinks__write() are safe in the sink: a low-water mark. */
uint64_t sinks__delivered(const struct sinks *sinks, size_t i);
void sinks__stop(struct sinks *sinks);	/* closes those that are open, and leaves their files where they are */
void sinks__close(struct sinks *sinks); /* all that are loaded or open; removes files not yet in place */

/* ---- place.c ---- */

/* A folder under a temporary name for a sink's output, and where its files go once they are complete. */
struct place {
	enum sink_output output;
	const char *path; /* as the user wrote it */
	bool overwrite;
	int to;	    /* the folder `path`, or the one it is in; -1: none */
	int hidden; /* the temporary folder in that, which only this user can enter */
	int made;   /* the folder in that, for the sink */
	char temporary[64];
	bool fresh; /* the folder `path` was made for it, and goes again unless something is put there */
};

/* 0, or -errno with a sentence in `err`; -EEXIST for a file that may not be overwritten. */
int place__open(struct place *place, struct error *err);

/* Moves the files into place; folders are made as needed. If a folder below the first one has files of the same
 * suffix, they are kept (-EEXIST), or replaced if `overwrite`. */
int place__commit(struct place *place, struct error *err);
void place__close(struct place *place); /* removes files not yet in place */

#endif
