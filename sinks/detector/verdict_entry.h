/* SPDX-License-Identifier: BSD-2-Clause */
/* A verdict, as a detector makes it and as sinks show it. */
#ifndef SINKS_DETECTOR_VERDICT_ENTRY_H
#define SINKS_DETECTOR_VERDICT_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/config/config.h"
#include "sinks/model/model.h"

enum verdict_certainty {
	VERDICT_SUSPECTED, /* only what asks for it shows it */
	VERDICT_LIKELY,
	VERDICT_PROVEN,
};

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

struct verdicts; /* all of what is judged together: verdicts.c owns it */

#endif
