/* SPDX-License-Identifier: BSD-2-Clause */
/* Which step of the pipeline a process belongs to: rules in YAML, applied when streams are read, so that a
 * run can be read again with other rules.
 *
 *	steps:
 *	  - parent: '(^|/)snakemake( |$)'	# every condition of a rule must hold; PCRE2, unanchored
 *	    args: '^\S*sh -c set -euo pipefail;\s*(?<tool>\S+)'
 *	    step: ${tool}
 *	  - env: {NXF_TASK_WORKDIR: '([0-9a-f]{2})/([0-9a-f]{6})[0-9a-f]*$'}
 *	    step: task
 *	    id: ${1}/${2}			# processes with one id are one task, related or not
 *
 * A program gets the first rule that matches, else its process's or parent's task. Conditions: `exe`,
 * `args` (the arguments with a blank between), `cwd`, `parent` (the parent's args), `env`, `file` (what a file
 * in the working directory began with, as it was recorded then), `depth` (programs above it,
 * without forks that executed none; 0 is the run's root), `outside: true` (it is in no task). `step` and `id`
 * are text with ${name} or ${1} of what the patterns captured, ${command}, the program's name, and ${tool},
 * what that is about: "bwa mem" of `sh -c 'mkdir -p out && bwa mem x'`. Ready-made sets are in conf/steps;
 * collector.steps(5) is the reference.
 *
 * And what exit codes mean, of the first rule of `exits` that matches:
 *
 *	exits:
 *	  - command: [grep, zgrep]		# names of programs; exe, args, cwd, parent, env as above
 *	    code: [1]				# as a shell reports it; none: any but 0
 *	    forked: false			# true: of forks of that program that executed nothing
 *	    is: answer				# answer, doubt, wrapper, runner, origin, muted
 *	  - args: '(^|/)configure( |$)'
 *	    below: answer			# of its descendants: answer, tests, unseen; of its tasks: ignored */
#ifndef SINKS_STEPS_STEPS_H
#define SINKS_STEPS_STEPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"
#include "sinks/program/program.h"

/* The option `steps` of every sink on the model: its default and help. */
#define STEPS_DEFAULT "auto"
#define STEPS_HELP                                                                                                    \
	"rules for steps: auto, none, a ready-made set's name, a YAML file, or an engine's log that names its jobs; " \
	"several with commas between"

struct steps;

enum steps_engine {
	STEPS_ENGINE_NONE,
	STEPS_ENGINE_PROGRAM, /* the program, and what is forked from it and executes nothing */
	STEPS_ENGINE_FORKS,   /* only what is forked from it and executes nothing */
	STEPS_ENGINE_ABOVE,   /* what else is in its task, whose job it is */
};

/* `what` as STEPS_HELP says; the ready-made rules of exits always come last. 0; -ENOENT, -EINVAL with a sentence
 * (file:line:column) in `err`; -ENOMEM. */
int steps__load(const char *what, struct steps **steps, struct error *err);

/* The same; `file`, if not 0, is a descriptor of the one file that `what` names.  */
int steps__load_file(const char *what, int file, struct steps **steps, struct error *err);
void steps__free(struct steps *steps);		/* takes NULL */
size_t steps__count(const struct steps *steps); /* rules of steps */

/* The limit that a program of this name (as the kernel has it, of 15 bytes) ends others at: "memory"; NULL: none. */
const char *steps__limit(const struct steps *steps, const char *comm);

/* What an end with another code than 0, or by a signal, says. */
enum steps_exit {
	STEPS_FAILURE,
	STEPS_ANSWER,  /* it answers a question: no failure, unless it ended what asked */
	STEPS_WRAPPER, /* a failure, but an answer if its child's was one, whose end it passes on (timeout, xargs) */
	STEPS_RUNNER,  /* a failure: it passes on that of some child, whatever ran after that (make -k, parallel) */
	STEPS_ORIGIN,  /* a failure of its own, whatever its children ended with (timeout's 124) */
	STEPS_DOUBT, /* a failure, and perhaps an answer: where it is hidden, that is not proven (grep: no such file) */
	STEPS_TALLY, /* a failure: it counts those that children of its parent have hidden before (make check) */
	STEPS_MUTED, /* known to the user: counted apart */
	STEPS_NOT_EXECUTED, /* a failure: of what is to execute a program for its parent, and could not */
	STEPS_TESTS,	    /* of descendants: answers to what runs tests, but for crashes */
	STEPS_IGNORED,	    /* of tasks below a program that ends well: it ignored their failure */
	STEPS_UNSEEN,	    /* as an answer, but what has failed is suspected: what says why was thrown away */
	STEPS_ASKED,	    /* of descendants: failures, but where it ends well, what it ran may have been questions */
};

