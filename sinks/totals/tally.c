/* SPDX-License-Identifier: BSD-2-Clause */
/* Sums up rows for sinks that people read. */
#include "sinks/totals/tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/model/model.h"

/* The command of a failure: of a fork that could not execute its program, that program. */
static const struct model_command *subject(const struct model_row *row)
{
	return row->forked && row->tried ? row->tried : row->command;
}

/* Its string, to be freed; NULL: out of memory. */
static char *string_of(struct text *text)
{
	if (text->error)
		text__free(text);
	return text->data;
}

/* The program of a row of a table, and what replaced it. */
static char *program(const struct model_row *row)
{
	struct text text = {0};

	text__command(&text, row->command, row->comm, row->forked);
	if (row->next) {
		text__printf(&text, "  (");
		text__replaced(&text, row->next);
		text__printf(&text, ")");
	}
	return string_of(&text);
}

/* The step of a row of a table; 0 or -ENOMEM. */
static int set_row_step(struct tally_row *to, const struct model_task *task)
{
	struct text text = {0};

	if (!task)
		return 0;
	text__step(&text, task->step, task->tag, task->id);
	to->step = string_of(&text);
	return text.error;
}

static void row__free(struct tally_row *row)
{
	free(row->shown);
	free(row->step);
}

static char *shown(const struct model_command *command, const char *comm, bool forked, bool whole)
{
	struct text text = {0};

	(whole ? text__all_arguments_of : text__command)(&text, command, comm, forked);
	return string_of(&text);
}

/* ---- the longest, the largest ---- */

static int offer(struct tally_top *top, uint64_t key, const struct model_row *row)
{
	struct tally_row *rows = top->rows,
			 new = {.key = key, .pid = row->pid, .began_ns = row->began_ns, .cpu_ns = row->cpu_ns};
	size_t at = top->count;

	if (EVENT_IS_NULL(key) || (top->count == top->size && rows[top->count - 1].key >= key))
		return 0;
	new.shown = program(row);
	if (!new.shown || set_row_step(&new, row->task)) {
		row__free(&new);
		return -ENOMEM;
	}
	new.wall_ns = row->wall_ns;
	new.peak_bytes = model_row__peak(row, &new.bound);
	if (top->count == top->size)
		row__free(&rows[--at]);
	else
		top->count++;
	for (; at > 0 && rows[at - 1].key < key; at--)
		rows[at] = rows[at - 1];
	rows[at] = new;
	return 0;
}

/* One that still runs has its wall up to the last record, as others that do: then the longest. */
static int offer_last(struct tally_top *last, const struct model_row *row)
{
	uint64_t until = row->began_ns + row->wall_ns;

	if (last->count && last->rows[0].key == until && last->rows[0].wall_ns < row->wall_ns)
		row__free(&last->rows[--last->count]);
	return offer(last, until, row);
}

static int top__init(struct tally_top *top, size_t size)
{
	top->size = size;
	top->rows = calloc(size, sizeof(*top->rows));
	return top->rows ? 0 : -ENOMEM;
}

static void top__free(struct tally_top *top)
{
	for (size_t i = 0; i < top->count; i++)
		row__free(&top->rows[i]);
	free(top->rows);
}

/* ---- failures ---- */

/* Of too many tasks the failures are of one kind. */
#define TASKS_MAX (TALLY_KINDS_MAX / 2)
#define ANY_TASK 1

/* 0: of none, or the step only repeats the command. */
static uint64_t task_key(const char *name, const char *step, const char *tag, const char *id)
{
	const char *names[] = {step, tag, id};
	bool repeats = !step || (!tag && !id && !strcmp(step, name));
	uint64_t key = 0;

	for (size_t i = 0; !repeats && i < sizeof(names) / sizeof(*names); i++)
		key = names[i] ? hash__bytes(key, names[i], strlen(names[i])) : hash__number(key, i);
	return key;
}

