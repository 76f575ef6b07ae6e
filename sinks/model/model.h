/* SPDX-License-Identifier: BSD-2-Clause */
/* Folds merged records into one row per executed program: the one place that knows what events mean
 * together. Memory is bounded by the processes that live at one time, not by the length of the run. */
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
	MODEL_REASON_ABSENT = 128,   /* no record of it came */
	MODEL_REASON_OFF = 129,	     /* the probe was switched off: there is no such stream */
	MODEL_REASON_REPLACED = 130, /* counted for the process, which went on as another program */
	MODEL_REASON_RUNNING = 131,  /* it had not ended */
};

const char *model_reason__name(unsigned reason); /* "off", "truncated"...; never NULL */
const char *model_reason__text(unsigned reason); /* half a sentence for people; never NULL */

enum model_source { MODEL_LIFECYCLE, MODEL_CPU, MODEL_MEM, MODEL_IO, MODEL_SOURCES };

struct model_run {
	size_t index;			/* from 0, in order of appearance */
	const struct stream_info *info; /* its first stream: id, name, command, host */
	uint32_t number;		/* `run` of the records */
	bool has[MODEL_SOURCES];	/* whether there is such a stream */
	bool lossy[MODEL_SOURCES];	/* records were lost, or the stream did not end cleanly */
	bool begun;			/* a record has come: the two times are valid */
	uint64_t first_ts, last_ts;
	int64_t real_ns;	  /* real time of first_ts */
	uint64_t rss_interval_ns; /* between samples of memory */
	uint64_t rss_peak_bytes;  /* most that all processes held at once, by their last samples */
	uint64_t unmatched;	  /* ends of processes that are not known, or closed long ago */
	uint64_t untraced;	  /* failures of which it is not known whether they stayed hidden */
	void **user;		  /* room for a pointer of the model's user; NULL at first */
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

/* What a process read and wrote, as the kernel counts it: io.exit's fields, in this order. A process's
 * count holds that of the children it has waited for. */
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

/* One execution of a step of the pipeline: the process that a rule of sinks/steps/steps.h picked, and its
 * descendants but for those that belong to a task of their own. Lives until the call `task` has returned
 * and the last row that names it is out; its figures are valid in that call only. */
struct model_task {
	const struct model_run *run;
	uint32_t number;   /* of its run's tasks, from 1, in order of appearance */
	uint32_t parent;   /* number of the task around it; 0: none */
	const char *step;  /* the name that its rule made; any bytes but NUL */
	const char *id;	   /* what its rule calls this execution (Nextflow: "ab/cdef12"); NULL: nothing */
	const char *rules; /* the set that its rule is from: "snakemake"... */
	uint32_t pid;	   /* the process it began with */
	uint64_t start;
	const struct model_command *command; /* the program that the rule matched; NULL: not known */

	/* Boot clock: from the first of its processes to the last one's end. */
	uint64_t began_ns, ended_ns, wall_ns;
	uint64_t rows; /* programs, as many as there are rows */
	uint64_t processes;
	uint64_t rows_without_cpu, rows_without_peak; /* of them, those that could not be counted in: null */
	uint64_t cpu_ns, user_ns, system_ns;	      /* sums; null where no row has one */
	uint64_t peak_rss_bytes;		      /* of its largest program */
	bool peak_is_bound;			      /* which is known by a sample only: a lower bound */
	uint64_t rss_peak_bytes;		      /* most that its processes held at once, by their samples */
	uint64_t io[MODEL_IO_FIGURES];		      /* of all its processes, no byte counted twice */
	uint64_t failed;			      /* rows with a bad outcome */
	uint64_t hidden; /* of them, without propagated ones, those that a process of this task, or its end, hides */

	/* How the process it began with ended. */
	uint64_t exit_code, signal;
	enum model_outcome outcome;
};

/* One executed program, or a process that was forked and never executed one. */
struct model_row {
	const struct model_run *run;
	uint32_t pid, ppid;
	uint64_t start, parent_start; /* boot clock; parent_start may be null */
	int32_t depth;		      /* 0: the run's root; -1: its parent is not known */
	uint32_t image;		      /* which exec of its process, from 1; 0: none was seen */
	bool root;		      /* an image of the run's root process */
	bool last;		      /* the process ended as this program, or still runs it: one such row a process */
	bool forked;		      /* no exec: `command` is what it inherited */
	bool older;		      /* existed before the collector: began_ns is the process's start */
	char comm[EVENT_COMM];
	const struct model_command *command, *parent; /* NULL: not known */
	const struct model_task *task;		      /* NULL: of no step */
	/* The last that it tried to execute in vain; NULL: there was none. */
	const struct model_command *tried;
	char tried_error[EVENT_COMM]; /* "ENOENT" */

