/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads msgpack in place: nothing is copied or allocated, nothing outside the given bytes is read. */
#include <errno.h>
#include <string.h>

#include "core/record.h"
#include "core/stream/plain.h"

#define DEPTH 32

enum kind { BAD, SCALAR, STRING, EXT, ARRAY, MAP };

/* What a first byte means. `head`: bytes before the payload; `width`: bytes of the length among them. */
struct announced {
	enum kind kind;
	uint8_t head, width;
};

#define A(kind, head, width)      \
	{                         \
		kind, head, width \
	}

/* From 0xc0 on; smaller first bytes hold their own length. */
static const struct announced announced[32] = {
	A(SCALAR, 1, 0), A(BAD, 1, 0),	  A(SCALAR, 1, 0), A(SCALAR, 1, 0), /* nil, never, false, true */
	A(STRING, 2, 1), A(STRING, 3, 2), A(STRING, 5, 4),		    /* bin */
	A(EXT, 3, 1),	 A(EXT, 4, 2),	  A(EXT, 6, 4),			    /* ext: length, then a type */
	A(SCALAR, 5, 0), A(SCALAR, 9, 0),				    /* float */
	A(SCALAR, 2, 0), A(SCALAR, 3, 0), A(SCALAR, 5, 0), A(SCALAR, 9, 0), /* uint */
	A(SCALAR, 2, 0), A(SCALAR, 3, 0), A(SCALAR, 5, 0), A(SCALAR, 9, 0), /* int */
	A(SCALAR, 3, 0), A(SCALAR, 4, 0), A(SCALAR, 6, 0), A(SCALAR, 10, 0), A(SCALAR, 18, 0), /* fixext */
	A(STRING, 2, 1), A(STRING, 3, 2), A(STRING, 5, 4),				       /* str */
	A(ARRAY, 3, 2),	 A(ARRAY, 5, 4),						       /* array */
	A(MAP, 3, 2),	 A(MAP, 5, 4),							       /* map */
};

struct object {
	enum kind kind;
	uint32_t head;	/* bytes before the payload */
	uint32_t count; /* bytes of a string or ext, elements of an array, pairs of a map */
};

/* 1: the object's head is complete, 0: the bytes end inside it, -EBADMSG: not an object. */
static int cursor__object(const struct cursor *c, struct object *object)
{
	size_t room = c->end - c->at;
	const struct announced *a;
	uint8_t first;

	if (!room)
		return 0;
	first = *c->at;
	if (first < 0x80 || first >= 0xe0) {
		*object = (struct object){SCALAR, 1, 0};
		return 1;
	}
	if (first < 0xc0) {
		if (first >= 0xa0)
			*object = (struct object){STRING, 1, first & 0x1f};
		else
			*object = (struct object){first < 0x90 ? MAP : ARRAY, 1, first & 0x0f};
		return 1;
	}
	a = &announced[first - 0xc0];
	if (a->kind == BAD)
		return -EBADMSG;
	if (room < a->head)
		return 0;
	*object = (struct object){a->kind, a->head, a->width ? big_endian(c->at + 1, a->width) : 0};
	return 1;
}

/* The next object, if it is of this kind and its payload is complete. */
static bool cursor__take(const struct cursor *c, enum kind kind, struct object *object)
{
	size_t room = c->end - c->at;

	if (cursor__object(c, object) != 1 || object->kind != kind)
		return false;
	return kind != STRING || object->count <= room - object->head;
}

bool cursor__array(struct cursor *c, uint32_t *count)
{
	struct object object;

	if (!cursor__take(c, ARRAY, &object))
		return false;
	c->at += object.head;
	*count = object.count;
	return true;
}

bool cursor__map(struct cursor *c, uint32_t *count)
{
	struct object object;

	if (!cursor__take(c, MAP, &object))
		return false;
	c->at += object.head;
	*count = object.count;
	return true;
}

bool cursor__string(struct cursor *c, const char **string, uint32_t *length)
{
	struct object object;

	if (!cursor__take(c, STRING, &object))
		return false;
	*string = (const char *)c->at + object.head;
	*length = object.count;
	c->at += object.head + object.count;
	return true;
}

