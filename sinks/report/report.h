/* SPDX-License-Identifier: BSD-2-Clause */
/* What the report keeps of rows until it is written: bounded, however long the run. */
#ifndef SINKS_REPORT_REPORT_H
#define SINKS_REPORT_REPORT_H

#include "sinks/model/on_model.h"
#include "sinks/report/history.h"
#include "sinks/report/intern.h"
#include "sinks/report/keep.h"
#include "sinks/report/slices.h"
#include "sinks/totals/tally.h"
#include "sinks/judging/judged.h"

struct report_conf {
	char *title, *steps;
	uint64_t processes;
};

/* Values reach the page: keep in step with sinks/report/page/data.js. */
enum report_flag {
	REPORT_FORKED = 1,
	REPORT_LAST = 2,
	REPORT_ENDS_RUN = 4, /* the run has failed as it did */
	REPORT_PREEXISTING = 8,
	REPORT_BENIGN = 16,
	REPORT_PROPAGATED = 32,
	REPORT_CORE = 64,
	REPORT_HIDDEN = 128,
	REPORT_CUT = 256, /* argv is cut in the report */
	REPORT_RETRIED = 512,
	REPORT_MUTED = 1024,
	REPORT_SUBSHELL = 2048,
	REPORT_IGNORED = 4096,
	REPORT_SUSPECTED = 8192, /* hidden, perhaps */
};

/* A row shown by itself. Times are relative to the begin of the report's first run. */
struct report_row {
	uint64_t weight; /* first: struct keep */
	uint64_t start, parent_start;
	uint64_t began, age; /* age: of the process when it began to run this program */
	uint64_t wall, cpu, cpu_span, user, system, peak, sampled, hugetlb;
	uint64_t read_chars, write_chars, read_bytes, write_bytes;
	uint64_t exit_code, signal, uid;
	struct intern_string *name, *args, *exe, *cwd, *env, *step, *signal_name;
	struct intern_string *tried, *tried_error; /* arguments of the program it could not execute */
	struct intern_string *how;		   /* model_row__how() */
	struct intern_string *said;		   /* its last lines, each ended by a NUL */
	struct intern_string *wanted;		   /* of a cause: what it could not start; NULL: nothing */
	struct intern_string *said_in;		   /* story__file() of them */
	struct intern_string *again;		   /* of a cause: what to run for it; NULL: nothing */
	struct intern_string *before;		   /* of a cause: judged__before_cause() */
	struct intern_string *notes;		   /* of a cause: each story__note(), ended by a NUL */
	struct intern_string *oom;		   /* why the OOM killer selected it */
	struct intern_string *by;		   /* arguments of the process that hides its failure */
	uint32_t run, pid, ns_pid, ppid, image, task, flags, by_pid;
	uint64_t cause_start;
	uint32_t cause_pid; /* of the process whose end began what it passed on; 0: none */
	uint32_t cause;	    /* its last row, as parent */
	uint32_t history;   /* of its process, from 1; 0: none */
	uint32_t parent;    /* number of the row, from 1, once sorted; 0: not shown */
	uint8_t outcome, args_reason, exe_reason, cwd_reason;
};

struct report_task {
	uint64_t weight;
	uint64_t began, wall, cpu, peak, together, processes, failed, hidden, exit_code, signal;
	struct intern_string *step, *id, *within; /* within: as struct model_task has it */
	uint32_t run, number, parent, pid;
	uint8_t outcome;
};

/* When records were lost: by a `lost` record. In a damaged file they lie after it, up to the next one of the stream. */
struct gap {
	const struct model_run *run;
	struct loss loss;
	uint64_t until;
	bool open; /* that one has not come: up to the end of the run */
};

/* A failure that was hidden by an ancestor, retried with success, or ignored; its row came before. */
struct report_hidden {
	uint64_t start;
	struct intern_string *by;
	uint32_t run, pid, image, by_pid, flag;
};

struct report {
	struct judged judged;
	const struct report_conf *conf;
	struct intern strings;
	struct keep rows, tasks;
	struct report_hidden *hidden;
	size_t hidden_count, hidden_capacity;
	uint64_t dropped_failed;
	struct totals_groups commands, steps;
	struct series_set by_command, by_step;
	struct histories histories;
	struct gap *gaps;
	size_t gaps_count, gaps_open;
	const struct model_run *first;
};

/* ---- shown.c ---- */

void rows__init(struct report *report);
int rows__row(struct report *report, const struct model_row *row); /* each 0 or -ENOMEM */
int rows__retried(struct report *report, const struct model_row *row);
int rows__ignored(struct report *report, const struct model_row *row);
int rows__hidden(struct report *report, const struct model_row *row, bool suspected, uint32_t pid,
		 const struct model_command *by);
int rows__task(struct report *report, const struct model_task *task);

/* Nanoseconds since the report's begin, negative if before; a null stays null. */
uint64_t report__when(struct report *report, const struct model_run *run, uint64_t ts);

/* Sorts by begin, finds parents, marks hidden failures. 0 or -ENOMEM. */
int rows__finish(struct report *report);

/* ---- afterwards.c ---- */

int rows__complete(struct report *report); /* when all has been read: 0 or -ENOMEM */

/* ---- facts.c ---- */

int gaps__take(struct report *report, const struct record *record); /* 0 or -ENOMEM */
void gaps__seen(struct report *report, const struct record *record);

/* ---- fill.c ---- */

/* Writes the page. 0 or -errno. */
int page__write(struct report *report);

/* ---- columns.c ---- */

struct data;

/* Writes the data of the page's scripts. 0 or -ENOMEM. */
int columns__write(struct report *report, struct data *data);

#endif
