/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by sinks that know no event by name: the walk over a record's keys, and writing. */
#include "core/sink.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000

/* The values before an event's own. */
enum { ROW_TS, ROW_TIME, ROW_SEQ, ROW_MARKER, ROW_RUN, ROW_PID, ROW_START, ROW_TID, ROW_CPU, ROW_FIELDS };

struct row {
	struct sink_row row;
	const struct stream_event *event;
	struct buffer text;
	struct value run;
	char missing[];
};

struct stream_rows {
	struct row **kinds;
	uint32_t count;
};

struct sink_rows {
	sink_render render;
	struct stream_rows *streams; /* by stream_info's index */
	uint32_t count;
	int64_t second; /* of `time` */
	char time[40];
};

static struct value text_value(const char *text)
{
	return (struct value){.type = VALUE_STRING, .length = strlen(text), .string = text};
}

static struct value number_value(uint64_t number)
{
	return (struct value){.type = VALUE_UINT, .u = number};
}

static void row__free(struct row *row)
{
	if (row)
		buffer__free(&row->text);
	free(row);
}

/* Renders what comes before value i. The text moves while it grows: offsets first, then pointers. */
static int row__key(struct row *row, sink_render render, const char *name, const char *constant, uint32_t *i)
{
	struct value value = constant ? text_value(constant) : (struct value){0};
	size_t begin = row->text.size;

	if (render(&row->text, name, constant ? &value : NULL))
		return -ENOMEM;
	row->row.before[*i].size += row->text.size - begin;
	*i += !constant;
	return 0;
}

static int row__render(struct row *row, sink_render render, const struct record *record)
{
	static const char *const head[] = {"ts", "time", "seq", "marker", "run"};
	static const char *const process[] = {"pid", "start", "tid", "cpu"};
	const struct stream_event *event = record->event;
	const uint8_t *at;
	uint32_t i = 0, k;
	int err;

	err = row__key(row, render, "stream", event->stream, &i) || row__key(row, render, "event", event->name, &i);
	for (k = 0; k < sizeof(head) / sizeof(*head) && !err; k++)
		err = row__key(row, render, head[k], NULL, &i);
	err = err || row__key(row, render, "host", record->info->host, &i);
	for (k = 0; k < 4 && !err; k++)
		err = row__key(row, render, process[k], NULL, &i);
	for (k = 0; k < event->fields_count && !err; k++)
		err = row__key(row, render, event->fields[k].name, NULL, &i);
	err = err || row__key(row, render, "missing", NULL, &i);
	if (err)
		return -ENOMEM;
	at = row->text.data;
	for (k = 0; k < i; at += row->row.before[k++].size)
		row->row.before[k].bytes = at;
	return 0;
}

/* Room for every field's name with the longest reason. */
static size_t missing__size(const struct stream_event *event)
{
	size_t size = 1;
	uint32_t i;

	for (i = 0; i < event->fields_count; i++)
		size += strlen(event->fields[i].name) + sizeof("=unsupported,");
	return size;
}

static int row__new(struct row **out, sink_render render, const struct record *record)
{
	struct row *row;

	if (record->event->fields_count > SCHEMA_FIELDS_MAX)
		return -EBADMSG;
	row = calloc(1, sizeof(*row) + missing__size(record->event));
	if (!row)
		return -ENOMEM;
	row->event = record->event;
	row->run = text_value(record->info->run.id);
	if (row__render(row, render, record)) {
		row__free(row);
		return -ENOMEM;
	}
	*out = row;
	return 0;
}

/* The place of the row of the record's event. */
static struct row **rows__slot(struct sink_rows *rows, const struct record *record)
{
	struct stream_rows *streams, *stream;
	uint32_t index = record->info->index, count;

	if (index >= rows->count) {
		count = index + 1;
		streams = reallocarray(rows->streams, count, sizeof(*streams));
		if (!streams)
			return NULL;
		memset(streams + rows->count, 0, (count - rows->count) * sizeof(*streams));
		rows->streams = streams;
		rows->count = count;
	}
	stream = &rows->streams[index];
	if (!stream->kinds) {
		stream->kinds = calloc(record->info->events_count, sizeof(struct row *));
		stream->count = record->info->events_count;
	}
	return stream->kinds && record->kind < stream->count ? &stream->kinds[record->kind] : NULL;
}

