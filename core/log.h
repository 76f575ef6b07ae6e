/* SPDX-License-Identifier: BSD-2-Clause */
/* Log messages on stderr: "collector: error: ...", in colour only on a terminal, with their priority for the journal. */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include <stdarg.h>
#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* `name` is the program's, not copied; `most` the most verbose level to print. Call once, first. */
void log__init(const char *name, enum log_level most);

/* Prints one line; the final newline is added. Keeps errno. Control characters are printed as \xNN: the text
 * may come from a watched process. Thread-safe. */
void log__print(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log__vprint(enum log_level level, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

/* Whether to use colour on `fd`: a terminal, NO_COLOR unset or empty, TERM not "dumb". */
bool log__colour(int fd);

#define log__error(...) log__print(LOG_ERROR, __VA_ARGS__)
#define log__warn(...) log__print(LOG_WARN, __VA_ARGS__)
#define log__info(...) log__print(LOG_INFO, __VA_ARGS__)
#define log__debug(...) log__print(LOG_DEBUG, __VA_ARGS__)

#endif
