/* SPDX-License-Identifier: BSD-2-Clause */
/* Text for a terminal. */
#include "core/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- the buffer ---- */

void text__put(struct text *text, const char *bytes, size_t length)
{
	if (buffer__reserve(&text->buffer, length + 1))
		return;
	memcpy(text->data + text->size, bytes, length);
	text->size += length;
	text->data[text->size] = '\0';
}

void text__printf(struct text *text, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || buffer__reserve(&text->buffer, (size_t)n + 1))
		return;
	va_start(ap, fmt);
	vsnprintf(text->data + text->size, (size_t)n + 1, fmt, ap);
	va_end(ap);
	text->size += (size_t)n;
}

void text__style(struct text *text, enum text_style style)
{
	static const char *const codes[] = {
		[TEXT_PLAIN] = "\033[0m", [TEXT_BOLD] = "\033[1m",	  [TEXT_DIM] = "\033[2m",
		[TEXT_RED] = "\033[31m",  [TEXT_RED_BOLD] = "\033[1;31m", [TEXT_YELLOW] = "\033[33m",
	};

	if (text->colour)
		text__put(text, codes[style], strlen(codes[style]));
}

void text__free(struct text *text)
{
	buffer__free(&text->buffer);
	text->colour = false;
}

/* ---- characters ---- */

struct range {
	uint32_t first, last;
};

static bool within(uint32_t code, const struct range *ranges, size_t count)
{
	for (size_t i = 0; i < count && code >= ranges[i].first; i++)
		if (code <= ranges[i].last)
			return true;
	return false;
}

/* Two columns wide, at least in some terminals: cutting text early is better than wrapping. */
static bool is_wide(uint32_t code)
{
	static const struct range wide[] = {
		{0x1100, 0x115f}, {0x231a, 0x23ff},   {0x25fd, 0x27bf},	  {0x2b1b, 0x2b55},   {0x2e80, 0xa4cf},
		{0xa960, 0xa97f}, {0xac00, 0xd7a3},   {0xf900, 0xfaff},	  {0xfe10, 0xfe6f},   {0xff01, 0xff60},
		{0xffe0, 0xffe6}, {0x16fe0, 0x1b2ff}, {0x1d300, 0x1d376}, {0x1f000, 0x1faff}, {0x20000, 0x3fffd},
	};

	return code >= 0x1100 && within(code, wide, sizeof(wide) / sizeof(*wide));
}

/* Control characters, those that reverse or hide text, line separators, and noncharacters. */
static bool is_unsafe(uint32_t code)
{
	static const struct range unsafe[] = {
		{0x0, 0x1f},	    {0x7f, 0x9f},	 {0xad, 0xad},	   {0x34f, 0x34f},   {0x61c, 0x61c},
		{0x115f, 0x1160},   {0x17b4, 0x17b5},	 {0x180b, 0x180f}, {0x200b, 0x200f}, {0x2028, 0x202e},
		{0x2060, 0x206f},   {0x3164, 0x3164},	 {0xe000, 0xf8ff}, {0xfdd0, 0xfdef}, {0xfe00, 0xfe0f},
		{0xfeff, 0xfeff},   {0xffa0, 0xffa0},	 {0xfff0, 0xfffb}, {0xfffe, 0xffff}, {0x1bca0, 0x1bca3},
		{0x1d173, 0x1d17a}, {0xe0000, 0x10ffff},
	};

	return code == UTF8_INVALID || within(code, unsafe, sizeof(unsafe) / sizeof(*unsafe));
}

static void put_escaped(struct text *text, uint32_t code, uint8_t byte)
{
	if (code == '\n')
		text__put(text, "\\n", 2);
	else if (code == '\t')
		text__put(text, "\\t", 2);
	else if (code == UTF8_INVALID || code < 0x80)
		text__printf(text, "\\x%02x", byte);
	else
		text__printf(text, code < 0x10000 ? "\\u%04x" : "\\U%08x", code);
}

void text__safe(struct text *text, const char *bytes, size_t length)
{
	size_t begun = 0, n; /* begun: what is safe, and not yet appended */

	for (size_t at = 0; at < length; at += n) {
		uint32_t code = utf8__next(bytes + at, length - at, &n);

		if (!is_unsafe(code))
			continue;
		text__put(text, bytes + begun, at - begun);
		put_escaped(text, code, (uint8_t)bytes[at]);
		begun = at + n;
	}
	if (begun < length)
		text__put(text, bytes + begun, length - begun);
}

size_t text__cut(struct text *text, const char *safe, size_t columns)
{
	size_t length = strlen(safe), used = 0, at = 0, fits = 0, fits_used = 0, n;

	for (; at < length; at += n) {
		size_t width = is_wide(utf8__next(safe + at, length - at, &n)) ? 2 : 1;

		if (used + width > columns) {
			text__put(text, safe, fits);
			if (columns)
				text__put(text, TEXT_ELLIPSIS, strlen(TEXT_ELLIPSIS));
			return fits_used + !!columns;
		}
		used += width;
		if (used < columns) { /* with the ellipsis after it */
			fits = at + n;
			fits_used = used;
		}
	}
	text__put(text, safe, length);
	return used;
}

size_t text__fit(const char *safe, size_t columns)
{
	size_t length = strlen(safe), used = 0, at = 0, blank = 0, n;

	for (; at < length; at += n) {
		used += is_wide(utf8__next(safe + at, length - at, &n)) ? 2 : 1;
		if (used > columns && at)
			return blank ? blank : at;
		if (safe[at] == ' ')
			blank = at;
	}
	return length;
}

/* ---- arguments ---- */

/* What a shell takes as it is, of ASCII. */
static const bool plain_bytes[0x80] = {
	['%'] = true, ['+' ... ':'] = true, ['='] = true, ['@' ... 'Z'] = true, ['_'] = true, ['a' ... 'z'] = true,
};

/* Appends a part of a quoted argument, with a backslash before those two. */
static void put_quoted(struct text *text, const char *bytes, size_t length)
{
	size_t begun = 0;

	for (size_t at = 0; at < length; at++) {
		if (bytes[at] != '\'' && bytes[at] != '\\')
			continue;
		text__safe(text, bytes + begun, at - begun);
		text__put(text, "\\", 1);
		begun = at;
	}
	text__safe(text, bytes + begun, length - begun);
}

void text__argument(struct text *text, const char *arg, size_t length)
{
	bool plain = length > 0, escaped = false;
	size_t n;

	for (size_t at = 0; at < length; at += n) {
		uint32_t code = utf8__next(arg + at, length - at, &n);

		if (code < sizeof(plain_bytes) && plain_bytes[code])
			continue;
		escaped |= is_unsafe(code) || code == '\'';
		plain &= code >= sizeof(plain_bytes);
	}
	if (plain && !escaped) {
		text__put(text, arg, length);
		return;
	}
	if (escaped) {
		text__put(text, "$'", 2);
		put_quoted(text, arg, length);
	} else {
		text__put(text, "'", 1);
		text__put(text, arg, length);
	}
	text__put(text, "'", 1);
}
