/* SPDX-License-Identifier: BSD-2-Clause */
/* A made-up run whose processes stand still, in few words, and the verdicts on it. Items are separated by ';':
 *
 *	p 10 1              process 10, a child of 1, executes ./p10
 *	t 10 S read 3       its thread 10 (10.11: thread 11) is in state S in read(3); then NAME=VALUE: word owner blocker ptracer
 *	                    children timer
 *	d 10 3 pipe 7 r     its descriptor 3 is pipe 7, for reading; then peer of (number of its open file) lock address path
 *	                    readers writers; out=99: it is process 99's, which is not watched and shares pipe 7 with 10
 *	! 10 limit          its picture is not complete
 *	wait                ten seconds pass
 *	look                what came before is one look of the probe
 *	m 10                it goes on
 *	u 10 2              it gets on: its account of I/O is of so many bytes now; the first one says nothing
 *	x 10 0              it exits with code 0; x 10 -15 killed by signal 15 from outside of the run, x 10 -15 12 by process 12
 *
 * What is counted (children, readers, writers) is what was said, unless given otherwise. */
#ifndef TESTS_MADE_STALLED_H
#define TESTS_MADE_STALLED_H

#include <inttypes.h>
#include <stdio.h>

#include "sinks/verdicts/verdicts.h"
#include "tests/made/made.h"

#include "probes/stall/stall.h"

#define STALLED_KINDS 4
#define STALLED_FIELDS 20
#define STALLED_MAX 128 /* items of one look */

/* As the probe has them, but for those that no detector reads. */
/* clang-format off */
static inline const char *stalled__literal(uint64_t at)
{
	return (const char *)(uintptr_t)at;
}
static const struct schema_field stalled_stuck[] = {
	FIELD(struct stall_stuck, look, NULL, ""), FIELD(struct stall_stuck, since, "ns", ""),
	FIELD(struct stall_stuck, state, NULL, ""), FIELD(struct stall_stuck, wait_channel, NULL, ""),
	FIELD(struct stall_stuck, syscall, NULL, ""),
	FIELD(struct stall_stuck, syscall_args, NULL, ""), FIELD(struct stall_stuck, futex_word, NULL, ""),
	FIELD(struct stall_stuck, futex_owner, NULL, ""), FIELD(struct stall_stuck, blocker, NULL, ""),
	FIELD(struct stall_stuck, ptracer, NULL, ""), FIELD(struct stall_stuck, children, NULL, ""),
	FIELD(struct stall_stuck, timer, NULL, ""), FIELD(struct stall_stuck, opening, NULL, ""), {0}};
static const struct schema_field stalled_descriptor[] = {
	FIELD(struct stall_descriptor, look, NULL, ""), FIELD(struct stall_descriptor, fd, NULL, ""),
	FIELD_NAME(struct stall_descriptor, type, "type", stalled__literal, ""),
	FIELD(struct stall_descriptor, device, NULL, ""), FIELD(struct stall_descriptor, inode, NULL, ""),
	FIELD(struct stall_descriptor, mode, NULL, ""), FIELD(struct stall_descriptor, peer, NULL, ""),
	FIELD(struct stall_descriptor, address, NULL, ""), FIELD(struct stall_descriptor, path, NULL, ""),
	FIELD(struct stall_descriptor, open_file, NULL, ""), FIELD(struct stall_descriptor, readers, NULL, ""),
	FIELD(struct stall_descriptor, writers, NULL, ""),
	FIELD_NAME(struct stall_descriptor, locked, "locked", stalled__literal, ""),
	FIELD(struct stall_descriptor, owner_pid, NULL, ""), FIELD(struct stall_descriptor, owner_start, "ns", ""),
	FIELD(struct stall_descriptor, owner_comm, NULL, ""), FIELD(struct stall_descriptor, watched, NULL, ""), {0}};
static const struct schema_field stalled_picture[] = {
	FIELD(struct stall_picture, look, NULL, ""), FIELD(struct stall_picture, since, "ns", ""),
	FIELD(struct stall_picture, threads, NULL, ""), FIELD(struct stall_picture, descriptors, NULL, ""),
	FIELD(struct stall_picture, complete, NULL, ""),
	FIELD_NAME(struct stall_picture, incomplete, "incomplete", stalled__literal, ""), {0}};
