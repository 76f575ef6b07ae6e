/* SPDX-License-Identifier: BSD-2-Clause */
/* A record: one event in a stream, packed by msgpack. Packing walks a probe's table of
 * fields; reading walks the stream's header. core/stream/STREAM.md is the format's reference.
 *
 *	[kind, ts, seq, pid, start, tid, cpu, run, value..., {field: why}?]
 *
 * Only the buffer allocates; nothing here touches the kernel or knows a probe by name. */
#ifndef CORE_RECORD_H
#define CORE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buffer.h"
#include "core/schema.h"

/* Control records: the core's own kinds, in every stream, as their own schema (record__control()).
 * Numbers reach disk: append only, never renumber. */
enum record_kind {
	RECORD_LOST = 1,  /* a drop counter moved: stream_lost, count, since, event_lost, cause */
	RECORD_CLOCK = 2, /* new anchor: boot_ns, real_ns */
	RECORD_SYNC = 3,  /* closes a block: marker, bytes, records, total, crc32 */
	RECORD_END = 4,	  /* clean close: records, lost, redacted, next */
};

/* Schemas of the control records, indexed by kind; RECORD_END + 1 entries. */
extern const struct schema_event record_control[];

/* Event structs of the control records, packed through the same tables as a probe's. */
struct record_lost {
	struct event head;
	char stream_lost[32];
	__u64 count;	     /* events; EVENT_NULL where damage hides how many */
	__u64 since;	     /* boot clock, ns */
	char event_lost[32]; /* "": any */
	char cause[32];	     /* "ring_full", "recursion", "scope_full", "disk_full", "damage"... */
};
struct record_clock {
	struct event head;
	__u64 boot_ns, real_ns;
};
struct record_end {
	struct event head;
	__u64 records, lost;
	__u64 redacted; /* texts of its records in which a secret was hidden */
	char next[48];	/* marker of the segment with which it goes on; "": it ends */
};

/* The name of a reason, as in headers and in the `missing` of merged output: "released", "truncated"...; NULL
 * if there is no such reason. */
const char *event_reason__name(unsigned reason);

/* ---- packing ---- */

/* Where a text stands: alone in its field, if it has more than one line also as such, as NAME=VALUE in a map, or in a
 * list, of which the first is a program if it is an argv. */
enum record_place { RECORD_ALONE, RECORD_PAIR, RECORD_LIST_FIRST, RECORD_LIST_NEXT, RECORD_LINES };

/* Called on every string, list and map item before it is packed, in order; returns true if it put
 * another text into *text, *length (the callee's own, valid until its next call). */
typedef bool (*record_filter)(void *arg, enum record_place place, const char **text, size_t *length);

/* How much of argument lists is recorded: of lists in a field of the name RECORD_ARGS_FIELD. Texts of an event with
 * SCHEMA_ARGS are null with `none` and `program`. */
#define RECORD_ARGS_FIELD "args"
enum record_args {
	RECORD_ARGS_REDACTED, /* all, after the filter */
	RECORD_ARGS_NONE,     /* null */
	RECORD_ARGS_PROGRAM,  /* the first item */
	RECORD_ARGS_FULL,     /* all, and nothing is redacted: there is no filter */
};
static inline const char *record_args__name(enum record_args args)
{
	static const char *const names[] = {"redacted", "none", "program", "full"};

	return names[args];
}

/* What is kept out of records. */
struct record_privacy {
	record_filter filter; /* NULL: nothing is redacted */
	void *filter_arg;
	enum record_args args;
	uint64_t redacted; /* texts that the filter changed */
};

/* Appends one event as a record. `size` is the number of bytes of `event` with all it refers to: offsets that
 * point outside make the value null with EVENT_REASON_FAULT, never a read outside. 0; -ENOMEM, or -EINVAL if
 * `size` is less than a struct event: then nothing was appended. `privacy` may be NULL: all is packed as it is. */
int record__pack(struct buffer *out, const struct schema_event *schema, unsigned kind, uint64_t seq,
		 const struct event *event, size_t size, struct record_privacy *privacy);

