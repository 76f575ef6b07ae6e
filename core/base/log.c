/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages for people: one message is one line, written at once. */
#include "core/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/text.h"

#define LOG_TEXT_MAX 4096

/* The program's only mutable state outside main: set once, before there are threads. */
static struct {
	const char *name;
	enum log_level most;
	bool colour;
} state = {"collector", LOG_INFO, false};

static const struct {
	const char *label, *colour;
} levels[] = {
	[LOG_ERROR] = {"error: ", "\033[1;31m"},
	[LOG_WARN] = {"warning: ", "\033[1;33m"},
	[LOG_INFO] = {"", ""},
	[LOG_DEBUG] = {"debug: ", "\033[2m"},
};

bool log__colour(int fd)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	if ((no_color && *no_color) || (term && strcmp(term, "dumb") == 0))
		return false;
	return isatty(fd);
}

void log__init(const char *name, enum log_level most)
{
	state.name = name;
	state.most = most;
	state.colour = log__colour(STDERR_FILENO);
}

void log__vprint(enum log_level level, const char *fmt, va_list ap)
{
	char text[LOG_TEXT_MAX], bytes[4 * LOG_TEXT_MAX + 256];
	struct text line = {.data = bytes,
			    .capacity = sizeof(bytes)}; /* never grows: an escape is at most four bytes for one */
	int saved = errno, n;

	if (level > state.most)
		return;
	n = vsnprintf(text, sizeof(text), fmt, ap);
	if (n < 0)
		snprintf(text, sizeof(text), "%s", fmt);
	else if ((size_t)n >= sizeof(text))
		strcpy(text + sizeof(text) - sizeof("..."), "...");
	/* Some libraries end their messages by a newline of their own. */
	n = strlen(text);
	while (n && text[n - 1] == '\n')
		text[--n] = '\0';

	text__printf(&line, "%.100s: %s%s%s", state.name, state.colour ? levels[level].colour : "", levels[level].label,
		     state.colour && levels[level].colour[0] ? "\033[0m" : "");
	text__safe(&line, text, n);
	text__put(&line, "\n", 1);
	write_all(STDERR_FILENO, line.data, line.size);
	errno = saved;
}

void log__print(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log__vprint(level, fmt, ap);
	va_end(ap);
}
