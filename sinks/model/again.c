/* SPDX-License-Identifier: BSD-2-Clause */
/* What a process tried again: the same program with the same arguments, in the same folder, after it had failed.
 *
 * A loop over data that are in the environment, or on standard input, starts the same arguments again as well, and the record
 * does not have those. It goes on after a success as it does after a failure; what tries again stops there:
 *
 *	F S		tried again
 *	F F sleep S work	tried again
 *	F S S		a loop over data: its first failed
 *	S F S		a loop over data
 *	F handler S S	a loop over data: what comes after a success comes after a failure, too, and there after its handler
 *
 * What waits after a failure and not after a success tries again. So does a program that asks again from time to time. And an
 * argument that is one more each time counts attempts where it waits so, and the success is the last:
 *
 *	F1 sleep F2 sleep S3 work
 *
 * What runs beside it in a pipe of a shell has the data: zcat a | tool, zcat b | tool. Of two turns without a difference it
 * is unsure whether the second was for other data. */
#include "sinks/model/again.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TURNS_MAX 256	     /* that are kept of a process's children */
#define WAIT_NS 250000000ULL /* more than it takes to start the next one */

/* A child that has ended. */
struct turn {
	uint64_t start, ended;
	uint64_t key;	 /* of what it was asked to execute, and where; 0: none is known */
	uint64_t name;	 /* of its program */
	uint64_t kind;	 /* as the key, without numbers that may count attempts */
	uint32_t sum;	 /* of those */
	uint64_t errors; /* where its descriptor 2 led: errors_of() */
	bool well;
};

/* In order of their starts. */
struct turns {
	uint32_t count, room;
	struct turn *list;
};

/* ---- another run of the same program ---- */

/* With other arguments: with the same it is another try as a whole, or a loop over other data. */
static bool is_another_run(const struct process *runner, const struct ending *bad)
{
	const struct model_command *a = bad->pub.asked, *b = runner->asked;

	return bad->brood && a && b && runner->row.start >= bad->pub.row.ended_ns &&
	       !same__list(&a->args, &b->args, bad->counts_attempts) && same__program(a, b) &&
	       same__folder(bad->pub.command, runner->command);
}

void again__below(const struct process *over, const struct process *runner, const struct process *child)
{
	const struct brood *brood = over ? over->brood : NULL;

	for (uint32_t i = 0; brood && i < brood->count; i++) {
		const struct brood *below = is_another_run(runner, brood->bad[i]) ? brood->bad[i]->brood : NULL;

		for (uint32_t k = 0; below && k < below->count; k++)
			below->bad[k]->redone = below->bad[k]->redone || again__is(child, below->bad[k]);
	}
}

/* Marks what another run has made good. Whether that is all of it. */
static bool settle_redone(const struct brood *brood)
{
	uint32_t redone = 0, left = 0;

	for (uint32_t i = 0; brood && i < brood->count; i++) {
		struct ending *bad = brood->bad[i];

		if (bad->redone)
			bad->fate->retried = true;
		redone += bad->redone;
		left += !bad->fate->retried && !bad->fate->ignored && !bad->pub.row.benign;
	}
	return redone && !left && brood->count < BROOD_MAX;
}

/* ---- the turns of a loop ---- */

static uint64_t key_of(const struct process *p)
{
	const struct model_command *asked = p->asked;
	const struct model_text *cwd = p->command ? &p->command->cwd : NULL;
	uint64_t key;

	if (!asked || !asked->args.data)
		return 0;
	key = hash__bytes(asked->args.length, asked->args.data, asked->args.length);
	return cwd && cwd->data ? hash__bytes(key, cwd->data, cwd->length) : key;
}

#define ATTEMPTS_MAX 2 /* digits */

static bool may_count(const char *argument)
{
	size_t digits = strspn(argument, "0123456789");

	return digits && digits <= ATTEMPTS_MAX && !argument[digits];
}

static void set_kind(struct turn *turn, const struct process *p)
{
	const struct model_list *args = p->asked ? &p->asked->args : NULL;
	const struct model_text *cwd = p->command ? &p->command->cwd : NULL;
	const char *at = args ? args->data : NULL, *end = at ? at + args->length : NULL;

	for (; at && at < end; at += strlen(at) + 1)
		if (may_count(at))
			turn->sum += (uint32_t)atoi(at);
		else
			turn->kind = hash__bytes(turn->kind, at, strlen(at) + 1);
	if (cwd && cwd->data)
		turn->kind = hash__bytes(turn->kind, cwd->data, cwd->length);
}

