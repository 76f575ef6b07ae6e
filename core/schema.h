/* SPDX-License-Identifier: BSD-2-Clause */
/* What an event consists of, as data. A probe's tables of events and fields are made of these; the
 * encoder walks them, the stream's header carries them, --list prints them.
 *
 * A field's type comes from the struct itself, so that table and struct cannot disagree. */
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
	SCHEMA_U64,   /* the only number that can be null: EVENT_NULL(why) */
	SCHEMA_CHARS, /* char[n], ended by a NUL or by its size; a string on disk */
	SCHEMA_STRING,
	SCHEMA_LIST, /* of strings */
	SCHEMA_MAP,  /* string to string */
};

struct schema_field {
	const char *name; /* snake_case, unit in the name */
	enum schema_type type;
	uint16_t offset, size; /* in the event's struct */
	const char *unit;      /* "ns", "bytes", or NULL where the name says it all */
	const char *help;
	/* For a number that people know by name (a signal, an errno): the string that goes to disk in
	 * its place; NULL from the function: null. NULL for all other fields. */
	const char *(*name_of)(uint64_t value);
};

/* What an event stands for: the core counts losses of these, whichever probe has them. */
enum schema_role {
	SCHEMA_NO_ROLE,
	SCHEMA_FORK, /* a process was born */
	SCHEMA_EXEC, /* it runs a program */
	SCHEMA_EXIT, /* once a process, by event__reserve_exit() or event__reserve_provisional() */
};

enum schema_flags {
	SCHEMA_OFF = 1,	   /* recorded only if the user asks for it by name */
	SCHEMA_SPARSE = 2, /* its hook fires far more often than the event: what the kernel skips there is not a loss */
};

struct schema_event {
	const char *name; /* NULL: this kind is not in use */
	const char *help;
	const struct schema_field *fields; /* ended by an entry without a name */
	uint32_t size; /* of its struct: nothing shorter is taken, and an iterator's output is cut by it */
	enum schema_role role;
	unsigned flags; /* of enum schema_flags */
};

/* EVENT(CPU_EXIT, struct cpu_event, "exit", "when its account is closed", exit_fields, .role = SCHEMA_EXIT) */
#define EVENT(kind, struct_, name_, help_, fields_, ...) \
	[kind] = {.name = name_, .help = help_, .fields = fields_, .size = sizeof(struct_), ##__VA_ARGS__}

#define SCHEMA_FIELDS_MAX 64 /* fields of one event */
#define SCHEMA_EVENTS_MAX 64 /* kinds of one probe */

/* Kinds on disk: those below are the core's own (core/record.h), the probe's kind k is k + this. */
#define SCHEMA_KIND_BASE 16

/* clang-format off */
#define SCHEMA_TYPE(lvalue) _Generic((lvalue),                                                               \
	_Bool: SCHEMA_BOOL, __u32: SCHEMA_U32, __s32: SCHEMA_I32, __u64: SCHEMA_U64,                         \
	char *: SCHEMA_CHARS, struct event_string: SCHEMA_STRING,                                            \
	struct event_list: SCHEMA_LIST, struct event_map: SCHEMA_MAP)
/* clang-format on */

/* FIELD(struct cpu_sample, user_ns, "ns", "time in user space") */
#define FIELD(s, member, unit, help)                                                                               \
	{                                                                                                          \
#member, SCHEMA_TYPE(((s *)0)->member), offsetof(s, member), sizeof(((s *)0)->member), unit, help, \
			NULL                                                                                       \
	}

/* FIELD_NAME(struct x, signal, "signal_name", signal_name, "...") */
#define FIELD_NAME(s, member, name, name_of, help)                                                              \
	{                                                                                                       \
		name, SCHEMA_TYPE(((s *)0)->member), offsetof(s, member), sizeof(((s *)0)->member), NULL, help, \
			name_of                                                                                 \
	}

#endif
