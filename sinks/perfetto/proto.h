/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes protocol buffers. The trace needs few messages, written field by field: a generator and its library would
 * add thirty foreign files. */
#ifndef SINKS_PERFETTO_PROTO_H
#define SINKS_PERFETTO_PROTO_H

#include <stddef.h>
#include <stdint.h>

#include "core/buffer.h"

void proto__uint(struct buffer *proto, unsigned field, uint64_t value); /* also bool, enum, positive int */
void proto__fixed64(struct buffer *proto, unsigned field, uint64_t value);
void proto__double(struct buffer *proto, unsigned field, double value);
void proto__bytes(struct buffer *proto, unsigned field, const void *bytes, size_t length);
void proto__string(struct buffer *proto, unsigned field, const char *string);

/* A message inside the message: what is written between the calls is its content. Nests. */
size_t proto__open(struct buffer *proto, unsigned field);
void proto__close(struct buffer *proto, size_t opened);

#endif