static uint64_t name_of(const struct process *p)
{
	const char *name = model_command__name(p->command, p->row.comm);

	return hash__bytes(p->row.forked, name, strlen(name));
}

static struct turns *turns_of(struct process *parent)
{
	if (!parent->turns)
		parent->turns = calloc(1, sizeof(*parent->turns));
	return parent->turns;
}

/* The next one like it that began after it. NULL: there is none. */
static const struct turn *next_alike(const struct turns *turns, const struct turn *turn)
{
	for (const struct turn *next = turn + 1; next < turns->list + turns->count; next++)
		if (next->key == turn->key && next->start >= turn->ended)
			return next;
	return NULL;
}

/* From its end until the next one alike, without the time of what ran between. */
static uint64_t idle_between(const struct turn *turn, const struct turn *next)
{
	uint64_t idle = 0, until = turn->ended;

	for (const struct turn *at = turn + 1; at <= next; at++) {
		if (at->start > until)
			idle += at->start - until;
		if (at->ended > until)
			until = at->ended;
	}
	return idle;
}

/* Whether what follows a failure has waited there, and what follows a success has not. */
static bool waited(const struct turn *bad, const struct turn *again, const struct turn *well, const struct turn *next)
{
	uint64_t gap = again->start - bad->ended;

	return gap >= WAIT_NS && (gap > 4 * (next->start - well->ended) || idle_between(bad, again) >= WAIT_NS);
}

/* Whether it went on after the success as after the failure. */
static bool went_on_alike(const struct turn *bad, const struct turn *again, const struct turn *well,
			  const struct turn *next)
{
	if (next - well > again - bad)
		return false;
	while (--next > well)
		if (next->name != (--again)->name)
			return false;
	return true;
}

static const struct turn *turn_of(const struct turns *turns, const struct ending *bad)
{
	for (uint32_t i = 0; turns && i < turns->count; i++)
		if (turns->list[i].start == bad->pub.row.start && turns->list[i].ended == bad->pub.row.ended_ns)
			return &turns->list[i];
	return NULL;
}

/* Whether what is between a failure and the next turn comes after the success as well. */
static bool goes_on_after(const struct turns *turns, const struct turn *bad, const struct turn *again,
			  const struct turn *well)
{
	const struct turn *end = turns->list + turns->count;

	while (++bad < again)
		if (++well >= end || well->name != bad->name)
			return false;
	return true;
}

/* Whether the same program ran right before both, with other arguments. */
static bool was_prepared(const struct turns *turns, const struct turn *bad, const struct turn *again)
{
	return bad > turns->list && bad[-1].name == again[-1].name && bad[-1].key != again[-1].key;
}

/* Whether a loop over other data looks the same: it does not wait, and goes on alike. */
static bool is_unsure(const struct turns *turns, const struct ending *bad)
{
	const struct turn *turn = turn_of(turns, bad), *again = turn && turn->key ? next_alike(turns, turn) : NULL;
	const struct turn *well = again;
	bool waits = again && again->start - turn->ended >= WAIT_NS;

	while (well && !well->well)
		well = next_alike(turns, well);
	if (!well)
		return false;
	if (again == turn + 1)
		return !waits;
	return goes_on_after(turns, turn, again, well) || (!waits && was_prepared(turns, turn, again));
}

static bool overlap(const struct turn *a, const struct turn *b)
{
	return a != b && a->start < b->ended && b->start < a->ended;
}

/* Whether `beside` ran with other arguments beside the next turn, and not with the same, nor with the number of an attempt. */
static bool has_changed(const struct turns *turns, const struct turn *beside, const struct turn *again)
{
	bool changed = false, waits = again->start >= beside->ended && again->start - beside->ended >= WAIT_NS;

	for (const struct turn *at = turns->list; at < turns->list + turns->count; at++) {
		if (!overlap(at, again) || at->name != beside->name || !at->key)
			continue;
		if (at->key == beside->key || (waits && at->kind == beside->kind && at->sum == beside->sum + 1))
			return false;
		changed = true;
	}
	return changed;
}

