/* SPDX-License-Identifier: BSD-2-Clause */
/* The choice of the runs that go. */
#include "core/runs/retention.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/base.h"
#include "core/stream.h"

struct user {
	struct hash_node node;
	uint32_t uid;
	uint64_t runs;
};

/* What stays, so far. */
struct left {
	uint64_t runs, bytes;
	struct hash users;
};

static int compare(const void *a, const void *b)
{
	const struct stored *x = a, *y = b;

	if (x->open != y->open)
		return x->open - y->open;
	if (x->ended != y->ended)
		return x->ended < y->ended ? -1 : 1;
	return strcmp(x->id, y->id);
}

/* NULL: out of memory. */
static struct user *user_of(struct left *left, uint32_t uid)
{
	uint64_t key = hash__number(0, uid);
	struct user *user;

	for (struct hash_node *node = hash__first(&left->users, key); node; node = hash__next(node))
		if (((struct user *)node)->uid == uid)
			return (struct user *)node;
	user = calloc(1, sizeof(*user));
	if (!user)
		return NULL;
	user->uid = uid;
	if (!hash__add(&left->users, &user->node, key))
		return user;
	free(user);
	return NULL;
}

static bool counts(const struct stored *run)
{
	return run->measured && !run->kept;
}

static int count_all(struct left *left, const struct stored *runs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct user *user = counts(&runs[i]) ? user_of(left, runs[i].uid) : NULL;

		if (!counts(&runs[i]))
			continue;
		if (!user)
			return -ENOMEM;
		user->runs++;
		left->runs++;
		left->bytes += runs[i].bytes;
	}
	return 0;
}

static bool exceeds(uint64_t value, uint64_t limit)
{
	return limit && value > limit;
}

/* The limit for which the oldest run that has ended goes; NULL: it stays. */
static const char *reason(const struct left *left, const struct stored *run, const struct user *user,
			  const struct retention_limits *limits, uint64_t now)
{
	if (now > run->ended && exceeds(now - run->ended, limits->age))
		return "limits.age";
	if (exceeds(left->bytes, limits->total))
		return "limits.total";
	if (exceeds(left->runs, limits->runs))
		return "limits.runs";
	if (run->uid != STREAM_NO_UID && exceeds(user->runs, limits->runs_per_user))
		return "limits.runs_per_user";
	return NULL;
}

/* Those that wait for a sink are left out. */
static int choose(struct left *left, struct stored *runs, size_t count, const struct retention_limits *limits,
		  uint64_t now, const struct retention_wait *wait)
{
	int gone = 0;

	for (size_t i = 0; i < count; i++) {
		struct stored *run = &runs[i];
		struct user *user = counts(run) && !run->open && !run->goes ? user_of(left, run->uid) : NULL;
		const char *goes = user ? reason(left, run, user, limits, now) : NULL;

		if (!goes || (wait && wait->waits(wait->arg, run)))
			continue;
		run->goes = goes;
		gone++;
		user->runs--;
		left->runs--;
		left->bytes -= run->bytes;
	}
	return gone;
}

int retention__choose(struct stored *runs, size_t count, const struct retention_limits *limits, uint64_t now,
		      const struct retention_wait *wait)
{
	struct left left = {0};
	int gone = 0, err;

	if (count)
		qsort(runs, count, sizeof(*runs), compare);
	for (size_t i = 0; i < count; i++)
		runs[i].goes = NULL;
	err = count_all(&left, runs, count);
	if (!err)
		gone = choose(&left, runs, count, limits, now, wait);
	if (!err && limits->drop_undelivered)
		gone += choose(&left, runs, count, limits, now, NULL);
	hash__free_all(&left.users, offsetof(struct user, node));
	return err ? err : gone;
}

bool retention__exceeds(const struct stored *runs, size_t count, const struct retention_limits *limits)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < count; i++)
		if (counts(&runs[i]) && !runs[i].goes)
			bytes += runs[i].bytes;
	return exceeds(bytes, limits->total);
}

/* A limit, and what counts for it. */
struct crowd {
	uint64_t limit; /* 0: none */
	uint32_t uid;	/* of the runs of this user; STREAM_NO_UID: of all */
	uint64_t mean;	/* bytes of a run; 0: their number counts */
};

/* What is recorded, or has just been, is not smaller than others: many may begin at once. */
static uint64_t weight(const struct crowd *crowd, const struct stored *run)
{
	if (run->kept || (crowd->uid != STREAM_NO_UID && run->uid != crowd->uid))
		return 0;
	if (!crowd->mean)
		return counts(run);
	return (run->measured && !run->open) || run->bytes > crowd->mean ? run->bytes : crowd->mean;
}

static uint64_t mean_of(const struct stored *runs, size_t count)
{
	uint64_t bytes = 0, found = 0;

	for (size_t i = 0; i < count; i++) {
		if (!counts(&runs[i]) || runs[i].open)
			continue;
		bytes += runs[i].bytes;
		found++;
	}
	return found ? bytes / found + 1 : 1;
}

/* Whether one more run has no room, though all that may go does, and that is since some wait. */
static bool is_crowded(struct stored *runs, size_t count, const struct crowd *crowd, const struct retention_wait *wait)
{
	uint64_t found = crowd->mean ? crowd->mean : 1, excess;
	bool waiting = false;

	for (size_t i = 0; i < count; i++)
		found += weight(crowd, &runs[i]);
	excess = exceeds(found, crowd->limit) ? found - crowd->limit : 0;
	for (size_t i = 0; i < count && excess; i++) {
		uint64_t own = runs[i].open || !runs[i].measured ? 0 : weight(crowd, &runs[i]);

		if (own && wait->waits(wait->arg, &runs[i]))
			waiting = true;
		else
			excess -= own < excess ? own : excess;
	}
	return excess && waiting;
}

const char *retention__refuses(struct stored *runs, size_t count, const struct retention_limits *limits, uint32_t uid,
			       const struct retention_wait *wait)
{
	const struct {
		const char *name;
		struct crowd crowd;
	} checks[] = {
		/* what is left of it is for runs that are open */
		{"limits.total", {limits->total - limits->total / 8, STREAM_NO_UID, mean_of(runs, count)}},
		{"limits.runs", {limits->runs, STREAM_NO_UID, 0}},
		{"limits.runs_per_user", {uid == STREAM_NO_UID ? 0 : limits->runs_per_user, uid, 0}},
	};

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]) && !limits->drop_undelivered; i++)
		if (is_crowded(runs, count, &checks[i].crowd, wait))
			return checks[i].name;
	return NULL;
}

uint64_t retention__next(const struct stored *runs, size_t count, const struct retention_limits *limits)
{
	uint64_t first = UINT64_MAX;

	for (size_t i = 0; i < count && limits->age; i++)
		if (counts(&runs[i]) && !runs[i].open && !runs[i].sink && runs[i].ended < first)
			first = runs[i].ended;
	return first == UINT64_MAX ? 0 : first + limits->age;
}

void retention__ask_again(struct stored *runs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		runs[i].delivered = false;
		runs[i].sink = NULL;
	}
}

uint64_t retention__used(const struct stored *runs, size_t count, uint64_t *bytes)
{
	uint64_t used = 0;

	*bytes = 0;
	for (size_t i = 0; i < count; i++) {
		used += counts(&runs[i]);
		*bytes += counts(&runs[i]) ? runs[i].bytes : 0;
	}
	return used;
}
