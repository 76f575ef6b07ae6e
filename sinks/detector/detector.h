/* SPDX-License-Identifier: BSD-2-Clause */
/* What a detector is, and what the frame keeps of each living process for it. For sinks/waits and sinks/verdicts.
 *
 * Layers of files, each calls only those above it: draft.c, order.c, track.c, ended.c, the detectors, verdicts.c. */
#ifndef SINKS_DETECTOR_DETECTOR_H
#define SINKS_DETECTOR_DETECTOR_H

#include "core/base/base.h"
#include "core/text.h"
#include "core/sink.h"
#include "core/stream.h"
#include "sinks/detector/verdict_entry.h"

/* ---- draft.c: verdicts as they are made ---- */

/* A verdict being made: texts are appended by the detector; those that stay empty are null. */
struct draft {
	enum verdict_kind kind;
	enum verdict_certainty certainty;
	const struct model_row *row; /* the process: its command and step */
	uint64_t since_ns, ended_ns;
	uint8_t mark; /* as those of the verdict */
	size_t head;  /* 0: nothing that comes later is to be asked */
	struct text evidence, refute, next, members, missing;
};

struct draft draft__new(enum verdict_kind kind, enum verdict_certainty certainty, const struct model_row *row);

/* Adds it to the list and frees its texts in any case. 0 or -ENOMEM. */
int draft__add(struct verdicts *verdicts, struct draft *draft);

/* "python3 join.py (pid 4711)" */
void text__process(struct text *text, const struct model_row *row);
void text__member(struct text *text, uint32_t pid, uint32_t tid); /* tid 0: the process */

/* ---- track.c: living processes ---- */

/* The last figures of the process; null: no record has one. */
enum track_figure {
	TRACK_CPU,
	TRACK_VOLUNTARY, /* context switches */
	TRACK_INVOLUNTARY,
	TRACK_RUN_DELAY,
	TRACK_THREADS,
	TRACK_CPUS, /* on which it may run */
	TRACK_IN_IOWAIT,
	TRACK_QUOTA, /* of the tightest quota that holds for it */
	TRACK_PERIOD,
	TRACK_PERIODS,
	TRACK_THROTTLED,
	TRACK_THROTTLED_NS,
	TRACK_QUOTA_CGROUP,
	TRACK_ANON,
	TRACK_FILE,
	TRACK_SHMEM,
	TRACK_SWAP,
	TRACK_STACK,
	TRACK_MINOR_FAULTS,
	TRACK_MAJOR_FAULTS,
	TRACK_READ_CHARS,
	TRACK_WRITE_CHARS,
	TRACK_READ_BYTES,
	TRACK_WRITE_BYTES,
	TRACK_FIGURES,
};

enum track_event { TRACK_CPU_SAMPLE, TRACK_MEM_SAMPLE, TRACK_IO_SAMPLE, TRACK_EVENTS };

/* What a process has used, as far as its samples and its end tell: of the whole run, it says whether others get on. */
enum track_used { TRACK_USED_CPU, TRACK_USED_READ, TRACK_USED_WRITTEN, TRACK_USES };

#define TRACK_WORDS 6

/* A process from its first record to its last row. */
struct track {
	struct hash_node node;
	uint32_t refs; /* of the table, and of children */
	uint32_t pid;
	uint64_t start;
	const struct model_run *run;
	struct track *parent; /* a reference; it may have ended; NULL: not known */
	uint64_t first_ts;
	uint64_t exited_ns;   /* lifecycle has seen its end; null: it lives */
	bool signalled;	      /* a signal ended it, or it failed when one asked it to end */
	uint64_t released_ns; /* its parent has waited for it; null: not yet */
	bool over;	      /* its last row has come */
	bool gone;	      /* and those of its children that ended before: no detector has anything of it any more */
	uint64_t figure[TRACK_FIGURES], before[TRACK_FIGURES];	    /* before: at the sample before */
	uint64_t sampled_ns[TRACK_EVENTS], before_ns[TRACK_EVENTS]; /* the last one, and the one before; 0: none */
	uint64_t mapped;    /* most bytes of files in its memory that a sample, or its end, saw */
	uint64_t active_ns; /* when it was last seen to have got on: CPU, or bytes; 0: never */
	uint64_t used[TRACK_USES];
	char state;		     /* of the last sample; 0: none */
	uint64_t image_ns;	     /* the last exec; 0: none was seen */
	bool of_fork;		     /* its parent had executed nothing then, as a subshell */
	uint64_t exe;		     /* hash of its program's path; 0: not known */
	uint64_t shape;		     /* hash of how and where it was executed, without numbers; 0: not known */
	uint64_t exact;		     /* the same of its arguments with their numbers; 0: not known */
	uint32_t words[TRACK_WORDS]; /* hashes of the arguments, the program first, without numbers */
	uint32_t words_count;	     /* 0: not known, or more than that */
	uint32_t texts;		     /* bits: which of them are program text, without names of files as well */
	uint64_t folder;	     /* hash of its working folder, without numbers and hash values; 0: not known */
	uint64_t asked_ns;	     /* a time that is its only argument; 0: none */
	uint32_t children;	     /* that were seen */
	uint32_t living;	     /* of them, those that have not ended */
	uint64_t family_cpu_ns;	     /* of its descendants whose last row has come */
	uint64_t family_read;	     /* bytes, of the same */
	uint32_t owed;		     /* those that have ended and are not gone: accounts come in any order */
	void *room[];		     /* one for each detector: allocated by it or NULL */
};

