/* SPDX-License-Identifier: BSD-2-Clause */
/* What is known of a process only when all have been seen: its place in the run's tree, how many children it had, which
 * ancestor hides its failure, or that it was retried or ignored. */
#ifndef SINKS_TABLES_PROCESS_TREE_H
#define SINKS_TABLES_PROCESS_TREE_H

#include "sinks/model/model.h"
#include "sinks/tables/spool.h"

struct process_tree {
	struct spool processes, hidden, commands;
};

/* Keeps its files, which have no names, in the folder. 0 or -errno; call process_tree__free() in any case. */
int process_tree__open(struct process_tree *tree, int folder);
int process_tree__add(struct process_tree *tree, const struct model_row *last); /* the last row of each process */

/* That a command hides the failure of the row's program. */
int process_tree__hide(struct process_tree *tree, const struct model_row *row, const char *command, uint32_t length);

/* That the failure of the row's program was none. */
enum process_excuse { PROCESS_RETRIED = 1, PROCESS_IGNORED };
int process_tree__excuse(struct process_tree *tree, const struct model_row *row, enum process_excuse excuse);

/* When all have been added. 0 or -errno. */
int process_tree__build(struct process_tree *tree);
void process_tree__forget(const struct process_tree *tree); /* lets the kernel take back what was read */
void process_tree__free(struct process_tree *tree);

/* A process; `run` is the run's index in the model. */
struct process_key {
	uint32_t run, pid;
	uint64_t start;
};

/* What is known of a process, and of one of its programs. */
struct process_known {
	uint32_t order, children;  /* its place in its run, from 1, and its children; order 0: not known */
	const char *hidden_by;	   /* command that hides the program's failure; NULL: none */
	uint32_t hidden_by_length; /* of it */
	uint32_t excuse;	   /* enum process_excuse; 0: none */
};
struct process_known process_tree__find(const struct process_tree *tree, struct process_key key, uint32_t exec);

#endif
