/* SPDX-License-Identifier: BSD-2-Clause */
/* How a process ended that did not exit 0: why, and what speaks for that it was expected. */
#ifndef SINKS_MODEL_ENDING_H
#define SINKS_MODEL_ENDING_H

#include "sinks/model/model.h"

/* What speaks for that a failure was expected. */
enum model_expected {
	MODEL_EXPECTED_NOT,
	MODEL_EXPECTED_SILENCED, /* its errors went to /dev/null, not so its caller's */
	MODEL_EXPECTED_SEARCHED, /* a program that answers by its exit code has searched them */
	MODEL_EXPECTED_ALIKE,	 /* so were those of another run of it that exited alike */
	MODEL_EXPECTED_CAPTURED, /* the shell or script that started it read its errors by a pipe */
	MODEL_EXPECTED_STATUS,	 /* the line of the shell that started it asks for $? */
	MODEL_EXPECTED_ANSWER,	 /* by its exit code: it had written nothing */
	MODEL_EXPECTED_UNSEEN,	 /* the same of what a rule says so of, and below that: benign */
	MODEL_EXPECTED_TESTED,	 /* it crashed below what runs tests, and says by its own code whether that was meant */
	MODEL_EXPECTED_DOUBT,	 /* a rule says that its exit code may be an answer */
	MODEL_EXPECTED_RECIPE,	 /* make went on after it, as after a line of a recipe that begins with - */
	/* Questions: */
	MODEL_EXPECTED_NOT_EXECUTED, /* a fork whose exec failed: its parent got the error, and went on */
	MODEL_EXPECTED_LOOKED_FOR, /* a command that was not found: its errors alone went to /dev/null, and its shell went on */
	MODEL_EXPECTED_ASKED, /* a rule says that its parent, which ended well, tries things out */
	MODEL_EXPECTED_USAGE, /* it was called to say how it is called, or its version, apart */
};

/* Whether it was only asked something, so that its failure is suspected at most: calls.ignored gets it, not calls.hidden. */
static inline bool model_expected__is_question(enum model_expected expected)
{
	return expected >= MODEL_EXPECTED_NOT_EXECUTED;
}

/* "its errors went to /dev/null"; NULL: nothing does */
const char *model_expected__words(enum model_expected expected);

/* How a process ended that did not exit 0, and the child whose end it passed on. */
struct model_ending {
	struct model_row row; /* as it was known then: no figures, and its pointers are not valid but for these */
	const struct model_command *command, *tried; /* NULL: not known, none */
	const struct model_command *asked;	     /* its first program, which its parent asked for; NULL: none */
	const struct model_oom *oom;		     /* NULL: the OOM killer did not select it */
	const char *step, *id, *tag, *within;	     /* of its task; NULL: none */
	const char *folder;			     /* in which it failed; NULL: not known, or that of its command */
	const struct model_ending *cause;	     /* NULL: it began here */
	const struct model_ending
		*before; /* what failed before that, where the shell went on beside it; NULL: nothing */
	bool answer;	 /* a rule says that its exit code is one: it is benign */
	/* Known when its parent ends. */
	enum model_expected expected;
	bool beside; /* another child of that ran at the same time, as in a pipe */
	bool unsure; /* of what was retried: a loop over other data looks the same */
	/* Known when it is hidden. */
	bool foreground; /* a shell waited for it and went on: tool || true and ! tool look the same */
	bool uncounted;	 /* it may be an answer, if it has written nothing, which is not recorded */
	/* It is the cause unless it was meant to fail, as another may be: of so many below what runs tests; 0: no other failed. */
	uint32_t among;
	char among_of[EVENT_COMM];
	bool reader_left; /* another that its parent had started after it, as the reader of its pipe, ended well beside it */
};

/* What it began with; NULL of NULL. */
static inline const struct model_ending *model_ending__origin(const struct model_ending *ending)
{
	while (ending && ending->cause)
		ending = ending->cause;
	return ending;
}

/* The one of this process from an ending to its origin; NULL: it is not among them. */
static inline const struct model_ending *model_ending__find(const struct model_ending *ending, uint32_t pid,
							    uint64_t start)
{
	while (ending && (ending->row.pid != pid || ending->row.start != start))
		ending = ending->cause;
	return ending;
}

/* Whether its errors went to /dev/null, at its exec or in the end. */
static inline bool model_ending__is_silent(const struct model_ending *ending)
{
	bool executed = !ending->row.forked && ending->command;

	return ending->row.silenced || (executed && ending->command->silent);
}

/* Whether it is a timeout(1) that ended its command when the time was up. */
bool model_row__timed_out(const struct model_row *row);

/* Whether a signal of the kernel for what it did has ended it, also one that it raised again itself after it had handled it, as
 * Python's faulthandler does; or abort(), as after a failed assertion. */
bool model_row__crashed(const struct model_row *row);

/* What it could not execute, by its own arguments, if it ended as where that is so: sure of what a wrapper (env, chroot) was
 * to become, likely of the first command of a shell's line. */
enum model_wanted { MODEL_WANTED_UNKNOWN, MODEL_WANTED_LIKELY, MODEL_WANTED_SURE };
#define MODEL_WANTED_NAME 256
enum model_wanted model_row__wanted(const struct model_row *row, const struct model_command *command,
				    char name[MODEL_WANTED_NAME]);

/* Appends a phrase for people on why it ended like this, or nothing: "sent by its parent timeout (pid 12)". */
void model_row__how(const struct model_row *row, struct text *text);

#endif
