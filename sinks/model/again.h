/* SPDX-License-Identifier: BSD-2-Clause */
/* What a process has done again after it had failed, and what may fail by right. Private to sinks/model. */
#ifndef SINKS_MODEL_AGAIN_H
#define SINKS_MODEL_AGAIN_H

#include "sinks/model/process.h"
#include "sinks/steps/steps.h"

/* ---- same.c ---- */

/* Whether this child began after a failure and did the same, or the same by another tool. */
bool again__is(const struct process *child, const struct ending *bad);

/* Whether both were asked to do the same. */
bool again__is_same(const struct ending *a, const struct ending *b);

/* Whether an argument says which attempt it is, or that the next one does. */
bool again__counts_attempts(const struct model_command *asked);

/* Also if items differ that say which attempt it is, where it `counts` those. */
bool same__list(const struct model_list *a, const struct model_list *b, bool counts);

/* Whether both were called by the same name: a script's own, without the interpreter. */
bool same__program(const struct model_command *a, const struct model_command *b);

/* Engines start all their tasks with the same arguments, each in a folder of its own. Either may be NULL. */
bool same__folder(const struct model_command *a, const struct model_command *b);

/* ---- again.c ---- */

/* A child has ended well, of what began after failures of the same program, as a make -j1 after a make -j2: which of those it
 * has made good. `over`: the parent of `runner`; NULL: it has ended. */
void again__below(const struct process *over, const struct process *runner, const struct process *child);

/* A child has ended, before it is judged. 0 or -ENOMEM. */
int again__note(struct process *parent, const struct process *child);

/* Whether one that began after this child, as the reader of its pipe does, ended well while it ran. */
bool again__reader_left(const struct process *parent, const struct process *child);

/* What its children did again with success is made good, unless that was the next turn of a loop which does the same whether
 * that fails or not: over other data each time. Of those that began until then. */
void again__settle(const struct process *parent, uint64_t until);

/* Whether another child, which began until then, ran at the same time, as those of a pipe do. Until its own start: it may have
 * written to this one. */
bool again__has_beside(const struct process *parent, const struct ending *bad, uint64_t until);

/* Whether its descriptor 2 was a pipe or a file that its parent's was not, nor that of another child. */
bool again__has_own_errors(const struct process *parent, const struct ending *bad);

/* The same, and a pipe. */
bool again__has_own_pipe(const struct process *parent, const struct ending *bad);

void again__free(struct turns *turns); /* takes NULL */

/* ---- expected.c ---- */

/* A child has ended well: which files with the errors of those before it it has searched. */
void expected__searched(struct model *model, const struct brood *brood, const struct process *child);

/* Which failures of its children a process may have expected, as it ends. `below`: what its rules say of them. */
void expected__settle(struct model *model, const struct process *parent, enum steps_exit below);

/* Whether it is a subshell that asked the shell itself something, as x=$(type tool) does. */
bool expected__asks_itself(const struct process *p);

/* What it wrote last is recorded: if those are words for a person, a subshell has failed. */
void expected__spoke(struct process *p, const struct model_said *said);

/* A failure that `by` hides; its row is whole now. `ending` may be NULL, and `said`: nothing is recorded yet. */
void expected__hidden(struct ending *ending, const struct model_row *row, const struct process *by,
		      const struct model_said *said);

/* ---- tool.c: of make ---- */

/* Whether it was called to go on after a failure with what does not need that. */
bool recipe__keeps_going(const struct model_command *command);

/* Whether it is a make that failed, and may say which failures it ignored. */
bool recipe__is_told(const struct model_command *command, uint64_t exit_code);

/* Whether it is a make that goes on after a failure by its Makefile only: it was not called with -i. */
bool recipe__may_ignore(const struct model_command *command);

/* Marks the failures that make says it has ignored. */
void recipe__ignored(const struct model_said *said, const struct brood *brood);

/* ---- tie.c ---- */

/* Whether a failure may have led to a later one: by a pipe, or by a file that both were called with. */
bool tie__between(const struct ending *first, const struct ending *later);

/* Whether both are tasks of a kind, as the tests that a script collects are: not two commands of one tool. */
bool tie__is_of_kind(const struct ending *a, const struct ending *b);

/* ---- choice.c: which of its children's ends a process has passed on ---- */

bool choice__is_candidate(const struct ending *ending); /* neither retried, ignored nor answered */

/* The latest failure, or answer if those count, if not more than so many children have begun after it and ended well. */
struct ending *choice__latest(const struct brood *brood, uint32_t after, bool answers);

/* What may pass the end of a child on. */
struct passer {
	const struct model_row *row;
	const struct model_command *command; /* NULL: not known */
	enum steps_exit says;		     /* what rules say of its own exit */
	bool tests;			     /* what it runs may fail, unless it fails itself */
	bool ignores;			     /* tasks below it may fail where the pipeline says so */
};

/* The end of a child that the process passed on; NULL: none. */
struct ending *choice__cause(const struct passer *passer, const struct brood *brood);

/* What had failed before that cause began, and had not been waited for, or was followed by it at once; NULL: nothing. */
struct ending *choice__before(const struct passer *passer, const struct brood *brood, const struct ending *cause);

/* Notes with the cause below what runs tests that it is one of several. */
void choice__note_others(const struct brood *brood, struct ending *cause, const struct model_row *row);

#endif
