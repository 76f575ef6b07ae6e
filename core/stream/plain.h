/* SPDX-License-Identifier: BSD-2-Clause */
/* Objects of msgpack whose length their first byte says. Not installed. */
#ifndef CORE_STREAM_PLAIN_H
#define CORE_STREAM_PLAIN_H

#include <stdint.h>

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

#endif
