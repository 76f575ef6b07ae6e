/* SPDX-License-Identifier: BSD-2-Clause */
/* The model's objects: runs, their processes, failures kept until an ancestor's exit decides whether they are hidden.
 * Private to sinks/model. */
#ifndef SINKS_MODEL_PROCESS_H
#define SINKS_MODEL_PROCESS_H

#include "core/base/base.h"
#include "sinks/model/ending.h"
#include "sinks/model/rss.h"
#include "sinks/model/task.h"
#include "sinks/model/task_head.h"

struct failure;
struct turns; /* again.c */

enum standing {
	LIVES,
	ENDED_OK,    /* exit code 0 */
	ENDED_OTHER, /* with a failure, or in an unknown way */
};

/* What a process has used, as counters that only grow. */
enum figure { FIGURE_CPU, FIGURE_USER, FIGURE_SYSTEM, FIGURE_IO, FIGURES = FIGURE_IO + MODEL_IO_FIGURES };

/* Whether a failure was made good, by itself or as a part of what was. */
struct fate {
	uint32_t refs;
	struct fate *over;    /* a reference: of its parent's end; NULL: that ended well, or not yet */
	bool retried, unsure; /* the same was tried again, and ended well; perhaps for other data */
	bool ends_task;	      /* its task ended by it */
	bool ignored;	      /* its parent says so, a make whose recipe has a - before the line */
	bool answered;	      /* its parent had that as an answer, and went on: see enum model_expected */
};

/* Inodes of the pipes that its descriptors 0 and 1 were, as it executed its program, or failed as a fork; 0: they were none. */
struct pipes {
	uint64_t in, out;
};

/* A bad end, for as long as a parent may pass it on. */
struct ending {
	struct model_ending pub; /* first; its cause and commands are references */
	uint32_t refs;
	bool counts_attempts;	  /* an argument says which one it is, or that the next does */
	uint32_t well_after;	  /* siblings that began after it, and ended well */
	uint64_t after_ended_ns;  /* when the first of them ended; went_on: another began after that */
	uint64_t followed_ns;	  /* the latest start of a sibling after its end; 0: none began */
	bool again, loop, redone; /* done again: with success, by a loop's next turn, by another run */
	bool overlapped;	  /* a sibling began while it ran: in a pipe, or its parent did not wait for it */
	bool polled;		  /* a sibling was asked to do the same, and ended alike */
	struct pipes pipes;
	struct fate *fate;   /* a reference */
	struct brood *brood; /* of what runs others, or is `untold`; else NULL */
	uint16_t served;     /* it was started by a server of this rule of `clients`; 0: by none */
	uint8_t says;	     /* enum steps_exit */
	bool may_answer;     /* by an exit code of its own, at once, alone: if it has written nothing */
	bool alone;	     /* it has started no process, or is a shell none of whose children failed */
	bool tested;	     /* it is below what runs tests */
	bool question;	     /* it is benign as a question of a shell to itself */
	bool ignores;	     /* tasks below it may fail where the pipeline says so */
	uint8_t asks;	     /* enum asks, of expected.c */
	bool tests, went_on, untold, searched; /* untold: its last lines may say more of its cause: cause__told() */
};

#define BROOD_MAX 32
#define BROOD_FIRST 8

/* Bad ends of a process's children, in order of time: the first and the latest. */
struct brood {
	uint32_t count;
	struct ending *bad[BROOD_MAX];
	struct ending *hidden; /* the latest failure below a child that ended well; NULL: none */
};

/* Over the rows of a process. */
struct sums {
	uint64_t rows, began_ns, cpu_ns, user_ns, system_ns, cpu_from_ns, cpu_until_ns;
	uint64_t peak_bytes, sampled_bytes, hugetlb_bytes;
	uint64_t io[MODEL_IO_FIGURES];
	uint8_t cpu_partial, io_partial, peak_partial;
};

struct process {
	struct hash_node node; /* in model->processes until its last row is emitted */
	uint32_t refs;	       /* of the table, its children, and the run for its root */
	enum standing standing;
	struct run *run;
	struct process *ancestor; /* the nearest that can still hide its failure: see process__ancestor() */
	struct failure *failures, **failures_end; /* of its descendants, while it lives */

