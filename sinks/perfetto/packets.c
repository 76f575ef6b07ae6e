/* SPDX-License-Identifier: BSD-2-Clause */
/* Perfetto's messages: field numbers are those of protos/perfetto/trace in its sources. */
#include "sinks/perfetto/packets.h"

#include <string.h>

#include "core/sink.h"

#define BUFFER (64 * 1024)
#define ARGS_MAX (64 * 1024)
#define SEQUENCE 1 /* all packets come from one writer */

enum { TRACE_PACKET = 1 };
enum {
	PACKET_CLOCK_SNAPSHOT = 6,
	PACKET_TIMESTAMP = 8,
	PACKET_SEQUENCE_ID = 10,
	PACKET_TRACK_EVENT = 11,
	PACKET_INTERNED_DATA = 12,
	PACKET_SEQUENCE_FLAGS = 13,
	PACKET_TRACK_DESCRIPTOR = 60,
};
enum { SEQUENCE_STATE_CLEARED = 1, SEQUENCE_NEEDS_STATE = 2 };
enum { CLOCKS_CLOCK = 1, CLOCK_ID = 1, CLOCK_TIMESTAMP = 2, CLOCK_REALTIME = 1, CLOCK_BOOTTIME = 6 };
enum { INTERNED_CATEGORIES = 1, INTERNED_NOTES = 3, INTERNED_ID = 1, INTERNED_NAME = 2 };
enum {
	TRACK_UUID = 1,
	TRACK_NAME = 2,
	TRACK_PARENT = 5,
	TRACK_COUNTER = 8,
	TRACK_ORDERING = 11,
	TRACK_RANK = 12,
	TRACK_MERGING = 15,
	ORDERING_BY_RANK = 3,
	MERGING_NONE = 2,
	COUNTER_UNIT = 3,
	COUNTER_UNIT_NAME = 6,
	UNIT_BYTES = 3,
};
enum {
	EVENT_CATEGORY = 3,
	EVENT_NOTE = 4,
	EVENT_TYPE = 9,
	EVENT_TRACK = 11,
	EVENT_NAME = 23,
	EVENT_COUNTER = 30,
	EVENT_COUNTER_DOUBLE = 44,
	EVENT_FLOW = 47,
	EVENT_FLOW_END = 48,
	TYPE_COUNTER = 4,
};
enum { NOTE_NAME_ID = 1, NOTE_UINT = 3, NOTE_DOUBLE = 5, NOTE_STRING = 6, NOTE_ENTRIES = 11 };

static const char *const categories[CATEGORIES] = {
	[CATEGORY_RUN] = "run",	      [CATEGORY_STEP] = "step",	  [CATEGORY_PROGRAM] = "program",
	[CATEGORY_FORK] = "fork",     [CATEGORY_START] = "start", [CATEGORY_FAILURE] = "failure",
	[CATEGORY_HIDDEN] = "hidden", [CATEGORY_LOST] = "lost",
};

static const char *const notes[NOTES] = {
	[NOTE_PID] = "pid",
	[NOTE_PPID] = "ppid",
	[NOTE_STEP] = "step",
	[NOTE_ID] = "id",
	[NOTE_TASK] = "task",
	[NOTE_ARGS] = "args",
	[NOTE_CWD] = "cwd",
	[NOTE_OUTCOME] = "outcome",
	[NOTE_EXIT_CODE] = "exit_code",
	[NOTE_SIGNAL] = "signal",
	[NOTE_SIGNAL_NAME] = "signal_name",
	[NOTE_CORE_DUMPED] = "core_dumped",
	[NOTE_TRIED] = "tried",
	[NOTE_TRIED_ERROR] = "tried_error",
	[NOTE_CPU_NS] = "cpu_ns",
	[NOTE_USER_NS] = "user_ns",
	[NOTE_SYSTEM_NS] = "system_ns",
	[NOTE_CORES] = "cores",
	[NOTE_PEAK_RSS_BYTES] = "peak_rss_bytes",
	[NOTE_RSS_PEAK_BYTES] = "rss_peak_bytes",
	[NOTE_READ_BYTES] = "read_bytes",
	[NOTE_WRITE_BYTES] = "write_bytes",
	[NOTE_MISSING] = "missing",
	[NOTE_PROGRAMS] = "programs",
	[NOTE_PROCESSES] = "processes",
	[NOTE_FAILED] = "failed",
	[NOTE_HIDDEN] = "hidden",
	[NOTE_HIDDEN_BY] = "hidden_by",
	[NOTE_PROPAGATED] = "passed_on",
	[NOTE_HOST] = "host",
	[NOTE_KERNEL] = "kernel",
	[NOTE_LOSS] = "loss",
	[NOTE_STATE] = "state",
};

