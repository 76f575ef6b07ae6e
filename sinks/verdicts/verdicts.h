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

#include "core/config/config.h"
#include "core/record.h"
#include "core/sink.h"
#include "core/stream.h"
#include "sinks/model/model.h"

enum verdict_certainty {
	VERDICT_SUSPECTED, /* only what asks for it shows it */
	VERDICT_LIKELY,
	VERDICT_PROVEN,
};

const char *verdict_certainty__name(enum verdict_certainty certainty);

/* Strings are safe to show; NULL: nothing. They live as long as the struct verdicts. */
struct verdict {
	const struct model_run *run;
	enum verdict_kind kind;
	enum verdict_certainty certainty;
	bool muted;   /* by `ignore` of the configuration */
	bool dropped; /* another one says more: none that verdicts__get() gives is */
	uint32_t pid;
	uint64_t start, began_ns; /* of the process */
	uint8_t mark;		  /* its detector's: what it is to be looked at for, once all rows are in; 0: nothing */
	size_t head;		  /* its detector's: bytes of the evidence that stay where what comes later says more */
	const char *command, *step;
	uint64_t since_ns, ended_ns; /* boot clock; ended_ns null: it still holds, or its end was not seen */
	const char *evidence;	     /* one sentence with names and numbers */
	const char *refute;	     /* what would prove it wrong */
	const char *next;	     /* what to do */
	const char *members;	     /* "pid 12 (tid 13), pid 14": the processes and threads involved */
	const char *missing;	     /* what could not be looked at, and why */
};

/* Of the detectors, terminated by NULL. */
extern const struct sink_verdict *const verdicts_about[];

/* Whether it is a failure: pages have a block of its own for what failed. */
bool verdict_kind__fails(enum verdict_kind kind);

struct verdicts;

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

/* All records are in; model__ended() has been called for each stream, and model__finish() is next. */
int verdicts__settle(struct verdicts *verdicts);

/* After model__finish(): sorts them by run, kind and begin, drops what another one says better. */
int verdicts__finish(struct verdicts *verdicts);

size_t verdicts__count(const struct verdicts *verdicts);
const struct verdict *verdicts__get(const struct verdicts *verdicts, size_t i);

#endif