	/* From the first report of its exit to its last row. */
	struct process *wait_prev, *wait_next;
	uint64_t wait_since;		 /* 0: it has not ended */
	bool reported[MODEL_SOURCES];	 /* which streams have reported the exit */
	bool provisional[MODEL_SOURCES]; /* of them, those whose account was not closed when the run ended */
	uint32_t owing;			 /* ended processes whose reaper this is */
	int32_t above;			 /* programs above it, without forks that executed nothing */
	uint32_t forked_pid;		 /* its latest child; 0: none */
	uint32_t tried_ms;		 /* after its start: when the exec of `tried` failed */
	bool given_up : 1;		 /* it waits no longer for those that have not reported */
	bool ready : 1;			 /* its last row waits only for those of `owing` */
	bool held_reported : 1;		 /* its memory until the exit, by calls.sample */
	bool io_final : 1;		 /* its I/O's total is */
	bool engine : 1; /* a rule says that it is of the engine itself, or of the process that it was forked from */
	bool engine_forks : 1; /* or that what is forked from it is */
	bool in_job : 1;       /* or that it is the job of its task, or below that */
	bool below_known : 1;
	bool has_forked : 1;
	bool client_counted : 1; /* by its rule, for its own program */
	uint8_t below : 4;	 /* enum steps_exit: what its program's rules say of descendants */
	uint16_t serves;	 /* the rule of `clients` whose server it is, or a fork of that; 0: none */
	uint16_t client; /* the rule of `clients` for its program, or that of the process it was forked from; 0: none */

	/* The process that waits for this one, whose I/O account then includes this one's: its last row comes after
	 * this one's. A reference, set at the exit. */
	struct process *reaper;

	struct model_row row; /* what is known of its image; finished by row__emit() */
	struct pipes pipes;
	struct model_command *command, *parent, *tried;
	struct model_command *asked; /* its first program, which its parent asked for; NULL: none */
	struct model_oom *oom;
	uint64_t total[FIGURES];     /* of the process, as last reported */
	uint64_t given[FIGURES];     /* of it, the share of earlier images' rows */
	bool sampled[MODEL_SOURCES]; /* sources that reported since the image began */
	bool imaged[MODEL_SOURCES];  /* of them, those that reported what the image used until an exec replaces it */
	uint64_t cpu_seen_ns;	     /* when total[FIGURE_CPU] was reported */
	uint64_t cpu_given_ns;	     /* until when earlier images' rows have it; 0: none has */
	uint64_t threads_peak;	     /* null: not known */
	uint64_t exited_ns;	     /* as reported by others than lifecycle; null: not known */
	uint64_t image_peak_bytes;   /* of MODEL_MEM then */
	uint64_t grown_bytes;	     /* by so much it exceeded before its first exec what it inherited */
	struct held held;	     /* last sample, as counted in the run's and the task's rss */
	struct pss pss;
	struct family *member, *forks; /* in which it is counted; of its own forks; NULL: none */

	/* Of MODEL_IO: included from children, already added to tasks. */
	uint64_t others_io[MODEL_IO_FIGURES], own_io[MODEL_IO_FIGURES];

	/* Already reported by calls.sample. */
	uint64_t sampled_ns[MODEL_SOURCES]; /* 0: none */
	uint64_t sampled_cpu_ns, sampled_bytes;

	struct asleep *asleep; /* of its image, by samples; NULL: none found it asleep */
	struct now *now;       /* by its last samples; NULL: none, or not asked for */
	struct sums *sums;     /* of its rows so far; NULL: none */
	struct task *task;     /* a reference; NULL: none */
	uint8_t *begun;	       /* a bitmap of the rules by which it began a task; NULL: none */

	struct ending *ending; /* a reference: from a bad end on; NULL: none */
	char *folder;	       /* in which it failed; NULL: not known, or that of its command */
	struct brood *brood;   /* of its children's ends, while it lives; NULL: none was bad */
	struct turns *turns;   /* of its children, in order; NULL: none has ended */
};

/* What its processes wrote last: the first ones, and the last ones, up to so many bytes each. */
struct said_table {
	struct hash all;
	struct said *oldest, *newest; /* of the last ones */
	size_t first_bytes, last_bytes;
};

/* A process that was removed: kill(1) may be gone before what it killed has ended. */
#define GONE_MAX 256
#define GONE_COMMAND_MAX 4096 /* bytes of a command that is kept for it */
struct gone {
	uint64_t start, parent_start;
	uint32_t pid, ppid;
	struct model_command *command; /* a reference; NULL: not known, or too long */
	char comm[EVENT_COMM];
};