/* ---- packets ---- */

static void open_packet(struct packets *packets, unsigned flags)
{
	packets->packet = proto__open(&packets->proto, TRACE_PACKET);
	proto__uint(&packets->proto, PACKET_SEQUENCE_ID, SEQUENCE);
	proto__uint(&packets->proto, PACKET_SEQUENCE_FLAGS, flags);
}

static void close_packet(struct packets *packets)
{
	proto__close(&packets->proto, packets->packet);
	if (packets->proto.size >= BUFFER)
		packets__flush(packets);
}

static void intern(struct buffer *proto, unsigned field, const char *const *names, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		size_t entry = proto__open(proto, field);

		proto__uint(proto, INTERNED_ID, i + 1);
		proto__string(proto, INTERNED_NAME, names[i]);
		proto__close(proto, entry);
	}
}

void packets__init(struct packets *packets, int fd)
{
	size_t data;

	*packets = (struct packets){.fd = fd};
	open_packet(packets, SEQUENCE_STATE_CLEARED);
	data = proto__open(&packets->proto, PACKET_INTERNED_DATA);
	intern(&packets->proto, INTERNED_CATEGORIES, categories, CATEGORIES);
	intern(&packets->proto, INTERNED_NOTES, notes, NOTES);
	proto__close(&packets->proto, data);
	close_packet(packets);
}

static void clock_is(struct buffer *proto, uint64_t id, uint64_t timestamp)
{
	size_t clock = proto__open(proto, CLOCKS_CLOCK);

	proto__uint(proto, CLOCK_ID, id);
	proto__uint(proto, CLOCK_TIMESTAMP, timestamp);
	proto__close(proto, clock);
}

void packets__clock(struct packets *packets, uint64_t boot_ns, int64_t real_ns)
{
	size_t snapshot;

	open_packet(packets, 0);
	snapshot = proto__open(&packets->proto, PACKET_CLOCK_SNAPSHOT);
	clock_is(&packets->proto, CLOCK_BOOTTIME, boot_ns);
	clock_is(&packets->proto, CLOCK_REALTIME, (uint64_t)real_ns);
	proto__close(&packets->proto, snapshot);
	close_packet(packets);
}

void packets__track(struct packets *packets, const struct track *track)
{
	struct buffer *proto = &packets->proto;
	size_t descriptor, counter;

	open_packet(packets, 0);
	descriptor = proto__open(proto, PACKET_TRACK_DESCRIPTOR);
	proto__uint(proto, TRACK_UUID, track->uuid);
	proto__string(proto, TRACK_NAME, track->name);
	if (track->parent)
		proto__uint(proto, TRACK_PARENT, track->parent);
	proto__uint(proto, TRACK_ORDERING, ORDERING_BY_RANK);
	proto__uint(proto, TRACK_RANK, track->rank);
	proto__uint(proto, TRACK_MERGING, MERGING_NONE); /* do not merge tracks of equal name */
	if (track->kind != TRACK_PLAIN) {
		counter = proto__open(proto, TRACK_COUNTER);
		if (track->kind == TRACK_BYTES)
			proto__uint(proto, COUNTER_UNIT, UNIT_BYTES);
		else
			proto__string(proto, COUNTER_UNIT_NAME, "cores");
		proto__close(proto, counter);
	}
	proto__close(proto, descriptor);
	close_packet(packets);
}

/* ---- events ---- */

static void open_event(struct packets *packets, unsigned type, uint64_t ts, uint64_t track)
{
	struct buffer *proto = &packets->proto;

	open_packet(packets, SEQUENCE_NEEDS_STATE);
	proto__uint(proto, PACKET_TIMESTAMP, ts);
	packets->event = proto__open(proto, PACKET_TRACK_EVENT);
	proto__uint(proto, EVENT_TYPE, type);
	proto__uint(proto, EVENT_TRACK, track);
}

