/* SPDX-License-Identifier: BSD-2-Clause */
/* The wire format of protocol buffers: varints, four and eight bytes, and lengths. */
#include "sinks/proto/proto.h"

#include <string.h>

#include "core/base/base.h"

enum wire { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_LENGTH = 2, WIRE_32 = 5 };

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

static void put_fixed(struct buffer *proto, uint64_t value, size_t size)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(value >> 8 * i);
	buffer__append(proto, bytes, size);
}

void proto__fixed32(struct buffer *proto, unsigned field, uint32_t value)
{
	put_tag(proto, field, WIRE_32);
	put_fixed(proto, value, sizeof(value));
}

void proto__fixed64(struct buffer *proto, unsigned field, uint64_t value)
{
	put_tag(proto, field, WIRE_64);
	put_fixed(proto, value, sizeof(value));
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

static bool take_varint(const uint8_t **at, const uint8_t *end, uint64_t *value)
{
	*value = 0;
	for (int shift = 0; *at < end && shift < 64; shift += 7) {
		uint8_t byte = *(*at)++;

		*value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return true;
	}
	return false;
}

static bool take_fixed(const uint8_t **at, const uint8_t *end, size_t size, uint64_t *value)
{
	*value = 0;
	if ((size_t)(end - *at) < size)
		return false;
	for (size_t i = 0; i < size; i++)
		*value |= (uint64_t) * (*at)++ << 8 * i;
	return true;
}

bool proto__next(const uint8_t **at, const uint8_t *end, struct proto_field *field)
{
	uint64_t tag;

	*field = (struct proto_field){0};
	if (!take_varint(at, end, &tag))
		return false;
	field->number = (unsigned)(tag >> 3);
	switch (tag & 7) {
	case WIRE_VARINT:
		return take_varint(at, end, &field->value);
	case WIRE_64:
		return take_fixed(at, end, 8, &field->value);
	case WIRE_32:
		return take_fixed(at, end, 4, &field->value);
	case WIRE_LENGTH:
		if (!take_varint(at, end, &field->value) || field->value > (uint64_t)(end - *at))
			return false;
		field->bytes = *at;
		field->size = (size_t)field->value;
		*at += field->size;
		return true;
	default:
		return false;
	}
}