/* Whether another member of its pipe was called with other arguments the next time. Only of a shell: other programs run their
 * jobs beside each other. */
static bool has_other_input(const struct process *parent, const struct ending *bad)
{
	const struct turns *turns = parent->turns;
	const struct turn *turn = turn_of(turns, bad), *again = turn && turn->key ? next_alike(turns, turn) : NULL;

	if (!again || !model_command__is_shell(parent->command, parent->row.comm))
		return false;
	for (const struct turn *at = turns->list; at < turns->list + turns->count; at++)
		if (at->key && overlap(at, turn) && !overlap(at, again) && has_changed(turns, at, again))
			return true;
	return false;
}

/* The next one whose numbers are one more; NULL: there is none. */
static const struct turn *next_counted(const struct turns *turns, const struct turn *turn)
{
	for (const struct turn *next = turn + 1; next < turns->list + turns->count; next++)
		if (next->kind == turn->kind && next->start >= turn->ended)
			return next->sum == turn->sum + 1 ? next : NULL;
	return NULL;
}

static const struct turn *first_after(const struct turns *turns, const struct turn *turn)
{
	for (const struct turn *next = turn + 1; next < turns->list + turns->count; next++)
		if (next->start >= turn->ended)
			return next;
	return NULL;
}

static const struct turn *last_before(const struct turns *turns, const struct turn *turn)
{
	const struct turn *last = NULL;

	for (const struct turn *at = turns->list; at < turn; at++)
		if (at->ended <= turn->start && (!last || at->ended > last->ended))
			last = at;
	return last;
}

/* The failure with which the count began. */
static const struct turn *first_counted(const struct turns *turns, const struct turn *turn)
{
	for (const struct turn *at = turn; at-- > turns->list;)
		if (at->kind == turn->kind && at->sum + 1 == turn->sum && !at->well && at->ended <= turn->start)
			turn = at;
	return turn;
}

/* Whether what comes before the first, or after the success, is what comes after the failure: the same program, or a wait of the
 * parent. */
static bool waits_alike(const struct process *parent, const struct turn *first, const struct turn *again,
			const struct turn *well)
{
	const struct turn *handler = first_after(parent->turns, first), *after = first_after(parent->turns, well);
	const struct turn *before = last_before(parent->turns, first);
	uint64_t from = before ? before->ended : parent->row.start, until = after ? after->start : parent->row.ended_ns;
	uint64_t wait = (again->start - first->ended) / 4;

	if (handler != again)
		return (before && before->name == handler->name) || (after && after->name == handler->name);
	return EVENT_IS_NULL(until) || until - well->ended >= wait || first->start - from >= wait;
}

static bool counts_attempts(const struct process *parent, const struct ending *bad)
{
	const struct turns *turns = parent->turns;
	const struct turn *turn = turn_of(turns, bad), *first = turn ? first_counted(turns, turn) : NULL;
	const struct turn *again = first ? next_counted(turns, first) : NULL, *well = again;

	turn = first;
	while (well && well->start - turn->ended >= WAIT_NS && !well->well) {
		turn = well;
		well = next_counted(turns, turn);
	}
	if (!well || well->start - turn->ended < WAIT_NS || waits_alike(parent, first, again, well))
		return false;
	for (turn = well + 1; turn < turns->list + turns->count; turn++)
		if (turn->kind == well->kind)
			return false;
	return true;
}

static bool is_loop(const struct turns *turns, const struct ending *bad)
{
	const struct turn *turn = turn_of(turns, bad), *again = turn && turn->key ? next_alike(turns, turn) : NULL,
			  *next;

	for (const struct turn *well = turns ? turns->list : NULL; again && well < turns->list + turns->count; well++) {
		next = well->well && well->key == turn->key ? next_alike(turns, well) : NULL;
		if (next && went_on_alike(turn, again, well, next) && !waited(turn, again, well, next))
			return true;
	}
	return false;
}