void packets__close(struct packets *packets)
{
	proto__close(&packets->proto, packets->event);
	close_packet(packets);
}

void packets__cores(struct packets *packets, uint64_t ts, uint64_t track, double cores)
{
	open_event(packets, TYPE_COUNTER, ts, track);
	proto__double(&packets->proto, EVENT_COUNTER_DOUBLE, cores);
	packets__close(packets);
}

void packets__bytes(struct packets *packets, uint64_t ts, uint64_t track, uint64_t bytes)
{
	open_event(packets, TYPE_COUNTER, ts, track);
	proto__uint(&packets->proto, EVENT_COUNTER, bytes);
	packets__close(packets);
}

static void put_scratch(struct packets *packets, unsigned field)
{
	proto__bytes(&packets->proto, field, packets->scratch.data, packets->scratch.size);
	packets->scratch.size = 0;
}

void packets__open(struct packets *packets, enum event_type type, uint64_t ts, uint64_t track, enum category category,
		   const char *name)
{
	open_event(packets, type, ts, track);
	if (type == EVENT_END)
		return;
	proto__uint(&packets->proto, EVENT_CATEGORY, category + 1);
	text__safe(&packets->scratch, name, strlen(name));
	put_scratch(packets, EVENT_NAME);
}

void packets__flow(struct packets *packets, uint64_t id, bool ends)
{
	proto__fixed64(&packets->proto, ends ? EVENT_FLOW_END : EVENT_FLOW, id);
}

/* ---- notes ---- */

static size_t open_note(struct packets *packets, enum note note)
{
	size_t opened = proto__open(&packets->proto, EVENT_NOTE);

	proto__uint(&packets->proto, NOTE_NAME_ID, note + 1);
	return opened;
}

static void say_why(struct packets *packets, enum note note, unsigned reason)
{
	size_t opened, entry;

	if (reason == EVENT_REASON_NONE)
		return; /* does not apply to this event: not missing */
	opened = open_note(packets, NOTE_MISSING);
	entry = proto__open(&packets->proto, NOTE_ENTRIES);
	proto__uint(&packets->proto, NOTE_NAME_ID, note + 1);
	proto__string(&packets->proto, NOTE_STRING, model_reason__text(reason));
	proto__close(&packets->proto, entry);
	proto__close(&packets->proto, opened);
}

void packets__number(struct packets *packets, enum note note, uint64_t value)
{
	size_t opened;

	if (EVENT_IS_NULL(value)) {
		say_why(packets, note, EVENT_NULL_REASON(value));
		return;
	}
	opened = open_note(packets, note);
	proto__uint(&packets->proto, NOTE_UINT, value);
	proto__close(&packets->proto, opened);
}

void packets__double(struct packets *packets, enum note note, double value)
{
	size_t opened = open_note(packets, note);

	proto__double(&packets->proto, NOTE_DOUBLE, value);
	proto__close(&packets->proto, opened);
}

static void say_scratch(struct packets *packets, enum note note)
{
	size_t opened = open_note(packets, note);

	put_scratch(packets, NOTE_STRING);
	proto__close(&packets->proto, opened);
}

void packets__string(struct packets *packets, enum note note, const char *string)
{
	if (!string || !*string)
		return;
	text__safe(&packets->scratch, string, strlen(string));
	say_scratch(packets, note);
}

void packets__text(struct packets *packets, enum note note, const struct model_text *text)
{
	if (text->data) {
		text__safe(&packets->scratch, text->data, text->length);
		say_scratch(packets, note);
	}
	if (text->reason)
		say_why(packets, note, text->reason);
}

void packets__args(struct packets *packets, enum note note, const struct model_list *args)
{
	if (args->data && args->count) {
		text__arguments(&packets->scratch, args, true, ARGS_MAX);
		say_scratch(packets, note);
	}
	if (args->reason)
		say_why(packets, note, args->reason);
}

/* ---- out ---- */

int packets__flush(struct packets *packets)
{
	if (!packets->error)
		packets->error = packets->proto.error ? packets->proto.error : packets->scratch.error;
	if (!packets->error)
		packets->error = write_all(packets->fd, packets->proto.data, packets->proto.size);
	packets->proto.size = 0;
	return packets->error;
}

void packets__free(struct packets *packets)
{
	buffer__free(&packets->proto);
	text__free(&packets->scratch);
}
