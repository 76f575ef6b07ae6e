/* SPDX-License-Identifier: BSD-2-Clause */
/* The model's tables. A row travels as the packed values of its columns, then what is to be noted of them. */
#include <errno.h>
#include <string.h>

#include "core/pack.h"
#include "sinks/tables/table.h"

struct packer {
	struct buffer *out;
	const struct model_run *run;
	struct notes notes;
};

struct cell {
	const char *name;
	enum column_type type;
	/* Appends the value at `offset` of the row. 0, or not: no memory. */
	int (*pack)(struct packer *p, const struct cell *cell, const void *at);
	size_t offset, member; /* member: of what is pointed to */
	const char *unit, *help;
};

/* ---- packing ---- */

static int pack_null(struct packer *p, const struct cell *cell, unsigned reason)
{
	if (reason != EVENT_REASON_NONE)
		notes__add(&p->notes, cell->name, model_reason__name(reason));
	return pack_nil(p->out);
}

static int cell_number(struct packer *p, const struct cell *cell, const void *at)
{
	uint64_t number = *(const uint64_t *)at;

	return EVENT_IS_NULL(number) ? pack_null(p, cell, EVENT_NULL_REASON(number)) : pack_uint64(p->out, number);
}

static int cell_u32(struct packer *p, const struct cell *cell, const void *at)
{
	(void)cell;
	return pack_uint32(p->out, *(const uint32_t *)at);
}

static int cell_some(struct packer *p, const struct cell *cell, const void *at)
{
	return *(const uint32_t *)at ? cell_u32(p, cell, at) : pack_nil(p->out);
}

static int cell_depth(struct packer *p, const struct cell *cell, const void *at)
{
	int32_t depth = *(const int32_t *)at;

	(void)cell;
	return depth < 0 ? pack_nil(p->out) : pack_int32(p->out, depth);
}

static int cell_bool(struct packer *p, const struct cell *cell, const void *at)
{
	(void)cell;
	return *(const bool *)at ? pack_true(p->out) : pack_false(p->out);
}

static int cell_outcome(struct packer *p, const struct cell *cell, const void *at)
{
	const char *name = model_outcome__name(*(const enum model_outcome *)at);

	(void)cell;
	return pack__text(p->out, name, strlen(name));
}

/* char[]; nothing in it: null */
static int cell_chars(struct packer *p, const struct cell *cell, const void *at)
{
	(void)cell;
	return *(const char *)at ? pack__text(p->out, at, strlen(at)) : pack_nil(p->out);
}

/* char *; NULL: null */
static int cell_string(struct packer *p, const struct cell *cell, const void *at)
{
	const char *string = *(const char *const *)at;

	(void)cell;
	return string ? pack__text(p->out, string, strlen(string)) : pack_nil(p->out);
}

static int cell_run(struct packer *p, const struct cell *cell, const void *at)
{
	(void)at;
	return cell_string(p, cell, &p->run->info->run.id);
}

static int cell_host(struct packer *p, const struct cell *cell, const void *at)
{
	(void)at;
	return cell_string(p, cell, &p->run->info->host);
}

/* A time of the boot clock as UTC; why it is missing stands at the other column. */
static int cell_time(struct packer *p, const struct cell *cell, const void *at)
{
	uint64_t ts = *(const uint64_t *)at;

	(void)cell;
	return EVENT_IS_NULL(ts) ? pack_nil(p->out)
				 : pack_int64(p->out, p->run->real_ns + (int64_t)(ts - p->run->first_ts));
}

static int pack_strings(struct packer *p, const struct model_list *list)
{
	const char *item = list->data;
	int err = pack_array(p->out, list->count);

	for (uint32_t i = 0; i < list->count && !err; i++, item += strlen(item) + 1)
		err = pack__text(p->out, item, strlen(item));
	return err;
}

