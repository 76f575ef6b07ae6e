/* SPDX-License-Identifier: BSD-2-Clause */
/* What a verdict needs, against what the probes of a host give. */
#ifndef CORE_GIVEN_GIVEN_H
#define CORE_GIVEN_GIVEN_H

#include <stddef.h>
#include <stdint.h>

#include "core/probe.h"
#include "core/sink.h"
#include "core/text.h"

/* ---- given.c ---- */

/* One probe, once it was tried. Names and events are the plugin's; the texts are copies. */
struct given {
	const char *name;
	const struct schema_event *events;
	size_t events_count;
	uint64_t recorded;  /* a bit per kind */
	char **unavailable; /* as struct probe has it, terminated by NULL; NULL: it does not run */
	char *failed;	    /* why it does not */
};

struct givens {
	struct given *list;
	size_t count;
};

/* A probe that runs, and one that does not. 0 or -ENOMEM. */
int givens__add(struct givens *givens, const struct probe *probe, uint64_t recorded, const char *const *unavailable);
int givens__add_failed(struct givens *givens, const struct probe *probe, const char *failed);
void givens__free(struct givens *givens);

/* Whether "stream.event" or "stream.event.field" of so many bytes is recorded; if not, why is appended to `reason`. */
bool givens__has(const struct givens *givens, const char *name, size_t length, struct text *reason);

/* ---- meet.c ---- */

enum needs_met {
	NEEDS_NOT_MET, /* no such verdict can come */
	NEEDS_LIKELY,  /* it is never proven */
	NEEDS_MET,
};

/* Unless all is met, why is appended to `reason`. */
enum needs_met needs__meet(const struct givens *givens, const struct sink_verdict *verdict, struct text *reason);

#endif
