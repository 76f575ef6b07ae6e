/* SPDX-License-Identifier: BSD-2-Clause */
/* Folds merged records into one row per executed program: only the model knows how events of different probes
 * relate. Memory is bounded by the processes that exist at one time, zombies included, not by the length of the run. */
#ifndef SINKS_MODEL_MODEL_H
#define SINKS_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/record.h"
#include "core/stream.h"
#include "sinks/program/program.h"

/* Numbers that may be null are uint64_t with EVENT_NULL(why), as in an event. These are the model's own
 * reasons beside enum event_reason; they do not reach a stream. */
enum model_reason {
	MODEL_REASON_ABSENT = 128,   /* no record has it */
	MODEL_REASON_OFF = 129,	     /* the probe was switched off: no such stream */
	MODEL_REASON_REPLACED = 130, /* counted for a later program of the process */
	MODEL_REASON_RUNNING = 131,  /* it had not ended */
	MODEL_REASON_LATE = 132,     /* too many processes waited for their accounts */
};

const char *model_reason__name(unsigned reason); /* "off", "truncated"...; never NULL */
const char *model_reason__text(unsigned reason); /* a phrase for people; never NULL */

enum model_source {
	MODEL_LIFECYCLE,
	MODEL_CPU,
	MODEL_MEM,
	MODEL_IO,
	MODEL_SOURCES, /* also of a stream whose losses make no figure wrong */
};

struct model_ending;

struct model_run {
	size_t index;			/* from 0, in order of appearance */
	const struct stream_info *info; /* its first stream: id, name, command, host */
	uint32_t number;		/* `run` of the records */
	bool has[MODEL_SOURCES];	/* whether there is such a stream */
	bool hears_writes;		/* what processes write to pipes and terminals is recorded */
	bool hears_execs;		/* execs that fail are recorded */
	bool missing[MODEL_SOURCES];	/* there was such a stream, and its file is not there */
	bool lossy[MODEL_SOURCES];	/* records were lost, or the stream has no end and does not run */
	enum stream_life life;		/* set by model__ended() */
	bool begun;			/* there was a record: first_ts and last_ts are valid */
	uint64_t first_ts, last_ts;	/* last_ts: at the end of a run that still goes, when it was read */
	uint64_t until_ns; /* when its last stream was closed, or was read and still went on; 0: not known */
	int64_t real_ns;   /* real time of first_ts */
	uint64_t interval_ns[MODEL_SOURCES]; /* between samples; 0: not known */
	uint64_t sampled_ns[MODEL_SOURCES];  /* boot clock: the last sample of any process; 0: none */
	uint64_t rss_peak_bytes;     /* most memory of all processes at once, by their last samples: at most this */
	uint64_t rss_lower_bytes;    /* and at least this, as memory that they share counts once */
	uint64_t pss_peak_bytes;     /* most by their Pss, in a round in which that of all was read */
	const char *job;	     /* batch job, by its header or its first program; "": none is known */
	const char *cgroup;	     /* in which most of their memory was; NULL: not read */
	uint64_t cgroup_bytes;	     /* the most that it was charged in a round */
	uint64_t cgroup_cache_bytes; /* of that, page cache of files */
	uint64_t cgroup_limit_bytes; /* null: none, or not known */
	uint64_t cgroup_others;	     /* the fewest processes in it that are not of the run; null: not known */
	uint64_t pids_refused,
		pids_limit; /* forks that failed for a limit of pids in a cgroup, 0: none known; that limit */
	uint64_t unmatched; /* exit records of processes not known, or no longer */
	uint64_t endless[MODEL_SOURCES]; /* ends that others have and the stream, without a loss, has not */
	uint64_t untraced;		 /* failures that may be hidden: too many to keep */
	/* Of its first process or, if that only carries a job and exited 0, of the first one that failed of those that it has
	 * started: stream_job__carries(). NULL: it exited 0, or has not ended. */
	const struct model_ending *ending;
	void *user; /* calls.run_room bytes, aligned as a pointer is */
};

