/* SPDX-License-Identifier: BSD-2-Clause */
/* A probe with one fault, chosen when it is compiled: -DBAD_ABI, -DBAD_SIZE, -DBAD_NAME, -DNO_SYMBOL,
 * -DNO_LIBRARY (needs a function that nobody has), -DCRASH, -DHANG, -DREFUSE (it has no BPF object). With
 * -DELF=\"SKELETON\" -DBYTES=FUNCTION it has a real object, and -DCRASH, -DHANG, -DREFUSE are faults of its open(), -DCRASH_LATE of loaded(); with
 * -DBAD_EVENT=KIND its event() gives back an event of that kind, with -DBAD_RUN of another run. The object is damaged by
 * -DCUT=BYTES that are left of it, or -DFLIP: the byte whose offset is in the environment's FLIP becomes 0xff. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/probe.h"
#ifdef ELF
#include ELF
#endif

void nobody_has_this(void);

static void crash(void)
{
#ifdef CRASH
	*(volatile int *)8 = 0;
#endif
#ifdef HANG
	for (;;)
		pause();
#endif
#ifdef NO_LIBRARY
	nobody_has_this();
#endif
}

static const void *bad__elf(size_t *size)
{
#if defined(CUT) || defined(FLIP)
	static unsigned char damaged[1 << 20];

	memcpy(damaged, BYTES(size), *size);
#ifdef CUT
	*size = CUT;
#else
	damaged[atoi(getenv("FLIP"))] = 0xff;
#endif
	return damaged;
#elif defined(ELF)
	return BYTES(size);
#else
	crash();
	*size = 0;
	return NULL;
#endif
}

static int bad__open(const struct core_api *api, const void *conf, struct bpf_object *object, void **state)
{
	(void)api;
	(void)conf;
	(void)object;
	(void)state;
	crash();
#if defined(BAD_EVENT) || defined(BAD_RUN) || defined(CUT) || defined(FLIP) || defined(CRASH_LATE)
	return 0;
#else
	return -EOPNOTSUPP;
#endif
}

#ifdef CRASH_LATE
static int bad__loaded(const struct core_api *api, struct bpf_object *object, void *state)
{
	(void)api;
	(void)object;
	(void)state;
	*(volatile int *)8 = 0;
	return 0;
}
#endif

static const struct event *bad__event(void *state, struct event *event, size_t *size)
{
	(void)state;
	(void)size;
#ifdef BAD_EVENT
	event->kind = BAD_EVENT;
#endif
#ifdef BAD_RUN
	event->run += 7;
#endif
	return event;
}

struct bad_event {
	struct event head;
	char comm[EVENT_COMM];
};

static const struct schema_field fields[] = {FIELD(struct bad_event, comm, NULL, "a name"), {0}};
static const struct schema_event events[] = {
	EVENT(0, struct bad_event, "first", "one", fields),
	EVENT(1, struct bad_event, "second", "and another", fields),
};

static const struct probe bad = {
#ifdef BAD_ABI
	.abi = PROBE_ABI + 1,
#else
	.abi = PROBE_ABI,
#endif
#ifdef BAD_SIZE
	.size = 16,
#else
	.size = sizeof(bad),
#endif
#ifdef BAD_NAME
	.name = "good",
#else
	.name = "bad",
#endif
	.help = "has a fault",
	.events = events,
	.events_count = sizeof(events) / sizeof(events[0]),
	.elf = bad__elf,
	.ring_bytes = 1 << 20,
	.open = bad__open,
	.event = bad__event,
#ifdef CRASH_LATE
	.loaded = bad__loaded,
#endif
};

#ifdef NO_SYMBOL
PROBE_EXPORT const struct probe *const other_symbol;
const struct probe *const other_symbol = &bad;
#else
PROBE_EXPORT const struct probe *const collector_probe;
const struct probe *const collector_probe = &bad;
#endif
