/* SPDX-License-Identifier: BSD-2-Clause */
/* The model's own objects: runs, the processes that live in them, failures kept until somebody
 * answers for them. Private to sinks/model. */
#ifndef SINKS_MODEL_PROCESS_H
#define SINKS_MODEL_PROCESS_H

#include "sinks/model/hash.h"
#include "sinks/model/model.h"

struct failure;

enum standing {
	LIVES,
	ENDED_OK,    /* exit code 0 */
	ENDED_OTHER, /* with a failure, or nobody knows how */
};

enum figure { FIGURE_CPU, FIGURE_USER, FIGURE_SYSTEM, FIGURES };

struct process {
	struct hash_node node; /* in model->processes until its last row is out */
	uint32_t refs;	       /* the table's, its children's, the run's to its root */
	struct run *run;
	struct process *ancestor; /* the nearest that can still answer for it: see process__ancestor() */
	enum standing standing;
	struct failure *failures, **failures_end; /* of its descendants, while it lives */

	/* Between its first sign of an end and its last row. */
	struct process *wait_prev, *wait_next;
	uint64_t wait_since;	  /* 0: it has not ended */
	bool told[MODEL_SOURCES]; /* which streams have told of the end */

	struct model_row row; /* what is known of its image; finished by row__emit() */
	struct model_command *command, *parent, *tried;
	uint64_t total[FIGURES]; /* CPU of the process, as last told */
	uint64_t given[FIGURES]; /* of it, what earlier images' rows have got */
	bool sampled;		 /* CPU was told since the image began */
	uint64_t rss_bytes;	 /* last sample, as it stands in run->rss_bytes */

	uint32_t child_status; /* of the last child that did not end 0, as a shell would say it */
	bool child_benign;
};

struct run {
	struct model_run pub;			/* first: what users see */
	struct process *root;			/* a reference */
	struct process *wait_first, *wait_last; /* in order of wait_since */
	uint64_t rss_bytes;			/* last samples of all that live */
	uint64_t rss_tick;			/* when the round of samples began */
};

#define ROLE_FIELDS 8

/* One record on its way in: the fields that its role names, null where the stream has none such. */
struct feed {
	struct model *model;
	struct run *run;
	const struct record *record;
	enum model_source source;
	const struct value *field[ROLE_FIELDS];
	const uint8_t *end; /* of the record's bytes */
};

/* What the records of one event say of a process. */
struct role {
	const char *stream, *event;
	enum model_source source;
	int (*take)(const struct feed *feed);
	const char *fields[ROLE_FIELDS];
};

struct source; /* model.c: a stream, and which of its events have a role */

struct model {
	struct model_calls calls;
	void *arg;
	const struct steps *steps;
	struct hash processes;
	struct run **runs;
	size_t runs_count;
	struct source *sources;
	size_t sources_count;
	size_t failures_count, failures_bytes; /* kept in all */
};

static inline struct process *process__of(struct hash_node *node)
{
	return (struct process *)((char *)node - offsetof(struct process, node));
}

/* ---- role.c ---- */

const struct role *role__find(const struct stream_event *event); /* NULL: says nothing to the model */

/* ---- process.c ---- */

/* NULL: none such. */
struct process *process__find(struct model *model, struct run *run, uint32_t pid, uint64_t start);

/* A new one in the table, child of (ppid, parent_start) if that lives. NULL: out of memory. */
struct process *process__new(struct model *model, struct run *run, uint32_t pid, uint64_t start,
			     uint32_t ppid, uint64_t parent_start);

/* An older process that still holds this pid, so that its end must have been missed; NULL: none. */
struct process *process__outlived(struct model *model, const struct process *process);

/* The nearest ancestor that lives or ended 0, the run's root where there is none; NULL: nobody.
 * Those that ended otherwise are passed over and let go: what they passed on is not hidden yet. */
struct process *process__ancestor(struct process *process);

void process__unref(struct process *process); /* takes NULL */

/* Its end has begun: bounds the wait for those streams that have not told of it yet. */
void process__wait(struct process *process);

/* Takes it off the table and its run's queue, and drops the table's reference. */
void process__remove(struct model *model, struct process *process);

/* What this process held in memory is no longer part of what its run holds. */
void process__drop_rss(struct process *process);

struct run *run__find(struct model *model, const struct stream_info *info, uint32_t number);
struct run *run__new(struct model *model, const struct stream_info *info, uint32_t number);
void run__free(struct run *run);

/* From the values of an exec; NULL: out of memory. */
struct model_command *command__new(const struct value *exe, const struct value *args, const struct value *cwd,
				   const struct value *uid, const uint8_t *end);
struct model_command *command__ref(struct model_command *command); /* takes NULL, as unref */
void command__unref(struct model_command *command);

/* A number of a record; null with its reason where it is none. */
uint64_t value__number(const struct value *value);

/* ---- row.c ---- */

/* Ends the image at `ts` because the process executes another program: its row goes out. */
int row__replaced(struct model *model, struct process *process, uint64_t ts);

/* Emits a process's last row, and takes the process off the table. */
int row__last(struct model *model, struct process *process);

/* ---- outcome.c ---- */

/* Judges what the record of the end says: sets the row's outcome, benign and passed_on. */
void outcome__judge(struct process *process);

/* ---- failure.c ---- */

/* A bad row is out: tells that it is hidden, or keeps it with the ancestor that will answer for it. */
int failure__keep(struct model *model, struct process *process, const struct model_row *row);

/* The process has got its standing: settles what it answered for, or hands it up. */
int failure__settle(struct model *model, struct process *process);

void failure__drop(struct model *model, struct process *process); /* nobody will answer for them */

#endif