/* What a process that failed wrote last to its standard error, or to the error file of its task. */
struct model_said {
	uint32_t pid;
	uint64_t start;
	const char *text; /* any bytes, redacted, without escape sequences and tabs; NULL: see `reason` */
	size_t length;	  /* a NUL comes after it */
	size_t written;	  /* bytes that it was, with escape sequences */
	uint64_t cut;	  /* bytes that it wrote before them */
	const char *path; /* the file; NULL: a pipe or terminal */
	uint8_t reason;
	/* The tool that could not be executed, by the message of the shell whose fork this was; NULL: none. */
	const char *tool;
};

enum model_outcome {
	MODEL_UNKNOWN, /* its end was not seen */
	MODEL_OK,
	MODEL_FAILED, /* exit code other than 0 */
	MODEL_KILLED, /* by a signal */
	MODEL_OOM,    /* by the kernel, out of memory */
	MODEL_RUNNING,
};

const char *model_outcome__name(enum model_outcome outcome);

/* What a process read and wrote, as the kernel counts it: io.exit's fields, in this order. It includes that of
 * children it has waited for. */
enum model_io {
	MODEL_IO_READ_CHARS,
	MODEL_IO_WRITE_CHARS,
	MODEL_IO_READ_SYSCALLS,
	MODEL_IO_WRITE_SYSCALLS,
	MODEL_IO_READ_BYTES,
	MODEL_IO_WRITE_BYTES,
	MODEL_IO_CANCELLED_WRITE_BYTES,
	MODEL_IO_FIGURES,
};

/* One execution of a step of the pipeline: the process that matched a rule of sinks/steps/steps.h, and its
 * descendants except those in a task of their own. Lives until the call `task` has returned and its last row
 * has been passed on; its figures are valid in that call only. */
struct model_task {
	const struct model_run *run;
	uint32_t number;   /* of its run's tasks, from 1, in order of appearance */
	uint32_t parent;   /* number of the task around it; 0: none */
	const char *step;  /* the name that its rule made; any bytes but NUL */
	const char *id;	   /* the id that its rule made (Nextflow: "ab/cdef12"); NULL: none */
	const char *tag;   /* what distinguishes it from other tasks of the step: "sample=a"; NULL: nothing */
	const char *rules; /* the set that its rule is from: "snakemake"... */
	/* The steps around it, nearest first, but for those that only repeat their commands: a rule, in which parallel runs it.
	 * Safe to show; NULL: none. */
	const char *within;
	uint32_t pid; /* its first process */
	uint64_t start;
	const struct model_command *command; /* the program that the rule matched; NULL: not known */

	/* Boot clock: from the first of its processes to the last one's end. */
	uint64_t began_ns, ended_ns, wall_ns;
	bool job;      /* a rule says which of its programs is its job: figures are of that and what is below it */
	uint64_t rows; /* programs, as many as there are rows */
	uint64_t processes;
	uint64_t rows_without_cpu, rows_without_peak; /* of them, those whose value is null, or CPU only a sample's */
	uint64_t cpu_ns, user_ns, system_ns;	      /* sums; null if no row has a value */
	uint64_t cpu_from_ns, cpu_span_ns;	      /* when cpu_ns was used; null if that is, or it is not known */
	uint64_t peak_rss_bytes;		      /* of its largest program */
	bool peak_is_bound;			      /* known from a sample only: a lower bound */
	uint64_t hugetlb_bytes;			      /* of the program with the most: a lower bound; in no RSS */
	uint64_t rss_peak_bytes;  /* most that its processes held at once, by their samples: at most this */
	uint64_t rss_lower_bytes; /* and at least this, as memory that they share counts once */
	uint64_t pss_peak_bytes;  /* most by their Pss, in a round in which that of all was read */

	uint64_t io[MODEL_IO_FIGURES];	 /* of all its processes, each byte counted once */
	uint8_t cpu_partial, io_partial; /* why some of its rows' is not known, or partial; 0: none */
	uint64_t failed;		 /* rows with a bad outcome */
	uint64_t hidden; /* of them, not propagated, those that an exit 0 within the task, or its own, hides */

	/* How its first process ended or, of several that began it by one id, the first in time that failed. */
	uint64_t exit_code, signal;
	enum model_outcome outcome;
	const struct model_ending *ending; /* NULL: it exited 0, or its end is not known */

