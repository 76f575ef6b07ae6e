/* SPDX-License-Identifier: BSD-2-Clause */
/* Verdicts for a sink that has no model of its own: it passes on its calls, and gets a record for each verdict. */
#ifndef SINKS_JUDGING_JUDGE_H
#define SINKS_JUDGING_JUDGE_H

#include "core/sink.h"
#include "sinks/verdicts/verdicts.h"

struct judge;

/* All but judge__open() and judge__finish() take NULL, and do nothing then: no verdicts are asked for. */

/* With the rules for steps that every sink has by default. 0 or -errno, logged for the sink of that name. */
int judge__open(struct judge **judge, const struct sink_api *api, const char *name);
int judge__stream(struct judge *judge, const struct stream_info *info);
int judge__record(struct judge *judge, const struct record *record);
void judge__ended(struct judge *judge, const struct stream_info *info, const struct stream_state *state);

/* After the last record: what is wrong, as long as the judge lives; NULL: out of memory. No other call follows but free. */
const struct verdicts *judge__settle(struct judge *judge);

/* After the last record: passes a record of each verdict that is proven or likely and not muted to `take`, event "verdict" of
 * the stream "verdicts"; NULL: reports them to the merge instead. 0 or -errno. */
int judge__finish(struct judge *judge, int (*take)(void *arg, const struct record *record), void *arg);
void judge__free(struct judge *judge);

#endif
