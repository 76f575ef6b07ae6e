/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Common header of every event, shared by BPF programs and user space.
 *
 * In BPF programs __u64 etc. are those of core/kernel.bpf.h, which comes first.
 *
 * An event is a plain struct whose first member is `struct event`. It passes unchanged through the
 * probe's ring buffer (or its iterator's file); core/record encodes it as msgpack. */
#ifndef CORE_EVENT_H
#define CORE_EVENT_H

#ifndef __bpf__
#include <linux/types.h>
#endif

struct event {
	__u64 ts;    /* CLOCK_BOOTTIME, ns */
	__u64 start; /* start of the process, same clock; (pid, start) identifies a process */
	__u32 pid;   /* tgid in the initial pid namespace */
	__u32 tid;
	__u32 run; /* number of the run the process belongs to */
	__u16 cpu;
	__u8 kind;  /* index into the probe's event table, explicit and never reused */
	__u8 flags; /* EVENT_* */
};

/* Values of an exiting process, read before the kernel's accounting is final. The core holds the event
 * back and writes it only if no event of the same kind and process without this flag follows. */
#define EVENT_PROVISIONAL 0x01

/* Kinds from here on are not written: they are for the probe's own `event` callback. */
#define EVENT_KIND_INTERNAL 128

/* Why a value is missing or incomplete. Part of the stream format: append only, never renumber.
 * The names are in core/stream/record.c. */
enum event_reason {
	EVENT_REASON_NONE = 0,	      /* null: not applicable (a killed process has no exit code) */
	EVENT_REASON_RELEASED = 1,    /* the kernel had released the object before the hook ran */
	EVENT_REASON_FAULT = 2,	      /* the process's memory could not be read */
	EVENT_REASON_TRUNCATED = 3,   /* present, but truncated */
	EVENT_REASON_UNSUPPORTED = 4, /* this kernel does not provide it */
	EVENT_REASON_UNSEEN = 5,      /* it happened before the collector watched the process */
	EVENT_REASON_LOST = 6,	      /* the event that carried it was lost */
	EVENT_REASON_BOUND = 7,	      /* only a bound is known */
	EVENT_REASON_SHARED = 8,      /* the mm is shared with another process (vfork, CLONE_VM) */
	EVENT_REASON_DENIED = 9,      /* the collector lacks permission to read it */
	EVENT_REASON_GONE = 10,	      /* the process or object had gone before it was read */
	EVENT_REASON_EXCLUDED = 11,   /* the configuration excludes it */
	EVENT_REASON_MAX,
};

/* Null of a 64-bit number: one of the 256 largest values, which no counter reaches. */
#define EVENT_NULL(reason) (~0ULL - (unsigned)(reason))
#define EVENT_IS_NULL(value) ((__u64)(value) > ~0ULL - 256)
#define EVENT_NULL_REASON(value) ((unsigned)(~0ULL - (__u64)(value)))

/* Values of variable length follow the struct in the same record; `offset` is from the start of the event.
 * `reason` is EVENT_REASON_NONE for a complete value, EVENT_REASON_TRUNCATED for the first bytes of one;
 * with any other reason the value is null; with EVENT_NOT_APPLICABLE it is null as EVENT_NULL(EVENT_REASON_NONE) is.
 *   string   bytes, not NUL-terminated
 *   list     NUL-terminated items
 *   map      NUL-terminated items NAME=VALUE */
#define EVENT_NOT_APPLICABLE 0xffffffffU
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
