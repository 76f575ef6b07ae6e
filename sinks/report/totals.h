/* SPDX-License-Identifier: BSD-2-Clause */
/* What the report says of all processes, also of those that it does not show one by one: sums by command, by
 * step, by run. */
#ifndef SINKS_REPORT_TOTALS_H
#define SINKS_REPORT_TOTALS_H

#include "sinks/model/losses.h"
#include "sinks/model/model.h"
#include "sinks/report/intern.h"

/* Sums of figures of which some are missing. */
struct totals_sum {
	uint64_t value, known, missing;
};

/* The greatest, of which some are known by a lower bound only. */
struct totals_peak {
	uint64_t value; /* null: none is known */
	uint8_t bound;
};

/* Rows of one command, known by its name; those that only forked apart. */
struct totals_command {
	struct hash_node node;
	struct intern_string *name;
	uint8_t forked;
	uint64_t rows, failed, wall_max;
	struct totals_sum cpu, wall, read, written;
	struct totals_peak peak;
};

/* Tasks of one step. */
struct totals_step {
	struct hash_node node;
	struct intern_string *name, *rules;
	uint64_t tasks, bad, rows, processes, failed, hidden, wall_max;
	struct totals_sum cpu, wall, read, written;
	uint64_t peak, together; /* null: none is known */
};

struct totals_run {
	const struct model_run *run;
	uint64_t rows, processes, programs, failed, hidden, propagated, running, unknown;
	struct totals_sum cpu;
	uint8_t older, ended; /* some were there before; how the root ended is known: */
	uint8_t root_outcome, root_benign;
	uint64_t root_code, root_signal, root_ended; /* boot clock */
	char root_signal_name[EVENT_COMM];
	struct losses losses;
};

enum totals_figure { TOTALS_CPU, TOTALS_WALL, TOTALS_PEAK, TOTALS_FIGURES };

struct totals {
	struct intern *strings;
	struct hash commands, steps;
	struct totals_run *runs; /* by index */
	size_t runs_count;
	uint64_t missing[TOTALS_FIGURES][256]; /* rows, by reason */
};

/* NULL: out of memory. */
struct totals_run *totals__run(struct totals *totals, const struct model_run *run);

/* Each 0 or -ENOMEM. */
int totals__row(struct totals *totals, const struct model_row *row);
int totals__hidden(struct totals *totals, const struct model_row *row); /* whoever hides it */
int totals__task(struct totals *totals, const struct model_task *task);

static inline struct totals_command *totals_command__of(struct hash_node *node)
{
	return (struct totals_command *)((char *)node - offsetof(struct totals_command, node));
}

static inline struct totals_step *totals_step__of(struct hash_node *node)
{
	return (struct totals_step *)((char *)node - offsetof(struct totals_step, node));
}

void totals__free(struct totals *totals);

#endif