static int cell_list(struct packer *p, const struct cell *cell, const void *at)
{
	const struct model_command *command = *(const struct model_command *const *)at;
	const struct model_list *list = command ? (const void *)((const char *)command + cell->member) : NULL;

	if (!list || !list->data)
		return pack_null(p, cell, list ? list->reason : EVENT_REASON_NONE);
	if (list->reason)
		notes__add(&p->notes, cell->name, model_reason__name(list->reason));
	return pack_strings(p, list);
}

static int cell_text(struct packer *p, const struct cell *cell, const void *at)
{
	const struct model_command *command = *(const struct model_command *const *)at;
	const struct model_text *text = command ? (const void *)((const char *)command + cell->member) : NULL;

	if (!text || !text->data)
		return pack_null(p, cell, text ? text->reason : EVENT_REASON_NONE);
	if (text->reason)
		notes__add(&p->notes, cell->name, model_reason__name(text->reason));
	return pack__text(p->out, text->data, text->length);
}

static int cell_uid(struct packer *p, const struct cell *cell, const void *at)
{
	const struct model_command *command = *(const struct model_command *const *)at;

	return command ? cell_number(p, cell, &command->uid) : pack_nil(p->out);
}

/* What people group by: the arguments in full, as a shell would take them; "[comm]" if they are not known. */
static int pack_command(struct packer *p, const struct model_command *command, const char *comm, bool forked)
{
	struct text text = {0};
	int err;

	if (forked)
		text__printf(&text, "fork of ");
	if (command && command->args.length)
		text__arguments(&text, &command->args, true, SIZE_MAX);
	else
		text__printf(&text, "[%s]", comm);
	err = text.error || pack__text(p->out, text.data ? text.data : "", text.size);
	text__free(&text);
	return err;
}

static int cell_row_command(struct packer *p, const struct cell *cell, const void *at)
{
	const struct model_row *row = at;

	(void)cell;
	return pack_command(p, row->command, row->comm, row->forked);
}

static int cell_command(struct packer *p, const struct cell *cell, const void *at)
{
	const struct model_command *command = *(const struct model_command *const *)at;

	(void)cell;
	return command ? pack_command(p, command, model_command__name(command, "?"), false) : pack_nil(p->out);
}

static int cell_task_number(struct packer *p, const struct cell *cell, const void *at)
{
	const struct model_task *task = *(const struct model_task *const *)at;

	(void)cell;
	return task ? pack_uint32(p->out, task->number) : pack_nil(p->out);
}

static int cell_task_step(struct packer *p, const struct cell *cell, const void *at)
{
	const struct model_task *task = *(const struct model_task *const *)at;

	return task ? cell_string(p, cell, &task->step) : pack_nil(p->out);
}

/* clang-format off */
#define AT(s, member) offsetof(struct s, member)
#define ROW(member) offsetof(struct model_row, member)
#define TASK(member) offsetof(struct model_task, member)
#define COMMAND(member) offsetof(struct model_command, member)

#define CELLS_IO(s)                                                                                          \
	{ "read_chars", COLUMN_U64, cell_number, AT(s, io[MODEL_IO_READ_CHARS]), 0, "bytes",                     \
	  "read, from wherever" },                                                                               \
	{ "write_chars", COLUMN_U64, cell_number, AT(s, io[MODEL_IO_WRITE_CHARS]), 0, "bytes",                   \
	  "written, to wherever" },                                                                              \
	{ "read_syscalls", COLUMN_U64, cell_number, AT(s, io[MODEL_IO_READ_SYSCALLS]), 0, NULL, "calls" },       \
	{ "write_syscalls", COLUMN_U64, cell_number, AT(s, io[MODEL_IO_WRITE_SYSCALLS]), 0, NULL, "calls" },     \
	{ "read_bytes", COLUMN_U64, cell_number, AT(s, io[MODEL_IO_READ_BYTES]), 0, "bytes",                     \
	  "fetched from storage" },                                                                              \
	{ "write_bytes", COLUMN_U64, cell_number, AT(s, io[MODEL_IO_WRITE_BYTES]), 0, "bytes",                   \
	  "sent to storage" },                                                                                   \
	{ "cancelled_write_bytes", COLUMN_U64, cell_number, AT(s, io[MODEL_IO_CANCELLED_WRITE_BYTES]), 0,        \
	  "bytes", "of them, what was thrown away before it was sent" }

