/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages: each is one line, written by one call. */
#include "core/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "core/text.h"

#define LOG_TEXT_MAX 4096

/* The program's only mutable state outside main: set once, before there are threads. */
static struct {
	const char *name;
	enum log_level most;
	bool colour, journal;
} state = {"collector", LOG_INFO, false, false};

/* `priority` is that of syslog(3), as journald reads it at the beginning of a line. */
static const struct {
	const char *label, *colour, *priority;
} levels[] = {
	[LOG_ERROR] = {"error: ", "\033[1;31m", "<3>"},
	[LOG_WARN] = {"warning: ", "\033[1;33m", "<4>"},
	[LOG_INFO] = {"", "", "<6>"},
	[LOG_DEBUG] = {"debug: ", "\033[2m", "<7>"},
};

bool log__colour(int fd)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	if ((no_color && *no_color) || (term && strcmp(term, "dumb") == 0))
		return false;
	return isatty(fd);
}

/* systemd names the journal's socket by device and inode. The variable alone says nothing: it passes to children whose
 * standard error is redirected. */
static bool is_journal(int fd)
{
	const char *text = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return text && sscanf(text, "%llu:%llu", &device, &inode) == 2 && !fstat(fd, &st) && st.st_dev == device &&
	       st.st_ino == inode;
}

void log__init(const char *name, enum log_level most)
{
	state.name = name;
	state.most = most;
	state.colour = log__colour(STDERR_FILENO);
	state.journal = is_journal(STDERR_FILENO);
}

/* A terminal in raw mode begins no new line by itself. */
static bool needs_return(int fd)
{
	struct termios modes;

	return !tcgetattr(fd, &modes) && !(modes.c_oflag & OPOST);
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
	/* Some libraries end their messages with a newline. */
	n = strlen(text);
	while (n && text[n - 1] == '\n')
		text[--n] = '\0';

	text__printf(&line, "%s%.100s: %s%s%s", state.journal ? levels[level].priority : "", state.name,
		     state.colour ? levels[level].colour : "", levels[level].label,
		     state.colour && levels[level].colour[0] ? "\033[0m" : "");
	text__safe(&line, text, n);
	text__printf(&line, "%s\n", needs_return(STDERR_FILENO) ? "\r" : "");
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
