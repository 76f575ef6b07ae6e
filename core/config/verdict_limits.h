/* SPDX-License-Identifier: BSD-2-Clause */
/* The limits by which verdicts are given: the configuration sets them, every stream's header has them,
 * and the detectors of sinks/verdicts read them there. */
#ifndef CORE_CONFIG_VERDICT_LIMITS_H
#define CORE_CONFIG_VERDICT_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/opt.h"
#include "core/verdict.h"

/* Of one kind; what its table does not have is 0. */
struct verdict_limit {
	uint64_t after; /* ns a state lasts before it is reported; as the common one unless it has its own */
	uint64_t floor; /* bytes */
	uint64_t count; /* processes, levels, faults per second: as the table says */
	uint64_t share; /* percent */
};

struct verdict_limits {
	uint64_t after;
	struct verdict_limit kind[VERDICT_KINDS];
	bool own_after[VERDICT_KINDS];
	struct opt_list ignore; /* KIND or KIND:STEP */
};

/* What a kind can be given; never NULL. Offsets are those in struct verdict_limit. */
const struct opt *verdict_limits__options(enum verdict_kind kind);

/* 0, or -ENOMEM. `limits` must be zeroed. */
int verdict_limits__defaults(struct verdict_limits *limits);
void verdict_limits__free(struct verdict_limits *limits);

/* Sets "after", "KIND.NAME", or appends to "ignore", from text as a user would write it. 0, or -EINVAL,
 * -ENOMEM with `err` set. */
int verdict_limits__set(struct verdict_limits *limits, const char *name, const char *text, struct error *err);

/* Appends to `list`, an OPT_LIST, what differs from the defaults, as NAME=VALUE for verdict_limits__set(). 0 or -ENOMEM. */
int verdict_limits__list(const struct verdict_limits *limits, struct opt_list *list);
void verdict_limits__free_list(struct opt_list *list);

/* Whether `ignore` has this kind, for all steps or for this one. */
bool verdict_limits__ignored(const struct verdict_limits *limits, enum verdict_kind kind, const char *step);

#endif
