/* SPDX-License-Identifier: BSD-2-Clause */
/* The interactive prompt of collector-query. */
#ifndef CORE_QUERY_PROMPT_H
#define CORE_QUERY_PROMPT_H

#include "core/query/query.h"

/* Reads statements from the terminal until its end or .quit, and prints their results. 0 or -errno. */
int prompt__run(struct query *query, const char *file_of_history);

/* Where the history is, in the user's XDG_STATE_HOME; allocated, NULL: there is no place for it. */
char *prompt__history(void);

/* ---- statements, without a terminal ---- */

/* The length of the first statement in `text` with the semicolon that ends it; 0: none has ended. */
size_t prompt__statement(const char *text);

/* Whether there is anything but blanks and comments. */
bool prompt__is_blank(const char *text);

/* ---- prompt_line.c: by libedit where it was built with it ---- */

struct prompt_line;

/* `words` is ended by NULL, and lives as long as the line. NULL: out of memory. */
struct prompt_line *prompt_line__new(const char *program, const char *history, const char *const *words);

/* Reads a line, with its line break; valid until the next. NULL: the end, or with *interrupted a Ctrl-C. */
const char *prompt_line__read(struct prompt_line *line, bool more, bool *interrupted);

void prompt_line__remember(struct prompt_line *line, const char *statement);
void prompt_line__free(struct prompt_line *line); /* takes NULL; writes the history */

/* What is missing without libedit; NULL: nothing. */
extern const char *const prompt_line__lacks;

#endif