struct detector;

/* What has got on among processes that are gone: the children of one parent, or one of them that had children itself. */
struct gone_active {
	uint32_t pid; /* the parent */
	uint32_t of;  /* 0: all but those */
	uint64_t start, of_start, active_ns;
};
#define GONE_ACTIVE 16

enum verdict_quota_counter { QUOTA_PERIODS, QUOTA_THROTTLED, QUOTA_THROTTLED_NS, QUOTA_CPU, QUOTA_COUNTERS };

/* A quota of CPU time, and what its counters were at the first and the last sample with it. */
struct verdict_quota {
	uint64_t cgroup, quota_ns, period_ns;
	uint64_t since_ns, until_ns; /* since_ns 0: none was met */
	uint64_t first[QUOTA_COUNTERS], last[QUOTA_COUNTERS];
};

/* What is kept of a run. */
struct verdict_run {
	const struct model_run *run;
	struct verdict_limits limits;
	bool outside; /* its first process was ended by a signal from outside of the run */
	bool root_failed;
	uint64_t root_ended_ns;		      /* 0: not yet */
	struct verdict_quota quota;	      /* its counter of CPU time is of any process */
	bool quota_of_all;		      /* its first process has a verdict for all */
	uint64_t quota_own_throttled;	      /* periods of the one in that cgroup that it has stopped most often */
	uint64_t cpus;			      /* on which the least restricted of its processes may run; 0: not known */
	uint64_t memory_limit;		      /* of the cgroup in which most of its memory is; 0: none is known */
	struct gone_active gone[GONE_ACTIVE]; /* the latest first */
	uint64_t used[TRACK_USES];	      /* by all its processes */
};

struct reader; /* verdicts.c */

struct verdict_source {
	const struct stream_info *info;
	struct reader **kinds; /* by kind of the stream's events */
};

struct verdicts {
	const struct model *model;
	struct hash tracks;
	bool stalled;		   /* hang.c: what stands still has changed since its last pass */
	bool stuck;		   /* hang.c: and some of it no pass has seen */
	struct verdict_run **runs; /* by the model's index */
	size_t runs_count;
	struct verdict_source *sources;
	size_t sources_count;
	struct verdict **list;
	size_t count, shown; /* shown: of them, the first ones, after verdicts__finish() */
};

/* Whether a stream of the run's host has such an event. */
bool verdicts__has_event(const struct verdicts *verdicts, const struct model_run *run, const char *stream,
			 const char *event);

/* NULL: out of memory. */
struct verdict_run *verdict_run__of(struct verdicts *verdicts, const struct model_run *run);

/* For verdicts.c. */
struct track *track__new(struct verdicts *verdicts, const struct model_run *run, const struct record *record,
			 struct track *parent);
void track__ended(struct track *track, uint64_t ts, struct track *parent); /* parent: then; NULL: not known */
void track__executed(struct track *track, uint64_t ts, const struct value *exe, const struct value *args,
		     const struct value *cwd, const uint8_t *end);
void track__sample(struct track *track, enum track_event event, uint64_t ts, const struct value *const *fields);
void track__use(struct verdicts *verdicts, struct track *track, enum track_used what, uint64_t total);
void track__add_to_family(struct track *track, const struct model_row *row); /* its last */
void track__over(struct verdicts *verdicts, struct track *track); /* its last row has come: no record finds it */
bool track__is_owed(const struct track *track);			  /* a row of it or of a child that has ended */
struct track *track__forget(struct track *track);		  /* gone; returns its parent, NULL if that is gone */
void drafts__order(struct verdicts *verdicts); /* order.c: sorts the list, and keeps at its begin what is shown */
void drafts__free(struct verdicts *verdicts);

/* The process of this number; NULL: none that is not gone. */
struct track *track__find(const struct verdicts *verdicts, const struct model_run *run, uint32_t pid, uint64_t start);