static inline bool uint__read(const uint8_t **at, const uint8_t *end, uint64_t *number)
{
	bool negative;
	unsigned length = number__read(*at, end, number, &negative);

	*at += length;
	return length && !negative;
}

bool cursor__uint(struct cursor *c, uint64_t *number)
{
	const uint8_t *at = c->at;

	if (!uint__read(&at, c->end, number))
		return false;
	c->at = at;
	return true;
}

/* Lists and maps hold strings only. */
static bool cursor__items(struct cursor *c, uint64_t strings)
{
	const char *string;
	uint32_t length;

	for (; strings; strings--)
		if (!cursor__string(c, &string, &length))
			return false;
	return true;
}

bool cursor__value(struct cursor *c, struct value *value)
{
	struct object object;
	struct cursor at;

	value->reason = EVENT_REASON_NONE;
	value->length = 0;
	if (cursor__scalar(c, value))
		return true;
	value->type = VALUE_STRING;
	if (cursor__string(c, &value->string, &value->length))
		return true;
	if (!cursor__take(c, ARRAY, &object) && !cursor__take(c, MAP, &object))
		return false;
	at = (struct cursor){c->at + object.head, c->end};
	value->type = object.kind == MAP ? VALUE_MAP : VALUE_LIST;
	value->length = object.count;
	value->items = at.at;
	if (!cursor__items(&at, (uint64_t)object.count << (object.kind == MAP)))
		return false;
	*c = at;
	return true;
}

/* Skips up to `count` plain objects in a row; returns how many are left. */
static uint64_t cursor__run(struct cursor *c, uint64_t count)
{
	const uint8_t *at = c->at;
	unsigned length;

	for (; count && at < c->end; count--) {
		length = plain__length(*at);
		if (!length || length > (size_t)(c->end - at))
			break;
		at += length;
	}
	c->at = at;
	return count;
}

int cursor__skip(struct cursor *c)
{
	uint64_t left[DEPTH + 1] = {1}; /* objects still to come on each level */
	struct cursor at = *c;
	struct object object;
	unsigned depth = 0;
	uint64_t bytes;
	int err;

	for (;;) {
		while (!(left[depth] = cursor__run(&at, left[depth]))) {
			if (!depth--) {
				*c = at;
				return 1;
			}
		}
		left[depth]--;
		err = cursor__object(&at, &object);
		if (err != 1)
			return err;
		bytes = object.head;
		if (object.kind == STRING || object.kind == EXT)
			bytes += object.count;
		if (bytes > (size_t)(at.end - at.at))
			return 0;
		at.at += bytes;
		if ((object.kind == ARRAY || object.kind == MAP) && object.count) {
			if (++depth > DEPTH)
				return -EBADMSG;
			left[depth] = (uint64_t)object.count << (object.kind == MAP);
		}
	}
}

/* The head of a record. Here for speed: it is read twice for every record. */
bool record__head(const uint8_t *bytes, size_t size, struct record *record)
{
	const uint8_t *end = bytes + size, *at;
	struct cursor c = {bytes, end};
	uint64_t kind, pid, tid, cpu, run;
	uint32_t count;

	if (!cursor__array(&c, &count) || count < RECORD_HEAD)
		return false;
	at = c.at;
	if (!uint__read(&at, end, &kind) || !uint__read(&at, end, &record->ts) || !uint__read(&at, end, &record->seq) ||
	    !uint__read(&at, end, &pid) || !uint__read(&at, end, &record->start) || !uint__read(&at, end, &tid) ||
	    !uint__read(&at, end, &cpu) || !uint__read(&at, end, &run) || (kind | pid | tid | cpu | run) > UINT32_MAX)
		return false;
	record->kind = kind;
	record->pid = pid;
	record->tid = tid;
	record->cpu = cpu;
	record->run = run;
	record->bytes = bytes;
	record->size = size;
	record->values = at - bytes;
	record->count = count - RECORD_HEAD;
	return true;
}
