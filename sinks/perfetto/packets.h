/* SPDX-License-Identifier: BSD-2-Clause */
/* A trace as Perfetto reads it: tracks, and slices, instants and counters on them. Packets may come in any order of
 * time; those of equal track and time keep theirs. */
#ifndef SINKS_PERFETTO_PACKETS_H
#define SINKS_PERFETTO_PACKETS_H

#include "sinks/model/model.h"
#include "sinks/proto/proto.h"

/* Categories of events: SELECT ... WHERE category = 'program'. */
enum category {
	CATEGORY_RUN,
	CATEGORY_STEP,
	CATEGORY_PROGRAM, /* an executed program */
	CATEGORY_FORK,	  /* a process that was forked and never executed one */
	CATEGORY_START,	  /* a process starts a child */
	CATEGORY_FAILURE,
	CATEGORY_HIDDEN, /* a failure that the exit codes above it do not show */
	CATEGORY_LOST,
	CATEGORIES,
};

/* Debug annotations of events: SELECT extract_arg(arg_set_id, 'debug.pid'). */
enum note {
	NOTE_PID,
	NOTE_PPID,
	NOTE_STEP,
	NOTE_ID,
	NOTE_TASK,
	NOTE_ARGS,
	NOTE_CWD,
	NOTE_OUTCOME,
	NOTE_EXIT_CODE,
	NOTE_SIGNAL,
	NOTE_SIGNAL_NAME,
	NOTE_CORE_DUMPED,
	NOTE_TRIED, /* the program that it could not execute, and why */
	NOTE_TRIED_ERROR,
	NOTE_CPU_NS,
	NOTE_USER_NS,
	NOTE_SYSTEM_NS,
	NOTE_CORES,
	NOTE_PEAK_RSS_BYTES,
	NOTE_RSS_PEAK_BYTES,
	NOTE_READ_BYTES,
	NOTE_WRITE_BYTES,
	NOTE_MISSING, /* reasons for nulls, by name */
	NOTE_PROGRAMS,
	NOTE_PROCESSES,
	NOTE_FAILED,
	NOTE_HIDDEN,
	NOTE_HIDDEN_BY,
	NOTE_PROPAGATED,
	NOTE_HOST,
	NOTE_KERNEL,
	NOTE_LOSS,
	NOTE_STATE, /* of a run that has no end */
	NOTES,
};

enum event_type { EVENT_BEGIN = 1, EVENT_END, EVENT_INSTANT };

enum track_kind { TRACK_PLAIN, TRACK_CORES, TRACK_BYTES };

struct track {
	uint64_t uuid, parent; /* parent 0: none */
	enum track_kind kind;
	uint32_t rank;	  /* among its parent's children */
	const char *name; /* safe */
};

struct packets {
	int fd;
	int error; /* the first -errno; sticks */
	struct buffer proto;
	struct text scratch;
	size_t packet, event; /* offsets of the open ones */
};

void packets__init(struct packets *packets, int fd);
void packets__clock(struct packets *packets, uint64_t boot_ns, int64_t real_ns);
void packets__track(struct packets *packets, const struct track *track);

void packets__cores(struct packets *packets, uint64_t ts, uint64_t track, double cores);
void packets__bytes(struct packets *packets, uint64_t ts, uint64_t track, uint64_t bytes);

/* Open an event, add notes, close it. `name` is untrusted; NULL for EVENT_END. */
void packets__open(struct packets *packets, enum event_type type, uint64_t ts, uint64_t track, enum category category,
		   const char *name);
void packets__number(struct packets *packets, enum note note, uint64_t value); /* or the reason if it is null */
void packets__double(struct packets *packets, enum note note, double value);
void packets__text(struct packets *packets, enum note note, const struct model_text *text);
void packets__string(struct packets *packets, enum note note, const char *string); /* NULL: left out */
void packets__args(struct packets *packets, enum note note, const struct model_list *args);
void packets__flow(struct packets *packets, uint64_t id, bool ends);
void packets__close(struct packets *packets);

int packets__flush(struct packets *packets); /* 0 or -errno */
void packets__free(struct packets *packets);

#endif