static uint64_t failure_key(const struct model_row *row, const char *name)
{
	uint64_t key = hash__number(row->exit_code, row->signal);

	return hash__bytes(hash__number(key, (uint64_t)row->outcome << 1 | row->forked), name, strlen(name));
}

static struct tally_failure *find(const struct tally *tally, const struct model_row *row, uint64_t task)
{
	const char *name = model_command__name(subject(row), row->comm);
	struct hash_node *node = hash__first(&tally->failures, failure_key(row, name));

	for (; node; node = hash__next(node)) {
		struct tally_failure *failure = tally_failure__of(node);

		if (failure->task == task && failure->row.exit_code == row->exit_code &&
		    failure->row.signal == row->signal && failure->row.outcome == row->outcome &&
		    failure->row.forked == row->forked && failure->row.sender == row->sender &&
		    !strcmp(failure->row.sender_comm, row->sender_comm) && !strcmp(failure->name, name))
			return failure;
	}
	return NULL;
}

static struct tally_failure *find_any(const struct tally *tally, const struct model_row *row, uint64_t task)
{
	struct tally_failure *failure = find(tally, row, task);

	return failure || !task ? failure : find(tally, row, ANY_TASK);
}

static uint64_t task_of(const struct model_row *row)
{
	const struct model_task *task = row->task;

	return task ? task_key(model_command__name(subject(row), row->comm), task->step, task->tag, task->id) : 0;
}

struct tally_failure *tally__failure(const struct tally *tally, const struct model_ending *ending)
{
	struct model_row row = ending->row;

	row.command = ending->command;
	row.tried = ending->tried;
	return find_any(tally, &row,
			task_key(model_command__name(subject(&row), row.comm), ending->step, ending->tag, ending->id));
}

static void failure__free(struct tally_failure *failure)
{
	free(failure->shown);
	free(failure->step);
	free(failure->parent);
	free(failure->by);
	free(failure->how);
	free(failure->limit);
	free(failure->others);
	free(failure->began);
	more__free(failure);
	free(failure);
}

/* The steps of a failure, with ids. */
static int set_step(struct tally_failure *failure, const struct model_task *task)
{
	struct text text = {0};

	if (task)
		text__steps(&text, failure->name, task->step, task->tag, task->id, task->within);
	failure->step = string_of(&text);
	return text.error;
}

static char *phrase(const struct model_oom *oom, void (*put)(const struct model_oom *, struct text *))
{
	struct text text = {0};

	put(oom, &text);
	return string_of(&text);
}

static int set_oom(struct tally_failure *failure, const struct model_oom *oom)
{
	if (!oom)
		return 0;
	failure->limit = phrase(oom, model_oom__limit);
	failure->others = phrase(oom, model_oom__others);
	return failure->limit && failure->others ? 0 : -ENOMEM;
}

static int set_how(struct tally_failure *failure, const struct model_row *row)
{
	struct text text = {0};

	model_row__how(row, &text);
	failure->how = string_of(&text);
	return text.error;
}

/* What counts as no failure, as its caller may have meant it: here the caller has failed too. */
static int set_began(struct tally_failure *failure, const struct model_row *row)
{
	const struct model_ending *began = row->ending ? model_ending__origin(row->ending->cause) : NULL;
	bool tried;

	if (!began)
		return 0;
	tried = began->row.forked && began->tried;
	failure->began =
		shown(tried ? began->tried : began->command, began->row.comm, began->row.forked && !tried, true);
	failure->began_as = (struct model_ending){.row = began->row, .among = began->among};
	memcpy(failure->began_as.among_of, began->among_of, EVENT_COMM);
	failure->began_as.row.sender_limit = NULL;
	return failure->began ? 0 : -ENOMEM;
}

static char *command_of(const struct model_row *row)
{
	return shown(subject(row), row->comm, row->forked && !row->tried, true);
}

static struct tally_failure *failure__new(struct tally *tally, const struct model_row *row)
{
	const char *name = model_command__name(subject(row), row->comm);
	struct tally_failure *failure = calloc(1, sizeof(*failure) + strlen(name) + 1);
	uint64_t task = task_of(row);