/* ---- reading ---- */

enum value_type { VALUE_NULL, VALUE_BOOL, VALUE_UINT, VALUE_INT, VALUE_STRING, VALUE_LIST, VALUE_MAP };

/* A decoded value. Pointers go into the record's own bytes and live as long as it does. */
struct value {
	enum value_type type;
	uint8_t reason;	 /* EVENT_REASON_*: reason of a null, or EVENT_REASON_TRUNCATED of a value */
	uint32_t length; /* bytes of a string; items of a list; pairs of a map */
	union {
		bool boolean;
		uint64_t u;
		int64_t i;
		const char *string;   /* no final NUL, any bytes */
		const uint8_t *items; /* packed strings: for value__item() */
	};
};

/* One field, from a stream's header. */
struct stream_field {
	const char *name, *unit, *help; /* unit and help may be NULL */
	enum schema_type type;
};
struct stream_event {
	const char *name, *help; /* NULL name: no such kind in this stream */
	const char *stream;	 /* "lifecycle"; "core" for control records */
	uint32_t fields_count;
	struct stream_field *fields;
	enum schema_role role; /* SCHEMA_NO_ROLE also if its writer did not say */
};

struct stream_info; /* core/stream.h */

/* A record from the reader or the merge; valid until the next call for one. */
struct record {
	const struct stream_info *info;	  /* of the stream it came from */
	const struct stream_event *event; /* its schema: info->events[kind] */
	uint32_t kind;
	uint32_t pid, tid, cpu, run;
	uint64_t ts, seq, start;
	int64_t real_ns;      /* ts as nanoseconds since 1970, by the stream's clock anchors */
	const uint8_t *bytes; /* the whole record, packed */
	uint32_t size;
	uint32_t values;    /* offset of the first value in bytes */
	uint32_t count;	    /* elements after the head */
	bool added;	    /* by the reader or the merge: no record of the stream has this seq and these values */
	const char *marker; /* of its segment, as long as info; NULL: info->marker. See stream_record__marker() */
};

#define RECORD_HEAD 8 /* elements before the values */

/* Finds the head of a record and where its values begin; `info`, `event`, `real_ns` and `added` stay as they
 * are.
 * Returns false if there is none. What follows the head is not checked. */
bool record__head(const uint8_t *bytes, size_t size, struct record *record);

/* Decodes the values of a record, in the order of its schema. Fields that the record lacks (an older writer)
 * are null with EVENT_REASON_NONE; elements beyond the schema are skipped. A value is null or of its field's
 * type (VALUE_INT for SCHEMA_I32, VALUE_UINT for the unsigned). `values` needs room for
 * record->event->fields_count. 0, or -EBADMSG: the bytes are not such a record. */
int record__values(const struct record *record, struct value *values);

/* Whether a complete record has a value for each field of its event that record__values() accepts. */
bool record__fits(const struct record *record);

/* Index of a field in an event's schema, or -1. Ask once per stream, not per record. */
int stream_event__field(const struct stream_event *event, const char *name);

/* The next string of a list or map value (a map gives name, value, name, value...). `cursor` starts as
 * value->items. Returns false at the end or at damage. */
bool value__item(const uint8_t **cursor, const uint8_t *end, const char **string, uint32_t *length);

/* ---- the msgpack cursor, in place ---- */

struct cursor {
	const uint8_t *at, *end;
};

/* Each reads one object and advances past it; returns false, without moving, on another kind of object or too
 * few bytes. */
bool cursor__array(struct cursor *c, uint32_t *count);
bool cursor__map(struct cursor *c, uint32_t *count);
bool cursor__uint(struct cursor *c, uint64_t *value);
bool cursor__string(struct cursor *c, const char **string, uint32_t *length); /* str or bin */
bool cursor__value(struct cursor *c, struct value *value);		      /* any but ext and float */

/* Skips one object of any kind, nested up to 32 deep. 1: done, 0: the bytes end inside it, -EBADMSG: not
 * msgpack, or nested deeper. */
int cursor__skip(struct cursor *c);

#endif
