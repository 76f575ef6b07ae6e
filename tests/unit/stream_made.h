/* SPDX-License-Identifier: BSD-2-Clause */
/* A made-up probe whose one event has a field of every type, and streams of it. */
#ifndef TESTS_UNIT_STREAM_MADE_H
#define TESTS_UNIT_STREAM_MADE_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/stream.h"

struct made_event {
	struct event head;
	_Bool flag;
	__u32 small;
	__s32 number;
	__u64 big;
	__u32 signal;
	char comm[EVENT_COMM];
	struct event_string text;
	struct event_list list;
	struct event_map map;
	char tail[64];
};

enum {
	MADE_FLAG,
	MADE_SMALL,
	MADE_NUMBER,
	MADE_BIG,
	MADE_SIGNAL,
	MADE_COMM,
	MADE_TEXT,
	MADE_LIST,
	MADE_MAP,
	MADE_FIELDS
};

static inline const char *made_signal_name(uint64_t signal)
{
	return signal == 9 ? "SIGKILL" : NULL;
}

static const struct schema_field made_fields[] = {
	FIELD(struct made_event, flag, NULL, "a bool"),
	FIELD(struct made_event, small, NULL, "a u32"),
	FIELD(struct made_event, number, NULL, "an i32"),
	FIELD(struct made_event, big, "ns", "a u64"),
	FIELD_NAME(struct made_event, signal, "signal_name", made_signal_name, "a name"),
	FIELD(struct made_event, comm, NULL, "a char[]"),
	FIELD(struct made_event, text, NULL, "a string"),
	FIELD(struct made_event, list, NULL, "a list"),
	FIELD(struct made_event, map, NULL, "a map"),
	{0},
};

static const struct schema_event made_schema[] = {
	EVENT(0, struct made_event, "first", "has a field of every type", made_fields),
	EVENT(2, struct made_event, "third", "after a kind that is not in use", made_fields),
};

/* Puts `length` bytes into the tail at `at`, and says where they are. */
static inline struct event_string made__tail(struct made_event *e, size_t at, const char *bytes, size_t length)
{
	memcpy(e->tail + at, bytes, length);
	return (struct event_string){offsetof(struct made_event, tail) + at, length, EVENT_REASON_NONE};
}

static inline void made__init(struct made_event *e, uint64_t ts)
{
	struct event_string at;

	memset(e, 0, sizeof(*e));
	e->head = (struct event){.ts = ts, .start = ts / 2, .pid = 4711, .tid = 4712, .run = 7, .cpu = 3};
	e->flag = true;
	e->small = 77;
	e->number = -5;
	e->big = ts * 3;
	e->signal = 9;
	strcpy(e->comm, "bash");
	e->text = made__tail(e, 0, "/bin/\xc3\xa4", 7);
	at = made__tail(e, 8, "ls\0-l\0\xff", 8);
	e->list = (struct event_list){at.offset, at.length, 0};
	at = made__tail(e, 16, "A=1\0B=x=y", 10);
	e->map = (struct event_map){at.offset, at.length, 0};
}

static inline struct stream_writer_opts made__opts(const char *stream)
{
	static const char *const tags[] = {"team=genomics", "empty=", NULL};
	static const char *const command[] = {"sh", "-c", "\xff", NULL};
	static const char *const unavailable[] = {"first.big: not on this kernel", NULL};
	static const char *const streams[] = {"made", "other", NULL};

	return (struct stream_writer_opts){
		.stream = stream,
		.help = "made up",
		.events = made_schema,
		.events_count = 3,
		.abi = 1,
		.run = {.id = "run-7", .name = "test", .number = 7, .tags = tags, .command = command},
		.interval_ns = 1000000000,
		.unavailable = unavailable,
		.streams = streams,
	};
}

/* A folder of its own under TMPDIR. */
static inline int made__folder(char *path, size_t size)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(path, size, "%s/collector-test-XXXXXX", tmp ? tmp : "/tmp");
	return mkdtemp(path) ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
}

static inline void made__remove(const char *path)
{
	char command[512];

	snprintf(command, sizeof(command), "rm -rf '%s'", path);
	if (system(command))
		fprintf(stderr, "%s is left behind\n", path);
}

/* A whole file; the caller frees. */
static inline uint8_t *made__read(int dir, const char *name, size_t *size)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	uint8_t *bytes = NULL;
	struct stat st;

	if (fd < 0)
		return NULL;
	if (!fstat(fd, &st)) {
		bytes = malloc(st.st_size ? st.st_size : 1);
		*size = bytes && read(fd, bytes, st.st_size) == st.st_size ? st.st_size : 0;
	}
	close(fd);
	return bytes;
}

/* The stream_event that a reader would make of made_schema[0]; type names as in the header. */
static inline void made__event(struct stream_event *event, struct stream_field fields[MADE_FIELDS])
{
	int i;

	for (i = 0; i < MADE_FIELDS; i++)
		fields[i] = (struct stream_field){made_fields[i].name, NULL, NULL,
						  made_fields[i].name_of ? SCHEMA_STRING : made_fields[i].type};
	*event = (struct stream_event){"first", NULL, "made", MADE_FIELDS, fields, SCHEMA_NO_ROLE};
}

#endif