	if (!failure)
		return NULL;
	failure->row = *row;
	failure->task = task && tally->failures.count >= TASKS_MAX ? ANY_TASK : task;
	failure->order = tally->run.failed;
	failure->shell = model_command__is_shell(row->command, row->comm);
	strcpy(failure->name, name);
	failure->shown = command_of(row);
	if (row->parent)
		failure->parent = shown(row->parent, "", false, false);
	if (!failure->shown || (row->parent && !failure->parent) || set_step(failure, row->task) ||
	    set_how(failure, row) || set_oom(failure, row->oom) || set_began(failure, row) ||
	    hash__add(&tally->failures, &failure->node, failure_key(row, name))) {
		failure__free(failure);
		return NULL;
	}
	return failure;
}

/* The kernel closes accounts in any order: a row may come after those of processes that ended after it. Or it is one that is
 * left when the first was excused. */
static int take_its_place(struct tally *tally, struct tally_failure *failure, const struct model_row *row)
{
	struct tally_failure *first;

	hash__remove(&tally->failures, &failure->node);
	first = failure__new(tally, row);
	if (!first)
		return hash__add(&tally->failures, &failure->node, failure_key(row, failure->name)), -ENOMEM;
	first->order = failure->order;
	first->task = failure->task;
	first->count = failure->count + !failure->excused;
	first->hidden = failure->hidden;
	first->announced = failure->announced;
	first->by = failure->by;
	failure->by = NULL;
	memcpy(first->more, failure->more, sizeof(first->more));
	first->more_count = failure->more_count;
	failure->more_count = 0;
	more__drop(first, row);
	if (!failure->excused) {
		more__keep(first, &failure->row, failure->shown);
		failure->shown = NULL;
	}
	failure__free(failure);
	return 0;
}

static int count_failure(struct tally *tally, const struct model_row *row)
{
	struct tally_failure *failure;
	char *command;

	if (!model_outcome__bad(row->outcome) || row->propagated)
		return 0;
	failure = find_any(tally, row, task_of(row));
	if (!failure && tally->failures.count < TALLY_KINDS_MAX) {
		failure = failure__new(tally, row);
		if (!failure)
			return -ENOMEM;
	}
	if (!failure)
		return 0;
	if (failure->count && !EVENT_IS_NULL(row->ended_ns) && row->ended_ns < failure->row.ended_ns)
		return take_its_place(tally, failure, row);
	if (!failure->count++)
		return 0;
	command = command_of(row);
	if (command)
		more__keep(failure, row, command);
	return command ? 0 : -ENOMEM;
}

int tally__hidden(struct tally *tally, const struct model_row *row, uint32_t pid, const struct model_command *by)
{
	struct tally_failure *failure = row->propagated ? NULL : find_any(tally, row, task_of(row));
	int err = totals__hidden(&tally->run, &tally->commands, &tally->steps, row, false);

	if (!err && row->propagated)
		err = tally__passed(tally, row);
	if (!err && failure && failure->excused)
		err = take_its_place(tally, failure, row);
	failure = failure && !err ? find_any(tally, row, task_of(row)) : NULL;
	if (!failure)
		return err;
	failure->hidden++;
	if (err || failure->by || pid == row->ppid || !by)
		return err;
	failure->by = shown(by, "", false, false);
	return failure->by ? 0 : -ENOMEM;
}

static void take_back(struct tally *tally, const struct model_row *row)
{
	struct tally_failure *failure = row->propagated ? NULL : find_any(tally, row, task_of(row));

	if (!failure)
		return;
	failure->count--;
	more__drop(failure, row);
	failure->excused |= failure->row.pid == row->pid && failure->row.start == row->start;
}

/* Under the name and tag of a task, or if that is NULL its command. */
static int excuse(struct tally *tally, const struct model_row *row, const struct model_task *task, enum tally_excuse as)
{
	struct text text = {0};
	int err;

	if (task)
		text__step(&text, task->step, task->tag, NULL);
	else
		text__all_arguments_of(&text, subject(row), row->comm, row->forked && !row->tried);
	err = text.error ? text.error : excused__count(tally, row, &text, as);
	text__free(&text);
	return err;
}