struct run {
	struct model_run pub;	   /* first: what users see */
	struct process *root;	   /* a reference */
	struct ending *job_failed; /* a reference: of the first such of outcome__ends_run() below the root */
	struct process *wait_first, *wait_last; /* in order of wait_since */
	struct rss rss;				/* of all living processes */
	bool own_io;				/* records have the I/O of waited-for children apart */
	char *cgroup;				/* pub.cgroup */
	char job[STREAM_JOB_TEXT];		/* pub.job, if its first program says it */
	struct pids {
		bool seen;		/* a record */
		uint64_t limit, before; /* the last limit, 0: none yet; what had been refused before the run */
	} pids;
	uint64_t cgroup_held; /* most that its processes held in it, by their samples */
	uint32_t tasks;	      /* begun */
	uint64_t given_up;    /* accounts that may still come, after their row */
	struct said_table said;
	struct heads heads;
	struct names *log;	 /* of its engine's jobs; NULL: none is recorded */
	struct clients *clients; /* client.c: by rule; NULL: none yet */
	size_t clients_count;
	uint32_t clients_failed; /* for which a server's children were looked through */
	struct gone *gone;	 /* the latest GONE_MAX, in a ring; NULL: none yet */
	size_t gone_count;
};

#define ROLE_FIELDS 13

/* A record being read: the fields that its role names, null if the stream lacks them. */
struct feed {
	struct model *model;
	struct run *run;
	const struct record *record;
	enum model_source source;
	const struct value *field[ROLE_FIELDS];
	const uint8_t *end; /* of the record's bytes */
};

/* How the model reads the records of one event. */
struct role {
	const char *stream, *event;
	enum model_source source;
	int (*take)(const struct feed *feed);
	const char *fields[ROLE_FIELDS];
};

struct source; /* model.c: a stream, and the roles of its events */

struct model {
	struct model_calls calls;
	void *arg;
	const struct steps *steps;
	struct steps_matcher *matcher; /* NULL without steps */
	struct hash processes, tasks;
	struct hash retries;	  /* of tasks that failed */
	struct process *executed; /* it executed a program, to which no rule was applied yet; NULL: none */
	struct run **runs;
	size_t runs_count;
	struct source *sources;
	size_t sources_count;
	size_t failures_count, failures_bytes; /* of all kept failures */
	size_t waiting, waiting_max;	       /* ended processes whose last row waits */
};

/* The task whose figures its own are a part of; NULL: none. */
static inline struct task *process__counted_in(const struct process *p)
{
	return task__counts(p->task, p->in_job) ? p->task : NULL;
}

static inline struct process *process__of(struct hash_node *node)
{
	return (struct process *)((char *)node - offsetof(struct process, node));
}

/* For hash__sorted(): in order of their starts. */
static inline int process__by_age(const void *a, const void *b)
{
	const struct process *x = process__of(*(struct hash_node *const *)a);
	const struct process *y = process__of(*(struct hash_node *const *)b);

	if (x->row.start != y->row.start)
		return x->row.start < y->row.start ? -1 : 1;
	return x->row.pid < y->row.pid ? -1 : x->row.pid > y->row.pid;
}

/* ---- Layers of files: each calls only those above it here; model.c calls all. ---- */

/* ---- outcome.c ---- */

void outcome__judge(struct process *process); /* sets the row's outcome from its exit status */

/* Whether the run ends as this process: its first one, or one that this has started if it only carries a job. */
bool outcome__ends_run(const struct process *process);

/* The reason for a null that no record has explained; other values are returned unchanged. */
uint64_t reason__explained(const struct run *run, enum model_source source, uint64_t value, bool running);

/* ---- tool.c ---- */

/* Whether a process that ended so may be a shell, or make, that could not execute a tool. */
bool tool__may_be_missing(const struct model_command *shell, uint64_t exit_code);

bool tool__is_make(const struct model_command *command);

/* Whether the last line is a message of the shell itself, with its name: not one of a program that it ran. */
bool said__own_message(const struct model_said *said, const struct model_command *shell);

/* ---- client.c ---- */

int client__exec(struct model *model, struct process *process); /* 0 or -ENOMEM */
void client__ended(struct model *model, const struct process *process);
bool client__is_closed(const struct model *model,
		       const struct process *process); /* a server of terminals has closed its */

