/* SPDX-License-Identifier: BSD-2-Clause */
/* Verdicts on a run that goes on. What is wrong is only known at the end of the records, by rows of processes that still live,
 * and judging them ends the model: so each pass is a child of this process, which judges a copy and reports to its parent. */
#ifndef SINKS_JUDGING_PASS_H
#define SINKS_JUDGING_PASS_H

#include "core/buffer.h"
#include "sinks/judging/judge.h"

/* What a pass found: proven or likely, not muted, and no failure. */
struct verdict_found {
	uint64_t start, since_ns;
	uint32_t pid;
	enum verdict_kind kind;
	enum verdict_certainty certainty;
	uint32_t length; /* of the evidence */
	bool lasts;	 /* it still holds */
};

/* The judge of a run, or of several, and their streams. Zeroed at first. */
struct verdict_pass {
	struct judge *judge;
	const struct stream_info **streams; /* borrowed */
	size_t count;
	uint64_t ended_ns, took_ns; /* the last pass; boot clock */
};

int verdict_pass__open(struct verdict_pass *pass, const struct sink_api *api, const char *name); /* 0 or -errno */
int verdict_pass__stream(struct verdict_pass *pass, const struct stream_info *info);
void verdict_pass__close(struct verdict_pass *pass);

/* When the next one is due, on the boot clock: passes take one part in 20 of the time at most. */
uint64_t verdict_pass__due(const struct verdict_pass *pass);

/* Fills `found` with what report() writes to `out` in a copy of this process, for a minute at most; it returns 0 if that is all.
 * 0, or -errno: there is nothing then. */
int verdict_pass__apart(int (*report)(void *arg, int out), void *arg, struct buffer *found);

/* Fills `found`. 0, or -errno: it has nothing then. */
int verdict_pass__run(struct verdict_pass *pass, struct buffer *found);

/* The verdict at *at, from 0, with its evidence (not ended by a NUL); NULL: there are no more. */
const char *verdict_found__next(const struct buffer *found, size_t *at, struct verdict_found *verdict);

#endif
