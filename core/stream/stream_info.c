/* SPDX-License-Identifier: BSD-2-Clause */
/* Parses a stream's header into a stream_info. The file is untrusted: every count is checked against the bytes
 * that are left, and unknown keys are skipped. */
#include <errno.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/base.h"
#include "core/stream/stream_header.h"

#define EVENTS_MAX (SCHEMA_KIND_BASE + SCHEMA_EVENTS_MAX)
#define NAME_MAX_LENGTH 64 /* of a field, an event, a stream */

/* The memory that the info's pointers point to, freed at once. */
struct stream_arena {
	struct stream_arena *next;
	size_t used, size;
	alignas(max_align_t) char bytes[];
};

static void *arena__alloc(struct stream_arena **arena, size_t size)
{
	struct stream_arena *a = *arena;
	size_t room = size > 16384 ? size : 16384;
	void *at;

	size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	if (!a || a->size - a->used < size) {
		room = (room + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
		a = calloc(1, sizeof(*a) + room);
		if (!a)
			return NULL;
		a->size = room;
		a->next = *arena;
		*arena = a;
	}
	at = a->bytes + a->used;
	a->used += size;
	return at;
}

struct parser {
	struct cursor c;
	struct stream_header *header;
	bool no_memory;
	const char *refused; /* what is wrong; NULL: it is damaged */
};

static bool key__is(const char *key, uint32_t length, const char *name)
{
	return length == strlen(name) && !memcmp(key, name, length);
}

/* Calls `entry` for every key of a map; it reads the value. */
static bool parse_map(struct parser *p, void *arg,
		      bool (*entry)(struct parser *p, void *arg, const char *key, uint32_t length))
{
	const char *key;
	uint32_t length, n;

	if (!cursor__map(&p->c, &n))
		return false;
	for (; n; n--)
		if (!cursor__string(&p->c, &key, &length) || !entry(p, arg, key, length))
			return false;
	return true;
}

static bool parse_unknown(struct parser *p)
{
	return cursor__skip(&p->c) == 1;
}

/* A string, or NULL for nil. */
static bool parse_string(struct parser *p, const char **out)
{
	struct value value;
	char *copy;

	if (!cursor__value(&p->c, &value))
		return false;
	if (value.type == VALUE_NULL) {
		*out = NULL;
		return true;
	}
	if (value.type != VALUE_STRING)
		return false;
	if (!value.length) {
		*out = "";
		return true;
	}
	copy = arena__alloc(&p->header->arena, (size_t)value.length + 1);
	if (!copy) {
		p->no_memory = true;
		return false;
	}
	memcpy(copy, value.string, value.length);
	copy[value.length] = '\0';
	*out = copy;
	return true;
}

/* A string that is never NULL. */
static bool parse_text(struct parser *p, const char **out)
{
	if (!parse_string(p, out))
		return false;
	if (!*out)
		*out = "";
	return true;
}

/* Names become keys and file names: they must be short and plain. */
static bool parse_name(struct parser *p, const char **out)
{
	return parse_string(p, out) && *out && **out && strlen(*out) <= NAME_MAX_LENGTH &&
	       (*out)[strspn(*out, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.")] == '\0';
}

static const char **strings__alloc(struct parser *p, uint32_t count)
{
	const char **strings = NULL;

	/* each takes at least one byte */
	if (count <= (size_t)(p->c.end - p->c.at)) {
		strings = arena__alloc(&p->header->arena, ((size_t)count + 1) * sizeof(*strings));
		p->no_memory = p->no_memory || !strings;
	}
	return strings;
}

static bool parse_strings(struct parser *p, const char *const **out)
{
	const char **strings;
	uint32_t i, count;

	if (!cursor__array(&p->c, &count))
		return false;
	strings = strings__alloc(p, count);
	if (!strings)
		return false;
	for (i = 0; i < count; i++)
		if (!parse_text(p, &strings[i]))
			return false;
	strings[count] = NULL;
	*out = strings;
	return true;
}

/* Names of streams, which are names of files too. */
static bool parse_streams(struct parser *p, const char *const **out)
{
	const char **names;
	uint32_t i, count;

	if (!cursor__array(&p->c, &count))
		return false;
	if (count > STREAM_STREAMS_MAX) {
		p->refused = "lists more streams than a run can have";
		return false;
	}
	names = strings__alloc(p, count);
	for (i = 0; names && i < count; i++) {
		if (!parse_name(p, &names[i])) {
			p->refused = "lists a stream whose name is not valid";
			return false;
		}
	}
	*out = names;
	return names;
}

/* A map of strings as NAME=VALUE. */
static bool parse_pairs(struct parser *p, const char *const **out)
{
	const char **strings, *name, *value;
	uint32_t i, count;
	char *pair;

	if (!cursor__map(&p->c, &count))
		return false;
	strings = strings__alloc(p, count);
	if (!strings)
		return false;
	for (i = 0; i < count; i++) {
		if (!parse_text(p, &name) || !parse_text(p, &value))
			return false;
		pair = arena__alloc(&p->header->arena, strlen(name) + strlen(value) + 2);
		if (!pair) {
			p->no_memory = true;
			return false;
		}
		stpcpy(stpcpy(stpcpy(pair, name), "="), value);
		strings[i] = pair;
	}
	strings[count] = NULL;
	*out = strings;
	return true;
}

static enum schema_type type__find(const char *name)
{
	static const char *const names[] = {
		[SCHEMA_BOOL] = "bool",	    [SCHEMA_U32] = "u32",   [SCHEMA_I32] = "i32", [SCHEMA_U64] = "u64",
		[SCHEMA_STRING] = "string", [SCHEMA_LIST] = "list", [SCHEMA_MAP] = "map",
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (names[i] && !strcmp(names[i], name))
			return i;
	return 0;
}

static bool parse_field(struct parser *p, void *arg, const char *key, uint32_t length)
{
	struct stream_field *field = arg;
	const char *type;

	if (key__is(key, length, "name"))
		return parse_name(p, &field->name);
	if (key__is(key, length, "unit"))
		return parse_string(p, &field->unit);
	if (key__is(key, length, "help"))
		return parse_string(p, &field->help);
	if (!key__is(key, length, "type"))
		return parse_unknown(p);
	if (!parse_text(p, &type))
		return false;
	field->type = type__find(type);
	return true;
}

static bool parse_fields(struct parser *p, struct stream_event *event)
{
	uint32_t i, count;

	if (!cursor__array(&p->c, &count) || count > SCHEMA_FIELDS_MAX)
		return false;
	event->fields = arena__alloc(&p->header->arena, ((size_t)count + 1) * sizeof(*event->fields));
	if (!event->fields) {
		p->no_memory = true;
		return false;
	}
	event->fields_count = count;
	for (i = 0; i < count; i++)
		if (!parse_map(p, &event->fields[i], parse_field) || !event->fields[i].name)
			return false;
	return true;
}

struct kind_event {
	uint64_t kind;
	struct stream_event event;
};

/* A role of a later writer is none to us. */
static bool parse_role(struct parser *p, enum schema_role *role)
{
	const char *name = NULL;

	if (!parse_string(p, &name))
		return false;
	*role = name && !strcmp(name, STREAM_ROLE_EXIT) ? SCHEMA_EXIT : SCHEMA_NO_ROLE;
	return true;
}

static bool parse_event(struct parser *p, void *arg, const char *key, uint32_t length)
{
	struct kind_event *e = arg;

	if (key__is(key, length, "kind"))
		return cursor__uint(&p->c, &e->kind);
	if (key__is(key, length, "name"))
		return parse_name(p, &e->event.name);
	if (key__is(key, length, "stream"))
		return parse_name(p, &e->event.stream);
	if (key__is(key, length, "help"))
		return parse_string(p, &e->event.help);
	if (key__is(key, length, "role"))
		return parse_role(p, &e->event.role);
	if (key__is(key, length, "fields"))
		return parse_fields(p, &e->event);
	return parse_unknown(p);
}

static bool parse_events(struct parser *p)
{
	struct kind_event e;
	uint32_t count;

	if (!cursor__array(&p->c, &count))
		return false;
	for (; count; count--) {
		e = (struct kind_event){0};
		if (!parse_map(p, &e, parse_event))
			return false;
		/* Control records have this reader's own schema: fields that a later version appends are
		 * skipped. */
		if (e.event.name && e.event.stream && e.kind >= SCHEMA_KIND_BASE && e.kind < EVENTS_MAX)
			p->header->info.events[e.kind] = e.event;
	}
	return true;
}

static bool control__init(struct stream_header *header)
{
	struct stream_info *info = &header->info;
	struct stream_event *event;
	const struct schema_field *from;
	unsigned kind, i, n;

	info->events_count = EVENTS_MAX;
	info->events = arena__alloc(&header->arena, EVENTS_MAX * sizeof(*info->events));
	for (kind = RECORD_LOST; info->events && kind <= RECORD_END; kind++) {
		event = &info->events[kind];
		from = record_control[kind].fields;
		for (n = 0; from[n].name; n++)
			;
		*event = (struct stream_event){
			.name = record_control[kind].name,
			.help = record_control[kind].help,
			.stream = "core",
			.fields_count = n,
			.fields = arena__alloc(&header->arena, n * sizeof(*event->fields)),
		};
		if (!event->fields)
			return false;
		for (i = 0; i < n; i++)
			event->fields[i] =
				(struct stream_field){from[i].name, from[i].unit, from[i].help,
						      from[i].type == SCHEMA_CHARS ? SCHEMA_STRING : from[i].type};
	}
	return info->events != NULL;
}

static bool parse_number(struct parser *p, uint64_t most, uint64_t *number)
{
	return cursor__uint(&p->c, number) && *number <= most;
}

static bool parse_run(struct parser *p, void *arg, const char *key, uint32_t length)
{
	struct stream_run *run = arg;
	uint64_t number;

	if (key__is(key, length, "id"))
		return parse_text(p, &run->id);
	if (key__is(key, length, "name"))
		return parse_text(p, &run->name);
	if (key__is(key, length, "user"))
		return parse_text(p, &run->user);
	if (key__is(key, length, "job"))
		return parse_text(p, &run->job);
	if (key__is(key, length, "tags"))
		return parse_pairs(p, &run->tags);
	if (key__is(key, length, "command"))
		return parse_strings(p, &run->command);
	if (!key__is(key, length, "number") && !key__is(key, length, "uid"))
		return parse_unknown(p);
	if (!parse_number(p, UINT32_MAX, &number))
		return false;
	*(*key == 'n' ? &run->number : &run->uid) = number;
	return true;
}

static bool parse_marker(struct parser *p, uint8_t marker[STREAM_MARKER], char text[STREAM_MARKER_TEXT])
{
	const char *bytes;
	uint32_t length;

	if (!cursor__string(&p->c, &bytes, &length) || length != STREAM_MARKER)
		return false;
	memcpy(marker, bytes, STREAM_MARKER);
	stream_marker__put(text, marker);
	return true;
}

static bool parse_entry(struct parser *p, void *arg, const char *key, uint32_t length)
{
	struct stream_info *info = arg;
	const struct {
		const char *key, **text;
	} texts[] = {
		{"help", &info->help},	     {"collector", &info->collector}, {"host", &info->host},
		{"boot_id", &info->boot_id}, {"kernel", &info->kernel},	      {"machine", &info->machine},
	};
	uint8_t before[STREAM_MARKER];
	uint64_t number;
	size_t i;
	bool ok;

	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (key__is(key, length, texts[i].key))
			return parse_text(p, texts[i].text);
	if (key__is(key, length, "stream"))
		return parse_name(p, &info->stream);
	if (key__is(key, length, "marker"))
		return parse_marker(p, p->header->marker, info->marker);
	if (key__is(key, length, "follows"))
		return parse_marker(p, before, info->follows);
	if (key__is(key, length, "segment"))
		return parse_number(p, UINT32_MAX, &info->segment);
	if (key__is(key, length, "lock_device"))
		return parse_number(p, UINT64_MAX, &p->header->lock.device);
	if (key__is(key, length, "lock_inode"))
		return parse_number(p, UINT64_MAX, &p->header->lock.inode);
	if (key__is(key, length, "interval_ns"))
		return parse_number(p, UINT64_MAX, &info->interval_ns);
	if (key__is(key, length, "clock_error_ns"))
		return parse_number(p, INT64_MAX, &info->clock_error_ns);
	if (key__is(key, length, "boot_ns") || key__is(key, length, "real_ns")) {
		ok = parse_number(p, INT64_MAX, &number);
		*(*key == 'b' ? &info->boot_ns : &info->real_ns) = ok ? number : 0;
		return ok;
	}
	if (key__is(key, length, "run"))
		return parse_map(p, &info->run, parse_run);
	if (key__is(key, length, "unavailable"))
		return parse_strings(p, &info->unavailable);
	if (key__is(key, length, "events"))
		return parse_events(p);
	if (key__is(key, length, "verdicts"))
		return parse_strings(p, &info->verdicts);
	if (key__is(key, length, "streams"))
		return parse_streams(p, &info->streams);
	return parse_unknown(p);
}

/* First of all: another format is not damage, and a later version may give its keys other meanings. */
static int parse_version(struct cursor c, struct stream_info *info, struct error *err)
{
	const char *key, *format;
	uint32_t length, n;
	uint64_t version;

	if (!cursor__map(&c, &n) || n < 2 || !cursor__string(&c, &key, &length) || !key__is(key, length, "format") ||
	    !cursor__string(&c, &format, &length) || !key__is(format, length, STREAM_FORMAT) ||
	    !cursor__string(&c, &key, &length) || !key__is(key, length, "version") || !cursor__uint(&c, &version))
		return error__set(err, -EBADMSG, "not a collector stream");
	if (version != STREAM_VERSION)
		return error__set(err, -EPROTONOSUPPORT, "a stream of version %llu; this program reads version %d",
				  (unsigned long long)version, STREAM_VERSION);
	info->version = version;
	return 0;
}

int stream_header__parse(struct stream_header *header, struct cursor *c, struct error *err)
{
	static const char *const none[] = {NULL};
	struct parser p = {.c = *c, .header = header};
	struct stream_info *info = &header->info;
	bool ok;
	int rc;

	memset(header, 0, sizeof(*header));
	info->help = info->collector = info->host = info->boot_id = info->kernel = info->machine = "";
	info->run.id = info->run.name = "";
	info->run.uid = STREAM_NO_UID;
	info->unavailable = none;
	info->segment = 1;
	info->clock_error_ns = EVENT_NULL(EVENT_REASON_NONE);
	rc = parse_version(p.c, info, err);
	if (rc)
		return rc;
	p.no_memory = !control__init(header);
	ok = !p.no_memory && parse_map(&p, info, parse_entry);
	if (p.no_memory)
		return error__set(err, -ENOMEM, "not enough memory for the stream's header");
	if (ok && (!info->segment || (info->segment > 1) != (*info->follows != '\0'))) {
		p.refused = "has no valid number of its segment";
		ok = false;
	}
	if (!ok || !*info->marker || !info->stream)
		return error__set(err, -EBADMSG, "the stream's header %s", p.refused ? p.refused : "is damaged");
	*c = p.c;
	return 0;
}

void stream_header__free(struct stream_header *header)
{
	struct stream_arena *arena, *next;

	for (arena = header->arena; arena; arena = next) {
		next = arena->next;
		free(arena);
	}
	header->arena = NULL;
}