static const struct schema_field stalled_moving[] = {
	FIELD(struct stall_moving, look, NULL, ""), FIELD(struct stall_moving, since, "ns", ""), {0}};
/* clang-format on */
static const struct schema_event stalled_events[STALLED_KINDS] = {
	[STALL_STUCK] = {.name = "stuck", .fields = stalled_stuck},
	[STALL_DESCRIPTOR] = {.name = "descriptor", .fields = stalled_descriptor},
	[STALL_PICTURE] = {.name = "picture", .fields = stalled_picture},
	[STALL_MOVING] = {.name = "moving", .fields = stalled_moving},
};

struct stalled {
	struct made made;
	struct model *model;
	struct verdicts *verdicts;
	struct stream_info info;
	struct stream_event events[SCHEMA_KIND_BASE + STALLED_KINDS];
	struct stream_field fields[STALLED_KINDS][STALLED_FIELDS];
	uint64_t now, look;
	/* Of the look that is being described. */
	const char *items[STALLED_MAX];
	size_t items_count;
	uint32_t parents[MADE_PIDS], children[MADE_PIDS];
	bool running; /* the run has not ended when it is asked */
};

static inline int stalled__take(void *arg, const struct record *record)
{
	struct stalled *stalled = arg;
	int err = verdicts__record(stalled->verdicts, record);

	return err ? err : model__feed(stalled->model, record);
}

static inline int stalled__row(void *arg, const struct model_row *row)
{
	return verdicts__row(((struct stalled *)arg)->verdicts, row);
}

#define STALLED_STREAMS 3

static inline const struct stream_info *stalled__stream(const struct stalled *stalled, int i)
{
	return i == 0 ? &stalled->made.info[LIFECYCLE] : i == 1 ? &stalled->info : &stalled->made.info[IO];
}

static inline void stalled__init(struct stalled *stalled)
{
	const struct model_calls calls = {.row = stalled__row};

	memset(stalled, 0, sizeof(*stalled));
	made__init(&stalled->made, "r1", stalled__take, stalled);
	stalled->verdicts = verdicts__new();
	stalled->model = model__new(&calls, stalled, NULL);
	stalled->info = stalled->made.info[LIFECYCLE];
	stalled->info.stream = stalled->info.path = "stall";
	stalled->info.index = 1;
	stalled->info.events = stalled->events;
	stalled->info.events_count = SCHEMA_KIND_BASE + STALLED_KINDS;
	for (uint32_t k = 0; k < STALLED_KINDS; k++) {
		struct stream_event *event = &stalled->events[SCHEMA_KIND_BASE + k];

		*event = (struct stream_event){stalled_events[k].name, "", "stall", 0, stalled->fields[k], 0};
		for (const struct schema_field *field = stalled_events[k].fields; field->name; field++)
			event->fields[event->fields_count++] = (struct stream_field){
				field->name, NULL, "", field->name_of ? SCHEMA_STRING : field->type};
	}
	verdicts__of_model(stalled->verdicts, stalled->model);
	stalled->made.info[IO].index = 2;
	for (int i = 0; i < STALLED_STREAMS; i++)
		if (model__stream(stalled->model, stalled__stream(stalled, i)) ||
		    verdicts__stream(stalled->verdicts, stalled__stream(stalled, i)))
			abort();
	stalled->now = 10 * S;
}

static inline void stalled__free(struct stalled *stalled)
{
	verdicts__free(stalled->verdicts);
	model__free(stalled->model);
	made__free(&stalled->made);
}

/* ---- records ---- */

