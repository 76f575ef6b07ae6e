/* SPDX-License-Identifier: BSD-2-Clause */
/* Event schemas as data: a probe's tables of events and fields. The encoder walks them, the stream's
 * header contains them, --list prints them.
 *
 * FIELD() derives a field's type from the struct, so table and struct cannot disagree. */
#ifndef CORE_SCHEMA_H
#define CORE_SCHEMA_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/event.h"

enum schema_type {
	SCHEMA_BOOL = 1,
	SCHEMA_U32,
	SCHEMA_I32,
	SCHEMA_U64,   /* the only nullable number: EVENT_NULL(reason) */
	SCHEMA_CHARS, /* char[n], up to a NUL or its size; a string on disk */
	SCHEMA_STRING,
	SCHEMA_LIST, /* of strings */
	SCHEMA_MAP,  /* string to string */
};

struct schema_field {
	const char *name; /* snake_case, unit in the name */
	enum schema_type type;
	uint16_t offset, size; /* in the event's struct */
	const char *unit;      /* "ns", "bytes", or NULL: none */
	const char *help;
	/* For a number that is recorded by name (a signal, an errno): returns the string to write, or NULL
	 * for null. NULL for all other fields. */
	const char *(*name_of)(uint64_t value);
};

/* What an event reports: the core counts lost events of these roles, whichever probe has them. */
enum schema_role {
	SCHEMA_NO_ROLE,
	SCHEMA_FORK, /* a process was created */
	SCHEMA_EXEC, /* it executed a program */
	SCHEMA_EXIT, /* once per process, by event__reserve_exit(), _provisional() or _final() */
};

enum schema_flags {
	SCHEMA_OFF = 1,	   /* recorded only if the configuration names it */
	SCHEMA_SHOWN = 4,  /* the probes with the callback seen() get it */
	SCHEMA_SPARSE = 2, /* its hook fires far more often than the event: skipped runs are not counted as lost */
	SCHEMA_ARGS = 8,   /* its texts may repeat arguments: recorded only where those are recorded whole */
};

struct schema_event {
	const char *name; /* NULL: unused kind */
	const char *help;
	const struct schema_field *fields; /* terminated by an entry without a name */
	uint32_t size; /* of the struct: shorter events are invalid, and an iterator's output is split by it */
	enum schema_role role;
	unsigned flags; /* enum schema_flags */
};

/* EVENT(CPU_EXIT, struct cpu_event, "exit", "when its account is closed", exit_fields, .role = SCHEMA_EXIT) */
#define EVENT(kind, struct_, name_, help_, fields_, ...) \
	[kind] = {.name = name_, .help = help_, .fields = fields_, .size = sizeof(struct_), ##__VA_ARGS__}

#define SCHEMA_FIELDS_MAX 64 /* per event */
#define SCHEMA_EVENTS_MAX 64 /* per probe */

/* Kinds on disk: lower ones are the core's (core/record.h), the probe's kind k is written as k + this. */
#define SCHEMA_KIND_BASE 16

/* clang-format off */
#define SCHEMA_TYPE(lvalue) _Generic((lvalue),                                                               \
	_Bool: SCHEMA_BOOL, __u32: SCHEMA_U32, __s32: SCHEMA_I32, __u64: SCHEMA_U64,                         \
	char *: SCHEMA_CHARS, struct event_string: SCHEMA_STRING,                                            \
	struct event_list: SCHEMA_LIST, struct event_map: SCHEMA_MAP)
/* clang-format on */

/* FIELD(struct cpu_sample, user_ns, "ns", "time in user space") */
#define FIELD(s, member, unit, help) FIELD_AS(s, member, #member, unit, help)

/* The same under another name: FIELD_AS(struct x, own.bytes, "bytes", "bytes", "...") */
#define FIELD_AS(s, member, name, unit, help)                                                                        \
	{                                                                                                            \
		name, SCHEMA_TYPE(((s *)0)->member), offsetof(s, member), sizeof(((s *)0)->member), unit, help, NULL \
	}

/* FIELD_NAME(struct x, signal, "signal_name", signal_name, "...") */
#define FIELD_NAME(s, member, name, name_of, help)                                                              \
	{                                                                                                       \
		name, SCHEMA_TYPE(((s *)0)->member), offsetof(s, member), sizeof(((s *)0)->member), NULL, help, \
			name_of                                                                                 \
	}

#endif