/* ---- output_text.c ---- */

/* A process has ended, after cause__judge(): if a shell has found no program to execute, its message will name that. 0 or
 * -ENOMEM. */
int said__expect(struct process *process);
int said__take(const struct feed *feed); /* of the event text */
void said__free_all(struct run *run);

/* ---- oom.c ---- */

/* From a record of the event oom_kill. NULL: out of memory. */
struct model_oom *oom__new(const struct feed *feed, const struct process *victim);
struct model_oom *oom__ref(struct model_oom *oom); /* takes NULL, as unref */
void oom__unref(struct model_oom *oom);

/* ---- rss.c ---- */

/* A sample of the process's memory at `ts`. `forker`: its parent, if that is known. */
void rss__set(struct process *process, uint64_t ts, struct held held, struct process *forker);

/* Subtracts this process's memory from that of its run and task. */
void rss__drop(struct process *process);

/* All processes of a run and its tasks have been read from `began` to `ts`, but for those whose Pss is null. */
void rss__total(struct model *model, struct run *run, uint64_t began, uint64_t ts);

/* Forgets the peaks so far, not what is held. */
void rss__restart(struct rss *rss);

/* After the last process: makes the bounds of the peak as narrow as the Pss allows. */
void rss__close(struct rss *rss);

/* ---- sums.c ---- */

/* Notes the first reason why a row's figure is not whole, unless a later row has the rest. */
void figure__note(uint8_t *why, uint64_t value, uint8_t partial);

void sums__add(struct sums *sums, const struct model_row *row);

/* The process of which `last` is the last row. */
struct model_process sums__process(const struct sums *sums, const struct model_row *last);

/* ---- cause.c ---- */

/* After outcome__judge(): sets the rest of the row's judgement and its ending, and notes that with the parent. 0 or -ENOMEM. */
int cause__judge(struct model *model, struct process *process);

/* A make has said which failures it ignored: none of them is the cause. Its row may have gone; what follows the ending knows. */
void cause__told(struct ending *ending, const struct model_said *said);

struct ending *ending__ref(struct ending *ending); /* takes NULL, as unref */
void ending__unref(struct ending *ending);
const struct fate *ending__retried(const struct ending *ending);	   /* takes NULL */
enum steps_exit cause__below(struct model *model, struct process *p);	   /* what its rules say of its descendants */
enum steps_exit cause__says(struct model *model, const struct process *p); /* of its exit; also while it lives */
/* As of a child of its own; the first ones and the latest are kept. 0 or -ENOMEM. */
int brood__add(struct process *parent, struct ending *ending);
void brood__free(struct brood *brood); /* takes NULL */

/* ---- process.c ---- */

/* NULL: none. */
struct process *process__find(struct model *model, struct run *run, uint32_t pid, uint64_t start);

/* Adds one to the table, a child of (ppid, parent_start) if that lives. NULL: out of memory. */
struct process *process__new(struct model *model, struct run *run, uint32_t pid, uint64_t start, uint32_t ppid,
			     uint64_t parent_start);

/* The parent of a process that has executed nothing and is in no family yet; NULL: none is known. */
struct process *process__forker(struct model *model, const struct process *process);

/* An earlier process that still holds this pid, because its exit was missed; NULL: none. */
struct process *process__outlived(struct model *model, const struct process *process);

/* The nearest ancestor that lives or ended 0, the run's root if there is none; NULL: none at all. Skips and releases
 * those that ended otherwise: what they propagated is not hidden yet. */
struct process *process__ancestor(struct process *process);

void process__unref(struct process *process); /* takes NULL */

/* Its exit has been reported by one stream: it waits for the others. */
void process__wait(struct model *model, struct process *process);

/* Removes it from the table and its run's queue, and drops the table's reference. */
void process__remove(struct model *model, struct process *process);

/* Sets a name of EVENT_COMM bytes from a record's value, if any. */
void process__set_comm(char *comm, const struct value *value);

/* The row of its image, as far as it is known. */
const struct model_row *process__row(struct process *process);

struct run *run__find(struct model *model, const struct stream_info *info, uint32_t number);
struct run *run__new(struct model *model, const struct stream_info *info, uint32_t number);
void run__free(struct run *run);

/* ---- failure.c ---- */

/* After task__note_end(): the engine knows of a task that failed, though what has started that is gone. 0 or -ENOMEM. */
int failure__adopt(struct model *model, struct process *process);

