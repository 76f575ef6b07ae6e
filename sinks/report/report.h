/* SPDX-License-Identifier: BSD-2-Clause */
/* What the report keeps while rows go by, until it is written: bounded, however long the run. */
#ifndef SINKS_REPORT_REPORT_H
#define SINKS_REPORT_REPORT_H

#include "sinks/model/on_model.h"
#include "sinks/report/intern.h"
#include "sinks/report/keep.h"
#include "sinks/report/slices.h"
#include "sinks/totals/totals.h"

struct report_conf {
	char *title, *steps;
	uint64_t processes;
};

/* Reaches the page: sinks/report/data.js has the same. */
enum report_flag {
	REPORT_FORKED = 1,
	REPORT_LAST = 2,
	REPORT_ROOT = 4,
	REPORT_OLDER = 8,
	REPORT_BENIGN = 16,
	REPORT_PROPAGATED = 32,
	REPORT_CORE = 64,
	REPORT_HIDDEN = 128,
	REPORT_CUT = 256, /* argv is longer than what the report keeps of it */
};

/* A row that is shown by itself. Times count from the begin of the report's first run. */
struct report_row {
	uint64_t weight; /* first: struct keep */
	uint64_t start, parent_start;
	uint64_t began, wall, cpu, user, system, peak, sampled;
	uint64_t read_chars, write_chars, read_bytes, write_bytes;
	uint64_t exit_code, signal, uid;
	struct intern_string *name, *args, *exe, *cwd, *env, *step, *signal_name;
	struct intern_string *tried, *tried_error; /* arguments of what it could not execute */
	struct intern_string *by;		   /* arguments of the process that hides its failure */
	uint32_t run, pid, ppid, image, task, flags, by_pid;
	uint32_t parent; /* number of the row, from 1, when they are sorted; 0: not among them */
	uint8_t outcome, args_reason, exe_reason, cwd_reason;
};

struct report_task {
	uint64_t weight;
	uint64_t began, wall, cpu, peak, together, rows, failed, hidden, exit_code, signal;
	struct intern_string *step, *id;
	uint32_t run, number, parent, pid;
	uint8_t outcome;
};

/* A failure that an ancestor hides: its row was reported before. */
struct report_hidden {
	uint64_t start;
	struct intern_string *by;
	uint32_t run, pid, image, by_pid;
};

struct report {
	struct on_model on;
	const struct report_conf *conf;
	struct intern strings;
	struct keep rows, tasks;
	struct report_hidden *hidden;
	size_t hidden_count, hidden_capacity;
	uint64_t dropped_failed;
	struct totals_groups commands, executions; /* of steps */
	struct series_set by_command, by_step;
	const struct model_run *first;
};

/* ---- shown.c ---- */

void rows__init(struct report *report);
int rows__row(struct report *report, const struct model_row *row); /* each 0 or -ENOMEM */
int rows__hidden(struct report *report, const struct model_row *row, uint32_t pid, const struct model_command *by);
int rows__task(struct report *report, const struct model_task *task);

/* Nanoseconds since the report's begin, below 0 for what existed before; a null stays one. */
uint64_t report__when(struct report *report, const struct model_run *run, uint64_t ts);

/* Sorts by begin, finds parents, marks what is hidden. 0 or -ENOMEM. */
int rows__finish(struct report *report);

/* ---- fill.c ---- */

/* Writes the page. 0 or -errno. */
int page__write(struct report *report);

/* ---- columns.c ---- */

struct data;

/* All that the page's scripts need. 0 or -ENOMEM. */
int columns__write(struct report *report, struct data *data);

#endif
