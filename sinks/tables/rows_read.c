/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads the rows of the model's tables. */
#include "sinks/tables/cell.h"
#include "sinks/tables/kept.h"
#include "sinks/tables/table.h"

struct entry {
	const struct model_rows *rows;
	const struct sort_key *key;
	struct process_known known; /* once it was asked for */
	bool asked;
};

static void fill_late(struct entry *entry, enum late late, struct cells *cells, idx_t row, struct scratch *scratch)
{
	struct process_key key = {entry->key->run, entry->key->pid, entry->key->start};
	struct process_known *known = &entry->known;
	struct value value = {.type = VALUE_NULL};

	if (!entry->asked)
		*known = process_tree__find(&entry->rows->tree, key, entry->key->exec);
	entry->asked = true;
	if (late == LATE_RETRIED || late == LATE_IGNORED) {
		value.boolean = known->excuse == (late == LATE_RETRIED ? PROCESS_RETRIED : PROCESS_IGNORED);
		value.type = VALUE_BOOL;
	} else if (late == LATE_HIDDEN_BY) {
		value.string = known->hidden_by;
		value.length = known->hidden_by_length;
		value.type = value.string ? VALUE_STRING : VALUE_NULL;
	} else if (known->order) {
		value.type = VALUE_UINT;
		value.u = late == LATE_CHILDREN ? known->children : known->order;
	}
	cells__put(cells, row, &value, NULL, scratch);
}

static void fill_part(const struct table *table, struct entry *entry, int i, struct cells *cells, idx_t row,
		      struct notes *notes)
{
	const struct part *part = sorted__part_of(&entry->rows->sorted, entry->key, i);
	const struct cell *cell = table->work->info->parts[i].cells, *end = cell + table->work->info->parts[i].count;
	struct scratch *scratch = &table->work->scratch;
	const uint8_t *at = (const uint8_t *)(part + 1);
	size_t size = part->notes * sizeof(*notes->list);
	struct value value = {0};

	memcpy(notes->list + notes->count, at, size);
	notes->count += part->notes;
	at += size;
	for (; cell < end; cell++, cells++) {
		if (!cell->pack) {
			fill_late(entry, cell->member, cells, row, scratch);
			continue;
		}
		at = kept__take(at, &value);
		notes__add(notes, cell->name, cells__put(cells, row, &value, at, scratch));
	}
}

static void fill(const struct table *table, struct entry *entry, struct cells *cells, idx_t row)
{
	const struct model_table_info *info = table->work->info;
	struct notes notes;

	notes.count = 0;
	fill_part(table, entry, 0, cells, row, &notes);
	cells += info->parts[0].count;
	if (info->parts[1].cells)
		fill_part(table, entry, 1, cells, row, &notes);
	cells__put_notes(cells + info->parts[1].count, row, &notes, &table->work->scratch);
}

/* The kernel maps so much around what is read, and may take it back after some of these: rows that follow each other in the
 * table lie near each other. */
#define WINDOW_BYTES (64U << 10)
#define FORGET_WINDOWS 128

static void forget(struct table_work *work, uint64_t window)
{
	if (window == work->window)
		return;
	work->window = window;
	if (++work->windows % FORGET_WINDOWS)
		return;
	sorted__forget(&work->model->sorted);
	process_tree__forget(&work->model->tree);
}

static int next(const struct table *table, struct cells *cells, idx_t row)
{
	struct table_work *work = table->work;
	const struct sorted *sorted = &work->model->sorted;
	size_t which = work->info - model_tables;
	struct entry entry;

	if (work->at == table__rows(table))
		return 0;
	entry.rows = work->model;
	entry.key = sorted__row(sorted, which, work->at++);
	entry.asked = false;
	fill(table, &entry, cells, row);
	forget(work, entry.key->parts[0] / WINDOW_BYTES);
	return 1;
}

struct table *model_table__new(enum model_table which, const struct model_rows *rows)
{
	struct table *table = table__new(model_tables[which].name, model_tables[which].help, next);

	if (table) {
		table->work->info = &model_tables[which];
		table->work->model = rows;
	}
	for (int part = 0; part < 2 && table; part++) {
		for (size_t i = 0; table && i < model_tables[which].parts[part].count; i++) {
			const struct cell *cell = &model_tables[which].parts[part].cells[i];

			if (table__own_column(table, cell->name, cell->type, cell->unit, cell->help) < 0) {
				table__free(table);
				table = NULL;
			}
		}
	}
	return table;
}