/* ---- the rules applied ---- */

/* What engines say of their jobs, as it was recorded while they ran: *log is NULL at first. `text` has whole lines. 0, also of
 * an engine whose logs are not known; -EFBIG: there is too much; -ENOMEM. */
struct names;
int steps_log__add(struct names **log, const char *engine, const char *text, size_t length);
void steps_log__free(struct names *log); /* takes NULL */

/* A program, as input for the rules. */
struct steps_program {
	const struct model_command *command, *parent; /* either may be NULL */
	const char *comm;
	int32_t depth; /* programs above it; -1: not known */
	bool inside;   /* whether it is in a task */
	bool forked;   /* it executed nothing: `command` is its parent's */
	bool alone;    /* it has started no process */
	bool beside;   /* its parent has not waited for it: has started another since */
	/* What the first of these files that is recorded begins with; NULL: none is. A NULL ends the paths. */
	const char *(*file)(void *files, const char *const *paths, size_t *length);
	void *files;
	struct names *log; /* NULL: none is recorded */
};

struct steps_matcher;

struct steps_matcher *steps_matcher__new(const struct steps *steps); /* NULL: out of memory */
void steps_matcher__free(struct steps_matcher *matcher);	     /* takes NULL */

/* The first rule from `from` on that matches the program; steps__count(): none. Start with 0 and continue after the
 * rule found. */
size_t steps_matcher__next(struct steps_matcher *matcher, const struct steps_program *program, size_t from);

/* Expand the templates of the rule found last; id and tag are "" if it has none. */
const char *steps_matcher__step(const struct steps_matcher *matcher);
const char *steps_matcher__id(const struct steps_matcher *matcher);
const char *steps_matcher__tag(const struct steps_matcher *matcher);
const char *steps_matcher__rules(const struct steps_matcher *matcher); /* the set of that rule */

/* What that rule says to be of the engine itself, its probing or its plumbing. Such a rule begins no step; its id, if it has
 * one, is that of the task whose job the program is. */
enum steps_engine steps_matcher__engine(const struct steps_matcher *matcher);

/* What the program's end says; `status` as a shell reports it, not 0. */
enum steps_exit steps_matcher__exit(struct steps_matcher *matcher, const struct steps_program *program,
				    uint32_t status);

/* The rule of `clients` that the program matches, and the one whose server it is, each from 1; 0: none. */
struct steps_clients {
	uint32_t client, server;
};
struct steps_clients steps_matcher__clients(struct steps_matcher *matcher, const struct steps_program *program);
/* Whether a program is called like this client, or is to interpret what is: bazel-real, python3 flux-run.py. */
bool steps_matcher__client_like(const struct steps_matcher *matcher, uint32_t client,
				const struct model_command *command);
size_t steps_matcher__clients_count(const struct steps_matcher *matcher);
/* Whether it has reached no server, by its exit code. */
bool steps_matcher__client_refused(const struct steps_matcher *matcher, uint32_t client, uint64_t code);
bool steps_matcher__client_serves(const struct steps_matcher *matcher,
				  uint32_t client); /* it can start its server itself */

/* What a program was to execute, where it has executed nothing, by its arguments: the operand of a wrapper such as env, or
 * the first command of a shell's line. */
#define STEPS_NAME_MAX 256 /* of a name, of a step or an id, with the NUL */
enum steps_called { STEPS_CALLED_NOTHING, STEPS_CALLED_PROGRAM, STEPS_CALLED_FIRST };
enum steps_called steps_tool__called(const struct model_command *command, char out[STEPS_NAME_MAX]);

/* What the ends of its descendants say: STEPS_ANSWER, STEPS_TESTS, STEPS_UNSEEN, STEPS_IGNORED, STEPS_ASKED; else
 * STEPS_FAILURE. */
enum steps_exit steps_matcher__below(struct steps_matcher *matcher, const struct steps_program *program);

#endif
