/* SPDX-License-Identifier: BSD-2-Clause */
/* Turns the model's calls into a trace, as they come. The tracks of a run:
 *
 *	run
 *	  CPU, memory, failures, hidden failures, lost events
 *	  step			of this name
 *	    task of it	a slice
 *	      CPU, memory
 *	      process		a slice for each program that it executed
 *	        CPU, memory	if it was sampled while it lived
 *	  process		of no step
 *	    its children
 *
 * A track's id is a hash of what it stands for, and need not be stored. */
#ifndef SINKS_PERFETTO_TRACER_H
#define SINKS_PERFETTO_TRACER_H

#include "core/base/base.h"
#include "sinks/model/on_model.h"
#include "sinks/perfetto/gauges.h"

/* The run's own tracks. */
enum lane { LANE_RUN, LANE_CORES, LANE_BYTES, LANE_FAILURES, LANE_HIDDEN, LANE_LOST, LANES };

struct trace_run {
	const struct model_run *run; /* NULL: nothing is shown of it yet */
	uint64_t shift;		     /* added to times: all runs are shown on the first one's clock */
	bool used[LANES];
	uint64_t programs, failed, hidden;
	uint64_t groups; /* steps by name */
	struct gauges *gauges;
	struct losses losses;
};

struct tracer {
	struct on_model on;
	struct packets packets;
	struct timeline timeline;
	uint64_t interval_ns;	       /* the longest between two samples of a process */
	const struct model_run *first; /* that is shown; NULL: none is */
	struct hash steps;	       /* running tasks of steps */
	struct hash groups;	       /* steps that have a track, by name */
	struct hash sampled;	       /* processes that were sampled while they lived */
};

enum tracer_of { OF_LANE = 1, OF_PROCESS, OF_TASK, OF_GROUP, OF_COUNTER };

/* The id of a track of a run, never 0; `a` and `b` identify one among its kind. */
uint64_t tracer__number(enum tracer_of what, const struct model_run *run, uint64_t a, uint64_t b);
struct trace_run *tracer__run(struct tracer *tracer, const struct model_run *run); /* of one that has begun */
uint64_t tracer__lane(const struct trace_run *run, enum lane lane);
uint64_t tracer__time(const struct trace_run *run, uint64_t ts);
uint64_t tracer__process(const struct model_run *run, uint32_t pid, uint64_t start);
uint64_t tracer__task(const struct model_run *run, uint32_t number);
uint64_t tracer__counter(uint64_t track, enum gauge_kind kind);
void tracer__counters(struct tracer *tracer, uint64_t track); /* describes both */

/* ---- the model's calls ---- */

int tracer__row(void *arg, const struct model_row *row);
int tracer__hidden(void *arg, const struct model_row *row, uint32_t pid, const struct model_command *by);
int tracer__step(void *arg, const struct model_task *task);
int tracer__sample(void *arg, const struct model_sample *sample);

int tracer__lost(void *arg, const struct record *record);
int tracer__finish(struct tracer *tracer); /* when the model has finished */
void tracer__free(struct tracer *tracer);

/* ---- curves.c ---- */

int curves__ended(struct tracer *tracer, const struct trace_run *run, const struct model_row *row);
void curves__step(struct tracer *tracer, const struct trace_run *run, const struct model_task *task);
void curves__finish(struct tracer *tracer);
void curves__free(struct tracer *tracer);

#endif
