/* SPDX-License-Identifier: BSD-2-Clause */
/* CPU, memory and I/O over time of single processes. */
#include "sinks/report/history.h"

#include <errno.h>
#include <stdlib.h>

#include "sinks/report/slices.h"

#define FIRST_SLICE_NS 1000000

struct living {
	struct hash_node node;
	struct history history;
};

static struct living *living_of(struct hash_node *node)
{
	return (struct living *)((char *)node - offsetof(struct living, node));
}

static uint64_t hash_of(const struct history_key *key)
{
	return hash__number(hash__number(hash__number(0, key->run), key->pid), key->start);
}

static struct living *find(const struct histories *histories, const struct history_key *key)
{
	for (struct hash_node *node = hash__first(&histories->living, hash_of(key)); node; node = hash__next(node)) {
		const struct history_key *its = &living_of(node)->history.key;

		if (its->run == key->run && its->pid == key->pid && its->start == key->start)
			return living_of(node);
	}
	return NULL;
}

/* NULL: out of memory. */
static struct history *get(struct histories *histories, const struct history_key *key)
{
	struct living *living = find(histories, key);

	if (living)
		return &living->history;
	living = calloc(1, sizeof(*living));
	if (!living || hash__add(&histories->living, &living->node, hash_of(key))) {
		free(living);
		return NULL;
	}
	living->history.key = *key;
	living->history.slice_ns = FIRST_SLICE_NS;
	living->history.io_ns = key->start;
	return &living->history;
}

static void drop(void *arg, void *item)
{
	(void)arg;
	(void)item; /* it owns nothing */
}

void histories__init(struct histories *histories)
{
	histories->kept = (struct keep){.item_size = sizeof(struct history), .limit = HISTORIES_MAX, .drop = drop};
}

/* ---- slices ---- */

static void spread(struct history *history, enum history_what what, uint64_t from, uint64_t until, double amount)
{
	for (; (until - 1) / history->slice_ns >= HISTORY_SLICES; history->slice_ns *= 2)
		for (int each = 0; each < HISTORY_WHATS; each++)
			slices__merge_pairs(history->slices[each], HISTORY_SLICES);
	slices__spread(history->slices[what], history->slice_ns, from, until, amount / (double)(until - from));
	if (until > history->until_ns)
		history->until_ns = until;
}

int histories__add(struct histories *histories, const struct history_key *key, enum history_what what, uint64_t from,
		   uint64_t until, uint64_t amount)
{
	struct history *history;

	from = from < key->start ? key->start : from;
	if (until <= from)
		return 0;
	history = get(histories, key);
	if (!history)
		return -ENOMEM;
	history->samples[what]++;
	spread(history, what, from - key->start, until - key->start,
	       what == HISTORY_MEMORY ? (double)amount * (double)(until - from) / 1e9 : (double)amount);
	return 0;
}

int histories__io(struct histories *histories, const struct history_key *key, uint64_t ts, uint64_t interval_ns,
		  uint64_t total)
{
	struct history *history = get(histories, key);
	uint64_t from, more;

	if (!history)
		return -ENOMEM;
	from = history->io_ns;
	more = total > history->io_total ? total - history->io_total : 0;
	if (ts <= from)
		return 0;
	interval_ns += interval_ns / 2; /* a sample may be late */
	if (interval_ns && ts - from > interval_ns)
		from = ts - interval_ns;
	history->io_ns = ts;
	history->io_total += more;
	return histories__add(histories, key, HISTORY_IO, from, ts, more);
}

int histories__held(struct histories *histories, const struct history_key *key, uint64_t ts, uint64_t bytes)
{
	struct history *history = get(histories, key);

	if (!history)
		return -ENOMEM;
	history->held_before = history->held;
	history->held = bytes;
	history->held_ns = ts;
	return 0;
}

uint64_t histories__until(const struct histories *histories, const struct history_key *key, uint64_t ts, uint64_t bytes)
{
	const struct living *living = find(histories, key);

	if (!living || living->history.held_ns != ts || !living->history.held_before)
		return bytes;
	return living->history.held_before;
}

/* ---- the end ---- */

int histories__end(struct histories *histories, const struct history_key *key, uint64_t weight)
{
	struct living *living = find(histories, key);
	bool sampled = false;
	int err = 0;

	if (!living)
		return 0;
	for (int what = 0; what < HISTORY_WHATS; what++)
		sampled |= living->history.samples[what] > 1;
	living->history.weight = weight;
	if (sampled && keep__wants(&histories->kept, weight))
		err = keep__add(&histories->kept, &living->history);
	hash__remove(&histories->living, &living->node);
	free(living);
	return err;
}

size_t history__used(const struct history *history)
{
	return (size_t)((history->until_ns + history->slice_ns - 1) / history->slice_ns);
}

double history__value(const struct history *history, enum history_what what, size_t i)
{
	uint64_t left = history->until_ns - i * history->slice_ns;
	double covered = (double)(left < history->slice_ns ? left : history->slice_ns);

	return (double)history->slices[what][i] / (what == HISTORY_CPU ? covered : covered / 1e9);
}

void histories__free(struct histories *histories)
{
	hash__free_all(&histories->living, offsetof(struct living, node));
	keep__free(&histories->kept);
}
