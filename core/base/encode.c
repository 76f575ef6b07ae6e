/* SPDX-License-Identifier: BSD-2-Clause */
/* Encodes bytes: base64, JSON strings. */
#include "core/base/encode.h"

#include "core/text.h"

int base64__put(struct buffer *out, const void *data, size_t size)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const uint8_t *bytes = data;
	uint8_t *at;

	if (buffer__reserve(out, BASE64_SIZE(size)))
		return out->error;
	at = out->data + out->size;
	for (size_t i = 0; i < size; i += 3) {
		size_t left = size - i;
		uint32_t three = (uint32_t)bytes[i] << 16;

		three |= left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0;
		three |= left > 2 ? bytes[i + 2] : 0;
		*at++ = digits[three >> 18];
		*at++ = digits[three >> 12 & 63];
		*at++ = left > 1 ? digits[three >> 6 & 63] : '=';
		*at++ = left > 2 ? digits[three & 63] : '=';
	}
	out->size += BASE64_SIZE(size);
	return 0;
}

int json__put_number(struct buffer *out, uint64_t number, bool negative)
{
	char digits[21];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	if (negative)
		digits[--at] = '-';
	return buffer__append(out, digits + at, sizeof(digits) - at);
}

static uint8_t *put_escaped(uint8_t *at, uint8_t c)
{
	static const char hex[] = "0123456789abcdef", names[] = "btn_fr"; /* from 8 to 13 */

	*at++ = '\\';
	if (c == '"' || c == '\\') {
		*at++ = c;
	} else if (c >= '\b' && c <= '\r' && c != '\v') {
		*at++ = names[c - '\b'];
	} else {
		memcpy(at, "u00", 3);
		at[3] = hex[c >> 4];
		at[4] = hex[c & 15];
		at += 5;
	}
	return at;
}

/* Whether some of these eight bytes may need an escape. */
static bool needs_escape(uint64_t eight)
{
	const uint64_t ones = 0x0101010101010101, high = ones << 7;
	uint64_t quote = eight ^ ones * '"', backslash = eight ^ ones * '\\';

	return (((eight - ones * 0x20) & ~eight) | ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash)) &
	       high;
}

int json__put_utf8(struct buffer *out, const char *string, size_t length)
{
	const char *end = string + length;
	uint8_t *at, c;
	uint64_t eight;

	if (buffer__reserve(out, length * 6 + 2))
		return out->error;
	at = out->data + out->size;
	*at++ = '"';
	while (string < end) {
		if (end - string >= 8 && (memcpy(&eight, string, 8), !needs_escape(eight))) {
			memcpy(at, &eight, 8);
			at += 8;
			string += 8;
			continue;
		}
		c = *string++;
		if (c >= 0x20 && c != '"' && c != '\\')
			*at++ = c;
		else
			at = put_escaped(at, c);
	}
	*at++ = '"';
	out->size = at - out->data;
	return 0;
}

int json__put_bytes(struct buffer *out, const char *bytes, size_t length)
{
	if (utf8__valid(bytes, length))
		return json__put_utf8(out, bytes, length);
	if (buffer__append(out, "{\"base64\":\"", 11) || base64__put(out, bytes, length))
		return out->error;
	return buffer__append(out, "\"}", 2);
}
