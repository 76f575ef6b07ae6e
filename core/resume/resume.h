/* SPDX-License-Identifier: BSD-2-Clause */
/* Cursors: how far a follower has got with each run, safe in its sink. Header of the room. */
#ifndef CORE_RESUME_RESUME_H
#define CORE_RESUME_RESUME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"
#include "core/stream.h"

#define RESUME_NAME 240

/* ---- resume_point.c: one cursor ---- */

struct resume_stream {
	char marker[STREAM_MARKER_TEXT]; /* of the segment of its position */
	char name[65];			 /* of the stream; "": the position is in its first segment */
	struct stream_position position;
};

/* Of a run. */
struct resume_point {
	bool ended; /* all of it is safe in the sink */
	struct resume_stream *streams;
	size_t count;
};

/* Whose it is; host and run as names of a folder and of a file. */
struct resume_key {
	const char *sink;
	char host[RESUME_NAME], run[RESUME_NAME];
};

/* A header is untrusted: its texts become names of files only in this form. */
void resume_point__name(const char *text, char name[RESUME_NAME]);

struct text;
void resume_point__put(struct text *out, const struct resume_key *key, const struct resume_point *point);

/* From the folder of a host. 1, 0 if there is none, or -EBADMSG if it is damaged or another's, or other -errno. */
int resume_point__read(int folder, const struct resume_key *key, struct resume_point *point);
void resume_point__free(struct resume_point *point);

/* ---- resume.c: all cursors of a sink, its follower's ---- */

struct account;

struct resume {
	int folder, lock; /* of this sink */
	const char *path; /* as the user wrote it; NULL: nothing is saved */
	char sink[64];
	bool failed; /* has been said */
};

/* Opens the folder of the sink's cursors in `path`, made if they are not there, for `account`. 0, or -errno with a sentence:
 * -EBUSY if another follower has it. */
int resume__open(struct resume *resume, const char *path, const char *sink, const struct account *account,
		 struct error *err);

/* 1, 0 if there is none, or -EBADMSG if it is damaged, or other -errno. */
int resume__load(const struct resume *resume, const struct stream_info *info, struct resume_point *point);

/* Replaces it as a whole. 0 or -errno; the first failure is logged. */
int resume__save(struct resume *resume, const struct stream_info *info, const struct resume_point *point);

/* A run of this id has been deleted. */
void resume__drop(const struct resume *resume, const char *run);

/* All runs that are there have been loaded: removes cursors that were neither loaded nor saved for a day, as of runs that were
 * deleted while nothing followed them. */
void resume__sweep(const struct resume *resume);
void resume__close(struct resume *resume);

/* ---- delivered.c: what sinks have delivered, for the removal of runs ---- */

struct delivered {
	const char *folder; /* FOLDER/SINK has the state of a sink's follower, FOLDER/SINK/cursors its cursors */
	const char *const *sinks;
	size_t count;
	bool failed; /* has been said */
};

/* The first of the sinks that has not all of a run, of the streams with this stream_marker__sum(); NULL: all have it. A sink that
 * no follower was ever started for waits for nothing. */
const char *delivered__lacks(struct delivered *delivered, const char *run, uint64_t streams);

/* Whether that is the marker of a stream's segment. */
typedef bool (*delivered_is)(void *arg, uint32_t segment, const char *marker);
/* Of a stream of a run that goes on: the first segment that one of the sinks has not all of; 1 if none of them has a follower. */
uint32_t delivered__up_to(struct delivered *delivered, const char *run, const char *stream, delivered_is is, void *arg);

#endif