/* What its siblings did while it ran, and after that. */
static void see_siblings(const struct process *parent, struct ending *bad)
{
	const struct brood *brood = parent->brood;
	const struct turns *turns = parent->turns;

	for (uint32_t i = 0; turns && i < turns->count; i++) {
		uint64_t start = turns->list[i].start;

		if (start >= bad->pub.row.ended_ns)
			bad->followed_ns = start; /* they are in order */
		else if (start > bad->pub.row.start)
			bad->overlapped = true;
	}
	for (uint32_t i = 0; i < brood->count && !bad->polled; i++)
		bad->polled = brood->bad[i] != bad && again__is_same(brood->bad[i], bad) &&
			      model_row__status(&brood->bad[i]->pub.row) == model_row__status(&bad->pub.row);
}

void again__settle(const struct process *parent, uint64_t until)
{
	const struct brood *brood = parent->brood;

	for (uint32_t i = 0; brood && i < brood->count && brood->bad[i]->pub.row.start <= until; i++) {
		struct ending *bad = brood->bad[i];

		see_siblings(parent, bad);
		if (bad->fate->retried)
			continue;
		bad->loop = bad->again && (bad->loop || is_loop(parent->turns, bad) || has_other_input(parent, bad));
		bad->fate->retried = (bad->again && !bad->loop) || settle_redone(bad->brood) ||
				     (!bad->again && counts_attempts(parent, bad));
		bad->fate->unsure = bad->again && is_unsure(parent->turns, bad);
	}
}

/* 0 or -ENOMEM. */
static int make_room(struct process *parent)
{
	struct turns *turns = parent->turns;
	uint32_t room = turns->room ? 2 * turns->room : 4, half = TURNS_MAX / 2;
	struct turn *list;

	if (turns->count < turns->room)
		return 0;
	if (turns->room == TURNS_MAX) {
		again__settle(parent, turns->list[half].start);
		memmove(turns->list, turns->list + half, half * sizeof(*list));
		turns->count = half;
		return 0;
	}
	list = reallocarray(turns->list, room, sizeof(*list));
	if (!list)
		return -ENOMEM;
	turns->list = list;
	turns->room = room;
	return 0;
}

/* The pipe of its descriptor 2, or a number for the file; 0: neither. */
static uint64_t errors_of(const struct model_command *command)
{
	const struct model_text *file = command ? &command->errors : NULL;

	if (!file || !file->data)
		return command ? command->pipe : 0;
	return hash__bytes(file->length, file->data, file->length);
}

int again__note(struct process *parent, const struct process *child)
{
	struct turn turn = {.start = child->row.start,
			    .ended = child->row.ended_ns,
			    .key = key_of(child),
			    .name = name_of(child),
			    .errors = child->row.forked ? 0 : errors_of(child->command),
			    .well = child->row.outcome == MODEL_OK};
	struct turns *turns = turns_of(parent);
	uint32_t at;

	set_kind(&turn, child);
	if (!turns || make_room(parent))
		return -ENOMEM;
	for (at = turns->count; at && turns->list[at - 1].start > turn.start; at--)
		turns->list[at] = turns->list[at - 1];
	turns->list[at] = turn;
	turns->count++;
	return 0;
}

bool again__has_beside(const struct process *parent, const struct ending *bad, uint64_t until)
{
	const struct model_row *row = &bad->pub.row;

	for (uint32_t i = 0; parent->turns && i < parent->turns->count; i++) {
		const struct turn *turn = &parent->turns->list[i];

		if (turn->start != row->start && turn->start < until && turn->ended > row->start)
			return true;
	}
	return false;
}

bool again__has_own_errors(const struct process *parent, const struct ending *bad)
{
	uint64_t errors = bad->pub.row.forked ? 0 : errors_of(bad->pub.command);
	uint32_t users = 0;

	if (!errors || errors == errors_of(parent->command))
		return false;
	for (uint32_t i = 0; parent->turns && i < parent->turns->count; i++)
		users += parent->turns->list[i].errors == errors;
	return users <= 1;
}

bool again__has_own_pipe(const struct process *parent, const struct ending *bad)
{
	return bad->pub.command && bad->pub.command->pipe && again__has_own_errors(parent, bad);
}

bool again__reader_left(const struct process *parent, const struct process *child)
{
	const struct turns *turns = parent->turns;

	for (uint32_t i = turns ? turns->count : 0; i-- > 0 && turns->list[i].start > child->row.start;)
		if (turns->list[i].well && turns->list[i].ended <= child->row.ended_ns)
			return true;
	return false;
}

void again__free(struct turns *turns)
{
	if (turns)
		free(turns->list);
	free(turns);
}
