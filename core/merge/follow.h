/* SPDX-License-Identifier: BSD-2-Clause */
/* Follows runs: a merge that does not stop at the end of what is there. */
#ifndef CORE_MERGE_FOLLOW_H
#define CORE_MERGE_FOLLOW_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/base.h"
#include "core/merge/merge.h"
#include "core/resume/resume.h"

/* ---- follow_run.c: one run ---- */

struct follow;
struct follow_run;

/* A file that is watched for what is written to it. */
struct follow_watch {
	struct hash_node node;
	int wd;
	struct follow_run *run;
};

struct follow_run {
	struct follow_run *next, *next_unsafe;
	char *path;
	struct merge *merge;
	struct filter filter;
	struct ends *ends;     /* NULL: not --strict */
	size_t first, streams; /* indexes */
	struct follow_watch *watches;
	size_t watches_count;
	struct hash *watched; /* those of all runs */
	int inotify;
	bool dirty;  /* has more to read */
	bool polled; /* cannot be watched */
	bool ended;
	/* Where it was, until that is safe in the sink and saved. */
	struct resume_point point;
	uint64_t point_written; /* records of the sinks up to there */
	bool unsafe;
	bool moved; /* more was read since */
};

/* Takes an input with the watches of its files, and frees both; `running`: only one that runs. 0 with a run, or with NULL if
 * nothing of it is to be read, or -errno with a sentence. */
int follow_run__open(struct follow *f, struct merge_input *input, int *watches, bool running, struct follow_run **run,
		     struct error *err);
int follow_run__read(struct follow *f, struct follow_run *run);	  /* some of what is there. 0 or -errno, logged */
void follow_run__point(struct follow *f, struct follow_run *run); /* notes where it is, unless that waits to be saved */
/* Saves that, if it is safe by now. Returns whether it is saved. */
bool follow_run__save(struct follow *f, struct follow_run *run);
void follow_run__unwatch(struct follow *f, struct follow_run *run);
void follow_run__free(struct follow *f, struct follow_run *run);

/* ---- follow_folder.c ---- */

struct follow_name {
	struct hash_node node;
	struct follow_name *next; /* to be opened */
	char *path;		  /* while it is opened */
	char name[];
};

/* A folder of runs. */
struct follow_folder {
	struct follow_folder *next;
	const char *path;
	int fd, watch;			   /* watch: -1 if it cannot be watched */
	struct hash known;		   /* names of runs, until they are deleted */
	struct follow_name *first, **last; /* those still to be opened */
	bool stale;			   /* is to be listed */
};

struct inotify_event;
int follow_folder__add(struct follow *f, const char *path, struct error *err); /* 0 or -errno with a sentence */
int follow_folder__list(struct follow *f); /* those that are stale. 0 or -errno, logged */
void follow_folder__event(struct follow *f, struct follow_folder *folder, const struct inotify_event *event);
struct follow_name *follow_folder__next(
	struct follow_folder *folder); /* the first that is still to be opened, which there is */
void follow_folder__free(struct follow_folder *folder);

/* ---- follow.c ---- */

/* What was named. */
struct follow_named {
	struct merge_input *input;
	int *watches;
};

struct follow {
	/* the caller's */
	struct sinks *sinks;
	struct filter_opts wanted;
	struct resume resume;
	bool strict;
	bool running; /* of a folder only runs that run */
	bool limited; /* by these limits of verdicts */
	const char *const *limits;
	volatile sig_atomic_t *interrupted;
	merge_say say;
	void *say_arg;

	int inotify;
	struct follow_named *named;
	size_t named_count;
	struct follow_folder *folders;
	struct follow_run *runs;   /* that are read */
	struct follow_run *unsafe; /* whose point is to be saved */
	struct follow_run *kept;   /* that have ended, for sinks that need their infos */
	struct hash watches;
	size_t open, open_max; /* streams */
	bool *slots;	       /* indexes of streams that are in use */
	size_t slots_count;
	uint64_t read_at, saved_at; /* boot clock, ns */
	bool losses, crowded;
	bool left_out; /* a run could not be opened */
	bool swept;    /* no cursors of runs that are gone are left */
};

/* Opens what is to be followed, as the user who asks for it: a run, a stream, or a folder of runs; reads nothing from it. 0, or
 * -errno with a sentence. `path` must outlive it. */
int follow__add(struct follow *f, const char *path, struct error *err);

/* What was named: see merge_input__serve(). 0 or -ENOMEM. */
int follow__serve(const struct follow *f, struct segments_server *server);

/* Follows until all that was named has ended and, if there are folders, until a signal. 0, or -errno, logged or, if `err` is not
 * empty, with a sentence: -EINVAL and -ENOENT for what another command line would avoid. */
int follow__run(struct follow *f, int out, struct error *err);
void follow__free(struct follow *f);

#endif
