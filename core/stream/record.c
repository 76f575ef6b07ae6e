/* SPDX-License-Identifier: BSD-2-Clause */
/* Packs an event as a record: one walk over the table of its fields. */
#include "core/record.h"

#include <errno.h>
#include <string.h>

#include "core/pack.h"

static const char *const reason_names[EVENT_REASON_MAX] = {
	[EVENT_REASON_RELEASED] = "released",	[EVENT_REASON_FAULT] = "fault",
	[EVENT_REASON_TRUNCATED] = "truncated", [EVENT_REASON_UNSUPPORTED] = "unsupported",
	[EVENT_REASON_UNSEEN] = "unseen",	[EVENT_REASON_LOST] = "lost",
	[EVENT_REASON_BOUND] = "bound",		[EVENT_REASON_SHARED] = "shared",
	[EVENT_REASON_DENIED] = "denied",	[EVENT_REASON_GONE] = "gone",
	[EVENT_REASON_EXCLUDED] = "excluded",
};

static const struct schema_field lost_fields[] = {
	FIELD(struct record_lost, stream_lost, NULL, "stream whose events were lost"),
	FIELD(struct record_lost, count, NULL, "how many; null where damage hides it"),
	FIELD(struct record_lost, since, "ns", "boot clock from which on events may be missing"),
	FIELD(struct record_lost, event_lost, NULL, "name of the event; empty: any"),
	FIELD(struct record_lost, cause, NULL, "what lost them"),
	{0},
};

static const struct schema_field clock_fields[] = {
	FIELD(struct record_clock, boot_ns, "ns", "boot clock at the anchor"),
	FIELD(struct record_clock, real_ns, "ns", "real time at the anchor, since 1970"),
	{0},
};

/* Packed by core/stream/stream_block.c, not from a struct. */
static const struct schema_field sync_fields[] = {
	{"marker", SCHEMA_STRING, 0, 0, NULL, "16 bytes, the same in every sync of the stream", NULL},
	{"bytes", SCHEMA_U64, 0, 0, "bytes", "of the block, up to the marker's first byte", NULL},
	{"records", SCHEMA_U64, 0, 0, NULL, "in the block, without this one", NULL},
	{"total", SCHEMA_U64, 0, 0, NULL, "events of the stream so far, written or reported as lost", NULL},
	{"crc32", SCHEMA_U32, 0, 0, NULL, "of the block up to this number", NULL},
	{0},
};

static const struct schema_field end_fields[] = {
	FIELD(struct record_end, records, NULL, "events in the stream"),
	FIELD(struct record_end, lost, NULL, "sum of its lost records"),
	FIELD(struct record_end, redacted, NULL, "texts of its records in which a secret was hidden"),
	FIELD(struct record_end, next, NULL, "marker of the segment with which it goes on; empty: none"),
	{0},
};

const struct schema_event record_control[] = {
	EVENT(RECORD_LOST, struct record_lost, "lost", "events were lost", lost_fields),
	EVENT(RECORD_CLOCK, struct record_clock, "clock", "new anchor between boot clock and real time", clock_fields),
	[RECORD_SYNC] = {.name = "sync", .help = "closes a block", .fields = sync_fields},
	EVENT(RECORD_END, struct record_end, "end", "the stream was closed cleanly", end_fields),
};

const char *event_reason__name(unsigned reason)
{
	return reason < EVENT_REASON_MAX ? reason_names[reason] : NULL;
}

struct packing {
	struct buffer *to;
	const uint8_t *event;
	size_t size;
	struct record_privacy *privacy;
	unsigned flags; /* of the event's schema */
	unsigned missing_count;
	struct {
		uint8_t field, reason;
	} missing[SCHEMA_FIELDS_MAX];
};

static void packing__missing(struct packing *p, unsigned field, uint32_t reason)
{
	if (reason == EVENT_REASON_NONE)
		return;
	p->missing[p->missing_count].field = field;
	p->missing[p->missing_count].reason = reason <= UINT8_MAX ? reason : EVENT_REASON_FAULT;
	p->missing_count++;
}

static int pack_null(struct packing *p, unsigned field, uint32_t reason)
{
	packing__missing(p, field, reason);
	return pack_nil(p->to);
}

static void filter(struct packing *p, enum record_place place, const char **text, size_t *length)
{
	if (p->privacy && p->privacy->filter)
		p->privacy->redacted += p->privacy->filter(p->privacy->filter_arg, place, text, length);
}

static int pack_filtered(struct packing *p, enum record_place place, const char *text, size_t length)
{
	filter(p, place, &text, &length);
	return pack__text(p->to, text, length);
}

/* The filter gets NAME=VALUE as a whole: the name may show that the value is secret. */
static int pack_pair(struct packing *p, const char *text, size_t length)
{
	const char *equals;

	filter(p, RECORD_PAIR, &text, &length);
	equals = memchr(text, '=', length);
	if (!equals)
		return pack__text(p->to, text, length) || pack__text(p->to, "", 0);
	return pack__text(p->to, text, equals - text) || pack__text(p->to, equals + 1, text + length - equals - 1);
}

/* Items end in NUL; a truncated list may lack the last one. */
static size_t item_length(const char *text, size_t left)
{
	const char *nul = memchr(text, '\0', left);

	return nul ? (size_t)(nul - text) : left;
}

static int pack_items(struct packing *p, const char *text, size_t length, bool pairs)
{
	size_t at, item;
	uint32_t count = 0;
	int err;

	for (at = 0; at < length; at += item_length(text + at, length - at) + 1)
		count++;
	err = pairs ? pack_map(p->to, count) : pack_array(p->to, count);
	for (at = 0; at < length && !err; at += item + 1) {
		item = item_length(text + at, length - at);
		err = pairs ? pack_pair(p, text + at, item)
			    : pack_filtered(p, at ? RECORD_LIST_NEXT : RECORD_LIST_FIRST, text + at, item);
	}
	return err;
}

