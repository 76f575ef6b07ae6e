/* SPDX-License-Identifier: BSD-2-Clause */
/* One expectation under comparison: which figures there are to expect, and how each is judged. */
#ifndef TESTS_TRUTH_COMPARE_H
#define TESTS_TRUTH_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/truth/events.h"

enum verdict { RIGHT, NONE, NULL_VALUE, WRONG };

struct comparison {
	const struct events *events;
	const struct seen *seen; /* NULL: of all, or not seen */
	bool no_oom;		 /* this kernel tells of no victim */
	enum verdict verdict;
	char why[200];
};

/* How far the figures of one kind were off, where they could be compared. */
struct figure {
	const char *name, *unit;
	unsigned per_unit;
	uint64_t compared, worst, sum;
};
extern struct figure cpu_figure, peak_figure;

/* The worst verdict stands, with the first reason for it. */
void judge(struct comparison *c, enum verdict verdict, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The process is once in each stream, or what is not there was lost and told. `alive`: it was there before the
 * collector, so that an event of that name stands for its birth. */
void compare_once(struct comparison *c, bool alive);

/* Copies the reason that a record gives for a missing field; false: it gives none. */
bool missing__reason(const char *missing, const char *field, char *out, size_t size);

/* Of those that stand still: compare_still.c. */
void check_wait(struct comparison *c, const char *value);
void check_word(struct comparison *c, const char *value);
void check_owner(struct comparison *c, const char *value);
void check_blocker(struct comparison *c, const char *value);
void check_opening(struct comparison *c, const char *value);
void check_fd(struct comparison *c, const char *value);
void check_fds(struct comparison *c, const char *value);
void check_locked(struct comparison *c, const char *value);
void check_zombie(struct comparison *c, const char *value);
void check_goes_on(struct comparison *c, const char *value);

/* Judges "key=value" of an expectation. */
void compare(struct comparison *c, const char *key, const char *value);

#endif
