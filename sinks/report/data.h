/* SPDX-License-Identifier: BSD-2-Clause */
/* Columns of numbers and strings in a format that a browser reads fast: concatenated,
 * deflated, base64. A column is
 *
 *	name as a string, 'n', 'd' or 's', count, then as many values
 *
 * where a number is a varint of value << 1, or of reason << 1 | 1 for a null; 'd' has differences to the
 * value before, zigzag; a string is a varint of its length and its bytes. */
#ifndef SINKS_REPORT_DATA_H
#define SINKS_REPORT_DATA_H

#include <stddef.h>
#include <stdint.h>
#include <zlib.h>

#include "core/buffer.h"

enum data_kind { DATA_NUMBERS = 'n', DATA_DELTAS = 'd', DATA_STRINGS = 's' };

#define DATA_CHUNK 49152 /* a multiple of 3: base64 needs no padding between chunks */

struct data {
	int fd;
	int err; /* the first -errno; sticks */
	z_stream z;
	struct buffer text; /* base64 */
	uint64_t before;    /* of a column of differences */
	size_t pending;
	uint8_t in[DATA_CHUNK], out[DATA_CHUNK];
};

int data__open(struct data *data, int fd); /* 0 or -ENOMEM */

void data__column(struct data *data, const char *name, enum data_kind kind, uint64_t count);
void data__number(struct data *data, uint64_t value); /* EVENT_NULL() too */
void data__delta(struct data *data, uint64_t value);
void data__string(struct data *data, const void *bytes, size_t length);

int data__close(struct data *data); /* writes the rest; 0 or -errno */

#endif
