/* SPDX-License-Identifier: BSD-2-Clause */
/* Decodes and validates UTF-8 (RFC 3629). */
#include "core/text.h"

#include <string.h>

uint32_t utf8__next(const char *bytes, size_t left, size_t *length)
{
	const uint8_t *at = (const uint8_t *)bytes;
	unsigned more, i;
	uint32_t code;

	*length = 1;
	if (*at < 0x80)
		return *at;
	more = *at >= 0xf0 ? 3 : *at >= 0xe0 ? 2 : 1;
	if (*at < 0xc2 || *at > 0xf4 || left <= more)
		return UTF8_INVALID;
	code = *at & (0x3f >> more);
	for (i = 1; i <= more; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return UTF8_INVALID;
		code = code << 6 | (at[i] & 0x3f);
	}
	/* overlong, a surrogate, or beyond U+10FFFF */
	if (code < (more == 3	? 0x10000U
		    : more == 2 ? 0x800U
				: 0x80U) ||
	    code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return UTF8_INVALID;
	*length = more + 1;
	return code;
}

bool utf8__valid(const char *string, size_t size)
{
	const char *at = string, *end = string + size;
	uint64_t eight;
	size_t length;

	while (at < end) {
		if (end - at >= 8) {
			memcpy(&eight, at, sizeof(eight));
			if (!(eight & 0x8080808080808080ULL)) {
				/* the last eight may overlap checked ones */
				at = end - at < 16 && end - at > 8 ? end - 8 : at + 8;
				continue;
			}
		}
		if (!(*at & 0x80)) {
			at++;
			continue;
		}
		if (utf8__next(at, end - at, &length) == UTF8_INVALID)
			return false;
		at += length;
	}
	return true;
}

int utf8__put(struct buffer *out, const char *bytes, size_t length)
{
	size_t n;

	for (; length; bytes += n, length -= n) {
		bool valid = utf8__next(bytes, length, &n) != UTF8_INVALID;

		buffer__append(out, valid ? bytes : "\xef\xbf\xbd", valid ? n : 3);
	}
	return out->error;
}
