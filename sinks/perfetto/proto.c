/* SPDX-License-Identifier: BSD-2-Clause */
/* The wire format of protocol buffers: varints, eight bytes, and lengths. */
#include "sinks/perfetto/proto.h"

#include <string.h>

#include "core/base/base.h"

enum wire { WIRE_VARINT, WIRE_64, WIRE_LENGTH };

static void put_varint(struct buffer *proto, uint64_t value)
{
	uint8_t bytes[VARINT_MAX];

	buffer__append(proto, bytes, varint__encode(bytes, value));
}

static void put_tag(struct buffer *proto, unsigned field, enum wire wire)
{
	put_varint(proto, (uint64_t)field << 3 | wire);
}

void proto__uint(struct buffer *proto, unsigned field, uint64_t value)
{
	put_tag(proto, field, WIRE_VARINT);
	put_varint(proto, value);
}

void proto__fixed64(struct buffer *proto, unsigned field, uint64_t value)
{
	uint8_t bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(value >> 8 * i);
	put_tag(proto, field, WIRE_64);
	buffer__append(proto, bytes, sizeof(bytes));
}

void proto__double(struct buffer *proto, unsigned field, double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	proto__fixed64(proto, field, bits);
}

void proto__bytes(struct buffer *proto, unsigned field, const void *bytes, size_t length)
{
	put_tag(proto, field, WIRE_LENGTH);
	put_varint(proto, length);
	buffer__append(proto, bytes, length);
}

void proto__string(struct buffer *proto, unsigned field, const char *string)
{
	proto__bytes(proto, field, string, strlen(string));
}

size_t proto__open(struct buffer *proto, unsigned field)
{
	put_tag(proto, field, WIRE_LENGTH);
	return proto->size;
}

/* The length precedes the content but is known only now: moves the content to make room. */
void proto__close(struct buffer *proto, size_t opened)
{
	uint8_t bytes[VARINT_MAX];
	size_t length = proto->size - opened, n = varint__encode(bytes, length);

	if (buffer__reserve(proto, n))
		return;
	memmove(proto->data + opened + n, proto->data + opened, length);
	memcpy(proto->data + opened, bytes, n);
	proto->size += n;
}
