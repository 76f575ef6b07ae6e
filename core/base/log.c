/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages for people: one message is one line, written at once. */
#include "core/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* Bytes of the well-formed UTF-8 character at `text` that is fit to be shown; 0 if there is none. */
static size_t printable(const unsigned char *text)
{
	size_t i, length;
	unsigned int c = text[0], least;

	if (c >= 0x20 && c < 0x7f)
		return 1;
	if (c >= 0xc2 && c < 0xe0)
		length = 2, c &= 0x1f, least = 0xa0; /* 0x80 to 0x9f are control characters too */
	else if (c >= 0xe0 && c < 0xf0)
		length = 3, c &= 0x0f, least = 0x800;
	else if (c >= 0xf0 && c < 0xf5)
		length = 4, c &= 0x07, least = 0x10000;
	else
		return 0;
	for (i = 1; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (text[i] & 0x3f);
	}
	if (c < least || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	/* Marks that turn the direction of text: a line must read as it is. */
	if ((c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069))
		return 0;
	return length;
}

/* Appends `text` with everything that could steer a terminal made visible; returns the new end. */
static char *escape(char *out, const char *text)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *at = (const unsigned char *)text;
	size_t n;

	while (*at) {
		n = printable(at);
		if (n) {
			memcpy(out, at, n);
			out += n;
			at += n;
			continue;
		}
		*out++ = '\\';
		*out++ = 'x';
		*out++ = hex[*at >> 4];
		*out++ = hex[*at++ & 15];
	}
	return out;
}

static void write_all(const char *data, size_t size)
{
	ssize_t n;

	while (size) {
		n = write(STDERR_FILENO, data, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return; /* nobody is left to be told */
		data += n;
		size -= n;
	}
}

void log__vprint(enum log_level level, const char *fmt, va_list ap)
{
	char text[LOG_TEXT_MAX], line[4 * LOG_TEXT_MAX + 256];
	int saved = errno, n;
	char *end;

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

	end = line + snprintf(line, 200, "%.100s: %s%s", state.name, state.colour ? levels[level].colour : "",
			      levels[level].label);
	if (state.colour && levels[level].colour[0])
		end = stpcpy(end, "\033[0m");
	end = escape(end, text);
	*end++ = '\n';
	write_all(line, end - line);
	errno = saved;
}

void log__print(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log__vprint(level, fmt, ap);
	va_end(ap);
}
