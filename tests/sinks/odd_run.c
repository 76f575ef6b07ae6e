/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes a run of a probe that nobody knows, with a value of every kind that is hard to write down:
 *
 *	odd_run FOLDER RUN VERSION [SECONDS]
 *
 * Version 2 of the probe has a field more, and one of another type. SECONDS since 1970: when it is recorded, now if not
 * given; the second half of its events comes an hour later. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "core/stream.h"

struct odd_event {
	struct event head;
	_Bool flag;
	__u32 small;
	__s32 number;
	__u64 big;
	char comm[EVENT_COMM];
	struct event_string text;
	struct event_list list;
	struct event_map map;
	/* called like columns that every event has */
	__u32 cpu;
	__u64 run;
	struct event_string missing;
	/* version 2 */
	__u64 more;
	char other[EVENT_COMM];
	char bytes[512];
	__u32 used;
};

#define ODD(member, name, unit, help)                                                                   \
	{                                                                                               \
		name, SCHEMA_TYPE(((struct odd_event *)0)->member), offsetof(struct odd_event, member), \
			sizeof(((struct odd_event *)0)->member), unit, help, NULL                       \
	}
#define COMMON                                                                               \
	ODD(flag, "flag", NULL, "yes or no"), ODD(number, "number", NULL, "with a sign"),    \
		ODD(big, "big", "ns", "it's \"big\""), ODD(comm, "comm", NULL, "a name"),    \
		ODD(text, "text", NULL, "any bytes"), ODD(list, "list", NULL, "texts"),      \
		ODD(map, "map", NULL, "text to text"), ODD(cpu, "cpu", NULL, "not the CPU"), \
		ODD(run, "Run", NULL, "not the run"), ODD(missing, "missing", NULL, "not what is missing")

static const struct schema_field fields_1[] = {COMMON, ODD(small, "small", NULL, "32 bits"), {0}};
static const struct schema_field fields_2[] = {
	COMMON, ODD(other, "small", NULL, "a text now"), ODD(more, "more", "bytes", "new"), {0}};

static const struct schema_event events[2][2] = {
	{{"thing", "happens", fields_1, sizeof(struct odd_event)},
	 {"never", "does not happen", fields_1, sizeof(struct odd_event)}},
	{{"thing", "happens", fields_2, sizeof(struct odd_event)},
	 {"never", "does not happen", fields_2, sizeof(struct odd_event)}},
};

static uint32_t add(struct odd_event *e, const char *bytes, size_t length)
{
	uint32_t at = offsetof(struct odd_event, bytes) + e->used;

	memcpy(e->bytes + e->used, bytes, length);
	e->used += length;
	return at;
}

#define STRING(e, s) ((struct event_string){add(e, s, sizeof(s) - 1), sizeof(s) - 1, 0})
#define LIST(e, s) ((struct event_list){add(e, s, sizeof(s)), sizeof(s), 0})
#define MAP(e, s) ((struct event_map){add(e, s, sizeof(s)), sizeof(s), 0})

static void plain(struct odd_event *e)
{
	e->flag = true;
	e->small = 77;
	e->number = -5;
	e->big = 123456789;
	e->more = 42;
	strcpy(e->comm, "bash");
	strcpy(e->other, "seventy-seven");
	e->text = STRING(e, "/bin/\xc3\xa4");
	e->list = LIST(e, "ls\0-l\0/tmp");
	e->map = MAP(e, "A=1\0B=x=y");
	e->cpu = 4711;
	e->run = 4712;
	e->missing = STRING(e, "nothing");
}

static void hostile(struct odd_event *e)
{
	strcpy(e->comm, "\xff\\");
	e->text = STRING(e, "a\\b\xfe\n\033[31m");
	e->list = LIST(e, "back\\slash\0\x80\x81\0plain");
	e->map = MAP(e, "K\xff=v\0L=\\");
}

/* UTF-8, but nothing that one would like to see. */
static void ugly(struct odd_event *e)
{
	strcpy(e->comm, "'\"\\");
	e->text = STRING(e, "\033]0;title\a,\"quoted\"\r\n'; DROP TABLE x; --");
	e->list = LIST(e, "\0\n\0,\0\"");
	e->map = MAP(e, "=empty\0E=");
}

static void nulls(struct odd_event *e)
{
	e->big = EVENT_NULL(EVENT_REASON_RELEASED);
	e->run = EVENT_NULL(EVENT_REASON_NONE);
	e->text.reason = EVENT_REASON_FAULT;
	e->list.reason = EVENT_REASON_GONE;
	e->map.reason = EVENT_REASON_NONE;
	e->missing.reason = EVENT_REASON_DENIED;
	e->more = EVENT_NULL(EVENT_REASON_UNSUPPORTED);
}

static void extremes(struct odd_event *e)
{
	e->small = UINT32_MAX;
	e->number = INT32_MIN;
	e->big = ~0ULL - 300; /* the greatest that is a number */
	e->run = 1ULL << 63;
	e->list = LIST(e, "cut\0of");
	e->list.reason = EVENT_REASON_TRUNCATED;
	e->map.reason = EVENT_REASON_DENIED; /* null; that of the others is empty */
}

static time_t shift;

/* In place of libc's: another time of day. */
int clock_gettime(clockid_t id, struct timespec *time)
{
	int rc = syscall(SYS_clock_gettime, id, time);

	if (id == CLOCK_REALTIME)
		time->tv_sec += shift;
	return rc;
}

int main(int argc, char **argv)
{
	static void (*const fill[])(struct odd_event * e) = {plain, hostile, ugly, nulls, extremes};
	struct stream_writer_opts opts = {.stream = "odd", .help = "odd things", .events_count = 2, .abi = 1};
	struct stream_writer *writer;
	struct timespec now;
	int dir, rc;

	if (argc == 5)
		shift = atoll(argv[4]) - time(NULL);
	if (argc < 4 || argc > 5 || (mkdir(argv[1], 0755) && errno != EEXIST))
		return 2;
	dir = open(argv[1], O_RDONLY | O_DIRECTORY);
	opts.events = events[atoi(argv[3]) - 1];
	opts.run = (struct stream_run){.id = argv[2], .name = "odd", .number = 1};
	rc = stream_writer__open(&writer, dir, &opts);
	clock_gettime(CLOCK_BOOTTIME, &now);
	for (size_t i = 0; i < sizeof(fill) / sizeof(*fill) && !rc; i++) {
		struct odd_event e = {.head = {.pid = 100 + i, .tid = 200 + i, .run = 1, .cpu = 3, .kind = 0}};

		e.head.start = now.tv_sec * 1000000000ULL;
		e.head.ts = e.head.start + i + 1 + (argc == 5 && i > 2 ? 3600000000000ULL : 0);
		fill[i](&e);
		rc = stream_writer__event(writer, &e.head, sizeof(e));
	}
	if (!rc)
		rc = stream_writer__lost(writer, 17, now.tv_sec * 1000000000ULL, 0, "ring_full");
	rc = stream_writer__close(writer) ? -EIO : rc;
	if (rc)
		fprintf(stderr, "odd_run: %s\n", strerror(-rc));
	return rc != 0;
}
