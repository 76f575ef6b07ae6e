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

int retention__choose(struct stored *runs, size_t count, const struct retention_limits *limits, uint64_t now)
{
	struct left left = {0};
	int gone = 0, err;

	if (count)
		qsort(runs, count, sizeof(*runs), compare);
	err = count_all(&left, runs, count);
	for (size_t i = 0; i < count && !err; i++) {
		struct stored *run = &runs[i];
		struct user *user = counts(run) ? user_of(&left, run->uid) : NULL;

		run->goes = NULL;
		if (!user || run->open)
			continue;
		run->goes = reason(&left, run, user, limits, now);
		if (!run->goes)
			continue;
		gone++;
		user->runs--;
		left.runs--;
		left.bytes -= run->bytes;
	}
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

uint64_t retention__next(const struct stored *runs, size_t count, const struct retention_limits *limits)
{
	uint64_t first = UINT64_MAX;

	for (size_t i = 0; i < count && limits->age; i++)
		if (counts(&runs[i]) && !runs[i].open && runs[i].ended < first)
			first = runs[i].ended;
	return first == UINT64_MAX ? 0 : first + limits->age;
}
