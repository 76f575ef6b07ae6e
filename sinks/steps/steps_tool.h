/* SPDX-License-Identifier: BSD-2-Clause */
/* Command lines, word by word, and the programs that run another one. Private to sinks/steps. */
#ifndef SINKS_STEPS_STEPS_TOOL_H
#define SINKS_STEPS_STEPS_TOOL_H

#include <stdbool.h>

#include "sinks/steps/steps_rule.h"

/* ---- steps_words.c ---- */

#define WORDS_BRANCH 128 /* the operator ;; of case, beside single characters */

/* The rest of the input: a shell line, or arguments each ended by a NUL. */
struct words {
	const char *at, *end;
	bool line;
	int ended_by;	  /* the operator taken last: a character, or WORDS_BRANCH */
	const char *from; /* of an argument taken: all of it, up to `at` */
	char word[STEPS_NAME_MAX];
};

enum token { END, WORD, OPERATOR };

enum token words__take(struct words *words);

/* Whether a list of words, each with a blank before and after, has this one. */
bool words__listed(const char *list, const char *word);
bool words__is_assignment(const char *word);

/* ---- steps_launch.c ---- */

enum launch {
	LAUNCH_NOTHING,	   /* it runs no program, or none with a name: its own name is the tool's */
	LAUNCH_PROGRAM,	   /* the word is a program: the tool, or another launcher */
	LAUNCH_LINE,	   /* the word is a shell line */
	LAUNCH_NAME,	   /* the word is the script, module or class that it runs */
	LAUNCH_SUBCOMMAND, /* the word is its own subcommand */
};

struct launcher;

const struct launcher *launcher__find(const char *name); /* NULL: it runs nothing else */

/* Passes over the launcher's options and operands. Advances `words` to what it runs, or not at all: LAUNCH_NOTHING. */
enum launch launcher__take(const struct launcher *launcher, struct words *words);

/* Whether it is a means only: without a program to run it names nothing (exec > log). */
bool launcher__is_wrapper(const struct launcher *launcher);

#endif
