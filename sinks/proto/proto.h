/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes and reads protocol buffers. Few messages are needed, written field by field: a generator and its library would
 * add thirty foreign files. */
#ifndef SINKS_PROTO_PROTO_H
#define SINKS_PROTO_PROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buffer.h"

void proto__uint(struct buffer *proto, unsigned field, uint64_t value); /* also bool, enum, positive int */
void proto__fixed32(struct buffer *proto, unsigned field, uint32_t value);
void proto__fixed64(struct buffer *proto, unsigned field, uint64_t value);
void proto__double(struct buffer *proto, unsigned field, double value);
void proto__bytes(struct buffer *proto, unsigned field, const void *bytes, size_t length);
void proto__string(struct buffer *proto, unsigned field, const char *string);

/* A message inside the message: what is written between the calls is its content. Nests. */
size_t proto__open(struct buffer *proto, unsigned field);
void proto__close(struct buffer *proto, size_t opened);

/* ---- reading ---- */

struct proto_field {
	unsigned number;
	uint64_t value;	      /* of a number */
	const uint8_t *bytes; /* of what has a length; NULL: a number */
	size_t size;
};

/* The next field of an untrusted message; false: there is none, or it is damaged. */
bool proto__next(const uint8_t **at, const uint8_t *end, struct proto_field *field);

#endif