static inline void stalled__send(struct stalled *stalled, unsigned kind, struct event *head, size_t size, uint32_t pid,
				 uint32_t tid)
{
	struct record record = {.info = &stalled->info, .event = &stalled->events[SCHEMA_KIND_BASE + kind]};
	struct buffer *buffer = &stalled->made.buffer;

	*head = (struct event){.ts = stalled->now,
			       .start = stalled->made.starts[pid],
			       .pid = pid,
			       .tid = tid,
			       .run = 1,
			       .kind = (__u8)kind};
	buffer->size = 0;
	if (record__pack(buffer, &stalled_events[kind], SCHEMA_KIND_BASE + kind, stalled->made.seq++, head, size,
			 NULL) ||
	    !record__head(buffer->data, buffer->size, &record) || stalled__take(stalled, &record))
		abort();
}

/* The value of NAME= in an item; NULL: it has none. Valid until the next call. */
static inline const char *stalled__option(const char *item, const char *name)
{
	static char value[128];
	size_t length = strlen(name);

	for (const char *at = strchr(item, ' '); at; at = strchr(at + 1, ' '))
		if (!strncmp(at + 1, name, length) && at[1 + length] == '=')
			return sscanf(at + 2 + length, "%127s", value) == 1 ? value : NULL;
	return NULL;
}

static inline uint64_t stalled__number(const char *item, const char *name, uint64_t otherwise)
{
	const char *value = stalled__option(item, name);

	return !value			       ? otherwise
	       : !strcmp(value, "gone")	       ? EVENT_NULL(EVENT_REASON_GONE)
	       : !strcmp(value, "unsupported") ? EVENT_NULL(EVENT_REASON_UNSUPPORTED)
					       : strtoull(value, NULL, 0);
}

static inline void stalled__stuck(struct stalled *stalled, const char *item)
{
	struct stall_stuck e = {.look = stalled->look, .since = stalled->now - 90 * S};
	char call[32] = "", state[2] = "";
	uint32_t pid = 0, tid = 0;
	const __u64 none = EVENT_NULL(EVENT_REASON_NONE);
	char *text = e.args_text, *rest;
	const char *at = item, *opening;
	int used = 0;

	if (sscanf(item, "t %u.%u %1s %31s%n", &pid, &tid, state, call, &used) < 4 &&
	    sscanf(item, "t %u %1s %31s%n", &pid, state, call, &used) < 3)
		abort();
	at += used;
	for (int i = 0; i < STALL_ARGS; i++) {
		unsigned long long arg = strtoull(at, &rest, 0); /* 0 from the first option on */

		at = rest;
		text += sprintf(text, "0x%llx", arg) + 1;
	}
	e.syscall_args = (struct event_list){offsetof(struct stall_stuck, args_text), (__u32)(text - e.args_text), 0};
	memcpy(e.syscall_text, call, sizeof(call));
	e.syscall = (struct event_string){offsetof(struct stall_stuck, syscall_text), (__u32)strlen(call),
					  strcmp(call, "-") ? 0 : EVENT_NOT_APPLICABLE};
	e.state[0] = state[0];
	e.futex_word = stalled__number(item, "word", none);
	e.futex_owner = stalled__number(item, "owner", none);
	e.blocker = stalled__number(item, "blocker", none);
	e.blocker_lock = none;
	e.ptracer = stalled__number(item, "ptracer", none);
	e.children = stalled__number(item, "children", tid && tid != pid ? 0 : stalled->children[pid]);
	e.timer = stalled__option(item, "timer");
	memcpy(e.channel_text, "channel", 8);
	e.wait_channel = (struct event_string){offsetof(struct stall_stuck, channel_text), 7, 0};
	e.opening.reason = EVENT_NOT_APPLICABLE;
	if ((opening = stalled__option(item, "opening"))) {
		snprintf(e.opening_text, sizeof(e.opening_text), "%s", opening);
		e.opening = (struct event_string){offsetof(struct stall_stuck, opening_text),
						  (__u32)strlen(e.opening_text), 0};
	}
	stalled__send(stalled, STALL_STUCK, &e.head, sizeof(e), pid, tid ? tid : pid);
}