#define CELLS_TIMES(s)                                                                                       \
	{ "began", COLUMN_TIME, cell_time, AT(s, began_ns), 0, NULL, "when, UTC" },                              \
	{ "ended", COLUMN_TIME, cell_time, AT(s, ended_ns), 0, NULL, "when, UTC" },                              \
	{ "began_ns", COLUMN_U64, cell_number, AT(s, began_ns), 0, "ns", "when, on the boot clock" },            \
	{ "ended_ns", COLUMN_U64, cell_number, AT(s, ended_ns), 0, "ns", "when, on the boot clock" },            \
	{ "wall_ns", COLUMN_U64, cell_number, AT(s, wall_ns), 0, "ns", "from the one to the other; so far if it still runs" }

#define CELLS_CPU(s)                                                                                         \
	{ "cpu_ns", COLUMN_U64, cell_number, AT(s, cpu_ns), 0, "ns", "CPU time of all threads" },                \
	{ "user_ns", COLUMN_U64, cell_number, AT(s, user_ns), 0, "ns", "of it, in the program" },                \
	{ "system_ns", COLUMN_U64, cell_number, AT(s, system_ns), 0, "ns", "of it, in the kernel" }

#define CELLS_RUN                                                                                            \
	{ "run", COLUMN_TEXT, cell_run, 0, 0, NULL, "the run's id" },                                            \
	{ "host", COLUMN_TEXT, cell_host, 0, 0, NULL, "where it ran" }

static const struct cell processes[] = {
	CELLS_RUN,
	{ "pid", COLUMN_U32, cell_u32, ROW(pid), 0, NULL, "process, in the initial pid namespace" },
	{ "start", COLUMN_U64, cell_number, ROW(start), 0, "ns",
	  "the process's start on the boot clock; (pid, start) names a process" },
	{ "ppid", COLUMN_U32, cell_some, ROW(ppid), 0, NULL, "its parent" },
	{ "parent_start", COLUMN_U64, cell_number, ROW(parent_start), 0, "ns", "its parent's start" },
	{ "depth", COLUMN_I32, cell_depth, ROW(depth), 0, NULL, "below the run's root, which has 0" },
	{ "exec", COLUMN_U32, cell_u32, ROW(image), 0, NULL,
	  "which program of its process, from 1; 0: it executed none that was seen" },
	{ "task", COLUMN_U32, cell_task_number, ROW(task), 0, NULL, "of the table steps" },
	{ "step", COLUMN_TEXT, cell_task_step, ROW(task), 0, NULL, "the pipeline's step it belongs to" },
	{ "comm", COLUMN_TEXT, cell_chars, ROW(comm), 0, NULL, "the kernel's name of the process" },
	{ "exe", COLUMN_TEXT, cell_text, ROW(command), COMMAND(exe), NULL, "path of the program" },
	{ "args", COLUMN_LIST, cell_list, ROW(command), COMMAND(args), NULL, "its arguments" },
	{ "command", COLUMN_TEXT, cell_row_command, 0, 0, NULL,
	  "its arguments as a shell would take them; [comm] where they are not known" },
	{ "cwd", COLUMN_TEXT, cell_text, ROW(command), COMMAND(cwd), NULL, "where it was started" },
	{ "uid", COLUMN_U64, cell_uid, ROW(command), 0, NULL, "user" },
	CELLS_TIMES(model_row),
	CELLS_CPU(model_row),
	{ "peak_rss_bytes", COLUMN_U64, cell_number, ROW(peak_rss_bytes), 0, "bytes", "most memory it held" },
	{ "sampled_rss_bytes", COLUMN_U64, cell_number, ROW(sampled_rss_bytes), 0, "bytes",
	  "most that a sample saw: a lower bound" },
	CELLS_IO(model_row),
	{ "exit_code", COLUMN_U32, cell_number, ROW(exit_code), 0, NULL, "of its process" },
	{ "signal", COLUMN_U32, cell_number, ROW(signal), 0, NULL, "that killed it" },
	{ "signal_name", COLUMN_TEXT, cell_chars, ROW(signal_name), 0, NULL, "that killed it" },
	{ "core_dumped", COLUMN_BOOL, cell_bool, ROW(core_dumped), 0, NULL, "it left a core" },
	{ "outcome", COLUMN_TEXT, cell_outcome, ROW(outcome), 0, NULL,
	  "ok, failed, killed, oom, running, unknown" },
	{ "root", COLUMN_BOOL, cell_bool, ROW(root), 0, NULL, "it is the run's root" },
	{ "last", COLUMN_BOOL, cell_bool, ROW(last), 0, NULL, "its process's last: one such row a process" },
	{ "forked", COLUMN_BOOL, cell_bool, ROW(forked), 0, NULL,
	  "it executed nothing: exe and args are its parent's" },
	{ "older", COLUMN_BOOL, cell_bool, ROW(older), 0, NULL, "it existed before the collector" },
	{ "benign", COLUMN_BOOL, cell_bool, ROW(benign), 0, NULL,
	  "its status says something else than failure: grep found nothing" },
	{ "passed_on", COLUMN_BOOL, cell_bool, ROW(propagated), 0, NULL,
	  "it ended with the status of a child that had failed" },
	{ "tried", COLUMN_LIST, cell_list, ROW(tried), COMMAND(args), NULL, "what it tried to execute in vain" },
	{ "tried_error", COLUMN_TEXT, cell_chars, ROW(tried_error), 0, NULL, "why that failed" },
};

