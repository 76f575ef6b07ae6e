/* SPDX-License-Identifier: BSD-2-Clause */
/* Kinds of verdicts. Their names are a contract. */
#ifndef CORE_VERDICT_H
#define CORE_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "core/error.h"

/* In this order they are shown. */
enum verdict_kind {
	VERDICT_DEADLOCK,
	VERDICT_HANG,
	VERDICT_OOM,
	VERDICT_DISK_FULL,
	VERDICT_MISSING_TOOL,
	VERDICT_HIDDEN_FAILURE,
	VERDICT_OUTLIVED,
	VERDICT_RECURSION,
	VERDICT_FORK_STORM,
	VERDICT_SPIN,
	VERDICT_LEAK,
	VERDICT_THRASH,
	VERDICT_THROTTLED,
	VERDICT_IO_BOUND,
	VERDICT_STRAGGLER,
	VERDICT_ZOMBIE,
	VERDICT_KINDS,
};

static inline const char *verdict_kind__name(enum verdict_kind kind)
{
	static const char *const names[VERDICT_KINDS] = {
		"deadlock",   "hang", "oom",  "disk_full", "missing_tool", "hidden_failure", "outlived",  "recursion",
		"fork_storm", "spin", "leak", "thrash",	   "throttled",	   "io_bound",	     "straggler", "zombie",
	};

	return names[kind];
}

static inline bool verdict_kind__find(const char *name, size_t length, enum verdict_kind *kind)
{
	for (unsigned i = 0; i < VERDICT_KINDS; i++) {
		*kind = (enum verdict_kind)i;
		if (strlen(verdict_kind__name(*kind)) == length && !memcmp(verdict_kind__name(*kind), name, length))
			return true;
	}
	return false;
}

/* What --fail-on says of verdicts: "verdict", "verdict=leak", "verdict=leak:likely". */
struct fail_on {
	bool proven[VERDICT_KINDS], likely[VERDICT_KINDS]; /* which ones fail */
};

/* Adds what the text says. 0, or -EINVAL with `err` set. */
int fail_on__parse(struct fail_on *fail, const char *text, struct error *err);

/* Whether a verdict of this kind fails; no kind that this version does not know does. */
bool fail_on__matches(const struct fail_on *fail, const char *kind, bool proven);

#endif
