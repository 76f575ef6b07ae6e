/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes protocol buffers. The trace's few messages are written field by field as they come: a generator and
 * its library would bring copies of thirty foreign files to say the same. */
#ifndef SINKS_PERFETTO_PROTO_H
#define SINKS_PERFETTO_PROTO_H

#include <stddef.h>
#include <stdint.h>

struct proto {
	uint8_t *data;
	size_t size, capacity;
	int error; /* -ENOMEM; sticks, and everything after it does nothing */
};

void proto__uint(struct proto *proto, unsigned field, uint64_t value); /* also bool, enum, positive int */
void proto__fixed64(struct proto *proto, unsigned field, uint64_t value);
void proto__double(struct proto *proto, unsigned field, double value);
void proto__bytes(struct proto *proto, unsigned field, const void *bytes, size_t length);
void proto__string(struct proto *proto, unsigned field, const char *string);

/* A message inside the message: what is written between the two is its content. Nests. */
size_t proto__open(struct proto *proto, unsigned field);
void proto__close(struct proto *proto, size_t opened);

void proto__free(struct proto *proto);

#endif