/* Its row as far as it is known: command, task, parent. NULL: the model has none. */
const struct model_row *track__row(const struct verdicts *verdicts, const struct track *track);

/* The detector's room of the process, zeroed at first. NULL: out of memory. */
void *track__room(struct track *track, const struct detector *detector);
void *track__has_room(const struct track *track, const struct detector *detector); /* NULL: none yet */

/* All that are not gone, in order of start; the caller frees the array. NULL: out of memory. */
struct track **tracks__sorted(const struct verdicts *verdicts, size_t *count);

/* By how much a figure has grown at the last sample; 0 if not known. */
uint64_t track__grown(const struct track *track, enum track_figure figure);

/* The limits of a kind, `after` above all. */
const struct verdict_limit *verdict_run__limit(const struct verdicts *verdicts, const struct model_run *run,
					       enum verdict_kind kind);

/* ---- ended.c ---- */

/* Whether a process outside of the run ended this one, or the run while this one went on. */
bool ended__outside(const struct verdicts *verdicts, const struct model_row *row);

/* Whether a signal ended it, or it failed when one asked it to end. */
bool ended__by_signal(const struct model_row *row);

/* When another process of the run last got on, but for its ancestors, which wait for it. 0: none did. below: its descendants
 * count too. */
uint64_t ended__others_got_on(const struct verdicts *verdicts, const struct track *track, bool below);

/* What all others of the run have used so far, but its ancestors: they wait for it. */
uint64_t ended__used_by_others(const struct verdicts *verdicts, const struct track *track, enum track_used what);

/* ---- a detector ---- */

#define DETECTOR_FIELDS 24

/* A record with the fields that the detector's role names; null if the stream lacks them. */
struct seen {
	struct verdicts *verdicts;
	const struct record *record;
	const struct model_run *run;
	struct track *track; /* of the record's process; NULL: not known */
	const struct value *field[DETECTOR_FIELDS];
	const uint8_t *end; /* of the record's bytes, for value__item() */
};

struct detector_role {
	const char *stream, *event; /* NULL: the last one */
	int (*take)(const struct seen *seen);
	const char *fields[DETECTOR_FIELDS];
};

/* Functions are optional; each returns 0 or -ENOMEM. */
struct detector {
	struct sink_verdict about;
	size_t room; /* bytes for a process, allocated by track__room() */
	const struct detector_role *roles;
	int (*sampled)(struct verdicts *verdicts, struct track *track, enum track_event event);
	int (*forked)(struct verdicts *verdicts, struct track *child);
	int (*executed)(struct verdicts *verdicts, struct track *track);
	int (*exited)(struct verdicts *verdicts, struct track *track);	 /* its end; children may still live */
	int (*released)(struct verdicts *verdicts, struct track *track); /* its parent has waited for it */
	int (*row)(struct verdicts *verdicts, struct track *track, const struct model_row *row); /* its last */
	int (*hidden)(struct verdicts *verdicts, const struct model_row *row, uint32_t pid,
		      const struct model_command *by);
	int (*retried)(struct verdicts *verdicts, const struct model_row *row);
	int (*ignored)(struct verdicts *verdicts, const struct model_row *row);
	int (*settle)(struct verdicts *verdicts); /* all records are in, rows of the living not yet */
	int (*finish)(struct verdicts *verdicts); /* all rows are in: what comes late, in its verdicts of the list */
	void (*drop)(void *room);		  /* frees what the room holds */
	uint32_t index;				  /* of the room, unique: enum detector_index */
};

/* The table's order. */
enum detector_index {
	DETECT_GRAPH,
	DETECT_RETRY,
	DETECT_TICKS,
	DETECT_OOM,
	DETECT_DISK_FULL,
	DETECT_MISSING_TOOL,
	DETECT_HIDDEN_FAILURE,
	DETECT_OUTLIVED,
	DETECT_RECURSION,
	DETECT_FORK_STORM,
	DETECT_SPIN,
	DETECT_LEAK,
	DETECT_THRASH,
	DETECT_THROTTLED,
	DETECT_QUOTA,
	DETECT_IO_BOUND,
	DETECT_STRAGGLER,
	DETECT_ZOMBIE,
	DETECTORS,
};

extern const struct detector detector_graph, detector_retry_loop, detector_ticks, detector_oom, detector_disk_full,
	detector_missing_tool, detector_hidden_failure, detector_outlived, detector_recursion, detector_fork_storm,
	detector_spin, detector_leak, detector_thrash, detector_throttled, detector_quota, detector_io_bound,
	detector_straggler, detector_zombie;

#endif
