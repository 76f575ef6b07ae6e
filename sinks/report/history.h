/* SPDX-License-Identifier: BSD-2-Clause */
/* CPU, memory and I/O over time of single processes: of the longest, and of those that failed. */
#ifndef SINKS_REPORT_HISTORY_H
#define SINKS_REPORT_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/base.h"
#include "sinks/report/keep.h"

#define HISTORY_SLICES 64
#define HISTORIES_MAX 2000

enum history_what { HISTORY_CPU, HISTORY_MEMORY, HISTORY_IO, HISTORY_WHATS };

struct history_key {
	uint64_t run, pid, start;
};

/* Slices of equal length from the start of the process, which doubles as it lives on. */
struct history {
	uint64_t weight; /* first: struct keep */
	struct history_key key;
	uint64_t slice_ns, until_ns;	     /* until_ns: since its start */
	uint64_t io_total, io_ns;	     /* as last reported, and when */
	uint64_t held, held_ns, held_before; /* memory by the last sample, when, and by the one before; 0: none */
	uint32_t samples[HISTORY_WHATS];     /* how many were added */
	float slices[HISTORY_WHATS][HISTORY_SLICES]; /* ns of CPU; byte seconds; bytes */
};

struct histories {
	struct hash living;
	struct keep kept; /* of those that ended */
};

void histories__init(struct histories *histories);

/* Adds what was used in [from, until) of boot time: ns of CPU, the bytes held all the time, bytes read and written. 0 or
 * -ENOMEM. */
int histories__add(struct histories *histories, const struct history_key *key, enum history_what what, uint64_t from,
		   uint64_t until, uint64_t amount);

/* Adds to what it read and wrote: `total` is the sum since its start. There are no samples while it does neither: what is
 * new was read or written within the last interval; 0: not known. */
int histories__io(struct histories *histories, const struct history_key *key, uint64_t ts, uint64_t interval_ns,
		  uint64_t total);

/* Takes a sample of what it holds. There is none while that does not change. */
int histories__held(struct histories *histories, const struct history_key *key, uint64_t ts, uint64_t bytes);

/* What it held up to this time: if there is a sample of this very time, what the one before it saw; `bytes` if not. */
uint64_t histories__until(const struct histories *histories, const struct history_key *key, uint64_t ts,
			  uint64_t bytes);

/* It has ended: kept if it was sampled more than once, and as long as there is room for its weight. */
int histories__end(struct histories *histories, const struct history_key *key, uint64_t weight);

/* What is drawn of slice i: CPUs busy, bytes held, bytes a second. */
double history__value(const struct history *history, enum history_what what, size_t i);
size_t history__used(const struct history *history); /* slices */

void histories__free(struct histories *histories);

#endif
