/* SPDX-License-Identifier: BSD-2-Clause */
/* Encodes bytes: base64, varints, JSON strings. */
#ifndef CORE_BASE_ENCODE_H
#define CORE_BASE_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buffer.h"

#define BASE64_SIZE(size) (((size) + 2) / 3 * 4)
#define VARINT_MAX 10

/* Appends with padding. 0 or -ENOMEM. */
int base64__put(struct buffer *out, const void *bytes, size_t size);

/* Appends a number in digits. 0 or -ENOMEM. */
int json__put_number(struct buffer *out, uint64_t number, bool negative);

/* Appends a quoted string. Its bytes must be UTF-8. 0 or -ENOMEM. */
int json__put_utf8(struct buffer *out, const char *string, size_t length);

/* The same of any bytes: what is not UTF-8 is the object {"base64": "..."}. */
int json__put_bytes(struct buffer *out, const char *bytes, size_t length);

/* As in protocol buffers: seven bits per byte, lowest first. Returns the number of bytes. */
static inline size_t varint__encode(uint8_t out[VARINT_MAX], uint64_t value)
{
	size_t n = 0;

	for (; value >= 0x80; value >>= 7)
		out[n++] = (uint8_t)(value | 0x80);
	out[n++] = (uint8_t)value;
	return n;
}

#endif
