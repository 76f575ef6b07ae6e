/* SPDX-License-Identifier: BSD-2-Clause */
/* Text for a terminal: a buffer that grows, colour, and untrusted strings made safe to show. */
#ifndef CORE_TEXT_H
#define CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buffer.h"

#define TEXT_ELLIPSIS "\xe2\x80\xa6"

struct text {
	union {
		struct buffer buffer;
		struct { /* the same, as characters: ended by a NUL once there is anything */
			char *data;
			size_t size, capacity;
			int error;
		};
	};
	bool colour;
};

enum text_style { TEXT_PLAIN, TEXT_BOLD, TEXT_DIM, TEXT_RED, TEXT_RED_BOLD, TEXT_YELLOW };

void text__put(struct text *text, const char *bytes, size_t length);
void text__printf(struct text *text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void text__style(struct text *text, enum text_style style); /* until the next; nothing without colour */
void text__free(struct text *text);

/* Appends untrusted bytes: control and format characters and what is not UTF-8 are
 * written as \xNN or \uNNNN. */
void text__safe(struct text *text, const char *bytes, size_t length);

/* Appends an argument as a shell would take it: plain, 'quoted', or $'with \x1b escapes'; safe as above. */
void text__argument(struct text *text, const char *arg, size_t length);

/* Appends text that is safe, in at most so many columns, ended by an ellipsis if it is cut. Returns the
 * columns used. */
size_t text__cut(struct text *text, const char *safe, size_t columns);

/* Bytes of the longest beginning of text that is safe that fits in so many columns: up to a blank, if there is one and not
 * all fits. At least one character. */
size_t text__fit(const char *safe, size_t columns);

/* ---- UTF-8 ---- */

#define UTF8_INVALID UINT32_MAX

/* The next character of `left` bytes, at least one, with its length; UTF8_INVALID and 1 for a byte that
 * begins no valid character. */
uint32_t utf8__next(const char *bytes, size_t left, size_t *length);
bool utf8__valid(const char *string, size_t length);

/* Appends any bytes as UTF-8: U+FFFD stands for each that belongs to no valid character. Returns buffer->error. */
int utf8__put(struct buffer *out, const char *bytes, size_t length);

#endif