/* After a bad row: reports it as hidden, or keeps it with the ancestor whose exit will decide. */
int failure__keep(struct model *model, struct process *process, const struct model_row *row);

/* The process is a client that has failed, before cause__judge(): what its server did for it in the run, and ended alike, is its
 * failure, and no longer that of the server. 0 or -ENOMEM. */
int failure__take_served(struct model *model, struct process *process);

/* The process has ended: reports its kept failures as hidden, or passes them up. */
int failure__settle(struct model *model, struct process *process);

void failure__drop(struct model *model, struct process *process); /* no ancestor can hide them */

/* ---- sample.c: reports for calls.sample ---- */

/* CPU or memory of the process was sampled. */
int sample__taken(struct model *model, struct process *process, enum model_source source, uint64_t ts);

/* Its end and its peak are known, as far as streams have them: reports the memory that it held until then. */
int sample__ended(struct model *model, struct process *process);

/* Before its row: reports what no sample has reported yet. */
int sample__last(struct model *model, struct process *process);

/* ---- row.c ---- */

/* Ends the image at `ts`, because the process executes another program, and emits its row. */
int row__replaced(struct model *model, struct process *process, uint64_t ts, const struct model_command *next);

/* Emits a process's last row and removes the process; then the same for the process that waited for this one. */
int row__last(struct model *model, struct process *process);

/* Closes an earlier process whose exit was missed: the reuse of its pid shows that it has ended. */
int row__close_outlived(struct model *model, const struct process *process);

/* Emits the last row with what is known, though accounts may still come. */
int row__give_up(struct model *model, struct process *process);

/* Takes one stream's report of the exit; the row is emitted when all have reported. */
int row__end_seen(const struct feed *feed, struct process *process);

/* ---- life.c, usage.c: the roles' functions ---- */

int life__fork(const struct feed *feed);
int life__exec(const struct feed *feed);
int life__exec_failed(const struct feed *feed);
int life__failure(const struct feed *feed);
int life__alive(const struct feed *feed);
int life__end(const struct feed *feed);
int life__said(const struct feed *feed);
int usage__cpu(const struct feed *feed);
int usage__cpu_image(const struct feed *feed);
int usage__cpu_end(const struct feed *feed);
int usage__io(const struct feed *feed);
int usage__io_image(const struct feed *feed);
int usage__io_end(const struct feed *feed);
int usage__mem(const struct feed *feed);
int usage__mem_image(const struct feed *feed);
int usage__mem_end(const struct feed *feed);
int usage__oom_kill(const struct feed *feed);

/* ---- live.c ---- */

/* A sample of a process that lives raised a total from `before`. 0 or -ENOMEM. */
int pace__take(const struct feed *feed, struct process *process, enum model_paced paced, uint64_t before);
/* asleep.c: takes the state and the system call of a sample; 0 or -ENOMEM. */
int asleep__sampled(struct process *process, uint64_t ts, const struct value *state, const struct value *call,
		    const struct value *descriptor);

/* Sets row.waits_for once the image has ended, until asleep__drop(). */
void asleep__settle(struct process *process);
void asleep__drop(struct process *process);

int now__set_state(const struct feed *feed, struct process *process, const struct value *state,
		   const struct value *threads);

/* ---- pss.c: the roles of what processes hold together ---- */

int pss__process(const struct feed *feed);
int pss__total(const struct feed *feed);

/* ---- sender.c ---- */

/* At its exit: takes the sender of the signal from the record. */
void sender__read(const struct feed *feed, struct process *process);

/* ---- how.c ---- */

/* Whether the OOM killer has ended it. */
bool sender__is_oom(const struct model_row *row);

/* Whether a process above it, or one that helps such a process, ended it; an orphan, as a daemon is, any of its run may. */
bool sender__meant(const struct model_row *row, bool orphan);

/* Whether an interactive shell has sent itself the SIGHUP of its terminal, which was closed. */
bool sender__closed_terminal(const struct process *process);

/* The first process of the PID namespace by whose end the kernel has ended it; NULL: it was not ended so. */
const struct process *sender__namespace(const struct process *process);

/* ---- role.c ---- */

/* Marks the sources whose stream the run had and whose file is not there. */
void role__missing(const struct stream_info *info, bool missing[MODEL_SOURCES]);
const struct role *role__find(const struct stream_event *event); /* NULL: the model does not use it */

#endif
