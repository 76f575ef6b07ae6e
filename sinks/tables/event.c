/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables of events: columns from the streams' headers, rows from the records' bytes. They wait on disk as they came: each value
 * is decoded once, on its way into the table. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/tables/table.h"

#define NO_COLUMN UINT32_MAX

/* What a record has beside its source, and its values. */
struct entry {
	const struct event_source *source;
	const char *marker; /* of its segment; NULL: the stream's */
	uint64_t ts, seq, start;
	int64_t real_ns;
	uint32_t pid, tid, cpu, run;
	uint32_t count, size; /* values, bytes */
	bool added;
	uint8_t bytes[];
};

#define ALIGN(size) (((size) + 7) & ~(size_t)7) /* where the next one begins */

/* A row being filled. */
struct filling {
	struct cells *cells;
	idx_t row;
	struct notes notes;
	struct scratch *scratch;
};

static void put_text(struct filling *f, enum event_head head, const char *text)
{
	notes__add(&f->notes, event_heads[head].name, cells__put_name(&f->cells[head], f->row, text, f->scratch));
}

static void put_number(struct filling *f, enum event_head head, uint64_t number)
{
	notes__add(&f->notes, event_heads[head].name, cells__put_number(&f->cells[head], f->row, number));
}

static void put_head(struct filling *f, const struct record *record)
{
	bool own = record->run == record->info->run.number;

	put_text(f, HEAD_RUN, own ? record->info->run.id : NULL);
	put_text(f, HEAD_HOST, record->info->host);
	put_text(f, HEAD_PIPELINE, own ? record->info->run.name : NULL);
	put_number(f, HEAD_TS, record->ts);
	put_number(f, HEAD_TIME, record->real_ns);
	put_number(f, HEAD_SEQ, record->seq);
	put_text(f, HEAD_MARKER, record->added ? NULL : stream_record__marker(record)); /* added: in no stream */
	if (record->kind < SCHEMA_KIND_BASE) { /* control records have no process */
		for (int i = HEAD_PID; i <= HEAD_CPU; i++)
			cells__null(&f->cells[i], f->row);
		return;
	}
	put_number(f, HEAD_PID, record->pid);
	put_number(f, HEAD_START, record->start);
	put_number(f, HEAD_TID, record->tid);
	put_number(f, HEAD_CPU, record->cpu);
}

static struct record record_of(const struct entry *entry)
{
	const struct event_source *source = entry->source;

	return (struct record){
		.info = source->info,
		.event = source->event,
		.kind = source->kind,
		.pid = entry->pid,
		.tid = entry->tid,
		.cpu = entry->cpu,
		.run = entry->run,
		.ts = entry->ts,
		.seq = entry->seq,
		.start = entry->start,
		.real_ns = entry->real_ns,
		.marker = entry->marker,
		.bytes = entry->bytes,
		.size = entry->size,
		.count = entry->count,
		.added = entry->added,
	};
}

static int fill(const struct table *table, const struct entry *entry, struct cells *cells, idx_t row)
{
	const struct event_source *source = entry->source;
	struct filling f;
	struct value values[SCHEMA_FIELDS_MAX];
	struct record record = record_of(entry);
	const char *note;

	f.cells = cells;
	f.row = row;
	f.scratch = &table->work->scratch;
	f.notes.count = 0; /* the rest stays as it is: zeroing it would cost more than a row */
	if (record__values(&record, values))
		return -EBADMSG;
	put_head(&f, &record);
	for (uint32_t i = 0; i < source->event->fields_count; i++) {
		uint32_t column = source->columns[i];

		if (column == NO_COLUMN)
			continue;
		note = cells__put(&cells[column], row, &values[i], record.bytes + record.size, f.scratch);
		if (note || values[i].reason)
			notes__add(&f.notes, table->columns[column].name, column__reason(&values[i], note));
	}
	for (uint32_t i = 0; i < source->absent_count; i++)
		cells__null(&cells[source->absent[i]], row);
	cells__put_notes(&cells[table->columns_count - 1], row, &f.notes, f.scratch);
	return 0;
}

#define FORGET_BYTES (1U << 20) /* how many are read before the kernel may take back their pages */

static int next(const struct table *table, struct cells *cells, idx_t row)
{
	struct table_work *work = table->work;
	uint64_t before = work->at;
	const struct entry *entry;
	int err;

	if (work->at == work->rows.size)
		return 0;
	entry = (const void *)((const char *)work->rows.map + work->at);
	work->at += ALIGN(offsetof(struct entry, bytes) + entry->size);
	err = fill(table, entry, cells, row);
	if (before / FORGET_BYTES != work->at / FORGET_BYTES)
		spool__forget(&work->rows);
	return err ? err : 1;
}

struct table *event_table__new(const char *name, const char *help)
{
	struct table *table = table__new(name, help, next);

	for (int i = 0; table && i < HEADS; i++) {
		if (table__own_column(table, event_heads[i].name, event_heads[i].type, event_heads[i].unit,
				      event_heads[i].help) < 0) {
			table__free(table);
			return NULL;
		}
		table->own = i + 1;
	}
	return table;
}

int event_source__new(struct event_source **out, struct table *table, const struct stream_info *info, uint32_t kind)
{
	const struct stream_event *event = &info->events[kind];
	struct event_source *source = calloc(1, sizeof(*source));
	int column;

	if (!source)
		return -ENOMEM;
	source->table = table;
	source->info = info;
	source->kind = kind;
	source->event = event;
	for (uint32_t i = 0; i < event->fields_count; i++) {
		const struct stream_field *field = &event->fields[i];
		const char *name = column__name(event, field->name);

		source->columns[i] = NO_COLUMN;
		if (!name)
			continue;
		column = table__column(table, name, column__of(name, field->type), field->unit, field->help);
		if (column < 0) {
			free(source);
			return column;
		}
		source->columns[i] = column;
	}
	*out = source;
	return 0;
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
	static const char zeros[8];
	struct table_work *work = source->table->work;
	struct entry entry = {
		.source = source,
		.ts = record->ts,
		.seq = record->seq,
		.start = record->start,
		.real_ns = record->real_ns,
		.marker = record->marker,
		.pid = record->pid,
		.tid = record->tid,
		.cpu = record->cpu,
		.run = record->run,
		.count = record->count,
		.size = record->size - record->values,
		.added = record->added,
	};
	size_t size = offsetof(struct entry, bytes) + entry.size;
	int err = work->rows.fd < 0 ? spool__open(&work->rows, work->api->out, ".events") : 0;

	work->count++;
	if (!err)
		err = spool__put(&work->rows, &entry, offsetof(struct entry, bytes));
	if (!err)
		err = spool__put(&work->rows, record->bytes + record->values, entry.size);
	return err ? err : spool__put(&work->rows, zeros, ALIGN(size) - size);
}
