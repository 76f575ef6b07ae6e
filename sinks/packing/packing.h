/* SPDX-License-Identifier: BSD-2-Clause */
/* Values of records as msgpack. */
#ifndef SINKS_PACKING_PACKING_H
#define SINKS_PACKING_PACKING_H

#include "core/record.h"

/* Appends a string of any bytes as the format wants it. 0, or -1: out of memory. */
typedef int (*packing_text)(struct buffer *out, const char *text, size_t length);

/* Appends a value; `end` is that of the record. 0, or -1: out of memory, or damage. */
int packing__value(struct buffer *out, const struct value *value, const uint8_t *end, packing_text put_text);

#endif