/* RFC 3339, UTC, always nine digits: sorts as text. */
static struct value rows__time(struct sink_rows *rows, int64_t ns)
{
	int64_t second = ns / SECOND - (ns % SECOND < 0);
	uint32_t rest = ns - second * SECOND;
	time_t seconds = second;
	struct tm tm;
	int i;

	if (second != rows->second || !*rows->time) {
		gmtime_r(&seconds, &tm);
		strftime(rows->time, sizeof(rows->time), "%Y-%m-%dT%H:%M:%S.000000000Z", &tm);
		rows->second = second;
	}
	for (i = 28; i > 19; i--, rest /= 10)
		rows->time[i] = '0' + rest % 10;
	return (struct value){.type = VALUE_STRING, .length = 30, .string = rows->time};
}

/* "peak_rss_bytes=released,args=truncated" */
static size_t row__missing(struct row *row, const struct value *values)
{
	char *at = row->missing;
	const char *reason;
	uint32_t i;

	for (i = 0; i < row->event->fields_count; i++) {
		if (values[i].reason == EVENT_REASON_NONE)
			continue;
		if (at > row->missing)
			*at++ = ',';
		reason = event_reason__name(values[i].reason);
		at = stpcpy(stpcpy(stpcpy(at, row->event->fields[i].name), "="), reason ? reason : "unknown");
	}
	return at - row->missing;
}

int sink_rows__row(struct sink_rows *rows, const struct record *record, const struct sink_row **out)
{
	struct row *row, **slot = rows__slot(rows, record);
	struct value *values;
	size_t length;
	int err;

	if (!slot)
		return -ENOMEM;
	if (!*slot || (*slot)->event != record->event) {
		row__free(*slot);
		*slot = NULL;
		err = row__new(slot, rows->render, record);
		if (err)
			return err;
	}
	row = *slot;
	values = row->row.values;
	if (record__values(record, values + ROW_FIELDS))
		return -EBADMSG;
	values[ROW_TS] = number_value(record->ts);
	values[ROW_TIME] = rows__time(rows, record->real_ns);
	values[ROW_SEQ] = number_value(record->seq);
	values[ROW_MARKER] = record->added ? (struct value){0} : text_value(stream_record__marker(record));
	values[ROW_RUN] = record->run == record->info->run.number ? row->run : (struct value){0};
	if (record->kind >= SCHEMA_KIND_BASE) { /* control records have no process: null */
		values[ROW_PID] = number_value(record->pid);
		values[ROW_START] = number_value(record->start);
		values[ROW_TID] = number_value(record->tid);
		values[ROW_CPU] = number_value(record->cpu);
	}
	row->row.count = ROW_FIELDS + row->event->fields_count;
	length = row__missing(row, values + ROW_FIELDS);
	if (length)
		values[row->row.count++] =
			(struct value){.type = VALUE_STRING, .length = length, .string = row->missing};
	row->row.keys = row->row.count + 3; /* stream, event, host */
	*out = &row->row;
	return 0;
}

struct sink_rows *sink_rows__new(sink_render render)
{
	struct sink_rows *rows = calloc(1, sizeof(*rows));

	if (rows)
		rows->render = render;
	return rows;
}

static void stream_rows__free(struct stream_rows *stream)
{
	for (uint32_t k = 0; k < stream->count && stream->kinds; k++)
		row__free(stream->kinds[k]);
	free(stream->kinds);
	*stream = (struct stream_rows){0};
}

void sink_rows__forget(struct sink_rows *rows, const struct stream_info *info)
{
	if (info->index < rows->count)
		stream_rows__free(&rows->streams[info->index]);
}

void sink_rows__free(struct sink_rows *rows)
{
	if (!rows)
		return;
	for (uint32_t i = 0; i < rows->count; i++)
		stream_rows__free(&rows->streams[i]);
	free(rows->streams);
	free(rows);
}