static const struct cell steps[] = {
	CELLS_RUN,
	{ "task", COLUMN_U32, cell_u32, TASK(number), 0, NULL, "number in its run" },
	{ "parent", COLUMN_U32, cell_some, TASK(parent), 0, NULL, "the task around it" },
	{ "step", COLUMN_TEXT, cell_string, TASK(step), 0, NULL, "the pipeline's step that it executes" },
	{ "id", COLUMN_TEXT, cell_string, TASK(id), 0, NULL, "what the pipeline's engine calls it" },
	{ "rules", COLUMN_TEXT, cell_string, TASK(rules), 0, NULL, "the set of rules that found it" },
	{ "pid", COLUMN_U32, cell_u32, TASK(pid), 0, NULL, "the process it began with" },
	{ "start", COLUMN_U64, cell_number, TASK(start), 0, "ns", "that one's start" },
	{ "command", COLUMN_TEXT, cell_command, TASK(command), 0, NULL, "what it began with" },
	CELLS_TIMES(model_task),
	{ "programs", COLUMN_U64, cell_number, TASK(rows), 0, NULL, "rows of processes" },
	{ "processes", COLUMN_U64, cell_number, TASK(processes), 0, NULL, "processes" },
	{ "programs_without_cpu", COLUMN_U64, cell_number, TASK(rows_without_cpu), 0, NULL,
	  "programs whose CPU time is not known" },
	{ "programs_without_peak", COLUMN_U64, cell_number, TASK(rows_without_peak), 0, NULL,
	  "programs whose peak of memory is not known" },
	CELLS_CPU(model_task),
	{ "peak_rss_bytes", COLUMN_U64, cell_number, TASK(peak_rss_bytes), 0, "bytes",
	  "most that one program held; by samples where the kernel did not count" },
	{ "sum_rss_bytes", COLUMN_U64, cell_number, TASK(rss_peak_bytes), 0, "bytes",
	  "most that its processes held at once, by their samples" },
	CELLS_IO(model_task),
	{ "failed", COLUMN_U64, cell_number, TASK(failed), 0, NULL, "programs that failed or were killed" },
	{ "hidden", COLUMN_U64, cell_number, TASK(hidden), 0, NULL, "of them, those hidden by an ancestor that exited 0" },
	{ "exit_code", COLUMN_U32, cell_number, TASK(exit_code), 0, NULL, "of the process it began with" },
	{ "signal", COLUMN_U32, cell_number, TASK(signal), 0, NULL, "that killed that one" },
	{ "outcome", COLUMN_TEXT, cell_outcome, TASK(outcome), 0, NULL, "of the process it began with" },
};