int tally__suspected(struct tally *tally, const struct model_row *row)
{
	int err = 0;

	if (!row->propagated && model_row__timed_out(row))
		err = excuse(tally, row, NULL, TALLY_TIMED_OUT);

	take_back(tally, row);
	return err ? err : totals__hidden(&tally->run, &tally->commands, &tally->steps, row, true);
}

/* By the name and tag of its task, if it has a tag, else by its command. */
int tally__retried(void *arg, const struct model_row *row)
{
	struct tally *tally = row->run->user;
	int err = 0;

	(void)arg;
	if (!row->propagated)
		err = excuse(tally, row, row->task && row->task->tag ? row->task : NULL, TALLY_RETRIED);
	take_back(tally, row);
	return err ? err : totals__retried(&tally->run, &tally->commands, row);
}

/* Once a task: by its first process, with the code that its engine has ignored. What was only asked is a count. */
int tally__ignored(void *arg, const struct model_row *row)
{
	bool question = row->ending && model_expected__is_question(row->ending->expected);
	const struct model_task *task = question ? NULL : row->task;
	struct tally *tally = row->run->user;
	int err = 0;

	(void)arg;
	if (task && task->pid == row->pid && task->start == row->start)
		err = excuse(tally, row, task, TALLY_IGNORED);
	take_back(tally, row);
	return err ? err : totals__ignored(&tally->run, &tally->commands, row);
}

int tally__task(void *arg, const struct model_task *task)
{
	struct tally *tally = task->run->user;

	(void)arg;
	return totals__task(&tally->steps, task);
}

int tally__process(void *arg, const struct model_process *process)
{
	struct tally *tally = process->row.run->user;

	(void)arg;
	return wrote__process(&tally->wrote, &process->row);
}

/* ---- the tally ---- */

int tally__circumstances(struct tally *tally, const struct model_row *row)
{
	int err = tally__waited(tally, row);

	return err ? err : tally__answer(tally, row);
}

int tally__row(struct tally *tally, const struct model_row *row)
{
	bool bound;
	int err = totals__row(&tally->run, &tally->commands, row);

	err = err ? err : count_failure(tally, row);
	err = err ? err : tally__circumstances(tally, row);
	err = err || row->root ? err : offer(&tally->longest, row->wall_ns, row);
	err = err ? err : offer(&tally->largest, model_row__peak(row, &bound), row);
	if (!err && row->outcome == MODEL_RUNNING && !row->root)
		err = offer(&tally->open, row->wall_ns, row);
	if (!err && !row->root && !EVENT_IS_NULL(row->wall_ns) && row->wall_ns >= TALLY_LEFT_NS)
		err = offer_last(&tally->last, row);
	return err;
}

int tally__init(struct tally *tally, const struct model_run *run, size_t top)
{
	totals_run__init(&tally->run, run);
	if (top__init(&tally->longest, top) || top__init(&tally->largest, top) || top__init(&tally->open, top) ||
	    top__init(&tally->last, 1))
		return -ENOMEM;
	return 0;
}

void tally__free(struct tally *tally)
{
	top__free(&tally->longest);
	top__free(&tally->largest);
	top__free(&tally->open);
	top__free(&tally->last);
	totals_groups__free(&tally->commands);
	totals_groups__free(&tally->steps);
	for (size_t i = 0; i < tally->failures.size; i++)
		for (struct hash_node *node = tally->failures.slots[i], *next; node; node = next) {
			next = node->next;
			failure__free(tally_failure__of(node));
		}
	hash__free(&tally->failures);
	wrote__free(&tally->wrote);
	tally__free_waited(tally);
	tally__free_answers(tally);
	hash__free_all(&tally->excused, offsetof(struct tally_excused, node));
	hash__free_all(&tally->passers, offsetof(struct tally_passer, node));
}
