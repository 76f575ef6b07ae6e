/* SPDX-License-Identifier: BSD-2-Clause */
/* The model's own objects: runs, the processes that live in them, failures kept until a process
 * answers for them. Private to sinks/model. */
#ifndef SINKS_MODEL_PROCESS_H
#define SINKS_MODEL_PROCESS_H

#include "core/base/base.h"
#include "sinks/model/model.h"

struct failure;

enum standing {
	LIVES,
	ENDED_OK,    /* exit code 0 */
	ENDED_OTHER, /* with a failure, or in an unknown way */
};

/* What a process has used up, as a number that only grows. */
enum figure { FIGURE_CPU, FIGURE_USER, FIGURE_SYSTEM, FIGURE_IO, FIGURES = FIGURE_IO + MODEL_IO_FIGURES };

/* Memory that several processes hold, by their last samples. */
struct rss {
	uint64_t bytes;
	uint64_t tick;	/* when the round of samples began */
	uint64_t *peak; /* null: there was no sample */
};

struct task {
	struct model_task pub; /* first: what users see */
	struct hash_node node; /* in model->tasks, if it has an id and is open */
	uint32_t refs;	       /* processes', kept failures', those of tasks inside it */
	uint32_t open;	       /* processes in it whose last row is not out */
	struct run *run;
	struct task *outer; /* a reference: the nearest around it that is open; NULL: none */
	struct model_command *command;
	struct rss rss;
	uint64_t endless;		 /* the reason why an end is not known; 0: all are */
	uint64_t until_ns, wall_unknown; /* end of its last program; the reason why one's is not known; 0: all are */
	uint64_t propagated;		 /* of the failed rows */
};

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
	bool told[MODEL_SOURCES]; /* which streams have reported the exit */

	/* The process whose account takes in this one's when it waits for it; its last row waits for those
	 * that it owes itself. A reference, from the end on. */
	struct process *reaper;
	uint32_t owing; /* processes that have ended and name this one */
	bool ready;	/* its last row waits for them only */

	struct model_row row; /* what is known of its image; finished by row__emit() */
	struct model_command *command, *parent, *tried;
	int32_t above;		     /* programs above it: forks that executed nothing do not count */
	uint64_t total[FIGURES];     /* of the process, as last reported */
	uint64_t given[FIGURES];     /* of it, what earlier images' rows have got */
	bool sampled[MODEL_SOURCES]; /* which were reported since the image began */
	uint64_t rss_bytes;	     /* last sample, as it stands in the run's and the task's rss */

	/* Of MODEL_IO: what it took in of others, what rows have given to tasks, whether the total is final. */
	uint64_t others_io[MODEL_IO_FIGURES], own_io[MODEL_IO_FIGURES];
	bool io_final;

	/* What calls.sample has been given. */
	uint64_t looked_ns[MODEL_SOURCES]; /* 0: not yet */
	uint64_t looked_cpu_ns, looked_rss_bytes;

	struct task *task; /* a reference; NULL: of none */
	uint8_t *begun;	   /* bit by bit the rules by which it began a task; NULL: by none */

	uint32_t child_status; /* of the last child that did not end 0, as a shell would say it */
	bool child_benign;
};

struct run {
	struct model_run pub;			/* first: what users see */
	struct process *root;			/* a reference */
	struct process *wait_first, *wait_last; /* in order of wait_since */
	struct rss rss;				/* of all that live */
	uint32_t tasks;				/* begun */
	void *user;
};

#define ROLE_FIELDS 10

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
	struct steps_matcher *matcher; /* NULL without steps */
	struct hash processes, tasks;
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

/* ---- The files in layers: each calls only those above it here; model.c calls them all. ---- */

/* ---- outcome.c ---- */

/* Judges what the record of the end says: sets the row's outcome, benign and propagated. */
void outcome__judge(struct process *process);

/* The true reason of a value that no record has reported; other values stay as they are. */
uint64_t reason__explained(const struct run *run, enum model_source source, uint64_t value, bool running);

/* ---- rss.c ---- */

/* A sample of the process's memory at `ts`. */
void rss__set(struct process *process, uint64_t ts, uint64_t bytes);

/* What this process held in memory is no longer part of what its run and its task hold. */
void rss__drop(struct process *process);