	/* Boot clock. The first image lasts from the start of the process, another from its exec, to the next exec
	 * or the end of the process; to the last record of the run, in wall_ns only, if it still runs. */
	uint64_t began_ns, ended_ns, wall_ns;
	/* Over the rows of a process these add up to what the kernel says of it: an earlier image has
	 * what samples saw of it, else null, and the last one has the rest. The first has the time between
	 * fork and exec too, the last the kernel's work after the exit. */
	uint64_t cpu_ns, user_ns, system_ns;
	uint64_t peak_rss_bytes;
	uint64_t sampled_rss_bytes;    /* largest sample: a lower bound of the peak */
	uint64_t io[MODEL_IO_FIGURES]; /* shared among a process's rows as CPU is */

	uint64_t exit_code, signal; /* of the last image; null otherwise */
	char signal_name[EVENT_COMM];
	bool core_dumped, oom_killed;
	enum model_outcome outcome;
	bool benign;	 /* ended with a status that says something else than failure: outcome ok */
	bool propagated; /* failed with the status of a child that failed before it */
};

/* What a process did between two samples of it. Over a row's samples cpu_ns adds up to the row's. */
struct model_sample {
	const struct model_row *row; /* as far as it is known: process, program, task */
	enum model_source source;    /* MODEL_CPU or MODEL_MEM */
	uint64_t from_ns, until_ns;  /* boot clock: the look before this one, or its begin */
	uint64_t cpu_ns;	     /* used in that time, if MODEL_CPU */
	uint64_t rss_bytes; /* held in that time, if MODEL_MEM: of the previous sample, the peak where there was none */
};

/* The model's callbacks; each may return -errno, which stops it. Pointers are valid during the
 * call only, but for a run, which lives as long as the model. */
struct model_calls {
	int (*row)(void *arg, const struct model_row *row);
	/* Optional. A failed row reported before, and an ancestor that exited 0 all the same: a reader
	 * at that one's exit code does not see the failure. At most once a row. */
	int (*hidden)(void *arg, const struct model_row *row, uint32_t pid, const struct model_command *by);
	/* Optional. A task is over: after the last row of it, and what is hidden in it. */
	int (*task)(void *arg, const struct model_task *task);
	/* Optional. In the order in which the looks were taken; the last one of a row just before it. */
	int (*sample)(void *arg, const struct model_sample *sample);
};

struct model;

struct steps; /* sinks/steps/steps.h */

/* `steps` is borrowed and must outlive the model; NULL: no row belongs to a task. NULL: out of memory. */
struct model *model__new(const struct model_calls *calls, void *arg, const struct steps *steps);

/* All streams before the first record, so that it is known what need not be waited for. `info` must
 * live as long as the model. 0 or -ENOMEM. */
int model__stream(struct model *model, const struct stream_info *info);

/* Records in merged order, from streams that were announced. 0, -ENOMEM, or what a call returned. */
int model__feed(struct model *model, const struct record *record);

/* What became of a stream; before model__finish(). */
void model__ended(struct model *model, const struct stream_info *info, const struct stream_state *state);

/* Emits the rows that are still open. Nothing may be fed after it. */
int model__finish(struct model *model);

size_t model__runs(const struct model *model);
const struct model_run *model__run(const struct model *model, size_t i);
const struct model_run *model__run_of(const struct model *model, const struct stream_info *info);
void model__free(struct model *model); /* takes NULL */

/* What a task held at once is sampled, and the peak of its largest program is exact: neither is more than was. */
static inline uint64_t model_task__memory(const struct model_task *task)
{
	uint64_t sum = task->rss_peak_bytes, largest = task->peak_rss_bytes;

	return EVENT_IS_NULL(sum) || (!EVENT_IS_NULL(largest) && largest > sum) ? largest : sum;
}

/* What the kernel counted for it, else its largest sample: a lower bound. */
static inline uint64_t model_row__peak(const struct model_row *row, bool *bound)
{
	*bound = EVENT_IS_NULL(row->peak_rss_bytes) && !EVENT_IS_NULL(row->sampled_rss_bytes);
	return *bound ? row->sampled_rss_bytes : row->peak_rss_bytes;
}

static inline bool model_outcome__bad(enum model_outcome outcome)
{
	return outcome == MODEL_FAILED || outcome == MODEL_KILLED || outcome == MODEL_OOM;
}

#endif
