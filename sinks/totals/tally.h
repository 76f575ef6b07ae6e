/* SPDX-License-Identifier: BSD-2-Clause */
/* What sinks for people keep of one run: totals, the first of each kind of failure, the few longest and largest rows.
 * Bounded by distinct commands and failures, both capped. */
#ifndef SINKS_TOTALS_TALLY_H
#define SINKS_TOTALS_TALLY_H

#include "core/base/base.h"
#include "sinks/totals/totals.h"
#include "sinks/totals/wrote.h"

#define TALLY_MORE 15

/* A process that passed a hidden failure on: its row may come before that one's. */
struct tally_passer {
	struct hash_node node;
	struct model_row row; /* its pointers are not valid */
	uint32_t above;	      /* how far above the process that began it: 1 is its parent */
	uint32_t pid;	      /* that process */
	uint64_t start;
	char shown[]; /* safe to show */
};

struct tally_process {
	uint32_t pid, ns_pid;
	uint64_t start, ended_ns;
	char *shown; /* its command, safe to show */
};

/* Rows of one command and one task, or of none, that ended in the same way, represented by the first. */
struct tally_failure {
	struct hash_node node;
	uint64_t task;			       /* a hash of its names; 0: of none */
	struct model_row row;		       /* its pointers to commands are not valid */
	uint64_t order, count, hidden;	       /* count: without those that were retried or ignored */
	bool shell;			       /* its program is one */
	bool excused;			       /* the first was: another one is to take its place */
	bool announced;			       /* for the sink: it has been reported already */
	struct tally_process more[TALLY_MORE]; /* the next ones after the first, without those that were retried */
	unsigned more_count;
	/* Safe to show. step: NULL if it only repeats `shown`; by: the process that hides it by exiting 0, unless the
	 * parent; how: model_row__how(), NULL: nothing; limit, others: of the first one, if the OOM killer selected it. */
	char *shown, *step, *parent, *by, *how, *limit, *others;
	/* Of the first one, below what runs tests: the process by which it failed, safe to show; NULL: none. */
	char *began;
	struct model_ending began_as; /* its pointers are not valid */
	char name[];
};

#define TALLY_KINDS_MAX 1000 /* of failures that are listed; others are only counted */

/* Why what ended badly is not a failure. */
enum tally_excuse {
	TALLY_RETRIED,
	TALLY_IGNORED,
	TALLY_TIMED_OUT /* by timeout(1), as its caller may have wanted: that went on */
};

/* Failures of one task's name, or one command, that were retried with success; tasks that were ignored; limits of time. */
struct tally_excused {
	struct hash_node node;
	struct model_row row; /* of the first; its pointers are not valid */
	uint64_t count;
	enum tally_excuse as;
	bool unsure;  /* retried, or that was for other data */
	char shown[]; /* safe to show */
};

/* One row among the longest, the largest, or those still running. */
struct tally_row {
	uint64_t key;
	uint32_t pid;
	uint64_t began_ns, wall_ns, cpu_ns, peak_bytes;
	bool bound;	    /* peak_bytes is a lower one */
	char *shown, *step; /* safe to show; step: NULL if it is of none */
};

struct tally_top {
	size_t count, size;
	struct tally_row *rows; /* the greatest key first */
};

#define TALLY_LEFT_NS 100000000ULL /* nothing shorter is worth a word if it goes on when the command has ended */

struct tally {
	struct totals_run run;
	struct totals_groups commands, steps;
	struct tally_top longest, largest, open;
	/* Of those that took TALLY_LEFT_NS, but for the run's first: the one that ended last, or still runs. */
	struct tally_top last;
	struct hash failures, excused, passers, waited, answers;
	struct wrote wrote;
};

static inline struct tally_failure *tally_failure__of(struct hash_node *node)
{
	return (struct tally_failure *)((char *)node - offsetof(struct tally_failure, node));
}

static inline struct tally_excused *tally_excused__of(struct hash_node *node)
{
	return (struct tally_excused *)((char *)node - offsetof(struct tally_excused, node));
}

int tally__init(struct tally *tally, const struct model_run *run, size_t top); /* a zeroed one; 0 or -ENOMEM */
int tally__row(struct tally *tally, const struct model_row *row);	       /* 0 or -ENOMEM */
int tally__circumstances(struct tally *tally,
			 const struct model_row *row); /* the part for story__note(), in tally__row() too */
int tally__hidden(struct tally *tally, const struct model_row *row, uint32_t pid, const struct model_command *by);

/* A hidden row whose verdict is a suspicion: not a failure of the run. 0 or -ENOMEM. */
int tally__suspected(struct tally *tally, const struct model_row *row);

/* A hidden row that passed on the failure of a child. 0 or -ENOMEM. */
int tally__passed(struct tally *tally, const struct model_row *row);

/* A row that waited, and was ended by a signal from another process. 0 or -ENOMEM. */
int tally__waited(struct tally *tally, const struct model_row *row);
void tally__free_waited(struct tally *tally);

/* A row that may be an answer to its parent. 0 or -ENOMEM. */
int tally__answer(struct tally *tally, const struct model_row *row);
void tally__free_answers(struct tally *tally);

/* What it asked several times, with the same answer other than 0 until the end: the last one. False: nothing. */
struct tally_answered {
	const struct model_row *row; /* its pointers are not valid */
	const char *shown;	     /* safe to show */
	uint64_t count;
};
bool tally__answered(const struct tally *tally, const struct model_row *row, struct tally_answered *answered);

/* What passed on the failure of this process, the nearest first. Returns how many. */
#define TALLY_CHAIN 16
size_t tally__passers(const struct tally *tally, const struct model_row *began,
		      const struct tally_passer *chain[TALLY_CHAIN]);

struct tally_failure *tally__failure(const struct tally *tally,
				     const struct model_ending *ending); /* NULL: none of its kind */

/* more.c: of a kind, those after the first. `shown`: owned from here on. */
void more__keep(struct tally_failure *failure, const struct model_row *row, char *shown);
void more__drop(struct tally_failure *failure, const struct model_row *row);
void more__free(struct tally_failure *failure);

/* excused.c: counts a row that is excused so. `shown`: whose failure it was. 0 or -ENOMEM. */
int excused__count(struct tally *tally, const struct model_row *row, const struct text *shown, enum tally_excuse as);

/* As the model calls, for a run whose `user` is its tally; `arg` is not used. */
int tally__retried(void *arg, const struct model_row *row);
int tally__ignored(void *arg, const struct model_row *row);
int tally__task(void *arg, const struct model_task *task);
int tally__process(void *arg, const struct model_process *process);

void tally__free(struct tally *tally); /* what it holds */

#endif