	void *user; /* calls.task_room bytes, aligned as a pointer is */
};

#define MODEL_OOM_OTHERS 3

struct model_holder {
	uint32_t pid;
	char comm[EVENT_COMM];
	uint64_t rss_bytes; /* by its last sample */
};

/* How the OOM killer came to select a process. */
struct model_oom {
	uint32_t refs;
	bool host;	       /* the host was out of memory, and no cgroup at its limit */
	uint64_t limit_bytes;  /* of the cgroup; null: none, or not known */
	uint64_t usage_bytes;  /* of the cgroup, then */
	uint64_t rss_bytes;    /* of the process, then */
	uint64_t others_bytes; /* of the run's others that are in the cgroup, or may be, by their last samples */
	uint32_t others_count; /* the largest of those that are, largest first; of all, if the host was */
	struct model_holder others[MODEL_OOM_OTHERS];
	char cgroup[]; /* empty: not known */
};

struct text; /* core/text.h */

/* Append a phrase for people: the limit, usage and cgroup; the largest others with their memory. */
void model_oom__limit(const struct model_oom *oom, struct text *text);
void model_oom__others(const struct model_oom *oom, struct text *text);

/* Where the process stands that sent the signal which ended another one, or asked it to end before it exited. */
enum model_relation {
	MODEL_RELATION_NONE, /* no process did, or it is not known */
	MODEL_RELATION_ITSELF,
	MODEL_RELATION_PARENT,
	MODEL_RELATION_ANCESTOR,
	MODEL_RELATION_HELPER, /* kill(1) or a shell, started by an ancestor */
	MODEL_RELATION_RUN,    /* elsewhere in the run */
	MODEL_RELATION_OUTSIDE,
};

/* The sender of that signal. */
enum model_sender {
	MODEL_SENDER_UNKNOWN, /* also where there was no signal */
	MODEL_SENDER_USER,    /* a process */
	MODEL_SENDER_KERNEL,
	MODEL_SENDER_TIMER,
	MODEL_SENDER_OOM,	   /* the OOM killer, the host was out of memory */
	MODEL_SENDER_MEMORY_LIMIT, /* the OOM killer, a cgroup was at its limit */
};

const char *model_sender__name(unsigned sender); /* as in the stream; NULL: unknown */

/* One executed program, or a process that was forked and never executed one. */
struct model_row {
	const struct model_run *run;
	uint32_t pid, ppid;
	uint32_t ns_pid;		  /* pid in its own pid namespace; 0: not known */
	uint32_t cause_pid;		  /* of the process that began what this one passed on; 0: none */
	uint64_t start, parent_start;	  /* boot clock; parent_start may be null */
	uint64_t cause_start;		  /* null: none */
	int32_t depth;			  /* 0: the run's root; -1: its parent is not known */
	uint32_t image;			  /* number of the exec in its process, from 1; 0: none was seen */
	bool root;			  /* an image of the run's root process */
	bool last;			  /* the last image of its process: one such row per process */
	bool forked;			  /* no exec: `command` is inherited */
	bool preexisting;		  /* existed before the collector: began_ns is the process's start */
	bool around;			  /* in its task, but not of the job of that: it is in none of its figures */
	const struct model_command *next; /* the program that replaced it; NULL if it is the last */
	char comm[EVENT_COMM];
	const struct model_command *command, *parent; /* NULL: not known */
	const struct model_task *task;		      /* NULL: of no step */
	/* The last program that it could not execute; NULL: none, or it went on and did something else. */
	const struct model_command *tried;
	char tried_error[EVENT_COMM]; /* "ENOENT"; empty also where its shell runs that file itself */

