/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the sink ci share: Markdown, lines for the job's log, and the file that holds the page. */
#ifndef SINKS_CI_CI_H
#define SINKS_CI_CI_H

#include "core/sink.h"
#include "sinks/totals/story.h"
#include "sinks/judging/judged.h"

/* ---- markdown.c: text that is safe for a terminal, as text of Markdown and of a log that obeys commands ---- */

/* Appends entities for all that Markdown, HTML or a runner that reads the log might take for more than text. */
void markdown__text(struct text *out, const char *safe);

/* As code within a line, or a cell of a table: at most so many columns. */
void markdown__code(struct text *out, const char *safe, size_t columns);

/* ---- ci_cause.c ---- */

#define CI_COLUMNS 500 /* of a command in a list */
#define CI_SAID_MAX 20 /* lines that the origin wrote last; of others a quarter */

/* Moves safe text on as code, and frees it. */
void ci_item__code(struct text *item, struct text *safe, size_t columns);
void ci_item__line(struct text *item, const char *safe, const char *after); /* NULL: none */
void ci_item__lines(struct text *item, const struct story_line *lines, size_t count);

/* The last lines of a process, as they stood. */
void ci_item__said(struct text *item, const struct tally *tally, struct tally_process of, const char *comm,
		   size_t most);

/* The process with which the failure began, and those that passed it on, if the run failed. `columns`: of its whole command. */
void ci_cause__put(struct text *item, const struct tally *tally, const struct verdicts *verdicts, size_t columns);

/* ---- ci_page.c ---- */

struct ci_limits {
	uint64_t failures, top; /* kinds of failure, steps */
	size_t size;		/* bytes of the page */
};

/* Appends the page of a run: the cause, failures, verdicts, what still runs, steps, what is missing. What does not fit is left
 * out from the end of each list, and that is said. `goes`: the run has not ended. */
void ci_page__print(struct text *out, const struct tally *tally, const struct verdicts *verdicts,
		    const struct ci_limits *limits, bool goes);

/* ---- ci_log.c ---- */

enum ci_log { CI_LOG_NONE, CI_LOG_GITHUB, CI_LOG_GITLAB, CI_LOGS };

/* By the name of an option, "auto" by the environment. False: there is no such name. */
bool ci_log__find(const char *name, enum ci_log *log);

struct ci_logged {
	enum ci_log log;
	uint32_t count; /* lines so far */
};

/* Appends a line for each kind of failure that has none yet, while there is room. `last`: the run's end is known, so that its
 * cause comes first. */
void ci_log__failures(struct text *out, struct ci_logged *logged, const struct tally *tally, bool last);

/* Appends a line if the limit of pids of a cgroup refused forks, and there is room. */
void ci_log__limit(struct text *out, struct ci_logged *logged, const struct tally *tally);

/* Appends a line for each verdict that is proven or likely and not muted, while there is room. */
void ci_log__verdicts(struct text *out, struct ci_logged *logged, const struct tally *tally,
		      const struct verdicts *verdicts);

/* ---- ci_location.c ---- */

/* The file and line that a message of a shell, compiler or Python names, below `workspace`, NULL: none is known. Appends the
 * file's path from there. False: no message names one. */
bool ci_location__find(struct text *file, unsigned *line, const struct model_said *said, const struct model_text *cwd,
		       const char *workspace);

/* ---- ci_file.c ---- */

/* A file that others append to as well. While the run goes, a block of fixed size in it is ours, so that nothing of theirs
 * moves or is overwritten. */
struct ci_file {
	int fd;	       /* 0: none */
	int64_t begin; /* of our block; -1: none */
};

/* The size of that block, padding included. */
#define CI_FILE_BLOCK 16384

/* Bytes that may be added to the file. */
size_t ci_file__room(const struct ci_file *file);

/* Puts the page into the block, or if it is the last one and too large, to the end of the file. 0 or -errno. */
int ci_file__write(struct ci_file *file, const struct text *page, bool last);

#endif
