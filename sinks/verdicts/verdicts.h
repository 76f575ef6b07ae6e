/* SPDX-License-Identifier: BSD-2-Clause */
/* Verdicts: what is wrong with a run's processes, from merged records and the model alone, so that a run can be judged again
 * offline. One file a detector, all in one table. Detectors know no program by name: only their sentences have names.
 *
 * A sink on the model owns a struct verdicts beside its model and passes on what it gets: each record before the model
 * gets it, and the model's calls. Each function returns 0 or -ENOMEM. */
#ifndef SINKS_VERDICTS_VERDICTS_H
#define SINKS_VERDICTS_VERDICTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/record.h"
#include "core/sink.h"
#include "core/stream.h"
#include "sinks/detector/verdict_entry.h"
#include "sinks/model/model.h"

const char *verdict_certainty__name(enum verdict_certainty certainty);

/* Of the detectors, terminated by NULL. */
extern const struct sink_verdict *const verdicts_about[];

/* Whether it is a failure: pages have a block of its own for what failed. */
bool verdict_kind__fails(enum verdict_kind kind);

struct verdicts *verdicts__new(void);		/* NULL: out of memory */
void verdicts__free(struct verdicts *verdicts); /* takes NULL */

/* The model whose calls will be passed on, before the first stream. It is borrowed. */
void verdicts__of_model(struct verdicts *verdicts, const struct model *model);
int verdicts__stream(struct verdicts *verdicts, const struct stream_info *info);
int verdicts__record(struct verdicts *verdicts, const struct record *record);

/* The model's calls. */
int verdicts__row(struct verdicts *verdicts, const struct model_row *row);
int verdicts__hidden(struct verdicts *verdicts, const struct model_row *row, uint32_t pid,
		     const struct model_command *by);
int verdicts__retried(struct verdicts *verdicts, const struct model_row *row);
int verdicts__ignored(struct verdicts *verdicts, const struct model_row *row);

/* After verdicts__hidden() of the row: whether that it is hidden is a suspicion only, which no page shows. */
bool verdicts__suspects(const struct verdicts *verdicts, const struct model_row *row);

/* All records are in; model__ended() has been called for each stream, and model__finish() is next. */
int verdicts__settle(struct verdicts *verdicts);

/* After model__finish(): sorts them by run, kind and begin, drops what another one says better. */
int verdicts__finish(struct verdicts *verdicts);

size_t verdicts__count(const struct verdicts *verdicts);
const struct verdict *verdicts__get(const struct verdicts *verdicts, size_t i);

#endif