	/* Boot clock. The first image begins with the process, later ones with their exec; it ends at the next
	 * exec or the exit. If it still runs, wall_ns counts to the run's last_ts. */
	uint64_t began_ns, ended_ns, wall_ns;
	/* Over the rows of a process these add up to the kernel's total. An earlier image has what the probe reported at the
	 * exec, to within a tick of CPU time; in older streams what samples saw, else null, and the last one has the rest.
	 * The first includes the time between fork and exec, the last the kernel's work after the exit. */
	uint64_t cpu_ns, user_ns, system_ns;
	/* When cpu_ns was used, which is not when the program ran. It begins earlier if no record has the CPU of the program
	 * before, or only a sample's; it ends earlier if the last figure is a sample's, and later by the kernel's work after
	 * the exit, for as long as cpu_ns takes at least on all threads. Any share of CPU is cpu_ns / cpu_span_ns. */
	uint64_t cpu_from_ns, cpu_span_ns; /* null if cpu_ns is, or if not known */
	/* The first image's includes what the process grew by before its exec. */
	uint64_t peak_rss_bytes;
	uint64_t inherited_rss_bytes; /* if it executed nothing: of the peak, what it shared with its parent */
	uint64_t sampled_rss_bytes;   /* largest sample: a lower bound of the peak */
	const char *waits_for;	/* what samples saw it wait for the longest: "a file lock (flock)"; NULL: nothing */
	uint64_t hugetlb_bytes; /* most that a sample, or the exit, saw in hugetlbfs: a lower bound; in no RSS */

	uint64_t io[MODEL_IO_FIGURES]; /* shared among a process's rows as CPU is */
	/* The reason why CPU time, and I/O, are only what samples saw, or an account that the kernel had not closed;
	 * 0: they are whole. */
	uint8_t cpu_partial, io_partial;

	/* How it ended, of the last image: null otherwise. */
	bool core_dumped;
	bool silenced;		   /* it failed, and its standard error was /dev/null then */
	bool unwritten;		   /* or a file, and that was empty */
	uint8_t sender, sender_is; /* of the signal: enum model_sender, enum model_relation */
	uint32_t sender_pid;	   /* 0: no process sent it */
	uint64_t sender_start;	   /* may be null */
	const char *sender_limit;  /* what the sender ends others at, by the rules: "memory"; NULL: nothing */
	char sender_comm[EVENT_COMM], signal_code[EVENT_COMM]; /* "kill", "SI_USER"; empty: not known */
	uint64_t exit_code, signal;
	char signal_name[EVENT_COMM];
	const struct model_oom *oom; /* NULL: the OOM killer did not select it */
	enum model_outcome outcome;
	bool benign;	  /* its status does not mean failure (grep; ended by its parent): outcome ok */
	bool muted;	  /* benign as a rule of the user's says so */
	bool has_forked;  /* it, or an earlier program of its process */
	bool runs_others; /* it executes others: its code may be about what it could not execute */
	bool propagated;  /* it passed on the failure of a child */
	bool cut_off;	  /* killed by the kernel as the first process of its PID namespace had exited 0 */
	const struct model_ending *ending; /* NULL: it exited 0, or its end is not known */
};

/* By a signal. */
static inline bool model_row__is_killed(const struct model_row *row)
{
	return !EVENT_IS_NULL(row->signal) && row->signal;
}

/* Whether its code is what shells exit with for a command that they could not execute, 126, or not find, 127. */
static inline bool model_row__exited_as_shells_do(const struct model_row *row)
{
	return row->exit_code == 126 || row->exit_code == 127;
}

/* Whether it is known how much it has written. */
static inline bool model_row__counts_written(const struct model_row *row)
{
	return !EVENT_IS_NULL(row->io[MODEL_IO_WRITE_CHARS]) && !row->io_partial;
}

/* Whether it is a fork that found no program, and what it said went to /dev/null for it alone: tool 2>/dev/null || echo none. */
static inline bool model_row__looked_for(const struct model_row *row, const struct model_command *command)
{
	return model_row__exited_as_shells_do(row) && row->forked && row->silenced && !(command && command->silent);
}

/* row->hugetlb_bytes; null, with the reason, if no sample has looked. */
static inline uint64_t model_row__hugetlb(const struct model_row *row)
{
	bool looked = row->hugetlb_bytes || !EVENT_IS_NULL(row->sampled_rss_bytes);

	return looked ? row->hugetlb_bytes : row->sampled_rss_bytes;
}

/* The exit status as a shell reports it, 128 + a signal; 0 also if it is not known. */
uint32_t model_row__status(const struct model_row *row);

/* A process: its programs taken together. */
struct model_process {
	/* Its last one, but from the begin of the first: CPU time and I/O are sums, memory is that of the largest. */
	struct model_row row;
	uint64_t programs;    /* rows */
	uint8_t peak_partial; /* why the peak is a lower bound; 0: it is exact, or null */
};

