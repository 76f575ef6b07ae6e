/* SPDX-License-Identifier: BSD-2-Clause */
/* Folds rows into what a summary says. */
#include "sinks/summary/tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/model/model.h"

#define COMMANDS_MAX 10000
#define FAILURES_MAX 1000

/* ---- sums ---- */

static void add(struct tally_sum *sum, uint64_t value)
{
	if (!EVENT_IS_NULL(value)) {
		sum->value += value;
		sum->known++;
	} else if (EVENT_NULL_REASON(value) != MODEL_REASON_REPLACED) {
		sum->missing++; /* what is counted elsewhere is not missing */
	}
}

/* A row's peak, or the largest sample where that is all there is. */
static uint64_t peak_of(const struct model_row *row, bool *bound)
{
	*bound = EVENT_IS_NULL(row->peak_rss_bytes) && !EVENT_IS_NULL(row->sampled_rss_bytes);
	return *bound ? row->sampled_rss_bytes : row->peak_rss_bytes;
}

static uint64_t wall_of(const struct model_row *row)
{
	if (row->outcome == MODEL_RUNNING && row->run->last_ts > row->began_ns)
		return row->run->last_ts - row->began_ns;
	return row->wall_ns;
}

static void note_missing(struct tally *tally, enum tally_missing what, uint64_t value)
{
	if (EVENT_IS_NULL(value) && EVENT_NULL_REASON(value) != MODEL_REASON_REPLACED)
		tally->missing[what][EVENT_NULL_REASON(value)]++;
}

/* What a failure is about: a fork that could not execute its program is about that program. */
static const struct model_command *subject(const struct model_row *row)
{
	return row->forked && row->tried ? row->tried : row->command;
}

static char *shown(const struct model_command *command, const char *comm, bool forked)
{
	struct text text = {0};

	text__command(&text, command, comm, forked);
	if (text.error)
		text__free(&text);
	return text.data;
}

/* ---- the longest, the largest ---- */

static int offer(struct tally_top *top, uint64_t key, const struct model_row *row)
{
	struct tally_row *rows = top->rows, new = {.key = key, .pid = row->pid, .cpu_ns = row->cpu_ns};
	size_t at = top->count;

	if (EVENT_IS_NULL(key) || (top->count == top->size && rows[top->count - 1].key >= key))
		return 0;
	new.shown = shown(row->command, row->comm, row->forked);
	if (!new.shown)
		return -ENOMEM;
	new.wall_ns = wall_of(row);
	new.peak_bytes = peak_of(row, &new.bound);
	if (top->count == top->size)
		free(rows[--at].shown);
	else
		top->count++;
	for (; at > 0 && rows[at - 1].key < key; at--)
		rows[at] = rows[at - 1];
	rows[at] = new;
	return 0;
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
		free(top->rows[i].shown);
	free(top->rows);
}

/* ---- commands ---- */

static struct tally_command *command__new(struct tally_commands *commands, const char *name, bool forked, uint64_t key)
{
	struct tally_command *command = calloc(1, sizeof(*command) + strlen(name) + 1);

	if (!command)
		return NULL;
	command->forked = forked;
	strcpy(command->name, name);
	if (hash__add(&commands->hash, &command->node, key)) {
		free(command);
		return NULL;
	}
	return command;
}

static struct tally_command *command__get(struct tally_commands *commands, const char *name, bool forked)
{
	uint64_t key = hash__bytes(forked, name, strlen(name));
	struct hash_node *node = hash__first(&commands->hash, key);

	for (; node; node = hash__next(node))
		if (tally_command__of(node)->forked == forked && !strcmp(tally_command__of(node)->name, name))
			return tally_command__of(node);
	if (commands->hash.count < COMMANDS_MAX)
		return command__new(commands, name, forked, key);
	if (!commands->other)
		commands->other = command__new(commands, "(other)", false, 0);
	return commands->other;
}

static void set_peak(struct tally_peak *to, uint64_t peak, bool bound)
{
	if (EVENT_IS_NULL(peak) || (to->known++ && peak <= to->value))
		return;
	to->value = peak;
	to->bound = bound;
}

static int count_command(struct tally *tally, const struct model_row *row)
{
	const char *name = model_command__name(row->command, row->comm);
	struct tally_command *command = command__get(&tally->commands, name, row->forked);
	bool bound;
	uint64_t peak = peak_of(row, &bound);

	if (!command)
		return -ENOMEM;
	command->runs++;
	command->failed += model_outcome__bad(row->outcome);
	add(&command->cpu, row->cpu_ns);
	add(&command->wall, wall_of(row));
	set_peak(&command->peak, peak, bound);
	return 0;
}

int tally__task(struct tally *tally, const struct model_task *task)
{
	struct tally_command *step = command__get(&tally->steps, task->step, false);

	if (!step)
		return -ENOMEM;
	step->runs++;
	step->failed += model_outcome__bad(task->outcome);
	add(&step->cpu, task->cpu_ns);
	add(&step->wall, task->wall_ns);
	set_peak(&step->peak, task->peak_rss_bytes, false);
	tally->composed |= task->rows > 1;
	return 0;
}

/* ---- failures ---- */

static uint64_t failure_key(const struct model_row *row, const char *name)
{
	uint64_t key = hash__number(row->exit_code, row->signal);

	return hash__bytes(hash__number(key, (uint64_t)row->outcome << 1 | row->forked), name, strlen(name));
}

