/* SPDX-License-Identifier: BSD-2-Clause */
/* The words in which sinks for people describe a failure. All that is appended is safe to show. */
#ifndef SINKS_TOTALS_STORY_H
#define SINKS_TOTALS_STORY_H

#include "core/format.h"
#include "sinks/totals/tally.h"

/* How a row ended: "exit 1", "SIGSEGV", "OOM". Returns `out`. */
#define STORY_ENDING 32
const char *story__ending(char out[STORY_ENDING], const struct model_row *row);

/* The process that began the failure of the run; NULL: it did not fail, or has not ended. */
const struct model_ending *story__origin(const struct totals_run *run);

/* Whose last lines say most of what `began`: its own or, if it said nothing, those of the nearest that passed it on, but for
 * lines that may be of others. What is part of another program's work and speaks JSON has that one say it in words. */
const struct model_ending *story__speaker(const struct tally *tally, const struct model_ending *began);

/* How many of a kind are in the chain from the run's end to its origin; of all kinds if it is NULL. */
uint64_t story__in_chain(const struct tally *tally, const struct tally_failure *kind, bool propagated);

/* How many of a kind are not in it. */
uint64_t story__beside_chain(const struct tally *tally, const struct tally_failure *kind);

bool story__is_in_chain(const struct tally *tally, const struct tally_process *process);

/* The first one of a kind that is not in it: what that said stands for the others; pid 0: it is not known. */
struct tally_process story__beside(const struct tally *tally, const struct tally_failure *kind);
/* The row of a kind, as far as it is that of this one of story__beside(). */
struct model_row story__row_beside(const struct tally_failure *kind, const struct tally_process *beside);

/* What comes before it where a Ctrl-C has ended it; NULL: none has. */
const char *story__interrupted(const struct model_ending *origin);

/* How many are not in it that the same Ctrl-C has ended. */
uint64_t story__ended_alike(const struct tally *tally);

/* The kinds of failure of which some are neither in that chain nor ended by the same Ctrl-C: hidden ones first, then the
 * rarest. A list to be freed; NULL: out of memory. */
struct hash_node **story__failures(const struct tally *tally, size_t *count);

/* Sorts groups of programs or tasks: those of the most CPU time first. */
int story__by_cpu(const void *a, const void *b);

/* ---- parts of an ending; each appends nothing if there is nothing to say ---- */

void story__command(struct text *text, const struct model_ending *ending);
/* The same, after the name of what it could not execute, if a shell, Python or Node.js has said that, or it is a wrapper that was
 * called with it: "nosuch: not found, in a subshell of run.sh". */
void story__subject(struct text *text, const struct model_ending *ending);
/* Of the first of a kind that is not in the chain. */
void story__kind_subject(struct text *text, const struct tally *tally, const struct tally_failure *kind);
/* Of text that is safe at most so many columns, from 16 on: in the middle words are left out. Whether they are. */
bool story__shorten(struct text *text, const char *safe, size_t columns);
/* The program that it could not execute, and how that failed: "nosuch: not found"; nothing, if no name is known. */
void story__wanted(struct text *text, const struct model_row *row, const struct model_command *command);
/* Whether a name is known, or it has words of its own at all. */
bool story__names_wanted(const struct model_row *row, const struct model_command *command);
/* That it ended as what finds no command, as precisely as that is known; false, and nothing, if it did not. */
bool story__not_found(struct text *text, const struct model_row *row);
/* Whether it wanted a command that was not found, or could not be executed, and nothing in the record names that. What would:
 * the shell's message, or the exec that failed. STORY_UNNAMED_FORK: perhaps it did, as what is forked and executes nothing ends
 * with 255 then, in Python and others. */
enum story_unnamed {
	STORY_NAMED,
	STORY_UNNAMED_MESSAGE,
	STORY_UNNAMED_EXEC,
	STORY_UNNAMED_FORK,
	STORY_UNHEARD,
	STORY_SILENCED,
	STORY_NOT_SAID,	 /* what it wrote did not go to its standard error */
	STORY_UNWRITTEN, /* nothing was written there */
};
enum story_unnamed story__unnamed(const struct tally *tally, const struct model_row *row,
				  const struct model_command *command, bool shell);
/* STORY_UNHEARD if the failure of the run began with an exit code, that process wrote something, and no last lines of it, nor of
 * any that passed it on, are recorded: STORY_NOT_SAID if what goes to pipes and terminals is, or only blanks went there,
 * STORY_SILENCED if its standard error was /dev/null, STORY_UNWRITTEN if it was an empty file; else STORY_NAMED. */
enum story_unnamed story__unheard(const struct tally *tally, const struct model_ending *began);
void story__circumstances(struct text *text, const struct model_run *run, const struct model_ending *ending);
void story__how(struct text *text, const struct model_ending *ending);
void story__limit(struct text *text, const struct model_ending *ending);   /* that the OOM killer ended it for */
void story__holders(struct text *text, const struct model_ending *ending); /* the others that held most memory then */
/* Of timeout(1): what those waited for that it has ended, as samples saw it. */
void story__waited(struct text *text, const struct tally *tally, const struct model_ending *ending);
/* What failed before what began the failure, where the shell went on beside it, as a server does that it started; else what
 * tally__answered() has. */