/* A process between two samples. Over a row's samples cpu_ns adds up to the row's. */
struct model_sample {
	const struct model_row *row; /* as far as it is known: process, program, task */
	enum model_source source;    /* MODEL_CPU or MODEL_MEM */
	uint64_t from_ns, until_ns;  /* boot clock: the sample before this one, or its begin; of CPU the process's */
	uint64_t cpu_ns;	     /* used in that time, if MODEL_CPU */
	uint64_t rss_bytes; /* held in that time, if MODEL_MEM: of the previous sample, the peak where there was none */
};

/* The model's callbacks; each may return -errno, which stops it. Pointers are valid during the
 * call only, but for a run, which lives as long as the model. */
struct model_calls {
	/* Optional. A run appears, with its first stream or record; its times are not valid yet. */
	int (*run)(void *arg, const struct model_run *run);
	int (*row)(void *arg, const struct model_row *row);
	/* Optional. After the last row of a process. */
	int (*process)(void *arg, const struct model_process *process);
	/* Optional. A failed row that was passed on before, and an ancestor that exited 0 and so hides the
	 * failure. At most once per row. */
	int (*hidden)(void *arg, const struct model_row *row, uint32_t pid, const struct model_command *by);
	/* Optional. A failed row that was passed on before, and whose parent, or one of those that passed the failure on,
	 * has had the same done again with success. At most once per row, and then it is not hidden. */
	int (*retried)(void *arg, const struct model_row *row);
	/* Optional. A failed row that was passed on before, of a task whose engine ended well: the pipeline has it
	 * ignored; or one that was a question of what started it: model_expected__is_question(). At most once per row,
	 * and then it is neither retried nor hidden. */
	int (*ignored)(void *arg, const struct model_row *row);
	/* Optional. A task has ended: after its last row, and after what is hidden in it. A row waits for the accounts
	 * that the kernel closes when the parent has waited for the process, and so does its task. */
	int (*task)(void *arg, const struct model_task *task);
	/* Optional. In order of sampling. The last one of a row comes just before the row, but for memory once the process
	 * has ended: its row may come much later. */
	int (*sample)(void *arg, const struct model_sample *sample);
	bool live;		    /* model__each_live() is called, and has paces */
	size_t run_room, task_room; /* that each has for the model's user, zeroed at first */
};

/* What a process used between its last two samples. */
struct model_pace {
	uint64_t amount;	    /* null: no sample, or what came before it is not known */
	uint64_t from_ns, until_ns; /* boot clock; until_ns 0: no sample */
};

enum model_paced { MODEL_PACE_CPU, MODEL_PACE_READ, MODEL_PACE_WRITE, MODEL_PACES };

/* A process whose last row has not been passed on, as its last samples show it. */
struct model_live {
	const struct model_row *row; /* as far as it is known: process, program, task */
	bool ended;		     /* it waits for its accounts */
	char state;		     /* as in ps(1); 0: not known */
	uint64_t threads, rss_bytes;
	uint64_t cpu_ns, io[MODEL_IO_FIGURES]; /* of all its programs */
	uint64_t cpu_unreported_ns;	       /* of cpu_ns, what is in no row yet; 0: nothing */
	struct model_pace pace[MODEL_PACES];
};

struct model;

struct steps; /* sinks/steps/steps.h */

/* `steps` is borrowed and must outlive the model; NULL: no row belongs to a task. NULL: out of memory. */
struct model *model__new(const struct model_calls *calls, void *arg, const struct steps *steps);

/* All streams before the first record: the model waits only for those. `info` must live as long as the model. 0
 * or -ENOMEM. */
int model__stream(struct model *model, const struct stream_info *info);

/* Records in merged order, from announced streams. 0, -ENOMEM, or the result of a call. */
int model__feed(struct model *model, const struct record *record);

/* A stream's final state; before model__finish(). */
void model__ended(struct model *model, const struct stream_info *info, const struct stream_state *state);