/* How many open files of this look can read, or write, a pipe. */
static inline uint64_t stalled__count(const struct stalled *stalled, const char *type, unsigned inode, char mode)
{
	uint64_t seen[STALLED_MAX], count = 0;

	for (size_t i = 0; i < stalled->items_count; i++) {
		char its_type[16], its_mode[4];
		unsigned pid, fd, its_inode;
		uint64_t file, k = 0;

		if (sscanf(stalled->items[i], "d %u %u %15s %u %3s", &pid, &fd, its_type, &its_inode, its_mode) != 5 ||
		    strcmp(its_type, type) || its_inode != inode || !strchr(its_mode, mode))
			continue;
		file = stalled__number(stalled->items[i], "of", 1000 + i);
		while (k < count && seen[k] != file)
			k++;
		seen[k] = file;
		count += k == count;
	}
	return count;
}

static inline void stalled__descriptor(struct stalled *stalled, const char *item, size_t number)
{
	struct stall_descriptor e = {.look = stalled->look, .device = 12};
	const __u64 none = EVENT_NULL(EVENT_REASON_NONE);
	char type[16], mode[4] = "", lock[16] = "";
	const char *text;
	unsigned pid, fd, inode;
	bool pipe;

	if (sscanf(item, "d %u %u %15s %u %3s", &pid, &fd, type, &inode, mode) != 5)
		abort();
	pipe = !strcmp(type, "pipe") || !strcmp(type, "fifo");
	e.fd = fd;
	e.type = (uintptr_t)type;
	e.inode = inode;
	memcpy(e.mode, mode, sizeof(mode));
	e.peer = stalled__number(item, "peer", none);
	e.open_file = stalled__number(item, "of", 1000 + number);
	e.readers = pipe ? stalled__number(item, "readers", stalled__count(stalled, type, inode, 'r')) : none;
	e.writers = pipe ? stalled__number(item, "writers", stalled__count(stalled, type, inode, 'w')) : none;
	if ((text = stalled__option(item, "lock")))
		snprintf(lock, sizeof(lock), "%.15s", text);
	e.locked = lock[0] ? (uintptr_t)lock : none;
	e.address.reason = e.path.reason = EVENT_NOT_APPLICABLE;
	if ((text = stalled__option(item, "address"))) {
		snprintf(e.address_text, sizeof(e.address_text), "%s", text);
		for (char *c = e.address_text; *c; c++)
			*c = *c == '_' ? ' ' : *c;
		e.address = (struct event_string){offsetof(struct stall_descriptor, address_text),
						  (__u32)strlen(e.address_text), 0};
	}
	if ((text = stalled__option(item, "path"))) {
		snprintf(e.path_text, sizeof(e.path_text), "%s", text);
		e.path = (struct event_string){offsetof(struct stall_descriptor, path_text), (__u32)strlen(e.path_text),
					       0};
	}
	e.owner_pid = (__u32)stalled__number(item, "out", pid);
	e.owner_start = e.owner_pid == pid ? stalled->made.starts[pid] : 5 * S;
	e.watched = e.owner_pid == pid;
	strcpy(e.owner_comm, e.watched ? "inside" : "outsider");
	stalled__send(stalled, STALL_DESCRIPTOR, &e.head, sizeof(e), pid, pid);
}

/* ---- a look ---- */

static inline uint32_t stalled__pid(const char *item)
{
	return (uint32_t)strtoul(item + 2, NULL, 10);
}

/* The end of what the look says of a process. */
static inline void stalled__picture(struct stalled *stalled, uint32_t pid)
{
	struct stall_picture e = {.look = stalled->look, .since = stalled->now - 90 * S, .complete = true};
	char why[16] = "";

	e.incomplete = EVENT_NULL(EVENT_REASON_NONE);
	for (size_t i = 0; i < stalled->items_count; i++) {
		const char *item = stalled->items[i];

		if (stalled__pid(item) != pid)
			continue;
		e.threads += *item == 't';
		e.descriptors += *item == 'd' && !stalled__option(item, "out");
		if (*item == '!' && sscanf(item, "! %*u %15s", why) == 1) {
			e.complete = false;
			e.incomplete = (uintptr_t)why;
		}
	}
	stalled__send(stalled, STALL_PICTURE, &e.head, sizeof(e), pid, pid);
}

