/* SPDX-License-Identifier: BSD-2-Clause */
/* The files of the page, embedded: sinks/report's own .html, .css and .js, and uPlot's. */
#ifndef SINKS_REPORT_ASSETS_H
#define SINKS_REPORT_ASSETS_H

#include <stddef.h>

struct asset {
	const char *name; /* "report.css"; NULL ends the table */
	const char *data, *end;
	const char *hash; /* "sha256-...", as a content security policy has it */
};

extern const struct asset assets[];

const struct asset *asset__find(const char *name, size_t length); /* NULL: it was not there to be built in */

#endif
