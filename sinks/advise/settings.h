/* SPDX-License-Identifier: BSD-2-Clause */
/* Needs as a table, and as settings in an engine's own language. */
#ifndef SINKS_ADVISE_SETTINGS_H
#define SINKS_ADVISE_SETTINGS_H

#include "sinks/advise/needs.h"
#include "sinks/model/model.h"

struct settings_format {
	const char *name;
	const char *rules; /* the set of rules whose steps the engine knows; NULL: any */
	void (*put)(struct text *text, const struct needs *needs, uint64_t headroom);
};

extern const struct settings_format settings_formats[]; /* ended by one without a name; first: the default */

#endif