/* ---- task.c ---- */

/* A process that belongs to no task enters one; takes NULL. */
void task__enter(struct process *process, struct task *task);

/* It has executed a program: it begins a task, or joins one, if there is a rule that says so. */
int task__exec(struct model *model, struct process *process);

/* A row of it is out; `own_io`: its share of I/O, without that of others. */
void task__row(struct task *task, const struct model_row *row, const uint64_t own_io[MODEL_IO_FIGURES]);

/* A bad row of it is hidden by `by`. Either may be NULL. */
void task__hidden(struct task *task, const struct task *by);

/* The last row of a process in it is out; the last one closes it. Takes NULL. */
int task__leave(struct model *model, struct task *task);

struct task *task__ref(struct task *task); /* takes NULL, as unref */
void task__unref(struct task *task);

/* ---- process.c ---- */

/* NULL: none such. */
struct process *process__find(struct model *model, struct run *run, uint32_t pid, uint64_t start);

/* A new one in the table, child of (ppid, parent_start) if that lives. NULL: out of memory. */
struct process *process__new(struct model *model, struct run *run, uint32_t pid, uint64_t start, uint32_t ppid,
			     uint64_t parent_start);

/* A pre-existing process that still holds this pid: its exit must have been missed; NULL: none. */
struct process *process__outlived(struct model *model, const struct process *process);

/* The nearest ancestor that lives or ended 0, the run's root if there is none; NULL: none at all.
 * Those that ended otherwise are passed over and released: what they propagated is not hidden yet. */
struct process *process__ancestor(struct process *process);

void process__unref(struct process *process); /* takes NULL */

/* Its exit has begun: bounds the wait for those streams that have not reported it yet. */
void process__wait(struct process *process);

/* Takes it off the table and its run's queue, and drops the table's reference. */
void process__remove(struct model *model, struct process *process);

/* Sets a name of EVENT_COMM bytes from a record, if that has one. */
void process__set_comm(char *comm, const struct value *value);

/* What is known of its image now, as users see it. */
const struct model_row *process__row(struct process *process);

struct run *run__find(struct model *model, const struct stream_info *info, uint32_t number);
struct run *run__new(struct model *model, const struct stream_info *info, uint32_t number);
void run__free(struct run *run);

/* ---- failure.c ---- */

/* A bad row is out: reports that it is hidden, or keeps it with the ancestor that will answer for it. */
int failure__keep(struct model *model, struct process *process, const struct model_row *row);

/* The process has got its standing: settles what it answered for, or hands it up. */
int failure__settle(struct model *model, struct process *process);

void failure__drop(struct model *model, struct process *process); /* no ancestor will answer for them */

/* ---- sample.c: what calls.sample is given ---- */

/* CPU or memory of the process was sampled. */
int sample__taken(struct model *model, struct process *process, enum model_source source, uint64_t ts);

/* Its row is about to go out: reports what no sample has reported yet. */
int sample__last(struct model *model, struct process *process);

/* ---- row.c ---- */

/* Ends the image at `ts` because the process executes another program: its row goes out. */
int row__replaced(struct model *model, struct process *process, uint64_t ts);

/* Emits a process's last row, and takes the process off the table; then the process whose row has waited
 * for this one. */
int row__last(struct model *model, struct process *process);

/* A missed exit leaves a process open: that its pid was given to this one shows that it has ended. */
int row__close_outlived(struct model *model, const struct process *process);

/* One stream has reported the exit: the row goes out when all have. */
int row__end_seen(const struct feed *feed, struct process *process);

/* ---- life.c, usage.c: what the roles take ---- */

int life__fork(const struct feed *feed);
int life__exec(const struct feed *feed);
int life__exec_failed(const struct feed *feed);
int life__alive(const struct feed *feed);
int life__end(const struct feed *feed);

int usage__cpu(const struct feed *feed);
int usage__cpu_end(const struct feed *feed);
int usage__io(const struct feed *feed);
int usage__io_end(const struct feed *feed);
int usage__mem(const struct feed *feed);
int usage__mem_end(const struct feed *feed);
int usage__oom_kill(const struct feed *feed);

/* ---- role.c ---- */

const struct role *role__find(const struct stream_event *event); /* NULL: says nothing to the model */

#endif
