/* SPDX-License-Identifier: BSD-2-Clause */
/* What a process asked again and again and always got the same answer, which counts as none of its failures: a server that did
 * not come up, before a script gave up. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/totals/tally.h"

#define ANSWERS_MAX 1024 /* of a run, of parents that live or have failed */

struct answer {
	struct hash_node node;
	uint32_t ppid;
	uint64_t parent_start, asked, ended_ns, count;
	struct model_row row; /* its pointers are not valid */
	bool well;	      /* once it was another one */
	char shown[];	      /* safe to show */
};

static struct answer *answer_of(struct hash_node *node)
{
	return (struct answer *)((char *)node - offsetof(struct answer, node));
}

static uint64_t asked_by(const struct model_row *row)
{
	const struct model_list *args = row->command ? &row->command->args : NULL;

	return args && args->data ? hash__bytes(args->length, args->data, args->length) : 0;
}

static struct answer *find(const struct tally *tally, const struct model_row *row, uint64_t asked)
{
	struct hash_node *node = hash__first(&tally->answers, hash__number(row->parent_start, row->ppid));

	for (; node; node = hash__next(node))
		if (answer_of(node)->ppid == row->ppid && answer_of(node)->parent_start == row->parent_start &&
		    answer_of(node)->asked == asked)
			return answer_of(node);
	return NULL;
}

/* NULL: out of memory. */
static struct answer *add(struct tally *tally, const struct model_row *row, uint64_t asked)
{
	struct text shown = {0};
	struct answer *answer;

	text__command(&shown, row->command, row->comm, row->forked);
	answer = shown.error ? NULL : calloc(1, sizeof(*answer) + shown.size + 1);
	if (answer) {
		answer->ppid = row->ppid;
		answer->parent_start = row->parent_start;
		answer->asked = asked;
		answer->row = *row;
		memcpy(answer->shown, shown.data, shown.size);
	}
	text__free(&shown);
	if (answer && hash__add(&tally->answers, &answer->node, hash__number(row->parent_start, row->ppid))) {
		free(answer);
		return NULL;
	}
	return answer;
}

/* What ended well needs no explanation. */
static void forget(struct tally *tally, const struct model_row *row)
{
	struct hash_node *node = hash__first(&tally->answers, hash__number(row->start, row->pid)), *next;

	for (; node; node = next) {
		next = hash__next(node);
		if (answer_of(node)->ppid != row->pid || answer_of(node)->parent_start != row->start)
			continue;
		hash__remove(&tally->answers, node);
		free(answer_of(node));
	}
}

int tally__answer(struct tally *tally, const struct model_row *row)
{
	bool answers = row->benign && row->exit_code && !EVENT_IS_NULL(row->exit_code) && row->last;
	struct answer *answer;
	uint64_t asked;

	if (row->last && !model_outcome__bad(row->outcome))
		forget(tally, row);
	if (EVENT_IS_NULL(row->parent_start) || !row->last || (!answers && !tally->answers.count))
		return 0;
	asked = asked_by(row);
	if (!asked)
		return 0;
	answer = find(tally, row, asked);
	if (!answer && answers && tally->answers.count < ANSWERS_MAX) {
		answer = add(tally, row, asked);
		if (!answer)
			return -ENOMEM;
	}
	if (!answer)
		return 0;
	answer->count++;
	answer->well = answer->well || !answers || row->exit_code != answer->row.exit_code;
	answer->ended_ns = row->ended_ns;
	return 0;
}

bool tally__answered(const struct tally *tally, const struct model_row *row, struct tally_answered *answered)
{
	struct hash_node *node = hash__first(&tally->answers, hash__number(row->start, row->pid));
	const struct answer *last = NULL;

	for (; node; node = hash__next(node)) {
		const struct answer *answer = answer_of(node);

		if (answer->ppid == row->pid && answer->parent_start == row->start && answer->count > 1 &&
		    !answer->well && (!last || answer->ended_ns > last->ended_ns))
			last = answer;
	}
	if (last)
		*answered = (struct tally_answered){&last->row, last->shown, last->count};
	return last;
}

void tally__free_answers(struct tally *tally)
{
	hash__free_all(&tally->answers, offsetof(struct answer, node));
}
