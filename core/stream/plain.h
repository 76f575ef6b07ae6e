/* SPDX-License-Identifier: BSD-2-Clause */
/* Objects of msgpack whose length their first byte says, and the values of all of them but texts. Not installed. */
#ifndef CORE_STREAM_PLAIN_H
#define CORE_STREAM_PLAIN_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "core/record.h"

/* Length of objects of fixed length that contain no others, by their first byte; 0: any other. */
static inline unsigned plain__length(uint8_t first)
{
	static const uint8_t lengths[32] = {
		/* from 0xc0 on */
		1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 5, 9, 2, 3, 5, 9, 2, 3, 5, 9, 3, 4, 6, 10, 18, 0, 0, 0, 0, 0, 0, 0,
	};

	if (first < 0x80 || first >= 0xe0)
		return 1;
	if (first >= 0xc0)
		return lengths[first - 0xc0];
	return first >= 0xa0 ? 1 + (first & 0x1f) : 0;
}

static inline uint64_t big_endian(const uint8_t *at, unsigned width)
{
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;

	switch (width) {
	case 1:
		return *at;
	case 2:
		memcpy(&u16, at, sizeof(u16));
		return be16toh(u16);
	case 4:
		memcpy(&u32, at, sizeof(u32));
		return be32toh(u32);
	default:
		memcpy(&u64, at, sizeof(u64));
		return be64toh(u64);
	}
}

/* The number at `at`, and its length; 0 if there is none or the bytes end inside it. Negative ones are
 * sign-extended. */
static inline unsigned number__read(const uint8_t *at, const uint8_t *end, uint64_t *number, bool *negative)
{
	unsigned width, spare;

	*negative = false;
	if (at == end)
		return 0;
	if (*at < 0x80) {
		*number = *at;
		return 1;
	}
	if (*at >= 0xe0) {
		*number = (int64_t)(int8_t)*at;
		*negative = true;
		return 1;
	}
	width = 1U << (*at & 3);
	if (*at < 0xcc || *at > 0xd3 || (size_t)(end - at) <= width)
		return 0;
	*number = big_endian(at + 1, width);
	if (*at >= 0xd0) {
		spare = 64 - 8 * width;
		*number = (int64_t)(*number << spare) >> spare;
		*negative = (int64_t)*number < 0;
	}
	return 1 + width;
}

/* A number, bool or nil; not a float or fixext. */
static inline bool cursor__scalar(struct cursor *c, struct value *value)
{
	unsigned length;
	bool negative;

	if (c->at == c->end)
		return false;
	if (*c->at == 0xc0 || *c->at == 0xc2 || *c->at == 0xc3) {
		value->type = *c->at == 0xc0 ? VALUE_NULL : VALUE_BOOL;
		value->u = 0;
		value->boolean = *c->at == 0xc3;
		c->at++;
		return true;
	}
	length = number__read(c->at, c->end, &value->u, &negative);
	value->type = negative ? VALUE_INT : VALUE_UINT;
	c->at += length;
	return length;
}

#endif
