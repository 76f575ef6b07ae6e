/* SPDX-License-Identifier: BSD-2-Clause */
/* The runs in the daemon's output folder: what they take, and the removal of those that limits ask for. The keeper's. */
#ifndef CORE_RUNS_STORE_H
#define CORE_RUNS_STORE_H

#include <stdbool.h>
#include <stdint.h>

struct delivered;
struct retention_limits;
struct store;

#define STORE_SOON_NS 1000000000ull /* from a change to store__work() */

/* Touches nothing yet. `delivered` says which runs wait for a sink; NULL: none does. Neither that nor `output` is copied. NULL:
 * out of memory. */
struct store *store__new(const char *output, const struct retention_limits *limits, struct delivered *delivered);

/* Other limits, and other sinks in `delivered`: which runs wait for one is found out again. */
void store__reload(struct store *store, const struct retention_limits *limits);

/* A folder was made for a run of the recorder, of this user. 0 or -ENOMEM. */
int store__made(struct store *store, const char *id, uint32_t number, uint32_t uid);
void store__ended(struct store *store, uint32_t number); /* its streams have ended */

/* Looks for what has changed, and removes what is to go. Takes some 100 ms at most. Returns after how many ns to call it
 * again; 0: after the next change. */
uint64_t store__work(struct store *store);

/* Whether limits.total is exceeded by runs that cannot go: nothing more may be recorded. Of the last store__work(). */
bool store__is_full(const struct store *store);

/* A sink for which runs wait that would have gone; NULL: there is none. Of the last of the other calls. */
const char *store__waits_for(const struct store *store);

/* The limit that leaves no room for another run of this user, since runs wait for a sink; NULL: there is room. */
const char *store__refuses(struct store *store, uint32_t uid);

bool store__is_low(struct store *store); /* whether the disk has little left; a quota is not seen */

/* If the disk is full, removes the oldest ended runs until it is not. Whether there is room then. */
bool store__free_space(struct store *store);

/* How many runs were removed though they waited for a sink, so far. */
uint64_t store__undelivered(const struct store *store);

/* How many runs there are, those that the limits do not count left out, and the bytes that they take, of the last
 * store__work(). */
uint64_t store__used(const struct store *store, uint64_t *bytes);

void store__free(struct store *store); /* takes NULL */

#endif
