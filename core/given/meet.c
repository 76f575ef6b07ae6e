/* SPDX-License-Identifier: BSD-2-Clause */
/* Which verdicts can come of what is given. */
#include <string.h>

#include "core/given/given.h"

#define OR " or "

/* One of "cpu.exit or io.exit". If there is none, all reasons are appended, separated by commas. */
static bool has_one(const struct givens *givens, const char *names, size_t length, struct text *reason)
{
	size_t before = reason->size;

	while (length) {
		const char * or = memmem(names, length, OR, strlen(OR));
		size_t first = or ? (size_t)(or -names) : length, used = or ? first + strlen(OR) : length;

		if (givens__has(givens, names, first, reason)) {
			reason->size = before;
			return true;
		}
		names += used;
		length -= used;
		if (length)
			text__printf(reason, ", ");
	}
	return false;
}

/* All of "lifecycle.exit, cpu.exit or io.exit". The first that is missing is the reason. */
static bool has_all(const struct givens *givens, const char *names, struct text *reason)
{
	while (names && *names) {
		size_t length = strcspn(names, ",");

		if (!has_one(givens, names, length, reason))
			return false;
		names += length;
		names += strspn(names, ", ");
	}
	return true;
}

enum needs_met needs__meet(const struct givens *givens, const struct sink_verdict *verdict, struct text *reason)
{
	if (!has_all(givens, verdict->needs, reason))
		return NEEDS_NOT_MET;
	return has_all(givens, verdict->proof, reason) ? NEEDS_MET : NEEDS_LIKELY;
}