/* Whether a rule looked into a file that its run has no record of: MODEL_LACKS_FILES is to be said once. */
bool model__lacks_files(const struct model *model);
#define MODEL_LACKS_FILES                                                                                                \
	"steps: rules with the condition \"file\" do not hold where the run has no record of that file: see the option " \
	"task_heads of the probe output"

/* Calls `call` with each, in no order, until it returns another value than 0, and returns that, or -ENOMEM. */
int model__each_live(struct model *model, int (*call)(void *arg, const struct model_live *live), void *arg);
size_t model__live(const struct model *model); /* how many there are */

/* What is held now by all processes of a run, or of a task: at most so much, as in rss_peak_bytes. Null: no sample. */
uint64_t model_run__rss(const struct model_run *run);
uint64_t model_task__rss(const struct model_task *task);

/* Emits the open rows. Feed nothing after it. */
int model__finish(struct model *model);

size_t model__runs(const struct model *model);
const struct model_run *model__run(const struct model *model, size_t i);
const struct model_run *model__run_of(const struct model *model, const struct stream_info *info);
/* The same by the number in its records. */
const struct model_run *model__run_numbered(const struct model *model, const struct stream_info *info, uint32_t number);

/* The row of a process as far as it is known, until its last one has been passed on; NULL: there is none. Valid until the model
 * gets the next record. */
const struct model_row *model__living(const struct model *model, const struct model_run *run, uint32_t pid,
				      uint64_t start);
void model__free(struct model *model); /* takes NULL */

/* How a run ended, whose first process has this last row: that or, if it only carries a job, the row of what failed below it. Of
 * its pointers only the command is valid, as long as the model. */
struct model_row model_run__end(const struct model_row *root);

/* Appends the names of the programs that only asked a server for work which is not a part of the run; nothing: there are none. */
void model_run__clients(const struct model_run *run, struct text *text);

/* What this process wrote last; NULL: nothing is known. It comes after the exit, often after the row: ask when the model has
 * finished. Of many failures only the first and the last texts are kept. Valid as long as the model. */
const struct model_said *model_run__said(const struct model_run *run, uint32_t pid, uint64_t start);

/* The tool that a shell could not execute, by its message, into a buffer of `size`. False: the text ends otherwise. */
bool model_said__tool(const struct model_said *said, const struct model_command *shell, uint64_t exit_code, char *name,
		      size_t size);

/* The greater of two lower bounds: what it held at once by samples, and its largest program's peak. */
static inline uint64_t model_task__memory(const struct model_task *task)
{
	uint64_t sum = task->rss_peak_bytes, largest = task->peak_rss_bytes;

	return EVENT_IS_NULL(sum) || (!EVENT_IS_NULL(largest) && largest > sum) ? largest : sum;
}

/* CPUs busy on average in a span; negative: not known. */
static inline double model__cores(uint64_t cpu_ns, uint64_t span_ns)
{
	return EVENT_IS_NULL(cpu_ns) || EVENT_IS_NULL(span_ns) || !span_ns ? -1 : (double)cpu_ns / (double)span_ns;
}

/* The kernel's figure, else the largest sample, a lower bound. */
static inline uint64_t model_row__peak(const struct model_row *row, bool *bound)
{
	*bound = EVENT_IS_NULL(row->peak_rss_bytes) && !EVENT_IS_NULL(row->sampled_rss_bytes);
	return *bound ? row->sampled_rss_bytes : row->peak_rss_bytes;
}

/* A sum is null until a value is added. */
void figure__add(uint64_t *sum, uint64_t value);
void figure__set_greater(uint64_t *greatest, uint64_t value);

/* The reason why something of a program's figure is in no row; 0: nothing, but for what it uses until it ends. */
static inline uint8_t model_figure__lacks(uint64_t value, uint8_t partial)
{
	bool null = EVENT_IS_NULL(value);
	uint8_t why = null ? EVENT_NULL_REASON(value) : partial;

	if (why == MODEL_REASON_REPLACED || (!null && (why == MODEL_REASON_RUNNING || why == EVENT_REASON_BOUND)))
		return 0;
	return why;
}

static inline bool model_outcome__bad(enum model_outcome outcome)
{
	return outcome == MODEL_FAILED || outcome == MODEL_KILLED || outcome == MODEL_OOM;
}

#endif