static enum record_args args_of(const struct packing *p, const struct schema_field *field)
{
	if (!p->privacy)
		return RECORD_ARGS_FULL;
	if (field->type == SCHEMA_LIST && !strcmp(field->name, RECORD_ARGS_FIELD))
		return p->privacy->args;
	if (field->type != SCHEMA_STRING || !(p->flags & SCHEMA_ARGS))
		return RECORD_ARGS_FULL;
	/* A text has no first argument that could be kept alone. */
	return p->privacy->args == RECORD_ARGS_PROGRAM ? RECORD_ARGS_NONE : p->privacy->args;
}

/* string, list and map have the same three members. */
static int pack_tail(struct packing *p, unsigned i, const struct schema_field *field)
{
	enum record_args args = args_of(p, field);
	struct event_string at;
	const char *text;
	size_t first;

	memcpy(&at, p->event + field->offset, sizeof(at));
	if (args == RECORD_ARGS_NONE)
		return pack_null(p, i, EVENT_REASON_EXCLUDED);
	if (at.reason == EVENT_NOT_APPLICABLE)
		return pack_nil(p->to);
	if (at.reason != EVENT_REASON_NONE && at.reason != EVENT_REASON_TRUNCATED)
		return pack_null(p, i, at.reason);
	if (at.offset > p->size || at.length > p->size - at.offset)
		return pack_null(p, i, EVENT_REASON_FAULT);
	text = (const char *)p->event + at.offset;
	first = args == RECORD_ARGS_PROGRAM ? item_length(text, at.length) + 1 : at.length;
	if (first < at.length) {
		at.length = first;
		at.reason = EVENT_REASON_TRUNCATED;
	}
	packing__missing(p, i, at.reason);
	if (field->type == SCHEMA_STRING)
		return pack_filtered(p, memchr(text, '\n', at.length) ? RECORD_LINES : RECORD_ALONE, text, at.length);
	return pack_items(p, text, at.length, field->type == SCHEMA_MAP);
}

static int pack_named(struct packing *p, const struct schema_field *field, uint64_t value)
{
	const char *name = field->name_of(value);

	return name ? pack__text(p->to, name, strlen(name)) : pack_nil(p->to);
}

static int pack_field(struct packing *p, unsigned i, const struct schema_field *field)
{
	const uint8_t *at = p->event + field->offset;
	uint64_t u64;
	uint32_t u32;
	int32_t i32;

	if ((size_t)field->offset + field->size > p->size)
		return pack_null(p, i, EVENT_REASON_FAULT);
	switch (field->type) {
	case SCHEMA_BOOL:
		return *at ? pack_true(p->to) : pack_false(p->to);
	case SCHEMA_U32:
		memcpy(&u32, at, sizeof(u32));
		return field->name_of ? pack_named(p, field, u32) : pack_uint32(p->to, u32);
	case SCHEMA_I32:
		memcpy(&i32, at, sizeof(i32));
		return field->name_of ? pack_named(p, field, i32) : pack_int32(p->to, i32);
	case SCHEMA_U64:
		memcpy(&u64, at, sizeof(u64));
		if (EVENT_IS_NULL(u64))
			return pack_null(p, i, EVENT_NULL_REASON(u64));
		return field->name_of ? pack_named(p, field, u64) : pack_uint64(p->to, u64);
	case SCHEMA_CHARS:
		return pack_filtered(p, RECORD_ALONE, (const char *)at, strnlen((const char *)at, field->size));
	case SCHEMA_STRING:
	case SCHEMA_LIST:
	case SCHEMA_MAP:
		return pack_tail(p, i, field);
	}
	return pack_null(p, i, EVENT_REASON_UNSUPPORTED);
}

static int pack_missing(struct packing *p)
{
	unsigned i;
	int err = pack_map(p->to, p->missing_count);

	for (i = 0; i < p->missing_count && !err; i++)
		err = pack_uint8(p->to, p->missing[i].field) || pack_uint8(p->to, p->missing[i].reason);
	return err;
}

int record__pack(struct buffer *out, const struct schema_event *schema, unsigned kind, uint64_t seq,
		 const struct event *event, size_t size, struct record_privacy *privacy)
{
	/* The list of missing fields is not zeroed: it is most of the struct. */
	struct packing p;
	struct event head;
	size_t start = out->size;
	unsigned i, count = 0;
	bool narrow;
	int err;

	if (size < sizeof(head))
		return -EINVAL;
	p.event = (const uint8_t *)event;
	p.size = size;
	p.privacy = privacy;
	p.flags = schema->flags;
	p.missing_count = 0;
	p.to = out;
	memcpy(&head, event, sizeof(head));
	while (count < SCHEMA_FIELDS_MAX && schema->fields[count].name)
		count++;

	/* The count of elements is known last, but not its width. */
	narrow = RECORD_HEAD + count + 1 < 16;
	err = buffer__append(out, "\xdc\0", narrow ? 1 : 3);
	err = err || record_head__pack(p.to, kind, seq, &head);
	for (i = 0; i < count && !err; i++)
		err = pack_field(&p, i, &schema->fields[i]);
	if (!err && p.missing_count)
		err = pack_missing(&p);
	if (err) {
		out->size = start;
		out->error = 0; /* a smaller event may fit */
		return -ENOMEM;
	}
	count += RECORD_HEAD + (p.missing_count > 0);
	out->data[start + (narrow ? 0 : 2)] = narrow ? 0x90 | count : count;
	return 0;
}
