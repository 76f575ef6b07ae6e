/* SPDX-License-Identifier: BSD-2-Clause */
/* The files of the page, embedded: sinks/report's .html, .css and .js, and uPlot's. */
#ifndef SINKS_REPORT_ASSETS_H
#define SINKS_REPORT_ASSETS_H

#include <stddef.h>

struct asset {
	const char *name; /* "report.css"; NULL ends the table */
	const char *data, *end;
	const char *hash; /* "sha256-...", for the content security policy */
};

extern const struct asset assets[];

const struct asset *asset__find(const char *name, size_t length); /* NULL: not built in */

#endif