static const struct cell hidden[] = {
	CELLS_RUN,
	{ "pid", COLUMN_U32, cell_u32, AT(hidden_row, pid), 0, NULL, "the process that failed" },
	{ "start", COLUMN_U64, cell_number, AT(hidden_row, start), 0, "ns", "its start" },
	{ "exec", COLUMN_U32, cell_u32, AT(hidden_row, exec), 0, NULL, "which program of it" },
	{ "by_pid", COLUMN_U32, cell_u32, AT(hidden_row, by_pid), 0, NULL, "the ancestor that ended 0 all the same" },
	{ "by_command", COLUMN_TEXT, cell_command, AT(hidden_row, by), 0, NULL, "what that one executed" },
};
/* clang-format on */

#define COUNT(list) (sizeof(list) / sizeof(*(list)))

static const struct {
	const char *name, *help;
	const struct cell *cells;
	size_t count;
} tables[MODEL_TABLES] = {
	[MODEL_PROCESSES] = {"processes", "every executed program, and every process that executed none", processes,
			     COUNT(processes)},
	[MODEL_STEPS] = {"steps", "every execution of a step of the pipeline", steps, COUNT(steps)},
	[MODEL_HIDDEN] = {"hidden_failures", "programs that failed under an ancestor that ended 0", hidden,
			  COUNT(hidden)},
};

int model_table__write(const struct table *table, enum model_table which, const void *row, struct buffer *scratch)
{
	struct packer p = {.out = scratch, .run = *(const struct model_run *const *)row};
	const struct cell *cell = tables[which].cells, *end = cell + tables[which].count;
	struct notes *notes;
	uint8_t *entry;
	int err = 0;

	scratch->size = 0;
	for (; cell < end && !err; cell++)
		err = cell->pack(&p, cell, (const char *)row + cell->offset);
	if (err)
		return -ENOMEM;
	/* the notes' pointers are to texts that stay: they go as they are */
	entry = queue__put(&table->work->queue, sizeof(uint64_t) + sizeof(*notes) + scratch->size);
	if (!entry)
		return queue__stopped(&table->work->queue) ? -ECANCELED : -ENOMEM;
	*(uint64_t *)entry = scratch->size;
	notes = (struct notes *)(entry + sizeof(uint64_t));
	notes->count = p.notes.count;
	memcpy(notes->list, p.notes.list, p.notes.count * sizeof(*notes->list));
	memcpy(notes + 1, scratch->data, scratch->size);
	return 0;
}

static int fill(const struct table *table, const void *at, struct cells *cells, idx_t row)
{
	const struct notes *told = (const struct notes *)((const uint64_t *)at + 1);
	struct cursor c = {(const uint8_t *)(told + 1), (const uint8_t *)(told + 1) + *(const uint64_t *)at};
	struct notes notes = {.count = told->count};
	struct value value = {0};
	const char *reason;
	size_t i;

	memcpy(notes.list, told->list, told->count * sizeof(*told->list));
	for (i = 0; i + 1 < table->columns_count; i++) {
		if (!cursor__value(&c, &value))
			return -EBADMSG;
		reason = cells__put(&cells[i], row, &value, c.end);
		if (reason)
			notes__add(&notes, table->columns[i].name, reason);
	}
	cells__put_notes(&cells[i], row, &notes);
	return 0;
}

struct table *model_table__new(enum model_table which)
{
	struct table *table = table__new(tables[which].name, tables[which].help, fill);

	for (size_t i = 0; table && i < tables[which].count; i++) {
		const struct cell *cell = &tables[which].cells[i];

		if (table__own_column(table, cell->name, cell->type, cell->unit, cell->help) < 0) {
			table__free(table);
			return NULL;
		}
	}
	return table;
}
