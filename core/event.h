/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What every event begins with, shared by BPF programs and user space.
 *
 * This header includes nothing: __u64 and friends come from whoever includes it.
 *
 * A probe's event is a plain struct whose first member is `struct event`. It travels through the
 * probe's ring (or its iterator's file) as it is; only core/record turns it into msgpack. */
#ifndef CORE_EVENT_H
#define CORE_EVENT_H

struct event {
	__u64 ts;    /* kernel's boot clock (CLOCK_BOOTTIME), ns */
	__u64 start; /* the process's start on the same clock; (pid, start) names a process */
	__u32 pid;   /* tgid in the initial pid namespace */
	__u32 tid;
	__u32 run; /* number of the run the process belongs to */
	__u16 cpu;
	__u8 kind;  /* index in the probe's table of events, explicit and never reused */
	__u8 flags; /* EVENT_* */
};

/* The figures of a process that is ending, taken before the kernel has closed its account. The core
 * holds such an event back until one of the same kind and process comes without this flag, and
 * writes it only if none does. */
#define EVENT_PROVISIONAL 0x01

/* Kinds from here on never reach disk: a probe's own `event` callback takes them. */
#define EVENT_KIND_INTERNAL 128

/* Why a value is missing, or is not complete. Reaches disk: append only, never renumber.
 * The names are in core/stream/record.c. */
enum event_reason {
	EVENT_REASON_NONE = 0,	      /* null because it does not apply: a killed process has no exit code */
	EVENT_REASON_RELEASED = 1,    /* the kernel had released the object before the hook ran */
	EVENT_REASON_FAULT = 2,	      /* the process's memory could not be read */
	EVENT_REASON_TRUNCATED = 3,   /* present, but cut */
	EVENT_REASON_UNSUPPORTED = 4, /* this kernel does not tell */
	EVENT_REASON_UNSEEN = 5,      /* it happened before the collector watched */
	EVENT_REASON_LOST = 6,	      /* the event that would have told was lost */
	EVENT_REASON_BOUND = 7,	      /* only a bound is known, not the value */
	EVENT_REASON_SHARED = 8,      /* the memory belongs to another process too (vfork, CLONE_VM) */
	EVENT_REASON_DENIED = 9,      /* the collector may not read it */
	EVENT_REASON_GONE = 10,	      /* the process was gone before it could be asked */
	EVENT_REASON_MAX,
};

/* A 64-bit number that could not be had: a value of the last 256 that nothing counts up to. */
#define EVENT_NULL(reason) (~0ULL - (unsigned)(reason))
#define EVENT_IS_NULL(value) ((__u64)(value) > ~0ULL - 256)
#define EVENT_NULL_REASON(value) ((unsigned)(~0ULL - (__u64)(value)))

/* Values of variable length live behind the struct, in the same record. `offset` counts from the
 * start of the event. `why` is EVENT_REASON_NONE for a whole value; with EVENT_REASON_TRUNCATED the bytes
 * that are there count, with any other reason the value is null.
 *   string   bytes, without a final NUL
 *   list     items, each ended by a NUL
 *   map      items NAME=VALUE, each ended by a NUL */
struct event_string {
	__u32 offset;
	__u32 length;
	__u32 reason;
};
struct event_list {
	__u32 offset;
	__u32 length;
	__u32 reason;
};
struct event_map {
	__u32 offset;
	__u32 length;
	__u32 reason;
};

#define EVENT_COMM 16

#endif
