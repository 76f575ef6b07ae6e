/* SPDX-License-Identifier: BSD-2-Clause */
/* Columns of the model's tables as data, and the functions that keep their values: each appends the value that it finds
 * at `offset` of the row, by kept.h. Not 0: out of memory. Private to sinks/tables. */
#ifndef SINKS_TABLES_CELL_H
#define SINKS_TABLES_CELL_H

#include "sinks/model/model.h"
#include "sinks/tables/column.h"

/* A note is kept by its address: those that go with what they are of are copied. */
struct sentence {
	struct sentence *next;
	char text[];
};
void sentences__free(struct sentence *sentences);

struct packer {
	struct sentence **sentences;
	struct buffer *out;
	const struct model_run *run;
	struct notes notes;
};

/* What is known only when all processes are. */
enum late { LATE_TREE_ORDER, LATE_CHILDREN, LATE_HIDDEN_BY, LATE_RETRIED, LATE_IGNORED };

struct cell {
	const char *name;
	enum column_type type;
	/* NULL: `member` is an enum late */
	int (*pack)(struct packer *p, const struct cell *cell, const void *at);
	size_t offset, member; /* member: in the struct pointed to, or as the function says */
	const char *unit, *help;
};

/* uint64_t, may be null */
int cell__number(struct packer *p, const struct cell *cell, const void *at);
/* the same; `member` is the offset, in the row, of the reason why it is not whole */
int cell__figure(struct packer *p, const struct cell *cell, const void *at);
/* uint32_t */
int cell__u32(struct packer *p, const struct cell *cell, const void *at);
/* the same; 0: null */
int cell__some(struct packer *p, const struct cell *cell, const void *at);
/* int32_t; below 0: null */
int cell__depth(struct packer *p, const struct cell *cell, const void *at);
/* bool */
int cell__bool(struct packer *p, const struct cell *cell, const void *at);
/* enum model_outcome */
int cell__outcome(struct packer *p, const struct cell *cell, const void *at);
/* uint8_t: enum model_sender */
int cell__sender(struct packer *p, const struct cell *cell, const void *at);
/* char[]; empty: null */
int cell__chars(struct packer *p, const struct cell *cell, const void *at);
/* struct model_row: how it ended, in a word */
int cell__status(struct packer *p, const struct cell *cell, const void *at);
/* char *; NULL: null */
int cell__string(struct packer *p, const struct cell *cell, const void *at);
/* the same; `member` is the offset, in the row, of a sentence on what is not complete in it, or NULL */
int cell__noted(struct packer *p, const struct cell *cell, const void *at);
/* enum verdict_kind, enum verdict_certainty */
int cell__kind(struct packer *p, const struct cell *cell, const void *at);
int cell__certainty(struct packer *p, const struct cell *cell, const void *at);
int cell__run(struct packer *p, const struct cell *cell, const void *at);
int cell__pipeline(struct packer *p, const struct cell *cell, const void *at);
int cell__host(struct packer *p, const struct cell *cell, const void *at);
/* boot clock, as UTC */
int cell__time(struct packer *p, const struct cell *cell, const void *at);
/* struct model_command *, `member` of it */
int cell__list(struct packer *p, const struct cell *cell, const void *at);
/* the same */
int cell__text(struct packer *p, const struct cell *cell, const void *at);
/* of struct model_command * */
int cell__uid(struct packer *p, const struct cell *cell, const void *at);
/* struct model_row: its command in shell syntax */
int cell__row_command(struct packer *p, const struct cell *cell, const void *at);
/* of struct model_command * */
int cell__command(struct packer *p, const struct cell *cell, const void *at);
/* of struct model_task * */
int cell__task_number(struct packer *p, const struct cell *cell, const void *at);
/* the same */
int cell__task_step(struct packer *p, const struct cell *cell, const void *at);

/* of struct model_oom *, NULL: null */
int cell__oom_number(struct packer *p, const struct cell *cell, const void *at);
int cell__oom_cgroup(struct packer *p, const struct cell *cell, const void *at);
int cell__oom_others(struct packer *p, const struct cell *cell, const void *at);
/* of struct model_row */
int cell__hugetlb(struct packer *p, const struct cell *cell, const void *at);
/* of its run */
int cell__boot_id(struct packer *p, const struct cell *cell, const void *at);
int cell__marker(struct packer *p, const struct cell *cell, const void *at);
int cell__run_user(struct packer *p, const struct cell *cell, const void *at);
int cell__clock_error(struct packer *p, const struct cell *cell, const void *at);
int cell__run_job(struct packer *p, const struct cell *cell, const void *at);
int cell__run_uid(struct packer *p, const struct cell *cell, const void *at);
int cell__version(struct packer *p, const struct cell *cell, const void *at);
int cell__run_command(struct packer *p, const struct cell *cell, const void *at);
int cell__tags(struct packer *p, const struct cell *cell, const void *at);

/* To group by: all arguments in shell syntax; "[comm]" if they are not known. */
void command__text(struct text *text, const struct model_command *command, const char *comm, bool forked);

#endif