void story__before(struct text *text, const struct tally *tally, const struct model_ending *ending);
/* Both of them, one after the other: appends what `i` is and returns what stands before that; NULL: there is no more. */
const char *story__note(struct text *text, const struct tally *tally, const struct model_ending *ending, size_t i);
void story__folder(struct text *text, const struct model_ending *ending);
void story__log(struct text *text, const struct model_ending *ending); /* a file of its own, by its command */
/* A command for a shell beside the run's first: its own, that of what has started it for a part of its work, as a compiler's
 * driver, of the script or wrapper that has become it, or of what ran it as another user or elsewhere, as sudo and runc do.
 * Nothing, if an argument is too long for a page: a part of a command must not be run. */
void story__again(struct text *text, const struct model_ending *ending);
void story__again_whole(struct text *text, const struct model_ending *ending); /* also then */
/* What has started it for a part of its own work; else itself. */
const struct model_ending *story__driver(const struct model_ending *ending);
bool story__is_run_otherwise(const struct model_ending *ending); /* than by its own command */
/* Its own command, if story__again() has nothing; if that has another one, the query that has it. */
void story__in_full(struct text *text, const struct model_ending *ending);
/* The query that has its arguments, where story__again() has nothing as one is too long. */
void story__whole(struct text *text, const struct model_ending *ending);
/* The names only: values may be secret, and are in the table of images. */
void story__environment(struct text *text, const struct model_ending *ending);

/* Of the first failure of its kind: "3 times, first pid 12 at +2 s, in step a, under make". Those in the chain of the run's end
 * do not count; if that of the first one which does is not known: "2 more, after pid 12 at +2 s...". */
void story__kind(struct text *text, const struct tally *tally, const struct tally_failure *kind);

/* Other commands of the kind than that of the first which is shown, and how many more there are. */
#define STORY_ALIKE 4
struct story_alike {
	const char *shown[STORY_ALIKE]; /* safe to show */
	size_t count;
	uint64_t left; /* processes that are not among them */
};
void story__alike(const struct tally *tally, const struct tally_failure *kind, struct story_alike *alike);

/* Of a failure below what runs tests, hidden or not: "by exit 3 t align (pid 12), one of 2 that failed below ctest..." */
void story__began(struct text *text, const struct tally_failure *kind);

/* Of the run's limits and memory, after the number, which is `number`; nothing if there is nothing to say. Forks that a cgroup's
 * pids.max refused fail with EAGAIN, "Resource temporarily unavailable". */
void story__pids_limit(struct text *text, char number[FORMAT_SIZE], const struct totals_run *run);
void story__huge_pages(struct text *text, char number[FORMAT_SIZE], const struct totals_run *run);

/* The pid as all tables have it, that of the host, and if its namespace has another one that. */
void story__pid(struct text *text, const struct model_row *row);

/* Time since the run began. */
uint64_t story__offset(const struct model_run *run, uint64_t ts);

/* ---- what a process wrote last ---- */

struct story_line {
	const char *at; /* any bytes */
	size_t length;
	bool error; /* it says what happened; known of story__message() only */
};

/* What this process wrote last; NULL: nothing is known, or it is of a file to which only others wrote. */
const struct model_said *story__heard(const struct tally *tally, uint32_t pid, uint64_t start);

/* Whether it is known whose that is. */
bool story__is_sure(const struct tally *tally, const struct model_said *said);

/* Whether it has a text of blanks only, or of nothing but a reset of colours. */
bool story__is_blank(const struct model_said *said);

/* What stands before lines of a file to which others write, or may, as something ran beside it and the lines do not name it. */
void story__shared(struct text *text, const struct tally *tally, const struct model_said *said, const char *comm);

/* The same, or the name of a file that has lines of its own only: "its standard error: /w/logs/x.log". */
void story__file(struct text *text, const struct tally *tally, const struct model_said *said, const char *comm);

/* The last `most` lines that are not empty, in order, with room for them in `lines`. Of a line that was written over and
 * over, as a progress bar is, the last state. Returns how many. */
size_t story__said(const struct model_said *said, struct story_line *lines, size_t most);

/* The same, but without the frames of a stack and what a runtime adds (Node.js, Rust, Java); if none of them says what
 * happened, the nearest one before them that does comes first. */
size_t story__message(const struct model_said *said, struct story_line *lines, size_t most);

/* The last lines of others of the kind that say something else than the first one and than each other; up to STORY_OTHERS.
 * Numbers do not count: of lines, of processes, of samples. Returns how many. */
size_t story__others(const struct tally *tally, const struct tally_failure *kind, struct story_line *lines);
#define STORY_OTHERS 3

/* The error by which one that passed the failure of the run on ended itself, if that is recorded and no echo of what is below it:
 * "run.sh: line 7: SAMPLE: unbound variable". Whether there is one. */
#define STORY_CHAIN_LINES 20
bool story__own_line(const struct tally *tally, const struct model_ending *ending, struct story_line *line);

/* What passed the first one of a kind on, hidden as that is, and says more: under another status than what is below it, or with
 * last lines of its own. The nearest first. Returns how many. */
#define STORY_PASSERS 4
#define STORY_PASSER_LINES 2
struct story_passer {
	const struct model_row *row; /* its pointers are not valid */
	const char *shown;	     /* safe to show */
	struct story_line lines[STORY_PASSER_LINES];
	size_t count; /* of lines */
};
size_t story__passers(const struct tally *tally, const struct tally_failure *kind,
		      struct story_passer passers[STORY_PASSERS]);

#endif
