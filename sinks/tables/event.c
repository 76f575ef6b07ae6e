/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables of events: columns as the streams' headers tell, rows from the records' own bytes. They travel packed:
 * what the decoding costs is spent in the table's thread, not in the merge's. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/tables/table.h"

struct entry {
	const struct event_source *source;
	struct record record;
	uint8_t bytes[];
};

enum head { RUN, HOST, TS, TIME, SEQ, PID, START, TID, CPU, HEADS };

static const struct {
	const char *name;
	enum column_type type;
	const char *unit, *help;
} heads[HEADS] = {
	[RUN] = {"run", COLUMN_TEXT, NULL, "the run's id"},
	[HOST] = {"host", COLUMN_TEXT, NULL, "where it ran"},
	[TS] = {"ts", COLUMN_U64, "ns", "when, on the boot clock"},
	[TIME] = {"time", COLUMN_TIME, NULL, "when, UTC"},
	[SEQ] = {"seq", COLUMN_U64, NULL, "number in its stream"},
	[PID] = {"pid", COLUMN_U32, NULL, "process, in the initial pid namespace"},
	[START] = {"start", COLUMN_U64, "ns", "the process's start on the boot clock; (pid, start) names a process"},
	[TID] = {"tid", COLUMN_U32, NULL, "thread"},
	[CPU] = {"cpu", COLUMN_U32, NULL, "CPU that it happened on"},
};

static const char *reason_of(const struct value *value, const char *note)
{
	const char *reason = value->reason ? event_reason__name(value->reason) : NULL;

	if (value->reason == EVENT_REASON_TRUNCATED && note)
		return "truncated,escaped";
	return value->reason && !reason ? "unknown" : reason ? reason : note;
}

static void put_text(struct cells *cells, idx_t row, const char *name, const char *text, struct notes *notes)
{
	struct value value = {.type = VALUE_STRING, .length = strlen(text), .string = text};
	const char *note = cells__put(cells, row, &value, NULL);

	if (note)
		notes__add(notes, name, note);
}

static void put_head(struct cells *cells, idx_t row, const struct record *record, struct notes *notes)
{
	if (record->run == record->info->run.number)
		put_text(&cells[RUN], row, heads[RUN].name, record->info->run.id, notes);
	else
		cells__null(&cells[RUN], row);
	put_text(&cells[HOST], row, heads[HOST].name, record->info->host, notes);
	cells__put_number(&cells[TS], row, record->ts);
	cells__put_number(&cells[TIME], row, record->real_ns);
	cells__put_number(&cells[SEQ], row, record->seq);
	if (record->kind < SCHEMA_KIND_BASE) { /* control records belong to no process */
		for (int i = PID; i <= CPU; i++)
			cells__null(&cells[i], row);
		return;
	}
	cells__put_number(&cells[PID], row, record->pid);
	cells__put_number(&cells[START], row, record->start);
	cells__put_number(&cells[TID], row, record->tid);
	cells__put_number(&cells[CPU], row, record->cpu);
}

static int fill(const struct table *table, const void *at, struct cells *cells, idx_t row)
{
	const struct entry *entry = at;
	const struct event_source *source = entry->source;
	struct value values[SCHEMA_FIELDS_MAX];
	struct record record = entry->record;
	struct notes notes = {0};
	const char *reason;

	record.bytes = entry->bytes;
	if (record__values(&record, values))
		return -EBADMSG;
	put_head(cells, row, &record, &notes);
	for (uint32_t i = 0; i < source->event->fields_count; i++) {
		uint32_t column = source->columns[i];

		reason = cells__put(&cells[column], row, &values[i], record.bytes + record.size);
		reason = reason_of(&values[i], reason);
		if (reason)
			notes__add(&notes, table->columns[column].name, reason);
	}
	for (uint32_t i = 0; i < source->absent_count; i++)
		cells__null(&cells[source->absent[i]], row);
	cells__put_notes(&cells[table->columns_count - 1], row, &notes);
	return 0;
}

struct table *event_table__new(const char *name, const char *help)
{
	struct table *table = table__new(name, help, fill);

	for (int i = 0; table && i < HEADS; i++) {
		if (table__own_column(table, heads[i].name, heads[i].type, heads[i].unit, heads[i].help) < 0) {
			table__free(table);
			return NULL;
		}
		table->own = i + 1;
	}
	return table;
}

struct event_source *event_source__new(struct table *table, const struct stream_event *event)
{
	struct event_source *source = calloc(1, sizeof(*source));
	int column;

	if (!source)
		return NULL;
	source->table = table;
	source->event = event;
	for (uint32_t i = 0; i < event->fields_count; i++) {
		const struct stream_field *field = &event->fields[i];

		column = table__column(table, field->name, column__of(field->type), field->unit, field->help);
		if (column < 0) {
			free(source);
			return NULL;
		}
		source->columns[i] = column;
	}
	return source;
}

void event_source__free(struct event_source *source)
{
	if (source)
		free(source->absent);
	free(source);
}

int event_source__begin(struct event_source *source)
{
	size_t columns = source->table->columns_count - 1; /* without `missing` */

	source->absent = calloc(columns, sizeof(*source->absent));
	if (!source->absent)
		return -ENOMEM;
	for (size_t i = source->table->own; i < columns; i++) {
		uint32_t field = 0;

		while (field < source->event->fields_count && source->columns[field] != i)
			field++;
		if (field == source->event->fields_count)
			source->absent[source->absent_count++] = i;
	}
	return 0;
}

int event_source__write(const struct event_source *source, const struct record *record)
{
	struct entry *entry = queue__put(&source->table->work->queue, sizeof(*entry) + record->size);

	if (!entry)
		return queue__stopped(&source->table->work->queue) ? -ECANCELED : -ENOMEM;
	entry->source = source;
	entry->record = *record;
	memcpy(entry->bytes, record->bytes, record->size);
	return 0;
}