static struct tally_failure *failure__find(const struct tally *tally, const struct model_row *row)
{
	const char *name = model_command__name(subject(row), row->comm);
	struct hash_node *node = hash__first(&tally->failures, failure_key(row, name));

	for (; node; node = hash__next(node)) {
		struct tally_failure *failure = tally_failure__of(node);

		if (failure->row.exit_code == row->exit_code && failure->row.signal == row->signal &&
		    failure->row.outcome == row->outcome && failure->row.forked == row->forked &&
		    !strcmp(failure->name, name))
			return failure;
	}
	return NULL;
}

static void failure__free(struct tally_failure *failure)
{
	free(failure->shown);
	free(failure->step);
	free(failure->parent);
	free(failure->by);
	free(failure);
}

/* The step of a failure with its id; NULL, too, where it says no more than the command. */
static int set_step(struct tally_failure *failure, const struct model_task *task)
{
	struct text text = {0};

	if (!task || (!task->id && !strcmp(task->step, failure->name)))
		return 0;
	text__safe(&text, task->step, strlen(task->step));
	if (task->id) {
		text__printf(&text, " ");
		text__safe(&text, task->id, strlen(task->id));
	}
	if (text.error)
		text__free(&text);
	failure->step = text.data;
	return text.data ? 0 : -ENOMEM;
}

static struct tally_failure *failure__new(struct tally *tally, const struct model_row *row)
{
	const char *name = model_command__name(subject(row), row->comm);
	struct tally_failure *failure = calloc(1, sizeof(*failure) + strlen(name) + 1);

	if (!failure)
		return NULL;
	failure->row = *row;
	failure->order = tally->failed;
	strcpy(failure->name, name);
	failure->shown = shown(subject(row), row->comm, row->forked && !row->tried);
	if (row->parent)
		failure->parent = shown(row->parent, "", false);
	if (!failure->shown || (row->parent && !failure->parent) || set_step(failure, row->task) ||
	    hash__add(&tally->failures, &failure->node, failure_key(row, name))) {
		failure__free(failure);
		return NULL;
	}
	return failure;
}

static int count_failure(struct tally *tally, const struct model_row *row)
{
	struct tally_failure *failure;

	if (!model_outcome__bad(row->outcome))
		return 0;
	tally->failed++;
	if (row->propagated) {
		tally->propagated++;
		return 0;
	}
	failure = failure__find(tally, row);
	if (!failure && tally->failures.count < FAILURES_MAX) {
		failure = failure__new(tally, row);
		if (!failure)
			return -ENOMEM;
	}
	if (failure)
		failure->count++;
	return 0;
}

int tally__hidden(struct tally *tally, const struct model_row *row, uint32_t pid, const struct model_command *by)
{
	struct tally_failure *failure = row->propagated ? NULL : failure__find(tally, row);

	tally->hidden += !row->propagated;
	if (!failure)
		return 0;
	failure->hidden++;
	if (failure->by || pid == row->ppid || !by)
		return 0;
	failure->by = shown(by, "", false);
	return failure->by ? 0 : -ENOMEM;
}

/* ---- the tally ---- */

int tally__row(struct tally *tally, const struct model_row *row)
{
	bool bound;
	uint64_t peak = peak_of(row, &bound), wall = wall_of(row);
	int err;

	tally->rows++;
	tally->processes += row->last;
	tally->programs += row->image || row->older;
	tally->older |= row->older;
	tally->running += row->outcome == MODEL_RUNNING;
	tally->unknown += row->outcome == MODEL_UNKNOWN;
	add(&tally->cpu, row->cpu_ns);
	note_missing(tally, TALLY_CPU, row->cpu_ns);
	note_missing(tally, TALLY_WALL, wall);
	note_missing(tally, TALLY_PEAK, row->peak_rss_bytes);
	if (row->root && row->last) {
		tally->ended = true;
		tally->root = *row;
	}
	err = count_command(tally, row);
	err = err ? err : count_failure(tally, row);
	err = err || row->root ? err : offer(&tally->longest, wall, row);
	err = err ? err : offer(&tally->largest, peak, row);
	if (!err && row->outcome == MODEL_RUNNING && !row->root)
		err = offer(&tally->open, wall, row);
	return err;
}

struct tally *tally__new(const struct model_run *run, size_t top)
{
	struct tally *tally = calloc(1, sizeof(*tally));

	if (!tally)
		return NULL;
	tally->run = run;
	if (top__init(&tally->longest, top) || top__init(&tally->largest, top) || top__init(&tally->open, top)) {
		tally__free(tally);
		return NULL;
	}
	return tally;
}

static void free_nodes(struct hash *hash, void (*drop)(struct hash_node *node))
{
	struct hash_node *next;

	for (size_t i = 0; i < hash->size; i++)
		for (struct hash_node *node = hash->slots[i]; node; node = next) {
			next = node->next;
			drop(node);
		}
	hash__free(hash);
}

static void drop_command(struct hash_node *node)
{
	free(tally_command__of(node));
}

static void drop_failure(struct hash_node *node)
{
	failure__free(tally_failure__of(node));
}

void tally__free(struct tally *tally)
{
	if (!tally)
		return;
	top__free(&tally->longest);
	top__free(&tally->largest);
	top__free(&tally->open);
	free_nodes(&tally->commands.hash, drop_command);
	free_nodes(&tally->steps.hash, drop_command);
	free_nodes(&tally->failures, drop_failure);
	free(tally);
}