/* Sends what the items say: first the stuck threads of a process, then its descriptors; those of holders at last. */
static inline void stalled__end_look(struct stalled *stalled)
{
	bool stuck[MADE_PIDS] = {false};

	stalled->look++;
	stalled->now += 100 * S;
	for (size_t i = 0; i < stalled->items_count; i++) {
		uint32_t pid = stalled__pid(stalled->items[i]);

		if (stalled->items[i][0] != 't' || stuck[pid])
			continue;
		stuck[pid] = true;
		for (size_t k = i; k < stalled->items_count; k++)
			if (stalled->items[k][0] == 't' && stalled__pid(stalled->items[k]) == pid)
				stalled__stuck(stalled, stalled->items[k]);
		for (size_t k = 0; k < stalled->items_count; k++)
			if (stalled->items[k][0] == 'd' && stalled__pid(stalled->items[k]) == pid)
				stalled__descriptor(stalled, stalled->items[k], k);
		stalled__picture(stalled, pid);
	}
	for (size_t k = 0; k < stalled->items_count; k++)
		if (stalled->items[k][0] == 'd' && !stuck[stalled__pid(stalled->items[k])])
			stalled__descriptor(stalled, stalled->items[k], k);
	stalled->items_count = 0;
}

static inline void stalled__exit(struct stalled *stalled, const char *item)
{
	unsigned pid, by = 0;
	int status = 0, found = sscanf(item, "x %u %d %u", &pid, &status, &by);

	EXIT(.of = &stalled->made, .at = stalled->now, .pid = pid, .parent = stalled->parents[pid], STATUS(status),
	     .sent_by = found == 3   ? by
			: status < 0 ? 31000
				     : 0);
}

static inline void stalled__item(struct stalled *stalled, const char *item)
{
	struct stall_moving moving = {.look = stalled->look + 1};
	unsigned pid, parent, chars;
	char exe[16], args[16];

	stalled->now += MS;
	if (*item == 't' || *item == 'd' || *item == '!') {
		stalled->items[stalled->items_count++] = item;
		return;
	}
	if (stalled->items_count)
		stalled__end_look(stalled);
	if (sscanf(item, "p %u %u", &pid, &parent) == 2) {
		stalled->parents[pid] = parent;
		stalled->children[parent]++;
		snprintf(exe, sizeof(exe), "./p%u", pid);
		snprintf(args, sizeof(args), "./p%u|", pid);
		FORK(.of = &stalled->made, .at = stalled->now, .pid = pid, .parent = parent);
		EXEC(.of = &stalled->made, .at = stalled->now, .pid = pid, .parent = parent, .exe = exe, .args = args);
	} else if (*item == 'x') {
		stalled__exit(stalled, item);
	} else if (sscanf(item, "m %u", &pid) == 1) {
		stalled__send(stalled, STALL_MOVING, &moving.head, sizeof(moving), pid, pid);
	} else if (sscanf(item, "u %u %u", &pid, &chars) == 2) {
		IO_SAMPLED(.of = &stalled->made, .at = stalled->now, .pid = pid, .chars = chars);
	} else if (!strcmp(item, "wait")) {
		stalled->now += 10 * S;
	} else if (!strcmp(item, "running")) {
		stalled->running = true;
	} else if (strcmp(item, "look")) {
		abort();
	}
}

/* Feeds it all and ends: what the verdicts are is there then. */
static inline void stalled__tell(struct stalled *stalled, const char *story)
{
	char *copy = strdup(story), *rest = copy, *item;

	while ((item = strsep(&rest, ";")))
		stalled__item(stalled, item + strspn(item, " "));
	if (stalled->items_count)
		stalled__end_look(stalled);
	for (int i = 0; i < STALLED_STREAMS; i++)
		model__ended(stalled->model, stalled__stream(stalled, i),
			     &(struct stream_state){.complete = !stalled->running,
						    .life = stalled->running ? STREAM_RUNNING : STREAM_ENDED,
						    .until_ns = stalled->now + 5 * S});
	if (verdicts__settle(stalled->verdicts) || model__finish(stalled->model) || verdicts__finish(stalled->verdicts))
		abort();
	free(copy);
}

#endif
