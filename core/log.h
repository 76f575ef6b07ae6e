/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages for people, on stderr: "collector: error: ..." in colour on a terminal only. */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include <stdarg.h>
#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* `name` is the program's; `most` the last level that is shown. Call once, first. */
void log__init(const char *name, enum log_level most);

/* One line; the final newline is added. Keeps errno. Control characters of the text are shown as
 * \xNN: it may hold what a watched process wrote. Safe to call from any thread. */
void log__print(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log__vprint(enum log_level level, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

/* Whether `fd` may get colour: a terminal, NO_COLOR unset or empty, TERM not "dumb". */
bool log__colour(int fd);

#define log__error(...) log__print(LOG_ERROR, __VA_ARGS__)
#define log__warn(...) log__print(LOG_WARN, __VA_ARGS__)
#define log__info(...) log__print(LOG_INFO, __VA_ARGS__)
#define log__debug(...) log__print(LOG_DEBUG, __VA_ARGS__)

#endif
