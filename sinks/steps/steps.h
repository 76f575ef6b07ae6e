/* SPDX-License-Identifier: BSD-2-Clause */
/* Which step of the pipeline a process belongs to: rules in YAML, applied when streams are read, so that a
 * run can be asked again with others.
 *
 *	steps:
 *	  - parent: '(^|/)snakemake( |$)'	# every condition of a rule must hold; PCRE2, unanchored
 *	    args: '^\S*sh -c set -euo pipefail;\s*(?<tool>\S+)'
 *	    step: ${tool}
 *	  - env: {NXF_TASK_WORKDIR: '([0-9a-f]{2})/([0-9a-f]{6})[0-9a-f]*$'}
 *	    step: task
 *	    id: ${1}/${2}			# processes with one id are one task, related or not
 *
 * A program gets the first rule that holds for it, else its process's or parent's task. Conditions: `exe`,
 * `args` (the arguments with a blank between), `cwd`, `parent` (the parent's args), `env`, `file` (what a file
 * in the working directory begins with, if it is there when the run is read), `depth` (programs above it,
 * without forks that executed none; 0 is the run's root), `outside: true` (it is in no task). `step` and `id`
 * are text with ${name} or ${1} of what the patterns captured, ${command}, the program's name, and ${tool},
 * what that is about: "bwa mem" of `sh -c 'mkdir -p out && bwa mem x'`. Ready-made sets are in conf/steps;
 * collector.steps(5) is the reference. */
#ifndef SINKS_STEPS_STEPS_H
#define SINKS_STEPS_STEPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"
#include "sinks/program/program.h"

/* The default of the option `steps` of every sink that sits on the model, and its help. */
#define STEPS_DEFAULT "auto"
#define STEPS_HELP "rules for steps: auto, none, a ready-made set's name, or a YAML file"

struct steps;

/* `what` as STEPS_HELP says. 0; -ENOENT, -EINVAL with a sentence (file:line:column) in `err`; -ENOMEM.
 * For "none" *steps is NULL. */
int steps__load(const char *what, struct steps **steps, struct error *err);
void steps__free(struct steps *steps); /* takes NULL */
size_t steps__count(const struct steps *steps);

/* ---- the rules applied ---- */

/* A program as the rules look at it. */
struct steps_program {
	const struct model_command *command, *parent; /* either may be NULL */
	const char *comm;
	int32_t depth; /* programs above it; -1: not known */
	bool inside;   /* it is in a task */
};

struct steps_matcher;

struct steps_matcher *steps_matcher__new(const struct steps *steps); /* NULL: out of memory */
void steps_matcher__free(struct steps_matcher *matcher);	     /* takes NULL */

/* The first rule from `from` on that holds for the program; steps__count(): none. Start a program with 0 and
 * continue after what was found. */
size_t steps_matcher__next(struct steps_matcher *matcher, const struct steps_program *program, size_t from);

/* What the templates of the rule that was found last make; the id may be "": it has none. */
const char *steps_matcher__step(const struct steps_matcher *matcher);
const char *steps_matcher__id(const struct steps_matcher *matcher);
const char *steps_matcher__rules(const struct steps_matcher *matcher); /* the set that it is from */

#endif
